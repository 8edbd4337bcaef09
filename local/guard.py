"""Who may use the local cloud's servers: the programs of this machine, and no web page but the console.

The emulator accepts any AWS signature and runs code as the developer, so a web page in the developer's browser must not
reach it. A page of another site has a foreign `Origin`, or a foreign `Host` where its name was rebound to this machine.
A request without either, such as an image's, has `Sec-Fetch-Site`, which browsers send to every local address.

The name given with ALLOW_HOST is a tunnel's. Its requests come from anywhere and reach the webhook routes of the
deployed API and nothing else: the path that the emulator gets for them is written here, from bytes without escapes.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
CONTAINERS_NAME = "host.docker.internal"
API_PATH = "/_aws/execute-api"
"""Where the emulator serves deployed APIs: `/_aws/execute-api/<api id>/<path of a route>`."""
MOST_FROM_OUTSIDE = 10 * 2**20
"""API Gateway takes no larger body."""

_LOCAL_NAME = re.compile(r"(?:[a-z0-9-]+\.)*localhost|127\.0\.0\.1|\[::1\]")
_HOST_NAME = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?")
_WEBHOOK = re.compile(rb"/webhooks(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+){1,2}")
_FORWARDED = re.compile("forwarded|via|true-client-ip|x-real-ip|x-client-ip|x-original-host|x-forwarded-.*|cf-.*")
"""The headers that a proxy adds. A program of this machine sends none of them."""

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


def is_tunnel_name(name: str) -> bool:
    """Tell whether a text can be a tunnel's host name: one that does not mean this machine."""
    return bool(_HOST_NAME.fullmatch(name)) and not name.endswith(".localhost") and name != CONTAINERS_NAME


@dataclass(frozen=True)
class Request:
    """What the guard looks at. Header names are in lower case."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    address: str
    """The address of this machine that the connection came in on."""

    def values(self, name: str) -> list[str]:
        return [value.strip() for each, value in self.headers if each == name]

    def value(self, name: str) -> str:
        return ", ".join(self.values(name))

    @property
    def host(self) -> str:
        """The name in `Host`, without the port; nothing if there is not exactly one."""
        found = _HOST.fullmatch(self.value("host").lower())
        return found["name"] if found else ""


@dataclass(frozen=True)
class Guard:
    """The rules of one server. `pages` is where the paths begin that a page of the server's own may use."""

    for_containers: bool = False
    allow_host: str = ""
    pages: str = "/"

    def is_from_outside(self, request: Request) -> bool:
        """Tell whether a request came through the tunnel."""
        return bool(self.allow_host) and request.host == self.allow_host

    def refusal(self, request: Request) -> str | None:
        """Return why a request is refused; None if it is not."""
        if self.is_from_outside(request):
            return "A web page may not send webhooks." if request.values("origin") else None
        if not self._is_ours(request):
            return "This Host is not the local cloud's. See `make up ALLOW_HOST=name` if it is a tunnel's."
        if any(_FORWARDED.fullmatch(name) for name, _ in request.headers):
            return "A proxy has changed this request's Host. Let it pass the Host on, and use ALLOW_HOST=name."
        if not request.path.startswith("/"):
            return "The request target has to be a path."
        if not self._may_be_sent_by_its_page(request):
            return "Web pages may not use the local cloud."
        return None

    def _is_ours(self, request: Request) -> bool:
        host = request.host
        if _LOCAL_NAME.fullmatch(host):
            return True
        # Where the server listens for containers, they use this name or the address itself. No page can have an
        # address as its name unless it was loaded from there.
        return self.for_containers and host in (CONTAINERS_NAME, request.address)

    def _may_be_sent_by_its_page(self, request: Request) -> bool:
        """Tell whether the sender is no web page, or is the server's own."""
        origins, site = request.values("origin"), request.value("sec-fetch-site")
        if not origins and site in ("", "none"):  # a program; an address that a person typed
            return True
        if not request.path.startswith(self.pages):
            return False
        if origins:
            return origins == [f"http://{request.value('host')}"]
        follows_a_link = (
            request.method in ("GET", "HEAD")
            and request.value("sec-fetch-mode") == "navigate"
            and request.value("sec-fetch-dest") == "document"
        )
        return site == "same-origin" or follows_a_link


@dataclass(frozen=True)
class GuardedAsgi:
    """The emulator behind its guard. `api_id_file` names the API that the tunnel leads to, once it is deployed."""

    app: AsgiApp
    guard: Guard
    port: int
    api_id_file: Path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = _request(scope)
        if scope.get("http_version", "1.1") not in ("1.0", "1.1"):
            # Each request on a connection of HTTP/2 has its own host. A tunnel may pass the connection on unchanged.
            await _refuse(scope, send, HTTPStatus.FORBIDDEN, "Use HTTP/1.1.")
        elif reason := self.guard.refusal(request):
            await _refuse(scope, send, HTTPStatus.FORBIDDEN, reason)
        elif self.guard.is_from_outside(request):
            await self._webhook(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _webhook(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: bytes = scope["raw_path"]
        if scope["type"] != "http" or scope["method"] != "POST" or not _WEBHOOK.fullmatch(path):
            await _refuse(scope, send, HTTPStatus.NOT_FOUND, "Not Found")
            return
        try:
            api_id = self.api_id_file.read_text()
        except FileNotFoundError:
            await _refuse(scope, send, HTTPStatus.SERVICE_UNAVAILABLE, "The local cloud is still being deployed.")
            return
        body = await _read(receive)
        if body is None:
            await _refuse(scope, send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Too Long")
            return
        inside = f"{API_PATH}/{api_id}/$default".encode() + path
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in _REWRITTEN]
        headers += [(b"host", f"{LOOPBACK}:{self.port}".encode()), (b"content-length", b"%d" % len(body))]
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> MutableMapping[str, Any]:
            return next(messages, None) or await receive()

        await self.app(
            {**scope, "path": inside.decode(), "raw_path": inside, "headers": headers},
            replay,
            send,
        )


_REWRITTEN = (b"host", b"content-length", b"transfer-encoding", b"expect")


def _request(scope: Scope) -> Request:
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    # `path` is already decoded; the check has to use the path as it was before decoding.
    path = scope["raw_path"].decode("latin-1")
    return Request(scope.get("method", "GET"), path, headers, (scope.get("server") or ("",))[0])


async def _read(receive: Receive) -> bytes | None:
    """Return a request's body; None if it is too large, or the sender went away before its end."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or len(body) > MOST_FROM_OUTSIDE:
            return None
        if not message.get("more_body"):
            return bytes(body)


async def _refuse(scope: Scope, send: Send, status: HTTPStatus, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = _answer(reason)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def guarded_wsgi(app: Any, guard: Guard) -> Any:
    """Return a simulator's WSGI app behind a guard."""

    def wrapper(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        connection = environ.get("werkzeug.socket")
        headers = tuple(
            (name.removeprefix("HTTP_").replace("_", "-").lower(), value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        )
        address = connection.getsockname()[0] if connection else ""
        path = environ.get("RAW_URI") or environ["PATH_INFO"]
        reason = guard.refusal(Request(environ["REQUEST_METHOD"], path, headers, address))
        if reason is None:
            answer: Iterable[bytes] = app(environ, start_response)
            return answer
        body = _answer(reason)
        start_response("403 Forbidden", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return wrapper


def _answer(reason: str) -> bytes:
    return json.dumps({"message": reason}).encode()
