"""An order, and the rules that make it out of what is known about it. Pure: no I/O, no clock, standard library only.

An order is a *set* of facts, each named by the event that told it. `fold` sorts the set and applies the rule of each
fact's kind, so any permutation and any number of duplicates give the same order (invariant 3):

| kind           | told by                                  | what it does                                             |
|----------------|------------------------------------------|----------------------------------------------------------|
| `paid`         | storefront.order_paid                    | the lines, the currency, the ref; every line is `paid`.  |
|                |                                          | Those that an update had left out before are not sent    |
| `paid_again`   | storefront.order_paid                    | only `paid_twice`: the first payment stands              |
| `routed`       | ops.line_routed                          | a line that no rule wanted has a printer                 |
| `updated`      | storefront.order_updated                 | the latest telling, unless it is older than the payment: |
|                |                                          | the lines at the OMS, and those that nobody has, are as  |
|                |                                          | it says, or canceled if it leaves them out;              |
|                |                                          | `change_not_sent` if there is more to it                 |
| `revoked`      | storefront.order_canceled                | what nobody has been sent, and what the OMS gives up, is |
|                |                                          | canceled; the rest is `not_recalled`                     |
| `sent`         | deliver.<destination>                    | its lines are `accepted`, or canceled if it deletes      |
|                |                                          | them; ends `delivery_dead`; `uid_unknown` if it may be.  |
|                |                                          | `answer_lost` if what it makes may have been made before |
| `dead`         | deliver.<destination>                    | `delivery_dead`, and `answer_lost` like `sent`, until it |
|                |                                          | ends otherwise                                           |
| `withdrawn`    | deliver.<destination>                    | it was not sent; if it was to create, its lines are      |
|                |                                          | canceled                                                 |
| `print_file`   | oms.print_file                           | the line's print file, the latest telling counts; a      |
|                |                                          | ready one is `in_production`, a failed one               |
|                |                                          | `print_file_failed`, one given up on `print_file_late`,  |
|                |                                          | one that no batch can make `no_template`                 |
| `batched`      | deliver.oms                              | the batch that a line is in; `in_production`, or         |
|                |                                          | `batch_dead`                                             |
| `progress`     | cloudprinter order and item signals,     | the stage of the item, or of all the printer's lines,    |
|                | printful.order_created, order_updated    | never backwards; a later one ends `failed` and           |
|                |                                          | `production_error`. Printful's status `canceled`,        |
|                |                                          | `failed` or `onhold` counts as that, `draft` after       |
|                |                                          | another wants `confirm_again`                            |
| `shipped`      | camaloon.shipment_sent,                  | a parcel in the ledger, once per (printer, parcel);      |
|                | cloudprinter.item_shipped,               | the latest telling has its tracking; pieces of its       |
|                | printful.package_shipped                 | lines are shipped. A reshipment adds no pieces to those  |
|                |                                          | that have left. Ends `failed`, `production_error`, and a |
|                |                                          | hold if with it the order is `fulfilled`                 |
| `returned`     | printful.package_returned                | the parcel (added if nobody told of it) came back, with  |
|                |                                          | the pieces that are told, or all if none are: those are  |
|                |                                          | returned, but for as many as are sent again              |
| `undelivered`  | cloudprinter.item_delivery_failed        | `not_delivered`, until the item is delivered after all   |
| `error`        | cloudprinter.item_error                  | the line's error with its delay; `production_error`      |
| `failed`       | printful.order_failed                    | lines of which nothing has left are `failed`             |
| `canceled`     | cloudprinter.item_canceled,              | pieces that have not left are canceled, for good; ends   |
|                | .order_canceled, printful.order_canceled | the printer's hold                                       |
| `held`         | printful.order_put_hold,                 | a hold begins, or goes on; `on_hold`; `approval_needed`  |
|                | .order_put_hold_approval                 | if it waits for the merchant. One that was only told as  |
|                |                                          | a status ends with a later `progress` of another         |
| `released`     | printful.order_remove_hold               | the hold ends, if all that was told of it is older       |
| `refunded`     | printful.order_refunded                  | a refund, in the printer's currency                      |
| `stock`        | printful.stock_updated                   | which variants of a product can't be ordered, the latest |
|                |                                          | telling counts; `out_of_stock` while a line of one is    |
|                |                                          | open                                                     |
| `overdue`      | monitor                                  | `stalled` while lines of a printer wait for what they    |
|                |                                          | waited for then; `hold_old` while that hold lasts        |
| `notified`     | notices                                  | nothing: the shop is to be told something. Not shown,    |
|                |                                          | since its end is. A `dead` one is `shop_not_told`        |
| `erased`       | ops                                      | `erased_at`: what was personal in the facts is gone      |

Facts of the same instant: the one that wants a person wins (a failure, an error, a hold).

**Whose line is it.** A printer's item is the line whose id it carries as reference; else every line of its SKU (or
whose SKU is the reference). Only lines that are routed to that printer, or to nobody, count. Of several lines with its
SKU an item of Cloudprinter's is one: the items that are furthest are the first lines, the canceled ones are the last.
What a printer says of its order as a whole holds for the lines of the order's items, and for those of its lines that no
item is known of. A line that two orders of a printer print is canceled, or has failed, only if both are. An item that
is no line raises `unknown_sku`; a line that is in no order of a printer that lists its items, `line_missing`.

**Pieces.** `shipped_quantity` never exceeds what was ordered. What a parcel holds beyond that stays in the parcel and
raises `over_shipped`; what the order does not have, `unknown_sku`. Cloudprinter tells no quantities: an item is its
whole line, and two parcels with the same item are a parcel and its reshipment, or one parcel if only one has tracking.

**Before it is paid** an order shows the lines that its printers know. A record that is a printer's own (its id is
`<printer>:<the printer's order id>`) is complete with them if the printer lists them, as Printful does; any other may
turn out to have more lines, so it is `partially_shipped` at most.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Where a line or an order stands, in the order in which it gets there; the last three are beside that."""

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


class Waits(StrEnum):
    """What a line waits for, of its printer."""

    ACCEPT = "accept"
    SHIP = "ship"


RANK = {status: rank for rank, status in enumerate(Status)}
STAGES = tuple(Status)[: RANK[Status.DELIVERED] + 1]
"""The statuses that are reached one after the other."""
OPEN = STAGES[: RANK[Status.PARTIALLY_SHIPPED] + 1]
"""Where an order stands of which something is still to be heard."""

MOST_DELIVERIES = 98
"""Deliveries that are read with their order: a transaction takes 100 rows."""

SHOP = "storefront"
"""The destination of what the shop is told."""

CREATES = frozenset({"order_paid", "create_order"})
"""The operations of a delivery that make an order at a printer."""

PRINTFUL_STAGES = {
    "pending": Status.ACCEPTED,
    "inreview": Status.ACCEPTED,
    "inprocess": Status.IN_PRODUCTION,
    # Pieces count as shipped by their parcels only: this says that some are, or all, but not which.
    "partial": Status.IN_PRODUCTION,
    "fulfilled": Status.IN_PRODUCTION,
}
"""What the status of an order at Printful says of its lines; the others say nothing."""


class Attention(StrEnum):
    """Why a person should look at an order."""

    UNPAID = "unpaid"
    """A provider works on an order that the storefront has not reported as paid."""
    PAID_TWICE = "paid_twice"
    """The storefront reported the payment again with other contents; the first report stands."""
    UNROUTABLE = "unroutable"
    """A line that no routing rule wants: nobody prints it until it is routed by hand."""
    UNKNOWN_SKU = "unknown_sku"
    """A printer has, or a parcel holds, something that the order does not have, or has for another printer."""
    LINE_MISSING = "line_missing"
    """A line is not in the order of the printer that is to print it."""
    OVER_SHIPPED = "over_shipped"
    """Parcels hold more pieces than were ordered."""
    DELIVERY_DEAD = "delivery_dead"
    """A printer could not be told; the delivery has to be replayed."""
    SHOP_NOT_TOLD = "shop_not_told"
    """The shop could not be told of something; the delivery has to be replayed."""
    ANSWER_LOST = "answer_lost"
    """A printer may have heard an attempt that we had to count as failed: check that it prints once."""
    UID_UNKNOWN = "uid_unknown"
    """The OMS has the order, but its answer was lost: it can be followed, but not changed, canceled or batched."""
    NOT_RECALLED = "not_recalled"
    """The shop canceled what a printer has been sent, or has from somebody else: only a person can recall it."""
    CHANGE_NOT_SENT = "change_not_sent"
    """The shop changed what a printer can't be told any more: it prints what it was sent."""
    PRINT_FILE_FAILED = "print_file_failed"
    """The OMS could not make the print file of a line."""
    PRINT_FILE_LATE = "print_file_late"
    """The print file of a line was not ready for so long that nobody asks for it any more."""
    NO_TEMPLATE = "no_template"
    """Only batches make print files, and there is no print template for a line's variant: nobody prints it."""
    BATCH_DEAD = "batch_dead"
    """The batch that a line is in was not taken, or may have been: check before it is sent again."""
    FAILED = "failed"
    """A printer did not take the order, and has not gone on with it since."""
    PRODUCTION_ERROR = "production_error"
    """Something went wrong with an item in production, and it has not gone on since."""
    ON_HOLD = "on_hold"
    """A printer holds the order until something is settled."""
    APPROVAL_NEEDED = "approval_needed"
    """A printer holds the order until the merchant has approved of a file."""
    HOLD_OLD = "hold_old"
    """A printer has held the order for days; Printful cancels after 30."""
    STALLED = "stalled"
    """A printer has not accepted its lines, or not shipped them, for longer than it should take."""
    CONFIRM_AGAIN = "confirm_again"
    """The order became a draft again: nobody prints it until it is confirmed again."""
    CANCELED = "canceled"
    """A printer has canceled pieces that were paid for."""
    RETURNED = "returned"
    """A parcel came back."""
    NOT_DELIVERED = "not_delivered"
    """A carrier could not deliver an item."""
    OUT_OF_STOCK = "out_of_stock"
    """A line that has not left is out of stock at its printer, or discontinued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that is known about an order.

    `id` names it: the event's id, so that hearing it again adds nothing. `at` is when it happened as far as the source
    says, `received_at` when we heard; both as `times.iso` writes them. `data` is JSON, and its shape the kind's; who
    tells of a printer's order names it in `provider` and `order`, and the items with `items` (all that the order has:
    `item`, `ref`, `sku`, `quantity`, `variant`, `product`) or `item` and `ref` (the one that the fact is about).
    """

    id: str
    kind: str
    source: str
    at: str
    received_at: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineError:
    """What went wrong with a line in production; `delay_hours` is the delay that the printer expects, as text."""

    at: str
    cause: str | None
    delay_hours: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintFile:
    """What the OMS says of a line's print file, in its own words; `given_up` is ours. `url` is set once it is ready."""

    status: str
    url: str | None
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The batch that a line is printed in: our id, the OMS's, and what the OMS said of it, or `dead`."""

    id: str
    uid: str | None
    status: str | None


@dataclass(slots=True, kw_only=True)
class Line:
    """A line of the order. `price` is the line's total without taxes, a decimal as text in the order's currency.

    `variant` is what a personalised line is of; `uid`, `print_file` and `batch` are the OMS's.
    """

    id: str
    sku: str
    quantity: int
    destination: str | None
    price: str | None = None
    variant: str | None = None
    status: Status = Status.PAID
    shipped_quantity: int = 0
    canceled_quantity: int = 0
    returned_quantity: int = 0
    error: LineError | None = None
    uid: str | None = None
    print_file: PrintFile | None = None
    batch: Batch | None = None

    def waits(self) -> Waits | None:
        """Return what the line waits for; None for one that has left, or never will."""
        if self.status is Status.PAID:
            return Waits.ACCEPT
        return Waits.SHIP if RANK[self.status] <= RANK[Status.PARTIALLY_SHIPPED] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentLine:
    """What a parcel holds; `line_id` is None for what the order does not have."""

    line_id: str | None
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A parcel. `merged` are the ids of those that were told of without tracking, and turned out to be this one."""

    id: str
    provider: str
    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    shipped_at: str
    reshipment: bool = False
    returned: bool = False
    merged: list[str] = field(default_factory=list)
    lines: list[ShipmentLine]

    def has_tracking(self) -> bool:
        """Tell whether a customer can follow it."""
        return bool(self.tracking_number or self.tracking_url)


@dataclass(slots=True, kw_only=True)
class Hold:
    """A time during which a printer did not go on; `until` is None while it lasts."""

    provider: str
    since: str
    until: str | None = None
    reason: str | None = None
    approval_needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that a printer gave back; `amount` and `currency` are None if it did not say."""

    provider: str
    at: str
    amount: str | None
    currency: str | None


@dataclass(slots=True, kw_only=True)
class ProviderOrder:
    """The order as a printer knows it; `status` is the latest that it told, in its own words."""

    provider: str
    id: str
    status: str | None = None


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
    erased_at: str | None = None
    lines: list[Line] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    provider_orders: list[ProviderOrder] = field(default_factory=list)
    timeline: list[TimelineEntry] = field(default_factory=list)

    def waiting(self, destination: str, waits: Waits, *, since: str) -> set[str]:
        """Return the lines that now wait for this of a printer, unless it has held the order at any time since then."""
        if any(hold.provider == destination and (hold.until is None or hold.until > since) for hold in self.holds):
            return set()
        return {line.id for line in self.lines if line.destination == destination and line.waits() is waits}

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return asdict(self)


type _Whole = tuple[str, str]
"""A printer's order: (printer, its id there); the id is empty for a printer that has none but ours."""
type _Part = tuple[_Whole, str]
"""An item of it; an empty item stands for the order as a whole."""


@dataclass(slots=True)
class _Work:
    """How far a printer is with an item, or says to be with its order as a whole.

    `failed`, `undelivered`: when it was last told so, and has not gone on since; else empty.
    """

    rank: int = 0
    canceled: bool = False
    failed: str = ""
    undelivered: str = ""
    error: Fact | None = None

    def goes_on(self, stage: Status, at: str) -> None:
        self.rank = max(self.rank, RANK[stage])
        if self.failed < at:
            self.failed = ""
        if self.error and self.error.at < at:
            self.error = None


@dataclass(slots=True)
class _Item:
    """What a printer's item is to us, as far as the printer has said. `line_id`: the line that we take it for."""

    ref: str | None = None
    sku: str | None = None
    quantity: int | None = None
    variant: str | None = None
    line_id: str | None = None


@dataclass(slots=True)
class _Parcel:
    """A parcel, put together from all that was told of it.

    `parts`: pieces by item, or by SKU from who names no items; None pieces are all of the item's line. `back`: those
    that came back; of a `returned` parcel without any, all. `placed`: (line's id, SKU, pieces) by part, once known.
    """

    provider: str
    id: str
    shipped_at: str
    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    reshipment: bool = False
    returned: bool = False
    merged: list[str] = field(default_factory=list)
    parts: dict[_Part | str, int | None] = field(default_factory=dict)
    back: dict[_Part | str, int | None] = field(default_factory=dict)
    placed: dict[_Part | str, list[tuple[str | None, str, int]]] = field(default_factory=dict)

    def has_tracking(self) -> bool:
        return bool(self.tracking_number or self.tracking_url)

    def whole_lines(self) -> "set[_Part | str]":
        return {part for part, pieces in self.parts.items() if pieces is None}

    def came_back(self, part: _Part | str) -> int:
        """Return how many pieces of a part came back: all of them is a number that no part reaches."""
        pieces = self.back.get(part, 0) if self.back else None
        return 0 if not self.returned else _ALL if pieces is None else pieces

    def shown(self) -> Shipment:
        held: dict[tuple[str | None, str], int] = {}
        for line_id, sku, pieces in (place for places in self.placed.values() for place in places):
            held[line_id, sku] = held.get((line_id, sku), 0) + pieces
        return Shipment(
            id=self.id,
            provider=self.provider,
            carrier=self.carrier,
            tracking_number=self.tracking_number,
            tracking_url=self.tracking_url,
            shipped_at=self.shipped_at,
            reshipment=self.reshipment,
            returned=self.returned,
            merged=self.merged,
            lines=[ShipmentLine(line_id=line, sku=sku, quantity=n) for (line, sku), n in held.items()],
        )


_ALL = 10**9

type _Placing = tuple[_Parcel, _Part | str, list[Line]]


class _Folding:
    """An order while its facts are applied, in the order in which they happened."""

    def __init__(self, order_id: str) -> None:
        self.order = Order(id=order_id)
        self.paid = False
        self.paid_at = ""
        self.reasons: set[Attention] = set()
        self.sent: dict[str, Fact] = {}
        self.dead: dict[str, Fact] = {}
        self.withdrawn: set[str] = set()
        self.made_by: dict[str, str] = {}
        """The delivery that is to have a line made."""
        self.revoked = False
        self.updates: list[Fact] = []
        self.left_out: frozenset[str] = frozenset()
        """The lines that the shop had taken out before it reported the payment: they were sent to nobody."""
        self.removed: set[str] = set()
        self.routed: dict[str, dict[str, Any]] = {}
        self.uids: dict[str, str] = {}
        self.uid_unknown = False
        self.print_files: dict[str, PrintFile] = {}
        self.batches: dict[str, Batch] = {}
        self.changed_in_batch: set[str] = set()
        """The lines that the OMS was told to change when they were in a batch, whose print file is made."""
        self.begun: set[str] = set()
        """The lines whose print file was ready once, or that are in a batch."""
        self.parcels: dict[tuple[str, str], _Parcel] = {}
        self.works: dict[_Part, _Work] = {}
        self.items: dict[_Part, _Item] = {}
        self.contents: dict[_Whole, set[str]] = {}
        self.wholes: dict[_Whole, ProviderOrder] = {}
        self.holds: dict[_Whole, list[Hold]] = {}
        self.held_at: dict[_Whole, dict[str, str]] = {}
        """When an open hold was last told of, by the kind of fact: `held`, or a `progress` with that status."""
        self.submitted: set[_Whole] = set()
        self.stock: list[Fact] = []
        self.overdue: list[Fact] = []
        self.by_id: dict[str, Line] = {}
        self.by_sku: dict[tuple[str | None, str], list[Line]] = {}
        self.claims: dict[str, list[_Part]] = {}
        self.orders_of: dict[str, list[_Part]] = {}

    # --- what a printer calls its order and items ---

    def hear(self, fact: Fact) -> None:
        """Note what a fact says of a printer's order, whatever else it tells."""
        data = fact.data
        if "provider" not in data:
            return
        whole = _whole(fact)
        if whole[1]:
            known = self.wholes.setdefault(whole, ProviderOrder(provider=whole[0], id=whole[1]))
            known.status = data.get("status") or known.status
            if known.status not in (None, "draft"):
                self.submitted.add(whole)
        for told in data.get("items", ()):
            item = self.items.setdefault((whole, told["item"]), _Item())
            item.ref, item.sku = told.get("ref") or item.ref, told.get("sku") or item.sku
            item.quantity = told.get("quantity") or item.quantity
            item.variant = told.get("variant") or item.variant
        if data.get("items") and fact.kind != "sent":  # what we have sent is no list of all that is there
            self.contents[whole] = {told["item"] for told in data["items"]}
        if "item" in data:
            item = self.items.setdefault((whole, data["item"]), _Item())
            item.ref = data.get("ref") or item.ref

    def work(self, fact: Fact) -> _Work:
        """Return the work that a fact is about: the item it names, or the printer's order as a whole."""
        return self.works.setdefault((_whole(fact), fact.data.get("item", "")), _Work())

    def work_of(self, part: _Part) -> _Work:
        """Return how far an item is; nothing may be known of that."""
        return self.works.get(part, _Work())

    # --- the rules, one per kind of fact: each returns what it tells a person ---

    def on_paid(self, fact: Fact) -> str:
        if self.paid:
            return self.on_paid_again(fact)
        self.paid, self.paid_at = True, fact.at
        self.order.ref = fact.data["ref"]
        self.order.currency = fact.data["currency"]
        self.order.created_at = fact.data["created_at"]
        self.order.lines = [Line(**line) for line in fact.data["lines"]]
        self.left_out = frozenset(fact.data.get("left_out", ()))
        for delivery_id in fact.data.get("deliveries", ()):
            destination = destination_of(delivery_id)
            theirs = {line.id for line in self.order.lines if line.destination == destination} - self.left_out
            self.made_by |= dict.fromkeys(theirs, delivery_id)
        routed = sorted({line.destination for line in self.order.lines if line.destination})
        pieces = sum(line.quantity for line in self.order.lines)
        told = f"Paid: {_counted(pieces, 'piece')} in {_counted(len(self.order.lines), 'line')}"
        return told + (f", for {' and '.join(routed)}" if routed else "")

    def on_paid_again(self, fact: Fact) -> str:
        self.reasons.add(Attention.PAID_TWICE)
        return "Paid again with other contents; the first payment stands"

    def on_routed(self, fact: Fact) -> str:
        line, destination = fact.data["line"], fact.data["destination"]
        self.routed.setdefault(line, fact.data)
        for delivery_id in fact.data["deliveries"]:
            self.made_by.setdefault(line, delivery_id)
        return f"Line {line} was given to {destination} by hand"

    def on_updated(self, fact: Fact) -> str:
        self.updates.append(fact)
        return "Changed by the shop" + (", also what can't be sent any more" if fact.data["not_sent"] else "")

    def on_revoked(self, fact: Fact) -> str:
        self.revoked = True
        return "Canceled by the shop" + _because(fact)

    def on_sent(self, fact: Fact) -> str:
        data, destination = fact.data, fact.data["destination"]
        self.sent[data["delivery_id"]] = fact
        told = f"{destination} has received {data['operation']}"
        for item in data.get("items", ()):
            self.works.setdefault((_whole(fact), item["item"]), _Work()).goes_on(Status.ACCEPTED, fact.at)
            if not item.get("unknown"):
                self.uids[item["ref"]] = item["item"]
        if not data.get("uid_known", True):
            self.uid_unknown = True
            told += ", as it says when asked; its answer was lost, so its uid is not known"
        for line in data.get("changed", ()):
            self.print_files.pop(line, None)
            if _is_batched(self.batches.get(line)):
                self.changed_in_batch.add(line)
        for uid in data.get("deleted", ()):
            self.works.setdefault(((destination, uid), ""), _Work()).canceled = True
        return told + (", perhaps more than once: an answer was lost" if _may_be_made_twice(fact) else "")

    def on_dead(self, fact: Fact) -> str:
        self.dead[fact.data["delivery_id"]] = fact
        told = f"{fact.data['destination']} could not be sent {fact.data['operation']}: {fact.data['reason']}"
        return told + (", but may have heard: an answer was lost" if fact.data.get("answer_lost") else "")

    def on_withdrawn(self, fact: Fact) -> str:
        self.withdrawn.add(fact.data["delivery_id"])
        return f"{fact.data['destination']} was not sent {fact.data['operation']}{_because(fact)}"

    def on_print_file(self, fact: Fact) -> str:
        line, status, url = fact.data["ref"], fact.data["status"], fact.data["url"]
        self.print_files[line] = PrintFile(status=status, url=url, at=fact.at)
        if status == "ready":
            self.begun.add(line)
        if status == "given_up":
            return f"oms: line {line} still has no print file: it is asked no more"
        return f"oms: the print file of line {line} is {status}"

    def on_batched(self, fact: Fact) -> str:
        data = fact.data
        self.batches[data["ref"]] = Batch(id=data["batch"], uid=data["uid"], status=data["status"])
        if data["status"] == "dead":
            return f"oms: the batch {data['batch']} of line {data['ref']} was not taken, or its answer was lost"
        self.begun.add(data["ref"])
        return f"oms: line {data['ref']} is in the batch {data['uid'] or data['batch']}"

    def on_progress(self, fact: Fact) -> str:
        status, stage = fact.data.get("status"), fact.data.get("stage")
        if status == "onhold":
            return self.on_held(fact)
        if status == "canceled":
            return self.on_canceled(fact)
        if status:
            self._release(fact, "progress")
        if status == "failed":
            return self.on_failed(fact)
        work, reached = self.work(fact), stage or PRINTFUL_STAGES.get(status or "")
        if reached:
            work.goes_on(Status(reached), fact.at)
        if stage == Status.DELIVERED and work.undelivered < fact.at:
            work.undelivered = ""
        if fact.data.get("lines"):
            self._parcel(fact)
        if not stage:
            return _told(fact, f"has status {status or 'unknown'}")
        return _told(fact, "is out for delivery" if stage == Status.SHIPPED else f"is {stage.replace('_', ' ')}")

    def on_shipped(self, fact: Fact) -> str:
        known = self.parcels.get((fact.data["provider"], fact.data["parcel"]))
        before = len(known.parts) if known else None
        parcel = self._parcel(fact)
        again = before == len(parcel.parts)
        if fact.data.get("status") == "fulfilled":
            self._release(fact, "held", "progress")
        number = fact.data["tracking_number"]
        told = f"Parcel shipped by {parcel.provider}: {_contents(fact)}" + (f", tracking {number}" if number else "")
        return told + (" (a reshipment)" if fact.data.get("reshipment") else "") + (" (told again)" if again else "")

    def on_returned(self, fact: Fact) -> str:
        parcel = self._parcel(fact)
        parcel.returned = True
        for part, pieces in _parts(fact).items():
            parcel.back[part] = None if pieces is None else max(pieces, parcel.back.get(part) or 0)
        return f"Parcel came back to {parcel.provider}: {_contents(fact)}{_because(fact)}"

    def _parcel(self, fact: Fact) -> _Parcel:
        """Enter what a fact tells of a parcel into the ledger."""
        data, whole = fact.data, _whole(fact)
        key = (data["provider"], data["parcel"])
        parcel = self.parcels.setdefault(key, _Parcel(*key, data.get("shipped_at") or fact.at))
        parcel.carrier = data["carrier"] or parcel.carrier
        parcel.tracking_number = data["tracking_number"] or parcel.tracking_number
        parcel.tracking_url = data["tracking_url"] or parcel.tracking_url
        parcel.reshipment = parcel.reshipment or data.get("reshipment", False)
        told = _parts(fact)
        for part, pieces in told.items():
            # Told again with other contents: no piece that was ever in it is forgotten.
            parcel.parts[part] = None if pieces is None else max(pieces, parcel.parts.get(part) or 0)
        self.works.setdefault((whole, ""), _Work()).goes_on(Status.ACCEPTED, fact.at)
        for item in (part for part in told if not isinstance(part, str)):
            self.works.setdefault(item, _Work()).goes_on(Status.PAID, fact.at)
        return parcel

    def on_undelivered(self, fact: Fact) -> str:
        work = self.work(fact)
        work.goes_on(Status.SHIPPED, fact.at)
        work.undelivered = fact.at
        if fact.data.get("lines"):
            self._parcel(fact)
        return _told(fact, "could not be delivered") + _because(fact)

    def on_error(self, fact: Fact) -> str:
        self.work(fact).error = fact
        delay = fact.data["delay_hours"]
        return _told(fact, "has an error") + _because(fact) + (f", {delay} hours of delay expected" if delay else "")

    def on_failed(self, fact: Fact) -> str:
        self.work(fact).failed = fact.at
        return _told(fact, "failed") + _because(fact)

    def on_canceled(self, fact: Fact) -> str:
        self.work(fact).canceled = True
        if not fact.data.get("item"):
            self._release(fact, "held", "progress")
        return _told(fact, "is canceled") + _because(fact)

    def on_held(self, fact: Fact) -> str:
        whole, reason, approval = _whole(fact), fact.data.get("reason"), fact.data.get("approval", False)
        spans = self.holds.setdefault(whole, [])
        if not spans or spans[-1].until is not None:
            spans.append(Hold(provider=whole[0], since=fact.at))
        hold = spans[-1]
        self.held_at.setdefault(whole, {})[fact.kind] = fact.at
        hold.reason = reason or hold.reason
        hold.approval_needed = hold.approval_needed or approval
        work = self.work(fact)
        work.rank = max(work.rank, RANK[Status.ACCEPTED])  # it has the order, but does not go on with it
        return _told(fact, "waits for approval" if approval else "is on hold") + _because(fact)

    def on_released(self, fact: Fact) -> str:
        self._release(fact, "held", "progress")
        draft = ", as a draft that has to be confirmed again" if fact.data.get("status") == "draft" else ""
        return _told(fact, f"is no longer on hold{draft}") + _because(fact)

    def _release(self, fact: Fact, *kinds: str) -> None:
        """End what these kinds of facts have told of a hold before; with nothing left of it the hold ends."""
        whole = _whole(fact)
        told = self.held_at.get(whole, {})
        for kind in kinds:
            if kind in told and told[kind] < fact.at:
                del told[kind]
                if not told:
                    self.holds[whole][-1].until = fact.at

    def on_refunded(self, fact: Fact) -> str:
        amount, currency = fact.data["amount"], fact.data["currency"]
        self.order.refunds.append(Refund(provider=fact.data["provider"], at=fact.at, amount=amount, currency=currency))
        return _told(fact, "was refunded") + (f": {amount} {currency or ''}".rstrip() if amount else "")

    def on_stock(self, fact: Fact) -> str:
        self.stock.append(fact)
        out = ", ".join(fact.data["out"])
        return f"{fact.data['provider']}: " + (
            f"out of stock or discontinued: variant {out}" if out else "in stock again"
        )

    def on_overdue(self, fact: Fact) -> str:
        self.overdue.append(fact)
        data = fact.data
        if "held" in data:
            return f"{data['destination']} has held the order for {_counted(data['days'], 'day')}"
        done = {Waits.ACCEPT: "accepted", Waits.SHIP: "shipped"}[Waits(data["waits"])]
        lines = _counted(len(data["lines"]), "line")
        return f"{data['destination']} has not {done} {lines} within {data['hours']} hours: {', '.join(data['lines'])}"

    def on_notified(self, fact: Fact) -> str:
        return ""

    def on_erased(self, fact: Fact) -> str:
        self.order.erased_at = fact.at
        return "Personal data was erased"

    # --- what follows from all of them ---

    def finish(self) -> None:
        """Make the record: whose line each item is, which pieces have left, and where that leaves every line."""
        self._change_lines()
        self._place_items()
        self._join_tracking()
        self._ship()
        kept, back = dict[str | None, int](), dict[str | None, int]()
        for parcel in self.parcels.values():
            for part, places in parcel.placed.items():
                left = parcel.came_back(part)
                for line_id, _, pieces in places:
                    returned = min(pieces, left)
                    left -= returned
                    back[line_id] = back.get(line_id, 0) + returned
                    kept[line_id] = kept.get(line_id, 0) + pieces - returned
        ranks = [self._settle(line, kept.get(line.id, 0), back.get(line.id, 0)) for line in self.order.lines]
        self.order.shipments = [parcel.shown() for parcel in self.parcels.values()]
        self.order.holds = sorted(
            (hold for spans in self.holds.values() for hold in spans), key=lambda each: each.since
        )
        self.order.on_hold = any(hold.until is None for hold in self.order.holds)
        self.order.provider_orders = list(self.wholes.values())
        self.order.status = self._status(ranks)
        self.order.attention = sorted(self.reasons | set(self._attention()))

    def _change_lines(self) -> None:
        """Enter on the lines what came after the payment, whenever it was told: by hand, by the shop, by the OMS."""
        if self.revoked:  # nobody will be sent what has not been
            self.withdrawn |= {
                delivery_id
                for delivery_id, fact in self.dead.items()
                if fact.data["operation"] in CREATES and not fact.data["answer_lost"]
            }
        self.withdrawn -= self.sent.keys()
        for line in self.order.lines:
            if line.destination is None and (routed := self.routed.get(line.id)):
                line.destination = routed["destination"]
                _enter(line, routed.get("told", {}))
            line.uid, line.print_file = self.uids.get(line.id), self.print_files.get(line.id)
            line.batch = self.batches.get(line.id)
        self.updates = [update for update in self.updates if update.at >= self.paid_at] if self.paid else []
        lines = {line.id: line for line in self.order.lines if self._can_change(line)}
        for told in (told for update in self.updates for told in update.data["lines"] if told["id"] in lines):
            _enter(lines[told["id"]], told)  # all of them: the latest may have left out a design
        if self.updates:
            kept = {told["id"] for told in self.updates[-1].data["lines"]}
            self.removed = {line.id for line in self.order.lines} - kept

    def _can_change(self, line: Line) -> bool:
        return line.destination in ("oms", None) and line.id not in self.left_out

    def _own(self) -> _Whole | None:
        """Return the printer's order whose record this is, if it is none of ours."""
        provider, _, number = self.order.id.partition(":")
        return (provider, number) if (provider, number) in self.wholes else None

    def _is_complete(self) -> bool:
        """Tell whether all lines are known."""
        return self.paid or self._own() in self.contents

    def _place_items(self) -> None:
        """Find the lines that each item is; while nothing is known of the payment, the items are the lines."""
        if not self.paid:
            made: dict[str, Line] = {}
            for (whole, item_id), item in self.items.items():
                if self._is_in(whole, item_id):
                    item.line_id = item.ref or f"{whole[0]}:{item_id}"
                    sku, quantity = item.sku or item.line_id, item.quantity or 1
                    made.setdefault(
                        item.line_id, Line(id=item.line_id, sku=sku, quantity=quantity, destination=whole[0])
                    )
            self.order.lines = list(made.values())
        self.by_id = {line.id: line for line in self.order.lines}
        for line in self.order.lines:
            self.by_sku.setdefault((line.destination, line.sku), []).append(line)
        self._tell_apart()
        for part in self.items:
            for line in self._lines_of(part[0][0], part)[0]:
                self.claims.setdefault(line.id, []).append(part)
        for whole, item_id in self.works:
            if not item_id:
                self.orders_of.setdefault(whole[0], []).append((whole, ""))

    def _tell_apart(self) -> None:
        """Make each item that could be several lines one of them, if its printer tells no quantities.

        Which one can't be known: the items that are furthest are the first lines, the canceled ones are the last. So
        no line goes back when more is heard of an item.
        """
        alike: dict[tuple[_Whole, str], list[_Part]] = {}
        for part, item in self.items.items():
            if part[0] not in self.contents and len(self._lines_of(part[0][0], part)[0]) > 1:
                alike.setdefault((part[0], item.ref or ""), []).append(part)
        left = {part for parcel in self.parcels.values() for part in parcel.parts}

        def rank(part: _Part) -> int:
            return max(self.work_of(part).rank, RANK[Status.SHIPPED] if part in left else 0)

        for (whole, _), parts in alike.items():
            lines = self._lines_of(whole[0], parts[0])[0]
            last = {part for part in parts if self.work_of(part).canceled and rank(part) < RANK[Status.SHIPPED]}
            first = sorted(set(parts) - last, key=lambda part: (-rank(part), part))
            for position, part in enumerate(first):
                self.items[part].line_id = lines[min(position, len(lines) - 1)].id
            for position, part in enumerate(sorted(last), start=1):
                self.items[part].line_id = lines[max(len(lines) - position, 0)].id

    def _is_in(self, whole: _Whole, item: str) -> bool:
        """Tell whether an item is in a printer's order, or was taken out of it by an edit."""
        return item in self.contents.get(whole, {item})

    def _lines_of(self, provider: str, part: _Part | str) -> tuple[list[Line], bool]:
        """Return the lines that an item, or a SKU, of a printer can be, and whether it names its line."""
        item = _Item(sku=part) if isinstance(part, str) else self.items.get(part, _Item())
        named = self.by_id.get(item.line_id or item.ref or "")
        if named and named.destination in (provider, None):
            return [named], True
        sku = item.sku or item.ref or ""
        # What no rule wanted may have been given to any printer by hand.
        return self.by_sku.get((provider, sku), []) + self.by_sku.get((None, sku), []), False

    def _join_tracking(self) -> None:
        """Put an item that was told of without tracking, and with it, into one parcel; then find the reshipments.

        This is about the items that are whole lines: nothing but the item says that two parcels are one.
        """
        tracked: dict[_Part | str, _Parcel] = {}
        for parcel in self.parcels.values():
            for part in parcel.whole_lines() if parcel.has_tracking() else ():
                tracked.setdefault(part, parcel)
        for key, parcel in list(self.parcels.items()):
            joined = set() if parcel.has_tracking() else parcel.whole_lines() & tracked.keys()
            for part in joined:
                del parcel.parts[part]
                tracked[part].shipped_at = min(tracked[part].shipped_at, parcel.shipped_at)
            if joined and not parcel.parts:
                for tracked_one in {tracked[part].id: tracked[part] for part in joined}.values():
                    tracked_one.merged.append(parcel.id)
                del self.parcels[key]
        left: set[_Part | str] = set()
        for parcel in self.parcels.values():
            items = parcel.whole_lines()
            parcel.reshipment = parcel.reshipment or (bool(items) and items <= left)
            left |= items

    def _ship(self) -> None:
        """Put the parcels' pieces on the lines: what names its line, then what has its SKU, then the reshipments."""
        turns: tuple[list[_Placing], ...] = ([], [], [])
        for parcel in self.parcels.values():
            for part in parcel.parts:
                lines, named = self._lines_of(parcel.provider, part)
                turns[2 if parcel.reshipment else 0 if named else 1].append((parcel, part, lines))
        for parcel, part, lines in (placing for turn in turns for placing in turn):
            self._put(parcel, part, lines)

    def _put(self, parcel: _Parcel, part: _Part | str, lines: list[Line]) -> None:
        pieces = parcel.parts[part]
        item = _Item(sku=part) if isinstance(part, str) else self.items.get(part, _Item())
        sku = item.sku or (lines[0].sku if lines else item.ref) or ("" if isinstance(part, str) else part[1])
        left = pieces or sum(line.quantity for line in lines) or 1
        placed = parcel.placed.setdefault(part, [])
        for line in lines:
            if parcel.reshipment or pieces is None:
                # It repeats what has left; it counts for it only where nobody told of the first parcel.
                taken = min(left, line.quantity)
                line.shipped_quantity = max(line.shipped_quantity, taken)
            else:
                taken = min(left, line.quantity - line.shipped_quantity)
                line.shipped_quantity += taken
            left -= taken
            if taken:
                placed.append((line.id, sku, taken))
        if left:
            if self._is_complete() and not (lines and parcel.reshipment):
                self.reasons.add(Attention.OVER_SHIPPED if lines else Attention.UNKNOWN_SKU)
            placed.append((lines[-1].id if lines else None, sku, left))

    def _settle(self, line: Line, kept: int, back: int) -> int:
        """Write on a line where it stands; return the rank of that for the order as a whole."""
        # A line that no item is known of follows what its printer says of its order as a whole.
        claims = self.claims.get(line.id) or self.orders_of.get(line.destination or "", [])
        said = [[self.work_of((whole, "")), self.work_of((whole, item))] for whole, item in claims]
        works = [work for claim in said for work in claim]
        rank = max((work.rank for work in works), default=0)
        if self.made_by.get(line.id) in self.sent:
            rank = max(rank, RANK[Status.ACCEPTED])
        if line.id in self.begun:
            rank = max(rank, RANK[Status.IN_PRODUCTION])
        ended = [any(work.canceled for work in claim) for claim in said]
        failed = [any(work.failed or work.canceled for work in claim) for claim in said]
        if rank >= RANK[Status.SHIPPED]:  # it is on its way, even if nobody told of the parcel
            line.shipped_quantity = line.quantity
        if (said and all(ended)) or self._is_taken_back(line):
            line.canceled_quantity = line.quantity - line.shipped_quantity
        elif errors := [
            work.error for claim, end in zip(said, ended, strict=True) for work in claim if work.error and not end
        ]:
            last = max(errors, key=_when)
            line.error = LineError(at=last.at, cause=last.data["reason"], delay_hours=last.data["delay_hours"])
        if back:  # pieces that were sent again, in a parcel that has not come back, are with the customer
            line.returned_quantity = max(0, line.shipped_quantity - kept)
        line.status = STAGES[min(rank, RANK[Status.PACKED])]
        if line.canceled_quantity == line.quantity:
            line.status = Status.CANCELED
        elif line.shipped_quantity == 0:
            if said and all(failed):
                line.status = Status.FAILED
                return min(rank, RANK[Status.PACKED])
        elif line.shipped_quantity + line.canceled_quantity < line.quantity:
            line.status = Status.PARTIALLY_SHIPPED
        elif line.returned_quantity == line.shipped_quantity:
            line.status = Status.RETURNED
            return RANK[Status.SHIPPED]
        else:
            line.status = STAGES[max(rank, RANK[Status.SHIPPED])]
        return RANK[line.status]

    def _is_taken_back(self, line: Line) -> bool:
        """Tell whether the shop has canceled a line that nobody makes."""
        if line.destination is None and line.id in self.claims:  # somebody has made it his own
            return False
        if self.made_by.get(line.id) in self.withdrawn:
            return True
        nobody_has_it = line.destination is None or line.id in self.left_out
        return (self.revoked and nobody_has_it) or (
            line.id in self.removed and (nobody_has_it or line.destination == "oms")
        )

    def _is_changed_too_late(self) -> bool:
        """Tell whether the shop's latest telling is not what is made, or will be."""
        late = self.changed_in_batch | {line.id for line in self.order.lines if _is_batched(line.batch)} & self.removed
        if late and not self.revoked:
            return True
        if not self.updates:
            return False
        told = {line["id"]: line for line in self.updates[-1].data["lines"]}
        going = [line for line in self.order.lines if line.status is not Status.CANCELED]
        if self.updates[-1].data["not_sent"] and any(line.destination in ("camaloon", "oms") for line in going):
            return True
        return (not self.revoked and not told.keys() <= self.by_id.keys()) or any(
            line.id in self.left_out
            or line.id in self.removed
            or (told[line.id]["sku"], told[line.id]["quantity"]) != (line.sku, line.quantity)
            for line in going
        )

    def _status(self, ranks: list[int]) -> Status:
        """Return where the order stands: where the slowest of its lines does that are not canceled."""
        works = self.works.values()
        statuses = {line.status for line in self.order.lines} - {Status.CANCELED}
        ended = any(work.canceled for work in works) or (self.revoked and not self._is_made())
        if not statuses and (self.order.lines or ended):
            return Status.CANCELED
        if statuses in ({Status.RETURNED}, {Status.FAILED}):
            return statuses.pop()
        slowest = min((rank for rank in ranks if rank != RANK[Status.CANCELED]), default=0)
        if not self._is_complete():  # of lines that nobody has told of yet only this is known
            own = self._own()
            slowest = self.work_of((own, "")).rank if own else 0
        # Something has left, and no late fact takes that back.
        has_left = self.parcels or any(work.rank >= RANK[Status.SHIPPED] for work in works)
        return Status.PARTIALLY_SHIPPED if has_left and slowest < RANK[Status.SHIPPED] else STAGES[slowest]

    def _is_made(self) -> bool:
        """Tell whether any printer has said anything of it."""
        return bool(self.items or self.works)

    def _is_unknown(self) -> bool:
        """Tell whether a printer has something that is no line, or sent a parcel of which nothing is known."""
        nameless = not all(parcel.parts for parcel in self.parcels.values())
        return nameless or any(self._is_in(*part) and not self._lines_of(part[0][0], part)[0] for part in self.items)

    def _missing(self) -> Iterator[Line]:
        """Return the lines whose printer lists the items of its orders, and that are none of them."""
        listing = {provider for provider, _ in self.contents}
        for line in self.order.lines:
            if line.destination in listing and not any(self._is_in(*part) for part in self.claims.get(line.id, ())):
                yield line

    def _is_stalled(self, late: Fact) -> bool:
        """Tell whether lines still wait for what they had waited for too long."""
        if "held" in late.data:
            return False
        destination, waits, since = late.data["destination"], Waits(late.data["waits"]), late.data["since"]
        return bool(self.order.waiting(destination, waits, since=since) & set(late.data["lines"]))

    def _attention(self) -> Iterator[Attention]:
        order, works = self.order, self.works.values()
        waiting = [hold for hold in order.holds if hold.until is None]
        gone = {Status.SHIPPED, Status.DELIVERED, Status.RETURNED, Status.CANCELED}
        files = {line.print_file.status for line in order.lines if line.print_file and line.status not in gone}
        missing = {variant for _, out in out_of_stock(self.stock).values() for variant in out}
        given_up = {destination_of(each) for each in self.dead.keys() - self.sent.keys() - self.withdrawn}
        yield from (
            reason
            for reason, holds in {
                # That an order was canceled which nobody makes or has paid for is the end of it.
                Attention.UNPAID: not self.paid and not self._own() and (self._is_made() or not self.revoked),
                Attention.UNROUTABLE: any(
                    line.destination is None and line.status is not Status.CANCELED for line in order.lines
                ),
                Attention.DELIVERY_DEAD: given_up - {SHOP},
                Attention.SHOP_NOT_TOLD: SHOP in given_up,
                # How it ended last tells: who was asked afterwards may have said.
                Attention.ANSWER_LOST: any(
                    _may_be_made_twice(end)
                    for delivery_id, end in (self.dead | self.sent).items()
                    if delivery_id not in self.withdrawn
                ),
                Attention.UID_UNKNOWN: self.uid_unknown
                and any(line.destination == "oms" and line.status not in gone for line in order.lines),
                Attention.NOT_RECALLED: self.revoked
                and (
                    any(_is_beyond_recall(line) and line.status is not Status.CANCELED for line in order.lines)
                    or any(_is_batched(line.batch) for line in order.lines)
                    or any(
                        fact.data["operation"] == "delete_order"
                        for delivery_id, fact in self.dead.items()
                        if delivery_id not in self.sent and delivery_id not in self.withdrawn
                    )
                ),
                Attention.CHANGE_NOT_SENT: self._is_changed_too_late(),
                Attention.PRINT_FILE_FAILED: "processingfailed" in files,
                Attention.PRINT_FILE_LATE: "given_up" in files,
                Attention.NO_TEMPLATE: "no_template" in files,
                Attention.BATCH_DEAD: any(
                    line.batch and line.batch.status == "dead" and line.status not in gone for line in order.lines
                ),
                Attention.FAILED: any(work.failed and not work.canceled for work in works),
                Attention.PRODUCTION_ERROR: any(
                    work.error and not work.canceled and not self.work_of((whole, "")).canceled
                    for (whole, _), work in self.works.items()
                ),
                Attention.NOT_DELIVERED: any(work.undelivered for work in works),
                Attention.ON_HOLD: waiting,
                Attention.HOLD_OLD: any(
                    "held" in late.data
                    and any(
                        hold.provider == late.data["destination"] and hold.since <= late.data["held"]
                        for hold in waiting
                    )
                    for late in self.overdue
                ),
                Attention.STALLED: not self.revoked and any(map(self._is_stalled, self.overdue)),
                Attention.APPROVAL_NEEDED: any(hold.approval_needed for hold in waiting),
                Attention.UNKNOWN_SKU: self._is_complete() and self._is_unknown(),
                Attention.LINE_MISSING: any(line.status not in gone for line in self._missing()),
                Attention.CONFIRM_AGAIN: order.status not in gone
                and any(
                    known.status == "draft"
                    and whole in self.submitted
                    and all(hold.until for hold in self.holds.get(whole, []))
                    for whole, known in self.wholes.items()
                ),
                # What the shop itself has canceled or left out is no news to it.
                Attention.CANCELED: not self.revoked
                and (
                    (order.status is Status.CANCELED and not order.lines)
                    or any(line.canceled_quantity and line.id not in self.removed for line in order.lines)
                ),
                Attention.RETURNED: any(line.returned_quantity for line in order.lines)
                or any(
                    # What is of no line, or a parcel of which nothing is known, can't be seen on a line.
                    parcel.returned
                    and (
                        not parcel.placed
                        or any(
                            places[-1][0] is None and parcel.came_back(part) for part, places in parcel.placed.items()
                        )
                    )
                    for parcel in self.parcels.values()
                ),
                Attention.OUT_OF_STOCK: any(
                    item.variant in missing and self._is_in(*part) and line.status not in gone
                    for part, item in self.items.items()
                    for line in self._lines_of(part[0][0], part)[0]
                ),
            }.items()
            if holds
        )


_WORDS = b"".join(
    (
        b'paid","source":"storefront.order_paid","ref":null,"currency":"EUR","created_at":"lines":[{"id":"1","sku":"',
        b'"price":"1.0","destination":"camaloon"}],"deliveries":["camaloon-"]}},sent","source":"deliver.camaloon"',
        b'"delivery_id":"destination":"camaloon","operation":"order_paid","answer_lost":false}},{"id":"camaloon-/sent/0.1',
        b'camaloon.shipment_sent","cloudprinter.item_validated","item_produced","item_packed","item_shipped","stage":"',
        b'accepted","in_production","held","released","reason":null,"approval":false,order_put_hold","order_remove_hold"',
        b'shipped","source":"printful.package_shipped","provider":"cloudprinter","order":"item":"ref":"printful.order_',
        b'created","updated","status":"pending","inprocess","partial","fulfilled","items":[{"item":"4","ref":"1","sku":"',
        b'","quantity":1,"variant":"1","product":"7"}],"parcel":"5","carrier":"tracking_number":"tracking_url":"https://',
        b'","shipped_at":"2026-reshipment":false,"lines":[{"item":"4","quantity":null}]}},{"id":"printful-cloudprinter-',
        b'","kind":"progress","source":"printful.","at":"2026-:00.000Z","received_at":"2026-T1Z","data":{"provider":"printful",',
    )
)
"""What facts are made of, for their compression: a quarter less for a usual order, which is a write unit for many.

Never change it: orders are packed with it. (A stream names the dictionary that it needs, so another could be added.)
"""

RULES: dict[str, Callable[[_Folding, Fact], str]] = {
    "paid": _Folding.on_paid,
    "paid_again": _Folding.on_paid_again,
    "routed": _Folding.on_routed,
    "updated": _Folding.on_updated,
    "revoked": _Folding.on_revoked,
    "sent": _Folding.on_sent,
    "dead": _Folding.on_dead,
    "withdrawn": _Folding.on_withdrawn,
    "print_file": _Folding.on_print_file,
    "batched": _Folding.on_batched,
    "progress": _Folding.on_progress,
    "shipped": _Folding.on_shipped,
    "returned": _Folding.on_returned,
    "undelivered": _Folding.on_undelivered,
    "error": _Folding.on_error,
    "failed": _Folding.on_failed,
    "canceled": _Folding.on_canceled,
    "held": _Folding.on_held,
    "released": _Folding.on_released,
    "refunded": _Folding.on_refunded,
    "stock": _Folding.on_stock,
    "overdue": _Folding.on_overdue,
    "notified": _Folding.on_notified,
    "erased": _Folding.on_erased,
}


def fold(order_id: str, facts: Iterable[Fact]) -> Order:
    """Make the order out of everything known about it. The facts' order and repetitions don't matter.

    A kind without a rule (written by a newer version, before a rollback) is kept and shown, and changes nothing else.
    """
    folding = _Folding(order_id)
    ordered = in_order(facts)
    for fact in ordered:
        rule = RULES.get(fact.kind)
        if rule:
            folding.hear(fact)
        text = rule(folding, fact) if rule else f"Not understood: {fact.kind}"
        if text:
            folding.order.timeline.append(
                TimelineEntry(at=fact.at, received_at=fact.received_at, source=fact.source, event_id=fact.id, text=text)
            )
    folding.order.created_at = folding.order.created_at or min((fact.at for fact in ordered), default="")
    heard = [fact for fact in ordered if _is_heard(fact)] or ordered
    folding.order.updated_at = max((fact.received_at for fact in heard), default="")
    folding.finish()
    return folding.order


def _is_heard(fact: Fact) -> bool:
    """Tell whether a fact came from outside: what Pressroom notices itself, and what it tells the shop, did not.

    Else an order of which nothing is heard would be heard of as soon as that is noticed.
    """
    return fact.kind not in ("overdue", "notified", "erased") and fact.source != f"deliver.{SHOP}"


def variants(facts: Iterable[Fact]) -> dict[str, set[str]]:
    """Return the variants that the facts' items are of, by their catalogue product; ids as Printful gives them."""
    found: dict[str, set[str]] = {}
    for fact in facts:
        for item in fact.data.get("items", ()):
            if item.get("product") and item.get("variant"):
                found.setdefault(item["product"], set()).add(item["variant"])
    return found


def out_of_stock(facts: Iterable[Fact]) -> dict[str, tuple[str, list[str]]]:
    """Return, by catalogue product, the version of the latest that was told of its stock, and the variants it lacks."""
    latest: dict[str, tuple[str, list[str]]] = {}
    for fact in facts:
        if fact.kind == "stock":
            product, version, out = fact.data["product"], fact.data["version"], fact.data["out"]
            known, before = latest.get(product, ("", []))
            if version == known:  # told again, of a variant that the order did not have then
                out = sorted({*before, *out})
            if version >= known:
                latest[product] = version, out
    return latest


def delivery_ids(facts: Iterable[Fact]) -> list[str]:
    """Return the deliveries that an order has caused, in no particular order.

    Of more than MOST_DELIVERIES those in between are left out: the shop's many updates are alike.
    """
    ids = [delivery_id for fact in facts for delivery_id in fact.data.get("deliveries", ())]
    half = MOST_DELIVERIES // 2
    return [*ids[:half], *ids[-half:]] if len(ids) > MOST_DELIVERIES else ids


def destination_of(delivery_id: str) -> str:
    """Return who a delivery is for: facts name deliveries by their id alone, which begins with that."""
    return delivery_id.partition("-")[0]


def counts_from(facts: Iterable[Fact]) -> str:
    """Return when the age of an order begins: when its payment was first received, or anything, if it is not paid.

    Never the date that a shop wrote on it: a pre-order is paid months later, and a shop's clock may be wrong.
    """
    known = list(facts)
    payments = [fact for fact in known if fact.kind == "paid"]
    return min((fact.received_at for fact in payments or known), default="")


def is_revoked(facts: Iterable[Fact]) -> bool:
    """Tell whether the shop has canceled the order, whatever has been sent of it."""
    return any(fact.kind == "revoked" for fact in facts)


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Return each fact once, in the order in which they happened as far as is known."""
    return sorted({fact.id: fact for fact in facts}.values(), key=_when)


def pack(facts: Iterable[Fact]) -> bytes:
    """Write facts as compressed JSON, for the order's row: the same set gives the same bytes."""
    text = json.dumps([asdict(fact) for fact in in_order(facts)], separators=(",", ":")).encode()
    packer = zlib.compressobj(zdict=_WORDS)
    return packer.compress(text) + packer.flush()


def unpack(packed: bytes) -> list[Fact]:
    """Read what `pack` wrote, or what it wrote before it knew the words."""
    return [Fact(**fact) for fact in json.loads(zlib.decompressobj(zdict=_WORDS).decompress(packed))]


def _when(fact: Fact) -> tuple[str, str]:
    # Of one instant by what they are, never by when we heard: the order of arrival is no part of the record.
    return fact.at, fact.id


def _is_beyond_recall(line: Line) -> bool:
    """Tell whether somebody makes a line whom we can't tell to stop, or has made it."""
    if line.destination == "camaloon":
        return RANK[line.status] >= RANK[Status.ACCEPTED]
    return line.destination != "oms" or bool(line.shipped_quantity)


def _is_batched(batch: Batch | None) -> bool:
    """Tell whether a line is in a batch at the OMS, which nothing takes out of it again."""
    return batch is not None and batch.status != "dead"


def _may_be_made_twice(fact: Fact) -> bool:
    """Tell whether an answer was lost to what must not be done again: to tell a change twice does no harm."""
    return bool(fact.data.get("answer_lost")) and fact.data["operation"] in CREATES


def _enter(line: Line, told: dict[str, Any]) -> None:
    """Make a line what the shop has told of it. A design that it left out is the one before."""
    for name in ("sku", "quantity", "price", "variant"):
        setattr(line, name, told.get(name, getattr(line, name)))


def _whole(fact: Fact) -> _Whole:
    return fact.data["provider"], fact.data.get("order") or ""


def _parts(fact: Fact) -> dict[_Part | str, int | None]:
    """Return what a fact tells of a parcel's contents: pieces by item, or by SKU; None for all of an item's line."""
    parts: dict[_Part | str, int | None] = {}
    for line in fact.data["lines"]:
        part: _Part | str = (_whole(fact), line["item"]) if "item" in line else line["sku"]
        pieces = line["quantity"]
        parts[part] = None if pieces is None else (parts.get(part) or 0) + pieces
    return parts


def _told(fact: Fact, what: str) -> str:
    """Begin what a fact tells: which printer's order or item it is about, the item by our name for it if it has one."""
    return f"{fact.data['provider']}: {_item(fact) if fact.data.get('item') else 'the order'} {what}"


def _item(fact: Fact) -> str:
    return f"item {fact.data.get('ref') or fact.data['item']}"


def _because(fact: Fact) -> str:
    return f": {fact.data['reason']}" if fact.data.get("reason") else ""


def _contents(fact: Fact) -> str:
    lines = fact.data["lines"]
    if any(line["quantity"] is None for line in lines):
        return _item(fact)
    return _counted(sum(line["quantity"] for line in lines), "piece")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
