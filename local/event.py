"""API Gateway events with signed webhooks, for `sam local invoke -e`. They use the local credentials.

They are for receivers. `local.stored` makes the events of topics.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.partners import SENDERS, Sender
from local.progress import LocalCloudError
from local.settings import ROOT
from pressroom.platform.signing import camaloon_signature

TEXT_TYPES = ("application/json", "text/")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The default time of an event. It is fixed, so that the files under events/receive do not change with the clock."""


def for_topic(topic: str, body_file: Path | None = None, *, content_type: str = "application/json") -> dict[str, Any]:
    """Return the event of a topic such as "camaloon.shipment_sent", with its sample or the exact bytes of a file.

    Cloudprinter's key is part of the body, so a file for Cloudprinter must contain it.
    """
    sender, name = sender_of(topic)
    body = body_of(topic, body_file)
    path = f"/webhooks/{sender.id}"
    headers = signed(sender, name, body, sender.value, content_type=content_type)
    if sender.credential == "token":
        return http_event("POST", path + "/{token}", body, headers, parameters={"token": sender.value})
    return http_event("POST", path, body, headers)


def body_of(topic: str, body_file: Path | None = None) -> bytes:
    """Return the sample body of a topic, or the bytes of a file."""
    source = body_file or sample(*sender_of(topic))
    if not source.is_file():
        raise LocalCloudError(f"There is no {source}. Give a body with BODY=file.")
    return source.read_bytes()


def sender_of(topic: str) -> tuple[Sender, str]:
    """Split a topic such as "camaloon.shipment_sent" into its sender and the sender's name for it."""
    provider, _, name = topic.partition(".")
    sender = next((each for each in SENDERS if each.id == provider), None)
    if sender is None or not name:
        known = ", ".join(f"{each.id}.<topic>" for each in SENDERS)
        raise LocalCloudError(f"The topic {topic!r} must be one of {known}, such as camaloon.shipment_sent.")
    return sender, name


def sample(sender: Sender, name: str, case: str = "") -> Path:
    """Return the file with the sample body of a topic, or with a case of it."""
    return ROOT / "events" / sender.id / f"{name}{f'__{case}' if case else ''}.json"


def signed(
    sender: Sender, name: str, body: bytes, secret: str, *, content_type: str = "application/json"
) -> dict[str, str]:
    """Return the headers of a webhook. A sender whose credential is not a signature gets only the content type."""
    headers = {"content-type": content_type}
    if sender.credential == "secret":
        headers |= {"x-camaloon-topic": name, "x-camaloon-hmac-sha256": camaloon_signature(secret, body)}
    return headers


def http_event(
    method: str,
    route: str,
    body: bytes,
    headers: Mapping[str, str],
    now: datetime = EPOCH,
    *,
    parameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return an HTTP API event of payload format 2.0, as API Gateway builds it: body in base64 unless it is text."""
    parameters = dict(parameters or {})
    path = route.format(**parameters)
    is_text = headers.get("content-type", "").startswith(TEXT_TYPES) and _is_utf8(body)
    domain = "local.execute-api.us-east-1.amazonaws.com"
    return {
        "version": "2.0",
        "routeKey": f"{method} {route}",
        "rawPath": path,
        **({"pathParameters": parameters} if parameters else {}),
        "rawQueryString": "",
        "headers": {"content-length": str(len(body)), "host": domain, "x-forwarded-proto": "https", **headers},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": "local",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "pressroom-local",
            },
            "requestId": "local-request",
            "routeKey": f"{method} {route}",
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S %z"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "body": body.decode() if is_text else base64.b64encode(body).decode(),
        "isBase64Encoded": not is_text,
    }


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def as_text(event: dict[str, Any]) -> str:
    return json.dumps(event, indent=2, ensure_ascii=False)
