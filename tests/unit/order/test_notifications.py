"""The notifications to the shop, for any facts in any order of arrival."""

import json
from collections import Counter
from copy import copy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from local.simulators.storefront import validators
from pressroom.ops.erasure import without_texts
from pressroom.order import lane, notifications
from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.model import Order, Shipment, Status
from pressroom.order.reasons import Attention
from tests.support.histories import History, draw, each_history, instant

AT = "2026-09-01T14:10:00.000Z"
HISTORIES = 400
"""The number of histories that these tests use."""


@pytest.fixture(autouse=True)
def shop_with_a_url(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREFRONT_URL", "https://shop.example/")
    monkeypatch.setenv("TABLE_NAME", "table")
    monkeypatch.setattr(notifications, "_deliveries", lambda known, changed: [])


class Notified:
    """An order that receives its facts one by one, as `repository.apply` writes them, and the notifications so far."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        self.facts: list[Fact] = []
        self.notifications: list[dict[str, Any]] = []
        self.waiting: list[str] = []
        self.clock = 10**7

    def receive(self, *new: Fact, waited: tuple[str, ...] = ()) -> None:
        new = tuple(fact for fact in new if fact.id not in {known.id for known in self.facts})
        facts = [*self.facts, *new]
        self.clock += 1
        order = fold(self.order_id, facts)
        written = notifications.notifications_for(
            self.facts, facts, order, at=instant(self.clock), tracking_wait_expired=waited
        )
        assert not written.rows or written.rows[0]["Item"]["state_key"]["S"].startswith("UNTRACKED#waiting#")
        self.waiting += [parcel for row in written.rows for parcel in row["Item"]["parcels"]["SS"]]
        for fact, delivery in zip(written.facts, written.deliveries, strict=True):
            assert fact.data["deliveries"] == [delivery.id]
            self.notifications.append(json.loads(delivery.body))
        self.facts = [*facts, *written.facts]

    def stop_waiting(self) -> None:
        waited, self.waiting = tuple(self.waiting), []
        self.receive(waited=waited)

    def types(self) -> list[str]:
        return [notice["type"] for notice in self.notifications]


def received(history: History) -> Notified:
    """Receive a history in a random order, with some facts twice; computed once per run for each history."""
    notified = copy(_received(history.number))
    notified.notifications, notified.waiting = list(notified.notifications), list(notified.waiting)
    return notified


@cache
def _received(number: int) -> Notified:
    history = draw(number)
    random = history.random()
    facts = history.facts + random.choices(history.facts, k=random.randint(0, 4))
    random.shuffle(facts)
    notified = Notified(history.order_id)
    for fact in facts:
        notified.receive(fact)
        if random.random() < 0.05:
            notified.stop_waiting()
    return notified


@each_history(HISTORIES)
def test_every_parcel_is_notified_once_in_any_order_of_arrival(history: History) -> None:
    notified = received(history)
    notified.stop_waiting()
    order = fold(history.order_id, notified.facts)
    if not history.paid or history.order_id.startswith(("printful:", "cloudprinter:")):
        assert notified.notifications == []
        return
    shipped = [
        notice["data"]["shipment"]["id"] for notice in notified.notifications if notice["type"] == "order.shipped"
    ]
    assert len(shipped) == len(set(shipped))
    told = {tracking_of(each) for each in order.shipments if {each.id, *each.merged} & set(shipped)}
    settled = all(fact.kind not in ("updated", "routed") for fact in notified.facts)
    for parcel in order.shipments:
        known = {parcel.id, *parcel.merged}
        if parcel not in order.own_shipments():
            assert not settled or not known & set(shipped)
            continue
        # If it was notified before its tracking arrived, the parcel may have had the id of any of its items. One whose
        # tracking the shop knows from another parcel needs no notification.
        assert known & set(shipped) or tracking_of(parcel) in told - {None}, parcel
        assert len(known & set(shipped)) <= 1 or parcel.merged
    returned = [
        notice["data"]["shipment"]["id"] for notice in notified.notifications if notice["type"] == "order.returned"
    ]
    assert len(returned) == len(set(returned))
    assert {each.id for each in order.own_shipments() if each.returned} <= set(returned) | {
        each.id for each in order.shipments if set(each.merged) & set(returned)
    }


def tracking_of(parcel: Shipment) -> tuple[str, str] | None:
    text = parcel.tracking_number or parcel.tracking_url
    return (parcel.provider, text) if text else None


@each_history(HISTORIES)
def test_the_shop_ends_with_the_tracking_of_every_parcel_that_it_was_notified_of(history: History) -> None:
    """It is told of each change once: no two notifications of a parcel, one after the other, have the same tracking."""
    notified = received(history)
    notified.stop_waiting()
    told = dict[str, tuple[str | None, str | None]]()
    for notice in notified.notifications:
        if notice["type"] in ("order.shipped", "order.tracking"):
            parcel = notice["data"]["shipment"]
            ids, tracking = {parcel["id"], *parcel["merged"]}, (parcel["tracking_number"], parcel["tracking_url"])
            if notice["type"] == "order.tracking":
                assert any(tracking)
                assert ids & told.keys(), "it names a parcel that the shop knows"
                assert {told[each] for each in ids & told.keys()} != {tracking}
                told |= dict.fromkeys(ids & told.keys(), tracking)
            told[parcel["id"]] = tracking
    for shipment in fold(history.order_id, notified.facts).shipments:
        for each in {shipment.id, *shipment.merged} & told.keys():
            if shipment.has_tracking():
                assert told[each] == (shipment.tracking_number, shipment.tracking_url)


def parcel_fact(name: str, parcel: str, number: str | None, *, at: str = AT, **changes: Any) -> Fact:
    data = {"provider": "printful", "order": "9", "parcel": parcel, "carrier": None, "tracking_number": number}
    data |= {"tracking_url": None, "lines": [{"item": "1", "quantity": 1}]} | changes
    return Fact(id=name, kind="shipped", source="printful.package_shipped", at=at, received_at=at, data=data)


def paid(quantity: int = 2) -> Notified:
    notified = Notified("1001")
    line = {"id": "1", "sku": "MUG", "quantity": quantity, "price": "1", "destination": "printful"}
    data = {"ref": None, "currency": "EUR", "created_at": AT, "lines": [line], "deliveries": []}
    notified.receive(Fact(id="paid", kind="paid", source="x", at=AT, received_at=AT, data=data))
    items = [{"item": "1", "ref": "1", "sku": "MUG", "quantity": quantity}]
    data = {"provider": "printful", "order": "9", "status": "pending", "items": items}
    notified.receive(Fact(id="created", kind="progress", source="x", at=AT, received_at=AT, data=data))
    return notified


def parcels_told(notified: Notified) -> list[tuple[str, str, str | None]]:
    return [
        (notice["type"], notice["data"]["shipment"]["id"], notice["data"]["shipment"]["tracking_number"])
        for notice in notified.notifications
        if "shipment" in notice["data"]
    ]


def test_a_corrected_tracking_is_notified_once() -> None:
    notified = paid()
    notified.receive(parcel_fact("e1", "p1", "WRONG"))
    later = parcel_fact("e2", "p1", "RIGHT", at=instant(10**6), lines=[])
    for fact in (later, later, replace(later, id="e3")):
        notified.receive(fact)
    assert parcels_told(notified) == [("order.shipped", "p1", "WRONG"), ("order.tracking", "p1", "RIGHT")]


def test_the_report_that_was_corrected_is_no_news_if_it_comes_later() -> None:
    notified = paid()
    notified.receive(parcel_fact("e2", "p1", "RIGHT", at=instant(10**6)))
    notified.receive(parcel_fact("e1", "p1", "WRONG"))
    assert parcels_told(notified) == [("order.shipped", "p1", "RIGHT")]


def test_a_tracking_that_comes_after_the_wait_is_notified() -> None:
    notified = paid()
    notified.receive(parcel_fact("e1", "p1", None))
    notified.stop_waiting()
    notified.receive(parcel_fact("e2", "p1", None, tracking_url="https://carrier.example/1"))
    notified.receive(parcel_fact("e3", "p1", None, at=instant(10**6)))
    assert parcels_told(notified) == [("order.shipped", "p1", None), ("order.tracking", "p1", None)]
    assert notified.notifications[-1]["data"]["shipment"]["tracking_url"] == "https://carrier.example/1"


def test_the_attention_for_items_names_them() -> None:
    notified = paid()
    items = [{"item": "1", "ref": "1", "sku": "MUG", "quantity": 2, "name": "Owl mug", "print_file": "failed"}]
    data = {"provider": "printful", "order": "9", "status": "pending", "items": items}
    data["incomplete"] = [{"name": "Fox mug", "line_id": "2"}]
    notified.receive(Fact(id="files", kind="progress", source="x", at=instant(10**6), received_at=AT, data=data))
    (found,) = (each for each in notified.notifications if each["type"] == "order.attention")
    about = found["data"]
    assert about["reasons"] == ["item_file_failed", "item_incomplete"]
    assert about["items"] == [
        {"reason": "item_file_failed", "provider": "printful", "line_id": "1", "name": "Owl mug"},
        {"reason": "item_incomplete", "provider": "printful", "line_id": "2", "name": "Fox mug"},
    ]
    assert [error.message for error in validators()["order.attention"].iter_errors(found)] == []
    notified.receive(Fact(id="again", kind="paid_again", source="x", at=instant(2), received_at=AT, data={}))
    assert notified.notifications[-1]["data"]["reasons"] == ["paid_twice"]
    assert "items" not in notified.notifications[-1]["data"]


def test_one_tracking_in_two_parcels_is_notified_once_until_one_of_them_is_corrected() -> None:
    notified = paid()
    notified.receive(parcel_fact("e1", "p1", "SAME"))
    notified.receive(parcel_fact("e2", "p2", "SAME"))
    assert parcels_told(notified) == [("order.shipped", "p1", "SAME")]
    notified.receive(parcel_fact("e3", "p2", "OTHER", at=instant(10**6)))
    notified.receive(parcel_fact("e4", "p2", "OTHER", at=instant(10**6)))
    assert parcels_told(notified)[1:] == [("order.shipped", "p2", "OTHER")]


def test_one_tracking_in_two_parcels_is_notified_once_if_both_are_found_at_once() -> None:
    notified = Notified("1001")
    for fact in (parcel_fact("e1", "p1", "SAME"), parcel_fact("e2", "p2", "SAME")):
        notified.receive(fact)
    notified.receive(*paid().facts[:2])
    assert [each[0] for each in parcels_told(notified)] == ["order.shipped"]


def test_two_parcels_without_tracking_are_both_notified_after_the_wait() -> None:
    notified = paid()
    notified.receive(parcel_fact("e1", "p1", None))
    notified.receive(parcel_fact("e2", "p2", None))
    notified.stop_waiting()
    assert [each[:2] for each in parcels_told(notified)] == [("order.shipped", "p1"), ("order.shipped", "p2")]


def test_a_return_that_names_no_parcel_is_notified_as_attention() -> None:
    notified = paid()
    notified.receive(parcel_fact("e1", "p1", "1Z1"))
    notified.receive(parcel_fact("e2", "p2", "1Z2"))
    back = parcel_fact("e3", "p3", None, at=instant(10**6), lines=[], unnamed=True, reason=None)
    notified.receive(replace(back, kind="returned", source="printful.package_returned"))
    assert notified.notifications[-1]["type"] == "order.attention"
    assert "returned" in notified.notifications[-1]["data"]["reasons"]
    assert "order.returned" not in notified.types()


def test_erasing_is_no_change_of_the_tracking() -> None:
    notified = paid()
    notified.receive(parcel_fact("e1", "p1", "1Z999"))
    erased = Fact(id="erased", kind="erased", source="ops", at=AT, received_at=AT)
    notified.facts = [*without_texts(notified.facts), erased]
    notified.receive(parcel_fact("e2", "p1", "1Z999", at=instant(10**6)))
    assert notified.types().count("order.tracking") == 0


@each_history(HISTORIES)
def test_notifications_are_in_sequence_and_end_at_the_state_of_the_order(history: History) -> None:
    notified = received(history)
    types, order = notified.types(), fold(history.order_id, notified.facts)
    assert [notice["data"]["sequence"] for notice in notified.notifications] == list(range(1, len(types) + 1))
    stages = [each for each in types if each in notifications.STAGES.values()]
    assert stages == sorted(set(stages), key=list(dict.fromkeys(notifications.STAGES.values())).index)
    if not types and not history.paid:
        return
    counted = Counter(types)
    if history.paid and not history.order_id.startswith(("printful:", "cloudprinter:")):
        assert counted["order.on_hold"] - counted["order.released"] == order.on_hold
        assert (order.status is not Status.CANCELED) or counted["order.canceled"]
        assert (order.status is not Status.DELIVERED) or counted["order.delivered"] == 1
        assert (Attention.FAILED not in order.attention) or counted["order.failed"]
        # An order.canceled covers the canceled pieces, even if a printer makes some of them later.
        silent = notifications.COVERED_BY_TYPES | ({Attention.CANCELED} if counted["order.canceled"] else set())
        notified_reasons = {reason for notice in notified.notifications for reason in notice["data"].get("reasons", ())}
        assert set(order.attention) - silent <= notified_reasons


@each_history(200)
def test_facts_received_again_cause_no_notification(history: History) -> None:
    notified = received(history)
    before = len(notified.notifications)
    for fact in history.random().sample(history.facts, len(history.facts)):
        notified.receive(fact)
    assert len(notified.notifications) == before


@each_history(200)
def test_notifications_are_sent_in_sequence_whenever_deliveries_end(history: History) -> None:
    """Only the notification whose turn it is may be sent; its end is the turn of the next one."""
    random = history.random()
    notified, sent = Notified(history.order_id), list[int]()
    facts = random.sample(history.facts, len(history.facts))
    sequence_of = dict[str, int]()
    while True:
        turn = lane.turn(notified.facts, "storefront")
        if facts and (turn is None or random.random() < 0.6):
            notified.receive(facts.pop())
        elif turn:
            sequence_of |= {
                fact.data["deliveries"][0]: fact.data["sequence"] for fact in notified.facts if fact.kind == "notified"
            }
            sent.append(sequence_of[turn])
            kind = random.choice(("sent", "sent", "dead"))
            data = {"delivery_id": turn, "destination": "storefront", "operation": "x", "reason": "HTTP 422"}
            at = instant(notified.clock)
            notified.receive(Fact(id=f"{turn}/{kind}", kind=kind, source="x", at=at, received_at=at, data=data))
        else:
            break
    assert sent == list(range(1, len(notified.notifications) + 1))


def test_an_order_without_notifications_so_far_gets_only_new_ones() -> None:
    before = Order(id="1", status=Status.ACCEPTED, on_hold=True, attention=[Attention.UNROUTABLE])
    assert notifications.due(before, before, []) == ([], False)


def test_many_parcels_at_once_are_notified_in_several_writes() -> None:
    """A payment that arrives after a hundred parcels must fit into one transaction."""
    notified = Notified("1001")
    for number in range(100):
        parcel = {"provider": "camaloon", "parcel": f"p{number:03}", "carrier": None, "tracking_number": f"t{number}"}
        data = parcel | {"tracking_url": None, "lines": [{"sku": "MUG", "quantity": 1}]}
        notified.receive(Fact(id=f"e{number}", kind="shipped", source="x", at=AT, received_at=AT, data=data))
    assert notified.notifications == []
    line = {"id": "1", "sku": "MUG", "quantity": 100, "price": "1", "destination": "camaloon"}
    data = {"ref": None, "currency": "EUR", "created_at": AT, "lines": [line], "deliveries": []}
    notified.receive(Fact(id="paid", kind="paid", source="x", at=AT, received_at=AT, data=data))
    assert notified.types().count("order.shipped") == notifications.MOST_AT_ONCE
    while notified.waiting:
        notified.stop_waiting()
    shipped = [
        notice["data"]["shipment"]["id"] for notice in notified.notifications if notice["type"] == "order.shipped"
    ]
    assert len(shipped) == len(set(shipped)) == 100


def test_every_type_is_in_the_table_of_the_docstring() -> None:
    assert notifications.__doc__
    for type_ in notifications.TYPES:
        assert type_.removeprefix("order") in notifications.__doc__
