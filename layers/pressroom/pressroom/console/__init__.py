"""The console: one page, which holds nothing but itself. What it shows it asks of the ops API, with the ops token.

Style and script stand in the page, and the policy allows these two alone, by their hashes: nothing that gets into the
page from an order can run, and nothing is fetched from another host.
"""

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

ROUTE = "GET /console"
_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[0-9.]+\s*)?(?:,|$)")
_TAG = re.compile(r'"[^"]*"|\*')


@dataclass(frozen=True, slots=True)
class Page:
    """The page as it is sent."""

    raw: bytes
    packed: bytes
    tag: str
    policy: str


@cache
def page() -> Page:
    """Put the page together; it is the same until the next deployment."""
    folder = Path(__file__).parent
    style, script = ((folder / name).read_text("utf-8") for name in ("console.css", "console.js"))
    html = (folder / "page.html").read_text("utf-8").replace("/*STYLE*/", style).replace("/*SCRIPT*/", script)
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


def answer(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the gateway's event: the page, packed if the browser can unpack it, or that it has not changed."""
    asked = {name.lower(): value for name, value in event["headers"].items()}
    made = page()
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": made.policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "ETag": f"W/{made.tag}",  # of what it says, packed or not
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
