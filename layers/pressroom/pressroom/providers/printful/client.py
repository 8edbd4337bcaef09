"""Asking Printful which URL it sends a store's webhooks to, and telling it (Printful API v1, "Webhook Setup API").

A store has one configuration: setting it replaces all of the last one, so doing it twice changes nothing, and every
call here may be tried again. v1 takes no condition: between a look and a change somebody else may have been quicker.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pressroom.platform import config, http, wire
from pressroom.platform.errors import Dead, Retry

PATH = "/webhooks"
ANSWER_BYTES = 64 * 1024
GAP_S = 0.5
"""Between two calls: Printful takes 120 a minute."""
PAUSES_S = (1, 3)
"""Before the second and the third try of a call."""
LONGEST_PAUSE_S = 20
"""If Printful asks for more, the call fails: a person or a schedule will make another."""


class Pace:
    """Keeps the calls of this function GAP_S apart."""

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
    """Where Printful sends a store's events, which ones, and of which products it tells the stock."""

    url: str | None = None
    types: tuple[str, ...] = ()
    product_ids: tuple[int, ...] = ()

    @classmethod
    def of(cls, result: Any) -> "WebhookInfo":
        """Read Printful's own shape. What is not set may be null, empty, or an empty list in an object's place."""
        match result or {}:
            case {**info}:
                url, types = info.get("url") or None, info.get("types") or []
                if isinstance(url, str | None) and isinstance(types, list):
                    return cls(url, tuple(map(str, types)), _product_ids(info.get("params")))
        raise Dead("Printful's answer about its webhook is not understood")

    def body(self) -> bytes:
        """Return the bytes to send: these three keys are all that Printful knows."""
        params = {"stock_updated": {"product_ids": self.product_ids}} if self.product_ids else {}
        return json.dumps({"url": self.url, "types": self.types, "params": params}).encode()


def _product_ids(params: Any) -> tuple[int, ...]:
    for key in ("stock_updated", "product_ids"):
        params = params.get(key) if isinstance(params, dict) else None
    ids = map(str, params if isinstance(params, list) else ())
    return tuple(int(each) for each in ids if re.fullmatch("[0-9]{1,18}", each))


def get_webhook() -> WebhookInfo:
    """Return what is registered now. Raises Retry or Dead, like the two below."""
    return _call("GET")


def set_webhook(info: WebhookInfo) -> WebhookInfo:
    """Register; what was registered before is gone. Returns what Printful has made of it."""
    return _call("POST", info.body())


def remove_webhook() -> WebhookInfo:
    """Remove whatever is registered, whoever did it."""
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
    return http.request(method, url, body=body, headers=headers, read=ANSWER_BYTES).body


def _headers() -> dict[str, str]:
    # Calls are rare, and often made by somebody who has just set the token.
    values, store = config.secret("PRINTFUL_API_SECRET_ARN").fresh(), config.setting("PRINTFUL_STORE_ID")
    if not values:
        raise Retry("Printful's API token is not set")
    headers = {"Authorization": f"Bearer {values[0]}", "Content-Type": "application/json"}
    return headers | ({"X-PF-Store-Id": store} if store else {})


def _read(content: bytes) -> WebhookInfo:
    """Open Printful's envelope, `{"code", "result"}`. Its texts are not passed on: they may repeat the URL."""
    try:
        answer = wire.parse(content)
    except ValueError as error:
        raise Dead("Printful's answer is not JSON") from error
    if not isinstance(answer, dict) or "result" not in answer:
        raise Dead("Printful's answer has no result")
    code = answer.get("code", HTTPStatus.OK)
    if not isinstance(code, int):
        raise Dead("Printful's answer has no code that is understood")
    if not 200 <= code < 300:
        raise Dead(f"Printful answered with code {code}", status=code)
    return WebhookInfo.of(answer["result"])
