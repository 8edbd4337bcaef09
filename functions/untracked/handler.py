"""Every five minutes: the shop is told of parcels whose tracking has not come in time."""

from typing import Any

from pressroom.order import notifications, repository
from pressroom.order.decision import Decision
from pressroom.platform import config
from pressroom.platform.errors import Conflict
from pressroom.platform.observe import logger
from pressroom.platform.times import iso

MOST = 100
"""How many rows are looked at; the next run looks at the next ones."""


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Tell the shop of what has waited long enough; return how many orders that were."""
    now, told = config.utcnow(), 0
    for identity, order_id, parcels in notifications.overdue(now, limit=MOST):
        try:
            repository.apply(Decision(order_id=order_id, facts=(), tracking_wait_expired=tuple(parcels), at=iso(now)))
        except Conflict:
            logger().warning("order_busy", order_id=order_id)  # the next run finds it again
            continue
        notifications.settle(identity, now)
        told += 1
    return {"told": told}
