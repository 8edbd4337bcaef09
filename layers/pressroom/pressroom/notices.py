"""What the shop is told of its orders: found by comparing an order before and after a write, and written with it.

Told once each, by facts of their own (`notified`), so that two writers of an order can't tell the same thing:

| type                                       | when                                                                    |
|--------------------------------------------|-------------------------------------------------------------------------|
| order.accepted, .in_production, .delivered | the order gets there; what it has passed over is left out               |
| order.shipped                              | a parcel has left, once per parcel; one without tracking waits for it   |
| order.returned                             | a parcel came back, once per parcel                                     |
| order.on_hold, order.released              | a printer holds the order; none does any more                           |
| order.failed                               | a printer did not take it                                               |
| order.canceled                             | the whole order is canceled                                             |
| order.attention                            | a person should look, for a reason that none of the others tells        |

Only of orders that the shop has reported as paid: what was known before is told then. Nothing is told of a record that
is a printer's own, nor while no URL is set (docs/decisions/0022-notifications-come-from-comparing-two-states.md).
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pressroom import config, orders, outbox, table
from pressroom.orders import Attention, Fact, Order, Shipment, Status
from pressroom.outbox import Delivery
from pressroom.times import iso, parse

KIND = "UNTRACKED"
WAITING = "waiting"
SETTING, DISABLED = "SETTING", "storefront"
KEPT_FOR = timedelta(days=45)
MOST_AT_ONCE = 40
"""Parcels that are told in one write, which takes 100 rows; `functions/untracked` tells the rest."""
STAGES = {
    Status.ACCEPTED: "order.accepted",
    Status.IN_PRODUCTION: "order.in_production",
    Status.PRODUCED: "order.in_production",
    Status.PACKED: "order.in_production",
    Status.DELIVERED: "order.delivered",
}
TYPES = (
    *("order.accepted", "order.in_production", "order.shipped", "order.delivered", "order.returned"),
    *("order.on_hold", "order.released", "order.failed", "order.canceled", "order.attention"),
)
SAID_OTHERWISE = frozenset({Attention.ON_HOLD, Attention.FAILED, Attention.RETURNED, Attention.SHOP_NOT_TOLD})
"""Reasons for attention that have a type of their own; that the shop can't be told is no news for the shop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell. `parcel` is what order.shipped and order.returned are about, `reasons` those of attention."""

    type: str
    parcel: Shipment | None = None
    reasons: tuple[str, ...] = ()


class Told(NamedTuple):
    """What has to be written with an order so that the shop is told: facts, deliveries, other rows."""

    facts: list[Fact]
    deliveries: list[Delivery]
    rows: list[table.Item]


NOTHING = Told([], [], [])


def is_on() -> bool:
    """Tell whether there is a shop to tell."""
    return bool(config.setting("STOREFRONT_URL"))


def due(before: Order, after: Order, facts: Iterable[Fact], waited: Collection[str] = ()) -> tuple[list[Notice], bool]:
    """Return what is to be told now, and whether a parcel has begun to wait for its tracking.

    `facts` are all that are known by now; `waited` are parcels that are told even without tracking.
    """
    notified = [fact for fact in facts if fact.kind == "notified"]
    types = {fact.data["type"] for fact in notified}
    found, waits = list[Notice](), False
    stage = STAGES.get(after.status)
    if stage and stage != STAGES.get(before.status) and not types.intersection(_from(stage)):
        found.append(Notice(type=stage))
    for parcel in after.shipments:
        known = {parcel.id, *parcel.merged}
        earlier = [each for each in before.shipments if each.id in known]
        if known & _parcels(notified, "order.shipped"):
            continue
        is_new = not any(each.has_tracking() for each in earlier) if parcel.has_tracking() else not earlier
        if known.intersection(waited) or (is_new and parcel.has_tracking()):
            found.append(Notice(type="order.shipped", parcel=parcel))
        elif is_new:
            waits = True
    for parcel in after.shipments:
        known = {parcel.id, *parcel.merged}
        came_back = any(each.returned for each in before.shipments if each.id in known)
        if parcel.returned and not came_back and not known & _parcels(notified, "order.returned"):
            found.append(Notice(type="order.returned", parcel=parcel))
    if after.on_hold != before.on_hold:
        found.append(Notice(type="order.on_hold" if after.on_hold else "order.released"))
    gained = set(after.attention) - set(before.attention)
    if Attention.FAILED in gained:
        found.append(Notice(type="order.failed"))
    if after.status is Status.CANCELED and before.status is not Status.CANCELED:
        found.append(Notice(type="order.canceled"))
    reasons = gained - SAID_OTHERWISE - ({Attention.CANCELED} if after.status is Status.CANCELED else set())
    if reasons:
        found.append(Notice(type="order.attention", reasons=tuple(sorted(reasons))))
    found.sort(key=lambda notice: notice.type == "order.delivered")  # after the parcel that got there
    return found, waits


def _from(stage: str) -> list[str]:
    """Return a stage and those that come after it."""
    stages = list(dict.fromkeys(STAGES.values()))
    return stages[stages.index(stage) :]


def _parcels(notified: Iterable[Fact], type_: str) -> set[str]:
    return {fact.data["parcel"] for fact in notified if fact.data["type"] == type_}


def tell(
    known: list[Fact],
    facts: list[Fact],
    after: Order,
    *,
    at: str,
    waited: Collection[str] = (),
    deliveries: Iterable[Delivery] = (),
) -> Told:
    """Return what to write so that the shop hears what has changed in an order.

    `known` are the facts before, `facts` all of them, `after` is the order of all. `at` is when we heard of it. What an
    order shows of its deliveries is read, but for those that the same write makes or ends: they are `deliveries`.
    """
    if not is_on() or _is_a_printers(after) or not _is_paid(facts):
        return NOTHING
    before = orders.fold(after.id, known) if _is_paid(known) else Order(id=after.id)
    found, waits = due(before, after, facts, waited)
    parcels = [notice for notice in found if notice.type == "order.shipped"]
    later = [notice.parcel.id for notice in parcels[MOST_AT_ONCE:] if notice.parcel]
    found = [notice for notice in found if notice not in parcels[MOST_AT_ONCE:]]
    rows = list[table.Item]()
    if waits:
        waiting = [parcel.id for parcel in after.shipments if not parcel.has_tracking()]
        wait = timedelta(minutes=float(config.setting("TRACKING_WAIT_MINUTES")))
        rows.append(_waiting_row(after.id, waiting, iso(parse(at) + wait)))
    if later:
        rows.append(_waiting_row(after.id, later, at))
    if not found:
        return Told([], [], rows)
    shown = after.to_json() | {"deliveries": [each.summary() for each in _deliveries(known, deliveries)]}
    sequence = sum(fact.kind == "notified" for fact in facts)
    told = Told([], [], rows)
    for notice in found:
        sequence += 1
        delivery = _delivery(notice, shown, sequence, at)
        data: dict[str, Any] = {"type": notice.type, "sequence": sequence, "deliveries": [delivery.id]}
        if notice.parcel:
            data["parcel"] = notice.parcel.id
        told.facts.append(
            Fact(id=f"{delivery.id}/notified", kind="notified", source="notices", at=at, received_at=at, data=data)
        )
        told.deliveries.append(delivery)
    return told


def _delivery(notice: Notice, order: dict[str, Any], sequence: int, at: str) -> Delivery:
    data: dict[str, Any] = {"sequence": sequence, "order": order}
    if notice.parcel:
        data["shipment"] = asdict(notice.parcel)
    if notice.reasons:
        data["reasons"] = notice.reasons
    body = json.dumps({"type": notice.type, "timestamp": at, "data": data}, separators=(",", ":"), ensure_ascii=False)
    return Delivery.to(
        orders.SHOP,
        notice.type,
        order_id=order["id"],
        body=body.encode("utf-8", "backslashreplace"),
        now=parse(at),
        key=str(sequence),
    )


def _deliveries(known: list[Fact], changed: Iterable[Delivery]) -> list[Delivery]:
    now = {delivery.id: delivery for delivery in changed}
    ids = [each for each in orders.delivery_ids(known) if each not in now]
    read = table.get_many([(outbox.KIND, each) for each in ids]) if ids else []
    return sorted([*map(Delivery.of, read), *now.values()], key=lambda each: (each.created_at, each.id))


def _is_paid(facts: Iterable[Fact]) -> bool:
    return any(fact.kind == "paid" for fact in facts)


def _is_a_printers(order: Order) -> bool:
    return order.id in {f"{each.provider}:{each.id}" for each in order.provider_orders}


# --- parcels that wait for their tracking ---


def _waiting_row(order_id: str, parcels: list[str], due_at: str) -> table.Item:
    identity = table.digest(order_id, due_at, *parcels)
    row = table.pk(KIND, identity) | {
        "order_id": {"S": order_id},
        "parcels": {"SS": parcels},
        "due_at": {"S": due_at},
        **table.state_index(KIND, WAITING, identity, due_at),
        **table.until(parse(due_at) + KEPT_FOR),
    }
    return {"TableName": table.name(), "Item": row}


def overdue(now: datetime, *, limit: int) -> Iterator[tuple[str, str, list[str]]]:
    """Yield what has waited long enough, oldest first: the row's id, its order and the parcels, of `limit` at most."""
    ids, _ = table.oldest("by_state", f"{KIND}#{WAITING}", limit=limit)
    rows = {table.identity_of(row): row for row in table.get_many([(KIND, each) for each in ids])}
    for identity in ids:
        row = rows.get(identity)
        if row and row["due_at"]["S"] <= iso(now):
            yield identity, row["order_id"]["S"], row["parcels"]["SS"]


def settle(identity: str, now: datetime) -> None:
    """Let a row be looked at no more."""
    table.update(KIND, identity, assign={"told_at": {"S": iso(now)}}, drop=("state_key", "state_at"))


# --- a shop that wants to hear no more ---


def _url() -> str:
    """Return what tells an URL from another; the URL itself may hold a secret."""
    return table.digest(config.setting("STOREFRONT_URL"))


def disable(now: datetime) -> None:
    """Note that the shop wants to hear no more at this URL (Standard Webhooks: 410)."""
    row = table.pk(SETTING, DISABLED) | {"url": {"S": _url()}, "disabled_at": {"S": iso(now)}}
    config.client("dynamodb").put_item(TableName=table.name(), Item=row)


def disabled_at() -> str | None:
    """Return since when nothing is sent to the shop; None if it is. Another URL begins anew."""
    row = table.get(SETTING, DISABLED)
    return row["disabled_at"]["S"] if row and row["url"]["S"] == _url() and "disabled_at" in row else None


def enable(now: datetime) -> None:
    """Send to the shop again. What was given up meanwhile is replayed by a person."""
    row = table.pk(SETTING, DISABLED) | {"url": {"S": _url()}, "enabled_at": {"S": iso(now)}}
    config.client("dynamodb").put_item(TableName=table.name(), Item=row)


def status() -> dict[str, Any]:
    """Return how the shop is told, as the API shows it."""
    return {"url_set": is_on(), "disabled_at": disabled_at()}
