"""One order in memory: its record, its deliveries, and an OMS with faults.

The decisions, the lane and the sending are the real ones. The table, the queues and the pump are lists. `send` repeats
the rules of `delivery.worker` about the end of an attempt.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from pressroom.order import lane, repository
from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.model import Order
from pressroom.order.outbox import Attempt, Delivery
from pressroom.partners import CREATES
from pressroom.platform import config
from pressroom.platform.errors import Dead, DeliveryError, Retry, Verdict
from pressroom.providers.oms import client
from pressroom.providers.oms import orders as at_oms
from tests.support.histories import START, Shelf, instant, read

SETTLE_S = 300
SETTINGS = {"OMS_SETTLE_SECONDS": str(SETTLE_S), "OMS_CREATE_PRINT_FILES": "true", "STOREFRONT_URL": ""}
OPERATIONS = {"create_order": at_oms.create, "update_order": at_oms.update, "delete_order": at_oms.delete}


@dataclass(slots=True)
class Oms:
    """Stands in for `providers.oms.client`: orders by uid. `faults` are the results of the next calls; None: success.

    `unreceived`: not received, no response. `lost`: done, no response. `busy`: HTTP 429. A number: refused with this
    HTTP status. `anonymous`: done, with an unreadable response.
    """

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: Counter[str] = field(default_factory=Counter)
    calls: list[tuple[str, str]] = field(default_factory=list)
    faults: list[str | int | None] = field(default_factory=list)

    def create_order(self, order: dict[str, Any]) -> client.Created:
        with self._call("create", order["ecommerce_order_id"]) as fault:
            uid = f"O{len(self.orders) + self.created.total() + 1}"
            names = [item["ecommerce_order_item_id"] for item in order["items"]]
            self.created.update(names)
            self.orders[uid] = json.loads(json.dumps(order))
        if fault == "anonymous":
            raise Retry("HTTP 201, but the response can't be read", status=201, answer_lost=True)
        return client.Created(201, uid, {name: f"U{name}" for name in names})

    def update_order(self, uid: str, changes: dict[str, Any]) -> int:
        with self._call("update", uid):
            if uid not in self.orders:
                raise Dead("HTTP 404", status=404)
            self.orders[uid] |= changes
        return 200

    def delete_order(self, uid: str) -> int:
        with self._call("delete", uid):
            found = self.orders.pop(uid, None)
        return 404 if found is None else 200

    def print_file(self, item_id: str) -> client.PrintFile | None:
        with self._call("ask", item_id):
            pass
        return client.PrintFile("received", None) if item_id in self.items() else None

    def items(self) -> dict[str, dict[str, Any]]:
        """The items that it would print, by our ids."""
        return {item["ecommerce_order_item_id"]: item for each in self.orders.values() for item in each["items"]}

    @contextmanager
    def _call(self, what: str, about: str) -> Iterator[str | int | None]:
        self.calls.append((what, about))
        fault = self.faults.pop(0) if self.faults else None
        reads = what == "ask"
        if fault == "busy":
            raise Retry("HTTP 429", status=429)
        if fault == "unreceived" or (fault == "lost" and reads):
            raise Retry("timed out", answer_lost=not reads)
        if isinstance(fault, int):
            raise Dead(f"HTTP {fault}", status=fault)
        yield fault
        if fault == "lost":
            raise Retry("timed out", answer_lost=True)


class World:
    """An order, from the shop's messages to the items that the OMS would print. A context manager."""

    def __init__(self, order_id: str = "1001") -> None:
        self.order_id = order_id
        self.oms = Oms()
        self.camaloon_orders: list[dict[str, Any]] = []
        """The orders that were sent to Camaloon."""
        self.camaloon_refuses = False
        self.shelf = Shelf()
        self.deliveries: dict[str, Delivery] = {}
        self.queue: list[str] = []
        self.dead: list[str] = []
        self.ends: list[tuple[str, str]] = []
        """How each delivery ended, in order: (operation, kind)."""
        self.now = 0
        self._patches = ExitStack()

    def __enter__(self) -> "World":
        calls = {
            name: getattr(self.oms, name) for name in ("create_order", "update_order", "delete_order", "print_file")
        }
        for patch in (
            mock.patch.multiple(client, **calls),
            mock.patch.object(repository, "get", self._row),
            mock.patch.object(config, "utcnow", self._clock),
            mock.patch.object(config, "setting", SETTINGS.__getitem__),
        ):
            self._patches.enter_context(patch)
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def _row(self, _: str) -> repository.Row:
        return repository.Row(1, self.shelf.facts)

    def _clock(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def order(self) -> Order:
        return fold(self.order_id, self.shelf.facts)

    def attention(self) -> list[str]:
        return [str(reason) for reason in self.order().attention]

    def camaloon_lines(self) -> list[str]:
        """Return the SKUs of all lines that Camaloon has received."""
        return sorted(item["sku"] for each in self.camaloon_orders for item in each["line_items"])

    def receive(self, topic: str, content: dict[str, Any]) -> Fact:
        """Receive a message and apply its decision; `send` sends the deliveries."""
        self.now += 1
        name = f"{topic}-{len(self.shelf.facts)}"
        decision = read(topic, content, received_at=instant(self.now), event_id=name, shelf=self.shelf)
        for delivery in decision.deliveries:
            assert delivery.id not in self.deliveries
            self.deliveries[delivery.id] = delivery
            if lane.may_go(delivery, self.shelf.facts):
                self.queue.append(delivery.id)
        return decision.facts[0]

    def send(self) -> None:
        """Make one attempt at the first delivery in the queue."""
        delivery = self.deliveries[self.queue[0]]
        revoked = any(fact.kind == "revoked" for fact in self.shelf.facts)
        if delivery.operation in CREATES and revoked and not delivery.answer_lost:
            self._end("withdrawn", reason="the shop canceled the order before it was sent")
            return
        attempt = Attempt(at=instant(self.now))
        delivery = replace(delivery, history=[*delivery.history, attempt])
        self.deliveries[delivery.id] = delivery
        try:
            if delivery.destination == "camaloon":
                sent: dict[str, Any] = self._send_to_camaloon(delivery)
                certain = False
            else:
                made = OPERATIONS[delivery.operation](delivery)
                sent, certain = made.data, made.certain
        except DeliveryError as error:
            lost = error.answer_lost
            self.deliveries[delivery.id] = replace(
                delivery,
                answer_lost=lost or (delivery.answer_lost and not error.certain),
                history=[*delivery.history[:-1], replace(attempt, status=error.status, answer_lost=lost)],
            )
            if error.verdict is Verdict.WITHDRAWN:
                self._end("withdrawn", reason=error.reason)
            elif error.verdict is Verdict.DEAD:
                self._end("dead", reason=error.reason)
            return
        self.deliveries[delivery.id] = replace(delivery, answer_lost=delivery.answer_lost and not certain)
        self._end("sent", **sent)

    def _send_to_camaloon(self, delivery: Delivery) -> dict[str, Any]:
        if self.camaloon_refuses:
            raise Dead("HTTP 400", status=400)
        self.camaloon_orders.append(json.loads(delivery.body))
        return {}

    def give_up(self) -> None:
        """End the first delivery in the queue as dead, as after its last attempt."""
        self._end("dead", reason="HTTP 503")

    def _end(self, kind: str, **data: Any) -> None:
        delivery = self.deliveries[self.queue.pop(0)]
        self.now += 1
        about = {"delivery_id": delivery.id, "destination": delivery.destination, "operation": delivery.operation}
        fact = Fact(
            id=f"{delivery.id}/{kind}/{len(self.shelf.facts)}",
            kind=kind,
            source=f"deliver.{delivery.destination}",
            at=instant(self.now),
            received_at=instant(self.now),
            data=about | {"answer_lost": delivery.answer_lost} | data,
        )
        before = lane.turn(self.shelf.facts, "oms")
        self.shelf.facts.append(fact)
        after = lane.turn(self.shelf.facts, "oms")
        if after and after != before:
            self.queue.append(after)
        self.ends.append((delivery.operation, kind))
        self.dead = [each for each in self.dead if each != delivery.id] + ([delivery.id] if kind == "dead" else [])

    def replay(self, delivery_id: str) -> None:
        """Queue a dead delivery again, as a person's replay does."""
        self.dead.remove(delivery_id)
        self.queue.append(delivery_id)

    def settle(self) -> None:
        """Send until the queue is empty."""
        for _ in range(100):
            if not self.queue:
                return
            self.now += SETTLE_S + 1
            self.send()
        raise AssertionError(f"{self.queue} never ends")
