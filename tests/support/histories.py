"""Random histories of orders: the webhooks that a shop and its printers send over weeks, with their times of arrival.

A history is drawn from a Random. It may hold everything that the documents and the field notes allow. It follows the
usual course of an order, with some steps left out, repeated, delayed, or dated at the same second as the next. The
shop's messages are decided as they arrive, on the facts known by then. The resulting deliveries succeed or fail; those
to the OMS take their turn in the lane. The histories of a run are drawn once (`drawn`); all tests of histories use
them (`each_history`).

A record has at most one order at each printer. Examples in test_rules cover two orders of a printer for the same lines
(somebody ordered again by hand): there, the second order rightly reverses the first (a canceled line goes on), so no
property holds for all histories of that kind.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib import import_module
from random import Random
from typing import Any
from unittest import mock

from pressroom.inbox import events as inbox
from pressroom.inbox import reading
from pressroom.inbox.events import Event, State
from pressroom.inbox.topic import Topic
from pressroom.order import joining, lane, routing
from pressroom.order.decision import Decision, Undecided
from pressroom.order.facts import Fact, in_order
from pressroom.order.outbox import Delivery
from pressroom.order.shop_order import OrderPaid
from pressroom.partners import CREATES, LANES, PRINTERS
from pressroom.platform import times
from pressroom.platform.errors import Unprocessable
from pressroom.providers.oms import orders as at_oms
from pressroom.providers.printful import stock
from pressroom.providers.storefront import decisions
from tests.support.samples import body, sample
from tests.support.template import topics

RULES = routing.parse("CM-*=camaloon,CP-*=cloudprinter,PF-*=printful")
"""Personalised lines go to the OMS; lines that match no rule have no destination."""
DECIDED_LATER = ("storefront", "ops")
"""The providers whose topics need the known facts of the order to decide."""


@cache
def about_orders() -> dict[str, Topic[Any, Any]]:
    """Return the handlers of all topics about orders, by topic; the histories use their real models and decisions."""
    handlers = (import_module(f"functions.{provider}.{topic}.handler").handler for provider, topic in topics())
    found = {
        handler.name: handler
        for handler in handlers
        if handler.write in (joining.apply, stock.record_order) or handler.name.startswith(DECIDED_LATER)
    }
    for name, decided in (("order_paid", decisions.paid), ("order_updated", decisions.updated)):  # they read settings
        topic = f"storefront.{name}"
        found[topic] = replace(found[topic], decide=partial(_decide, decided))
    return found


def _decide(decided: Callable[..., Decision], order: OrderPaid, event: Event) -> Undecided:
    return Undecided(str(order.id), partial(decided, order, event, RULES, inbox.get))


START = datetime(2026, 9, 1, 10, tzinfo=UTC)
SKUS = {
    "oms": ("OM-MUG", "OM-SHIRT"),
    "camaloon": ("CM-PIN", "CM-TOTE"),
    "cloudprinter": ("CP-BOOK", "CP-CARD", "CP-POSTER"),
    "printful": ("PF-TEE", "PF-MUG"),
    None: ("XX-BOX", "XX-BOX", ""),
}


def instant(seconds: int) -> str:
    return times.iso(START + timedelta(seconds=seconds))


@dataclass(slots=True)
class Shelf:
    """The known facts of an order, and the stored webhooks about it: a stand-in for the table."""

    facts: list[Fact] = field(default_factory=list)
    events: dict[str, Event] = field(default_factory=dict)


def read(
    topic: str,
    content: object,
    *,
    received_at: str,
    event_id: str = "e1",
    conflict: bool = False,
    shelf: Shelf | None = None,
) -> Decision:
    """Decide on a message as its function does, without the table."""
    provider, _, name = topic.partition(".")
    event = Event(
        id=event_id,
        provider=provider,
        topic=name,
        received_at=received_at,
        state=State.RECEIVED,
        body=body(content),
        conflict=conflict,
    )
    handler = about_orders()[topic]
    message, _ = reading.read(handler.model, event.body)
    if provider not in DECIDED_LATER:
        decision: Decision = handler.decide(message, event)
        return decision
    shelf = shelf or Shelf()
    shelf.events[event_id] = event
    with mock.patch.object(inbox, "get", shelf.events.get):
        _, decide = handler.decide(message, event)
        decision = decide(shelf.facts)
    shelf.facts += decision.facts
    return decision


@cache
def _shop() -> str:
    return json.dumps(sample("storefront/order_paid"))


@dataclass(slots=True)
class Ordered:
    """A line as ordered, or an item of an order that was made at the printer."""

    id: str
    sku: str
    quantity: int
    destination: str | None


@dataclass(slots=True)
class History:
    """All facts of one order, in the order of arrival; `lines` are those that were ordered.

    `deliveries`: the deliveries that the decisions created.
    """

    order_id: str
    paid: bool
    lines: list[Ordered]
    facts: list[Fact] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    number: int = 0

    def random(self) -> Random:
        """Return the source of randomness of a test for this history: the same in every run."""
        return Random(self.number)  # noqa: S311 - not for a secret

    def __str__(self) -> str:
        facts = "".join(f"\n  {fact.at} {fact.kind} by {fact.source}: {json.dumps(fact.data)}" for fact in self.facts)
        return f"draw({self.number}): order {self.order_id} of {self.lines}, in the order of arrival:{facts}"


class Storyteller:
    """Draws a history. Each printer has its own clock: they don't wait for each other."""

    def __init__(self, random: Random, *, restless: float = 1) -> None:
        """`restless`: the exponent of each probability; below 1, rare events happen more often."""
        self.random, self.restless = random, restless
        self.clock = 0
        kind = random.choice(("paid",) * 7 + ("unpaid", "unpaid", "printful", "cloudprinter"))
        self.own = kind if kind in ("printful", "cloudprinter") else ""
        printers = ["camaloon", "cloudprinter", "cloudprinter", "printful", "printful", "oms", "oms"]
        destinations = [self.own] if self.own else printers
        named = self.maybe(0.5)
        lines = []
        for position in range(1, random.randint(1, 5) + 1):
            destination = None if not self.own and self.maybe(0.1) else random.choice(destinations)
            name = str(70 + position if named else position)
            lines.append(Ordered(name, random.choice(SKUS[destination]), random.randint(1, 6), destination))
        number = {"printful": "printful:98765432", "cloudprinter": "cloudprinter:21034900000000"}
        self.history = History(number.get(self.own, "1001"), kind == "paid", lines)
        self.named = named
        self.shelf = Shelf()
        self.refs, self.items = False, list[dict[str, Any]]()

    def maybe(self, chance: float) -> bool:
        return bool(self.random.random() < chance**self.restless)

    def later(self) -> int:
        """Let some time pass, or none, and return the time; sometimes the clock is a minute behind."""
        self.clock += self.random.choice((0, 0, 1, 40, 3_000, 90_000))
        return self.clock - (60 if self.maybe(0.05) else 0)

    def arrival(self, at: int) -> str:
        return instant(at + self.random.choice((0, 0, 0, 1, 2, 300, 90_000, 600_000)))

    def send(self, topic: str, content: dict[str, Any], at: int) -> None:
        """Send a message, sometimes with an undocumented field."""
        if self.maybe(0.1):
            content = content | {"x_region": {"code": "eu-west"}}
        name = f"{topic}-{len(self.history.facts)}"
        decision = read(topic, content, received_at=self.arrival(at), event_id=name)
        assert decision.order_id == self.history.order_id
        self.history.facts.extend(decision.facts)

    def record(self, kind: str, source: str, data: dict[str, Any], at: int, *, name: str = "") -> Fact:
        """Add a fact that no webhook reports, but Pressroom itself records."""
        name = name or f"{source}/{kind}/{len(self.history.facts)}"
        fact = Fact(id=name, kind=kind, source=source, at=instant(at), received_at=instant(at), data=data)
        self.history.facts.append(fact)
        return fact

    def all(self) -> History:
        """Draw the whole history."""
        printers = {
            "camaloon": self.camaloon,
            "cloudprinter": self.cloudprinter,
            "printful": self.printful,
        }
        if self.history.paid or (not self.own and self.maybe(0.2)):
            Shop(self).draw()
            self.print_files()
        unrouted = [line for line in self.history.lines if line.destination is None]
        for printer, draw_messages in printers.items():
            lines = [line for line in self.history.lines if line.destination == printer]
            if lines or (not self.own and self.maybe(0.05)):
                # A person may route the lines that match no rule to any printer.
                if self.maybe(0.3):
                    lines, unrouted = lines + unrouted, []
                self.clock = 0
                draw_messages(lines)
        self.history.facts.sort(key=lambda fact: (fact.received_at, fact.id))
        return self.history

    # --- common to all printers ---

    def changed_there(self, printer: str, lines: list[Ordered]) -> list[Ordered]:
        """Return the lines as somebody has changed them at a followed printer: mostly as the shop's latest update."""
        updates = [fact for fact in in_order(self.shelf.facts) if fact.kind == "updated"]
        if not updates:
            return lines
        update = updates[-1] if self.maybe(0.8) else self.random.choice(updates)
        theirs, skus = {line.id for line in lines}, SKUS[printer]
        ordered = {line.id for line in self.history.lines}
        return [
            Ordered(line["id"], line["sku"], line["quantity"], printer)
            for line in update.data["lines"]
            if line["id"] in theirs or (line["id"] not in ordered and line["sku"] in skus)
        ]

    def split(self, lines: list[Ordered]) -> list[list[tuple[Ordered, int]]]:
        """Split the pieces of lines into up to three parcels."""
        parcels: list[list[tuple[Ordered, int]]] = [[] for _ in range(self.random.randint(1, 3))]
        for line in lines:
            first = self.random.randint(0, line.quantity)
            for pieces in (first, line.quantity - first):
                if pieces:
                    self.random.choice(parcels).append((line, pieces))
        return [parcel for parcel in parcels if parcel]

    # --- Camaloon ---

    def camaloon(self, lines: list[Ordered]) -> None:
        for number, parcel in enumerate(self.split(lines)):
            if self.maybe(0.15):
                break
            contents = [{"sku": line.sku, "quantity": pieces} for line, pieces in parcel]
            if self.maybe(0.1):
                contents.append({"sku": self.random.choice(("CM-PIN", "CM-STRANGE")), "quantity": 2})
            tracking = self.random.choice((f"9414 {number}", f"9414 {number}", number + 1, "", None, "N/A"))
            link = f"https://t.example/{number}" if self.maybe(0.7) else self.random.choice(("", "#", "javascript:1"))
            content = {
                "order_id": self.random.choice((1001, "1001")),
                "tracking_number": tracking,
                "tracking_url": link,
                "notify_customer": self.random.choice((True, False, None)),
                "line_items": contents,
            }
            if self.maybe(0.1):  # the parcel gets its tracking later
                self.send("camaloon.shipment_sent", content | {"tracking_number": "", "tracking_url": ""}, self.later())
            for _ in range(2 if self.maybe(0.1) else 1):  # two events, since the webhook has no id
                self.send("camaloon.shipment_sent", content, self.later())

    # --- the OMS, beyond its deliveries ---

    def print_files(self) -> None:
        """Draw the statuses of print files, in no guaranteed order, and the batches."""
        for created in [fact for fact in self.shelf.facts if fact.kind == "sent" and "uid_known" in fact.data]:
            start = int((times.parse(created.at) - START).total_seconds())
            for item in created.data["items"]:
                self.clock, line = start, {"provider": "oms", "ref": item["ref"]}
                for number in range(self.random.choice((0, 1, 2, 3, 4))):
                    words = ("received", "processing", "processingfailed", "ready", "ready", "given_up", "rendered")
                    status = self.random.choice(words)
                    url = "https://oms.example/f.pdf" if status == "ready" else None
                    name = f"print/{item['ref']}/{number}-{status}"
                    data = line | {"status": status, "url": url}
                    self.record("print_file", "oms.print_file", data, self.later(), name=name)
                ends = self.random.choice(((), (), ("sent",), ("dead",), ("dead", "sent")))
                for end in () if "unknown" in item else ends:
                    word = self.random.choice(("Batching", "Imposing", None))
                    result = {"uid": "B1", "status": word} if end == "sent" else {"uid": None, "status": "dead"}
                    data, name = line | {"batch": "b1"} | result, f"batch/b1/{item['ref']}/{end}"
                    self.record("batched", "deliver.oms", data, self.later(), name=name)

    # --- Cloudprinter ---

    def cloudprinter(self, lines: list[Ordered]) -> None:
        if self.maybe(0.5):
            lines = self.changed_there("cloudprinter", lines)
        refs = self.random.choice(("id", "id", "id", "sku", "none"))
        items = {
            f"2103490104000{number}": {"id": line.id, "sku": line.sku, "none": None}[refs]
            for number, line in enumerate(lines)
        }
        stages = ("item_validated", "item_produce", "item_produced", "item_packed")
        if self.maybe(0.7):
            self.signal("order_validated")
        together = self.maybe(0.5)  # else each item is in a parcel of its own
        for item, ref in items.items():
            start, self.clock = self.clock, self.clock
            for stage in stages[: self.random.choice((0, 1, 2, 3, 4, 4, 4))]:
                if self.maybe(0.8):
                    self.signal(stage, item=item, ref=ref)
                if self.maybe(0.1):
                    delay = self.random.choice(("24", 36.5, None))
                    self.signal("item_error", item=item, ref=ref, cause="Colours off", delay=delay)
            if self.maybe(0.1):
                self.signal("item_canceled", item=item, ref=ref, cause=self.random.choice(("190", 190, None)))
                if self.maybe(0.8):
                    continue
            if self.maybe(0.7):
                self.deliver(item, ref, "3SCP00" if together else f"3SCP{item[-1]}")
            self.clock = self.random.choice((start, self.clock))
        if self.maybe(0.15):
            self.signal("order_canceled", cause="CancelUserRequest", message=None)

    def deliver(self, item: str, ref: str | None, number: str) -> None:
        """Ship an item, and perhaps report its arrival."""
        tracked = {"tracking": self.random.choice((number, number, f"https://t.example/{number}"))}
        if self.maybe(0.2):
            tracked["url"] = f"https://t.example/{number}"
        if self.maybe(0.2):
            self.signal("item_shipped", item=item, ref=ref, tracking=self.random.choice(("", None, "0", "-")))
        if self.maybe(0.9):
            option = self.random.choice(("postal", "GLS", None))
            self.signal("item_shipped", item=item, ref=ref, shipping_option=option, **tracked)
        link = {"url": f"https://t.example/{number}"}
        if self.maybe(0.1):
            self.signal("item_shipped", item=item, ref=ref, tracking=f"{number}R")
            link = tracked  # of which of the two parcels a link alone is, nobody knows
        for name in ("item_delivery_started", "item_delivery_failed", "item_delivery_completed"):
            if self.maybe(0.3):
                self.signal(name, item=item, ref=ref, **self.random.choice((tracked, link, {}, {})))

    def signal(self, name: str, *, item: str = "", ref: str | None = None, **data: Any) -> None:
        at, number = self.later(), "21034900000000"
        moment = START + timedelta(seconds=at)
        content: dict[str, Any] = {
            "type": "".join(word.capitalize() for word in name.split("_")),
            "order": self.random.choice((number, int(number))),
            "order_reference": None if self.own else "1001",
            "datetime": self.random.choice(
                (
                    moment.isoformat(),
                    moment.isoformat(),
                    moment.strftime("%Y-%m-%dT%H:%M:%S+0000"),
                    moment.strftime("%Y-%m-%d %H:%M:%S GMT"),
                )
            ),
        }
        if item:
            content |= {"item": self.random.choice((item, int(item))), "item_reference": ref}
        if self.maybe(0.03):
            content["datetime"] = "yesterday"  # then its time of arrival counts
        self.send(f"cloudprinter.{name}", content | data, at)

    # --- Printful ---

    def items_of(self, lines: list[Ordered], start: int = 40_000_001) -> list[dict[str, Any]]:
        """Return Printful's items for lines, with ids from `start` on."""
        return [
            {
                "id": start + number,
                "external_id": (int(line.id) if line.id.isdigit() and self.maybe(0.5) else line.id)
                if self.refs
                else None,
                "sku": line.sku,
                "quantity": line.quantity,
                "variant_id": 4017 + number,
                "product": {"product_id": 71, "variant_id": 4017 + number, "name": "T-shirt"},
                "name": self.random.choice((None, f"Tee of {line.id}")),
                "price": self.random.choice((None, "9.25", 9.5)),
                "retail_price": self.random.choice((None, "24.00")),
                "files": [],
            }
            for number, line in enumerate(lines)
        ]

    def printful(self, lines: list[Ordered]) -> None:
        self.refs = not self.own and self.maybe(0.7)
        if self.maybe(0.3):
            lines = self.changed_there("printful", lines)
        self.items = self.items_of(lines)
        if self.own and self.maybe(0.2):  # an edit removes an item
            self.items.append(self.items[0] | {"id": 40_000_099})
            self.order_event("order_created", "draft")
            self.items.pop()
            self.clock += 600
        self.order_event("order_created", self.random.choice(("draft", "pending", "pending")))
        self.stock()
        if self.maybe(0.15) and not self.fails():
            return
        if self.maybe(0.3) and not self.holds():
            return
        for status in ("pending", "inreview", "inprocess", "inprocess"):
            if self.maybe(0.4):
                self.order_event("order_updated", status)
            if self.maybe(0.1):
                self.order_event("order_updated", self.random.choice(("onhold", "onhold", "draft", "")))
        self.edit(lines)
        printed = [
            Ordered(str(item["id"]), item["sku"], item["quantity"], "printful")
            for item in self.items
            if item["id"] != 40_000_097
        ]
        parcels = [
            self.shipment(number, [(int(item.id), pieces) for item, pieces in parcel])
            for number, parcel in enumerate(self.split(printed))
        ]
        for shipment in parcels:
            if self.maybe(0.1):
                if self.maybe(0.7):
                    self.order_event("order_canceled", "canceled", reason="Canceled by support")
                else:
                    self.order_event("order_updated", "canceled")
                break
            self.order_event(
                "package_shipped", self.random.choice(("partial", "partial", "fulfilled", "onhold")), shipment=shipment
            )
            if self.maybe(0.1):
                again = shipment | {"tracking_number": "1ZNEW", "items": shipment["items"][:1]}
                self.order_event("package_shipped", "partial", shipment=again)
            if self.maybe(0.02):  # all that is known of the parcel is its tracking, or nothing
                alone = self.random.choice(({"tracking_number": "1ZALONE"}, {"carrier": "USPS"}, None))
                self.order_event("package_shipped", "partial", shipment=alone)
        self.order_event("order_updated", self.random.choice(("fulfilled", "archived", "partial", "draft")))
        if self.maybe(0.3):
            self.afterwards(parcels)

    def edit(self, lines: list[Ordered]) -> None:
        """Sometimes somebody changes the order at Printful by hand: as the shop has changed it, or otherwise."""
        if self.own or not self.maybe(0.3):
            return
        if self.maybe(0.6):
            # Printful keeps the ids of its items, or makes new ones.
            start = 40_000_001 if self.maybe(0.5) else 40_000_051
            self.items = self.items_of(self.changed_there("printful", lines), start)
            self.order_event("order_updated", "pending")
            return
        if self.maybe(0.5):
            strange = {"id": 40_000_097, "external_id": "elsewhere" if self.refs else None, "sku": "PF-STRANGE"}
            self.items = [*self.items, strange | {"quantity": 1, "variant_id": 4099}]
        else:
            self.items = self.items[1:]
        self.order_event("order_updated", "pending")

    def afterwards(self, parcels: list[dict[str, Any]]) -> None:
        """Draw what may happen after the order was shipped."""
        parcel = self.random.choice(parcels) if parcels else self.shipment(7, [(40_000_001, 1)])
        if self.maybe(0.5):
            some = parcel["items"][: self.random.choice((0, 1, 9))]
            if some and self.maybe(0.3):
                some = [some[0] | {"quantity": 1}, *some[1:]]
            back = parcel | {"items": some}
            self.order_event("package_returned", "fulfilled", shipment=back, reason="Unclaimed")
        if self.maybe(0.2):
            unknown = self.shipment(8, [(40_000_001, 1)])
            self.order_event("package_returned", "fulfilled", shipment=unknown, reason=None)
        if self.maybe(0.1):
            self.order_event("package_returned", "fulfilled", reason="Unclaimed")  # it names no parcel
        if self.maybe(0.5):
            again = parcel | {"id": 51_000_010, "reshipment": self.maybe(0.6), "tracking_number": "1ZAGAIN"}
            self.order_event("package_shipped", "fulfilled", shipment=again)
        if self.maybe(0.3):
            amount = self.random.choice(("12.00", 12, None))
            self.order_event("order_refunded", "fulfilled", amount=amount)
        if self.maybe(0.2):
            self.order_event("order_put_hold", "fulfilled", reason="Address unclear")
        if self.maybe(0.2):
            self.order_event("order_put_hold", "fulfilled", reason="Address unclear")
            self.order_event("order_remove_hold", "fulfilled", reason=None)

    def fails(self) -> bool:
        """Let the order fail; return whether it goes on."""
        self.order_event("order_failed", "failed", reason="The card was declined")
        if self.maybe(0.4):
            self.order_event("order_updated", "failed")
        if self.maybe(0.2):
            self.order_event("order_failed", "failed", reason=None)
        if self.maybe(0.3):
            self.order_event("order_canceled", "canceled", reason="Canceled by the customer")
            return False
        return self.maybe(0.7)

    def holds(self) -> bool:
        """Put the order on hold; return whether it goes on."""
        self.order_event(*self.random.choice((("order_put_hold", "onhold"), ("order_put_hold_approval", "onhold"))))
        if self.maybe(0.3):
            self.order_event("order_put_hold_approval", "onhold", reason="A change needs your approval")
        if self.maybe(0.3):
            self.order_event("order_canceled", "canceled", reason="On hold for 30 days")
            return False
        if self.maybe(0.8):
            self.order_event("order_remove_hold", self.random.choice(("draft", "pending")), reason=None)
            return self.maybe(0.8)
        if self.maybe(0.5):  # it goes on, although its release was not reported
            self.order_event("order_updated", self.random.choice(("inprocess", "inprocess", "partial", "fulfilled")))
            return True
        return self.maybe(0.3)

    def stock(self) -> None:
        """Add facts about the stock of the order's items."""
        if self.maybe(0.1):
            for out in (["4017"], []) if self.maybe(0.5) else (["4017"],):
                at = self.later()
                data = {"provider": "printful", "product": "71", "version": f"{at}", "out": out}
                self.record("stock", "printful.stock_updated", data, at)

    def shipment(self, number: int, items: list[tuple[int, int]]) -> dict[str, Any]:
        tracking: tuple[object, ...] = (f"78000000001{number}", 0, None, 780_000_000_011, "none")
        contents: list[dict[str, Any]] = [{"item_id": item, "quantity": pieces} for item, pieces in items]
        if self.maybe(0.1):
            contents.append({"item_id": 40_000_098, "quantity": 1})
        if self.maybe(0.05):
            contents.append({"item_id": 40_000_001, "quantity": self.random.choice((3, 0))})
        return {
            "id": 51_000_001 + number,
            "carrier": self.random.choice(("FEDEX", None)),
            "tracking_number": self.random.choice(tracking),
            "tracking_url": self.random.choice((None, "https://t.example/78")),
            "service": self.random.choice((None, "", "FedEx Ground")),
            "ship_date": self.random.choice((None, "2026-09-05")),
            "shipped_at": self.random.choice((None, int(START.timestamp()) + self.clock)),
            "reshipment": self.random.choice((False, None)),
            "items": contents,
        }

    def print_files_of(self, item: dict[str, Any]) -> list[dict[str, Any]]:
        words = self.random.choice(((), ("ok",), ("ok", "ok"), ("ok", "waiting"), ("failed", "ok"), ("odd",)))
        files = [{"type": "front", "status": word} for word in words]
        return [*files, {"type": "preview", "status": "failed"}] if self.maybe(0.3) else files

    def order_event(self, name: str, status: str, **data: Any) -> None:
        at, items = self.later(), self.items
        if self.refs and self.maybe(0.2):
            items = [item | {"sku": None} for item in items]
        if self.maybe(0.05):
            items = []
        items = [item | {"files": self.print_files_of(item)} for item in items]
        order: dict[str, Any] = {
            "id": self.random.choice((98765432, "98765432")),
            "external_id": None if self.own else self.random.choice((1001, "1001")),
            "store": 7654321,
            "status": status,
            "items": items or None,
            "costs": self.random.choice(({"currency": "EUR", "total": "29.95"}, {"total": "29.95"}, None)),
            "retail_costs": self.random.choice((None, {"currency": "EUR", "discount": "0.00", "total": "48"})),
            "incomplete_items": self.random.choice(([{"name": "Mug of Idony", "quantity": 1}], None, [], [], [])),
            "gift": self.random.choice((None, {"subject": "For Idony", "message": "Many happy returns, Idony"})),
            "packing_slip": self.random.choice((None, {"message": "Thank you, Idony", "logo_url": "javascript:go()"})),
            "shipments": [] if self.maybe(0.5) else None,
        }
        if name == "order_put_hold_approval" and self.maybe(0.7):
            link = self.random.choice(("https://designs.example/idony.png", "javascript:approve()"))
            data["approval_files"] = [{"submitted_design": link, "confirm_hash": "c0ffee"}]
        seconds = int(START.timestamp()) + at
        content = {
            "type": name,
            "created": self.random.choice((seconds, seconds, str(seconds))),
            "retries": self.random.choice((0, 9)),
            "store": 7654321,
            "data": data | {"order": order},
        }
        self.send(f"printful.{name}", content, at)


class Shop:
    """The shop's messages about its order, and the ends of the deliveries that they cause."""

    def __init__(self, storyteller: Storyteller) -> None:
        self.storyteller = storyteller
        self.random, self.maybe = storyteller.random, storyteller.maybe
        self.history, self.shelf = storyteller.history, storyteller.shelf
        self.messages: list[tuple[int, str, dict[str, Any], bool]] = []
        self.waiting: dict[str, Delivery] = {}
        self.given_up: dict[str, Fact] = {}
        self.now = 0

    def draw(self) -> None:
        content = json.loads(_shop()) | {"id": self.random.choice((1001, "1001"))}
        content["processed_at"] = "2026-09-01T11:59:58+02:00"
        content["line_items"] = [self.line(line) for line in self.history.lines]
        if self.history.paid:
            self.message("order_paid", content, 0)
            if self.maybe(0.1):
                self.message("order_paid", content | {"ref": "other"}, self.storyteller.later(), conflict=True)
        content["line_items"] = [
            {"id": str(position)} | line for position, line in enumerate(content["line_items"], start=1)
        ]
        for _ in range(self.random.choice((0, 0, 0, 1, 2, 3))):
            content = self.changed(content)
            self.message("order_updated", self.undesigned(content), self.storyteller.later())
        if self.maybe(0.15):
            at = self.storyteller.later()
            when: dict[str, Any] = {"canceled_at": instant(at)} if self.maybe(0.7) else {}
            self.message("order_canceled", {"id": 1001, "reason": self.random.choice((None, "customer"))} | when, at)
        for line in self.history.lines:
            if line.destination is None and self.maybe(0.5):
                printer = self.random.choice(PRINTERS)
                wanted = {"order_id": "1001", "line_id": line.id, "destination": printer}
                self.messages.append((self.random.choice((1, 5_000, 900_000)), "ops.line_routed", wanted, False))
        self.play()

    def message(self, name: str, content: dict[str, Any], at: int, *, conflict: bool = False) -> None:
        arrival = at + self.random.choice((0, 0, 1, 300, 90_000))
        self.messages.append((arrival, f"storefront.{name}", content, conflict))

    def line(self, line: Ordered) -> dict[str, Any]:
        item: dict[str, Any] = {"sku": line.sku, "quantity": line.quantity, "price": 9.5}
        if self.storyteller.named:
            item["id"] = line.id
        return item | ({"personalization": design(line.sku, "first")} if line.destination == "oms" else {})

    def changed(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return the order after somebody changed it, or only opened and saved it."""
        lines: list[dict[str, Any]] = [dict(line) for line in content["line_items"]]
        at, one = self.storyteller.later() - (900 if self.maybe(0.1) else 0), self.random.choice(lines)
        change = self.random.choice(
            ("nothing", "note", "address", "quantity", "quantity", "sku", "design", "less", "more")
        )
        if change == "quantity":
            one["quantity"] = self.random.randint(1, 6)
        elif change == "sku":
            kind = next(printer for printer, skus in SKUS.items() if one["sku"] in skus)
            one["sku"] = self.random.choice(SKUS[kind])
            if "personalization" in one:
                one["personalization"] = design(one["sku"], "first")
        elif change == "design" and "personalization" in one:
            one["personalization"] = design(one["sku"], f"of {at}")
        elif change == "less" and len(lines) > 1:
            lines.remove(one)
        elif change == "more":
            sku = self.random.choice(("OM-MUG", "PF-MUG", "CP-CARD"))
            alike = sum(str(line.get("id")).startswith(f"new {at}") for line in lines)  # of the same instant
            more = {"sku": sku, "quantity": self.random.randint(1, 3), "price": 5, "id": f"new {at}" + "+" * alike}
            lines.append(more | ({"personalization": design(sku, "more")} if sku == "OM-MUG" else {}))
        content = content | {"line_items": lines, "updated_at": instant(at)}
        if change == "address":
            content["shipping_info"] = content["shipping_info"] | {"address": f"{at} Elsewhere"}
        return content | ({"note": f"Ring {at} times"} if change == "note" else {})

    def undesigned(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return the order as the shop sends it: sometimes it leaves out designs."""
        if self.maybe(0.7):
            return content
        bare = [
            {name: value for name, value in line.items() if name != "personalization" or self.maybe(0.3)}
            for line in content["line_items"]
        ]
        return content | {"line_items": bare}

    def play(self) -> None:
        """Let all messages arrive and all deliveries end."""
        self.messages.sort(key=lambda message: message[:2])
        while self.messages or self.due():
            self.now += self.random.choice((1, 1, 30))
            due = self.due()
            if self.messages and (not due or self.maybe(0.5)):
                self.receive(*self.messages.pop(0))
            else:
                self.end(self.random.choice(due))
        for delivery_id in list(self.given_up):
            if self.maybe(0.3):  # nobody replays it
                continue
            self.waiting[delivery_id] = next(each for each in self.history.deliveries if each.id == delivery_id)
            self.end(delivery_id, lost=self.given_up[delivery_id].data["answer_lost"])
            while due := self.due():
                self.end(due[0])

    def receive(self, arrival: int, topic: str, content: dict[str, Any], conflict: bool) -> None:
        self.now = max(self.now, arrival)
        name = f"{topic}-{len(self.history.facts)}"
        options: dict[str, Any] = {"event_id": name, "conflict": conflict, "shelf": self.shelf}
        try:
            decision = read(topic, content, received_at=instant(self.now), **options)
        except Unprocessable:
            assert topic == "ops.line_routed"
            return
        self.history.facts += decision.facts
        self.history.deliveries += decision.deliveries
        self.waiting |= {delivery.id: delivery for delivery in decision.deliveries}

    def due(self) -> list[str]:
        """Return the deliveries that are being attempted."""
        turn = lane.turn(self.shelf.facts, "oms")
        return [each for each in self.waiting if each.partition("-")[0] not in LANES or each == turn]

    def end(self, delivery_id: str, *, lost: bool = False) -> None:
        delivery = self.waiting.pop(delivery_id)
        state = at_oms.state_from(self.shelf.facts)
        kind, data = "sent", dict[str, Any]()
        if delivery.operation in CREATES and state.revoked and not lost:
            kind, data = "withdrawn", {"reason": "the shop canceled the order"}
        elif delivery.operation == "create_order" and state.revoked and self.maybe(0.5):
            kind, data, lost = "withdrawn", {"reason": "the shop canceled it, and the OMS does not have it"}, False
        elif delivery.operation == "order_paid" and state.revoked:
            kind, data = "dead", {"reason": "the shop canceled the order, which may have been received"}
        elif delivery.operation == "update_order" and (state.revoked or state.latest_update != delivery_id):
            kind, data = "withdrawn", {"reason": "a later one says it"}
        elif delivery.operation in ("update_order", "delete_order") and state.has_unknown_uid:
            kind, data = "dead", {"reason": "the uid is not known"}
        elif delivery.operation in ("update_order", "delete_order") and not state.uids:
            kind, data = "withdrawn", {"reason": "the OMS does not have it"}
        elif self.maybe(0.15):
            kind, data, lost = "dead", {"reason": "HTTP 503"}, lost or self.maybe(0.3)
        elif delivery.operation == "create_order":
            data, lost = self.created(delivery, known=self.maybe(0.4 if lost else 0.9)), False
        elif delivery.operation == "delete_order":
            data = {"provider": "oms", "deleted": list(state.uids)}
        elif delivery.operation == "update_order":
            deleted = [uid for uid, lines in state.uids.items() if state.lines.isdisjoint(lines)]
            data = {"provider": "oms", "deleted": deleted} if deleted else {}
        about = {"delivery_id": delivery_id, "destination": delivery.destination, "operation": delivery.operation}
        end = about | {"answer_lost": lost} | data
        fact = self.storyteller.record(kind, f"deliver.{delivery.destination}", end, self.now)
        self.shelf.facts.append(fact)
        if kind == "dead":
            self.given_up[delivery_id] = fact
        apart = Random(f"{fact.at} {fact.data} {fact.id}").random()  # noqa: S311 - the other draws stay as they were
        if not data.get("uid_known", True) and apart < 0.4:
            self.shelf.facts.append(self.storyteller.record("uid_found", "ops", self.found(fact), self.now))

    def created(self, delivery: Delivery, *, known: bool) -> dict[str, Any]:
        """Return the data of an order at the OMS; its uid may be known while those of its items are not."""
        names = [item["ecommerce_order_item_id"] for item in json.loads(delivery.body)["items"]]
        has_items = known and self.maybe(0.9)
        items: Iterable[dict[str, Any]] = (
            {"item": f"U{name}", "ref": name.partition(":")[2]}
            if has_items
            else {"item": name, "ref": name.partition(":")[2], "unknown": True}
            for name in names
        )
        order = f"O{len(self.history.facts)}" if known else ""
        return {"provider": "oms", "order": order, "items": list(items), "uid_known": has_items}

    def found(self, created: Fact) -> dict[str, Any]:
        """Return what a person finds out about an order at the OMS whose uids are unknown."""
        items = [{"item": f"U{item['item']}", "ref": item["ref"]} for item in created.data["items"]]
        order = created.data["order"] or f"O{len(self.history.facts)}"
        ids = [created.data["delivery_id"]]
        return {"provider": "oms", "order": order, "items": items, "delivery_ids": ids}


def design(sku: str, name: str) -> dict[str, Any]:
    """Return a customer's design of a product."""
    return {
        "variant_id": f"{sku}/v",
        "template_config": f"%7B%22{name.replace(' ', '%20')}%22%3A1%7D",
        "thumbnails": [],
    }


# --- the histories of a run ---

DRAWN = 1200
"""How many histories there are; all different, and the same ones in every run."""
RESTLESS = (1.0, 0.5, 0.25)
"""The exponents of the probability of rare events, used in turn."""


@cache
def drawn() -> tuple[History, ...]:
    """Draw the histories, once per process; in two of three, rare events happen more often."""
    return tuple(history for number in range(DRAWN) if (history := draw(number)).facts)


def draw(number: int) -> History:
    """Draw one history, such as one that a failed test names."""
    storyteller = Storyteller(Random(number), restless=RESTLESS[number % len(RESTLESS)])  # noqa: S311 - not for a secret
    return replace(storyteller.all(), number=number)


def each_history(count: int = DRAWN) -> Callable[[Callable[[History], None]], Callable[[], None]]:
    """Turn a check of one history into a test of the first `count` histories.

    The test reports the shortest history that fails, with its number for `draw`, and its facts.
    """

    def histories() -> Iterator[History]:
        for history in drawn()[:count]:  # the facts are never changed; a test may change its list of them
            yield replace(history, facts=list(history.facts), deliveries=list(history.deliveries))

    return partial(_tried, histories, lambda history: len(history.facts), str)


def each_seed(count: int) -> Callable[[Callable[[Random], None]], Callable[[], None]]:
    """Turn a check that takes a Random into a test of `count` seeds; it reports the first seed that fails."""
    return partial(_tried, lambda: map(Random, range(count)), lambda _: 0, lambda _: "")


def _tried[T](
    examples: Callable[[], Iterator[T]], size: Callable[[T], int], show: Callable[[T], str], check: Callable[[T], None]
) -> Callable[[], None]:
    def test() -> None:
        __tracebackhide__ = True
        smallest: tuple[int, Exception] | None = None
        failed = 0
        for number, example in enumerate(examples()):
            try:
                check(example)
            except Exception as error:  # noqa: BLE001 - the smallest example is reported, whatever the error
                failed += 1
                if smallest is None or size(example) < smallest[0]:
                    error.add_note(show(example) or f"Random({number})")
                    smallest = size(example), error
        if smallest:
            smallest[1].add_note(f"This is the smallest of {failed} examples that fail.")
            raise smallest[1]

    test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
    return test
