"""Erasing what is personal about an order, while its record stays (GDPR, article 17).

Personal are the bodies of its webhooks and deliveries, and in its facts the texts that people wrote and the tracking of
its parcels. Statuses, pieces, times, SKUs and prices stay, and so does every identity: a message that comes again is
still known. What comes later, and holds something again, is erased by asking again. Backups keep it for 35 days.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from pressroom.delivery.outcome import conclude
from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.ops import actions, replay
from pressroom.order import outbox, repository
from pressroom.order.facts import Fact
from pressroom.order.model import Order
from pressroom.order.outbox import Delivery, State
from pressroom.platform import config, table
from pressroom.platform.errors import PressroomError
from pressroom.platform.times import iso
from pressroom.providers.follow_ups import FOLLOW_UPS

ERASED = "erased"
_OURS = frozenset({"sent", "dead", "withdrawn", "notified", "overdue"})
"""The kinds of facts whose texts are classes of failure, which hold nothing of anybody."""


class StillPending(PressroomError):
    """Something of the order is still to be sent, and can't be without what would be erased."""


def erase_order(order_id: str, *, by: str, now: datetime) -> Order | None:
    """Erase what is personal about an order, and return it; None if there is none. Asked again, it finishes or repeats.

    The facts come last: they name what else there is to erase. Raises StillPending.
    """
    row = repository.get(order_id)
    if row is None:
        return None
    deliveries = _none_pending(row.facts)
    dead = [delivery for delivery in deliveries if delivery.state is State.DEAD]
    for delivery in dead:  # what it would send is about to go
        withdrawn = replace(delivery, state=State.WITHDRAWN, last_error=ERASED)
        conclude(withdrawn, "withdrawn", FOLLOW_UPS, source="ops", reason=ERASED)
        replay.forget_letters(delivery)
    if dead:  # which may be news for the shop
        row = repository.get(order_id) or row
        deliveries = _none_pending(row.facts)
    for delivery in deliveries:
        table.update(outbox.KIND, delivery.id, assign=_EMPTY, drop=("told",))
    for fact in row.facts:
        table.update(events.KIND, fact.id, assign=_EMPTY)  # most facts are named by their webhook
    for key in repository.find_keys(row.facts):
        if key.startswith("tracking/"):
            _be_found_no_more(order_id, key)
    order = repository.rewrite(order_id, lambda facts: [*without_texts(facts), _fact(now)])
    actions.record("erase", order_id, by=by, now=now)
    return order


def erase_event(event: Event, *, by: str, now: datetime) -> None:
    """Erase the body of one webhook, such as a parked one that is tied to no order. It can't be replayed any more."""
    drop = ("state_key",) if event.state is not events.State.RECEIVED else ()
    table.update(events.KIND, event.id, assign=_EMPTY, drop=drop)
    actions.record("erase", event.id, by=by, now=now)


def without_texts(facts: list[Fact]) -> list[Fact]:
    """Return facts without what is personal in them; the order that they make is the same but for those texts."""
    return [replace(fact, data=_without_texts(fact)) for fact in facts if fact.kind != ERASED]


def _without_texts(fact: Fact) -> dict[str, Any]:
    data = dict(fact.data)
    if data.get("reason") and fact.kind not in _OURS:
        data["reason"] = ERASED
    if data.get("tracking_number") or data.get("tracking_url"):
        # That a parcel has tracking tells it from others, so something has to stand there.
        data |= {"tracking_number": ERASED, "tracking_url": None}
    if fact.kind == "print_file":
        data["url"] = None
    return data


_EMPTY: table.Item = {"body": table.pack(b""), "erased": {"BOOL": True}}


def _fact(now: datetime) -> Fact:
    return Fact(id=ERASED, kind=ERASED, source="ops", at=iso(now), received_at=iso(now))


def _none_pending(facts: list[Fact]) -> list[Delivery]:
    deliveries = _deliveries(facts)
    if any(each.state is State.PENDING for each in deliveries):
        raise StillPending("a delivery of the order is still to be sent")
    return deliveries


def _deliveries(facts: list[Fact]) -> list[Delivery]:
    ids = [delivery_id for fact in facts for delivery_id in fact.data.get("deliveries", ())]
    pages = (ids[start : start + 100] for start in range(0, len(ids), 100))
    return [Delivery.of(row) for page in pages for row in table.get_many([(outbox.KIND, each) for each in page])]


def _be_found_no_more(order_id: str, key: str) -> None:
    config.client("dynamodb").update_item(
        TableName=table.name(),
        Key=table.pk(repository.FIND, key),
        UpdateExpression="DELETE orders :order",
        ExpressionAttributeValues={":order": {"SS": [order_id]}},
    )
