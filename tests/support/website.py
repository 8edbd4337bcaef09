"""The API of this process on a local port, for a browser: the same functions, on moto."""

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
    """Yield the URL, and the lock that each response takes: all functions share this process's environment.

    A browser keeps idle connections open, so each connection has its own thread; the responses take turns.
    """
    answer, turn = application(cloud), threading.Lock()

    def in_turn(environ: Any, start_response: Any) -> Any:
        with turn:
            return answer(environ, start_response)

    server = make_server("127.0.0.1", 0, in_turn, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(
        target=server.serve_forever, args=(0.02,)
    )  # the interval at which it checks for the shutdown
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", turn
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
