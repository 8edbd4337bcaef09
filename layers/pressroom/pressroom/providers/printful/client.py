"""Reading and setting the URL of a store's webhooks at Printful (Printful API v1, "Webhook Setup API").

A store has one configuration. Setting it replaces the whole previous one, so every call here can be repeated. v1 has no
conditional requests: another client may change the configuration between a read and a write.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pressroom.platform import config, error_bodies, http, wire
from pressroom.platform.errors import Dead, Retry

PATH = "/webhooks"
_URL = re.compile(rb'https?:[^\s"]*', re.IGNORECASE)
ANSWER_BYTES = 64 * 1024
GAP_S = 0.5
"""Seconds between two calls: Printful accepts 120 a minute."""
PAUSES_S = (1, 3)
"""Seconds before the second and the third try of a call."""
LONGEST_PAUSE_S = 20
"""Seconds. If Printful asks for a longer pause, the call fails: a person or the schedule repeats it."""


class Pace:
    """Makes the calls of this function wait until GAP_S have passed since the last one."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._clock = clock
        self.sleep = sleep
        self._free_at = float("-inf")

    def wait(self) -> None:
        early = self._free_at - self._clock()
        if early > 0:
            self.sleep(early)
        self._free_at = self._clock() + GAP_S


PACE = Pace()


@dataclass(frozen=True)
class WebhookInfo:
    """A store's webhook configuration: the URL, the event types, and the products whose stock is reported."""

    url: str | None = None
    types: tuple[str, ...] = ()
    product_ids: tuple[int, ...] = ()

    @classmethod
    def of(cls, result: Any) -> "WebhookInfo":
        """Read Printful's format. A missing value may be null, empty, or an empty list instead of an object."""
        match result or {}:
            case {**info}:
                url, types = info.get("url") or None, info.get("types") or []
                if isinstance(url, str | None) and isinstance(types, list):
                    return cls(url, tuple(map(str, types)), _product_ids(info.get("params")))
        raise Dead("Printful's response about its webhook can't be read")

    def body(self) -> bytes:
        """Return the bytes to send. Printful knows only these three keys."""
        params = {"stock_updated": {"product_ids": self.product_ids}} if self.product_ids else {}
        return json.dumps({"url": self.url, "types": self.types, "params": params}).encode()


def _product_ids(params: Any) -> tuple[int, ...]:
    for key in ("stock_updated", "product_ids"):
        params = params.get(key) if isinstance(params, dict) else None
    ids = map(str, params if isinstance(params, list) else ())
    return tuple(int(each) for each in ids if re.fullmatch("[0-9]{1,18}", each))


def get_webhook() -> WebhookInfo:
    """Return the current configuration. Raises Retry or Dead, like the two functions below."""
    return _call("GET")


def set_webhook(info: WebhookInfo) -> WebhookInfo:
    """Replace the configuration; return the new one, as Printful reports it."""
    return _call("POST", info.body())


def remove_webhook() -> WebhookInfo:
    """Remove the configuration, whoever has set it."""
    return _call("DELETE")


def _call(method: str, body: bytes | None = None) -> WebhookInfo:
    url, headers = config.setting("PRINTFUL_BASE_URL").rstrip("/") + PATH, _headers()
    for pause in PAUSES_S:
        try:
            return _read(_once(method, url, headers, body))
        except Retry as error:
            if error.after > LONGEST_PAUSE_S:
                raise
            PACE.sleep(max(pause, error.after))
    return _read(_once(method, url, headers, body))


def _once(method: str, url: str, headers: dict[str, str], body: bytes | None) -> bytes:
    PACE.wait()
    try:
        return http.request(method, url, body=body, headers=headers, read=ANSWER_BYTES).body
    except http.Refusal as error:
        raise error.because(_reason(error.body, headers, body)) from error


def _reason(answer: bytes, headers: dict[str, str], body: bytes | None) -> str:
    """Return Printful's own text about a refused call, without the two tokens and without URLs, which may hold one."""
    url = json.loads(body)["url"] if body else ""
    secrets = (headers["Authorization"].removeprefix("Bearer "), url.rpartition("/")[2])
    return error_bodies.text(_URL.sub(b"(a URL)", answer.replace(rb"\/", b"/")), secrets)


def _headers() -> dict[str, str]:
    # Calls are rare, and often follow directly after a person has set the token.
    values, store = config.secret("PRINTFUL_API_SECRET_ARN").fresh(), config.setting("PRINTFUL_STORE_ID")
    if not values:
        raise Retry("Printful's API token is not set")
    headers = {"Authorization": f"Bearer {values[0]}", "Content-Type": "application/json"}
    return headers | ({"X-PF-Store-Id": store} if store else {})


def _read(content: bytes) -> WebhookInfo:
    """Read Printful's envelope, `{"code", "result"}`. Its texts are not passed on: they may contain the URL."""
    try:
        answer = wire.parse(content)
    except ValueError as error:
        raise Dead("Printful's response is not JSON") from error
    if not isinstance(answer, dict) or "result" not in answer:
        raise Dead("Printful's response has no result")
    code = answer.get("code", HTTPStatus.OK)
    if not isinstance(code, int):
        raise Dead("the code in Printful's response is not a number")
    if not 200 <= code < 300:
        raise Dead(f"Printful responded with code {code}", status=code)
    return WebhookInfo.of(answer["result"])
