"""Simulates Printful's webhooks (API v1): the configuration calls, and the events that Printful sends.

    GET, POST, DELETE /webhooks   the store's only configuration; each POST replaces all of it
    POST /_fire                   {"type": "...", "data": {...}, "created": 1757..., "store": 7654321}: send an event to
                                  the configured URL; 409 if the event is not enabled there
    GET  /_fired                  the events sent, with every attempt

An event without a 2xx response is sent again after 1, 4, 16 … 1024 minutes; `--minute-s` sets how many seconds such a
minute lasts.
"""

import argparse
import hmac
import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import requests
from flask import Flask, Response, request
from jsonschema import Draft202012Validator

from local import localhost
from local.partners import PRINTFUL_API_TOKEN
from local.simulators.base import serve

LADDER = (1, 4, 16, 64, 256, 1024)
"""Minutes before each further attempt."""
WINDOW_S = 60
TIMEOUT_S = 10
NOTHING: dict[str, Any] = {"url": None, "types": [], "params": []}
"""No configuration, as Printful returns it: an empty object is an empty list."""

# Written a second time here on purpose, so that a wrong name in Pressroom is found.
TYPES = [
    *("package_shipped", "package_returned"),
    *("order_created", "order_updated", "order_failed", "order_canceled", "order_refunded"),
    *("order_put_hold", "order_put_hold_approval", "order_remove_hold"),
    *("product_synced", "product_updated", "product_deleted", "stock_updated"),
]
CONFIGURATION = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            "url": {"type": "string", "pattern": r"^https?://[^/\s]+(/\S*)?$"},
            "types": {"type": "array", "items": {"enum": TYPES}, "uniqueItems": True, "minItems": 1},
            "params": {
                "type": ["object", "array"],
                "maxItems": 0,
                "properties": {
                    "stock_updated": {
                        "type": "object",
                        "properties": {
                            "product_ids": {
                                "type": "array",
                                "items": {"type": "integer", "minimum": 1},
                                "minItems": 1,
                            }
                        },
                        "required": ["product_ids"],
                        "additionalProperties": False,
                    }
                },
                "additionalProperties": False,
            },
        },
        "required": ["url", "types"],
        "additionalProperties": False,
        "if": {"properties": {"types": {"contains": {"const": "stock_updated"}}}},
        "then": {"properties": {"params": {"required": ["stock_updated"], "type": "object"}}, "required": ["params"]},
    }
)
EVENT = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "data": {"type": "object"},
            "created": {"type": "integer"},
            "store": {"type": "integer"},
            "retries": {},  # a recorded event may be fired as it is
        },
        "required": ["type", "data"],
        "additionalProperties": False,
    }
)


class Store:
    """One store at Printful: its configuration, and the events being sent."""

    def __init__(self, calls_per_minute: int, minute_s: float, clock: Callable[[], float]) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._calls_per_minute = calls_per_minute
        self._minute_s = minute_s
        self._over = threading.Event()
        self.forget()

    def forget(self) -> None:
        with self._lock:
            self._over.set()
            self._over = threading.Event()
            self._configuration = NOTHING
            self._calls = deque[float]()
            self._fired = list[dict[str, Any]]()

    def admit(self) -> int:
        """Count a call; return the seconds to wait if there were too many in the last minute, else 0."""
        with self._lock:
            now = self._clock()
            while self._calls and now - self._calls[0] >= WINDOW_S:
                self._calls.popleft()
            if len(self._calls) >= self._calls_per_minute:
                return max(1, math.ceil(self._calls[0] + WINDOW_S - now))
            self._calls.append(now)
            return 0

    def configuration(self) -> dict[str, Any]:
        with self._lock:
            return self._configuration

    def configure(self, configuration: dict[str, Any]) -> None:
        with self._lock:
            self._configuration = {**NOTHING, **configuration}

    def refusal_reason(self, event: dict[str, Any]) -> str | None:
        """Return why Printful would not send this event; None if it would."""
        configuration = self.configuration()
        if not configuration["url"]:
            return "no URL is configured"
        if event["type"] not in configuration["types"]:
            return f"{event['type']} is not enabled"
        if event["type"] == "stock_updated":
            product = event["data"].get("product_id")
            if product not in configuration["params"]["stock_updated"]["product_ids"]:
                return f"stock_updated is not enabled for product {product}"
        return None

    def fire(self, event: dict[str, Any]) -> None:
        sent: dict[str, Any] = {**event, "attempts": [], "state": "sending"}
        with self._lock:
            self._fired.append(sent)
            url, over = self._configuration["url"], self._over
        threading.Thread(target=self._send, args=(url, event, sent, over), daemon=True).start()

    def fired(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{**each, "attempts": list(each["attempts"])} for each in self._fired]

    def _send(self, url: str, event: dict[str, Any], sent: dict[str, Any], over: threading.Event) -> None:
        for retries, minutes in enumerate((0, *LADDER)):
            if over.wait(minutes * self._minute_s):
                return
            at, status = _now(), _post(url, {**event, "retries": retries})
            done = status is not None and 200 <= status < 300
            with self._lock:
                sent["attempts"].append({"at": at, "status": status})
                if done or retries == len(LADDER):
                    sent["state"] = "delivered" if done else "given up"
            if done:
                return


def make_app(
    token: str, *, calls_per_minute: int = 120, minute_s: float = 0.01, clock: Callable[[], float] = time.monotonic
) -> Flask:
    app = Flask(__name__)
    store = Store(calls_per_minute, minute_s, clock)
    app.extensions["forget"] = store.forget

    def guarded(route: Callable[[], Response]) -> Callable[[], Response]:
        @wraps(route)
        def wrapper() -> Response:
            if wait := store.admit():
                answer = _error(429, "TooManyRequests", f"Too many requests; try again in {wait} seconds.")
                answer.headers["Retry-After"] = str(wait)
                return answer
            given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, f"Bearer {token}".encode()):
                return _error(401, "Unauthorized", "The access token is missing or not valid.")
            return route()

        return wrapper

    @app.get("/webhooks")
    @guarded
    def show() -> Response:
        return _result(store.configuration())

    @app.post("/webhooks")
    @guarded
    def configure() -> Response:
        wanted: Any = request.get_json(silent=True, force=True)
        errors = [f"{error.json_path}: {error.message}" for error in CONFIGURATION.iter_errors(wanted)]
        if errors:
            return _error(400, "BadRequest", "; ".join(errors))
        store.configure(wanted)
        return _result(store.configuration())

    @app.delete("/webhooks")
    @guarded
    def remove() -> Response:
        store.configure(NOTHING)
        return _result(store.configuration())

    @app.post("/_fire")
    def fire() -> Response:
        given: Any = request.get_json(silent=True)
        errors = [error.message for error in EVENT.iter_errors(given)]
        if errors:
            return _json({"errors": errors}, 400)
        event = {"created": int(time.time()), "store": 7654321, **given}
        if reason := store.refusal_reason(event):
            return _json({"reason": reason}, 409)
        store.fire(event)
        return _json({"fired": event}, 202)

    @app.get("/_fired")
    def fired() -> Response:
        return _json(store.fired())

    return app


def _post(url: str, event: dict[str, Any]) -> int | None:
    """Return the status of the response; None if there was none."""
    headers = {"Content-Type": "application/json", "User-Agent": "Printful simulator"}
    try:
        return localhost.request("POST", url, body=json.dumps(event), headers=headers, timeout=TIMEOUT_S).status_code
    except (requests.RequestException, ValueError):
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _result(result: dict[str, Any]) -> Response:
    return _json({"code": 200, "result": result})


def _error(status: int, reason: str, message: str) -> Response:
    return _json({"code": status, "result": message, "error": {"reason": reason, "message": message}}, status)


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.simulators.printful")
    parser.add_argument("--token", default=PRINTFUL_API_TOKEN)
    parser.add_argument("--calls-per-minute", type=int, default=120)
    parser.add_argument("--minute-s", type=float, default=0.01, help="seconds that a minute between retries lasts")
    serve(lambda given: make_app(given.token, calls_per_minute=given.calls_per_minute, minute_s=given.minute_s), parser)


if __name__ == "__main__":
    main()
