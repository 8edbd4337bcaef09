"""Whole histories of orders: what a shop and its printers would send over the weeks, as JSON, with its arrival.

A history is drawn from a Random, which is far cheaper than a strategy per field. It may hold everything that the
documents and the field notes allow; it goes the way that orders go, with some steps left out, told twice, told late, or
told at the same second as the next.

Of a printer there is one order per record. Two orders of a printer for the same lines (somebody ordered again by hand)
are judged by the examples in test_rules: a second one rightly takes back what the first has said (a canceled line goes
on), so that no property of all histories could be told of them.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from random import Random
from typing import Any

from hypothesis import strategies as st

from functions.storefront.order_paid.handler import decide as order_paid
from pressroom import reading, record, routing, stock, times
from pressroom.inbox import Event, State
from pressroom.orders import Fact
from pressroom.record import Decision
from pressroom.topic import Topic
from tests.support.samples import body, sample
from tests.support.template import topics

RULES = routing.parse("CM-*=camaloon,CP-*=cloudprinter,PF-*=printful")


@cache
def about_orders() -> dict[str, Topic[Any, Decision]]:
    """Every function that is about an order, by its topic: what it would make of a message is asked of itself."""
    handlers = (import_module(f"functions.{provider}.{topic}.handler").handler for provider, topic in topics())
    found = {handler.name: handler for handler in handlers if handler.write in (record.apply, stock.follow)}
    name = "storefront.order_paid"  # the one that asks for a setting
    return found | {name: replace(found[name], decide=lambda order, event: order_paid(order, event, RULES))}


START = datetime(2026, 9, 1, 10, tzinfo=UTC)
SKUS = {
    "camaloon": ("CM-PIN", "CM-TOTE"),
    "cloudprinter": ("CP-BOOK", "CP-CARD", "CP-POSTER"),
    "printful": ("PF-TEE", "PF-MUG"),
    None: ("XX-BOX",),
}


def instant(seconds: int) -> str:
    return times.iso(START + timedelta(seconds=seconds))


def read(topic: str, content: object, *, received_at: str, event_id: str = "e1", conflict: bool = False) -> Decision:
    """Decide on a message the way its function does, but for the table."""
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
    return handler.decide(message, event)


@cache
def _shop() -> str:
    return json.dumps(sample("storefront/order_paid"))


@dataclass(slots=True)
class Ordered:
    """A line as it was ordered, or an item that a printer has without us."""

    id: str
    sku: str
    quantity: int
    destination: str | None


@dataclass(slots=True)
class History:
    """Everything that is told of one order, in the order of its arrival; `lines` are those that were ordered."""

    order_id: str
    paid: bool
    lines: list[Ordered]
    facts: list[Fact] = field(default_factory=list)


class Teller:
    """Makes a history up. Each printer has its own clock: they don't wait for each other."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.clock = 0
        kind = random.choice(("paid",) * 7 + ("unpaid", "unpaid", "printful", "cloudprinter"))
        self.own = kind if kind in ("printful", "cloudprinter") else ""
        destinations = [self.own] if self.own else ["camaloon", "cloudprinter", "cloudprinter", "printful", "printful"]
        named = self.maybe(0.5)
        lines = []
        for position in range(1, random.randint(1, 5) + 1):
            destination = None if not self.own and self.maybe(0.1) else random.choice(destinations)
            name = str(70 + position if named else position)
            lines.append(Ordered(name, random.choice(SKUS[destination]), random.randint(1, 6), destination))
        number = {"printful": "printful:98765432", "cloudprinter": "cloudprinter:21034900000000"}
        self.history = History(number.get(self.own, "1001"), kind == "paid", lines)
        self.named = named
        self.refs, self.items = False, list[dict[str, Any]]()

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def later(self) -> int:
        """Let some time pass, or none, and return when it is; now and then a clock is a minute behind."""
        self.clock += self.random.choice((0, 0, 1, 40, 3_000, 90_000))
        return self.clock - (60 if self.maybe(0.05) else 0)

    def arrival(self, at: int) -> str:
        return instant(at + self.random.choice((0, 0, 0, 1, 2, 300, 90_000, 600_000)))

    def tell(self, topic: str, content: dict[str, Any], at: int, *, conflict: bool = False) -> None:
        """Send a message, now and then with something that nobody has documented."""
        if self.maybe(0.1):
            content = content | {"x_region": {"code": "eu-west"}}
        name = f"{topic}-{len(self.history.facts)}"
        decision = read(topic, content, received_at=self.arrival(at), event_id=name, conflict=conflict)
        assert decision.order_id == self.history.order_id
        self.history.facts.extend(decision.facts)

    def note(self, kind: str, source: str, data: dict[str, Any], at: int) -> None:
        """Note what no webhook tells, but Pressroom itself."""
        name = f"{source}/{kind}/{len(self.history.facts)}"
        self.history.facts.append(
            Fact(id=name, kind=kind, source=source, at=instant(at), received_at=instant(at), data=data)
        )

    def all(self) -> History:
        """Tell the whole history."""
        tellers = {
            "camaloon": self.camaloon,
            "cloudprinter": self.cloudprinter,
            "printful": self.printful,
        }
        if self.history.paid:
            self.storefront()
        unrouted = [line for line in self.history.lines if line.destination is None]
        for printer, told in tellers.items():
            lines = [line for line in self.history.lines if line.destination == printer]
            if lines or (not self.own and self.maybe(0.05)):
                # What no rule wants may be given to any printer by hand.
                if self.maybe(0.3):
                    lines, unrouted = lines + unrouted, []
                self.clock = 0
                told(lines)
        self.history.facts.sort(key=lambda fact: (fact.received_at, fact.id))
        return self.history

    # --- the shop ---

    def storefront(self) -> None:
        content = json.loads(_shop()) | {"id": self.random.choice((1001, "1001"))}
        content["processed_at"] = "2026-09-01T11:59:58+02:00"
        content["line_items"] = [
            {"sku": line.sku, "quantity": line.quantity, "price": 9.5} | ({"id": line.id} if self.named else {})
            for line in self.history.lines
        ]
        self.tell("storefront.order_paid", content, 0)
        if self.maybe(0.1):
            self.tell("storefront.order_paid", content | {"ref": "other"}, self.later(), conflict=True)

    # --- what all printers do ---

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
        letter = {"delivery_id": "camaloon-d1", "destination": "camaloon", "operation": "order_paid"}
        if self.history.paid:
            if self.maybe(0.2):
                at = self.later()
                self.note("dead", "deliver.camaloon", letter | {"reason": "HTTP 503", "answer_lost": False}, at)
            if self.maybe(0.8):
                self.note("sent", "deliver.camaloon", letter | {"answer_lost": self.maybe(0.1)}, self.later())
        for number, parcel in enumerate(self.split(lines)):
            if self.maybe(0.15):
                break
            contents = [{"sku": line.sku, "quantity": pieces} for line, pieces in parcel]
            if self.maybe(0.1):
                contents.append({"sku": self.random.choice(("CM-PIN", "CM-STRANGE")), "quantity": 2})
            tracking = self.random.choice((f"9414 {number}", f"9414 {number}", number + 1, "", None))
            content = {
                "order_id": self.random.choice((1001, "1001")),
                "tracking_number": tracking,
                "tracking_url": f"https://t.example/{number}" if self.maybe(0.7) else "",
                "notify_customer": True,
                "line_items": contents,
            }
            for _ in range(2 if self.maybe(0.1) else 1):  # by two events, since it has no id
                self.tell("camaloon.shipment_sent", content, self.later())

    # --- Cloudprinter ---

    def cloudprinter(self, lines: list[Ordered]) -> None:
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
        """Ship an item, and perhaps tell how it arrives."""
        tracked = {"tracking": self.random.choice((number, number, f"https://t.example/{number}"))}
        if self.maybe(0.2):
            tracked["url"] = f"https://t.example/{number}"
        if self.maybe(0.2):
            self.signal("item_shipped", item=item, ref=ref, tracking=self.random.choice(("", None, "0")))
        if self.maybe(0.9):
            option = self.random.choice(("postal", "GLS", None))
            self.signal("item_shipped", item=item, ref=ref, shipping_option=option, **tracked)
        if self.maybe(0.1):
            self.signal("item_shipped", item=item, ref=ref, tracking=f"{number}R")
        for name in ("item_delivery_started", "item_delivery_failed", "item_delivery_completed"):
            if self.maybe(0.3):
                self.signal(name, item=item, ref=ref, **(tracked if self.maybe(0.5) else {}))

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
            content["datetime"] = "yesterday"  # then its arrival dates it
        self.tell(f"cloudprinter.{name}", content | data, at)

    # --- Printful ---

    def printful(self, lines: list[Ordered]) -> None:
        refs = not self.own and self.maybe(0.7)
        self.items = [
            {
                "id": 40_000_001 + number,
                "external_id": (int(line.id) if self.maybe(0.5) else line.id) if refs else None,
                "sku": line.sku,
                "quantity": line.quantity,
                "variant_id": 4017 + number,
                "product": {"product_id": 71, "variant_id": 4017 + number, "name": "T-shirt"},
                "files": [],
            }
            for number, line in enumerate(lines)
        ]
        self.refs = refs
        if self.own and self.maybe(0.2):  # an edit takes an item out
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
        self.edit()
        listed = {item["id"] for item in self.items}
        printed = [line for number, line in enumerate(lines) if 40_000_001 + number in listed]
        parcels = [
            self.shipment(number, [(40_000_001 + lines.index(line), pieces) for line, pieces in parcel])
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
        self.order_event("order_updated", self.random.choice(("fulfilled", "archived", "partial", "draft")))
        if self.maybe(0.3):
            self.afterwards(parcels)

    def edit(self) -> None:
        """Now and then somebody changes the order at Printful by hand."""
        if self.own or not self.maybe(0.15):
            return
        if self.maybe(0.5):
            strange = {"id": 40_000_097, "external_id": "elsewhere" if self.refs else None, "sku": "PF-STRANGE"}
            self.items = [*self.items, strange | {"quantity": 1, "variant_id": 4099}]
        else:
            self.items = self.items[1:]
        self.order_event("order_updated", "pending")

    def afterwards(self, parcels: list[dict[str, Any]]) -> None:
        """Tell what may become of an order that has left."""
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
        if self.maybe(0.5):
            again = parcel | {"id": 51_000_010, "reshipment": True, "tracking_number": "1ZAGAIN"}
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
        return self.maybe(0.3)

    def stock(self) -> None:
        """Note what Pressroom tells an order of its items' stock."""
        if self.maybe(0.1):
            for out in (["4017"], []) if self.maybe(0.5) else (["4017"],):
                at = self.later()
                data = {"provider": "printful", "product": "71", "version": f"{at}", "out": out}
                self.note("stock", "printful.stock_updated", data, at)

    def shipment(self, number: int, items: list[tuple[int, int]]) -> dict[str, Any]:
        tracking: tuple[object, ...] = (f"78000000001{number}", 0, None, 780_000_000_011)
        contents: list[dict[str, Any]] = [{"item_id": item, "quantity": pieces} for item, pieces in items]
        if self.maybe(0.1):
            contents.append({"item_id": 40_000_098, "quantity": 1})
        if self.maybe(0.05):
            contents.append({"item_id": 40_000_001, "quantity": 3})
        return {
            "id": 51_000_001 + number,
            "carrier": self.random.choice(("FEDEX", None)),
            "tracking_number": self.random.choice(tracking),
            "tracking_url": self.random.choice((None, "https://t.example/78")),
            "shipped_at": self.random.choice((None, int(START.timestamp()) + self.clock)),
            "reshipment": self.random.choice((False, None)),
            "items": contents,
        }

    def order_event(self, name: str, status: str, **data: Any) -> None:
        at, items = self.later(), self.items
        if self.refs and self.maybe(0.2):
            items = [item | {"sku": None} for item in items]
        if self.maybe(0.05):
            items = []
        order: dict[str, Any] = {
            "id": self.random.choice((98765432, "98765432")),
            "external_id": None if self.own else self.random.choice((1001, "1001")),
            "store": 7654321,
            "status": status,
            "items": items or None,
            "costs": self.random.choice(({"currency": "EUR", "total": "29.95"}, {"total": "29.95"}, None)),
            "shipments": [] if self.maybe(0.5) else None,
        }
        seconds = int(START.timestamp()) + at
        content = {
            "type": name,
            "created": self.random.choice((seconds, seconds, str(seconds))),
            "retries": self.random.choice((0, 9)),
            "store": 7654321,
            "data": data | {"order": order},
        }
        self.tell(f"printful.{name}", content, at)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """What may come to be known of an order."""
    return Teller(draw(st.randoms(use_true_random=False))).all()
