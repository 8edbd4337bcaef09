"""Notifying the shop: signed webhooks in the format of Standard Webhooks (standardwebhooks.com, "Specification")."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from pressroom.delivery.outcome import Sent
from pressroom.order import notifications
from pressroom.order.outbox import Delivery
from pressroom.platform import config, error_bodies, http, wire
from pressroom.platform.errors import Blocked, Dead
from pressroom.platform.observe import count
from pressroom.platform.signing import standard_signature

_OF_ERRORS = frozenset({"id", "type", "status", "reason", "text", "at"})
"""Fields of a notification whose names an error has, too: they count only within a path."""


def send(delivery: Delivery) -> Sent:
    """Make one attempt to send a notification; see `http.post` for the errors. All attempts have the same `webhook-id`.

    The error of a refused notification names the fields that the shop's answer names. 410 means that the shop wants no
    more notifications: nothing is sent to this URL until a person enables it again.
    """
    since = notifications.disabled_at()
    if since:
        raise Dead(f"disabled: the shop answered HTTP 410 at {since}")
    url, now = config.setting("STOREFRONT_URL"), config.utcnow()
    values = config.secret("STOREFRONT_NOTIFICATIONS_SECRET_ARN").values()
    if not url or not values:
        raise Blocked("the storefront's URL or the secret of its notifications is not set")
    timestamp = str(int(now.timestamp()))
    try:
        signatures = [standard_signature(value, delivery.id, timestamp, delivery.body) for value in values]
    except ValueError as error:
        raise Blocked("the secret of the storefront's notifications is not base64") from error
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Pressroom",
        "webhook-id": delivery.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
    try:
        return Sent(http.post(url, delivery.body, headers))
    except Dead as error:
        if isinstance(error, http.Refusal) and error.status != HTTPStatus.GONE:
            known = frozenset(_names(wire.parse(delivery.body)))
            raise error.because(error_bodies.field_names(error.body, known - _OF_ERRORS, inner=_OF_ERRORS)) from error
        if error.status != HTTPStatus.GONE:
            raise
        notifications.disable(now)
        count("StorefrontDisabled")
        raise Dead("disabled: the shop answered HTTP 410", status=error.status) from error


def _names(node: Any) -> Iterator[str]:
    """Return the names of all fields of a notification."""
    if isinstance(node, dict):
        yield from node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _names(child)
