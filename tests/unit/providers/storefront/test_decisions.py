"""What is sent to which printer for an order: the shop's messages, in any order, and their effect at the printers."""

import json
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from pressroom.inbox import events, reading
from pressroom.inbox.events import Event, State
from pressroom.order import customers, repository, routing
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact
from pressroom.order.model import Line, Status
from pressroom.platform import table
from pressroom.platform.errors import Unprocessable
from tests.support import histories
from tests.support.histories import Shelf, about_orders, design, each_seed, instant, read
from tests.support.samples import order as sample_order
from tests.support.world import World

MUG, SHIRT, PIN, TOTE, BOOK, TEE, BOX = "OM-MUG", "OM-SHIRT", "CM-PIN", "CM-TOTE", "CP-BOOK", "PF-TEE", "XX-BOX"
"""SKUs of the OMS (personalised), Camaloon, Cloudprinter, Printful, and without a printer."""


def line(sku: str, quantity: int = 1, id: str = "", made: str = "first") -> dict[str, Any]:  # noqa: A002
    """A line of the shop's, personalised if it is for the OMS and `made` is not empty."""
    content: dict[str, Any] = {"id": id or sku, "sku": sku, "quantity": quantity, "price": 9.5}
    return content | ({"personalization": design(sku, made)} if sku.startswith("OM-") and made else {})


def content(*lines: dict[str, Any], at: int = 0, **changes: Any) -> dict[str, Any]:
    """The shop's order as it is `at` seconds after its payment."""
    changed: dict[str, Any] = sample_order(line_items=list(lines), processed_at=instant(0), created_at=instant(0))
    return changed | {"updated_at": instant(at)} | changes


class Shop:
    """A shop and the facts of its order; all of its messages are stored."""

    def __init__(self) -> None:
        self.shelf = Shelf()

    def says(self, topic: str, told: dict[str, Any], *, id: str = "", conflict: bool = False) -> Decision:  # noqa: A002
        name = id or f"e{len(self.shelf.facts)}"
        received = instant(10_000 + len(self.shelf.facts))
        return read(topic, told, received_at=received, event_id=name, shelf=self.shelf, conflict=conflict)

    def pays(self, *lines: dict[str, Any], **changes: Any) -> Decision:
        return self.says("storefront.order_paid", content(*lines, **changes))

    def changes(self, *lines: dict[str, Any], at: int = 60, **changes: Any) -> Decision:
        return self.says("storefront.order_updated", content(*lines, at=at, **changes))

    def cancels(self, **told: Any) -> Decision:
        return self.says("storefront.order_canceled", {"id": 1001} | told)

    def gives(self, line_id: str, printer: str, **rest: Any) -> Decision:
        wanted = {"order_id": "1001", "line_id": line_id, "destination": printer}
        return self.says("ops.line_routed", wanted, **rest)


@pytest.fixture(name="shop")
def _shop() -> Shop:
    return Shop()


def sent(decision: Decision) -> list[tuple[str, str]]:
    return [(delivery.destination, delivery.operation) for delivery in decision.deliveries]


def body(decision: Decision, number: int = 0) -> dict[str, Any]:
    read_back: dict[str, Any] = json.loads(decision.deliveries[number].body)
    return read_back


def fact(decision: Decision) -> Fact:
    (only,) = decision.facts
    return only


def items(decision: Decision, number: int = 0) -> list[tuple[str, int]]:
    """The OMS's items of a delivery, by our ids."""
    found = body(decision, number)["items"]
    return [(item["ecommerce_order_item_id"], item["quantity"]) for item in found]


def camaloon_lines(decision: Decision, number: int = 0) -> list[tuple[str, int]]:
    """The lines of an order to Camaloon."""
    return [(item["sku"], item["quantity"]) for item in body(decision, number)["line_items"]]


# --- paid ---


def test_each_printer_that_we_order_from_is_sent_its_lines(shop: Shop) -> None:
    decision = shop.pays(line(PIN, 2), line(MUG, 3), line(BOOK), line(SHIRT), line(BOX))
    assert sent(decision) == [("camaloon", "order_paid"), ("oms", "create_order")]
    assert (camaloon_lines(decision), items(decision, 1)) == ([(PIN, 2)], [("1001:OM-MUG", 3), ("1001:OM-SHIRT", 1)])
    data = fact(decision).data
    assert [each["destination"] for each in data["lines"]] == ["camaloon", "oms", "cloudprinter", "oms", None]
    assert [each.get("variant") for each in data["lines"]] == [None, "OM-MUG/v", None, "OM-SHIRT/v", None]
    assert data["deliveries"] == [delivery.id for delivery in decision.deliveries]
    assert set(data["contents"]) == {"camaloon", "oms"}
    assert "left_out" not in data


def test_lines_of_followed_printers_are_not_sent(shop: Shop) -> None:
    decision = shop.pays(line(BOOK), line(TEE), line(BOX))
    assert (sent(decision), fact(decision).data["deliveries"]) == ([], [])
    assert "contents" not in fact(decision).data


def test_a_second_payment_is_only_flagged(shop: Shop) -> None:
    shop.pays(line(MUG))
    again = shop.says("storefront.order_paid", content(line(SHIRT)), conflict=True)
    assert (fact(again).kind, fact(again).data, sent(again)) == ("paid_again", {}, [])


# --- updated before it was paid, as far as we have heard ---


def test_an_update_before_the_payment_sends_nothing(shop: Shop) -> None:
    decision = shop.changes(line(MUG), line(PIN))
    assert (sent(decision), fact(decision).data["not_sent"]) == ([], False)


def test_an_update_that_arrived_before_the_payment_is_sent(shop: Shop) -> None:
    elsewhere = content(line(PIN))["shipping_info"] | {"address": "Elsewhere 1"}
    shop.changes(line(MUG, 5, made="second"), line(PIN, 4), shipping_info=elsewhere, note="Ring twice")
    decision = shop.pays(line(MUG, 2), line(PIN, 1))
    assert (camaloon_lines(decision), items(decision, 1)) == ([(PIN, 4)], [("1001:OM-MUG", 5)])
    assert body(decision)["shipping_info"]["address"] == "Elsewhere 1"
    assert body(decision, 1)["note"] == "Ring twice"
    assert "second" in body(decision, 1)["items"][0]["template_config"]
    assert [(each["sku"], each["quantity"]) for each in fact(decision).data["lines"]] == [(MUG, 5), (PIN, 4)]


def test_a_design_that_an_earlier_arrived_update_leaves_out_is_taken_from_the_payment(shop: Shop) -> None:
    shop.changes(line(MUG, 5, made=""))
    decision = shop.pays(line(MUG, 2, made="only"))
    assert items(decision) == [("1001:OM-MUG", 5)]
    assert "only" in body(decision)["items"][0]["template_config"]
    assert fact(decision).data["lines"][0]["variant"] == "OM-MUG/v"


def test_a_line_that_was_removed_before_the_payment_is_not_sent(shop: Shop) -> None:
    shop.changes(line(SHIRT), line(TOTE))
    decision = shop.pays(line(MUG), line(SHIRT), line(PIN), line(TOTE), line(BOOK))
    assert (camaloon_lines(decision), items(decision, 1)) == ([(TOTE, 1)], [("1001:OM-SHIRT", 1)])
    assert fact(decision).data["left_out"] == [MUG, PIN]
    bare = Shop()
    bare.changes(line(BOOK))
    assert sent(bare.pays(line(BOOK), line(MUG), line(PIN))) == []


def test_an_overtaking_update_to_another_product_without_its_design_sends_no_wrong_one(shop: Shop) -> None:
    shop.changes(line(SHIRT, id="1", made=""))
    decision = shop.pays(line(MUG, id="1"))
    assert (sent(decision), fact(decision).data["left_out"]) == ([], ["1"])
    assert fact(decision).data["lines"][0]["destination"] == "oms"


def test_of_several_overtaking_updates_the_latest_is_sent_whichever_came_first(shop: Shop) -> None:
    shop.changes(line(MUG, 3), at=90)
    shop.changes(line(MUG, 2), at=60)
    assert items(shop.pays(line(MUG, 1))) == [("1001:OM-MUG", 3)]


def test_of_two_updates_of_one_moment_the_record_and_the_printer_have_the_same(shop: Shop) -> None:
    with World() as world:
        for quantity in (3, 2):
            world.receive("storefront.order_updated", content(line(MUG, quantity), at=60))
        world.receive("storefront.order_paid", content(line(MUG, 1)))
        world.settle()
        assert [each["quantity"] for each in world.oms.items().values()] == [world.order().lines[0].quantity]


@pytest.mark.parametrize("first", ["update", "payment"])
def test_an_update_that_is_older_than_the_payment_is_ignored(shop: Shop, first: str) -> None:
    if first == "update":
        shop.changes(line(MUG, 5), at=-60)
    decision = shop.pays(line(MUG, 2), line(PIN))
    assert (items(decision, 1), camaloon_lines(decision)) == ([("1001:OM-MUG", 2)], [(PIN, 1)])
    if first == "payment":
        late = shop.changes(line(MUG, 5), line(PIN, 2), at=-60)
        assert (sent(late), fact(late).data["not_sent"]) == ([], False)


def test_an_update_at_the_time_of_the_payment_counts_as_later(shop: Shop) -> None:
    shop.changes(line(MUG, 5), at=0)
    assert items(shop.pays(line(MUG, 2))) == [("1001:OM-MUG", 5)]
    other = Shop()
    other.pays(line(MUG, 2))
    assert items(other.changes(line(MUG, 5), at=0)) == [("1001:OM-MUG", 5)]


# --- updated ---


def test_a_change_is_sent_to_the_oms(shop: Shop) -> None:
    shop.pays(line(MUG, 2), line(PIN))
    decision = shop.changes(line(MUG, 3), line(PIN), note="Ring twice")
    assert (sent(decision), items(decision)) == ([("oms", "update_order")], [("1001:OM-MUG", 3)])
    assert body(decision)["note"] == "Ring twice"
    assert "ecommerce_order_id" not in body(decision)
    assert fact(decision).data["not_sent"] is False


def test_items_that_have_not_changed_are_not_sent_again(shop: Shop) -> None:
    shop.pays(line(MUG), line(SHIRT))
    for at in (60, 70):
        assert "items" not in body(shop.changes(line(MUG), line(SHIRT), at=at, note=f"Ring {at} times"))
    assert "items" in body(shop.changes(line(MUG, 2), line(SHIRT), at=80))


def test_items_that_have_changed_back_are_sent_again(shop: Shop) -> None:
    shop.pays(line(MUG, 1))
    shop.changes(line(MUG, 2), at=60)
    assert items(shop.changes(line(MUG, 1), at=70)) == [("1001:OM-MUG", 1)]
    assert items(shop.changes(line(MUG, 1), at=80)) == [("1001:OM-MUG", 1)]


def test_a_design_that_is_left_out_has_not_changed(shop: Shop) -> None:
    shop.pays(line(MUG, made="first"))
    assert "items" not in body(shop.changes(line(MUG, made=""), at=60))
    shop.changes(line(MUG, made="second"), at=70)
    decision = shop.changes(line(MUG, 4, made=""), at=80)
    assert "second" in body(decision)["items"][0]["template_config"]


def test_a_design_that_is_left_out_is_taken_from_the_latest_stored_message_with_it(shop: Shop) -> None:
    shop.pays(line(MUG, made="first"))
    shop.changes(line(MUG, made="second"), at=60)
    shop.changes(line(MUG, made=""), at=70)
    assert "second" in body(shop.changes(line(MUG, 2, made=""), at=80))["items"][0]["template_config"]
    del shop.shelf.events[shop.shelf.facts[1].id]
    assert "first" in body(shop.changes(line(MUG, 3, made=""), at=90))["items"][0]["template_config"]


def test_without_a_design_no_items_are_sent_and_the_order_is_flagged(shop: Shop) -> None:
    shop.pays(line(MUG))
    shop.shelf.events.clear()  # as after 45 days
    decision = shop.changes(line(MUG, 2, made=""), note="Ring twice")
    assert "items" not in body(decision)
    assert body(decision)["note"] == "Ring twice"
    assert (fact(decision).data["not_sent"], fact(decision).data["contents"]) == (True, {"oms": None})


def test_another_product_without_its_design_does_not_get_that_of_the_first(shop: Shop) -> None:
    # Lines without ids are named by their position, which changes when a line is removed.
    shop.pays(line(MUG, id="1", made="of the mug"), line(SHIRT, id="2", made="of the shirt"))
    decision = shop.changes(line(SHIRT, id="1", made=""))
    assert "items" not in body(decision)
    assert fact(decision).data["not_sent"] is True


def test_a_late_earlier_update_is_sent_only_for_a_design_that_the_latest_leaves_out(shop: Shop) -> None:
    shop.pays(line(MUG, made="first"))
    assert "items" not in body(shop.changes(line(MUG, made=""), at=90, note="the latest"))
    assert sent(shop.changes(line(MUG, 5), at=60)) == []  # five no longer
    decision = shop.changes(line(MUG, made="second"), at=70)
    assert (body(decision)["note"], items(decision)) == ("the latest", [("1001:OM-MUG", 1)])
    assert "second" in body(decision)["items"][0]["template_config"]
    assert sent(shop.changes(line(MUG, made="late"), at=65)) == []


def test_a_removed_line_is_left_out_of_the_update(shop: Shop) -> None:
    shop.pays(line(MUG), line(SHIRT))
    assert items(shop.changes(line(SHIRT), at=60)) == [("1001:OM-SHIRT", 1)]
    assert items(shop.changes(line(BOOK), at=70)) == []


def test_a_new_line_is_sent_to_no_printer(shop: Shop) -> None:
    shop.pays(line(MUG))
    decision = shop.changes(line(MUG), line(SHIRT))
    assert "items" not in body(decision)
    assert [each["id"] for each in fact(decision).data["lines"]] == [MUG, SHIRT]


def test_a_change_of_an_order_without_oms_lines_is_not_sent_to_the_oms(shop: Shop) -> None:
    shop.pays(line(PIN), line(BOX), line(BOOK))
    assert sent(shop.changes(line(PIN), line(BOX, 2), line(BOOK))) == []


@pytest.mark.parametrize(
    ("changes", "not_sent"),
    [
        ({}, False),
        ({"note": "Ring twice"}, False),  # it is never sent to Camaloon
        ({"ref": "other"}, True),
        ({"shipping_price": 0}, True),
        ({"billing_info": None}, False),  # it was the shipping address before
    ],
)
def test_a_change_that_can_not_be_sent_to_camaloon_is_flagged(
    shop: Shop, changes: dict[str, Any], not_sent: bool
) -> None:
    before = content(line(PIN), line(MUG))
    before["billing_info"] = before["shipping_info"]
    shop.says("storefront.order_paid", before)
    told = before | {"updated_at": instant(60)} | changes
    assert fact(shop.says("storefront.order_updated", told)).data["not_sent"] is not_sent


def test_a_change_of_camaloons_lines_is_flagged_until_it_is_reverted(shop: Shop) -> None:
    shop.pays(line(PIN, 2), line(TOTE))
    for at, lines, not_sent in (
        (60, (line(PIN, 3), line(TOTE)), True),
        (70, (line(PIN, 2), line(TOTE)), False),
        (80, (line(PIN, 2),), True),
        (90, (line(BOOK, id="new"),), True),
    ):
        assert fact(shop.changes(*lines, at=at)).data["not_sent"] is not_sent


def test_an_old_record_has_no_digest_of_what_camaloon_was_sent(shop: Shop) -> None:
    shop.pays(line(PIN))
    del shop.shelf.facts[0].data["contents"]
    assert fact(shop.changes(line(PIN))).data["not_sent"] is True


# --- canceled ---


def test_a_canceled_order_is_deleted_at_the_oms(shop: Shop) -> None:
    shop.pays(line(MUG), line(PIN))
    decision = shop.cancels(reason="customer", canceled_at="2026-09-01T13:00:00+02:00")
    assert (sent(decision), body(decision)) == ([("oms", "delete_order")], {})
    assert (fact(decision).kind, fact(decision).at) == ("revoked", "2026-09-01T11:00:00.000Z")
    assert fact(decision).data == {"reason": "customer", "deliveries": [decision.deliveries[0].id]}


def test_an_order_that_was_not_sent_to_the_oms_is_not_deleted_there(shop: Shop) -> None:
    assert sent(shop.cancels()) == []
    other = Shop()
    other.pays(line(PIN), line(BOX))
    assert sent(other.cancels()) == []


def test_a_cancellation_without_its_time_is_dated_by_its_arrival(shop: Shop) -> None:
    assert fact(shop.cancels()).at == fact(Shop().cancels()).received_at


# --- routed ---


def test_a_line_routed_to_camaloon_is_sent_by_itself(shop: Shop) -> None:
    first = shop.pays(line(PIN), line(BOX, 3))
    decision = shop.gives(BOX, "camaloon")
    assert (sent(decision), camaloon_lines(decision)) == ([("camaloon", "order_paid")], [(BOX, 3)])
    assert decision.deliveries[0].id != first.deliveries[0].id
    assert fact(decision).data["deliveries"] == [decision.deliveries[0].id]
    assert fact(decision).data["contents"].keys() == {"camaloon"}  # Camaloon has the whole order now


def test_a_line_routed_to_the_oms_is_an_order_of_its_own(shop: Shop) -> None:
    shop.pays(line(MUG), line(BOX) | {"personalization": None})
    shop.changes(line(MUG), line(BOX) | {"personalization": design(BOX, "late")})
    decision = shop.gives(BOX, "oms")
    assert (sent(decision), items(decision)) == ([("oms", "create_order")], [("1001:XX-BOX", 1)])
    assert body(decision)["ecommerce_order_id"] == "1001"
    assert fact(decision).data.keys() == {"line", "destination", "deliveries", "told"}


@pytest.mark.parametrize("printer", ["cloudprinter", "printful"])
def test_a_line_routed_to_a_followed_printer_is_not_sent(shop: Shop, printer: str) -> None:
    shop.pays(line(BOX, 2))
    shop.shelf.events.clear()
    decision = shop.gives(BOX, printer)
    assert sent(decision) == []
    assert fact(decision).data == {"line": BOX, "destination": printer, "deliveries": []}


def test_a_routed_line_is_sent_as_the_shop_described_it_last(shop: Shop) -> None:
    shop.pays(line(BOX, 2))
    shop.changes(line(BOX, 5), note="Ring twice")
    decision = shop.gives(BOX, "camaloon")
    assert camaloon_lines(decision) == [(BOX, 5)]
    assert fact(decision).data["told"] == {"id": BOX, "sku": BOX, "quantity": 5, "price": "9.5"}


@pytest.mark.parametrize(
    ("line_id", "printer", "reason"),
    [
        ("9", "camaloon", "the order has no such line"),
        (PIN, "camaloon", "the line has a printer: camaloon"),
        (BOX, "oms", "the line has no personalization, which the OMS needs"),
    ],
)
def test_a_line_that_can_not_be_routed_is_refused(shop: Shop, line_id: str, printer: str, reason: str) -> None:
    with pytest.raises(Unprocessable, match="the order is not paid"):
        shop.gives(line_id, printer)
    shop.pays(line(PIN), line(BOX))
    with pytest.raises(Unprocessable, match=reason):
        shop.gives(line_id, printer)


def test_a_line_that_is_already_routed_or_removed_is_refused(shop: Shop) -> None:
    shop.pays(line(BOX), line(BOX, id="2"), line(BOX, id="3"), line(BOX, id="4"))
    shop.gives("2", "printful")
    with pytest.raises(Unprocessable, match="the line has a printer: printful"):
        shop.gives("2", "camaloon")
    shop.changes(line(BOX), line(BOX, id="2"), line(BOX, id="4"))
    for printer in ("camaloon", "printful"):
        with pytest.raises(Unprocessable, match="the shop has removed the line from the order"):
            shop.gives("3", printer)
    shop.cancels()
    with pytest.raises(Unprocessable, match="the shop has canceled the order"):
        shop.gives("4", "camaloon")


def test_a_line_can_be_sent_only_while_the_shops_message_is_stored(shop: Shop) -> None:
    shop.pays(line(BOX))
    shop.shelf.events.clear()
    with pytest.raises(Unprocessable, match="no longer kept after 45 days"):
        shop.gives(BOX, "camaloon")


def test_a_line_is_routed_once_however_often_the_event_is_processed(shop: Shop) -> None:
    shop.pays(line(BOX))
    shop.gives(BOX, "camaloon", id="asked")
    again = shop.gives(BOX, "camaloon", id="asked")
    assert (again.facts, again.deliveries) == ((), ())


def test_a_line_routed_to_camaloon_is_not_flagged_as_an_unsent_change(shop: Shop) -> None:
    lines = line(PIN), line(BOX)
    shop.pays(*lines)
    shop.gives(BOX, "camaloon")
    assert fact(shop.changes(*lines, at=60)).data["not_sent"] is False
    assert fact(shop.changes(line(PIN), line(BOX, 2), at=70)).data["not_sent"] is True
    alone = Shop()
    alone.pays(line(BOX))
    alone.gives(BOX, "camaloon")
    assert fact(alone.changes(line(BOX))).data["not_sent"] is False


def test_an_unsent_change_stays_flagged_when_another_line_is_routed_to_camaloon(shop: Shop) -> None:
    shop.pays(line(PIN, 1), line(BOX))
    shop.changes(line(PIN, 2), line(BOX), at=60)
    assert "contents" not in fact(shop.gives(BOX, "camaloon")).data
    assert fact(shop.changes(line(PIN, 2), line(BOX), at=70)).data["not_sent"] is True


# --- all of it together, with the lane and an OMS ---


def boxed(made: str) -> dict[str, Any]:
    """A line that no rule matched, which the shop personalised later."""
    return line(BOX) | {"personalization": design(BOX, made)}


def unwanted(world: World, *others: dict[str, Any]) -> None:
    """Pay for an order with a line that no rule matches, and that may be routed to the OMS."""
    world.receive("storefront.order_paid", content(*others, line(BOX)))
    world.receive("storefront.order_updated", content(*others, boxed("late"), at=60))


def give(world: World, line_id: str, printer: str) -> None:
    world.receive("ops.line_routed", {"order_id": "1001", "line_id": line_id, "destination": printer})


def test_an_update_from_before_a_line_was_routed_to_the_oms_does_not_delete_it_there() -> None:
    with World() as world:
        world.oms.faults = ["busy"]
        unwanted(world, line(MUG))
        world.send()  # and the update waits behind it
        world.receive("storefront.order_updated", content(line(MUG, 2), boxed("late"), at=70))
        give(world, BOX, "oms")
        world.settle()
        assert {name: item["quantity"] for name, item in world.oms.items().items()} == {
            "1001:OM-MUG": 2,
            "1001:XX-BOX": 1,
        }
        assert world.attention() == []


def test_a_line_routed_to_the_oms_and_removed_by_the_shop_is_deleted_there() -> None:
    with World() as world:
        unwanted(world, line(MUG))
        give(world, BOX, "oms")
        world.settle()
        world.receive("storefront.order_updated", content(line(MUG), at=70))
        world.settle()
        assert list(world.oms.items()) == ["1001:OM-MUG"]
        assert [each.status for each in world.order().lines] == [Status.ACCEPTED, Status.CANCELED]
        assert world.attention() == []
        world.receive("storefront.order_canceled", {"id": 1001})
        world.settle()
        assert (world.oms.orders, world.order().status, world.attention()) == ({}, Status.CANCELED, [])


def test_the_latest_change_arrives_even_if_the_update_before_it_was_never_sent() -> None:
    with World() as world:
        unwanted(world)
        give(world, BOX, "oms")
        world.receive("storefront.order_updated", content(boxed("new"), at=70))
        world.receive("storefront.order_updated", content(boxed("new"), at=80))  # so the one before is withdrawn
        world.settle()
        assert "new" in world.oms.items()["1001:XX-BOX"]["template_config"]


def test_a_line_that_is_restored_after_the_payment_left_it_out_is_flagged() -> None:
    with World() as world:
        world.receive("storefront.order_updated", content(line(SHIRT), at=60))
        world.receive("storefront.order_paid", content(line(MUG), line(SHIRT), line(PIN)))
        world.settle()
        assert [each.status for each in world.order().lines] == [Status.CANCELED, Status.ACCEPTED, Status.CANCELED]
        assert (world.attention(), world.camaloon_orders) == ([], [])
        world.receive("storefront.order_updated", content(line(MUG), line(SHIRT), at=70))
        world.settle()
        assert list(world.oms.items()) == ["1001:OM-SHIRT"]
        assert [each.status for each in world.order().lines] == [Status.PAID, Status.ACCEPTED, Status.CANCELED]
        assert world.attention() == ["change_not_sent"]
        world.receive("storefront.order_canceled", {"id": 1001})
        world.settle()
        assert (world.order().status, world.attention()) == (Status.CANCELED, [])


def test_a_line_that_is_restored_after_the_oms_deleted_its_order_is_canceled_and_flagged() -> None:
    with World() as world:
        world.receive("storefront.order_paid", content(line(MUG), line(PIN)))
        world.settle()
        world.receive("storefront.order_updated", content(line(PIN), at=60))
        world.settle()
        assert (world.oms.orders, world.attention()) == ({}, [])
        world.receive("storefront.order_updated", content(line(MUG), line(PIN), at=70))
        world.settle()
        assert (world.oms.orders, world.attention()) == ({}, ["canceled", "delivery_dead"])
        assert world.ends[-1] == ("update_order", "dead")


def test_the_shop_can_cancel_only_what_was_not_sent_to_camaloon() -> None:
    with World() as world:
        world.receive("storefront.order_paid", content(line(PIN), line(BOX)))
        world.settle()
        give(world, BOX, "camaloon")
        world.receive("storefront.order_canceled", {"id": 1001})
        world.settle()
        assert [[item["sku"] for item in each["line_items"]] for each in world.camaloon_orders] == [[PIN]]
        assert [each.status for each in world.order().lines] == [Status.ACCEPTED, Status.CANCELED]
        assert world.attention() == ["not_recalled"]


def test_a_dead_delivery_that_was_replayed_is_not_canceled_with_the_order() -> None:
    with World() as world:
        world.camaloon_refuses = True
        world.receive("storefront.order_paid", content(line(PIN)))
        world.settle()
        assert world.attention() == ["delivery_dead"]
        world.camaloon_refuses = False
        world.replay(world.dead[0])
        world.settle()
        world.receive("storefront.order_canceled", {"id": 1001})
        assert (world.order().lines[0].status, world.attention()) == (Status.ACCEPTED, ["not_recalled"])


def test_a_lost_answer_is_flagged_until_the_oms_was_looked_up() -> None:
    with World() as world:
        world.oms.faults = ["lost"]
        world.receive("storefront.order_paid", content(line(MUG)))
        world.send()
        world.give_up()
        assert world.attention() == ["answer_lost", "delivery_dead"]
        world.replay(world.dead[0])
        world.settle()
        assert (world.attention(), world.oms.created) == (["uid_unknown"], {"1001:OM-MUG": 1})


def test_a_change_that_may_have_been_sent_twice_is_not_flagged() -> None:
    with World() as world:
        world.receive("storefront.order_paid", content(line(MUG)))
        world.settle()
        world.oms.faults = ["lost"]
        world.receive("storefront.order_updated", content(line(MUG, 2), at=60))
        world.settle()
        assert (world.attention(), world.ends[-1]) == ([], ("update_order", "sent"))


# --- a design or a SKU that can't be used, and the update that mends it ---


def spoiled(sku: str, quantity: int = 1, **changes: Any) -> dict[str, Any]:
    """A line with a design that can't be used."""
    return line(sku, quantity) | {"personalization": design(sku, "spoiled") | {"thumbnails": None}} | changes


@pytest.fixture(name="camaloon_prints_the_rest")
def _camaloon_prints_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "RULES", routing.parse("CP-*=cloudprinter", "camaloon"))


@pytest.mark.usefixtures("camaloon_prints_the_rest")
def test_a_line_with_a_design_that_can_not_be_used_goes_nowhere_and_the_rest_is_printed() -> None:
    with World() as world:
        paid = world.receive("storefront.order_paid", content(spoiled(MUG), line(SHIRT), line(PIN)))
        world.settle()
        assert [each["destination"] for each in paid.data["lines"]] == [None, "oms", "camaloon"]
        assert paid.data["unusable"] == {MUG: "personalization.thumbnails"}
        assert world.camaloon_lines() == [PIN]
        assert list(world.oms.items()) == ["1001:OM-SHIRT"]
        assert (world.attention(), world.order().status) == (["line_unusable"], Status.PAID)
        assert world.order().lines[0].unusable == "personalization.thumbnails"


@pytest.mark.usefixtures("camaloon_prints_the_rest")
def test_the_update_that_mends_designs_sends_their_lines_in_one_order_once() -> None:
    with World() as world:
        world.receive("storefront.order_paid", content(spoiled(MUG), spoiled(SHIRT, 2), line(PIN)))
        world.settle()
        world.receive("storefront.order_updated", content(spoiled(MUG), spoiled(SHIRT, 2), line(PIN), at=30))
        assert world.attention() == ["line_unusable"]
        world.receive("storefront.order_updated", content(line(MUG), line(SHIRT, 2), line(PIN), at=60))
        world.settle()
        assert (world.oms.created, len(world.oms.orders)) == ({"1001:OM-MUG": 1, "1001:OM-SHIRT": 1}, 1)
        assert (world.attention(), [each.unusable for each in world.order().lines]) == ([], [None, None, None])
        assert {each.status for each in world.order().lines} == {Status.ACCEPTED}
        assert "because the shop has changed it" in " ".join(each.text for each in world.order().timeline)
        world.receive("storefront.order_updated", content(line(MUG, 3), line(SHIRT, 2), line(PIN), at=90))
        world.settle()
        assert (world.oms.items()["1001:OM-MUG"]["quantity"], world.attention()) == (3, [])
        assert world.camaloon_lines() == [PIN]


@pytest.mark.usefixtures("camaloon_prints_the_rest")
def test_a_line_whose_spoiled_design_an_update_leaves_out_is_still_personalised() -> None:
    with World() as world:
        world.receive("storefront.order_paid", content(spoiled(MUG)))
        world.receive("storefront.order_updated", content(line(MUG, 2, made=""), at=60))
        world.settle()
        assert (world.camaloon_orders, world.oms.orders, world.attention()) == ([], {}, ["line_unusable"])
        assert world.order().lines[0].quantity == 2
        world.receive("storefront.order_updated", content(line(MUG, 2), at=50))
        world.settle()
        assert (world.camaloon_orders, list(world.oms.items()), world.attention()) == ([], ["1001:OM-MUG"], [])
        assert world.oms.items()["1001:OM-MUG"]["quantity"] == 2


@pytest.mark.usefixtures("camaloon_prints_the_rest")
@pytest.mark.parametrize("mended", [True, False])
def test_an_update_before_the_payment_mends_or_spoils_a_design(*, mended: bool) -> None:
    first, second = (spoiled(MUG), line(MUG)) if mended else (line(MUG), spoiled(MUG))
    with World() as world:
        world.receive("storefront.order_updated", content(second, line(PIN), at=60))
        world.receive("storefront.order_paid", content(first, line(PIN)))
        world.settle()
        assert (list(world.oms.items()), world.camaloon_lines()) == (["1001:OM-MUG"] if mended else [], [PIN])
        assert world.attention() == ([] if mended else ["line_unusable"])
        world.receive("storefront.order_updated", content(line(MUG), line(PIN), at=90))
        world.settle()
        assert (world.oms.created, world.attention()) == ({"1001:OM-MUG": 1}, [])


def test_a_design_that_is_spoiled_after_it_was_sent_stays_at_the_oms_and_is_flagged_until_it_is_mended() -> None:
    with World() as world:
        world.receive("storefront.order_paid", content(line(MUG), line(SHIRT)))
        world.settle()
        world.receive("storefront.order_updated", content(spoiled(MUG), line(SHIRT), at=60))
        world.settle()
        assert "first" in world.oms.items()["1001:OM-MUG"]["template_config"]
        assert world.attention() == ["change_not_sent"]
        world.receive("storefront.order_updated", content(line(MUG, made="third"), line(SHIRT), at=90))
        world.settle()
        assert "third" in world.oms.items()["1001:OM-MUG"]["template_config"]
        assert world.attention() == []


@pytest.mark.usefixtures("camaloon_prints_the_rest")
def test_a_line_that_gets_its_sku_from_an_update_is_sent() -> None:
    with World() as world:
        nameless = [line("", id="a"), line("y" * 201, id="b"), line("", id="c")]
        world.receive("storefront.order_paid", content(*nameless, line(PIN)))
        world.settle()
        assert (world.attention(), world.camaloon_lines()) == (["line_unusable", "no_sku"], [PIN])
        named = [line(TOTE, id="a"), line(TOTE, id="b"), line(BOOK, id="c")]
        world.receive("storefront.order_updated", content(*named, line(PIN), at=60))
        world.settle()
        assert (world.attention(), world.camaloon_lines()) == ([], [PIN, TOTE, TOTE])
        assert [each.destination for each in world.order().lines] == [
            "camaloon",
            "camaloon",
            "cloudprinter",
            "camaloon",
        ]


def test_a_line_that_no_rule_wanted_is_not_routed_by_a_newer_rule(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.pays(line(BOX))
    monkeypatch.setattr(histories, "RULES", routing.parse("", "camaloon"))
    assert sent(shop.changes(line(BOX), note="Ring twice")) == []


def test_a_canceled_order_is_not_sent_because_a_design_is_mended(shop: Shop) -> None:
    shop.pays(spoiled(MUG))
    shop.cancels()
    assert sent(shop.changes(line(MUG))) == []


def test_an_update_that_is_decided_again_adds_nothing(shop: Shop) -> None:
    shop.pays(spoiled(MUG))
    told = content(line(MUG), at=60)
    assert len(shop.says("storefront.order_updated", told, id="again").facts) == 2
    again = shop.says("storefront.order_updated", told, id="again")
    assert (again.facts, again.deliveries) == ((), ())


FAULTS = (None, None, None, None, "busy", "unreceived", "lost", "anonymous", 400)


class Story:
    """A shop that sends messages, an OMS that fails if it is `troubled`, and a person who helps, all at random."""

    def __init__(self, random: Random, world: World, *, troubled: bool) -> None:
        self.random, self.world, self.troubled = random, world, troubled
        skus = random.choices((MUG, MUG, SHIRT, PIN, BOX, BOOK), k=random.randint(1, 4))
        self.first = [line(sku, random.randint(1, 3), str(number)) for number, sku in enumerate(skus, start=1)]
        if random.random() < 0.2:
            self.first[0] |= {"personalization": "spoiled"} if self.first[0]["sku"] in (MUG, SHIRT) else {}
        self.said: list[tuple[int, list[dict[str, Any]]]] = [(0, self.first)]
        self.at = 0

    def messages(self) -> list[tuple[str, dict[str, Any]]]:
        """The shop's messages, which arrive in any order."""
        told = [("storefront.order_paid", content(*self.first))]
        lines = self.first
        for _ in range(self.random.randint(0, 4)):
            self.at += 30
            before, lines = lines, self.changed(lines)
            self.said.append((self.at, lines))
            shown = without_designs(lines, before) if self.random.random() < 0.3 else lines
            told.append(("storefront.order_updated", content(*shown, at=self.at, note=f"Ring {self.at} times")))
        if self.random.random() < 0.2:
            told.append(("storefront.order_canceled", {"id": 1001}))
        if self.random.random() < 0.4:
            self.random.shuffle(told)
        return told

    def changed(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        lines = [dict(each) for each in lines]
        one = self.random.choice(lines)
        match self.random.choice(("quantity", "design", "design", "spoiled", "less", "back", "nothing")):
            case "quantity":
                one["quantity"] = self.random.randint(1, 3)
            case "design" if one["sku"] in (MUG, SHIRT, BOX):
                one["personalization"] = design(one["sku"], f"of {len(self.said)}")
            case "spoiled" if one["sku"] in (MUG, SHIRT):
                one["personalization"] = design(one["sku"], f"of {len(self.said)}") | {"thumbnails": 7}
            case "less" if len(lines) > 1:
                lines.remove(one)
            case "back":
                gone = [each for each in self.first if each["id"] not in {line["id"] for line in lines}]
                lines += gone[:1]
        return lines

    def tell(self) -> None:
        world, messages = self.world, self.messages()
        while messages or world.queue:
            if self.troubled:
                world.oms.faults = [self.random.choice(FAULTS) for _ in range(2)]
            step = self.random.random()
            if messages and (not world.queue or step < 0.3):
                world.receive(*messages.pop(0))
            elif world.queue:
                world.now += self.random.choice((1, 400))
                world.give_up() if self.troubled and step > 0.9 else world.send()
            if self.random.random() < 0.2:
                self.help()
        world.oms.faults = []
        for _ in range(6):
            world.settle()
            for each in list(world.dead):
                world.replay(each)
        world.settle()

    def help(self) -> None:
        """Do what a person may do: replay a delivery, or route a line to a printer."""
        if self.world.dead and self.random.random() < 0.5:
            self.world.replay(self.random.choice(self.world.dead))
        loose = [each.id for each in self.world.order().lines if each.destination is None]
        if loose and self.random.random() < 0.5:
            try:
                give(self.world, self.random.choice(loose), self.random.choice(("oms", "camaloon", "printful")))
            except Unprocessable:
                return


def without_designs(lines: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the designs that have not changed."""
    known = [(each["id"], each.get("personalization")) for each in before]
    return [
        {name: value for name, value in each.items() if name != "personalization" or (each["id"], value) not in known}
        for each in lines
    ]


DELETE = "delete_order"
CANNOT_BE_TOLD = {"delivery_dead", "uid_unknown", "change_not_sent", "canceled"}
"""The reasons for attention where the OMS may not have the order as the record shows it."""


@each_seed(400)
def test_in_the_end_every_printer_has_the_shops_order_once_or_it_is_flagged(random: Random) -> None:
    troubled = random.random() < 0.5
    with World() as world:
        story = Story(random, world, troubled=troubled)
        story.tell()
        order, told = world.order(), set(world.attention())
        revoked = any(each.kind == "revoked" for each in world.shelf.facts)
        assert all(times == 1 for times in world.oms.created.values())
        assert troubled or not {"answer_lost", "uid_unknown"} & told
        # An update deletes an order whose lines the shop has all removed; if it restores one, the order is flagged.
        deleted = any(each.data.get("deleted") for each in world.shelf.facts if each.data.get("operation") != DELETE)
        assert troubled or deleted or "delivery_dead" not in told
        if not told & CANNOT_BE_TOLD:
            wanted = {} if revoked else {each["id"]: each for each in max(story.said, key=lambda said: said[0])[1]}
            going = [each for each in order.lines if each.status is not Status.CANCELED]
            assert {each.id for each in going if each.destination in ("oms", None)} == {
                each.id for each in order.lines if each.destination in ("oms", None) and each.id in wanted
            }
            assert {name: made(item) for name, item in world.oms.items().items()} == {
                f"1001:{each.id}": (wanted[each.id]["quantity"], each.variant, design_of(wanted[each.id]))
                for each in going
                if each.destination == "oms"
            }
            if story.at and not revoked:
                assert {each["note"] for each in world.oms.orders.values()} <= {f"Ring {story.at} times"}
        sent_to_camaloon = sorted(
            (item["sku"], item["quantity"]) for each in world.camaloon_orders for item in each["line_items"]
        )
        assert sent_to_camaloon == sorted((each.sku, each.quantity) for each in order.lines if is_camaloons(each))
        ended = {each.data["delivery_id"] for each in world.shelf.facts if each.kind in ("sent", "dead", "withdrawn")}
        assert {world.deliveries[each].operation for each in world.deliveries.keys() - ended} <= {"update_order"}
        assert "delivery_dead" in told or ended == world.deliveries.keys()


def made(item: dict[str, Any]) -> tuple[int, str, str]:
    return item["quantity"], item["ecommerce_variant_id"], item["template_config"]


def design_of(told: dict[str, Any]) -> str:
    found: str = told["personalization"]["template_config"]
    return found


def is_camaloons(each: Line) -> bool:
    return each.destination == "camaloon" and each.status is Status.ACCEPTED


def test_an_order_that_is_changed_all_the_time_can_still_be_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list(shop.pays(line(MUG)).deliveries)
    for at in range(1, 120):
        made += shop.changes(line(MUG, at), at=at).deliveries
    asked: list[tuple[str, str]] = []

    def get_together(keys: Iterable[tuple[str, str]]) -> list[table.Item | None]:
        asked.extend(keys)
        return [None] * len(asked)

    monkeypatch.setattr(repository, "get", lambda _: repository.Row(1, shop.shelf.facts))
    monkeypatch.setattr(table, "get_together", get_together)
    repository.get_with_deliveries("1001")
    ids = [each.id for each in made]
    assert asked == [("ORDER", "1001"), *(("DELIVERY", each) for each in [*ids[:49], *ids[-49:]])]


# --- at the same time ---


@pytest.mark.parametrize(
    ("late", "first", "operations", "pieces"),
    [
        ("order_paid", "order_updated", ["order_paid", "create_order"], 5),
        ("order_updated", "order_paid", ["order_paid", "create_order", "update_order"], 1),
        ("order_canceled", "order_paid", ["order_paid", "create_order", "delete_order"], 1),
    ],
)
def test_a_decision_is_repeated_on_facts_that_another_writer_added(
    late: str, first: str, operations: list[str], pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function reads the order, decides, and writes if no other has written; here another writes in between."""
    messages: dict[str, dict[str, Any]] = {
        "order_paid": content(line(MUG, 1), line(PIN)),
        "order_updated": content(line(MUG, 5), line(PIN), at=60),
        "order_canceled": {"id": 1001},
    }
    shelf, meanwhile = Shelf(), [first]
    row, deliveries = repository.Row(), list[table.Item]()

    def write(put: table.Item, others: list[table.Item]) -> bool:
        nonlocal row
        if meanwhile:
            receive(meanwhile.pop())
        new = repository.row_of(put["Item"])
        if new.version != row.version + 1:
            return False
        row = new
        deliveries.extend(each["Put"]["Item"] for each in others)
        return True

    def receive(name: str) -> None:
        raw = json.dumps(messages[name]).encode()
        event = Event(
            id=name, provider="storefront", topic=name, received_at=instant(9_000), state=State.RECEIVED, body=raw
        )
        shelf.events[name] = event
        topic = about_orders()[f"storefront.{name}"]
        repository.apply(topic.decide(reading.read(topic.model, raw)[0], event), pause=lambda _: None)

    monkeypatch.setattr("pressroom.platform.config.setting", {"TABLE_NAME": "table", "STOREFRONT_URL": ""}.__getitem__)
    monkeypatch.setattr(events, "get", shelf.events.get)
    monkeypatch.setattr(repository, "get", lambda _: row)
    monkeypatch.setattr(repository, "write", write)
    monkeypatch.setattr(customers, "digests", lambda _: [])
    monkeypatch.setattr(repository, "_index_for_search", lambda *_: None)
    receive(late)
    assert {each.id for each in row.facts} == {late, first}
    assert [each["operation"]["S"] for each in deliveries] == operations
    assert [each["operation"]["S"] for each in deliveries if "dispatch" in each] == ["order_paid", "create_order"]
    assert json.loads(table.unpack(deliveries[1]["body"]))["items"][0]["quantity"] == pieces
