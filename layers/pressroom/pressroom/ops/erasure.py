"""Erasing the personal data of an order, while its record stays (GDPR, article 17).

Personal data are the bodies of the order's webhooks and deliveries and, in its facts, free texts (also the names of
products, which may be a customer's wish), links to designs, the tracking of parcels and the digests of e-mail
addresses; the order is not found by the last two any more. Statuses, pieces, times, SKUs, prices and all deduplication
keys stay, so a repeated message is still known.
Messages that arrive later are erased by a second request. Backups keep the data for 35 days.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from pressroom.delivery.outcome import conclude
from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.ops import actions, dead_letters
from pressroom.order import outbox, repository
from pressroom.order.facts import VIA, Fact
from pressroom.order.links import linked
from pressroom.order.model import Order
from pressroom.order.outbox import Delivery, State
from pressroom.platform import table, wire
from pressroom.platform.errors import PressroomError
from pressroom.platform.times import iso
from pressroom.providers.follow_ups import FOLLOW_UPS

ERASED = "erased"
_ERASED_LINK = "https://erased.invalid/"
_WITHOUT_PERSONAL_DATA = frozenset({"sent", "dead", "withdrawn", "notified", "overdue"})
"""The kinds of facts whose texts are error classes, which contain no personal data."""


class StillPending(PressroomError):
    """A delivery of the order is still to be sent, and needs the data that would be erased."""


def erase_order(order_id: str, *, by: str, now: datetime) -> Order | None:
    """Erase the personal data of an order, and return it; None if there is no order. It can be repeated at any time.

    The facts are erased last: they name everything else that is to be erased. Raises StillPending.
    """
    row = repository.get(order_id)
    if row is None:
        return None
    deliveries = _none_pending(row.facts)
    dead = [delivery for delivery in deliveries if delivery.state is State.DEAD]
    for delivery in dead:  # its body is about to be erased
        withdrawn = replace(delivery, state=State.WITHDRAWN, last_error=ERASED)
        conclude(withdrawn, "withdrawn", FOLLOW_UPS, source="ops", reason=ERASED)
        dead_letters.delete_of(delivery)
    if dead:  # the withdrawal may have made a notification
        row = repository.get(order_id) or row
        deliveries = _none_pending(row.facts)
    for delivery in deliveries:
        table.update(outbox.KIND, delivery.id, assign=_EMPTY, drop=("told",))
    records = linked(row.facts)
    for fact in row.facts:
        if fact.data.get(VIA) in (None, *records):  # a record that was linked by mistake is somebody else's order
            table.update(events.KIND, fact.id, assign=_EMPTY)  # the id of most facts is that of their webhook
    for record in records:  # what was copied from there stands there too
        known = repository.get(record) or repository.Row()
        _remove_from_search(record, known.facts, now)
        repository.rewrite(record, lambda facts: [*without_texts(facts), _fact(now)])
    _remove_from_search(order_id, row.facts, now)
    order = repository.rewrite(order_id, lambda facts: [*without_texts(facts), _fact(now)])
    actions.record("erase", order_id, by=by, now=now)
    return order


def erase_event(event: Event, *, by: str, now: datetime) -> None:
    """Erase the body of one webhook, such as a parked one without an order. It can't be replayed after that."""
    drop = ("state_key",) if event.state is not events.State.RECEIVED else ()
    table.update(events.KIND, event.id, assign=_EMPTY, drop=drop)
    actions.record("erase", event.id, by=by, now=now)


def without_texts(facts: list[Fact]) -> list[Fact]:
    """Return facts without personal data. Their fold is the same order, except for the erased texts."""
    return [replace(fact, data=_without_texts(fact)) for fact in facts if fact.kind != ERASED]


def _without_texts(fact: Fact) -> dict[str, Any]:
    data = {name: value for name, value in fact.data.items() if name != "emails"}
    if data.get("reason") and fact.kind not in _WITHOUT_PERSONAL_DATA:
        data["reason"] = ERASED
    # Parcels are told apart by whether they have a number or only a link, so that field must not be empty.
    if data.get("tracking_number"):
        data |= {"tracking_number": ERASED, "tracking_url": None}
    elif data.get("tracking_url"):
        data["tracking_url"] = _ERASED_LINK
    if fact.kind == "print_file":
        data["url"] = None
    for name in ("lines", "items", "incomplete"):
        if name in data:
            data[name] = [wire.without(each, "name") for each in data[name]]
    if "told" in data:  # the line that a person routed
        data["told"] = wire.without(data["told"], "name")
    return wire.without(data, "names", "approval_files")


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


def _remove_from_search(order_id: str, facts: list[Fact], now: datetime) -> None:
    for key in repository.find_keys(facts):
        if key.startswith(("tracking/", "email/")):
            repository.remove_from_search(order_id, key, now=now)
