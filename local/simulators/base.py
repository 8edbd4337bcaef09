"""What every simulator shares: it keeps what it got, says it, and misbehaves on command.

A simulator of a third party is a Flask app with its own routes, finished by `observed`:

    GET  /_requests   what it got, oldest first; "answered" is null where no answer went out
    POST /_behave     how the next requests are answered; several calls queue up
    POST /_reset      forget both and what the app itself knows (`app.extensions["forget"]` is called); cut what hangs

Behaviours that do not do the work:

    {"status": 503}, {"retry_after": 5}, {"status": 302, "location": "..."}, {"answer_bytes": 5000000}
    {"drop": true}                        the connection is cut

Those that do:

    {"lose_answer": true}                 then the connection is cut
    {"lose_answer": true, "status": 502}  then that is answered, or another answer of the first line above
    {"garbage": true}                     then a page of HTML is answered, with 200 or the status given
    {"hang_s": 30}                        but only after so long; answered as ever

`hang_s` goes with all of them: the wait comes first, but with `lose_answer` it comes after the work. `times` repeats a
behaviour. With `method`, `path` (how it begins) or `about` (a text that the body has, such as an order's id) it waits
for the first request that has them, and others pass it by.
{"times": 2} alone lets two pass unharmed.
"""

import argparse
import base64
import json
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, request
from jsonschema import Draft202012Validator
from werkzeug.serving import make_server

from local.guard import LOOPBACK, Guard, guarded_wsgi

CONTROL = "/_"
CUT = "pressroom.cut"
"""The key that an environment gets when its connection is to be cut."""
GARBAGE = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n"

AN_ANSWER = ("status", "retry_after", "location", "answer_bytes", "garbage")
WHEN = ("times", "method", "path", "about")
BEHAVIOUR = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            "method": {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]},
            "path": {"type": "string", "pattern": "^/"},
            "about": {"type": "string", "minLength": 1},
            "status": {"type": "integer", "minimum": 200, "maximum": 599},
            "times": {"type": "integer", "minimum": 1},
            "hang_s": {"type": "number", "minimum": 0},
            "retry_after": {"type": ["number", "string"]},
            "lose_answer": {"type": "boolean"},
            "drop": {"type": "boolean"},
            "garbage": {"type": "boolean"},
            "answer_bytes": {"type": "integer", "minimum": 0},
            "location": {"type": "string"},
        },
        "additionalProperties": False,
        "minProperties": 1,
        "if": {"properties": {"drop": {"const": True}}, "required": ["drop"]},
        "then": {"propertyNames": {"enum": ["drop", "hang_s", *WHEN]}},
    }
)


class Notebook:
    """What arrived and what is still to be misbehaved; shared by the server's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[dict[str, Any]] = []
        self._behaviours: deque[dict[str, Any]] = deque()
        self._over = threading.Event()

    def admit(self, entry: dict[str, Any]) -> tuple[dict[str, Any], threading.Event]:
        """Note a request; the oldest behaviour that is meant for it, and the event that a reset sets."""
        method, path, text = entry["method"], entry["path"], base64.b64decode(entry["raw"])
        with self._lock:
            self._requests.append(entry)
            for at, behaviour in enumerate(self._behaviours):
                meant = behaviour.get("method", method) == method and path.startswith(behaviour.get("path", ""))
                if meant and behaviour.get("about", "").encode() in text:
                    del self._behaviours[at]
                    return behaviour, self._over
            return {}, self._over

    def requests(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(entry) for entry in self._requests]

    def plan(self, behaviour: dict[str, Any]) -> None:
        with self._lock:
            self._behaviours.extend([behaviour] * behaviour.get("times", 1))

    def reset(self) -> None:
        with self._lock:
            self._requests.clear()
            self._behaviours.clear()
            self._over.set()
            self._over = threading.Event()


def observed(app: Flask) -> Flask:
    """Give a simulator's app its notebook, its control routes and its bad manners.

    A connection that is cut raises `ConnectionResetError` in a test client, which has none.
    """
    notebook = Notebook()

    @app.get("/_requests")
    def listing() -> Response:
        return _json(notebook.requests())

    @app.post("/_behave")
    def behave() -> Response:
        wanted: Any = request.get_json(silent=True)
        errors = [error.message for error in BEHAVIOUR.iter_errors(wanted)]
        if errors:
            return _json({"errors": errors}, 400)
        notebook.plan(wanted)
        return _json({"planned": wanted})

    @app.post("/_reset")
    def reset() -> Response:
        notebook.reset()
        app.extensions.get("forget", lambda: None)()
        return _json({})

    @app.before_request
    def note() -> Response | None:
        if request.path.startswith(CONTROL):
            return None
        g.entry = _entry()
        g.behaviour, g.over = notebook.admit(g.entry)
        if g.behaviour.get("lose_answer"):
            return None
        if g.over.wait(g.behaviour.get("hang_s", 0)) or g.behaviour.get("drop"):
            return _cut()
        return None if g.behaviour.get("garbage") else _instead(g.behaviour)

    @app.after_request
    def answered(response: Response) -> Response:
        if "entry" not in g:
            return response
        if g.behaviour.get("garbage") or g.behaviour.get("lose_answer"):
            response = _instead(g.behaviour) or _cut()
        if g.behaviour.get("lose_answer") and g.over.wait(g.behaviour.get("hang_s", 0)):
            response = _cut()
        if CUT not in request.environ:
            g.entry["answered"] = response.status_code
        return response

    app.wsgi_app = _cutting(app.wsgi_app)  # type: ignore[method-assign]
    return app


def serve(make_app: Callable[[argparse.Namespace], Flask], parser: argparse.ArgumentParser) -> None:
    """Run a simulator until it is ended, one thread per connection so that a hanging answer holds up nobody."""
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", action="append", help="an address to listen on; may be given several times")
    arguments = parser.parse_args()
    hosts = arguments.host or [LOOPBACK]
    app = guarded_wsgi(observed(make_app(arguments)), Guard(for_containers=hosts != [LOOPBACK]))
    first, *others = [make_server(host, arguments.port, app, threaded=True) for host in hosts]
    for server in others:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    first.serve_forever()


def _entry() -> dict[str, Any]:
    raw = request.get_data()
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = raw.decode(errors="replace")
    return {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "method": request.method,
        "path": request.full_path.rstrip("?"),
        "headers": dict(request.headers.items()),
        "body": body,
        "raw": base64.b64encode(raw).decode(),
        "answered": None,
    }


def _instead(behaviour: dict[str, Any]) -> Response | None:
    """What is answered instead of the app's own answer, if anything is."""
    if not any(behaviour.get(name, False) is not False for name in AN_ANSWER):
        return None
    answer = Response(status=behaviour.get("status", 429 if "retry_after" in behaviour else 200))
    if "retry_after" in behaviour:
        answer.headers["Retry-After"] = str(behaviour["retry_after"])
    if "location" in behaviour:
        answer.headers["Location"] = behaviour["location"]
    if "answer_bytes" in behaviour:
        answer.set_data(b"x" * behaviour["answer_bytes"])
    if behaviour.get("garbage"):
        answer.set_data(GARBAGE)
    return answer


def _cut() -> Response:
    request.environ[CUT] = True
    return Response(status=500)  # nobody sees it


def _cutting(app: Any) -> Any:
    """A WSGI app that closes the connection, without a word, where the app it wraps says so."""

    def wrapper(environ: dict[str, Any], start_response: Any) -> Any:
        answer = app(environ, start_response)
        if CUT not in environ:
            return answer
        answer.close()
        connection: socket.socket | None = environ.get("werkzeug.socket")
        if connection:
            with suppress(OSError):  # the other side has gone already
                connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError("the connection was cut")  # the server takes it as the other side's doing

    return wrapper


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json")
