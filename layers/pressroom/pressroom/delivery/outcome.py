"""The end of a delivery: recorded on its row and on its order in one write, whoever ends it.

Other rows to write at the end of an operation are passed in as `FollowUps`, so the engine names no operation.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pressroom.order import lane, repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact
from pressroom.order.outbox import Delivery, State
from pressroom.partners import LANES
from pressroom.platform import config, table
from pressroom.platform.observe import count, logger
from pressroom.platform.times import iso

TURN = "TURN"
KEPT_FOR = timedelta(days=45)


@dataclass(frozen=True, slots=True)
class Sent:
    """A success: the HTTP status, and the part of the response that the record keeps.

    `certain`: whatever became of earlier attempts, the destination has done this once.
    """

    status: int
    data: dict[str, Any] = field(default_factory=dict)
    certain: bool = False


@dataclass(frozen=True, slots=True)
class FollowUps:
    """The other rows that are written when a delivery ends.

    `rows` returns other rows to write with the order, given the delivery, the kind of its end (`sent`, `dead` or
    `withdrawn`), the end's data, and the time. `standalone` ends the deliveries of no order, by operation; those of
    an operation that it does not name just end.
    """

    rows: Callable[[Delivery, str, Mapping[str, Any], datetime], Iterable[table.Item]]
    standalone: Mapping[str, Callable[[Delivery, str, dict[str, Any]], None]]


NO_FOLLOW_UPS = FollowUps(rows=lambda *_: (), standalone={})
"""For a destination whose deliveries need no other rows."""


def conclude(delivery: Delivery, kind: str, follow_ups: FollowUps, *, source: str = "", **data: Any) -> None:
    """Record the end of a delivery: the row and the order's fact, `sent`, `dead` or `withdrawn`, together.

    `source` names who ended it, if that is not the deliverer.
    """
    if not delivery.order_id:
        end = follow_ups.standalone.get(delivery.operation)
        if end:
            end(delivery, kind, data)
        else:
            delivery.save()
        return
    now = config.utcnow()
    fact = Fact(
        id=f"{delivery.id}/{kind}/{delivery.replays}.{delivery.attempts}",
        kind=kind,
        source=source or f"deliver.{delivery.destination}",
        at=iso(now),
        received_at=iso(now),
        data={
            "delivery_id": delivery.id,
            "destination": delivery.destination,
            "operation": delivery.operation,
            "answer_lost": delivery.answer_lost,
            **data,
        },
    )

    def extra_writes(facts: list[Fact]) -> Iterator[table.Item]:
        before = lane.turn([each for each in facts if each.id != fact.id], delivery.destination)
        after = lane.turn(facts, delivery.destination)
        if after and after != before and delivery.destination in LANES:
            yield {"Put": _turn_row(after, delivery, now)}
        for row in follow_ups.rows(delivery, kind, data, now):
            yield {"Put": row}

    order = repository.apply(Decision(order_id=delivery.order_id, facts=(fact,), ended=delivery), extra_writes)
    repository.count_attention(order, fact.source)


def record_dead(delivery: Delivery, reason: str, follow_ups: FollowUps) -> None:
    """Record that a delivery failed for good: on its row, on its order, in a metric."""
    delivery = replace(delivery, state=State.DEAD, last_error=reason)
    conclude(delivery, "dead", follow_ups, reason=reason)
    log("delivery_dead", delivery)
    count("DeliveriesDead", destination=delivery.destination)


def log(event: str, delivery: Delivery) -> None:
    """Write a log line about a delivery and its latest attempt."""
    last = delivery.history[-1] if delivery.history else None
    logger().info(
        event,
        delivery_id=delivery.id,
        destination=delivery.destination,
        attempts=delivery.attempts,
        status=last.status if last else None,
        error=last.error if last else None,
    )


def _turn_row(delivery_id: str, before: Delivery, now: datetime) -> table.Item:
    """Return the row by which the pump queues the next delivery, which has waited for the end of this one."""
    waiting = replace(before, id=delivery_id, replays=0)
    return {
        "TableName": table.name(),
        "Item": table.pk(TURN, f"{delivery_id}#{before.id}#{before.replays}.{before.attempts}")
        | waiting.queued()
        | table.until(now + KEPT_FOR),
    }
