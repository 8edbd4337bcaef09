"""API Gateway events (HTTP API, payload format 2.0)."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from pressroom.platform.signing import camaloon_signature
from tests.support import template


def request(
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | str = b"",
    query: Mapping[str, str] | None = None,
    as_base64: bool = False,
) -> dict[str, Any]:
    """An event of the gateway, for an encoded path; a body that is not text has to be in base64."""
    content = body.encode() if isinstance(body, str) else body
    route, parameters = _matched(method, path)
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": decoded(path),
        "pathParameters": parameters,
        "rawQueryString": "",
        "headers": dict(headers or {}),
        "queryStringParameters": dict(query or {}),
        "requestContext": {
            "apiId": "api",
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1", "userAgent": "test"},
            "requestId": "request",
            "stage": "$default",
        },
        "body": base64.b64encode(content).decode() if as_base64 else content.decode(),
        "isBase64Encoded": as_base64,
    }


def function(event: dict[str, Any]) -> str:
    """Return the folder of the function that gets an event, by its route."""
    for each in template.functions().values():
        for source in each.get("Events", {}).values():
            properties = source["Properties"]
            if f"{properties.get('Method')} {properties.get('Path')}" == event["routeKey"]:
                return template.folder(each)
    raise LookupError(event["routeKey"])


def decoded(path: str) -> str:
    """Decode a path as an HTTP API does: every escape but %25; a decoded question mark ends it."""
    return unquote(path.replace("%25", "%2525")).partition("?")[0]


def _matched(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The template's route for a path, and its parameters: the gateway decodes before it matches."""
    for function in template.functions().values():
        for event in function.get("Events", {}).values():
            properties = event["Properties"]
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", properties.get("Path", "-"))
            if properties.get("Method") == method and (match := re.fullmatch(pattern, decoded(path))):
                return f"{method} {properties['Path']}", match.groupdict()
    return "$default", {}


def webhook(
    provider: str, topic: str | None, body: bytes, secret: str, *, signature: str | None = None
) -> dict[str, Any]:
    """A signed webhook in the format that the shop and Camaloon share; `signature` replaces the genuine one."""
    headers = {
        "content-type": "application/json",
        "x-camaloon-hmac-sha256": camaloon_signature(secret, body) if signature is None else signature,
    }
    if topic is not None:
        headers["x-camaloon-topic"] = topic
    try:
        body.decode()
    except UnicodeDecodeError:
        return request("POST", f"/webhooks/{provider}", headers=headers, body=body, as_base64=True)
    return request("POST", f"/webhooks/{provider}", headers=headers, body=body)


def cloudprinter(content: Any, key: str) -> dict[str, Any]:
    """A signal with the key in its body; bytes are sent unchanged."""
    raw = content if isinstance(content, bytes) else json.dumps({"apikey": key} | content | {"apikey": key}).encode()
    return _plain("/webhooks/cloudprinter", raw)


def printful(content: Any, token: str) -> dict[str, Any]:
    """An event of Printful's, sent to the secret path."""
    return tokened("printful", content, token)


def tokened(provider: str, content: Any, token: str) -> dict[str, Any]:
    """A message of a provider whose secret is in the path; bytes are sent unchanged."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return _plain(f"/webhooks/{provider}/{token}", raw)


def _plain(path: str, raw: bytes) -> dict[str, Any]:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return request("POST", path, headers={"content-type": "application/json"}, body=raw, as_base64=True)
    return request("POST", path, headers={"content-type": "application/json"}, body=raw)


def without(event: dict[str, Any], header: str) -> dict[str, Any]:
    """The same event without a header."""
    return event | {"headers": {name: value for name, value in event["headers"].items() if name != header}}
