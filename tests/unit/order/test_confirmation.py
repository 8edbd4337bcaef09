"""The shop's changes of lines at followed printers: they count once the printer's own order shows them."""

from itertools import permutations

import pytest

from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.model import Order, Status
from pressroom.order.reasons import Attention
from tests.unit.order.test_rules import (
    BOOK,
    BOX,
    CARD,
    MUG,
    OWN,
    PIN,
    TEE,
    at_camaloon,
    changed,
    contents,
    cp,
    item,
    paid,
    parcel,
    pf,
    quantities,
    record,
    revoked,
    routed,
    statuses,
)

LARGE = "PF-TEE-LARGE"
SHIPPED, CANCELED = Status.SHIPPED, Status.CANCELED


def at_once(*facts: Fact) -> Order:
    """Return the record of facts that are received in any order."""
    (first, *others) = (fold("1001", order) for order in permutations(facts))
    assert all(other == first for other in others)
    return first


def listed(*items: dict[str, object], at: int, status: str = "pending", number: int = 98765432) -> Fact:
    return pf("order_updated", status, *items, at=at, number=number)


def left(*items: dict[str, object], at: int = 20) -> Fact:
    """Return the parcel with everything that Printful lists."""
    pieces = [(int(str(each["id"])), int(str(each["quantity"]))) for each in items]
    return pf("package_shipped", "fulfilled", *items, at=at, shipment=parcel(7, *pieces))


# --- Printful: the shop first, or Printful first ---


@pytest.mark.parametrize(("shop", "printful"), [(5, 6), (6, 5), (5, 5)])
@pytest.mark.parametrize("pieces", [1, 7])
def test_other_pieces_count_once_both_say_them(pieces: int, shop: int, printful: int) -> None:
    first, before = paid((TEE, 4)), listed(item(1, "1", TEE, 4), at=1)
    after = item(1, "1", TEE, pieces)
    shown = at_once(first, before, changed(first, (TEE, pieces), at=shop), listed(after, at=printful), left(after))
    assert (quantities(shown), shown.status, shown.attention) == ([(TEE, pieces)], SHIPPED, [])
    assert contents(shown) == [[("1", pieces)]]


def test_a_change_by_one_side_alone_is_flagged() -> None:
    first, before = paid((TEE, 4), (MUG, 1)), listed(item(1, "1", TEE, 4), item(2, "2", MUG), at=1)
    for update in (
        changed(first, (TEE, 3), (MUG, 1), at=5),
        changed(first, (LARGE, 4), (MUG, 1), at=5),
        changed(first, (TEE, 4), at=5),
        changed(first, (TEE, 4), (MUG, 1), (TEE, 1), at=5),
    ):
        shown = record(first, before, update)
        assert (quantities(shown), shown.attention) == ([(TEE, 4), (MUG, 1)], [Attention.CHANGE_NOT_SENT])
    gone = record(first, before, listed(item(1, "1", TEE, 4), at=5))
    assert (statuses(gone), gone.attention) == ([Status.ACCEPTED, Status.PAID], [Attention.LINE_MISSING])


def test_different_changes_are_flagged() -> None:
    first, before = paid((TEE, 4)), listed(item(1, "1", TEE, 4), at=1)
    shown = record(first, before, changed(first, (TEE, 3), at=5), listed(item(1, "1", TEE, 2), at=6))
    assert (quantities(shown), shown.attention) == ([(TEE, 4)], [Attention.CHANGE_NOT_SENT])


def test_a_line_stays_as_both_said_when_one_side_says_more() -> None:
    first, two = paid((TEE, 4)), item(1, "1", TEE, 2)
    facts = [first, listed(two, at=2), changed(first, (TEE, 2), at=5), left(two, at=6)]
    shown = record(*facts, changed(first, (TEE, 3), at=9))
    assert (quantities(shown), shown.status, shown.attention) == ([(TEE, 2)], SHIPPED, [Attention.CHANGE_NOT_SENT])
    back = record(*facts, changed(first, (TEE, 3), at=9), changed(first, (TEE, 2), at=10))
    assert (back.status, back.attention) == (SHIPPED, [])


def test_a_change_and_its_reversal_by_both_leave_the_order_as_it_was() -> None:
    first, four, two = paid((TEE, 4)), item(1, "1", TEE, 4), item(1, "1", TEE, 2)
    facts = [first, listed(two, at=2), changed(first, (TEE, 2), at=3), changed(first, (TEE, 4), at=5)]
    shown = record(*facts, left(four))
    assert (quantities(shown), shown.status, shown.attention) == ([(TEE, 4)], SHIPPED, [])


@pytest.mark.parametrize("ref", ["1", None])
@pytest.mark.parametrize("number", [1, 2])  # Printful changes its item, or makes another one
def test_another_size_counts_once_both_say_it(number: int, ref: str | None) -> None:
    first, before = paid((TEE, 1), (MUG, 1)), listed(item(1, "1", TEE), item(9, "2", MUG), at=1)
    after = [item(number, ref, LARGE, variant=4018), item(9, "2", MUG)]
    facts = [first, before, changed(first, (LARGE, 1), (MUG, 1), at=5), listed(*after, at=6)]
    assert record(*facts).attention == []
    shown = record(*facts, left(*after))
    assert (quantities(shown), shown.status, shown.attention) == ([(LARGE, 1), (MUG, 1)], SHIPPED, [])
    other = record(first, before, changed(first, (LARGE, 1), (MUG, 1), at=5), listed(item(2, "1", "PF-OTHER"), at=6))
    assert Attention.CHANGE_NOT_SENT in other.attention


def test_a_removed_line_is_canceled_once_printful_does_not_have_it() -> None:
    first, tee = paid((TEE, 1), (MUG, 1)), item(1, "1", TEE)
    before = listed(tee, item(2, "2", MUG), at=1)
    shown = at_once(first, before, changed(first, (TEE, 1), at=5), listed(tee, at=4), left(tee))
    assert (statuses(shown), shown.status, shown.attention) == ([SHIPPED, CANCELED], SHIPPED, [])
    assert [line.canceled_quantity for line in shown.lines] == [0, 1]


def test_a_removed_line_that_printful_has_again_goes_on_and_is_flagged() -> None:
    first, tee, mug = paid((TEE, 1), (MUG, 1)), item(1, "1", TEE), item(2, "2", MUG)
    facts = [first, listed(tee, at=1), changed(first, (TEE, 1), at=5)]
    assert statuses(record(*facts)) == [Status.ACCEPTED, CANCELED]
    for later in (listed(tee, mug, at=6), pf("order_created", "pending", mug, at=6, number=2)):
        shown = record(*facts, later)
        assert (statuses(shown), shown.attention) == ([Status.ACCEPTED] * 2, [Attention.CHANGE_NOT_SENT])
    back = record(*facts, changed(first, (TEE, 1), (MUG, 1), at=6))
    assert (statuses(back), back.attention) == ([Status.ACCEPTED, Status.PAID], [Attention.LINE_MISSING])


@pytest.mark.parametrize("ref", ["2", None, "elsewhere"])
def test_an_added_line_counts_once_printful_has_it(ref: str | None) -> None:
    first, tee, mug = paid((TEE, 1)), item(1, "1", TEE), item(2, ref, MUG, 3)
    facts = [first, listed(tee, at=1), changed(first, (TEE, 1), (MUG, 3), at=5)]
    assert (quantities(record(*facts)), record(*facts).attention) == ([(TEE, 1)], [Attention.CHANGE_NOT_SENT])
    shown = record(*facts, listed(tee, mug, at=4), left(tee, mug))
    assert [(line.id, line.destination, line.price) for line in shown.lines][1:] == [("2", "printful", "9.5")]
    assert (quantities(shown), shown.status, shown.attention) == ([(TEE, 1), (MUG, 3)], SHIPPED, [])
    fewer = record(*facts, listed(tee, item(2, ref, MUG, 2), at=4))
    assert Attention.CHANGE_NOT_SENT in fewer.attention
    again = record(*facts, listed(tee, mug, at=6), changed(first, (TEE, 1), at=7), listed(tee, at=8))
    assert (statuses(again), again.attention) == ([Status.ACCEPTED, CANCELED], [])


@pytest.mark.parametrize("same_item", [True, False])
def test_a_line_that_the_shop_replaces_by_another_one_is_what_printful_has(same_item: bool) -> None:
    """Many shops can't change a line: they remove it, and add one of another size."""
    first, before = paid((TEE, 1)), listed(item(1, "1", TEE), at=1)
    after = item(1, "1", LARGE) if same_item else item(2, None, LARGE)
    facts = [first, before, changed(first, (TEE, 0), (LARGE, 1), at=5), listed(after, at=6)]
    shown = record(*facts, left(after))
    assert (quantities(shown), statuses(shown)) == ([(TEE, 1), (LARGE, 1)], [CANCELED, SHIPPED])
    assert (shown.status, shown.attention, contents(shown)) == (SHIPPED, [], [[("2", 1)]])
    more = item(1, "1", TEE, 5)
    shown = record(first, before, changed(first, (TEE, 0), (TEE, 5), at=5), left(more))
    assert (statuses(shown), shown.attention, contents(shown)) == ([CANCELED, SHIPPED], [], [[("2", 5)]])


def test_everything_may_change_before_printful_has_the_order() -> None:
    first, tee = paid((TEE, 3), (MUG, 1)), item(1, "1", LARGE, 2)
    facts = [first, changed(first, (LARGE, 2), at=1)]
    assert record(*facts).attention == [Attention.CHANGE_NOT_SENT]
    shown = record(*facts, pf("order_created", "pending", tee, at=9), left(tee))
    assert (statuses(shown), shown.status, shown.attention) == ([SHIPPED, CANCELED], SHIPPED, [])


def test_a_change_counts_in_the_order_that_was_made_anew() -> None:
    first, four, two = paid((TEE, 4)), item(1, "1", TEE, 4), item(2, "1", TEE, 2)
    update, again = changed(first, (TEE, 2), at=5), pf("order_created", "pending", two, at=6, number=2)
    for end in ("order_canceled", "canceled"), ("order_updated", "draft"), ("order_failed", "failed"):
        facts = [first, listed(four, at=1), pf(end[0], end[1], four, at=3), update]
        assert quantities(record(*facts)) == [(TEE, 4)]
        assert quantities(record(*facts, again)) == [(TEE, 2)]
    both = record(first, listed(four, at=1), update, again)  # both are made
    assert quantities(both) == [(TEE, 4)]


def test_items_of_the_same_sku_confirm_their_lines_together() -> None:
    first, update = paid((TEE, 2), (TEE, 1)), [(TEE, 2), (TEE, 3)]
    facts = [first, listed(item(1, None, TEE, 3), at=1), changed(first, *update, at=5)]
    for items in ([item(1, None, TEE, 5)], [item(1, "1", TEE, 2), item(2, None, TEE, 3)]):
        shown = record(*facts, listed(*items, at=6), left(*items))
        assert (quantities(shown), shown.status, shown.attention) == (update, SHIPPED, [])
    for items in ([item(1, None, TEE, 4)], [item(1, "1", TEE, 3), item(2, None, TEE, 2)]):
        assert quantities(record(*facts, listed(*items, at=6))) == [(TEE, 2), (TEE, 1)]
    one = item(1, None, TEE, 2)
    shown = record(first, listed(item(1, None, TEE, 3), at=1), changed(first, (TEE, 2), at=5), left(one))
    assert (statuses(shown), shown.attention) == ([SHIPPED, CANCELED], [])
    kept = record(first, changed(first, (TEE, 0), (TEE, 1), at=5), left(item(1, None, TEE, 1)))
    assert (statuses(kept), contents(kept), kept.attention) == ([CANCELED, SHIPPED], [[("2", 1)]], [])
    more = record(first, listed(item(1, None, TEE, 3), at=1), changed(first, (TEE, 2), at=5))
    assert (statuses(more), more.attention) == ([Status.ACCEPTED] * 2, [Attention.CHANGE_NOT_SENT])


def test_pieces_that_left_before_are_not_canceled() -> None:
    first, three = paid((TEE, 4)), item(1, "1", TEE, 3)
    early = pf("package_shipped", "partial", item(1, "1", TEE, 4), at=2, shipment=parcel(7, (1, 3)))
    shown = record(first, early, changed(first, (TEE, 3), at=5), listed(three, at=6, status="fulfilled"))
    assert (quantities(shown), shown.status, shown.attention) == ([(TEE, 3)], SHIPPED, [])
    fewer = record(first, early, changed(first, (TEE, 2), at=5), listed(item(1, "1", TEE, 2), at=6))
    assert (fewer.status, fewer.attention) == (SHIPPED, [Attention.OVER_SHIPPED])


def test_a_line_routed_by_hand_to_printful_changes_as_the_others() -> None:
    first = paid((BOX, 2), (PIN, 1))
    told = {"id": "1", "sku": BOX, "quantity": 3, "price": "9.5"}
    facts = [first, changed(first, (BOX, 3), (PIN, 1), at=1), routed("1", "printful", at=2, told=told)]
    assert quantities(record(*facts))[0] == (BOX, 3)
    update = changed(first, (BOX, 5), (PIN, 1), at=5)
    assert record(*facts, update).attention == [Attention.CHANGE_NOT_SENT]
    shown = record(*facts, update, listed(item(1, "1", BOX, 5), at=6))
    assert (quantities(shown)[0], shown.attention) == ((BOX, 5), [])


def test_an_unrouted_line_that_the_shop_and_its_printer_removed_is_canceled() -> None:
    first, tee, box = paid((TEE, 1), (BOX, 1)), item(1, "1", TEE), item(2, "2", BOX)
    facts = [first, listed(tee, box, at=1), changed(first, (TEE, 1), at=5)]
    assert record(*facts).attention == [Attention.CHANGE_NOT_SENT, Attention.UNROUTABLE]
    shown = record(*facts, listed(tee, at=6))
    assert (statuses(shown), shown.attention) == ([Status.ACCEPTED, CANCELED], [])


# --- other printers beside it ---


def test_the_flag_goes_only_when_every_printer_has_the_change() -> None:
    first, tee = paid((TEE, 4), (PIN, 2)), item(1, "1", TEE, 2)
    facts = [first, at_camaloon("sent"), listed(tee, at=6)]
    both = changed(first, (TEE, 2), (PIN, 3), at=5)
    shown = record(*facts, both)
    assert (quantities(shown), shown.attention) == ([(TEE, 2), (PIN, 2)], [Attention.CHANGE_NOT_SENT])
    only = record(*facts, changed(first, (TEE, 2), (PIN, 2), at=5))
    assert (quantities(only), only.attention) == ([(TEE, 2), (PIN, 2)], [])
    address = record(*facts, changed(first, (TEE, 2), (PIN, 2), at=5, ref="other"))
    assert address.attention == [Attention.CHANGE_NOT_SENT]
    new = record(*facts, changed(first, (TEE, 2), (PIN, 2), (PIN, 1), at=5))
    assert (quantities(new), new.attention) == ([(TEE, 2), (PIN, 2)], [Attention.CHANGE_NOT_SENT])
    own = record(first, listed(tee, at=6), changed(first, (TEE, 2), (PIN, 2), (OWN, 1), at=5))
    assert (quantities(own), own.attention) == ([(TEE, 2), (PIN, 2)], [Attention.CHANGE_NOT_SENT])


def test_a_change_before_the_payment_is_in_the_payment() -> None:
    first = paid((TEE, 4), at=5)
    shown = record(first, changed(first, (TEE, 2), at=4), listed(item(1, "1", TEE, 2), at=6))
    assert (quantities(shown), shown.attention) == ([(TEE, 4)], [])


def test_a_canceled_order_needs_no_confirmation() -> None:
    first = paid((TEE, 4))
    facts = [first, listed(item(1, "1", TEE, 4), at=1), changed(first, (TEE, 2), (MUG, 1), at=5), revoked()]
    assert record(*facts, pf("order_canceled", "canceled", at=10)).attention == []


# --- Cloudprinter: items one by one, without pieces ---


def test_a_removed_line_is_canceled_once_cloudprinter_has_reported_all_others() -> None:
    first = paid((BOOK, 1), (CARD, 1), (BOOK, 2))
    facts = [first, changed(first, (BOOK, 1), (CARD, 1), at=2), cp("item_validated", 1, "1", at=5)]
    assert (statuses(record(*facts))[2], record(*facts).attention) == (Status.PAID, [Attention.CHANGE_NOT_SENT])
    shown = at_once(*facts, cp("item_shipped", 2, "2", at=6, tracking="3S2"))
    assert (statuses(shown), shown.attention) == ([Status.ACCEPTED, SHIPPED, CANCELED], [])
    known = [*facts, cp("item_validated", 2, "2", at=6)]
    late = at_once(*known, cp("item_produce", 3, "3", at=7))
    assert (statuses(late)[2], late.attention) == (Status.IN_PRODUCTION, [Attention.CHANGE_NOT_SENT])
    stopped = record(*known, cp("item_validated", 3, "3", at=3), cp("item_canceled", 3, "3", at=7))
    assert (statuses(stopped)[2], stopped.attention) == (CANCELED, [])


def test_a_line_stays_if_cloudprinter_has_reported_nothing_else() -> None:
    first = paid((BOOK, 1), (PIN, 1))
    shown = record(first, changed(first, (BOOK, 0), (PIN, 1), at=2), cp("order_validated", at=5))
    assert (statuses(shown)[0], shown.attention) == (Status.ACCEPTED, [Attention.CHANGE_NOT_SENT])


def test_other_pieces_are_flagged_because_cloudprinter_reports_none() -> None:
    first = paid((CARD, 3))
    for at in (2, 9):
        shown = record(first, cp("item_validated", 1, "1", at=5), changed(first, (CARD, 2), at=at))
        assert (quantities(shown), shown.attention) == ([(CARD, 3)], [Attention.CHANGE_NOT_SENT])


def test_another_product_counts_if_cloudprinters_reference_is_the_sku() -> None:
    first, update = paid((BOOK, 2)), [(CARD, 2)]
    for ref, wanted in ((CARD, update), ("1", [(BOOK, 2)])):
        shown = record(first, cp("item_validated", 1, ref, at=5), changed(first, *update, at=6))
        assert quantities(shown) == wanted
        assert shown.attention == ([] if wanted == update else [Attention.CHANGE_NOT_SENT])


@pytest.mark.parametrize("ref", ["2", CARD])
def test_an_added_line_counts_once_cloudprinter_reports_its_item(ref: str) -> None:
    first = paid((BOOK, 1))
    facts = [first, cp("item_validated", 1, "1", at=2), changed(first, (BOOK, 1), (CARD, 3), at=3)]
    assert record(*facts).attention == [Attention.CHANGE_NOT_SENT]
    facts.append(cp("item_shipped", 2, ref, at=6, tracking="3S1"))
    shown = record(*facts)
    assert (quantities(shown), statuses(shown)) == ([(BOOK, 1), (CARD, 3)], [Status.ACCEPTED, SHIPPED])
    assert shown.attention == []
    more = record(*facts, changed(first, (BOOK, 1), (CARD, 4), at=4))
    assert (quantities(more), more.attention) == ([(BOOK, 1), (CARD, 3)], [Attention.CHANGE_NOT_SENT])


def test_what_both_said_once_stays_when_the_shop_or_cloudprinter_goes_on() -> None:
    first = paid((BOOK, 1))
    facts = [first, cp("item_validated", 1, "1", at=2), changed(first, (BOOK, 1), (CARD, 3), at=3)]
    facts.append(cp("item_validated", 2, "2", at=4))
    removed = record(*facts, changed(first, (BOOK, 1), at=5))
    assert (quantities(removed), removed.attention) == ([(BOOK, 1), (CARD, 3)], [Attention.CHANGE_NOT_SENT])
    gone = record(*facts, changed(first, (BOOK, 1), at=5), cp("item_canceled", 2, "2", at=6))
    assert (statuses(gone), gone.attention) == ([Status.ACCEPTED, CANCELED], [])
    ended = record(*facts, cp("order_canceled", at=6))
    assert (quantities(ended), ended.status) == ([(BOOK, 1), (CARD, 3)], CANCELED)
    assert ended.attention == [Attention.CANCELED]


def test_what_both_said_once_stays_when_printful_goes_on() -> None:
    first, two = paid((TEE, 4)), item(1, "1", TEE, 2)
    shown = record(first, listed(two, at=4), changed(first, (TEE, 2), at=5), listed(item(1, "1", TEE, 3), at=6))
    assert quantities(shown) == [(TEE, 2)]
    over = record(first, listed(two, at=4), changed(first, (TEE, 2), at=5), left(item(1, "1", TEE, 3)))
    assert over.attention == [Attention.OVER_SHIPPED]


def test_a_line_with_its_own_item_is_confirmed_whatever_is_said_of_others_of_its_sku() -> None:
    first, update = paid((TEE, 2), (TEE, 1)), [(TEE, 3), (TEE, 5)]
    items = item(1, "1", TEE, 3), item(2, "2", TEE, 1)
    shown = record(first, changed(first, *update, at=5), listed(*items, at=6))
    assert (quantities(shown), shown.attention) == ([(TEE, 3), (TEE, 1)], [Attention.CHANGE_NOT_SENT])


def test_a_removed_line_is_canceled_if_cloudprinter_has_several_items_of_another_one() -> None:
    first = paid((BOOK, 1), (CARD, 1))
    items = [cp("item_validated", number, "1", at=number) for number in (1, 2)]
    shown = record(first, *items, changed(first, (BOOK, 1), at=5))
    assert (statuses(shown), shown.attention) == ([Status.ACCEPTED, CANCELED], [])
