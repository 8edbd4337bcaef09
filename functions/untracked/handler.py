"""Every five minutes: the shop is told of parcels whose tracking has not come in time."""

from typing import Any

from pressroom import config, notices, record
from pressroom.errors import Conflict
from pressroom.observe import logger
from pressroom.record import Decision
from pressroom.times import iso

MOST = 100
"""How many rows are looked at; the next run looks at the next ones."""


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Tell the shop of what has waited long enough; return how many orders that were."""
    now, told = config.utcnow(), 0
    for identity, order_id, parcels in notices.overdue(now, limit=MOST):
        try:
            record.apply(Decision(order_id=order_id, facts=(), waited=tuple(parcels), at=iso(now)))
        except Conflict:
            logger().warning("order_busy", order_id=order_id)  # the next run finds it again
            continue
        notices.settle(identity, now)
        told += 1
    return {"told": told}
