"""Who may use the local cloud's servers: each request that a web page or a stranger can make, and each of a program."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client

from local.guard import API_PATH, MOST_FROM_OUTSIDE, Guard, GuardedAsgi, guarded_wsgi, is_tunnel_name

TUNNEL = "shop.example.com"
PORT = 4566
HERE = ("Host", f"127.0.0.1:{PORT}")
OWN = ("Origin", f"http://127.0.0.1:{PORT}")
FOREIGN = ("Origin", "https://evil.example")
CONSOLE = f"{API_PATH}/abcd1234/console"
FOLLOWED = (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))
WITHIN = (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe"))

type Headers = Sequence[tuple[str, str]]


class Emulator:
    """The app behind the guard: it answers 200, and keeps what it was asked."""

    def __init__(self, tmp_path: Path, **guard: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.api_id_file = tmp_path / "api-id"
        self.api_id_file.write_text("abcd1234")
        self.app = GuardedAsgi(self._answer, Guard(pages=f"{API_PATH}/", **guard), PORT, self.api_id_file)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(dict(scope))
        if scope["type"] == "http":
            self.bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def ask(
        self,
        path: str,
        *headers: tuple[str, str],
        method: str = "POST",
        body: Sequence[bytes] = (b"",),
        kind: str = "http",
        whole: bool = True,
        address: str = "127.0.0.1",
        version: str = "1.1",
    ) -> Any:
        """Return the status that is answered, or how a web socket is closed."""
        sent: list[Any] = []
        parts = iter(body)
        left = len(body)

        async def receive() -> dict[str, Any]:
            nonlocal left
            left -= 1
            if left < 0:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": next(parts), "more_body": left > 0 or not whole}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": kind,
            "http_version": version,
            "method": method,
            "raw_path": path.encode(),
            "path": path,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
            "server": (address, PORT),
        }
        asyncio.run(self.app(scope, receive, send))
        assert "access-control" not in str(sent)
        return sent[0].get("status", sent[0].get("code"))


@pytest.fixture
def emulator(tmp_path: Path) -> Emulator:
    return Emulator(tmp_path, allow_host=TUNNEL)


@pytest.mark.parametrize(
    "host",
    [f"127.0.0.1:{PORT}", f"localhost:{PORT}", "LOCALHOST", f"[::1]:{PORT}", "localhost:9999", "bucket.localhost:4566"],
)
def test_a_program_of_this_machine_may_do_everything(emulator: Emulator, host: str) -> None:
    assert emulator.ask("/2015-03-31/functions", ("Host", host)) == 200
    assert len(emulator.asked) == 1


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", f"evil.example:{PORT}", "localhost.evil.example", "evil-localhost", "127.0.0.1.evil.example"),
        *("0.0.0.0", "127.0.0.2", "2130706433", "10.0.0.1:4566", "host.docker.internal", "localhost.", "[::2]", ""),  # noqa: S104 - no address that is bound
        *("localhost:4566@evil.example", "evil.example, localhost", "local host", "localhost:", "user@localhost"),
    ],
)
def test_another_name_is_refused(emulator: Emulator, host: str) -> None:
    assert emulator.ask("/2015-03-31/functions", ("Host", host)) == 403
    assert emulator.asked == []


@pytest.mark.parametrize("hosts", [(), (HERE, HERE), (HERE, ("Host", TUNNEL)), (("Host", TUNNEL), HERE)])
def test_there_is_one_host(emulator: Emulator, hosts: Headers) -> None:
    assert emulator.ask("/webhooks/camaloon", *hosts) == 403
    assert emulator.asked == []


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://127.0.0.1:4567", "http://localhost:4566"]
)
@pytest.mark.parametrize("path", ["/2015-03-31/functions", CONSOLE])
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "GET"])
def test_a_page_of_another_origin_is_refused(emulator: Emulator, origin: str, path: str, method: str) -> None:
    assert emulator.ask(path, HERE, ("Origin", origin), method=method) == 403
    assert emulator.asked == []


def test_the_console_may_use_the_api_and_not_the_emulator(emulator: Emulator) -> None:
    assert emulator.ask(f"{API_PATH}/abcd1234/orders/1/erase", HERE, OWN, ("Sec-Fetch-Site", "same-origin")) == 200
    assert emulator.ask(f"{API_PATH}/abcd1234/orders", HERE, ("Sec-Fetch-Site", "same-origin"), method="GET") == 200
    assert emulator.ask("/2015-03-31/functions", HERE, OWN, ("Sec-Fetch-Site", "same-origin")) == 403
    assert emulator.ask("/?Action=ListUsers", HERE, ("Sec-Fetch-Site", "same-origin"), method="GET") == 403
    assert emulator.ask(CONSOLE, HERE, OWN, OWN) == 403
    assert len(emulator.asked) == 2


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_page_embeds_is_refused_although_it_has_no_origin(emulator: Emulator, site: str) -> None:
    fetched = (("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image"))
    for path in ("/?Action=CreateUser&UserName=x", CONSOLE):
        assert emulator.ask(path, HERE, *fetched, method="GET") == 403
        assert emulator.ask(path, HERE, *WITHIN, method="GET") == 403
    assert emulator.asked == []


def test_a_link_leads_to_the_console_and_nowhere_else(emulator: Emulator) -> None:
    assert emulator.ask(CONSOLE, HERE, *FOLLOWED, method="GET") == 200
    assert emulator.ask("/?Action=CreateUser&UserName=x", HERE, *FOLLOWED, method="GET") == 403
    assert emulator.ask(CONSOLE, HERE, *FOLLOWED, method="POST") == 403
    assert emulator.ask("/?Action=ListUsers", HERE, ("Sec-Fetch-Site", "none"), method="GET") == 200  # typed


def test_a_web_socket_of_another_origin_is_closed(emulator: Emulator) -> None:
    assert emulator.ask(f"{API_PATH}/abcd1234/x", HERE, FOREIGN, kind="websocket") == 1008
    assert emulator.ask("/webhooks/camaloon", ("Host", TUNNEL), kind="websocket") == 1008
    assert emulator.asked == []


def test_containers_are_known_where_the_emulator_listens_for_them(tmp_path: Path) -> None:
    alone, open_ = Emulator(tmp_path), Emulator(tmp_path, for_containers=True)
    for host in ("host.docker.internal:4566", "172.17.0.1:4566"):
        assert alone.ask("/", ("Host", host), address="172.17.0.1") == 403
        assert open_.ask("/", ("Host", host), address="172.17.0.1") == 200
        assert open_.ask("/", ("Host", host), FOREIGN, address="172.17.0.1") == 403
    assert open_.ask("/", ("Host", "172.17.0.2:4566"), address="172.17.0.1") == 403


@pytest.mark.parametrize(
    "header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "CF-Connecting-IP"]
)
def test_a_tunnel_that_takes_a_local_name_is_refused(emulator: Emulator, header: str) -> None:
    assert emulator.ask("/", HERE, (header, "192.0.2.1")) == 403
    assert emulator.asked == []


@pytest.mark.parametrize("target", ["http://127.0.0.1:4566/", f"http://{TUNNEL}/webhooks/camaloon", "*", ""])
def test_a_target_that_is_no_path_is_refused(emulator: Emulator, target: str) -> None:
    assert emulator.ask(target, HERE) == 403
    assert emulator.ask(target, ("Host", TUNNEL)) == 404
    assert emulator.asked == []


@pytest.mark.parametrize("host", [TUNNEL, f"{TUNNEL}:443", TUNNEL.upper()])
@pytest.mark.parametrize("path", ["/webhooks/camaloon", "/webhooks/printful/a-Token_1"])
def test_the_tunnel_reaches_the_webhook_routes_of_the_deployed_api(emulator: Emulator, host: str, path: str) -> None:
    forwarded = ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Host", "127.0.0.1"), ("X-Forwarded-Proto", "https")
    signed = ("X-Camaloon-Hmac-Sha256", "signature")
    body = [b'{"id":', b"1}"]
    assert emulator.ask(path, ("Host", host), *forwarded, signed, ("Transfer-Encoding", "chunked"), body=body) == 200
    (asked,) = emulator.asked
    inside = f"{API_PATH}/abcd1234/$default{path}"
    assert (asked["path"], asked["raw_path"]) == (inside, inside.encode())
    headers = dict(asked["headers"])
    assert len(headers) == len(asked["headers"])
    assert headers[b"host"] == b"127.0.0.1:4566"
    assert headers[b"x-camaloon-hmac-sha256"] == b"signature"
    assert headers[b"content-length"] == b"8"
    assert b"transfer-encoding" not in headers
    assert emulator.bodies == [b'{"id":1}']


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/webhooks", "/webhooks/", "/console", "/orders", "/overview", "/openapi.json", "/_ministack/reset"),
        *("/2015-03-31/functions", CONSOLE, f"{API_PATH}/abcd1234/webhooks/camaloon", "/_aws/sqs/messages"),
        *("//webhooks/camaloon", "/webhooks//camaloon", "/webhooks/camaloon/", "/webhooks/camaloon//", "/x/webhooks/a"),
        *("/webhooks/..", "/webhooks/.", "/webhooks/../orders", "/webhooks/camaloon/..", "/webhooks/./orders"),
        *("/webhooks/%2e%2e/orders", "/webhooks/%2E%2E%2forders", "/webhooks/..%2forders", "/webhooks/a%2f..%2f..%2fb"),
        *("/%77ebhooks/camaloon", "/WEBHOOKS/camaloon", "/Webhooks/camaloon", "/webhooks%2fcamaloon", "/webhooks/a%00"),
        *("/webhooks/a\\..\\..\\orders", "/webhooks/a;x=/../b", "/webhooks/a/b/c", "/webhooks/a\n", "/webhooks/a b"),
        *(
            "/webhooks/a#/../orders",
            "/webhooks/a?b",
            "webhooks/camaloon",
            "/./webhooks/camaloon",
            "/orders/../webhooks/a",
        ),
    ],
)
def test_the_tunnel_reaches_nothing_else(emulator: Emulator, path: str) -> None:
    assert emulator.ask(path, ("Host", TUNNEL)) == 404
    assert emulator.asked == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "post"])
def test_through_the_tunnel_one_can_only_post(emulator: Emulator, method: str) -> None:
    overridden = ("X-HTTP-Method-Override", "POST")
    assert emulator.ask("/webhooks/camaloon", ("Host", TUNNEL), overridden, method=method) == 404
    assert emulator.asked == []


def test_a_page_may_not_use_the_tunnel(emulator: Emulator) -> None:
    for origin in (FOREIGN, ("Origin", f"https://{TUNNEL}"), ("Origin", "null")):
        assert emulator.ask("/webhooks/camaloon", ("Host", TUNNEL), origin) == 403
    assert emulator.asked == []


def test_another_name_stays_refused_beside_the_tunnel(emulator: Emulator) -> None:
    forwarded = ("X-Forwarded-Host", TUNNEL)
    for host in (f"{TUNNEL}.", f"a.{TUNNEL}", f"{TUNNEL}.evil.example", f"evil{TUNNEL}", "com", f"{TUNNEL}:x"):
        assert emulator.ask("/webhooks/camaloon", ("Host", host), forwarded) == 403
    assert emulator.asked == []


def test_without_a_tunnel_its_name_is_like_any_other(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path)
    assert emulator.ask("/webhooks/camaloon", ("Host", TUNNEL)) == 403
    assert emulator.ask("/webhooks/camaloon", ("Host", "")) == 403


def test_a_body_from_outside_has_the_gateways_bound(emulator: Emulator) -> None:
    half = b"x" * (MOST_FROM_OUTSIDE // 2)
    assert emulator.ask("/webhooks/camaloon", ("Host", TUNNEL), body=[half, half]) == 200
    assert emulator.ask("/webhooks/camaloon", ("Host", TUNNEL), body=[half, half, b"x", half]) == 413
    assert len(emulator.asked) == 1


def test_a_body_that_breaks_off_is_not_handed_on(emulator: Emulator) -> None:
    assert emulator.ask("/webhooks/camaloon", ("Host", TUNNEL), body=[b'{"id":'], whole=False) == 413
    assert emulator.asked == []


def test_the_tunnel_waits_for_the_deployment(emulator: Emulator) -> None:
    emulator.api_id_file.unlink()
    assert emulator.ask("/webhooks/camaloon", ("Host", TUNNEL)) == 503


@pytest.mark.parametrize("name", ["a.example", "x-1.trycloudflare.com", "node.tail1234.ts.net"])
def test_a_tunnels_name(name: str) -> None:
    assert is_tunnel_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("localhost", "a.localhost", "host.docker.internal", "127.0.0.1", "192.0.2.1", "::1", "[::1]", "com", ""),
        *(
            "https://a.example",
            "a.example/",
            "a.example:443",
            "*.example.com",
            ".example.com",
            "a..example",
            "a.example.",
        ),
        *("-a.example", "a-.example", "a_b.example", "a b.example", "a.example\n", "é.example", f"{'a' * 64}.example"),
        *("a.example,b.example", "a.123", f"{'a.' * 130}example"),
    ],
)
def test_no_tunnels_name(name: str) -> None:
    assert not is_tunnel_name(name)


def test_a_simulator_is_behind_the_same_guard() -> None:
    app, done = Flask("simulator"), list[str]()

    @app.post("/_reset")
    def reset() -> str:
        done.append("reset")
        return ""

    client = Client(guarded_wsgi(app, Guard()))
    here = "http://127.0.0.1:5000"
    assert client.post("/_reset", base_url=here).status_code == 200
    assert client.post("/_reset", base_url=here, headers={"Origin": here}).status_code == 200
    assert len(done) == 2
    assert client.post("/_reset", base_url=here, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/_reset", base_url=here, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/_reset", base_url="http://evil.example:5000").status_code == 403
    preflight = client.options("/_reset", base_url=here, headers={"Origin": "https://evil.example"})
    assert preflight.status_code == 403
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert len(done) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", TUNNEL])
def test_a_request_of_http_2_is_refused(emulator: Emulator, host: str) -> None:
    assert emulator.ask("/webhooks/camaloon", ("Host", host), version="2") == 403


@pytest.mark.parametrize("name", ["Via", "True-Client-IP", "X-Forwarded-Proto", "CF-Ray", "X-Original-Host"])
def test_a_proxy_that_replaces_the_host_is_refused(emulator: Emulator, name: str) -> None:
    assert emulator.ask("/2015-03-31/functions", ("Host", f"127.0.0.1:{PORT}"), (name, "x")) == 403
