"""An order, and the rules that make it out of what is known about it. Pure: no I/O, no clock, standard library only.

An order is a *set* of facts, each named by the event that told it. `fold` sorts the set and applies the rule of each
fact's kind, so any permutation and any number of duplicates give the same order (invariant 3):

| kind         | told by                  | what it does                                                               |
|--------------|--------------------------|----------------------------------------------------------------------------|
| `paid`       | storefront.order_paid    | the lines, the currency, the ref; every line is `paid`                     |
| `paid_again` | storefront.order_paid    | nothing but `attention: paid_twice`: the first payment stands              |
| `sent`       | deliver.<destination>    | the destination's lines are `accepted`; ends `delivery_dead`               |
| `dead`       | deliver.<destination>    | `attention: delivery_dead`; like `sent`, `answer_lost` where that happened |
| `shipped`    | camaloon.shipment_sent   | a parcel in the ledger, once per (provider, parcel); pieces of its lines   |

A line counts pieces: `shipped_quantity` never exceeds what was ordered. What a parcel holds beyond that stays in the
parcel and raises `over_shipped`; a SKU that the order doesn't have, or has for another printer, raises `unknown_sku`.
"""

import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Where a line or an order stands, in the order in which it gets there."""

    PAID = "paid"
    ACCEPTED = "accepted"
    IN_PRODUCTION = "in_production"
    PRODUCED = "produced"
    PACKED = "packed"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    RETURNED = "returned"
    FAILED = "failed"
    CANCELED = "canceled"


RANK = {status: rank for rank, status in enumerate(Status)}


class Attention(StrEnum):
    """Why a person should look at an order."""

    UNPAID = "unpaid"
    """A provider works on an order that the storefront has not reported as paid."""
    PAID_TWICE = "paid_twice"
    """The storefront reported the payment again with other contents; the first report stands."""
    UNROUTABLE = "unroutable"
    """A line that no routing rule wants: nobody prints it until it is routed by hand."""
    UNKNOWN_SKU = "unknown_sku"
    """A parcel holds something that the order does not have, or has for another printer."""
    OVER_SHIPPED = "over_shipped"
    """Parcels hold more pieces than were ordered."""
    DELIVERY_DEAD = "delivery_dead"
    """A printer could not be told; the delivery has to be replayed."""
    ANSWER_LOST = "answer_lost"
    """A printer may have heard an attempt that we had to count as failed: check that it prints once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that is known about an order.

    `id` names it: the event's id, so that hearing it again adds nothing. `at` is when it happened as far as the source
    says, `received_at` when we heard; both as `times.iso` writes them. `data` is JSON, and its shape the kind's.
    """

    id: str
    kind: str
    source: str
    at: str
    received_at: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Line:
    """A line of the order. `price` is the line's total without taxes, a decimal as text in the order's currency."""

    id: str
    sku: str
    quantity: int
    destination: str | None
    price: str | None = None
    status: Status = Status.PAID
    shipped_quantity: int = 0
    canceled_quantity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentLine:
    """What a parcel holds; `line_id` is None for what the order does not have."""

    line_id: str | None
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A parcel."""

    id: str
    provider: str
    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    shipped_at: str
    reshipment: bool = False
    returned: bool = False
    lines: list[ShipmentLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """A fact, told to a person."""

    at: str
    received_at: str
    source: str
    event_id: str
    text: str


@dataclass(slots=True, kw_only=True)
class Order:
    """The record as `GET /orders/{id}` shows it, but for the deliveries, which are rows of their own."""

    id: str
    ref: str | None = None
    status: Status = Status.PAID
    on_hold: bool = False
    attention: list[Attention] = field(default_factory=list)
    currency: str | None = None
    created_at: str = ""
    updated_at: str = ""
    lines: list[Line] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    timeline: list[TimelineEntry] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return asdict(self)


class _Folding:
    """An order while its facts are applied, in the order in which they happened."""

    def __init__(self, order_id: str) -> None:
        self.order = Order(id=order_id)
        self.paid = False
        self.reasons: set[Attention] = set()
        self.dead: set[str] = set()
        self.sent: set[str] = set()
        self.accepted: set[str] = set()
        self.parcels: dict[tuple[str, str], Fact] = {}

    def on_paid(self, fact: Fact) -> str:
        if self.paid:
            return self.on_paid_again(fact)
        self.paid = True
        self.order.ref = fact.data["ref"]
        self.order.currency = fact.data["currency"]
        self.order.created_at = fact.data["created_at"]
        self.order.lines = [Line(**line) for line in fact.data["lines"]]
        routed = sorted({line.destination for line in self.order.lines if line.destination})
        pieces = sum(line.quantity for line in self.order.lines)
        told = f"Paid: {_counted(pieces, 'piece')} in {_counted(len(self.order.lines), 'line')}"
        return told + (f", for {' and '.join(routed)}" if routed else "")

    def on_paid_again(self, fact: Fact) -> str:
        self.reasons.add(Attention.PAID_TWICE)
        return "Paid again with other contents; the first payment stands"

    def on_sent(self, fact: Fact) -> str:
        destination = fact.data["destination"]
        self.accepted.add(destination)
        self.sent.add(fact.data["delivery_id"])
        if self._answer_lost(fact):
            return f"{destination} has received {fact.data['operation']}, perhaps more than once: an answer was lost"
        return f"{destination} has received {fact.data['operation']}"

    def on_dead(self, fact: Fact) -> str:
        self.dead.add(fact.data["delivery_id"])
        told = f"{fact.data['destination']} could not be sent {fact.data['operation']}: {fact.data['reason']}"
        return told + (", but may have heard: an answer was lost" if self._answer_lost(fact) else "")

    def _answer_lost(self, fact: Fact) -> bool:
        lost = bool(fact.data.get("answer_lost"))
        if lost:
            self.reasons.add(Attention.ANSWER_LOST)
        return lost

    def on_shipped(self, fact: Fact) -> str:
        parcel = (fact.data["provider"], fact.data["parcel"])
        again = self.parcels.setdefault(parcel, fact) is not fact
        number = fact.data["tracking_number"]
        pieces = sum(line["quantity"] for line in fact.data["lines"])
        told = f"Parcel shipped by {fact.data['provider']}: {_counted(pieces, 'piece')}"
        return told + (f", tracking {number}" if number else "") + (" (told again)" if again else "")

    def finish(self) -> None:
        for line in self.order.lines:
            if line.destination in self.accepted:
                line.status = Status.ACCEPTED
        by_sku: dict[tuple[str | None, str], list[Line]] = {}
        for line in self.order.lines:
            by_sku.setdefault((line.destination, line.sku), []).append(line)
        self.order.shipments = [self._allocate(fact, by_sku) for fact in self.parcels.values()]
        for line in self.order.lines:
            if line.shipped_quantity:
                complete = line.shipped_quantity == line.quantity
                line.status = Status.SHIPPED if complete else Status.PARTIALLY_SHIPPED
        self.order.status = self._status()
        if not self.paid:
            self.reasons.add(Attention.UNPAID)
        if any(line.destination is None for line in self.order.lines):
            self.reasons.add(Attention.UNROUTABLE)
        if self.dead - self.sent:
            self.reasons.add(Attention.DELIVERY_DEAD)
        self.order.attention = sorted(self.reasons)

    def _allocate(self, fact: Fact, by_sku: dict[tuple[str | None, str], list[Line]]) -> Shipment:
        """Put a parcel's pieces on the order's lines of that provider and SKU, first line first."""
        held: dict[tuple[str | None, str], int] = {}
        for part in fact.data["lines"]:
            sku, left = part["sku"], part["quantity"]
            # What no rule wanted may have been given to any printer by hand.
            lines = by_sku.get((fact.data["provider"], sku), []) + by_sku.get((None, sku), [])
            for line in lines:
                taken = min(left, line.quantity - line.shipped_quantity)
                if taken:
                    line.shipped_quantity += taken
                    left -= taken
                    held[line.id, sku] = held.get((line.id, sku), 0) + taken
            if left:
                if self.paid:
                    self.reasons.add(Attention.OVER_SHIPPED if lines else Attention.UNKNOWN_SKU)
                last = lines[-1].id if lines else None
                held[last, sku] = held.get((last, sku), 0) + left
        return Shipment(
            id=fact.data["parcel"],
            provider=fact.data["provider"],
            carrier=fact.data["carrier"],
            tracking_number=fact.data["tracking_number"],
            tracking_url=fact.data["tracking_url"],
            shipped_at=fact.at,
            lines=[ShipmentLine(line_id=line, sku=sku, quantity=pieces) for (line, sku), pieces in held.items()],
        )

    def _status(self) -> Status:
        # What was ordered may not be known yet, or a parcel may hold only what was not: all the same something has
        # left, and no late fact takes that back.
        slowest = min((line.status for line in self.order.lines), key=RANK.__getitem__, default=Status.PAID)
        return Status.PARTIALLY_SHIPPED if self.parcels and slowest is not Status.SHIPPED else slowest


RULES: dict[str, Callable[[_Folding, Fact], str]] = {
    "paid": _Folding.on_paid,
    "paid_again": _Folding.on_paid_again,
    "sent": _Folding.on_sent,
    "dead": _Folding.on_dead,
    "shipped": _Folding.on_shipped,
}


def fold(order_id: str, facts: Iterable[Fact]) -> Order:
    """Make the order out of everything known about it. The facts' order and repetitions don't matter.

    A kind without a rule (written by a newer version, before a rollback) is kept and shown, and changes nothing else.
    """
    folding = _Folding(order_id)
    ordered = in_order(facts)
    for fact in ordered:
        rule = RULES.get(fact.kind)
        text = rule(folding, fact) if rule else f"Not understood: {fact.kind}"
        folding.order.timeline.append(
            TimelineEntry(at=fact.at, received_at=fact.received_at, source=fact.source, event_id=fact.id, text=text)
        )
    folding.order.created_at = folding.order.created_at or min((fact.at for fact in ordered), default="")
    folding.order.updated_at = max((fact.received_at for fact in ordered), default="")
    folding.finish()
    return folding.order


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Return each fact once, in the order in which they happened as far as is known."""
    return sorted({fact.id: fact for fact in facts}.values(), key=lambda fact: (fact.at, fact.received_at, fact.id))


def pack(facts: Iterable[Fact]) -> bytes:
    """Write facts as compressed JSON, for the order's row: the same set gives the same bytes."""
    return zlib.compress(json.dumps([asdict(fact) for fact in in_order(facts)], separators=(",", ":")).encode())


def unpack(packed: bytes) -> list[Fact]:
    """Read what `pack` wrote."""
    return [Fact(**fact) for fact in json.loads(zlib.decompress(packed))]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
