"""`make up` and `make down`: twice in a row, with a busy port, after a crash; and access to the local cloud."""

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import urllib.request
import uuid
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from werkzeug.serving import make_server

from local import cloud, processes
from local.cloud import Stack
from local.event import sample, sender_of, signed
from local.localhost import request
from local.progress import LocalCloudError
from tests.e2e.conftest import PARAMETERS, ROOT, TUNNEL, Shop
from tests.support.browser import browser


@pytest.fixture
def state_dir() -> Iterator[Path]:
    folder = ROOT / ".local" / f"e2e-{os.getpid()}-own"
    try:
        yield folder
    finally:
        cloud.down(state_dir=folder)


def test_a_second_up_deploys_again_and_keeps_the_servers(shop: Shop) -> None:
    order = shop.order()
    shop.pay(order)
    shop.until(order["id"], lambda it: it["status"] == "accepted")
    before = processes.servers(shop.state_dir)
    assert cloud.up(state_dir=shop.state_dir, parameters=PARAMETERS) == shop.stack
    assert processes.servers(shop.state_dir) == before
    assert shop.known(order["id"])


def test_up_refuses_another_address_while_the_cloud_runs(shop: Shop) -> None:
    with pytest.raises(LocalCloudError, match="already runs without BIND"):
        cloud.up(state_dir=shop.state_dir, bind="0.0.0.0")  # noqa: S104 - refused
    with pytest.raises(LocalCloudError, match="already runs on port"):
        cloud.up(state_dir=shop.state_dir, port=1)
    with pytest.raises(LocalCloudError, match=f"already runs with ALLOW_HOST={TUNNEL}"):
        cloud.up(state_dir=shop.state_dir, allow_host="another.tunnel.example")
    with pytest.raises(LocalCloudError, match="ALLOW_HOST has to be"):
        cloud.up(state_dir=shop.state_dir, allow_host="localhost")


def test_stack_json_holds_the_published_fields(shop: Shop) -> None:
    written = json.loads((shop.state_dir / "stack.json").read_text())
    assert written == asdict(shop.stack)
    assert written["endpoint_url"].startswith("http://127.0.0.1:")
    assert written["api_url"].startswith(written["endpoint_url"] + "/")
    assert (written["stack_name"], written["ops_token"]) == ("pressroom", "local-ops-token")
    assert written["webhooks"]["storefront"] == {
        "url": written["api_url"] + "/webhooks/storefront",
        "secret": "local-storefront-secret",
    }
    assert written["webhooks"]["camaloon"]["url"] == written["api_url"] + "/webhooks/camaloon"
    assert written["simulators"]["camaloon"].startswith("http://127.0.0.1:")


def test_a_busy_port_is_named_and_the_next_one_is_used(state_dir: Path) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        with pytest.raises(LocalCloudError, match=f"Port {port} is in use"):
            cloud.up(port=port, state_dir=state_dir)
        assert processes.free_port(port, hosts=["127.0.0.1"]) > port


def test_up_restarts_after_a_crash_and_down_leaves_nothing(state_dir: Path) -> None:
    first = cloud.up(state_dir=state_dir)
    os.kill(processes.servers(state_dir)["ministack"].pid, signal.SIGKILL)
    second = cloud.up(state_dir=state_dir)
    assert Stack.read(state_dir) == second
    assert second.api_url != first.api_url
    assert cloud.down(state_dir=state_dir) > 0
    assert cloud.down(state_dir=state_dir) == 0
    assert processes.servers(state_dir) == {}
    with pytest.raises(LocalCloudError, match="make up"):
        Stack.read(state_dir)


CLIENTS: dict[str, Callable[[str], int]] = {
    "urllib": lambda url: urllib.request.urlopen(url, timeout=30).status,  # noqa: S310 - the tests' own cloud
    "requests": lambda url: requests.get(url, timeout=30).status_code,
    "node": lambda url: _printed("node", "-e", f"fetch({url!r}).then(answer => console.log(answer.status))"),
    "curl": lambda url: _printed("curl", "-s", "-o", os.devnull, "-w", "%{http_code}", url),
}
"""Common HTTP clients. Each requests a URL without any changes."""


def _printed(*command: str) -> int:
    if not shutil.which(command[0]):
        pytest.skip(f"There is no {command[0]} on this machine.")
    return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)


@pytest.mark.parametrize("client", CLIENTS)
def test_any_client_can_use_the_urls_unchanged(shop: Shop, client: str) -> None:
    assert CLIENTS[client](f"{shop.stack.api_url}/console") == 200
    for url in shop.stack.simulators.values():
        assert CLIENTS[client](f"{url}/_requests") == 200


def test_every_url_has_the_loopback_address(shop: Shop) -> None:
    urls = re.findall(r"https?://[^\"]+", (shop.state_dir / "stack.json").read_text())
    assert len(urls) > 10
    for url in urls:
        assert urlsplit(url).hostname == "127.0.0.1", url
        assert re.fullmatch(r"[A-Za-z0-9:/._-]+", url), "a shell would change it"


def test_pythons_own_client_can_send_a_webhook(shop: Shop) -> None:
    order = shop.order()
    partner, topic = sender_of("storefront.order_paid")
    body = json.dumps(order).encode()
    webhook = shop.stack.webhooks["storefront"]
    headers = signed(partner, topic, body, webhook["secret"])
    posted = urllib.request.Request(webhook["url"], body, headers)  # noqa: S310 - the tests' own cloud
    with urllib.request.urlopen(posted, timeout=120) as answer:  # noqa: S310 - the tests' own cloud
        assert answer.status == 202
    shop.until(order["id"], lambda known: known["status"] == "accepted")


def test_the_document_has_a_relative_server_url(shop: Shop) -> None:
    assert shop.api("/openapi.json").json()["servers"] == [{"url": "."}]


# --- web pages ---


def _function(shop: Shop, name: str) -> tuple[str, str]:
    """Return the URL and the body of a request that creates a function: no preflight, an invalid signature."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("handler.py", "def handler(event, context): pass")
    functions = shop.stack.client("lambda")
    role = functions.get_function_configuration(FunctionName=f"{shop.stack.stack_name}-api")["Role"]
    body = {
        "FunctionName": name,
        "Runtime": "python3.13",
        "Handler": "handler.handler",
        "Role": role,
        "Code": {"ZipFile": b64encode(content.getvalue()).decode()},
    }
    signature = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "test/20200101/us-east-1/lambda/aws4_request",
        "X-Amz-Date": "20200101T000000Z",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "0",
    }
    return f"{shop.stack.endpoint_url}/2015-03-31/functions?{urlencode(signature)}", json.dumps(body)


def _names(shop: Shop) -> set[str]:
    pages = shop.stack.client("lambda").get_paginator("list_functions").paginate()
    return {each["FunctionName"] for page in pages for each in page["Functions"]}


@pytest.fixture(name="name")
def _name(shop: Shop) -> Iterator[str]:
    name = f"planted-{uuid.uuid4().hex[:8]}"
    yield name
    if name in _names(shop):
        shop.stack.client("lambda").delete_function(FunctionName=name)


def test_a_program_may_create_a_function_and_a_web_page_may_not(shop: Shop, name: str) -> None:
    url, body = _function(shop, name)
    plain = {"Content-Type": "text/plain"}
    rebound = f"evil.example:{urlsplit(url).port}"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": shop.stack.endpoint_url},
        {"Host": rebound},
        {"Host": rebound, "Origin": f"http://{rebound}"},
        {"Host": TUNNEL},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = request("POST", url, body=body, headers=plain | headers, timeout=30)
        assert answer.status_code in (403, 404), headers
        assert not [each for each in answer.headers if each.lower().startswith("access-control")]
    assert name not in _names(shop)
    assert request("POST", url, body=body, headers=plain, timeout=30).status_code == 201
    assert name in _names(shop)


def test_a_preflight_gets_no_permission(shop: Shop) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    asked |= {"Access-Control-Request-Headers": "authorization,x-amz-target"}
    camaloon = shop.stack.simulators["camaloon"] + "/_behave"
    for url in (shop.stack.endpoint_url, f"{shop.stack.api_url}/orders", camaloon):
        answer = request("OPTIONS", url, headers=asked, timeout=30)
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


@contextmanager
def _foreign_site(page: str) -> Iterator[str]:
    """A foreign web site: another origin, on this machine."""

    def answer(_: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [page.encode()]

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ATTACK = """async ({ functions, body, user, console, simulator }) => {
  const sent = (url, given) => fetch(url, { mode: "no-cors", ...given }).then(() => "sent", () => "not sent");
  const embedded = (tag, url) => new Promise((done) => {
    const made = document.createElement(tag);
    made.onload = made.onerror = () => done("sent");
    made.src = url;
    document.body.append(made);
  });
  return [
    await sent(functions, { method: "POST", body }),
    await sent(simulator, { method: "POST" }),
    await fetch(console).then(() => "read", () => "not read"),
    await fetch(functions, { method: "POST", body }).then(() => "read", () => "not read"),
    await embedded("img", user),
    await embedded("iframe", user),
  ];
}"""


def test_a_foreign_page_in_a_browser_has_no_effect(shop: Shop, name: str) -> None:
    url, body = _function(shop, name)
    users = shop.stack.client("iam")
    creating = urlsplit(users.generate_presigned_url("create_user", Params={"UserName": name}, HttpMethod="GET"))
    assert creating.netloc == urlsplit(url).netloc
    shop.camaloon_will(status=503)  # a reset would clear it
    given = {
        "functions": url,
        "body": body,
        "user": creating.geturl() + f"&Action=CreateUser&Version=2010-05-08&UserName={name}",
        "console": f"{shop.stack.api_url}/console",
        "simulator": shop.stack.simulators["camaloon"] + "/_reset",
    }
    with _foreign_site("<!doctype html><title>evil</title>") as site, browser() as chromium:
        page = chromium.new_page()
        page.goto(site)
        assert page.evaluate(ATTACK, given) == ["sent", "sent", "not read", "not read", "sent", "sent"]
        page.close()
    assert name not in _names(shop)
    assert name not in [each["UserName"] for each in users.list_users()["Users"]]
    headers = {"Content-Type": "application/json"}
    answer = request("POST", shop.stack.simulators["camaloon"] + "/webhooks", body="{}", headers=headers, timeout=30)
    assert answer.status_code == 503
    assert request("GET", given["user"], timeout=30).status_code == 200, "a program could have made the user"
    users.delete_user(UserName=name)


# --- the tunnel ---


def _through_the_tunnel(
    shop: Shop, target: str, headers: Mapping[str, str] = {}, *, method: str = "POST", body: bytes = b"{}"
) -> tuple[int, bytes]:
    """Send a request as a tunnel does: from this machine, with the tunnel's host name, and the target unchanged."""
    connection = HTTPConnection("127.0.0.1", urlsplit(shop.stack.endpoint_url).port or 0, timeout=60)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        sent = {"Host": TUNNEL, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https", **headers}
        for name, value in (sent | {"Content-Length": str(len(body))}).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_provider_reaches_its_webhook_through_the_tunnel(shop: Shop) -> None:
    urls = shop.stack.tunnel_urls(TUNNEL)
    assert urls.keys() == shop.stack.webhooks.keys()
    assert urls["camaloon"] == f"https://{TUNNEL}/webhooks/camaloon"
    assert urls["printful"] == f"https://{TUNNEL}/webhooks/printful/local-printful-token"

    order = shop.order()
    partner, topic = sender_of("storefront.order_paid")
    body = json.dumps(order, ensure_ascii=False).encode()
    headers = signed(partner, topic, body, shop.stack.webhooks["storefront"]["secret"])
    path = urlsplit(urls["storefront"]).path
    assert _through_the_tunnel(shop, path, headers, body=body)[0] == 202
    shop.until(order["id"], lambda known: known["status"] == "accepted")
    assert _through_the_tunnel(shop, path, headers | {"X-Camaloon-Hmac-Sha256": "x"}, body=body)[0] == 401

    partner, topic = sender_of("printful.order_created")
    body = sample(partner, topic).read_bytes()
    path = urlsplit(urls["printful"]).path
    assert _through_the_tunnel(shop, path + "?a=1", {"Content-Type": "application/json"}, body=body)[0] == 200
    assert _through_the_tunnel(shop, path + "x", {"Content-Type": "application/json"}, body=body)[0] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA"},
        {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x" * 22},
    ],
)
@pytest.mark.parametrize("target", ["/", "/webhooks/camaloon"])
def test_a_connection_through_the_tunnel_is_never_upgraded(shop: Shop, target: str, headers: dict[str, str]) -> None:
    lines = {"Host": TUNNEL, "X-Forwarded-For": "192.0.2.1", **headers}
    head = f"GET {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    port = urlsplit(shop.stack.endpoint_url).port or 0
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head.encode())
        status = int(connection.recv(4096).split()[1])
    assert status in (400, 403, 404), "no 101, after which the tunnel would pass everything on"


def test_the_tunnel_reaches_only_the_webhook_routes(shop: Shop, name: str) -> None:
    url, function = _function(shop, name)
    made = url.removeprefix(shop.stack.endpoint_url)
    base = urlsplit(shop.stack.api_url).path
    port = urlsplit(url).port
    token = {"Authorization": f"Bearer {shop.stack.ops_token}"}
    for target in (
        made,
        f"/webhooks/..{made}",
        f"/webhooks/camaloon/../..{made}",
        f"/webhooks/%2e%2e{made}",
        f"/{made}",
        f"http://127.0.0.1:{port}{made}",
        f"http://{TUNNEL}{made}",
        f"//127.0.0.1:{port}{made}",
    ):
        for headers in ({}, {"X-Forwarded-Host": f"127.0.0.1:{port}"}, {"X-Original-URL": made, "X-Rewrite-URL": made}):
            assert _through_the_tunnel(shop, target, headers, body=function.encode())[0] == 404, target
    assert name not in _names(shop)
    for target in (
        *("/", "/console", "/orders", "/overview", "/openapi.json", "/_ministack/reset", "/_ministack/health"),
        *(
            f"{base}/console",
            f"{base}/orders",
            f"{base}/webhooks/camaloon",
            "/webhooks/../orders",
            "/webhooks/.%2e/orders",
        ),
        *("//orders", "/webhooks/%2e%2e%2forders", "/WEBHOOKS/../orders", "/webhooks/camaloon/../../orders"),
    ):
        for method in ("GET", "POST"):
            assert _through_the_tunnel(shop, target, token, method=method)[0] == 404, target
    port_ = {"Host": f"{TUNNEL}:{port}"}
    assert _through_the_tunnel(shop, "/orders", token | port_, method="GET")[0] == 404
    assert _through_the_tunnel(shop, f"{base}/orders", token | {"Host": f"127.0.0.1:{port}"}, method="GET")[0] == 403
    assert (
        _through_the_tunnel(shop, "/webhooks/none", token)[1] == b'{"message":"Not Found"}'
    )  # the gateway's own response
    meant = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    assert b"TableNames" not in _through_the_tunnel(shop, "/webhooks/camaloon?Action=ListTables", meant)[1]
    assert shop.api("/orders").status_code == 200  # the emulator was not reset
