"""The record of an order, as `GET /orders/{id}` shows it. Pure data: the fold makes it out of facts."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from pressroom.order.reasons import Attention


class Status(StrEnum):
    """The status of a line or an order, in the order of progress; the last four stand beside that order."""

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
    LINKED = "linked"
    """Of a printer's record: its reports count in the order that it is linked to."""


class Waits(StrEnum):
    """What a line waits for: that its printer accepts it, or ships it."""

    ACCEPT = "accept"
    SHIP = "ship"


RANK = {status: rank for rank, status in enumerate(Status)}
STAGES = tuple(Status)[: RANK[Status.DELIVERED] + 1]
"""The statuses that are reached one after the other."""
OPEN = STAGES[: RANK[Status.PARTIALLY_SHIPPED] + 1]
"""The statuses of an order about which more reports are expected."""
GONE = frozenset({Status.SHIPPED, Status.DELIVERED, Status.RETURNED, Status.CANCELED})
"""The statuses of a line that nobody works on any more. A failed line is not one of them: it may go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineError:
    """An error in a line's production; `delay_hours` is the delay that the printer expects, as text."""

    at: str
    cause: str | None
    delay_hours: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintFile:
    """A line's print file. `status` is the OMS's word, or `given_up` or `no_template`, which are Pressroom's.

    `url` is set once the file is ready.
    """

    status: str
    url: str | None
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The batch that a line is printed in: Pressroom's id, the OMS's uid, and the OMS's status, or `dead`."""

    id: str
    uid: str | None
    status: str | None

    def is_sent(self) -> bool:
        """Return whether the OMS has the batch, or may still get it: nothing takes a line out of such a batch."""
        return self.status != "dead"


@dataclass(slots=True, kw_only=True)
class Line:
    """A line of the order. `price` is the line's total without taxes, a decimal as text in the order's currency.

    `name` is the product's, as the shop, or else the printer, writes it.
    `variant` is the product variant of a personalised line; `uid`, `print_file` and `batch` come from the OMS.
    `unusable` names what the shop sent of the line that can't be used (`LineItem.unusable`).
    """

    id: str
    sku: str
    quantity: int
    destination: str | None
    price: str | None = None
    variant: str | None = None
    name: str | None = None
    unusable: str | None = None
    status: Status = Status.PAID
    shipped_quantity: int = 0
    canceled_quantity: int = 0
    returned_quantity: int = 0
    error: LineError | None = None
    uid: str | None = None
    print_file: PrintFile | None = None
    batch: Batch | None = None

    @property
    def is_personalized(self) -> bool:
        """Return whether the line has a design, be it one that can't be used."""
        return self.variant is not None or "personalization" in (self.unusable or "")

    def is_no_product(self) -> bool:
        """Return whether the shop gave the line no SKU, and nobody a printer: a tip, gift wrap, an insurance."""
        return not self.sku and self.destination is None and not self.unusable

    def waits(self) -> Waits | None:
        """Return what the line waits for; None for one that has left, or never will."""
        if self.status is Status.PAID:
            return Waits.ACCEPT
        return Waits.SHIP if RANK[self.status] <= RANK[Status.PARTIALLY_SHIPPED] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentLine:
    """A part of a parcel; `line_id` is None for an item that the order does not have."""

    line_id: str | None
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A parcel. `service` is the carrier's, and `ship_date` the date of shipping as the printer writes it.

    `merged` lists parcels that were reported without tracking and turned out to be this one. `notify_customer` is
    Camaloon's wish whether the customer is notified of the parcel. None: Camaloon did not say.
    """

    id: str
    provider: str
    carrier: str | None
    service: str | None = None
    ship_date: str | None = None
    tracking_number: str | None
    tracking_url: str | None
    shipped_at: str
    reshipment: bool = False
    returned: bool = False
    merged: list[str] = field(default_factory=list)
    notify_customer: bool | None = None
    lines: list[ShipmentLine]

    def has_tracking(self) -> bool:
        """Return whether a customer can track it."""
        return bool(self.tracking_number or self.tracking_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFile:
    """The links to a design that a printer asks to approve: as submitted, as the printer proposes it, and its sheet."""

    submitted_design: str | None = None
    recommended_design: str | None = None
    approval_sheet: str | None = None


@dataclass(slots=True, kw_only=True)
class Hold:
    """A period during which a printer did not continue; `until` is None while it lasts.

    `approval_files` are the designs to approve.
    """

    provider: str
    since: str
    until: str | None = None
    reason: str | None = None
    approval_needed: bool = False
    approval_files: list[ApprovalFile] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that a printer paid back; `amount` and `currency` are None if the printer did not name them."""

    provider: str
    at: str
    amount: str | None
    currency: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What an order costs: decimals as text in `currency`. None for an amount that is zero, or not named."""

    currency: str | None = None
    subtotal: str | None = None
    discount: str | None = None
    shipping: str | None = None
    digitization: str | None = None
    additional_fee: str | None = None
    fulfillment_fee: str | None = None
    retail_delivery_fee: str | None = None
    tax: str | None = None
    vat: str | None = None
    total: str | None = None

    @classmethod
    def of(cls, values: list[str | None], before: Self | None) -> Self:
        """Read what `to_fact` returned. A currency that is not named is that of the costs before."""
        given = dict(zip(COSTS, values, strict=False))
        return cls(**given | {"currency": given.get("currency") or (before.currency if before else None)})

    def to_fact(self) -> list[str | None]:
        """Return the values in the order of COSTS, without the missing ones at the end: half as long as with names."""
        values: list[str | None] = [getattr(self, name) for name in COSTS]
        while values and values[-1] is None:
            values.pop()
        return values


COSTS = (
    *("currency", "total", "subtotal", "shipping", "vat", "tax", "discount", "digitization"),
    *("additional_fee", "fulfillment_fee", "retail_delivery_fee"),
)
"""The fields of Costs in the order in which facts store them: it never changes, and a new field comes last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderItem:
    """An item in a printer's order. `line_id` is the line's id as the printer has it.

    `price` is what the printer charges for a piece, in the currency of its `costs`; `retail_price` is what the
    customer is shown, in that of its `retail_costs`. `print_file` is the printer's word for the status of its files.
    """

    id: str
    line_id: str | None
    sku: str | None
    name: str | None
    quantity: int | None
    price: str | None
    retail_price: str | None
    print_file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncompleteItem:
    """An item that a printer can't make yet, mostly because it has no print file. `variant` is the shop's id of it."""

    name: str | None = None
    line_id: str | None = None
    variant: str | None = None
    quantity: int | None = None


@dataclass(slots=True, kw_only=True)
class ProviderOrder:
    """The order as a printer knows it; `status` is the latest one that the printer reported, in its own words.

    `costs` is what the printer charges; `retail_costs` is what its packing slip shows the customer. `described_by` is
    the webhook with the latest complete description.
    """

    provider: str
    id: str
    status: str | None = None
    store: str | None = None
    costs: Costs | None = None
    retail_costs: Costs | None = None
    items: list[ProviderItem] = field(default_factory=list)
    incomplete_items: list[IncompleteItem] = field(default_factory=list)
    described_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """A fact as a sentence for people."""

    at: str
    received_at: str
    source: str
    event_id: str
    text: str


@dataclass(slots=True, kw_only=True)
class Order:
    """The record of an order, without its deliveries, which are rows of their own.

    `linked_to` is the order that has what the printer reported on this record; `linked` are the records whose reports
    this order has. `maybe_same` are records that may be the same order: a person links them, or says that they are not.
    """

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
    linked_to: str | None = None
    linked: list[str] = field(default_factory=list)
    maybe_same: list[str] = field(default_factory=list)
    timeline: list[TimelineEntry] = field(default_factory=list)

    def own_shipments(self) -> list[Shipment]:
        """Return the parcels with a piece of a line. Any other parcel may be another customer's."""
        return [parcel for parcel in self.shipments if any(part.line_id for part in parcel.lines)]

    def waiting(self, destination: str, waits: Waits, *, since: str) -> set[str]:
        """Return the ids of the lines that wait for this from a printer; none if it held the order since `since`."""
        if any(hold.provider == destination and (hold.until is None or hold.until > since) for hold in self.holds):
            return set()
        return {line.id for line in self.lines if line.destination == destination and line.waits() is waits}

    def is_a_printers(self) -> bool:
        """Return whether the record is a printer's own order, which the shop knows nothing of."""
        return self.id in {f"{each.provider}:{each.id}" for each in self.provider_orders}

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return asdict(self)
