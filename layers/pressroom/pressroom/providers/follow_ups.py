"""The other rows that are written when a delivery ends, by destination and operation. The delivery engine gets them.

Light: it imports no client, since the ops API ends deliveries too.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pressroom.delivery.outcome import FollowUps
from pressroom.order.outbox import Delivery
from pressroom.partners import BY_ID
from pressroom.platform.table import Item
from pressroom.providers.oms import batches, print_files


def rows(delivery: Delivery, kind: str, data: Mapping[str, Any], now: datetime) -> Iterator[Item]:
    """Return the rows that are written with an order when a delivery of it ends."""
    if delivery.destination == "oms" and kind == "sent":
        is_create = delivery.operation == BY_ID["oms"].create
        if is_create or data.get("changed"):
            yield print_files.poll_row(delivery.order_id, f"{delivery.id}/{delivery.attempts}", now=now)


FOLLOW_UPS = FollowUps(rows=rows, standalone={"create_batch": batches.record_end})
