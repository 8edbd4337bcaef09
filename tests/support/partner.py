"""A local web server with one fixed response, for tests of the HTTP client."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse

import pytest

from pressroom.platform import http


class Partner(socketserver.ThreadingTCPServer):
    """Reads each request to its end, sends `answer`, and closes. `hold` keeps the connection open instead."""

    daemon_threads = True
    answer: bytes = b""
    hold = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answered, self.over = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Conversation(socketserver.StreamRequestHandler):
    server: Partner

    def handle(self) -> None:
        line = self.rfile.readline().decode().strip()
        headers = dict[str, str]()
        while name_and_value := self.rfile.readline().decode().strip():
            name, _, value = name_and_value.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        self.server.requests.append((line, headers, body))
        self.wfile.write(self.server.answer)
        self.server.answered.set()
        if self.server.hold:
            self.server.over.wait(30)


@contextmanager
def partner() -> Iterator[Partner]:
    with Partner() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def give_up_soon(server: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the client's time-out, and let it read only once all of the answer is sent.

    So only bytes that never come run into the time-out, on a busy machine too.
    """
    getresponse = HTTPConnection.getresponse

    def wait_and_read(self: HTTPConnection) -> HTTPResponse:
        assert server.answered.wait(30)
        return getresponse(self)

    monkeypatch.setattr(HTTPConnection, "getresponse", wait_and_read)
    monkeypatch.setattr(http, "TIMEOUT_S", (http.TIMEOUT_S[0], 0.05))
