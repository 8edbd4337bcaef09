"""Orders at the OMS, attempt by attempt: their state, the lookups, and no duplicates."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pressroom.delivery.outcome import Sent
from pressroom.order.facts import Fact
from pressroom.order.outbox import Attempt, Delivery
from pressroom.platform.errors import Blocked, Dead, DeliveryError, Retry, Withdrawn
from pressroom.providers.oms import client
from pressroom.providers.oms import orders as at_oms
from pressroom.providers.oms.orders import OmsState, state_from
from tests.support.histories import START, instant
from tests.support.world import SETTINGS, SETTLE_S, World


def fact(kind: str, at: int = 0, **data: Any) -> Fact:
    when = instant(at)
    return Fact(
        id=f"{kind}-{at}-{data.get('delivery_id', '')}", kind=kind, source="x", at=when, received_at=when, data=data
    )


def create(kind: str, at: int = 10, uid: str = "O1", lines: tuple[str, ...] = ("1", "2"), **data: Any) -> Fact:
    """The end of the delivery that creates an order."""
    about = {"delivery_id": "oms-c", "destination": "oms", "operation": "create_order", "answer_lost": False}
    if kind == "sent":
        about |= {"provider": "oms", "order": uid, "items": [{"item": f"U{each}", "ref": each} for each in lines]}
    return fact(kind, at, **about | data)


def paid(*lines: str) -> Fact:
    data = [{"id": each, "sku": "S", "quantity": 1, "destination": "oms"} for each in lines]
    when = {"ref": None, "currency": "EUR", "created_at": instant(0)}
    return fact("paid", 1, lines=data, deliveries=[], **when)


def told(number: int = 1, *lines: str, at: int = 20) -> Fact:
    """An update; the delivery `oms-u<number>` sends it to the OMS, or none if the number is 0."""
    data: dict[str, Any] = {"lines": [{"id": each} for each in lines], "deliveries": []}
    return fact("updated", at, **data | ({"deliveries": [f"oms-u{number}"], "number": number} if number else {}))


REVOKED = fact("revoked", 30, deliveries=["oms-d"])


# --- what is known ---


def test_an_order_that_was_not_sent_has_an_empty_state() -> None:
    assert state_from([fact("paid", deliveries=["oms-c"])]) == OmsState()


def test_an_order_that_was_sent_is_known_by_its_uid_with_its_lines() -> None:
    other = create("sent", 11, uid="O2", lines=("3",), delivery_id="oms-c2")
    assert state_from([create("sent"), other]) == OmsState(uids={"O1": ["1", "2"], "O2": ["3"]})


@pytest.mark.parametrize(
    ("facts", "has_unknown_uid"),
    [
        ([create("sent", uid="")], True),
        ([create("dead", answer_lost=True)], True),
        ([create("dead")], False),
        ([create("dead", answer_lost=True), create("dead", 11)], False),
        ([create("dead", answer_lost=True), create("sent", 11)], False),
        ([create("dead", answer_lost=True), create("sent", 11, uid="")], True),
        ([create("dead", answer_lost=True), create("withdrawn", 11)], False),
        ([create("dead", answer_lost=True), create("sent", 11, delivery_id="oms-c2")], True),
        ([create("dead", answer_lost=True, destination="camaloon", operation="order_paid")], False),
    ],
)
def test_an_order_may_be_at_the_oms_with_an_unknown_uid(facts: list[Fact], has_unknown_uid: bool) -> None:
    assert state_from(facts).has_unknown_uid is has_unknown_uid
    assert state_from(facts[::-1]) == state_from(facts)


def test_the_update_to_send_is_the_one_that_was_decided_last() -> None:
    # The second was decided last: it is the latest update, with the design of the other one.
    facts = [told(1, "1", "2", at=90), told(2, "1", at=60), told(0, "3", at=50)]
    assert state_from(facts).latest_update == "oms-u2"
    assert state_from(facts).lines == {"1", "2"}
    assert state_from([told(0, "1", at=99), told(1, "1", "2")]).latest_update == "oms-u1"


def test_a_deleted_order_is_no_longer_in_the_state() -> None:
    gone = fact("sent", 5, delivery_id="oms-u1", operation="update_order", provider="oms", deleted=["O1"])
    assert state_from([create("sent"), gone]).uids == {}
    assert state_from([create("sent"), replace(gone, data=gone.data | {"deleted": []})]).uids == {"O1": ["1", "2"]}


def test_a_cancellation_is_known() -> None:
    assert state_from([REVOKED]) == OmsState(revoked=True)


# --- how long a request may be on its way ---


def attempt(seconds_ago: float, *, lost: bool = True, status: int | None = None) -> Attempt:
    return Attempt(at=instant(1000 - int(seconds_ago)), status=status, error="timed out", answer_lost=lost)


@pytest.mark.parametrize(
    ("history", "seconds"),
    [
        ([], 0),
        ([attempt(10)], 290),
        ([attempt(SETTLE_S)], 0),
        ([attempt(200), attempt(10), attempt(100)], 290),
        ([attempt(10, lost=False)], 0),  # nothing was sent, or it was certainly not received
        ([attempt(10, status=500)], 0),  # the OMS itself has responded
        ([attempt(10, status=502)], 290),  # a proxy has responded
        ([attempt(10, status=504)], 290),
    ],
)
def test_a_request_without_a_response_from_the_oms_itself_may_still_arrive(
    history: list[Attempt], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pressroom.platform.config.setting", SETTINGS.__getitem__)
    assert at_oms._seconds_until_settled(history, START + timedelta(seconds=1000)) == seconds


# --- attempts ---


@pytest.fixture(name="world")
def _world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with World() as world:
        world.now = 1000
        yield world
        monkeypatch.undo()  # a test's own patches, which have to be undone before the world's


def knows(world: World, *facts: Fact) -> None:
    world.shelf.facts += facts


def delivery(operation: str, content: Any, name: str = "oms-c", **rest: Any) -> Delivery:
    made = Delivery.to("oms", operation, order_id="1001", body=json.dumps(content).encode(), now=START)
    return replace(made, id=name, **rest)


def item(line_id: str, quantity: int = 1) -> dict[str, Any]:
    return {"ecommerce_order_item_id": f"1001:{line_id}", "ecommerce_variant_id": "v", "quantity": quantity}


ORDER = {"ecommerce_order_id": "1001", "items": [item("1"), item("2"), item("3")]}
NEW = delivery("create_order", ORDER)
AGAIN = replace(NEW, answer_lost=True, history=[attempt(SETTLE_S)])
"""A create that may have been received, and would have arrived by now."""


def kept(*lines: str, order: str = "O1", uids: bool = True) -> dict[str, Any]:
    """The data of a create's response in the record."""
    known_item = [{"item": f"U1001:{each}", "ref": each} for each in lines]
    unknown_item = [{"item": f"1001:{each}", "ref": each, "unknown": True} for each in lines]
    return {"provider": "oms", "order": order, "items": known_item if uids else unknown_item, "uid_known": uids}


def test_an_order_is_created_as_it_was_decided(world: World) -> None:
    assert at_oms.create(NEW) == Sent(201, kept("1", "2", "3"), certain=True)
    assert (world.oms.orders, world.oms.calls) == ({"O1": ORDER}, [("create", "1001")])


def test_a_response_without_an_order_is_a_lost_answer(world: World) -> None:
    world.oms.faults = ["anonymous"]
    with pytest.raises(Retry) as lost:
        at_oms.create(NEW)
    assert lost.value.answer_lost is True
    assert at_oms.create(AGAIN).data == kept("1", "2", "3", order="", uids=False)


def test_an_item_without_a_uid_in_the_response_is_recorded_as_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "create_order", lambda _: client.Created(200, "O9", {"1001:1": "A", "1001:3": "C"}))
    monkeypatch.setattr(client, "get_order", lambda _: None)
    data = at_oms.create(NEW).data
    assert (data["order"], data["uid_known"]) == ("O9", False)
    assert data["items"] == [
        {"item": "A", "ref": "1"},
        {"item": "1001:2", "ref": "2", "unknown": True},
        {"item": "C", "ref": "3"},
    ]


def test_an_order_that_the_oms_has_is_not_created_again(world: World) -> None:
    at_oms.create(NEW)
    assert at_oms.create(AGAIN) == Sent(200, kept("1", "2", "3", order="", uids=False), certain=True)
    assert world.oms.created == {"1001:1": 1, "1001:2": 1, "1001:3": 1}
    assert set(world.oms.calls[1:]) == {("ask", "1001:1"), ("ask", "1001:3")}


def test_an_order_that_the_oms_lacks_is_created_once_the_request_can_not_arrive_any_more(world: World) -> None:
    assert at_oms.create(AGAIN) == Sent(201, kept("1", "2", "3"), certain=True)


def test_an_order_whose_request_may_still_arrive_waits(world: World) -> None:
    with pytest.raises(Retry, match="may still arrive") as refused:
        at_oms.create(replace(AGAIN, history=[attempt(10)]))
    assert (refused.value.after, refused.value.answer_lost, refused.value.certain) == (290, False, False)
    assert world.oms.created == {}


def test_a_canceled_order_that_the_oms_lacks_is_not_created(world: World) -> None:
    knows(world, REVOKED)
    with pytest.raises(Withdrawn, match="the shop canceled the order") as refused:
        at_oms.create(AGAIN)
    assert (refused.value.certain, world.oms.created) == (True, {})


def test_a_canceled_order_that_the_oms_has_is_recorded(world: World) -> None:
    at_oms.create(NEW)
    knows(world, REVOKED)
    assert at_oms.create(AGAIN).data["uid_known"] is False


@pytest.mark.parametrize("fault", ["busy", "unreceived", 404, 400])
def test_while_the_lookup_fails_nothing_is_created(world: World, fault: Any) -> None:
    world.oms.faults = [fault]
    with pytest.raises(Retry, match="the OMS may have the order, but the lookup failed: ") as refused:
        at_oms.create(AGAIN)
    assert (refused.value.answer_lost, refused.value.certain) == (False, False)
    assert world.oms.created == {}


def test_a_blocked_lookup_is_blocked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise Blocked("the token")

    monkeypatch.setattr(client, "print_file", refuse)
    with pytest.raises(Blocked, match="the token"):
        at_oms.create(AGAIN)


def test_a_part_of_an_order_at_the_oms_is_dead(world: World) -> None:
    world.oms.orders["O1"] = {"items": [item("1")]}
    with pytest.raises(Dead, match="only a part of the order") as refused:
        at_oms.create(AGAIN)
    assert refused.value.certain is False
    assert world.oms.created == {}


@pytest.mark.parametrize(("fault", "error"), [(400, Dead), ("busy", Retry), ("unreceived", Retry), ("lost", Retry)])
def test_the_error_of_a_new_attempt_is_certain(world: World, fault: Any, error: type[DeliveryError]) -> None:
    """It is certain that no earlier attempt was received."""
    for attempted, asked in ((NEW, []), (AGAIN, [None, None])):
        world.oms.faults = [*asked, fault]
        with pytest.raises(error) as refused:
            at_oms.create(attempted)
        assert refused.value.certain is True
        world.oms.orders.clear()


def test_a_conflict_is_success_if_the_oms_has_the_order(world: World) -> None:
    world.oms.faults = [409]
    with pytest.raises(Dead, match="HTTP 409"):
        at_oms.create(NEW)
    at_oms.create(NEW)
    world.oms.faults = [409]
    assert at_oms.create(NEW) == Sent(200, kept("1", "2", "3", order="", uids=False), certain=True)


# --- update ---


def there(world: World, *orders: tuple[str, tuple[str, ...]]) -> None:
    """Put orders into the OMS: by uid, with their lines."""
    for number, (uid, lines) in enumerate(orders):
        world.oms.orders[uid] = {"items": [item(each) for each in lines]}
        knows(world, create("sent", 10 + number, uid=uid, lines=lines, delivery_id=f"oms-c{number}"))


def change(*items: dict[str, Any], name: str = "oms-u1", **changes: Any) -> Delivery:
    return delivery("update_order", changes | ({"items": list(items)} if items else {}), name)


def test_an_update_changes_the_order_at_the_oms(world: World) -> None:
    there(world, ("O1", ("1", "2")))
    knows(world, told(1, "1", "2"))
    changed = {"provider": "oms", "deleted": [], "changed": ["1", "2"]}
    assert at_oms.update(change(item("1", 5), item("2"), note="Ring")) == Sent(200, changed)
    assert world.oms.orders == {"O1": {"items": [item("1", 5), item("2")], "note": "Ring"}}


def test_an_update_without_items_leaves_them(world: World) -> None:
    there(world, ("O1", ("1", "2")))
    knows(world, told(1, "1", "2"))
    at_oms.update(change(note="Ring"))
    assert world.oms.orders == {"O1": {"items": [item("1"), item("2")], "note": "Ring"}}


def test_each_order_at_the_oms_gets_its_own_items(world: World) -> None:
    there(world, ("O1", ("1",)), ("O2", ("2",)))
    knows(world, told(1, "1", "2"))
    at_oms.update(change(item("1", 5), item("2", 6), note="Ring"))
    assert world.oms.orders == {
        "O1": {"items": [item("1", 5)], "note": "Ring"},
        "O2": {"items": [item("2", 6)], "note": "Ring"},
    }


def test_an_order_whose_lines_the_shop_has_removed_is_deleted(world: World) -> None:
    there(world, ("O1", ("1",)), ("O2", ("2", "3")))
    knows(world, told(1, "3"))
    sent = at_oms.update(change(item("3")))
    assert sent == Sent(200, {"provider": "oms", "deleted": ["O1"], "changed": ["3"]})
    assert world.oms.orders == {"O2": {"items": [item("3")]}}
    knows(
        world, fact("sent", 40, delivery_id="oms-u1", operation="update_order", **sent.data), told(2, "1", "3", at=50)
    )
    with pytest.raises(Dead, match="restored a line"):
        at_oms.update(change(item("1"), item("3", 2), name="oms-u2"))
    assert world.oms.orders == {"O2": {"items": [item("3", 2)]}}


def test_an_order_made_since_an_update_was_decided_is_left_as_it_is(world: World) -> None:
    there(world, ("O1", ("1",)), ("O2", ("2",)))
    knows(world, told(1, "1", "2"))
    at_oms.update(change(item("1", 5)))
    assert world.oms.orders == {"O1": {"items": [item("1", 5)]}, "O2": {"items": [item("2")]}}


@pytest.mark.parametrize(
    ("facts", "error", "reason"),
    [
        ([create("sent"), told(1, "1"), REVOKED], Withdrawn, "the shop canceled the order"),
        ([create("sent"), told(1, "1"), told(2, "1")], Withdrawn, "a later update contains"),
        ([create("sent", uid=""), told(1, "1")], Dead, "uid of the order is unknown"),
        (
            [create("sent"), create("dead", 11, delivery_id="x", answer_lost=True), told(1, "1")],
            Dead,
            "uid of the order",
        ),
        ([create("dead"), told(1, "1")], Withdrawn, "the OMS does not have the order"),
    ],
)
def test_an_update_that_is_impossible_or_not_needed_is_not_sent(
    world: World, facts: list[Fact], error: type[DeliveryError], reason: str
) -> None:
    knows(world, *facts)
    with pytest.raises(error, match=reason):
        at_oms.update(change(item("1")))
    assert world.oms.calls == []


# --- delete ---


def test_every_order_is_deleted(world: World) -> None:
    there(world, ("O1", ("1",)), ("O2", ("2",)))
    assert at_oms.delete(delivery("delete_order", {})) == Sent(200, {"provider": "oms", "deleted": ["O1", "O2"]})
    assert world.oms.orders == {}


def test_an_order_that_the_oms_does_not_have_counts_as_deleted(world: World) -> None:
    knows(world, create("sent"))
    there(world, ("O2", ("3",)))
    sent = at_oms.delete(delivery("delete_order", {}))
    assert (sent.status, set(sent.data["deleted"]), world.oms.orders) == (404, {"O1", "O2"}, {})


def test_an_order_with_an_unknown_uid_can_only_be_deleted_by_a_person(world: World) -> None:
    there(world, ("O1", ("1",)))
    knows(world, create("sent", 11, uid="", lines=("2",), delivery_id="oms-c2"), paid("1", "2"))
    world.oms.orders["O7"] = {"items": [item("2")]}
    with pytest.raises(Dead, match="do this by hand"):
        at_oms.delete(delivery("delete_order", {}))
    assert list(world.oms.orders) == ["O7"]
    world.oms.orders.clear()  # by hand
    assert at_oms.delete(delivery("delete_order", {})) == Sent(404, {"provider": "oms", "deleted": ["O1", ""]})


def test_the_deletion_of_an_order_that_was_not_sent_is_withdrawn(world: World) -> None:
    knows(world, create("dead"))
    with pytest.raises(Withdrawn, match="the OMS does not have the order"):
        at_oms.delete(delivery("delete_order", {}))
