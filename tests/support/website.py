"""The API in this process as a website, for a browser: the same functions, on moto, behind a port of this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.cloud import Cloud
from tests.support.wsgi import application


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - named so there
        pass


@contextmanager
def website(cloud: Cloud) -> Iterator[tuple[str, threading.Lock]]:
    """Yield its URL, and the lock under which it answers: functions share the environment of this one process.

    A browser keeps connections open that it may need, so each has a thread of its own; the answers take turns.
    """
    answer, turn = application(cloud), threading.Lock()

    def in_turn(environ: Any, start_response: Any) -> Any:
        with turn:
            return answer(environ, start_response)

    server = make_server("127.0.0.1", 0, in_turn, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))  # so soon it sees that it shall end
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", turn
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
