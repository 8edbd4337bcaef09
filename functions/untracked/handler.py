"""Notifies the shop, every five minutes, of parcels whose tracking has not come in time."""

from typing import Any

from pressroom.order import notifications, repository
from pressroom.order.decision import Decision
from pressroom.platform import config
from pressroom.platform.errors import Conflict
from pressroom.platform.observe import logger
from pressroom.platform.times import iso

MOST = 100
"""How many rows a run reads; the next run reads the next ones."""


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Queue the notifications that have waited long enough for tracking; return how many orders they concern."""
    now, orders = config.utcnow(), 0
    for identity, order_id, parcels in notifications.overdue(now, limit=MOST):
        try:
            repository.apply(Decision(order_id=order_id, facts=(), tracking_wait_expired=tuple(parcels), at=iso(now)))
        except Conflict:
            logger().warning("order_busy", order_id=order_id)  # the next run finds it again
            continue
        notifications.settle(identity, now)
        orders += 1
    return {"told": orders}
