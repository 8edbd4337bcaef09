"""Notifications to the shop: found by comparing an order before and after a write, and written with it.

Each is sent once, recorded by a fact of its own (`notified`), so that two writers of an order can't send the same one:

| type                                       | when                                                                    |
|--------------------------------------------|-------------------------------------------------------------------------|
| order.accepted, .in_production, .delivered | the order reaches that status; statuses that it skipped are left out    |
| order.shipped                              | a parcel has left, once per parcel and once per tracking; one without   |
|                                            | tracking waits for it                                                   |
| order.tracking                             | the tracking of such a parcel has come, or was corrected                |
| order.returned                             | a parcel came back, once per parcel                                     |
| order.on_hold, order.released              | a printer holds the order; no printer holds it any more                 |
| order.failed                               | a printer rejected the order                                            |
| order.canceled                             | the whole order is canceled                                             |
| order.attention                            | a person should look, for a reason that no other type covers            |

Two types are about a product and not about an order: product.out_of_stock and product.back_in_stock (`of_product`).

Only orders that the shop has reported as paid have notifications: what happened before is sent with the payment. There
are none about a record that is a printer's own, and none while no URL is set
(docs/decisions/0022-notifications-come-from-comparing-two-states.md).
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, TypedDict

from pressroom.order import outbox
from pressroom.order.attention import FILE_FAILED
from pressroom.order.facts import Fact, delivery_ids, is_paid
from pressroom.order.fold import fold
from pressroom.order.model import Order, Shipment, Status
from pressroom.order.outbox import Delivery
from pressroom.order.reasons import Attention
from pressroom.partners import SHOP
from pressroom.platform import config, table
from pressroom.platform.times import iso, parse

KIND = "UNTRACKED"
WAITING = "waiting"
SETTING, DISABLED = "SETTING", "storefront"
KEPT_FOR = timedelta(days=45)
MOST_AT_ONCE = 40
"""Parcels that one write notifies of, since it takes 100 rows; `functions/untracked` does the rest."""
STAGES = {
    Status.ACCEPTED: "order.accepted",
    Status.IN_PRODUCTION: "order.in_production",
    Status.PRODUCED: "order.in_production",
    Status.PACKED: "order.in_production",
    Status.DELIVERED: "order.delivered",
}
TYPES = (
    *("order.accepted", "order.in_production", "order.shipped", "order.tracking", "order.delivered", "order.returned"),
    *("order.on_hold", "order.released", "order.failed", "order.canceled", "order.attention"),
)
OUT_OF_STOCK, BACK_IN_STOCK = PRODUCT_TYPES = ("product.out_of_stock", "product.back_in_stock")
"""The types about a product. Whoever records its stock makes them (`of_product`)."""
COVERED_BY_TYPES = frozenset({Attention.ON_HOLD, Attention.FAILED, Attention.RETURNED, Attention.SHOP_NOT_TOLD})
"""Reasons for attention of which the shop gets no `order.attention`: another type covers them, or, for
`shop_not_told`, the shop can't be notified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A notification. `parcel` is that of the types about a parcel; `reasons` are those of attention.

    `items` are the printers' items that such reasons are about.
    """

    type: str
    parcel: Shipment | None = None
    reasons: tuple[str, ...] = ()
    items: tuple["Item", ...] = ()


class Item(TypedDict):
    """A printer's item that a reason for attention is about. `line_id` is the line's id as the printer has it."""

    reason: Attention
    provider: str
    line_id: str | None
    name: str | None


class Variant(TypedDict):
    """A variant of a product in a notification. `skus` are the SKUs under which the shop has sold it, if known."""

    id: str
    status: Literal["in_stock", "out_of_stock", "discontinued"]
    skus: list[str]


class Writes(NamedTuple):
    """What has to be written with an order so that the shop is notified: facts, deliveries, other rows."""

    facts: list[Fact]
    deliveries: list[Delivery]
    rows: list[table.Item]


NOTHING = Writes([], [], [])


def is_on() -> bool:
    """Return whether there is a shop to notify."""
    return bool(config.setting("STOREFRONT_URL"))


def due(
    before: Order, after: Order, facts: Iterable[Fact], tracking_wait_expired: Collection[str] = ()
) -> tuple[list[Notification], bool]:
    """Return what is to be sent now, and whether a parcel has begun to wait for its tracking.

    `facts` are all facts of the order. `tracking_wait_expired` are parcels that are sent even without tracking.
    """
    notified = [fact for fact in facts if fact.kind == "notified"]
    types = {fact.data["type"] for fact in notified}
    found, waits = list[Notification](), False
    stage = STAGES.get(after.status)
    if stage and stage != STAGES.get(before.status) and not types.intersection(_from(stage)):
        found.append(Notification(type=stage))
    told, returned = _parcels(notified, "order.shipped", "order.tracking"), _parcels(notified, "order.returned")
    trackings_before, trackings = (_trackings(order, told) for order in (before, after))
    ours, ours_before = after.own_shipments(), before.own_shipments()
    for parcel in ours:
        ids = {parcel.id, *parcel.merged}
        if ids & told:
            shown = [each for each in before.shipments if told & ids & {each.id, *each.merged}]
            changed = parcel.has_tracking() and any(_has_other_tracking(each, parcel) for each in shown)
            if changed and not before.erased_at:  # what the shop received about an erased order is not known any more
                found.append(Notification(type="order.tracking", parcel=parcel))
            continue
        if _tracking(parcel) in trackings:  # the printer reports the contents of one parcel as several
            continue
        earlier = [each for each in ours_before if each.id in ids and _tracking(each) not in trackings_before]
        is_new = not any(each.has_tracking() for each in earlier) if parcel.has_tracking() else not earlier
        if ids.intersection(tracking_wait_expired) or (is_new and parcel.has_tracking()):
            found.append(Notification(type="order.shipped", parcel=parcel))
            trackings |= {_tracking(parcel)} - {None}
        elif is_new:
            waits = True
    for parcel in ours:
        ids = {parcel.id, *parcel.merged}
        came_back = any(each.returned for each in ours_before if each.id in ids)
        if parcel.returned and not came_back and not ids & returned:
            found.append(Notification(type="order.returned", parcel=parcel))
    if after.on_hold != before.on_hold:
        found.append(Notification(type="order.on_hold" if after.on_hold else "order.released"))
    gained = set(after.attention) - set(before.attention)
    if Attention.FAILED in gained:
        found.append(Notification(type="order.failed"))
    if after.status is Status.CANCELED and before.status is not Status.CANCELED:
        found.append(Notification(type="order.canceled"))
    reasons = gained - COVERED_BY_TYPES - ({Attention.CANCELED} if after.status is Status.CANCELED else set())
    if Attention.RETURNED in gained and "order.returned" not in {each.type for each in found}:
        reasons.add(Attention.RETURNED)  # something came back, but in no parcel that the shop knows
    if reasons:
        items = tuple(each for each in _items(after) if each["reason"] in reasons)
        found.append(Notification(type="order.attention", reasons=tuple(sorted(reasons)), items=items))
    found.sort(key=lambda notification: notification.type == "order.delivered")  # after the parcel that got there
    return found, waits


def _items(order: Order) -> Iterator[Item]:
    """Yield the items that can't be made: that have a failed print file, or that are incomplete."""
    for known in order.provider_orders:
        failed = [each for each in known.items if each.print_file == FILE_FAILED]
        for reason, items in (
            (Attention.ITEM_FILE_FAILED, failed),
            (Attention.ITEM_INCOMPLETE, known.incomplete_items),
        ):
            for item in items:
                yield Item(reason=reason, provider=known.provider, line_id=item.line_id, name=item.name)


def _from(stage: str) -> list[str]:
    """Return the notification type of a stage, and the types of later stages."""
    stages = list(dict.fromkeys(STAGES.values()))
    return stages[stages.index(stage) :]


def _tracking(parcel: Shipment) -> tuple[str, str] | None:
    """Return what tells a parcel's tracking from that of others; None if it has none."""
    text = parcel.tracking_number or parcel.tracking_url
    return (parcel.provider, text) if text else None


def _trackings(order: Order, told: Collection[str]) -> set[tuple[str, str] | None]:
    """Return the trackings of an order's parcels of which the shop was notified."""
    parcels = [parcel for parcel in order.shipments if any(each in told for each in (parcel.id, *parcel.merged))]
    return {_tracking(parcel) for parcel in parcels} - {None}


def _has_other_tracking(one: Shipment, other: Shipment) -> bool:
    return (one.tracking_number, one.tracking_url) != (other.tracking_number, other.tracking_url)


def _parcels(notified: Iterable[Fact], *types: str) -> set[str]:
    return {fact.data["parcel"] for fact in notified if fact.data["type"] in types}


def notifications_for(
    known: list[Fact],
    facts: list[Fact],
    after: Order,
    *,
    at: str,
    tracking_wait_expired: Collection[str] = (),
    deliveries: Iterable[Delivery] = (),
) -> Writes:
    """Return what to write so that the shop is notified of what has changed in an order.

    `known` are the facts before, `facts` all of them, `after` is the order of all. `at` is when the change was
    received. The order's deliveries, which a notification shows, are read, except those that the same write makes or
    ends: they are `deliveries`.
    """
    if not is_on() or after.is_a_printers() or not is_paid(facts):
        return NOTHING
    before = fold(after.id, known) if is_paid(known) else Order(id=after.id)
    found, waits = due(before, after, facts, tracking_wait_expired)
    parcels = [notification for notification in found if notification.type == "order.shipped"]
    later = [notification.parcel.id for notification in parcels[MOST_AT_ONCE:] if notification.parcel]
    found = [notification for notification in found if notification not in parcels[MOST_AT_ONCE:]]
    rows = list[table.Item]()
    if waits:
        waiting = [parcel.id for parcel in after.own_shipments() if not parcel.has_tracking()]
        wait = timedelta(minutes=float(config.setting("TRACKING_WAIT_MINUTES")))
        rows.append(_waiting_row(after.id, waiting, iso(parse(at) + wait)))
    if later:
        rows.append(_waiting_row(after.id, later, at))
    if not found:
        return Writes([], [], rows)
    shown = _for_the_customer(after) | {"deliveries": [each.summary() for each in _deliveries(known, deliveries)]}
    sequence = sum(fact.kind == "notified" for fact in facts)
    writes = Writes([], [], rows)
    for notification in found:
        sequence += 1
        delivery = _delivery(notification, shown, sequence, at)
        data: dict[str, Any] = {"type": notification.type, "sequence": sequence, "deliveries": [delivery.id]}
        if notification.parcel:
            data["parcel"] = notification.parcel.id
        writes.facts.append(
            Fact(id=f"{delivery.id}/notified", kind="notified", source="notices", at=at, received_at=at, data=data)
        )
        writes.deliveries.append(delivery)
    return writes


def _for_the_customer(order: Order) -> dict[str, Any]:
    """Return the record without what only the merchant settles with a printer: costs, items there, designs.

    A line's `unusable` is rare, and left out if there is nothing: each notification would be longer because of it.
    """
    shown = order.to_json()
    for line in shown["lines"]:
        if line["unusable"] is None:
            del line["unusable"]
    for known in shown["provider_orders"]:
        for name in known.keys() - {"provider", "id", "status"}:
            del known[name]
    for hold in shown["holds"]:
        del hold["approval_files"]
    return shown


def _delivery(notification: Notification, order: dict[str, Any], sequence: int, at: str) -> Delivery:
    data: dict[str, Any] = {"sequence": sequence, "order": order}
    if notification.parcel:
        data["shipment"] = asdict(notification.parcel)
    if notification.reasons:
        data["reasons"] = notification.reasons
    if notification.items:
        data["items"] = notification.items
    content = {"type": notification.type, "timestamp": at, "data": data}
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return Delivery.to(
        SHOP,
        notification.type,
        order_id=order["id"],
        body=body.encode("utf-8", "backslashreplace"),
        now=parse(at),
        key=str(sequence),
    )


def _deliveries(known: list[Fact], changed: Iterable[Delivery]) -> list[Delivery]:
    now = {delivery.id: delivery for delivery in changed}
    ids = [each for each in delivery_ids(known) if each not in now]
    read = table.get_many([(outbox.KIND, each) for each in ids]) if ids else []
    return sorted([*map(Delivery.of, read), *now.values()], key=lambda each: (each.created_at, each.id))


# --- products ---


def of_product(
    type_: str,
    provider: str,
    product: str,
    *,
    sequence: int,
    at: str,
    variants: list[Variant],
    unavailable: list[Variant],
) -> Delivery:
    """Return the notification that variants of a printer's product can't be ordered any more, or can again.

    `unavailable` are all its variants that can't be ordered now: each notification holds the whole state, so that one
    with a lower `sequence` is outdated and can be ignored
    (docs/decisions/0034-a-notification-about-a-product-holds-its-whole-stock.md).
    """
    about = {"provider": provider, "id": product}
    data = {"sequence": sequence, "product": about, "variants": variants, "unavailable": unavailable}
    content = {"type": type_, "timestamp": at, "data": data}
    group = f"{provider}/{product}"
    return Delivery.to(
        SHOP,
        type_,
        body=json.dumps(content, separators=(",", ":")).encode(),
        now=parse(at),
        key=f"{group}/{sequence}",
        group=group,
    )


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
    """Yield the parcels whose wait is over, oldest first, from `limit` rows at most: the row's id, its order, they."""
    ids, _ = table.oldest("by_state", f"{KIND}#{WAITING}", limit=limit)
    rows = {table.identity_of(row): row for row in table.get_many([(KIND, each) for each in ids])}
    for identity in ids:
        row = rows.get(identity)
        if row and row["due_at"]["S"] <= iso(now):
            yield identity, row["order_id"]["S"], row["parcels"]["SS"]


def settle(identity: str, now: datetime) -> None:
    """Remove the row of a parcel from the list of parcels that wait for tracking."""
    table.update(KIND, identity, assign={"told_at": {"S": iso(now)}}, drop=("state_key", "state_at"))


# --- a shop that has answered 410 ---


def _url() -> str:
    """Return a digest of the shop's URL, which itself may hold a secret."""
    return table.digest(config.setting("STOREFRONT_URL"))


def disable(now: datetime) -> None:
    """Record that the shop wants no more notifications at this URL (Standard Webhooks: 410)."""
    row = table.pk(SETTING, DISABLED) | {"url": {"S": _url()}, "disabled_at": {"S": iso(now)}}
    config.client("dynamodb").put_item(TableName=table.name(), Item=row)


def disabled_at() -> str | None:
    """Return since when notifications are disabled; None if they are not. Another URL starts enabled."""
    row = table.get(SETTING, DISABLED)
    return row["disabled_at"]["S"] if row and row["url"]["S"] == _url() and "disabled_at" in row else None


def enable(now: datetime) -> None:
    """Enable notifications again. A person replays those that failed meanwhile."""
    row = table.pk(SETTING, DISABLED) | {"url": {"S": _url()}, "enabled_at": {"S": iso(now)}}
    config.client("dynamodb").put_item(TableName=table.name(), Item=row)


def status() -> dict[str, Any]:
    """Return the state of notifications, as the API shows it."""
    return {"url_set": is_on(), "disabled_at": disabled_at()}
