"""What the shop is told, whatever happens to its orders and in whatever order it is heard."""

import json
from collections import Counter
from copy import copy
from functools import cache
from typing import Any

import pytest

from pressroom.order import lane, notifications
from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.model import Order, Status
from pressroom.order.reasons import Attention
from tests.support.histories import History, draw, each_history, instant

AT = "2026-09-01T14:10:00.000Z"
HEARD = 400
"""How many histories the shop hears of."""


@pytest.fixture(autouse=True)
def a_shop_that_listens(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREFRONT_URL", "https://shop.example/")
    monkeypatch.setenv("TABLE_NAME", "table")
    monkeypatch.setattr(notifications, "_deliveries", lambda known, changed: [])


class Telling:
    """An order that hears its facts one by one, as `record.apply` lets it, and what the shop is told meanwhile."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        self.facts: list[Fact] = []
        self.told: list[dict[str, Any]] = []
        self.waiting: list[str] = []
        self.clock = 10**7

    def hear(self, *new: Fact, waited: tuple[str, ...] = ()) -> None:
        new = tuple(fact for fact in new if fact.id not in {known.id for known in self.facts})
        facts = [*self.facts, *new]
        self.clock += 1
        order = fold(self.order_id, facts)
        told = notifications.notifications_for(
            self.facts, facts, order, at=instant(self.clock), tracking_wait_expired=waited
        )
        assert not told.rows or told.rows[0]["Item"]["state_key"]["S"].startswith("UNTRACKED#waiting#")
        self.waiting += [parcel for row in told.rows for parcel in row["Item"]["parcels"]["SS"]]
        for fact, delivery in zip(told.facts, told.deliveries, strict=True):
            assert fact.data["deliveries"] == [delivery.id]
            self.told.append(json.loads(delivery.body))
        self.facts = [*facts, *told.facts]

    def stop_waiting(self) -> None:
        waited, self.waiting = tuple(self.waiting), []
        self.hear(waited=waited)

    def types(self) -> list[str]:
        return [notice["type"] for notice in self.told]


def heard(history: History) -> Telling:
    """Return what comes of hearing a history in some order, some of it twice; each history is heard once per run."""
    telling = copy(_heard(history.number))
    telling.told, telling.waiting = list(telling.told), list(telling.waiting)
    return telling


@cache
def _heard(number: int) -> Telling:
    history = draw(number)
    random = history.random()
    facts = history.facts + random.choices(history.facts, k=random.randint(0, 4))
    random.shuffle(facts)
    telling = Telling(history.order_id)
    for fact in facts:
        telling.hear(fact)
        if random.random() < 0.05:
            telling.stop_waiting()
    return telling


@each_history(HEARD)
def test_every_parcel_is_told_once_however_it_is_heard_of(history: History) -> None:
    telling = heard(history)
    telling.stop_waiting()
    order = fold(history.order_id, telling.facts)
    if not history.paid or history.order_id.startswith(("printful:", "cloudprinter:")):
        assert telling.told == []
        return
    shipped = [notice["data"]["shipment"]["id"] for notice in telling.told if notice["type"] == "order.shipped"]
    assert len(shipped) == len(set(shipped))
    for parcel in order.shipments:
        known = {parcel.id, *parcel.merged}
        # Told before its tracking came, a parcel may have had the name of each of its items.
        assert known & set(shipped), parcel
        assert len(known & set(shipped)) == 1 or parcel.merged
    returned = [notice["data"]["shipment"]["id"] for notice in telling.told if notice["type"] == "order.returned"]
    assert len(returned) == len(set(returned))
    assert {each.id for each in order.shipments if each.returned} <= set(returned) | {
        each.id for each in order.shipments if set(each.merged) & set(returned)
    }


@each_history(HEARD)
def test_what_is_told_is_in_order_and_ends_where_the_order_stands(history: History) -> None:
    telling = heard(history)
    types, order = telling.types(), fold(history.order_id, telling.facts)
    assert [notice["data"]["sequence"] for notice in telling.told] == list(range(1, len(types) + 1))
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
        # That pieces are canceled was said by order.canceled, also if something turns out to be printed after all.
        silent = notifications.COVERED_BY_TYPES | ({Attention.CANCELED} if counted["order.canceled"] else set())
        told = {reason for notice in telling.told for reason in notice["data"].get("reasons", ())}
        assert set(order.attention) - silent <= told


@each_history(200)
def test_hearing_all_of_it_again_tells_nothing(history: History) -> None:
    telling = heard(history)
    before = len(telling.told)
    for fact in history.random().sample(history.facts, len(history.facts)):
        telling.hear(fact)
    assert len(telling.told) == before


@each_history(200)
def test_the_shop_hears_in_sequence_whatever_ends_when(history: History) -> None:
    """Only the notification whose turn it is may go, and the next one's turn comes with its end."""
    random = history.random()
    telling, went = Telling(history.order_id), list[int]()
    facts = random.sample(history.facts, len(history.facts))
    sequence_of = dict[str, int]()
    while True:
        turn = lane.turn(telling.facts, "storefront")
        if facts and (turn is None or random.random() < 0.6):
            telling.hear(facts.pop())
        elif turn:
            sequence_of |= {
                fact.data["deliveries"][0]: fact.data["sequence"] for fact in telling.facts if fact.kind == "notified"
            }
            went.append(sequence_of[turn])
            kind = random.choice(("sent", "sent", "dead"))
            data = {"delivery_id": turn, "destination": "storefront", "operation": "x", "reason": "HTTP 422"}
            at = instant(telling.clock)
            telling.hear(Fact(id=f"{turn}/{kind}", kind=kind, source="x", at=at, received_at=at, data=data))
        else:
            break
    assert went == list(range(1, len(telling.told) + 1))


def test_an_order_from_before_is_told_only_what_is_new() -> None:
    before = Order(id="1", status=Status.ACCEPTED, on_hold=True, attention=[Attention.UNROUTABLE])
    assert notifications.due(before, before, []) == ([], False)


def test_many_parcels_at_once_are_told_in_several_writes() -> None:
    """A payment that comes after a hundred parcels must fit into one transaction."""
    telling = Telling("1001")
    for number in range(100):
        parcel = {"provider": "camaloon", "parcel": f"p{number:03}", "carrier": None, "tracking_number": f"t{number}"}
        data = parcel | {"tracking_url": None, "lines": [{"sku": "MUG", "quantity": 1}]}
        telling.hear(Fact(id=f"e{number}", kind="shipped", source="x", at=AT, received_at=AT, data=data))
    assert telling.told == []
    line = {"id": "1", "sku": "MUG", "quantity": 100, "price": "1", "destination": "camaloon"}
    data = {"ref": None, "currency": "EUR", "created_at": AT, "lines": [line], "deliveries": []}
    telling.hear(Fact(id="paid", kind="paid", source="x", at=AT, received_at=AT, data=data))
    assert telling.types().count("order.shipped") == notifications.MOST_AT_ONCE
    while telling.waiting:
        telling.stop_waiting()
    shipped = [notice["data"]["shipment"]["id"] for notice in telling.told if notice["type"] == "order.shipped"]
    assert len(shipped) == len(set(shipped)) == 100


def test_every_type_is_in_the_table_of_the_docstring() -> None:
    assert notifications.__doc__
    for type_ in notifications.TYPES:
        assert type_.removeprefix("order") in notifications.__doc__
