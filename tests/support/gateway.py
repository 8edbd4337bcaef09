"""API Gateway events (HTTP API, payload format 2.0)."""

import base64
from collections.abc import Mapping
from typing import Any

from pressroom.signing import camaloon_signature


def request(
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | str = b"",
    query: Mapping[str, str] | None = None,
    as_base64: bool = False,
) -> dict[str, Any]:
    """An event as the gateway makes it; a body that is no text only exists in base64."""
    content = body.encode() if isinstance(body, str) else body
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
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


def webhook(
    provider: str, topic: str | None, body: bytes, secret: str, *, signature: str | None = None
) -> dict[str, Any]:
    """A signed webhook in the format that the shop and Camaloon share; another signature may be put in its place."""
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


def without(event: dict[str, Any], header: str) -> dict[str, Any]:
    """The same event without a header."""
    return event | {"headers": {name: value for name, value in event["headers"].items() if name != header}}
