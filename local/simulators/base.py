"""What all simulators share: each records its requests, lists them, and fails on command.

A simulator of a third party is a Flask app with its own routes, wrapped by `observed`:

    GET  /_requests   the recorded requests, oldest first; "answered" is null if no response was sent
    POST /_behave     how to respond to the next requests; behaviours queue up
    POST /_reset      clear both and the app's own state (it calls `app.extensions["forget"]`); cut hanging connections

Behaviours without the work (the app does not process the request):

    {"status": 503}, {"retry_after": 5}, {"status": 302, "location": "..."}, {"answer_bytes": 5000000}
    {"drop": true}                        the connection is cut

Behaviours with the work (the app processes the request):

    {"lose_answer": true}                 the connection is cut
    {"lose_answer": true, "status": 502}  the response is this, or another of the first line above
    {"garbage": true}                     the response is a page of HTML, with status 200 or the one given
    {"hang_s": 30}                        the normal response, after this delay

`hang_s` combines with all of them. The delay comes before the work, but with `lose_answer` it comes after it. `times`
repeats a behaviour. With `method`, `path` (a prefix) or `about` (a text in the body, such as an order's id), a
behaviour waits for the first request that matches; other requests are not affected. {"times": 2} alone lets two
requests pass as usual.
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
"""The key in a WSGI environment whose connection has to be cut."""
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
    """The recorded requests and the planned behaviours; shared by the server's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[dict[str, Any]] = []
        self._behaviours: deque[dict[str, Any]] = deque()
        self._over = threading.Event()

    def admit(self, entry: dict[str, Any]) -> tuple[dict[str, Any], threading.Event]:
        """Record a request; return the oldest behaviour that matches it, and the event that a reset sets."""
        method, path, text = entry["method"], entry["path"], base64.b64decode(entry["raw"])
        with self._lock:
            self._requests.append(entry)
            for index, behaviour in enumerate(self._behaviours):
                matches = behaviour.get("method", method) == method and path.startswith(behaviour.get("path", ""))
                if matches and behaviour.get("about", "").encode() in text:
                    del self._behaviours[index]
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
    """Add recording, the control routes and the behaviours to a simulator's app.

    A test client has no connection: there, a cut raises `ConnectionResetError`.
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
    def record() -> Response | None:
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
    """Run a simulator until it is ended, with one thread per connection: a delayed response blocks no other request."""
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
    """Return the response that replaces the app's own, if there is one."""
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
    return Response(status=500)  # it is never sent


def _cutting(app: Any) -> Any:
    """Wrap a WSGI app: close the connection without a response if the app marks it with CUT."""

    def wrapper(environ: dict[str, Any], start_response: Any) -> Any:
        answer = app(environ, start_response)
        if CUT not in environ:
            return answer
        answer.close()
        connection: socket.socket | None = environ.get("werkzeug.socket")
        if connection:
            with suppress(OSError):  # the client has closed it already
                connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError("the connection was cut")  # the server treats it as the client's disconnect

    return wrapper


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json")
