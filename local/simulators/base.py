"""What every simulator shares: it keeps what it got, says it, and misbehaves on command.

A simulator of a third party is a Flask app with its own routes, finished by `observed`:

    GET  /_requests   what it got, oldest first
    POST /_behave     how the next requests are answered: {"status": 503, "times": 2}, {"hang_s": 30},
                      {"retry_after": 5}, {"lose_answer": true}, {"answer_bytes": 5000000},
                      {"status": 302, "location": "..."}; several calls queue up
    POST /_reset      forget both, and what the app itself knows: `app.extensions["forget"]` is called
"""

import argparse
import base64
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, request
from jsonschema import Draft202012Validator
from werkzeug.serving import make_server

CONTROL = "/_"

BEHAVIOUR = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            "status": {"type": "integer", "minimum": 200, "maximum": 599},
            "times": {"type": "integer", "minimum": 1},
            "hang_s": {"type": "number", "minimum": 0},
            "retry_after": {"type": ["number", "string"]},
            "lose_answer": {"type": "boolean"},
            "answer_bytes": {"type": "integer", "minimum": 0},
            "location": {"type": "string"},
        },
        "additionalProperties": False,
        "minProperties": 1,
    }
)


class Notebook:
    """What arrived and what is still to be misbehaved; shared by the server's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[dict[str, Any]] = []
        self._behaviours: deque[dict[str, Any]] = deque()

    def record(self, entry: dict[str, Any]) -> None:
        with self._lock:
            self._requests.append(entry)

    def requests(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(entry) for entry in self._requests]

    def plan(self, behaviour: dict[str, Any]) -> None:
        with self._lock:
            self._behaviours.extend([behaviour] * behaviour.get("times", 1))

    def next_behaviour(self) -> dict[str, Any] | None:
        with self._lock:
            return self._behaviours.popleft() if self._behaviours else None

    def reset(self) -> None:
        with self._lock:
            self._requests.clear()
            self._behaviours.clear()


def observed(app: Flask) -> Flask:
    """Give a simulator's app its notebook, its control routes and its bad manners."""
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
        notebook.record(g.entry)
        behaviour = notebook.next_behaviour()
        return None if behaviour is None else _misbehave(behaviour)

    @app.after_request
    def answered(response: Response) -> Response:
        if "entry" in g:
            g.entry["answered"] = response.status_code
        return response

    return app


def serve(make_app: Callable[[argparse.Namespace], Flask], parser: argparse.ArgumentParser) -> None:
    """Run a simulator until it is ended, one thread per connection so that a hanging answer holds up nobody."""
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    arguments = parser.parse_args()
    make_server(arguments.host, arguments.port, observed(make_app(arguments)), threaded=True).serve_forever()


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


def _misbehave(behaviour: dict[str, Any]) -> Response | None:
    """Answer as told, or (None) only later than usual.

    `lose_answer` has already recorded the request: the work is done, only the news of it gets lost.
    """
    time.sleep(behaviour.get("hang_s", 0))
    if behaviour.get("lose_answer"):
        connection: socket.socket = request.environ["werkzeug.socket"]
        connection.shutdown(socket.SHUT_RDWR)
        g.pop("entry")
        return Response(status=500)  # into a closed connection: nobody sees it
    answer = Response(status=behaviour.get("status", 429 if "retry_after" in behaviour else 200))
    if "retry_after" in behaviour:
        answer.headers["Retry-After"] = str(behaviour["retry_after"])
    if "location" in behaviour:
        answer.headers["Location"] = behaviour["location"]
    if "answer_bytes" in behaviour:
        answer.set_data(b"x" * behaviour["answer_bytes"])
    says_nothing_itself = not behaviour.keys() & {"status", "retry_after", "location", "answer_bytes"}
    return None if says_nothing_itself else answer


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json")
