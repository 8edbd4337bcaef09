"""Deliveries that the pump could not queue."""

from typing import Any

from pressroom.delivery.outcome import FollowUps, record_dead
from pressroom.order import outbox


def park(row: dict[str, Any], follow_ups: FollowUps) -> None:
    """Record the delivery of an outbox row (as the stream holds it) as dead, unless it was queued after all."""
    delivery = outbox.get(row["delivery_id"]["S"])
    if delivery is None or delivery.state is not outbox.State.PENDING or delivery.replays != int(row["replays"]["N"]):
        return
    # Of a failed stream batch, the pump may have queued the rows after the row that failed.
    since = row.get("requested_at", {}).get("S", delivery.created_at)
    if not any(attempt.at > since for attempt in delivery.history):
        record_dead(delivery, "it could not be queued", follow_ups)
