"""The console: one page without any data of the merchant. The page requests the data from the ops API.

Style and script are inline, and the policy allows only these two, by their hashes: nothing from an order can run, and
nothing is loaded from another host. The lists of partners, statuses and reasons come from Python, as JSON in the page.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pressroom.inbox import events
from pressroom.order import outbox
from pressroom.order.attention import FILE_FAILED
from pressroom.order.model import OPEN, Status
from pressroom.order.reasons import Attention
from pressroom.partners import NAMES, OPS, PERSONALIZED, PRINTERS

ROUTE = "GET /console"
FINAL = (Status.DELIVERED, Status.RETURNED, Status.CANCELED)
"""The statuses in which an order needs nothing more; its timeline ends there."""
STUCK = (outbox.State.DEAD, events.State.FAILED, events.State.UNHANDLED)
"""The states of deliveries and webhooks that can be replayed."""
_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[0-9.]+\s*)?(?:,|$)")
_TAG = re.compile(r'"[^"]*"|\*')


@dataclass(frozen=True, slots=True)
class Page:
    """The page as it is sent. `packed` is compressed with gzip."""

    raw: bytes
    packed: bytes
    tag: str
    policy: str


@cache
def page() -> Page:
    """Return the page; it is the same until the next deployment."""
    folder = Path(__file__).parent
    style, script = ((folder / name).read_text("utf-8") for name in ("console.css", "console.js"))
    html = (folder / "page.html").read_text("utf-8")
    for place, content in (("/*STYLE*/", style), ("/*LISTS*/", _in_markup(lists())), ("/*SCRIPT*/", script)):
        html = html.replace(place, content)
    raw = html.encode()
    return Page(
        raw=raw,
        packed=gzip.compress(raw, mtime=0),
        tag=f'"{hashlib.sha256(raw).hexdigest()[:32]}"',
        policy="; ".join(
            (
                "default-src 'none'",
                f"script-src {_source(script)}",
                f"style-src {_source(style)}",
                "connect-src 'self'",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            )
        ),
    )


def lists() -> dict[str, Any]:
    """Return the lists that the script needs. The names are in the order in which a timeline shows their owners."""
    names = {partner: _title(name) for partner, name in NAMES.items()}
    return {
        "names": names | {OPS: "A person", "monitor": "Pressroom"},
        "printers": sorted(PRINTERS),
        "statuses": list(Status),
        "open": OPEN,
        "final": FINAL,
        "stuck": STUCK,
        "reasons": {reason: reason.sentence for reason in Attention},
        "about": {Attention.ITEM_FILE_FAILED: "items", Attention.ITEM_INCOMPLETE: "incomplete_items"},
        "file_failed": FILE_FAILED,
        "oms_id": PERSONALIZED,
    }


def _title(name: str) -> str:
    """Return a partner's name as a label: `Shop` for `the shop`."""
    name = name.removeprefix("the ")
    return name[:1].upper() + name[1:]


def _in_markup(content: Any) -> str:
    """Write JSON that can't end the element that holds it."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def answer(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the gateway's event with the page, compressed if the browser accepts that, or with 304 if unchanged."""
    asked = {name.lower(): value for name, value in event["headers"].items()}
    made = page()
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": made.policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "ETag": f"W/{made.tag}",  # the same for both encodings
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=31536000",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if {made.tag, "*"} & set(_TAG.findall(asked.get("if-none-match", ""))):
        return _answer(HTTPStatus.NOT_MODIFIED, headers, "")
    headers["Content-Type"] = "text/html; charset=utf-8"
    if _GZIP.search(asked.get("accept-encoding", "").lower()):
        packed = base64.b64encode(made.packed).decode()
        return _answer(HTTPStatus.OK, headers | {"Content-Encoding": "gzip"}, packed, in_base64=True)
    return _answer(HTTPStatus.OK, headers, made.raw.decode())


def _answer(status: HTTPStatus, headers: dict[str, str], body: str, *, in_base64: bool = False) -> dict[str, Any]:
    return {"statusCode": int(status), "headers": headers, "body": body, "isBase64Encoded": in_base64}


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
