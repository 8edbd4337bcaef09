"""API Gateway events, signed with the local secrets, for `sam local invoke -e`."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.partners import PARTNERS, Partner
from local.progress import LocalCloudError
from local.settings import ROOT
from pressroom.platform.signing import camaloon_signature

TEXT_TYPES = ("application/json", "text/")
# Of fixed events only: a file under events/ must not change with the clock.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def for_topic(topic: str, body_file: Path | None = None, *, content_type: str = "application/json") -> dict[str, Any]:
    """The event of a topic such as "camaloon.shipment_sent", with its sample body or another file's exact bytes.

    Cloudprinter's bodies hold the key themselves: a file of your own has to bring it.
    """
    partner, name = sender(topic)
    source = body_file or sample(partner, name)
    if not source.is_file():
        raise LocalCloudError(f"There is no {source}. Give the body with BODY=file.")
    body = source.read_bytes()
    path = f"/webhooks/{partner.name}"
    headers = signed(partner, name, body, partner.value, content_type=content_type)
    if partner.credential == "token":
        return http_event("POST", path + "/{token}", body, headers, parameters={"token": partner.value})
    return http_event("POST", path, body, headers)


def sender(topic: str) -> tuple[Partner, str]:
    """Who sends messages of a topic such as "camaloon.shipment_sent", and what the topic is called there."""
    provider, _, name = topic.partition(".")
    partner = next((row for row in PARTNERS if row.name == provider), None)
    if partner is None or not name:
        known = ", ".join(f"{row.name}.<topic>" for row in PARTNERS)
        raise LocalCloudError(f"The topic is {topic!r}; it has to be one of {known}, such as camaloon.shipment_sent.")
    return partner, name


def sample(partner: Partner, name: str, case: str = "") -> Path:
    """The file with a topic's sample body, or with one of its deviations."""
    return ROOT / "events" / partner.name / f"{name}{f'__{case}' if case else ''}.json"


def signed(
    partner: Partner, name: str, body: bytes, secret: str, *, content_type: str = "application/json"
) -> dict[str, str]:
    """The headers that a message is sent with; of a partner whose key is elsewhere, only the content type."""
    headers = {"content-type": content_type}
    if partner.credential == "secret":
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
    """An HTTP API event of payload format 2.0, as API Gateway makes it: the body in base64 unless it is text."""
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
