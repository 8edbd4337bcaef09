"""The state of a fold: the result of the facts that were applied so far, before it becomes the record. Pure.

`fold` fills it, fact by fact; `ledger`, `settle` and `attention` make the record out of it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from pressroom.order.facts import DRAFT, Fact
from pressroom.order.model import (
    RANK,
    Batch,
    Costs,
    Hold,
    IncompleteItem,
    Line,
    Order,
    PrintFile,
    ProviderItem,
    ProviderOrder,
    Shipment,
    ShipmentLine,
    Status,
)
from pressroom.order.reasons import Attention
from pressroom.partners import BY_ID

type ProviderOrderKey = tuple[str, str]
"""A printer's order: (printer, its id there). The id is empty for a printer that has none but ours."""
type ItemKey = tuple[ProviderOrderKey, str]
"""An item of a printer's order. An empty item stands for the order as a whole."""

SENT = ("sent", "uid_found")
"""The kinds of facts whose items are what Pressroom sent: no list of all that is there."""
ALL = 10**9
"""More pieces than any part of a parcel holds."""


@dataclass(slots=True)
class Progress:
    """How far a printer is with an item, or with its order as a whole.

    `failed` and `undelivered` are the times of the latest such report, empty once the printer has gone on.
    """

    rank: int = 0
    canceled: bool = False
    failed: str = ""
    undelivered: str = ""
    error: Fact | None = None

    def advance(self, stage: Status, at: str) -> None:
        """Enter a stage, never backwards; it ends a failure and an error that were reported earlier."""
        self.rank = max(self.rank, RANK[stage])
        if self.failed < at:
            self.failed = ""
        if self.error and self.error.at < at:
            self.error = None


@dataclass(slots=True)
class Item:
    """A printer's item, as far as the printer has described it. `line_id` is the line that it was assigned to."""

    ref: str | None = None
    sku: str | None = None
    quantity: int | None = None
    variant: str | None = None
    name: str | None = None
    price: str | None = None
    retail_price: str | None = None
    print_file: str | None = None
    line_id: str | None = None

    def describe(self, listed: dict[str, Any]) -> None:
        """Enter a later description, which may leave out what an earlier one had. Without print files it has none."""
        for name in ("ref", "sku", "quantity", "variant", "name", "price", "retail_price"):
            setattr(self, name, listed.get(name) or getattr(self, name))
        self.print_file = listed.get("print_file")
        self.sku = self.sku or listed.get("external_variant")


@dataclass(slots=True)
class Parcel:
    """A parcel, put together from all reports about it.

    `parts` holds the pieces by item, or by SKU where the printer names no items; None stands for all pieces of the
    item's line. `reports` holds the order, the parts, the order's stage and the time of each report, `reported_at` and
    `returned_at` the first times. `back` holds the pieces that came back; a `returned` parcel without any came back
    whole. `placed` holds (line id, SKU, pieces) for each part, once the lines are known.
    """

    provider: str
    id: str
    shipped_at: str
    carrier: str | None = None
    service: str | None = None
    ship_date: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    reshipment: bool = False
    returned: bool = False
    merged: list[str] = field(default_factory=list)
    notify_customer: bool | None = None
    reported_at: str = ""
    returned_at: str = ""
    reports: list[tuple[ProviderOrderKey, Collection[ItemKey | str], Status, str]] = field(default_factory=list)
    parts: dict[ItemKey | str, int | None] = field(default_factory=dict)
    back: dict[ItemKey | str, int | None] = field(default_factory=dict)
    placed: dict[ItemKey | str, list[tuple[str | None, str, int]]] = field(default_factory=dict)
    replaced: int = 0
    """Pieces beyond those ordered, in place of pieces that came back."""

    def has_tracking(self) -> bool:
        return bool(self.tracking_number or self.tracking_url)

    def names_skus(self) -> bool:
        """Return whether the printer names SKUs instead of items."""
        return bool(self.parts) and all(isinstance(part, str) for part in self.parts)

    def has_only_a_link(self) -> bool:
        return self.tracking_number is None and self.tracking_url is not None

    def absorb(self, other: "Parcel") -> None:
        """Enter what another report, which turned out to be about this parcel, says of it."""
        self.shipped_at = min(self.shipped_at, other.shipped_at)
        self.tracking_url = self.tracking_url or other.tracking_url
        self.carrier, self.service = self.carrier or other.carrier, self.service or other.service

    def whole_lines(self) -> set[ItemKey | str]:
        """Return the parts that are all pieces of a line."""
        return {part for part, pieces in self.parts.items() if pieces is None}

    def places(self) -> Iterator[tuple[str | None, str, int]]:
        """Yield what the parcel holds: (line id, SKU, pieces), once the lines are known."""
        return (place for places in self.placed.values() for place in places)

    def pieces_back(self, part: ItemKey | str) -> int:
        """Return how many pieces of a part came back; ALL stands for every one."""
        pieces = self.back.get(part, 0) if self.back else None
        return 0 if not self.returned else ALL if pieces is None else pieces

    def shipment(self) -> Shipment:
        """Return the parcel as the record shows it."""
        held: dict[tuple[str | None, str], int] = {}
        for line_id, sku, pieces in self.places():
            held[line_id, sku] = held.get((line_id, sku), 0) + pieces
        return Shipment(
            id=self.id,
            provider=self.provider,
            carrier=self.carrier,
            service=self.service,
            ship_date=self.ship_date,
            tracking_number=self.tracking_number,
            tracking_url=self.tracking_url,
            shipped_at=self.shipped_at,
            reshipment=self.reshipment,
            returned=self.returned,
            merged=self.merged,
            notify_customer=self.notify_customer,
            lines=[ShipmentLine(line_id=line, sku=sku, quantity=n) for (line, sku), n in held.items()],
        )


class State:
    """An order while its facts are applied, in the order in which they happened."""

    def __init__(self, order_id: str) -> None:
        self.order = Order(id=order_id)
        self.paid = False
        self.paid_at = ""
        self.reasons: set[Attention] = set()
        """The reasons that a rule or the ledger found; `attention` finds the others."""
        self.sent: dict[str, Fact] = {}
        self.dead: dict[str, Fact] = {}
        self.withdrawn: set[str] = set()
        self.created_by: dict[str, str] = {}
        """By line, the delivery that creates it at its printer."""
        self.revoked = False
        self.updates: list[Fact] = []
        self.left_out: frozenset[str] = frozenset()
        """The lines that an update had removed before the payment arrived: no printer was sent them."""
        self.removed: set[str] = set()
        """The lines that the shop's latest update leaves out."""
        self.unconfirmed: dict[str, dict[str, Any]] = {}
        """By line, how the shop describes it otherwise than the record, until its printer says the same."""
        self.dropped: set[str] = set()
        """The removed lines at followed printers that the printer does not have either."""
        self.routed: dict[str, dict[str, Any]] = {}
        self.uids: dict[str, str] = {}
        self.uid_unknown: set[str] = set()
        """The deliveries that created an order, or items, at the OMS whose uids its response did not give."""
        self.uid_found: set[str] = set()
        """Those of them whose uids a person found, and the lines of these items."""
        self.found_lines: set[str] = set()
        self.nameless: dict[ItemKey, str] = {}
        """The lines of the OMS's items that are listed under our own ids, since their uids were unknown."""
        self.print_files: dict[str, PrintFile] = {}
        self.batches: dict[str, Batch] = {}
        self.changed_in_batch: set[str] = set()
        """The lines that were changed at the OMS while they were in a batch, whose print file is made."""
        self.begun: set[str] = set()
        """The lines whose print file was ready once, or that are in a batch."""
        self.parcels: dict[tuple[str, str], Parcel] = {}
        self.progress: dict[ItemKey, Progress] = {}
        self.items: dict[ItemKey, Item] = {}
        self.contents: dict[ProviderOrderKey, set[str]] = {}
        """By printer's order, the items of its latest complete list."""
        self.provider_orders: dict[ProviderOrderKey, ProviderOrder] = {}
        self.holds: dict[ProviderOrderKey, list[Hold]] = {}
        self.held_at: dict[ProviderOrderKey, dict[str, str]] = {}
        """When an open hold was last reported, by the kind of fact: `held`, or a `progress` with that status."""
        self.submitted: set[ProviderOrderKey] = set()
        """The printers' orders that were once more than a draft."""
        self.stock: list[Fact] = []
        self.overdue: list[Fact] = []
        self.by_id: dict[str, Line] = {}
        self.by_sku: dict[tuple[str | None, str], list[Line]] = {}
        self.items_by_line: dict[str, list[ItemKey]] = {}
        self.whole_orders: dict[str, list[ItemKey]] = {}
        """By printer, its orders on which it reported as a whole."""

    def note_provider_order(self, fact: Fact) -> None:
        """Enter what a fact says of a printer's order and its items, whatever its kind.

        A status that stands for a stage counts in every fact, since an account may lack the events of changes.
        """
        data = fact.data
        if "provider" not in data:
            return
        key = provider_order_of(fact)
        if key[1]:
            known = self.provider_orders.setdefault(key, ProviderOrder(provider=key[0], id=key[1]))
            known.status = data.get("status") or known.status
            _describe(known, fact)
            if known.status not in (None, DRAFT):
                self.submitted.add(key)
        for listed in data.get("items", ()):
            self.items.setdefault((key, listed["item"]), Item()).describe(listed)
        if data.get("items") and fact.kind not in SENT:
            self.contents[key] = {listed["item"] for listed in data["items"]}
        if "parcel" not in data and (stage := stage_of(fact)):  # a parcel's may be another customer's: see the ledger
            self.progress.setdefault((key, ""), Progress()).advance(stage, fact.at)
        if "item" in data:
            item = self.items.setdefault((key, data["item"]), Item())
            item.ref = data.get("ref") or item.ref

    def progress_for(self, fact: Fact) -> Progress:
        """Return the progress that a fact changes: that of its item, or of the printer's order as a whole."""
        return self.progress.setdefault((provider_order_of(fact), fact.data.get("item", "")), Progress())

    def progress_of(self, key: ItemKey) -> Progress:
        """Return how far an item is; a fresh one if nothing was reported."""
        return self.progress.get(key, Progress())

    def standalone_key(self) -> ProviderOrderKey | None:
        """Return the printer's order that this record is about, if the shop has no order for it."""
        provider, _, number = self.order.id.partition(":")
        return (provider, number) if (provider, number) in self.provider_orders else None

    def is_complete(self) -> bool:
        """Return whether all lines are known."""
        return self.paid or self.standalone_key() in self.contents

    def is_made(self) -> bool:
        """Return whether any printer has reported anything about the order."""
        return bool(self.items or self.progress or self.parcels)

    def is_draft(self, key: ProviderOrderKey) -> bool:
        """Return whether a printer's order is not confirmed."""
        return key in self.provider_orders and self.provider_orders[key].status == DRAFT

    def has_item(self, key: ProviderOrderKey, item: str) -> bool:
        """Return whether an item is still in a printer's order; an edit may have taken it out."""
        return item in self.contents.get(key, {item})

    def listed_items(self, key: ProviderOrderKey) -> list[ProviderItem]:
        """Return the items of a printer's order, as its latest complete list has them."""
        listed = [
            (name, item)
            for (order, name), item in self.items.items()
            if name in self.contents.get(key, ()) and order == key
        ]
        return [
            ProviderItem(
                id=name,
                line_id=item.ref,
                sku=item.sku,
                name=item.name,
                quantity=item.quantity,
                price=item.price,
                retail_price=item.retail_price,
                print_file=item.print_file,
            )
            for name, item in listed
        ]

    def lines_of(self, provider: str, part: ItemKey | str) -> tuple[list[Line], bool]:
        """Return the lines that a printer's item, or a SKU, can be, and whether it names its line."""
        item = Item(sku=part) if isinstance(part, str) else self.items.get(part, Item())
        named, sku = self.by_id.get(item.line_id or item.ref or ""), item.sku or item.ref or ""
        # Any printer may have been given by hand what no rule matched.
        alike = self.by_sku.get((provider, sku), []) + self.by_sku.get((None, sku), [])
        if named and named.destination in (provider, None):
            # The shop may have replaced a line by another one, while the printer changed its item.
            replaced = named.id in self.dropped and any(line.id not in self.dropped for line in alike)
            if not replaced:
                return [named], True
        return sorted(alike, key=lambda line: line.id in self.dropped), False

    def open_holds(self) -> list[Hold]:
        """Return the holds that last, once the record has them."""
        return [hold for hold in self.order.holds if hold.until is None]

    def given_up(self) -> Iterator[str]:
        """Yield the deliveries that are dead and were neither sent nor withdrawn since."""
        yield from self.dead.keys() - self.sent.keys() - self.withdrawn


def _describe(known: ProviderOrder, fact: Fact) -> None:
    """Enter a printer's latest description of its order. A list of its items shows that it is complete."""
    data = fact.data
    known.store = data.get("store") or known.store
    for name in ("costs", "retail_costs"):
        if costs := data.get(name):
            setattr(known, name, Costs.of(costs, getattr(known, name)))
    if (data.get("items") or "incomplete" in data) and fact.kind not in SENT:
        known.incomplete_items = [IncompleteItem(**item) for item in data.get("incomplete", ())]
        known.described_by = fact.id


def stage_of(fact: Fact) -> Status | None:
    """Return the stage that the status of the printer's order in a fact stands for, if it stands for one."""
    printer = BY_ID.get(fact.data["provider"])
    stage = printer.stages.get(fact.data.get("status") or "") if printer else None
    return Status(stage) if stage else None


def provider_order_of(fact: Fact) -> ProviderOrderKey:
    """Return the printer's order that a fact is about."""
    return fact.data["provider"], fact.data.get("order") or ""


def parts_of(fact: Fact) -> dict[ItemKey | str, int | None]:
    """Return a parcel's contents: pieces by item, or by SKU; None for all pieces of an item's line."""
    parts: dict[ItemKey | str, int | None] = {}
    for line in fact.data["lines"]:
        part: ItemKey | str = (provider_order_of(fact), line["item"]) if "item" in line else line["sku"]
        pieces = line["quantity"]
        parts[part] = None if pieces is None else (parts.get(part) or 0) + pieces
    return parts
