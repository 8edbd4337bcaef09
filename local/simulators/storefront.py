"""Simulates the shop's endpoint for Pressroom's notifications (docs/notifications).

It verifies notifications with the public `standardwebhooks` package and the published schemas, so that a mistake in our
own signing is found.

    POST / or /pressroom   a notification: 401 if its signature is wrong, 400 with the errors if it breaks its schema
    GET  /_told            the accepted notifications by order, in the order of arrival, duplicates included
    GET  /_told_products   those about products, likewise, by product
"""

import argparse
import json
import threading
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from standardwebhooks import Webhook, WebhookVerificationError

from local.partners import NOTIFICATIONS_PATH, NOTIFICATIONS_SECRET
from local.settings import ROOT
from local.simulators.base import serve

SCHEMAS = ROOT / "docs" / "notifications"
SUFFIX = ".schema.json"


@cache
def validators(folder: Path = SCHEMAS) -> dict[str, Draft202012Validator]:
    """Return the published schema of each event, by its type; the shared schema is no event and left out."""
    schemas = {path.name: json.loads(path.read_text()) for path in sorted(folder.glob(f"*{SUFFIX}"))}
    registry: Registry[Any] = Registry().with_resources(
        (name, Resource.from_contents(schema)) for name, schema in schemas.items()
    )
    events = {name.removesuffix(SUFFIX): schema for name, schema in schemas.items()}
    return {event: Draft202012Validator(schema, registry=registry) for event, schema in events.items() if "." in event}


class Notifications:
    """The notifications that the shop has accepted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_order = defaultdict[str, list[dict[str, Any]]](list)
        self._by_product = defaultdict[str, list[dict[str, Any]]](list)

    def forget(self) -> None:
        with self._lock:
            self._by_order.clear()
            self._by_product.clear()

    def add(self, webhook_id: str, notification: dict[str, Any]) -> None:
        data = notification["data"]
        if "product" in data:
            with self._lock:
                self._by_product[data["product"]["id"]].append(notification | {"webhook_id": webhook_id})
            return
        order, shipment = data["order"], data.get("shipment") or {}
        entry = {
            "sequence": data["sequence"],
            "type": notification["type"],
            "webhook_id": webhook_id,
            "timestamp": notification["timestamp"],
            "status": order["status"],
            "parcel": shipment.get("id"),
            "tracking_number": shipment.get("tracking_number"),
            "reasons": data.get("reasons", []),
        }
        with self._lock:
            self._by_order[order["id"]].append(entry)

    def by_order(self) -> dict[str, list[dict[str, Any]]]:
        with self._lock:
            return {order: list(entries) for order, entries in self._by_order.items()}

    def by_product(self) -> dict[str, list[dict[str, Any]]]:
        with self._lock:
            return {product: list(entries) for product, entries in self._by_product.items()}


def make_app(secret: str) -> Flask:
    app = Flask(__name__)
    notifications = Notifications()
    app.extensions["forget"] = notifications.forget

    @app.post("/")
    @app.post(NOTIFICATIONS_PATH)
    def receive() -> Response:
        body = request.get_data()
        if not _is_genuine(secret, body):
            return Response(status=401)
        try:
            notification = json.loads(body)
        except (ValueError, RecursionError):
            return _errors(["not JSON"])
        if errors := _schema_errors(notification):
            return _errors(errors)
        notifications.add(request.headers["webhook-id"], notification)
        return Response(status=200)

    @app.get("/_told")
    def accepted() -> Response:
        return Response(json.dumps(notifications.by_order()), mimetype="application/json")

    @app.get("/_told_products")
    def accepted_about_products() -> Response:
        return Response(json.dumps(notifications.by_product()), mimetype="application/json")

    return app


def _is_genuine(secret: str, body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(request.headers.items()), json_parse=False)
    except (WebhookVerificationError, ValueError):  # it raises ValueError for some malformed headers and bodies
        return False
    return True


def _schema_errors(notification: Any) -> list[str]:
    event = notification.get("type") if isinstance(notification, dict) else None
    validator = validators().get(event) if isinstance(event, str) else None
    if validator is None:
        return [f"unknown type {event!r}"]
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(notification)]


def _errors(errors: list[str]) -> Response:
    return Response(json.dumps(errors), 400, mimetype="application/json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.simulators.storefront")
    parser.add_argument("--secret", default=NOTIFICATIONS_SECRET)
    serve(lambda arguments: make_app(arguments.secret), parser)


if __name__ == "__main__":
    main()
