"""Examples of every rule of the fold: messages as the shop and the printers send them, and the resulting record.

The tests follow the order of the table in `pressroom.order.fold`, and of the sentences below it.
"""

from dataclasses import replace
from typing import Any

import pytest

from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.model import ApprovalFile, Batch, Costs, LineError, Order, PrintFile, Status
from pressroom.order.outbox import Delivery
from pressroom.order.reasons import Attention
from tests.support.histories import START, Shelf, design, instant, read
from tests.support.samples import order, shipment

ORDER = "1001"
CP_ORDER, PF_ORDER = 21034900000000, 98765432
BOOK, CARD, TEE, MUG, PIN = "CP-BOOK", "CP-CARD", "PF-TEE", "PF-MUG", "CM-PIN"
"""Routed by their prefixes: Cloudprinter, Printful, Camaloon."""
OWN, SHIRT, BOX = "OM-MUG", "OM-SHIRT", "XX-BOX"
"""The first two are personalised, and routed to the OMS; the third matches no rule."""
CAMALOON = Delivery.to("camaloon", "order_paid", order_id=ORDER, body=b"", now=START).id
CREATE = Delivery.to("oms", "create_order", order_id=ORDER, body=b"", now=START).id


def record(*facts: Fact, order_id: str = ORDER) -> Order:
    """Return the record of facts, which is the same in any order of arrival."""
    assert len({fact.id for fact in facts}) == len(facts)
    folded = fold(order_id, facts)
    assert fold(order_id, facts[::-1]) == folded
    return folded


def fact_from(topic: str, content: object, *, at: int, id: str = "", **rest: Any) -> Fact:  # noqa: A002
    """Return the fact of a message, `at` minutes after the payment."""
    (fact,) = read(topic, content, received_at=instant(60 * at), event_id=id or f"{topic}@{at}", **rest).facts
    return fact


def bought(*lines: tuple[str, int], at: int) -> dict[str, Any]:
    """Return the shop's order with lines of (SKU, quantity), numbered by position; quantity 0 leaves a line out."""
    items = [
        {"id": number, "sku": sku, "quantity": quantity, "price": 9.5}
        | ({"personalization": design(sku, "first")} if sku.startswith("OM-") else {})
        for number, (sku, quantity) in enumerate(lines, start=1)
        if quantity
    ]
    bought_at: dict[str, Any] = order(line_items=items, processed_at=instant(0), created_at=instant(0))
    return bought_at | {"updated_at": instant(60 * at)}


def paid(*lines: tuple[str, int], at: int = 0, **changes: Any) -> Fact:
    content = bought(*lines, at=at) | {"processed_at": instant(60 * at), "created_at": instant(60 * at)}
    return fact_from("storefront.order_paid", content, at=at, **changes)


def changed(payment: Fact, *lines: tuple[str, int], at: int, bare: bool = False, **changes: Any) -> Fact:
    """Return an update of a paid order; with `bare`, the shop leaves the designs out."""
    content = bought(*lines, at=at)
    if bare:
        for line in content["line_items"]:
            line.pop("personalization", None)
    shelf = Shelf([payment], {})
    return fact_from("storefront.order_updated", content | changes, at=at, shelf=shelf)


def revoked(at: int = 9, **why: Any) -> Fact:
    return fact_from("storefront.order_canceled", {"id": 1001} | why, at=at)


def routed(line: str, printer: str, *, at: int = 1, **data: Any) -> Fact:
    """Return the fact that a person routed a line to a printer."""
    when = instant(60 * at)
    about = {"line": line, "destination": printer, "deliveries": []}
    source = "ops.line_routed"
    return Fact(id=f"routed@{at}", kind="routed", source=source, at=when, received_at=when, data=about | data)


def end(kind: str, delivery_id: str, destination: str, operation: str, *, at: int, **data: Any) -> Fact:
    """Return the end of a delivery."""
    about = {"delivery_id": delivery_id, "destination": destination, "operation": operation, "answer_lost": False}
    about |= {"reason": "HTTP 503"} if kind == "dead" else {}
    when, source = instant(60 * at), f"deliver.{destination}"
    name = f"{delivery_id}/{kind}@{at}"
    return Fact(id=name, kind=kind, source=source, at=when, received_at=when, data=about | data)


def at_oms(kind: str, operation: str = "create_order", *, at: int = 1, name: str = "", **data: Any) -> Fact:
    return end(kind, name or (CREATE if operation == "create_order" else operation), "oms", operation, at=at, **data)


def created(*lines: str, uid: str = "O1", known: bool = True, at: int = 1, **data: Any) -> Fact:
    """Return the end of a create: the OMS has an order with these lines."""
    items: list[dict[str, Any]] = [{"item": f"U{each}", "ref": each} for each in lines]
    if not known:
        items = [{"item": f"1001:{each}", "ref": each, "unknown": True} for each in lines]
    return at_oms("sent", at=at, provider="oms", order=uid if known else "", items=items, uid_known=known, **data)


def print_file(line: str, status: str, *, at: int, url: str | None = None) -> Fact:
    when, source = instant(60 * at), "oms.print_file"
    data = {"provider": "oms", "ref": line, "status": status, "url": url}
    return Fact(id=f"print/{line}/{at}", kind="print_file", source=source, at=when, received_at=when, data=data)


def batched(line: str, status: str | None, *, at: int, uid: str | None = "B1") -> Fact:
    when, source = instant(60 * at), "deliver.oms"
    data = {"provider": "oms", "ref": line, "batch": "b", "uid": uid, "status": status}
    return Fact(id=f"batch/b/{line}/{at}", kind="batched", source=source, at=when, received_at=when, data=data)


def camaloon(*lines: tuple[str, int], tracking: str = "T1", at: int = 5, **rest: Any) -> Fact:
    return fact_from("camaloon.shipment_sent", shipment(*lines, tracking=tracking), at=at, **rest)


def at_camaloon(kind: str, *, at: int = 1, **data: Any) -> Fact:
    """Return the end of the delivery to Camaloon."""
    return end(kind, CAMALOON, "camaloon", "order_paid", at=at, **data)


def cp(name: str, item: int = 0, ref: str | None = None, *, at: int, whose: object = ORDER, **data: Any) -> Fact:
    """Return a signal of Cloudprinter about an item, or about the whole order."""
    number = data.pop("order", CP_ORDER)
    content = {"type": name, "order": number, "order_reference": whose, "datetime": instant(60 * at)}
    if item:
        content |= {"item": number + item, "item_reference": ref}
    return fact_from(f"cloudprinter.{name}", content | data, at=at, id=f"{name}@{at}/{item}/{number}")


def item(number: int, ref: str | None, sku: str | None, quantity: int = 1, variant: int = 4017) -> dict[str, Any]:
    """Return an item of Printful."""
    product = {"product_id": 71, "variant_id": variant}
    shown = {"id": number, "external_id": ref, "sku": sku, "quantity": quantity}
    return shown | {"variant_id": variant, "product": product}


TEES = item(1, "1", TEE, 4)


def pf(
    name: str, status: str, *items: dict[str, Any], at: int, whose: object = 1001, number: int = PF_ORDER, **data: Any
) -> Fact:
    """Return an event of Printful about an order with these items."""
    printful_order = {"id": number, "external_id": whose, "status": status, "items": list(items or (TEES,))}
    printful_order |= data.pop("order", {})
    content = {"type": name, "created": int(START.timestamp()) + 60 * at, "data": data | {"order": printful_order}}
    return fact_from(f"printful.{name}", content, at=at, id=f"{name}@{at}/{number}")


def parcel(number: int, *contents: tuple[int, int], **changes: Any) -> dict[str, Any]:
    """Return a parcel of Printful with pieces by item."""
    items = [{"item_id": each, "quantity": pieces} for each, pieces in contents]
    return {"id": number, "carrier": "FEDEX", "tracking_number": f"78{number}", "items": items} | changes


def sent(number: int, *contents: tuple[int, int], at: int, **changes: Any) -> Fact:
    return pf("package_shipped", "partial", at=at, shipment=parcel(number, *contents, **changes))


def stock(*out: str, at: int, tie: str = "") -> Fact:
    """Return a fact about the stock of a product: which of its variants are out of stock."""
    when = instant(60 * at)
    data = {"provider": "printful", "product": "71", "version": f"{when} {tie}", "out": list(out)}
    source = "printful.stock_updated"
    return Fact(id=f"stock@{at}{tie}{out}", kind="stock", source=source, at=when, received_at=when, data=data)


def statuses(shown: Order) -> list[Status]:
    return [line.status for line in shown.lines]


def shipped(shown: Order) -> list[int]:
    return [line.shipped_quantity for line in shown.lines]


def contents(shown: Order) -> list[list[tuple[str | None, int]]]:
    return [[(line.line_id, line.quantity) for line in each.lines] for each in shown.shipments]


# --- paid, paid_again, sent, dead: test_fold.py has more of these ---


def test_a_payment_sets_the_lines_the_currency_and_the_ref() -> None:
    shown = record(paid((BOOK, 2), (TEE, 1)))
    assert [(line.id, line.sku, line.quantity, line.destination) for line in shown.lines] == [
        ("1", BOOK, 2, "cloudprinter"),
        ("2", TEE, 1, "printful"),
    ]
    assert (shown.currency, shown.ref, shown.status) == ("EUR", "20260901003", Status.PAID)
    assert statuses(shown) == [Status.PAID, Status.PAID]


def test_a_second_payment_only_flags_the_order() -> None:
    first = paid((TEE, 1))
    shown = record(first, paid((BOOK, 9), at=1, conflict=True, id="again"))
    assert (shown.lines, shown.attention) == (record(first).lines, [Attention.PAID_TWICE])


def test_lines_of_a_sent_delivery_are_accepted_and_it_is_not_dead() -> None:
    shown = record(paid((PIN, 1), (TEE, 1)), at_camaloon("dead", at=2, reason="HTTP 503"), at_camaloon("sent"))
    assert (statuses(shown), shown.attention) == ([Status.ACCEPTED, Status.PAID], [])


@pytest.mark.parametrize("kind", ["sent", "dead"])
def test_a_lost_answer_is_flagged(kind: str) -> None:
    end = at_camaloon(kind, reason="timed out", answer_lost=True)
    assert Attention.ANSWER_LOST in record(paid((PIN, 1)), end).attention


# --- routed ---


def test_an_unroutable_line_is_flagged_until_a_person_routes_it() -> None:
    first = paid((BOX, 2), (PIN, 1))
    assert record(first).attention == [Attention.UNROUTABLE]
    shown = record(first, routed("1", "printful"))
    assert ([line.destination for line in shown.lines], shown.attention) == (["printful", "camaloon"], [])


def test_a_long_reason_does_not_lose_the_cancellation() -> None:
    assert revoked(reason="y" * 9_000).data["reason"] == "y" * 1_000
    assert revoked(reason=None).data["reason"] is None


def test_a_line_without_a_sku_is_flagged_and_keeps_no_order_open() -> None:
    payment = paid((PIN, 1), ("", 1))
    shown = record(payment)
    assert [(line.sku, line.destination) for line in shown.lines] == [(PIN, "camaloon"), ("", None)]
    assert shown.attention == [Attention.NO_SKU]
    shown = record(payment, camaloon((PIN, 1)))
    assert (shown.status, statuses(shown)) == (Status.SHIPPED, [Status.SHIPPED, Status.PAID])
    assert shown.attention == [Attention.NO_SKU]
    shown = record(payment, changed(payment, (PIN, 1), at=2), camaloon((PIN, 1)))
    assert (shown.status, shown.attention) == (Status.SHIPPED, [])


def test_an_order_of_lines_without_a_sku_is_paid() -> None:
    shown = record(paid(("", 1)))
    assert (shown.status, shown.attention) == (Status.PAID, [Attention.NO_SKU])


def test_a_line_that_gets_a_sku_later_needs_a_printer() -> None:
    payment = paid((TEE, 1), ("", 1))
    assert record(payment, changed(payment, (TEE, 1), (BOX, 1), at=2)).attention == [Attention.UNROUTABLE]


def test_an_item_without_a_sku_is_not_taken_for_a_line_without_one() -> None:
    shown = record(paid((PIN, 1), ("", 1)), camaloon(("", 1)))
    assert shown.shipments[0].lines[0].line_id is None
    assert shown.attention == [Attention.NO_SKU, Attention.UNKNOWN_SKU]


def test_a_line_is_routed_once() -> None:
    shown = record(paid((BOX, 1)), routed("1", "printful", at=2), routed("1", "camaloon", at=1))
    assert shown.lines[0].destination == "camaloon"
    assert record(paid((PIN, 1)), routed("1", "printful")).lines[0].destination == "camaloon"


def test_a_line_is_routed_with_its_contents_at_that_time() -> None:
    now = {"id": "1", "sku": "XX-CRATE", "quantity": 5, "price": "3.0"}
    line = record(paid((BOX, 2)), routed("1", "camaloon", told=now, deliveries=["camaloon-x"])).lines[0]
    assert (line.sku, line.quantity, line.price) == ("XX-CRATE", 5, "3.0")


def test_each_of_two_deliveries_to_a_printer_is_about_its_own_lines() -> None:
    facts = [paid((PIN, 1), (BOX, 1)), routed("2", "camaloon", deliveries=["camaloon-x"]), at_camaloon("sent")]
    assert statuses(record(*facts)) == [Status.ACCEPTED, Status.PAID]
    other = end("sent", "camaloon-x", "camaloon", "order_paid", at=3)
    assert statuses(record(*facts, other)) == [Status.ACCEPTED, Status.ACCEPTED]
    gone = end("withdrawn", "camaloon-x", "camaloon", "order_paid", at=3)
    assert statuses(record(*facts, revoked(at=2), gone)) == [Status.ACCEPTED, Status.CANCELED]


# --- updated ---


def quantities(shown: Order) -> list[tuple[str, int]]:
    return [(line.sku, line.quantity) for line in shown.lines]


def test_the_latest_update_sets_the_lines_at_the_oms() -> None:
    first = paid((OWN, 2), (SHIRT, 1))
    updates = [changed(first, (OWN, 5), (SHIRT, 1), at=5), changed(first, (OWN, 3), (SHIRT, 4), at=4)]
    shown = record(first, created("1", "2"), *updates)
    assert (quantities(shown), shown.attention) == ([(OWN, 5), (SHIRT, 1)], [])
    assert statuses(shown) == [Status.ACCEPTED, Status.ACCEPTED]
    assert shown.timeline[-1].text == "Changed by the shop"


def test_an_update_older_than_the_payment_changes_nothing() -> None:
    first = paid((OWN, 2), (PIN, 1), at=5)
    before = changed(first, (OWN, 5), (PIN, 7), (BOX, 1), at=4)
    assert record(first, before).lines == record(first).lines
    assert record(first, before).attention == []
    assert quantities(record(first, changed(first, (OWN, 5), (PIN, 1), at=5))) == [(OWN, 5), (PIN, 1)]


def test_a_line_that_the_shop_removes_is_canceled_without_attention() -> None:
    first = paid((OWN, 2), (SHIRT, 1), (BOX, 1))
    shown = record(first, created("1", "2"), changed(first, (OWN, 2), at=5))
    assert (statuses(shown), shown.attention) == ([Status.ACCEPTED, Status.CANCELED, Status.CANCELED], [])
    assert [line.canceled_quantity for line in shown.lines] == [0, 1, 1]
    assert shown.status is Status.ACCEPTED
    nothing = record(first, created("1", "2"), changed(first, (BOX, 0), (BOX, 0), (BOX, 0), (PIN, 1), at=5))
    assert (nothing.status, nothing.attention) == (Status.CANCELED, [Attention.CHANGE_NOT_SENT])  # for the fourth line


def test_a_line_that_the_shop_adds_again_goes_on() -> None:
    first = paid((OWN, 2), (SHIRT, 1))
    facts = [first, created("1", "2"), changed(first, (OWN, 2), at=5), changed(first, (OWN, 2), (SHIRT, 1), at=6)]
    assert statuses(record(*facts)) == [Status.ACCEPTED, Status.ACCEPTED]


def test_the_latest_update_sets_an_unrouted_line_which_stays_unroutable() -> None:
    first = paid((BOX, 2))
    shown = record(first, changed(first, (BOX, 5), at=5))
    assert (quantities(shown), shown.attention) == ([(BOX, 5)], [Attention.UNROUTABLE])


def test_a_change_of_a_line_at_a_printer_is_flagged_until_it_is_reversed() -> None:
    first = paid((PIN, 2), (BOOK, 1), (OWN, 1))
    for late in (
        changed(first, (PIN, 3), (BOOK, 1), (OWN, 1), at=5),
        changed(first, (PIN, 2), (CARD, 1), (OWN, 1), at=5),
        changed(first, (PIN, 2), (BOOK, 0), (OWN, 1), at=5),
        changed(first, (PIN, 2), (BOOK, 1), (OWN, 1), (SHIRT, 1), at=5),
    ):
        shown = record(first, late)
        assert (quantities(shown), shown.attention) == ([(PIN, 2), (BOOK, 1), (OWN, 1)], [Attention.CHANGE_NOT_SENT])
        assert record(first, late, changed(first, (PIN, 2), (BOOK, 1), (OWN, 4), at=6)).attention == []


def test_a_late_removal_is_resolved_when_the_printer_cancels_the_line() -> None:
    first = paid((PIN, 2), (BOOK, 1))
    gone = changed(first, (PIN, 2), at=5)
    shown = record(first, gone, cp("item_canceled", 1, "2", at=6))
    assert (statuses(shown), shown.attention) == ([Status.PAID, Status.CANCELED], [])


def test_a_change_outside_the_lines_is_flagged_while_a_line_is_open() -> None:
    first = paid((PIN, 2), (OWN, 1))
    late = changed(first, (PIN, 2), (OWN, 1), at=5, ref="other")
    assert record(first, late).attention == [Attention.CHANGE_NOT_SENT]
    assert (
        record(first, late).timeline[-1].text
        == "Changed by the shop; a printer can't make a part of the change any more"
    )
    assert record(first, late, changed(first, (PIN, 2), (OWN, 1), at=6)).attention == []
    withdrawn = [at_camaloon("withdrawn", at=10), at_oms("withdrawn", at=10)]
    assert record(first, late, revoked(), *withdrawn).attention == []


def test_the_variant_comes_from_the_latest_design_that_the_shop_sent() -> None:
    first = paid((OWN, 2), (BOX, 1))
    assert [line.variant for line in record(first).lines] == ["OM-MUG/v", None]
    other = changed(first, (SHIRT, 2), (BOX, 1), at=5)
    assert record(first, other).lines[0].variant == "OM-SHIRT/v"
    bare = changed(first, (SHIRT, 3), (BOX, 1), at=6, bare=True)
    line = record(first, other, bare).lines[0]
    assert (line.variant, line.quantity) == ("OM-SHIRT/v", 3)
    boxed = [{"id": 2, "sku": BOX, "quantity": 1, "price": 9.5, "personalization": design(BOX, "late")}]
    late = changed(first, at=7, line_items=boxed)
    assert record(first, late, routed("2", "oms")).lines[1].variant == "XX-BOX/v"


def test_an_update_of_an_unpaid_order_is_flagged() -> None:
    shown = record(fact_from("storefront.order_updated", bought((OWN, 1), at=5), at=5))
    assert (shown.lines, shown.status, shown.attention) == ([], Status.PAID, [Attention.UNPAID])


def test_a_line_removed_before_the_payment_is_canceled_and_flagged_if_added_again() -> None:
    shelf = Shelf()
    early = fact_from("storefront.order_updated", bought((OWN, 0), (PIN, 1), at=1), at=1, shelf=shelf)
    first = fact_from("storefront.order_paid", bought((OWN, 2), (PIN, 1), at=0), at=2, shelf=shelf)
    shown = record(early, first, at_camaloon("sent", at=3))
    assert (statuses(shown), shown.attention) == ([Status.CANCELED, Status.ACCEPTED], [])
    back = changed(first, (OWN, 2), (PIN, 1), at=5)
    shown = record(early, first, at_camaloon("sent", at=3), back)
    assert (statuses(shown), shown.attention) == ([Status.PAID, Status.ACCEPTED], [Attention.CHANGE_NOT_SENT])
    assert statuses(record(early, first, back, revoked())) == [Status.CANCELED, Status.PAID]


def test_an_unrouted_line_that_a_printer_makes_is_not_removed() -> None:
    first = paid((BOX, 1), (PIN, 1))
    made = cp("item_produce", 1, "1", at=2)
    shown = record(first, made, changed(first, (BOX, 0), (PIN, 1), at=5))
    assert statuses(shown) == [Status.IN_PRODUCTION, Status.PAID]
    assert shown.attention == [Attention.CHANGE_NOT_SENT, Attention.UNROUTABLE]


# --- revoked ---


def test_a_canceled_order_that_was_not_sent_is_canceled() -> None:
    shown = record(paid((BOX, 2)), revoked(reason="customer"))
    assert (shown.status, statuses(shown), shown.attention) == (Status.CANCELED, [Status.CANCELED], [])
    assert shown.timeline[-1].text == "Canceled by the shop: customer"


def test_lines_of_withdrawn_deliveries_are_canceled() -> None:
    facts = [paid((PIN, 1), (OWN, 1)), revoked(), at_camaloon("withdrawn", at=10), at_oms("withdrawn", at=10)]
    assert (record(*facts).status, record(*facts).attention) == (Status.CANCELED, [])


def test_an_order_at_camaloon_is_not_recalled() -> None:
    facts = [paid((PIN, 1)), revoked()]
    assert record(*facts).attention == []  # its delivery will be withdrawn, or is being sent
    shown = record(*facts, at_camaloon("sent", at=10))
    assert (shown.status, shown.attention) == (Status.ACCEPTED, [Attention.NOT_RECALLED])


def test_an_order_at_a_followed_printer_is_not_recalled_until_the_printer_cancels_it() -> None:
    facts = [paid((TEE, 4)), revoked()]
    assert (record(*facts).status, record(*facts).attention) == (Status.PAID, [Attention.NOT_RECALLED])
    shown = record(*facts, pf("order_canceled", "canceled", at=10))
    assert (shown.status, shown.attention) == (Status.CANCELED, [])


def test_an_unrouted_line_that_a_printer_makes_is_not_recalled() -> None:
    shown = record(paid((BOX, 1)), cp("item_produce", 1, "1", at=2), revoked())
    assert statuses(shown) == [Status.IN_PRODUCTION]
    assert Attention.NOT_RECALLED in shown.attention


def test_an_order_deleted_at_the_oms_is_canceled() -> None:
    facts = [paid((OWN, 2), (SHIRT, 1)), created("1", "2"), print_file("1", "ready", at=3, url="https://f"), revoked()]
    assert (record(*facts).status, record(*facts).attention) == (Status.ACCEPTED, [])
    deleted = at_oms("sent", "delete_order", at=10, provider="oms", deleted=["O1"])
    assert (record(*facts, deleted).status, record(*facts, deleted).attention) == (Status.CANCELED, [])
    refused = at_oms("dead", "delete_order", at=10)
    assert record(*facts, refused).attention == [Attention.DELIVERY_DEAD, Attention.NOT_RECALLED]


def test_a_line_in_a_batch_can_not_be_removed() -> None:
    facts = [paid((OWN, 2), (SHIRT, 1)), created("1", "2"), batched("1", "Batching", at=4)]
    deleted = at_oms("sent", "delete_order", at=10, provider="oms", deleted=["O1"])
    assert record(*facts, revoked(), deleted).attention == [Attention.NOT_RECALLED]
    changed = at_oms("sent", "update_order", at=10, provider="oms", deleted=[], changed=["1"])
    assert record(*facts, changed).attention == [Attention.CHANGE_NOT_SENT]


def test_a_changed_design_has_no_print_file() -> None:
    facts = [paid((OWN, 2)), created("1"), print_file("1", "processingfailed", at=3)]
    assert record(*facts).attention == [Attention.PRINT_FILE_FAILED]
    changed = at_oms("sent", "update_order", at=10, provider="oms", deleted=[], changed=["1"])
    assert (record(*facts, changed).attention, record(*facts, changed).lines[0].print_file) == ([], None)


def test_a_line_without_a_print_template_is_flagged_until_it_has_one() -> None:
    facts = [paid((OWN, 2)), created("1"), print_file("1", "no_template", at=3)]
    assert record(*facts).attention == [Attention.NO_TEMPLATE]
    assert record(*facts, print_file("1", "waiting", at=4)).attention == []


def test_only_the_lines_of_the_deleted_order_at_the_oms_are_canceled() -> None:
    facts = [paid((OWN, 2), (BOX, 1)), routed("2", "oms", deliveries=["oms-x"]), created("1")]
    facts.append(created("2", uid="O2", at=2, name="oms-x"))
    deleted = at_oms("sent", "update_order", at=10, provider="oms", deleted=["O2"])
    assert statuses(record(*facts, deleted)) == [Status.ACCEPTED, Status.CANCELED]
    assert record(*facts, deleted).attention == [Attention.CANCELED]


def test_a_cancellation_ends_a_dead_delivery_that_was_not_received() -> None:
    facts = [paid((PIN, 1), (OWN, 1)), at_camaloon("dead", at=3), at_oms("dead", at=3)]
    assert record(*facts).attention == [Attention.DELIVERY_DEAD]
    assert (record(*facts, revoked()).status, record(*facts, revoked()).attention) == (Status.CANCELED, [])


def test_a_cancellation_does_not_end_a_dead_delivery_with_a_lost_answer() -> None:
    facts = [paid((OWN, 1)), at_oms("dead", at=3, answer_lost=True), revoked()]
    shown = record(*facts)
    assert (shown.status, shown.attention) == (Status.PAID, [Attention.ANSWER_LOST, Attention.DELIVERY_DEAD])
    assert record(*facts, at_oms("withdrawn", at=10)).status is Status.CANCELED
    assert record(*facts, at_oms("withdrawn", at=10)).attention == []


def test_a_delivery_sent_after_it_was_dead_is_not_canceled_with_the_order() -> None:
    facts = [paid((PIN, 1)), at_camaloon("dead", at=3), at_camaloon("sent", at=4), revoked()]
    assert (record(*facts).status, record(*facts).attention) == (Status.ACCEPTED, [Attention.NOT_RECALLED])


def test_a_canceled_unpaid_order_needs_attention_only_if_a_printer_makes_it() -> None:
    assert (record(revoked()).status, record(revoked()).attention) == (Status.CANCELED, [])
    shown = record(revoked(), cp("item_produce", 1, "1", at=2))
    assert shown.status is Status.PAID
    assert shown.attention == [Attention.NOT_RECALLED, Attention.UNPAID]
    whole, refunded = cp("order_validated", at=2), pf("order_refunded", "pending", at=2, amount="1.00")
    assert record(revoked(), whole).attention == [Attention.UNPAID]  # its lines are not known
    assert record(revoked(), refunded).attention == [Attention.NOT_RECALLED, Attention.UNPAID]


def test_a_cancellation_before_the_payment_counts() -> None:
    shown = record(revoked(at=1), paid((BOX, 1), (TEE, 1), at=5))
    assert (statuses(shown), shown.attention) == ([Status.CANCELED, Status.PAID], [Attention.NOT_RECALLED])


# --- sent, dead, withdrawn at the OMS ---


def test_lines_at_the_oms_are_accepted_and_have_uids() -> None:
    shown = record(paid((OWN, 2), (SHIRT, 1), (PIN, 1)), created("1", "2"))
    assert statuses(shown) == [Status.ACCEPTED, Status.ACCEPTED, Status.PAID]
    assert [line.uid for line in shown.lines] == ["U1", "U2", None]
    assert [(each.provider, each.id) for each in shown.provider_orders] == [("oms", "O1")]


def test_an_order_with_an_unknown_uid_is_flagged_while_it_is_open() -> None:
    facts = [paid((OWN, 2), (PIN, 1)), created("1", known=False)]
    shown = record(*facts)
    assert (statuses(shown), shown.lines[0].uid, shown.provider_orders) == ([Status.ACCEPTED, Status.PAID], None, [])
    assert shown.attention == [Attention.UID_UNKNOWN]
    assert record(*facts, changed(facts[0], (OWN, 0), (PIN, 1), at=5)).attention == []


@pytest.mark.parametrize("operation", ["update_order", "delete_order"])
def test_a_lost_answer_to_a_change_at_the_oms_is_not_flagged(operation: str) -> None:
    facts = [paid((OWN, 2)), created("1")]
    assert record(*facts, at_oms("sent", operation, at=5, answer_lost=True)).attention == []
    assert record(*facts, at_oms("dead", operation, at=5, answer_lost=True)).attention == [Attention.DELIVERY_DEAD]


def test_a_lost_answer_to_a_create_is_flagged_until_the_oms_resolves_it() -> None:
    facts = [paid((OWN, 2)), at_oms("dead", at=2, answer_lost=True)]
    assert record(*facts).attention == [Attention.ANSWER_LOST, Attention.DELIVERY_DEAD]
    assert record(*facts, created("1", at=3)).attention == []
    assert record(*facts, created("1", known=False, at=3)).attention == [Attention.UID_UNKNOWN]
    assert record(*facts, at_oms("dead", at=3)).attention == [Attention.DELIVERY_DEAD]


def uid_found(*lines: str, uid: str = "O9", at: int = 5, delivery: str = CREATE) -> Fact:
    when, items = instant(60 * at), [{"item": f"U{each}", "ref": each} for each in lines]
    data = {"provider": "oms", "order": uid, "items": items, "delivery_ids": [delivery]}
    return Fact(id=f"uid/{uid}/0", kind="uid_found", source="ops", at=when, received_at=when, data=data)


def test_an_order_that_a_person_finds_at_the_oms_is_the_one_whose_uid_was_unknown() -> None:
    facts = [paid((OWN, 2), (PIN, 1)), created("1", known=False), uid_found("1")]
    known = record(*facts)
    assert (known.attention, known.lines[0].uid, known.lines[0].status) == ([], "U1", Status.ACCEPTED)
    assert [each.id for each in known.provider_orders] == ["O9"]
    assert fold(ORDER, facts * 2) == known
    deleted = at_oms("sent", "delete_order", at=10, provider="oms", deleted=["O9"])
    assert record(*facts, revoked(), deleted).lines[0].status is Status.CANCELED


def test_another_order_at_the_oms_stays_unknown() -> None:
    facts = [paid((OWN, 2), (OWN, 1)), created("1", known=False), uid_found("2", delivery="another")]
    assert record(*facts).attention == [Attention.UID_UNKNOWN]


def test_a_withdrawn_update_changes_nothing() -> None:
    facts = [paid((OWN, 2)), created("1"), at_oms("dead", "update_order", at=5)]
    assert record(*facts).attention == [Attention.DELIVERY_DEAD]
    shown = record(*facts, at_oms("withdrawn", "update_order", at=6))
    assert (statuses(shown), shown.attention) == ([Status.ACCEPTED], [])


# --- print_file ---


@pytest.mark.parametrize("status", ["received", "processing", "rendered"])
def test_an_unfinished_print_file_shows_the_status_of_the_oms(status: str) -> None:
    shown = record(paid((OWN, 2), (SHIRT, 1)), created("1", "2"), print_file("1", status, at=3))
    assert shown.lines[0].print_file == PrintFile(status=status, url=None, at=instant(180))
    assert (shown.lines[1].print_file, statuses(shown)) == (None, [Status.ACCEPTED, Status.ACCEPTED])
    assert shown.attention == []


def test_a_line_with_a_ready_print_file_stays_in_production() -> None:
    facts = [paid((OWN, 2)), created("1"), print_file("1", "ready", at=5, url="https://oms.example/1.pdf")]
    shown = record(*facts)
    assert shown.lines[0].print_file == PrintFile(status="ready", url="https://oms.example/1.pdf", at=instant(300))
    assert (shown.status, shown.attention) == (Status.IN_PRODUCTION, [])
    assert record(*facts, print_file("1", "processing", at=6)).status is Status.IN_PRODUCTION
    assert record(*facts, print_file("1", "processing", at=4)).lines == shown.lines


@pytest.mark.parametrize(
    ("status", "attention"),
    [("processingfailed", Attention.PRINT_FILE_FAILED), ("given_up", Attention.PRINT_FILE_LATE)],
)
def test_a_failed_or_late_print_file_is_flagged_until_it_is_ready_or_not_needed(
    status: str, attention: Attention
) -> None:
    facts = [paid((OWN, 2), (SHIRT, 1)), created("1", "2"), print_file("1", status, at=5)]
    assert (statuses(record(*facts)), record(*facts).attention) == ([Status.ACCEPTED] * 2, [attention])
    for later in ("processing", "ready"):
        assert record(*facts, print_file("1", later, at=6)).attention == []
    assert record(*facts, print_file("1", "ready", at=4)).attention == [attention]
    assert record(*facts, changed(facts[0], (OWN, 0), (SHIRT, 1), at=6)).attention == []


# --- batched ---


def test_a_line_in_a_batch_is_in_production() -> None:
    shown = record(paid((OWN, 2), (SHIRT, 1)), created("1", "2"), batched("1", "Batching", at=5))
    assert shown.lines[0].batch == Batch(id="b", uid="B1", status="Batching")
    assert (shown.lines[1].batch, statuses(shown)) == (None, [Status.IN_PRODUCTION, Status.ACCEPTED])
    assert shown.attention == []
    without_uid = record(paid((OWN, 2)), created("1"), batched("1", None, uid=None, at=5))
    assert (without_uid.lines[0].batch, without_uid.status) == (
        Batch(id="b", uid=None, status=None),
        Status.IN_PRODUCTION,
    )


def test_a_dead_batch_is_flagged_until_it_is_sent_or_its_line_is_canceled() -> None:
    facts = [paid((OWN, 2), (SHIRT, 1)), created("1", "2"), batched("1", "dead", uid=None, at=5)]
    assert (statuses(record(*facts)), record(*facts).attention) == ([Status.ACCEPTED] * 2, [Attention.BATCH_DEAD])
    shown = record(*facts, batched("1", "Batching", at=6))
    assert (statuses(shown), shown.attention) == ([Status.IN_PRODUCTION, Status.ACCEPTED], [])
    assert record(*facts, changed(facts[0], (OWN, 0), (SHIRT, 1), at=6)).attention == []


# --- progress ---


@pytest.mark.parametrize(
    ("signal", "status"),
    [
        ("item_validated", Status.ACCEPTED),
        ("item_produce", Status.IN_PRODUCTION),
        ("item_produced", Status.PRODUCED),
        ("item_packed", Status.PACKED),
        ("item_delivery_started", Status.SHIPPED),
        ("item_delivery_completed", Status.DELIVERED),
    ],
)
def test_a_signal_sets_the_stage_of_its_item(signal: str, status: Status) -> None:
    shown = record(paid((BOOK, 3), (CARD, 1)), cp(signal, 1, "1", at=1))
    assert statuses(shown) == [status, Status.PAID]


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("draft", Status.PAID),
        ("pending", Status.ACCEPTED),
        ("inreview", Status.ACCEPTED),
        ("inprocess", Status.IN_PRODUCTION),
        ("onhold", Status.ACCEPTED),
        ("partial", Status.IN_PRODUCTION),
        ("fulfilled", Status.IN_PRODUCTION),
        ("archived", Status.PAID),
        ("failed", Status.FAILED),
        ("canceled", Status.CANCELED),
    ],
)
@pytest.mark.parametrize("topic", ["order_created", "order_updated"])
def test_a_printful_status_sets_the_stage_of_its_order(topic: str, status: str, stage: Status) -> None:
    shown = record(paid((TEE, 4)), pf(topic, status, at=1))
    assert (shown.status, statuses(shown)) == (stage, [stage])
    assert [(each.provider, each.id, each.status) for each in shown.provider_orders] == [
        ("printful", str(PF_ORDER), status)
    ]


def test_a_validated_order_is_accepted_line_by_line() -> None:
    shown = record(paid((BOOK, 3), (CARD, 1), (TEE, 1)), cp("order_validated", at=1))
    assert statuses(shown) == [Status.ACCEPTED, Status.ACCEPTED, Status.PAID]


def test_a_stage_never_goes_backwards() -> None:
    late = record(paid((BOOK, 3)), cp("item_packed", 1, "1", at=1), cp("item_produce", 1, "1", at=9))
    assert late.status is Status.PACKED


def test_the_status_of_an_order_is_that_of_its_slowest_line() -> None:
    facts = [paid((BOOK, 3), (CARD, 1)), cp("item_produce", 1, "1", at=1), cp("item_produced", 2, "2", at=2)]
    assert record(*facts).status is Status.IN_PRODUCTION
    assert record(*facts, cp("item_produced", 1, "1", at=3)).status is Status.PRODUCED


def test_an_order_with_a_shipped_line_is_partially_shipped_at_any_stage_of_the_rest() -> None:
    facts = [paid((BOOK, 3), (CARD, 1)), cp("item_packed", 1, "1", at=1)]
    for left in (cp("item_shipped", 2, "2", at=2, tracking="3S1"), cp("item_delivery_started", 2, "2", at=2)):
        assert record(*facts, left).status is Status.PARTIALLY_SHIPPED


# --- shipped ---


def test_a_parcel_is_in_the_ledger_with_its_pieces() -> None:
    shown = record(paid((TEE, 4), (MUG, 1)), sent(7, (1, 3), at=5))
    (one,) = shown.shipments
    assert (one.id, one.provider, one.carrier, one.tracking_number) == ("7", "printful", "FEDEX", "787")
    assert (one.shipped_at, one.reshipment, one.returned) == (instant(300), False, False)
    assert contents(shown) == [[("1", 3)]]
    assert (shipped(shown), statuses(shown)) == ([3, 0], [Status.PARTIALLY_SHIPPED, Status.PAID])
    assert shown.status is Status.PARTIALLY_SHIPPED


def test_parcels_add_up_to_the_order() -> None:
    shown = record(paid((TEE, 4)), sent(7, (1, 3), at=5), sent(8, (1, 1), at=6))
    assert (shown.status, shipped(shown), shown.attention) == (Status.SHIPPED, [4], [])


def test_a_parcel_reported_again_has_the_latest_tracking_and_all_its_pieces() -> None:
    shown = record(paid((TEE, 4)), sent(7, (1, 3), at=5), sent(7, (1, 2), at=6, tracking_number="NEW", carrier=None))
    (one,) = shown.shipments
    assert (one.tracking_number, one.carrier, contents(shown)) == ("NEW", "FEDEX", [[("1", 3)]])
    assert shipped(shown) == [3]


def test_an_earlier_tracking_received_later_is_not_the_latest() -> None:
    late = replace(sent(7, (1, 3), at=5), received_at=instant(9_000))
    shown = record(paid((TEE, 4)), late, sent(7, (1, 3), at=6, tracking_number="NEW"))
    assert shown.shipments[0].tracking_number == "NEW"


def test_a_reshipment_is_marked_and_adds_no_pieces() -> None:
    again = sent(8, (1, 4), at=9, reshipment=True)
    shown = record(paid((TEE, 4)), sent(7, (1, 4), at=5), again)
    assert [each.reshipment for each in shown.shipments] == [False, True]
    assert (shipped(shown), shown.attention) == ([4], [])
    partly = record(paid((TEE, 4)), sent(7, (1, 2), at=5), sent(8, (1, 2), at=9, reshipment=True))
    assert (shipped(partly), partly.status) == ([2], Status.PARTIALLY_SHIPPED)


def test_a_reshipment_without_a_first_parcel_counts() -> None:
    shown = record(paid((TEE, 4)), sent(8, (1, 4), at=9, reshipment=True))
    assert (shipped(shown), shown.status, shown.attention) == ([4], Status.SHIPPED, [])


def test_a_parcel_shows_that_its_printer_has_the_order() -> None:
    assert statuses(record(paid((PIN, 1), (PIN, 4)), camaloon((PIN, 1)))) == [Status.SHIPPED, Status.ACCEPTED]
    shown = record(paid((BOOK, 1), (CARD, 1)), cp("item_shipped", 1, "1", at=5, tracking="3S1"))
    assert statuses(shown) == [Status.SHIPPED, Status.ACCEPTED]
    back = pf("package_returned", "fulfilled", at=5, shipment=parcel(7, (1, 4)))
    assert statuses(record(paid((TEE, 4), (MUG, 1)), back)) == [Status.RETURNED, Status.PAID]  # it lists no mug


def test_a_parcel_without_a_piece_of_the_order_moves_no_status() -> None:
    """It may be another customer's: of another store, or of an order with the same number."""
    strange = item(99, "x", "PF-STRANGE")
    contents = parcel(7, (99, 1))
    for first, event in (
        (paid((PIN, 1), (TEE, 4)), camaloon(("CM-STRANGE", 1))),
        (paid((PIN, 1), (TEE, 4)), camaloon((TEE, 4))),  # a line of another printer
        (paid((TEE, 4)), pf("package_shipped", "fulfilled", strange, at=5, shipment=contents, number=2)),
        (paid((BOOK, 1)), cp("item_shipped", 1, "x", at=5, tracking="3S1")),
        (paid((BOOK, 1)), cp("item_delivery_started", 1, "x", at=5, tracking="3S1")),
    ):
        shown = record(first, event)
        assert (shown.status, set(statuses(shown))) == (Status.PAID, {Status.PAID})
        assert Attention.UNKNOWN_SKU in shown.attention
        assert (len(shown.shipments), shown.own_shipments()) == (1, [])
    back = pf("package_returned", "fulfilled", strange, at=5, shipment=contents, number=2)
    shown = record(paid((TEE, 4)), back)
    assert (shown.status, statuses(shown)) == (Status.PAID, [Status.PAID])
    failed = pf("order_failed", "failed", at=2)
    assert record(paid((TEE, 4)), failed, sent(7, (99, 1), at=5)).status is Status.FAILED
    assert record(paid((TEE, 4)), failed, sent(7, (99, 1), (1, 1), at=5)).status is Status.PARTIALLY_SHIPPED


@pytest.mark.parametrize(
    ("topic", "status"),
    [("order_updated", "inprocess"), ("order_failed", "failed"), ("order_canceled", "canceled")],
)
def test_an_order_without_an_item_of_the_order_moves_no_status(topic: str, status: str) -> None:
    strange = pf(topic, status, item(99, "x", "PF-STRANGE"), at=5)
    shown = record(paid((TEE, 4)), strange)
    assert (statuses(shown), shown.status) == ([Status.PAID], Status.PAID)
    assert Attention.UNKNOWN_SKU in shown.attention


def test_a_line_that_its_printer_does_not_list_is_not_in_production() -> None:
    first, tee, mug = paid((TEE, 4), (MUG, 1)), item(1, "1", TEE, 4), item(2, "2", MUG)
    for facts in (
        [pf("order_updated", "inprocess", mug, at=5)],  # never listed
        [pf("order_created", "pending", tee, mug, at=4), pf("order_updated", "inprocess", mug, at=5)],  # taken out
        [pf("order_updated", "inprocess", mug, at=5), pf("order_put_hold", "inprocess", mug, at=6)],
    ):
        shown = record(first, *facts)
        assert statuses(shown) == [Status.PAID, Status.IN_PRODUCTION]
        assert (shown.status, Attention.LINE_MISSING in shown.attention) == (Status.PAID, True)
    shipped_mug = pf("package_shipped", "fulfilled", mug, at=6, shipment=parcel(7, (2, 1)))
    shown = record(first, pf("order_updated", "inprocess", mug, at=5), shipped_mug)
    assert (statuses(shown), shown.status) == ([Status.PAID, Status.SHIPPED], Status.PARTIALLY_SHIPPED)
    for over, status in (("order_canceled", Status.CANCELED), ("order_failed", Status.FAILED)):
        assert statuses(record(first, pf(over, status, mug, at=5))) == [status] * 2  # nobody makes it at all
    # A printer that lists no items may make every line.
    shown = record(first, pf("order_updated", "inprocess", item(0, "1", TEE) | {"id": None}, at=5))
    assert statuses(shown) == [Status.IN_PRODUCTION] * 2
    assert statuses(record(first, pf("order_updated", "inprocess", tee, mug, at=5))) == [Status.IN_PRODUCTION] * 2
    other = pf("order_created", "pending", tee, at=7, number=2)
    shown = record(first, pf("order_updated", "inprocess", mug, at=5), other)
    assert (statuses(shown), shown.attention) == ([Status.ACCEPTED, Status.IN_PRODUCTION], [])


def test_a_parcel_counts_as_reported_again_only_if_it_has_no_new_item() -> None:
    signals = [cp("item_shipped", each, str(each), at=each, tracking="3S1") for each in (1, 2)]
    again = cp("item_shipped", 1, "1", at=3, tracking="3S1")
    shown = record(paid((BOOK, 1), (CARD, 1)), *signals, again)
    assert [entry.text for entry in shown.timeline[1:]] == [
        "Parcel shipped by cloudprinter: item 1, tracking 3S1",
        "Parcel shipped by cloudprinter: item 2, tracking 3S1",
        "Parcel shipped by cloudprinter: item 1, tracking 3S1 (reported again)",
    ]


def test_the_parcel_of_an_order_in_production_ends_the_hold_unless_it_is_a_part() -> None:
    facts = [paid((TEE, 4)), pf("order_put_hold", "onhold", at=5, reason="Wide print")]
    for at, status, until in (
        *((6, "fulfilled", instant(360)), (6, "inprocess", instant(360))),
        *((6, "partial", None), (6, "onhold", None), (5, "fulfilled", None)),
    ):
        shown = record(*facts, pf("package_shipped", status, at=at, shipment=parcel(7, (1, 4))))
        assert ([hold.until for hold in shown.holds], shown.on_hold) == ([until], until is None)


def test_a_number_and_a_link_alone_are_one_parcel_of_an_item_in_whatever_order_they_come() -> None:
    link, other = "https://t.example/3S1", "https://t.example/else"
    number = cp("item_shipped", 1, "1", at=5, tracking="3S1", shipping_option="GLS")
    for at in (4, 6):
        started = cp("item_delivery_started", 1, "1", at=at, url=link)
        shown = record(paid((BOOK, 3)), number, started)
        (one,) = shown.shipments
        assert (one.tracking_number, one.tracking_url, one.carrier, len(one.merged)) == ("3S1", link, "GLS", 1)
        assert (one.shipped_at, one.reshipment) == (instant(60 * min(at, 5)), False)
        assert (shipped(shown), shown.status, shown.attention) == ([3], Status.SHIPPED, [])
    full = cp("item_shipped", 1, "1", at=5, tracking="3S1", url=link)
    for url in (link, other):  # the first link of the parcel counts
        shown = record(paid((BOOK, 3)), full, cp("item_shipped", 1, "1", at=7, url=url))
        assert [(each.tracking_number, each.tracking_url) for each in shown.shipments] == [("3S1", link)]
    both = [cp("item_shipped", each, str(each), at=5, tracking="3S1") for each in (1, 2)]
    links = [cp("item_delivery_started", each, str(each), at=6, url=link) for each in (1, 2)]
    shown = record(paid((BOOK, 1), (CARD, 1)), *both, *links)
    assert contents(shown) == [[("1", 1), ("2", 1)]]
    alone = record(paid((BOOK, 1), (CARD, 1)), both[0], *links)
    assert contents(alone) == [[("1", 1)], [("2", 1)]]


# --- returned ---


def test_a_returned_parcel_returns_its_lines() -> None:
    back = pf("package_returned", "fulfilled", at=9, reason="Unclaimed", shipment=parcel(7, (1, 4)))
    shown = record(paid((TEE, 4)), sent(7, (1, 4), at=5), back)
    assert (shown.status, shown.attention) == (Status.RETURNED, [Attention.RETURNED])
    assert (shown.lines[0].returned_quantity, shown.shipments[0].returned) == (4, True)
    assert shown.timeline[-1].text == "Parcel came back to printful: 4 pieces: Unclaimed"


def test_a_returned_parcel_that_was_not_reported_is_added_to_the_ledger() -> None:
    shown = record(paid((TEE, 4)), pf("package_returned", "fulfilled", at=9, shipment=parcel(7, (1, 4))))
    assert (shipped(shown), shown.status, contents(shown)) == ([4], Status.RETURNED, [[("1", 4)]])


@pytest.mark.parametrize(
    "nothing", [{}, {"shipment": None}, {"shipment": []}, {"shipment": {"tracking_number": "N/A"}}]
)
def test_a_return_that_names_no_parcel_is_that_of_the_only_parcel_of_its_order(nothing: dict[str, Any]) -> None:
    facts = [paid((TEE, 4)), sent(7, (1, 4), at=5)]
    backs = [pf("package_returned", "fulfilled", at=at, reason="Unclaimed", **nothing) for at in (9, 10)]
    shown = record(*facts, *backs)
    assert (shown.status, shown.attention) == (Status.RETURNED, [Attention.RETURNED])
    assert [each.returned for each in shown.shipments] == [True]
    again = record(*facts, *backs, sent(8, (1, 4), at=20, reshipment=True))
    assert [each.returned for each in again.shipments] == [True, False]


def test_a_return_that_names_none_of_several_parcels_is_kept_and_flagged() -> None:
    back = pf("package_returned", "fulfilled", at=9, reason="Unclaimed")
    shown = record(paid((TEE, 4)), sent(7, (1, 2), at=5), sent(8, (1, 2), at=6), back)
    assert (shown.status, shown.lines[0].returned_quantity) == (Status.SHIPPED, 0)
    assert [each.returned for each in shown.shipments] == [False, False, True]
    assert {Attention.RETURNED, Attention.UNKNOWN_SKU} <= set(shown.attention)
    assert shown.timeline[-1].text == "Parcel came back to printful: unknown contents: Unclaimed"


def test_a_parcel_of_which_only_the_tracking_is_known_is_kept_and_flagged() -> None:
    minimal = {"tracking_number": "1Z999", "carrier": "USPS"}
    reports = [pf("package_shipped", "", at=at, shipment=minimal) for at in (5, 6)]
    reports += [pf("package_shipped", "", at=7), pf("package_shipped", "", at=8, shipment={"id": 0})]
    shown = record(paid((TEE, 4)), *reports)
    assert [(each.tracking_number, each.carrier) for each in shown.shipments] == [("1Z999", "USPS"), (None, None)]
    assert (shipped(shown), Attention.UNKNOWN_SKU in shown.attention) == ([0], True)


def test_a_partly_returned_line_is_still_shipped() -> None:
    back = pf("package_returned", "fulfilled", at=9, shipment=parcel(8, (1, 1)))
    shown = record(paid((TEE, 4)), sent(7, (1, 3), at=5), sent(8, (1, 1), at=6), back)
    assert (shown.status, shown.lines[0].returned_quantity) == (Status.SHIPPED, 1)
    assert shown.attention == [Attention.RETURNED]


def test_only_the_reported_items_of_a_parcel_are_returned() -> None:
    facts = [paid((TEE, 4), (MUG, 2)), pf("order_created", "pending", TEES, item(2, "2", MUG, 2), at=1)]
    facts.append(sent(7, (1, 4), (2, 2), at=5))
    one = pf("package_returned", "fulfilled", at=9, shipment=parcel(7, (1, 1)))
    shown = record(*facts, one)
    assert (contents(shown), shipped(shown)) == ([[("1", 4), ("2", 2)]], [4, 2])
    assert [line.returned_quantity for line in shown.lines] == [1, 0]
    assert (shown.status, shown.attention) == (Status.SHIPPED, [Attention.RETURNED])
    again = pf("package_returned", "fulfilled", at=10, shipment=parcel(7, (1, 1), (2, 2)))
    both = record(*facts, one, again)
    assert [line.returned_quantity for line in both.lines] == [1, 2]
    assert statuses(both) == [Status.SHIPPED, Status.RETURNED]
    fewer = pf("package_returned", "fulfilled", at=11, shipment=parcel(7, (2, 1)))
    assert record(*facts, one, again, fewer).lines == both.lines
    unlisted = pf("package_returned", "fulfilled", at=9, shipment=parcel(7))
    assert [line.returned_quantity for line in record(*facts, unlisted).lines] == [4, 2]
    assert record(*facts, unlisted).status is Status.RETURNED


def test_returned_pieces_of_an_item_are_split_over_its_lines() -> None:
    items = item(1, None, TEE, 5)
    facts = [paid((TEE, 2), (TEE, 3)), pf("package_shipped", "fulfilled", items, at=5, shipment=parcel(7, (1, 5)))]
    back = pf("package_returned", "fulfilled", items, at=9, shipment=parcel(7, (1, 3)))
    assert [line.returned_quantity for line in record(*facts, back).lines] == [2, 1]


def test_returned_surplus_pieces_do_not_count_as_returned() -> None:
    back = pf("package_returned", "fulfilled", at=9, shipment=parcel(7, (1, 2)))
    shown = record(paid((TEE, 4)), sent(7, (1, 6), at=5), back)  # two more than ordered were sent
    assert (shown.lines[0].returned_quantity, shown.attention) == (0, [Attention.OVER_SHIPPED])


def test_an_unknown_item_that_was_not_returned_does_not_count_as_returned() -> None:
    facts = [paid((TEE, 4)), sent(7, (1, 4), (99, 1), at=5), sent(8, (1, 4), at=20, reshipment=True)]
    shown = record(*facts, pf("package_returned", "fulfilled", at=9, shipment=parcel(7, (1, 4))))
    assert shown.attention == [Attention.UNKNOWN_SKU]
    strange = record(*facts, pf("package_returned", "fulfilled", at=9, shipment=parcel(7, (1, 4), (99, 1))))
    assert strange.attention == [Attention.RETURNED, Attention.UNKNOWN_SKU]


def test_pieces_sent_again_after_a_return_are_not_over_shipped() -> None:
    """Printful sends again what came back, in the same order or in another one, and may not mark it."""
    first, mug = paid((TEE, 4), (MUG, 1)), item(2, "2", MUG)
    back = pf("package_returned", "fulfilled", TEES, mug, at=9, shipment=parcel(7, (1, 4)))
    facts = [first, pf("package_shipped", "fulfilled", TEES, mug, at=5, shipment=parcel(7, (1, 4), (2, 1)))]
    again = pf("package_shipped", "fulfilled", TEES, mug, at=20, shipment=parcel(8, (1, 4)))
    shown = record(*facts, back, again)
    assert (shown.status, shown.attention, shipped(shown)) == (Status.SHIPPED, [], [4, 1])
    assert [(each.reshipment, each.returned) for each in shown.shipments] == [(False, True), (True, False)]
    assert record(*facts, again).attention == [Attention.OVER_SHIPPED]
    early = pf("package_shipped", "fulfilled", TEES, mug, at=8, shipment=parcel(8, (1, 4)))
    assert Attention.OVER_SHIPPED in record(*facts, back, early).attention  # before anything came back
    some = pf("package_shipped", "fulfilled", TEES, mug, at=20, shipment=parcel(8, (1, 3)))
    assert (record(*facts, back, some).lines[0].returned_quantity, record(*facts, back, some).attention) == (
        1,
        [Attention.RETURNED],
    )
    more = pf("package_shipped", "fulfilled", TEES, mug, at=21, shipment=parcel(9, (1, 2)))
    assert Attention.OVER_SHIPPED in record(*facts, back, some, more).attention
    marked = pf("package_shipped", "fulfilled", TEES, mug, at=19, shipment=parcel(9, (1, 4), reshipment=True))
    assert Attention.OVER_SHIPPED in record(*facts, back, marked, again).attention
    twice = pf("package_returned", "fulfilled", TEES, mug, at=30, shipment=parcel(8, (1, 4)))
    third = pf("package_shipped", "fulfilled", TEES, mug, at=40, shipment=parcel(9, (1, 4)))
    assert record(*facts, back, again, twice).status is Status.SHIPPED  # the mug was kept
    assert record(*facts, back, again, twice).attention == [Attention.RETURNED]
    assert record(*facts, back, again, twice, third).attention == []


def test_the_rest_of_an_order_may_leave_after_a_return() -> None:
    back = pf("package_returned", "partial", at=9, shipment=parcel(7, (1, 2)))
    shown = record(paid((TEE, 4)), sent(7, (1, 2), at=5), back, sent(8, (1, 2), at=20))
    assert (shipped(shown), shown.lines[0].returned_quantity) == ([4], 2)
    assert [each.reshipment for each in shown.shipments] == [False, False]


def test_pieces_sent_again_after_a_return_are_not_returned() -> None:
    facts = [paid((TEE, 4)), sent(7, (1, 4), at=5)]
    facts.append(pf("package_returned", "fulfilled", at=9, shipment=parcel(7, (1, 4))))
    some = record(*facts, sent(8, (1, 3), at=20, reshipment=True))
    assert (some.status, some.lines[0].returned_quantity, shipped(some)) == (Status.SHIPPED, 1, [4])
    shown = record(*facts, sent(8, (1, 4), at=20, reshipment=True))
    assert (shown.status, shown.lines[0].returned_quantity, shown.attention) == (Status.SHIPPED, 0, [])
    assert [each.returned for each in shown.shipments] == [True, False]


def test_a_returned_parcel_of_unknown_items_is_flagged() -> None:
    empty = pf("package_returned", "fulfilled", at=9, shipment=parcel(7))
    strange = pf("package_returned", "fulfilled", at=9, shipment=parcel(7, (99, 1)))
    assert Attention.RETURNED in record(paid((TEE, 4)), empty).attention
    assert Attention.RETURNED in record(paid((TEE, 4)), strange).attention


def test_an_order_with_a_returned_line_is_not_delivered() -> None:
    back = pf("package_returned", "fulfilled", at=9, shipment=parcel(7, (1, 4)))
    shown = record(paid((TEE, 4), (BOOK, 1)), back, cp("item_delivery_completed", 1, "2", at=5))
    assert (shown.status, statuses(shown)) == (Status.SHIPPED, [Status.RETURNED, Status.DELIVERED])


# --- undelivered ---


def test_an_undelivered_item_is_flagged_until_it_is_delivered() -> None:
    facts = [paid((BOOK, 1)), cp("item_delivery_failed", 1, "1", at=5, message="Nobody there")]
    assert (record(*facts).attention, statuses(record(*facts))) == ([Attention.NOT_DELIVERED], [Status.SHIPPED])
    shown = record(*facts, cp("item_delivery_completed", 1, "1", at=6))
    assert (shown.attention, shown.status) == ([], Status.DELIVERED)
    early = record(*facts, cp("item_delivery_completed", 1, "1", at=4))
    assert early.attention == [Attention.NOT_DELIVERED]


def test_a_delivery_signal_with_tracking_adds_a_missing_parcel() -> None:
    shown = record(paid((BOOK, 2)), cp("item_delivery_started", 1, "1", at=5, tracking="3S1"))
    assert (contents(shown), shown.shipments[0].tracking_number) == ([[("1", 2)]], "3S1")
    lost = record(paid((BOOK, 2)), cp("item_delivery_failed", 1, "1", at=5, url="https://t.example/3S1"))
    assert (contents(lost), lost.shipments[0].tracking_url) == ([[("1", 2)]], "https://t.example/3S1")
    bare = record(paid((BOOK, 2)), cp("item_delivery_started", 1, "1", at=5))
    assert (bare.shipments, shipped(bare), bare.status) == ([], [2], Status.SHIPPED)


# --- error ---


def test_a_line_shows_an_error_until_its_item_goes_on() -> None:
    facts = [paid((BOOK, 1), (CARD, 1)), cp("item_error", 1, "1", at=5, cause="Colours off", delay="24")]
    shown = record(*facts, cp("item_produced", 2, "2", at=9))
    assert shown.lines[0].error == LineError(at=instant(300), cause="Colours off", delay_hours="24")
    assert (shown.lines[1].error, shown.attention) == (None, [Attention.PRODUCTION_ERROR])
    ended = record(*facts, cp("item_packed", 1, "1", at=6))
    assert (ended.lines[0].error, ended.attention) == (None, [])
    before = record(*facts, cp("item_produce", 1, "1", at=4))
    assert before.attention == [Attention.PRODUCTION_ERROR]


def test_a_parcel_ends_the_errors_of_its_items() -> None:
    error = cp("item_error", 1, "1", at=5)
    shown = record(paid((BOOK, 1)), error, cp("item_shipped", 1, "1", at=6, tracking="3S1"))
    assert (shown.lines[0].error, shown.attention, shown.status) == (None, [], Status.SHIPPED)


def test_a_parcel_ends_only_the_errors_of_the_items_that_its_report_names() -> None:
    signals = [cp("item_shipped", each, str(each), at=5 * each, tracking="3S1") for each in (1, 2)]
    shown = record(paid((BOOK, 1), (CARD, 1)), *signals, cp("item_error", 1, "1", at=7), cp("item_error", 2, "2", at=8))
    assert [line.error is None for line in shown.lines] == [False, True]
    assert shown.attention == [Attention.PRODUCTION_ERROR]


def test_a_parcel_ends_the_error_of_an_item_that_is_no_line_and_shows_nothing_of_the_order() -> None:
    facts = [paid((BOOK, 1)), cp("item_error", 2, "9", at=5), cp("item_shipped", 2, "9", at=6, tracking="3S1")]
    shown = record(*facts)
    assert (shown.attention, shown.status) == ([Attention.UNKNOWN_SKU], Status.PAID)


def test_a_line_shows_its_latest_error_and_a_canceled_line_shows_none() -> None:
    errors = [cp("item_error", 1, "1", at=5, cause="First"), cp("item_error", 1, "1", at=6, cause="Second")]
    shown = record(paid((BOOK, 1)), *errors)
    assert shown.lines[0].error == LineError(at=instant(360), cause="Second", delay_hours=None)
    both = record(paid((BOOK, 1)), *errors, cp("item_error", 1, "1", at=4, order=31034900000000))
    assert both.lines[0].error == shown.lines[0].error
    ended = record(paid((BOOK, 1)), *errors, cp("item_canceled", 1, "1", at=7))
    assert (ended.lines[0].error, ended.attention) == (None, [Attention.CANCELED])
    other = cp("item_validated", 1, "1", at=8, order=31034900000000)
    again = record(paid((BOOK, 1)), *errors, cp("item_canceled", 1, "1", at=7), other)
    assert (again.lines[0].error, again.attention) == (None, [])


# --- failed ---


def test_a_failed_order_is_failed_until_it_goes_on() -> None:
    facts = [paid((TEE, 4)), pf("order_failed", "failed", at=5, reason="The card was declined")]
    shown = record(*facts)
    assert (shown.status, statuses(shown), shown.attention) == (Status.FAILED, [Status.FAILED], [Attention.FAILED])
    for goes_on in (pf("order_updated", "pending", at=6), sent(7, (1, 1), at=6)):
        assert record(*facts, goes_on).attention == []
        assert record(*facts, goes_on).status in (Status.ACCEPTED, Status.PARTIALLY_SHIPPED)


def test_a_draft_or_earlier_status_does_not_end_a_failure() -> None:
    facts = [paid((TEE, 4)), pf("order_failed", "failed", at=5, reason="The card was declined")]
    for nothing in (pf("order_updated", "draft", at=6), pf("order_updated", "pending", at=4)):
        assert record(*facts, nothing).status is Status.FAILED


def test_a_failure_reported_again_without_a_reason_keeps_its_reason_in_the_timeline() -> None:
    facts = [pf("order_failed", "failed", at=5, reason="The card was declined"), pf("order_updated", "failed", at=6)]
    shown = record(paid((TEE, 4)), *facts)
    assert [entry.text for entry in shown.timeline[1:]] == [
        "printful: the order failed: The card was declined",
        "printful: the order failed",
    ]


def test_only_lines_without_shipped_pieces_fail() -> None:
    items = (TEES, item(2, "2", MUG))
    failed = pf("order_failed", "failed", *items, at=9, reason="Out of paper")
    shown = record(paid((TEE, 4), (MUG, 1)), sent(7, (1, 2), at=5), failed)
    assert statuses(shown) == [Status.PARTIALLY_SHIPPED, Status.FAILED]
    assert (shown.status, shown.attention) == (Status.PARTIALLY_SHIPPED, [Attention.FAILED])


def test_a_failure_at_one_printer_does_not_affect_other_lines() -> None:
    facts = [paid((TEE, 4), (BOOK, 1)), pf("order_failed", "failed", at=5)]
    shown = record(*facts, cp("item_produced", 1, "2", at=6))
    assert (statuses(shown), shown.status) == ([Status.FAILED, Status.PRODUCED], Status.PAID)


# --- canceled ---


def test_a_canceled_item_is_canceled_for_good() -> None:
    facts = [paid((BOOK, 3), (CARD, 1)), cp("item_canceled", 1, "1", at=5, cause="190", message="No such address")]
    shown = record(*facts, cp("item_produced", 1, "1", at=6), cp("item_packed", 2, "2", at=6))
    assert statuses(shown) == [Status.CANCELED, Status.PACKED]
    assert (shown.lines[0].canceled_quantity, shown.status) == (3, Status.PACKED)
    assert shown.attention == [Attention.CANCELED]
    assert "cloudprinter: item 1 is canceled: 190: No such address" in [entry.text for entry in shown.timeline]


def test_a_canceled_order_is_canceled() -> None:
    shown = record(paid((BOOK, 3), (CARD, 1)), cp("order_canceled", at=5, cause="CancelUserRequest"))
    assert (shown.status, statuses(shown)) == (Status.CANCELED, [Status.CANCELED] * 2)


def test_shipped_pieces_can_not_be_canceled() -> None:
    canceled = pf("order_canceled", "canceled", at=9, reason="By support")
    shown = record(paid((TEE, 4)), sent(7, (1, 3), at=5), canceled)
    assert (shipped(shown), shown.lines[0].canceled_quantity, shown.status) == ([3], 1, Status.SHIPPED)
    assert shown.attention == [Attention.CANCELED]
    late = record(paid((TEE, 4)), sent(7, (1, 3), at=5), canceled, sent(8, (1, 1), at=6))
    assert (shipped(late), late.lines[0].canceled_quantity, late.attention) == ([4], 0, [])


def test_a_cancellation_ends_the_hold() -> None:
    held = pf("order_put_hold", "onhold", at=2, reason="Wide print")
    for canceled in (pf("order_canceled", "canceled", at=5), pf("order_updated", "canceled", at=5)):
        shown = record(paid((TEE, 4)), held, canceled)
        assert (shown.on_hold, shown.holds[0].until) == (False, instant(300))
        assert (shown.status, shown.attention) == (Status.CANCELED, [Attention.CANCELED])


def test_a_canceled_item_does_not_end_the_hold_of_its_order() -> None:
    canceled = cp("item_canceled", 1, "1", at=5)  # no present printer has both
    printfuls = replace(canceled, data=canceled.data | {"provider": "printful", "order": str(PF_ORDER)})
    assert record(paid((TEE, 4)), pf("order_put_hold", "onhold", at=2), printfuls).on_hold


# --- held, released ---


def test_a_hold_has_its_provider_time_and_reason() -> None:
    shown = record(paid((TEE, 4)), pf("order_put_hold", "onhold", at=2, reason="Wide print"))
    assert (shown.on_hold, shown.status, shown.attention) == (True, Status.ACCEPTED, [Attention.ON_HOLD])
    (hold,) = shown.holds
    assert (hold.provider, hold.since, hold.until) == ("printful", instant(120), None)
    assert (hold.reason, hold.approval_needed) == ("Wide print", False)


def test_an_approval_request_continues_the_hold() -> None:
    approval = pf("order_put_hold_approval", "onhold", at=3, reason="A change", approval_files=[])
    shown = record(paid((TEE, 4)), pf("order_put_hold", "onhold", at=2, reason="Wide print"), approval)
    (hold,) = shown.holds
    assert (hold.since, hold.reason, hold.approval_needed) == (instant(120), "A change", True)
    assert shown.attention == [Attention.APPROVAL_NEEDED, Attention.ON_HOLD]


def test_a_hold_reported_again_without_a_reason_keeps_its_reason() -> None:
    holds = [pf("order_put_hold", "onhold", at=at, reason=why) for at, why in ((2, "Wide print"), (3, None))]
    (hold,) = record(paid((TEE, 4)), *holds).holds
    assert hold.reason == "Wide print"


def test_a_release_ends_the_hold() -> None:
    facts = [paid((TEE, 4)), pf("order_put_hold_approval", "onhold", at=2), pf("order_remove_hold", "pending", at=5)]
    shown = record(*facts)
    assert (shown.on_hold, shown.attention) == (False, [])
    assert [(hold.since, hold.until) for hold in shown.holds] == [(instant(120), instant(300))]
    again = record(*facts, pf("order_put_hold", "onhold", at=9))
    assert (again.on_hold, [hold.since for hold in again.holds]) == (True, [instant(120), instant(540)])
    assert again.attention == [Attention.ON_HOLD]
    over = record(*facts, pf("order_put_hold", "onhold", at=9), pf("order_remove_hold", "pending", at=12))
    assert [hold.until for hold in over.holds] == [instant(300), instant(720)]
    third = pf("order_put_hold", "onhold", at=9), pf("order_put_hold", "onhold", at=10, reason="Still")
    assert [hold.reason for hold in record(*facts, *third).holds] == [None, "Still"]


def test_an_earlier_release_does_not_end_a_hold() -> None:
    shown = record(paid((TEE, 4)), pf("order_remove_hold", "pending", at=1), pf("order_put_hold", "onhold", at=2))
    assert shown.on_hold


STATUS_ONHOLD = pf("order_updated", "onhold", at=5)


def test_an_onhold_status_begins_a_hold_without_a_reason() -> None:
    shown = record(paid((TEE, 4)), STATUS_ONHOLD)
    assert (shown.status, shown.attention) == (Status.ACCEPTED, [Attention.ON_HOLD])
    assert [(hold.since, hold.until, hold.reason) for hold in shown.holds] == [(instant(300), None, None)]
    before = record(paid((TEE, 4)), pf("order_put_hold", "onhold", at=2, reason="Wide print"), STATUS_ONHOLD)
    assert [(hold.since, hold.reason) for hold in before.holds] == [(instant(120), "Wide print")]
    after = record(paid((TEE, 4)), STATUS_ONHOLD, pf("order_put_hold_approval", "onhold", at=6, reason="A change"))
    assert [(hold.since, hold.reason) for hold in after.holds] == [(instant(300), "A change")]
    assert after.attention == [Attention.APPROVAL_NEEDED, Attention.ON_HOLD]


@pytest.mark.parametrize(
    ("status", "attention"),
    [
        ("pending", []),
        ("inprocess", []),
        ("archived", []),
        ("draft", [Attention.CONFIRM_AGAIN]),
        ("failed", [Attention.FAILED]),
        ("canceled", [Attention.CANCELED]),
    ],
)
def test_a_hold_known_only_by_a_status_ends_with_a_later_status(status: str, attention: list[Attention]) -> None:
    shown = record(paid((TEE, 4)), STATUS_ONHOLD, pf("order_updated", status, at=6))
    assert ([hold.until for hold in shown.holds], shown.attention) == ([instant(360)], attention)
    assert record(paid((TEE, 4)), STATUS_ONHOLD, pf("order_created", status, at=4)).on_hold
    at_once = record(paid((TEE, 4)), STATUS_ONHOLD, pf("order_created", status, at=5))
    assert at_once.on_hold is (status != "canceled")  # nothing follows a cancellation


def test_a_hold_does_not_end_with_an_empty_status() -> None:
    assert record(paid((TEE, 4)), STATUS_ONHOLD, pf("order_updated", "", at=6)).on_hold


@pytest.mark.parametrize("status", ["pending", "inreview", "draft", "failed", "archived"])
def test_a_hold_with_its_own_event_does_not_end_with_a_status_before_production(status: str) -> None:
    for at in (4, 5, 6):  # before, at and after the time of the onhold status
        held = pf("order_put_hold", "onhold", at=at)
        assert record(paid((TEE, 4)), held, STATUS_ONHOLD, pf("order_updated", status, at=9)).on_hold


@pytest.mark.parametrize("status", ["inprocess", "partial", "fulfilled"])
def test_a_hold_ends_when_the_order_goes_on_to_production_without_a_release(status: str) -> None:
    for topic in ("order_updated", "order_created", "order_refunded"):
        facts = [paid((TEE, 4)), pf("order_put_hold", "onhold", at=5), pf(topic, status, at=9)]
        shown = record(*facts)
        assert ([hold.until for hold in shown.holds], shown.on_hold, shown.attention) == ([instant(540)], False, [])
        assert shown.status is Status.IN_PRODUCTION
        assert not record(*facts, pf("order_remove_hold", status, at=10)).on_hold
        again = record(*facts, pf("order_put_hold", "onhold", at=10))
        assert ([hold.until for hold in again.holds], again.on_hold) == ([instant(540), None], True)
    late = pf("order_updated", status, at=4), pf("order_created", status, at=5)
    assert record(paid((TEE, 4)), pf("order_put_hold", "onhold", at=5), *late).on_hold
    assert record(paid((TEE, 4)), pf("order_put_hold", status, at=5), pf("order_put_hold", status, at=6)).on_hold
    assert record(
        paid((TEE, 4)), pf("order_put_hold", "onhold", at=5), pf("order_updated", status, at=9, number=2)
    ).on_hold


def test_a_hold_its_release_and_production_within_seconds_leave_no_hold() -> None:
    """Printful's cost calculation: all of it may happen in one second."""
    for release, production in ((5, 5), (5, 6), (6, 6)):
        moments = [pf("order_put_hold", "onhold", at=5), pf("order_remove_hold", "pending", at=release)]
        shown = record(paid((TEE, 4)), *moments, pf("order_updated", "inprocess", at=production))
        assert (shown.on_hold, shown.status, len(shown.holds)) == (False, Status.IN_PRODUCTION, 1)


@pytest.mark.parametrize("late", [0, 1])
def test_an_onhold_status_at_the_time_of_a_release_ends_with_the_next_status(late: int) -> None:
    release = replace(pf("order_remove_hold", "pending", at=5), received_at=instant(600 + late))
    facts = [paid((TEE, 4)), pf("order_put_hold", "onhold", at=2), release]
    facts.append(replace(STATUS_ONHOLD, received_at=instant(601 - late)))
    assert record(*facts).on_hold
    assert not record(*facts, pf("order_updated", "inprocess", at=9)).on_hold


def test_an_order_released_as_a_draft_has_to_be_confirmed_again() -> None:
    facts = [paid((TEE, 4)), pf("order_put_hold", "onhold", at=2), pf("order_remove_hold", "draft", at=5)]
    assert record(*facts).attention == [Attention.CONFIRM_AGAIN]
    assert record(*facts, pf("order_updated", "pending", at=6)).attention == []
    assert record(*facts, pf("order_canceled", "canceled", at=6)).attention == [Attention.CANCELED]
    assert record(*facts, pf("order_put_hold", "draft", at=6)).attention == [Attention.ON_HOLD]


def test_a_draft_that_was_never_submitted_needs_no_attention() -> None:
    drafts = pf("order_created", "draft", at=2), pf("order_updated", "draft", at=3)
    assert record(paid((TEE, 4)), *drafts).attention == []
    assert record(paid((TEE, 4)), *drafts, pf("order_updated", "pending", at=4)).attention == []


def test_a_draft_that_was_submitted_before_has_to_be_confirmed_again_without_a_hold() -> None:
    facts = [paid((TEE, 4)), pf("order_created", "pending", at=2), pf("order_updated", "draft", at=3)]
    assert record(*facts).attention == [Attention.CONFIRM_AGAIN]
    assert record(*facts, pf("order_put_hold", "draft", at=4)).attention == [Attention.ON_HOLD]


def test_a_draft_has_to_be_confirmed_while_another_order_is_on_hold() -> None:
    facts = [paid((TEE, 4)), pf("order_put_hold", "onhold", at=2), pf("order_remove_hold", "draft", at=5)]
    other = item(2, "2", MUG)
    facts[0] = paid((TEE, 4), (MUG, 1))
    shown = record(*facts, pf("order_put_hold", "onhold", other, at=6, number=2))
    assert shown.attention == [Attention.CONFIRM_AGAIN, Attention.ON_HOLD]


def test_a_draft_that_another_order_replaces_needs_no_confirmation() -> None:
    mug = item(2, "2", MUG)
    facts = [paid((TEE, 4), (MUG, 1)), pf("order_created", "pending", TEES, mug, at=1)]
    facts.append(pf("order_updated", "draft", TEES, mug, at=2))
    whole = pf("order_created", "pending", item(3, "1", TEE, 4), item(4, "2", MUG), at=3, number=2)
    assert record(*facts, whole).attention == []
    assert record(*facts, whole, pf("order_updated", "draft", at=4)).attention == []
    part = pf("order_created", "pending", item(3, "1", TEE, 4), at=3, number=2)
    rest = pf("order_created", "inprocess", item(4, None, MUG), at=3, number=3)
    assert record(*facts, part).attention == [Attention.CONFIRM_AGAIN]
    assert record(*facts, part, rest).attention == []
    for status in ("draft", "canceled"):
        again = pf("order_updated", status, item(3, "1", TEE, 4), item(4, "2", MUG), at=5, number=2)
        assert Attention.CONFIRM_AGAIN in record(*facts, whole, again).attention


def test_a_shipped_order_needs_no_confirmation() -> None:
    facts = [paid((TEE, 4)), pf("order_created", "pending", at=1), sent(7, (1, 4), at=6)]
    assert record(*facts, pf("order_updated", "draft", at=7)).attention == []


# --- refunded, stock ---


def test_a_refund_has_the_printers_currency() -> None:
    facts = [pf("order_refunded", "fulfilled", at=8, amount="12.50", order={"costs": {"currency": "USD"}})]
    facts.append(pf("order_refunded", "fulfilled", at=9, amount=3))
    facts.append(pf("order_refunded", "fulfilled", at=10, amount=None))
    shown = record(paid((TEE, 4)), *facts)
    assert [(refund.amount, refund.currency) for refund in shown.refunds] == [
        ("12.50", "USD"),
        ("3", "USD"),
        (None, "USD"),
    ]
    assert [entry.text for entry in shown.timeline[1:]] == [
        "printful: the order was refunded: 12.50 USD",
        "printful: the order was refunded: 3 USD",
        "printful: the order was refunded",
    ]


def test_a_refund_without_a_currency_has_that_of_earlier_reports_on_the_same_order() -> None:
    refund = pf("order_refunded", "fulfilled", at=8, amount="2.00", order={"costs": {"total": "9.00"}})
    first = pf("order_created", "pending", at=1, order={"costs": {"currency": "GBP", "total": "9.00"}})
    later = pf("order_updated", "fulfilled", at=9, order={"costs": {"currency": "GBP", "total": "7.00"}})
    other = pf("order_created", "pending", at=2, order={"costs": {"currency": "JPY", "total": "900"}}, number=2)
    for before, currency in (([first], "GBP"), ([first, other], "GBP"), ([], None), ([later], None), ([other], None)):
        (shown,) = record(paid((TEE, 4)), refund, *before).refunds
        assert (shown.amount, shown.currency) == ("2.00", currency)


def test_an_open_line_out_of_stock_is_flagged_until_it_is_in_stock_or_shipped() -> None:
    facts = [paid((TEE, 4)), pf("order_created", "pending", at=1), stock("4017", at=5)]
    assert record(*facts).attention == [Attention.OUT_OF_STOCK]
    assert record(*facts, stock(at=6)).attention == []
    assert record(*facts, stock(at=4)).attention == [Attention.OUT_OF_STOCK]
    assert record(*facts, sent(7, (1, 3), at=6)).attention == [Attention.OUT_OF_STOCK]
    assert record(*facts, sent(7, (1, 4), at=6)).attention == []
    assert record(*facts, stock("4018", at=6)).attention == []


def test_stock_of_the_same_second_is_ordered_by_version_and_equal_versions_both_count() -> None:
    facts = [paid((TEE, 4)), pf("order_created", "pending", at=1)]
    assert record(*facts, stock("4017", at=5, tie="a"), stock(at=5, tie="b")).attention == []
    assert record(*facts, stock("4017", at=5, tie="b"), stock(at=5, tie="a")).attention == [Attention.OUT_OF_STOCK]
    assert record(*facts, stock("4017", at=5), stock("4018", at=5)).attention == [Attention.OUT_OF_STOCK]


def test_the_stock_of_an_item_removed_by_an_edit_is_ignored() -> None:
    first = pf("order_created", "draft", TEES, at=1)
    edited = pf("order_updated", "draft", item(2, "1", TEE, 4, variant=4018), at=2)
    assert record(paid((TEE, 4)), first, edited, stock("4017", at=5)).attention == []


# --- facts of the same instant ---


ORDER_FAILED, GOES_ON = pf("order_failed", "failed", at=5), pf("order_updated", "inprocess", at=5)
ERROR, PRODUCED = cp("item_error", 1, "2", at=5), cp("item_produced", 1, "2", at=5)
LOST, ARRIVED = cp("item_delivery_failed", 1, "2", at=5), cp("item_delivery_completed", 1, "2", at=5)


@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize(
    ("flagging", "other", "reason"),
    [
        (ORDER_FAILED, GOES_ON, Attention.FAILED),
        (ERROR, PRODUCED, Attention.PRODUCTION_ERROR),
        (LOST, ARRIVED, Attention.NOT_DELIVERED),
    ],
)
def test_at_the_same_instant_the_fact_that_needs_attention_wins(
    flagging: Fact, other: Fact, reason: str, late: int
) -> None:
    flagging = replace(flagging, received_at=instant(600 + late))
    other = replace(other, received_at=instant(601 - late))
    shown = record(paid((TEE, 4), (BOOK, 1)), pf("order_created", "pending", at=1), flagging, other)
    assert shown.attention == [reason]


HELD, RELEASED = pf("order_put_hold", "onhold", at=5), pf("order_remove_hold", "draft", at=5)


@pytest.mark.parametrize("ids", ["ab", "ba"])
@pytest.mark.parametrize(
    "end", [RELEASED, pf("order_canceled", "canceled", at=5), pf("order_updated", "canceled", at=5)]
)
@pytest.mark.parametrize("held", [HELD, pf("order_updated", "onhold", at=5)])
def test_a_hold_ends_at_the_instant_at_which_it_began(held: Fact, end: Fact, ids: str) -> None:
    """Printful holds an order while it calculates the costs; both events have one time, in whole seconds."""
    first, second = replace(held, id=ids[0]), replace(end, id=ids[1])
    shown = record(paid((TEE, 4)), pf("order_created", "draft", at=1), first, second)
    assert [(hold.since, hold.until) for hold in shown.holds] == [(instant(300), instant(300))]
    assert Attention.ON_HOLD not in shown.attention
    if end is RELEASED:
        assert shown.provider_orders[0].status == "draft"
        going = record(paid((TEE, 4)), first, second, pf("order_updated", "inprocess", at=6))
        assert (going.status, going.on_hold, going.attention) == (Status.IN_PRODUCTION, False, [])


@pytest.mark.parametrize("ids", ["abcd", "dcba", "cadb"])
def test_a_hold_with_its_echo_ends_at_the_instant_at_which_it_began(ids: str) -> None:
    echo = [pf("order_updated", "onhold", at=5), pf("order_created", "draft", at=5)]  # order_updated repeats events
    facts = [replace(fact, id=name) for fact, name in zip([HELD, RELEASED, *echo], ids, strict=True)]
    shown = record(paid((TEE, 4)), *facts)
    assert (shown.on_hold, shown.provider_orders[0].status) == (False, "draft")


@pytest.mark.parametrize("ids", ["ab", "ba"])
def test_a_parcel_does_not_end_a_hold_of_its_instant(ids: str) -> None:
    last = pf("package_shipped", "fulfilled", at=5, shipment=parcel(7, (1, 4)))
    assert record(paid((TEE, 4)), replace(HELD, id=ids[0]), replace(last, id=ids[1])).on_hold


@pytest.mark.parametrize("ids", ["ab", "ba"])
@pytest.mark.parametrize("next_status", ["pending", "inprocess", "partial"])
def test_a_draft_comes_before_the_other_status_of_its_instant(next_status: str, ids: str) -> None:
    draft, confirmed = pf("order_created", "draft", at=5), pf("order_updated", next_status, at=5)
    shown = record(paid((TEE, 4)), replace(draft, id=ids[0]), replace(confirmed, id=ids[1]))
    assert (shown.provider_orders[0].status, shown.attention) == (next_status, [])


@pytest.mark.parametrize("late", [0, 1])
def test_a_hold_renewed_at_the_instant_of_a_release_continues(late: int) -> None:
    again = replace(pf("order_put_hold_approval", "onhold", at=5), received_at=instant(600 + late))
    release = replace(pf("order_remove_hold", "pending", at=5), received_at=instant(601 - late))
    shown = record(paid((TEE, 4)), pf("order_put_hold", "onhold", at=2), again, release)
    assert (shown.on_hold, shown.holds[-1].approval_needed) == (True, True)


@pytest.mark.parametrize("late", [0, 1])
def test_a_failure_reported_again_at_the_instant_of_progress_stays(late: int) -> None:
    again = replace(pf("order_updated", "failed", at=5), received_at=instant(600 + late))
    progress = replace(pf("order_created", "inprocess", at=5), received_at=instant(601 - late))
    first = pf("order_failed", "failed", at=2, reason="The card was declined")
    assert record(paid((TEE, 4)), first, again, progress).status is Status.FAILED


# --- the lines of an item ---


def test_an_item_belongs_to_the_line_that_it_references_whatever_its_sku() -> None:
    named = pf("package_shipped", "partial", item(1, "2", TEE), at=5, shipment=parcel(7, (1, 1)))
    assert shipped(record(paid((TEE, 1), (MUG, 1)), named)) == [0, 1]


def test_an_item_without_a_known_reference_belongs_to_all_lines_of_its_sku() -> None:
    items = item(1, "elsewhere", TEE, 3)
    facts = [paid((TEE, 2), (MUG, 1), (TEE, 1)), pf("order_updated", "inprocess", items, at=1)]
    assert statuses(record(*facts)) == [Status.IN_PRODUCTION, Status.PAID, Status.IN_PRODUCTION]  # the mug has no item
    shown = record(*facts, pf("package_shipped", "partial", items, at=5, shipment=parcel(7, (1, 3))))
    assert (shipped(shown), contents(shown)) == ([2, 0, 1], [[("1", 2), ("3", 1)]])


def test_the_reference_of_an_item_may_be_the_sku() -> None:
    shown = record(paid((BOOK, 2), (CARD, 1)), cp("item_shipped", 1, CARD, at=5, tracking="3S1"))
    assert (shipped(shown), contents(shown)) == ([0, 1], [[("2", 1)]])


def test_an_item_without_a_sku_may_have_it_as_the_id_of_its_variant() -> None:
    bare = item(1, None, None, 4) | {"external_variant_id": TEE}
    shown = record(paid((TEE, 4)), pf("package_shipped", "fulfilled", bare, at=5, shipment=parcel(7, (1, 4)), number=2))
    assert (contents(shown), shown.status, shown.attention) == ([[("1", 4)]], Status.SHIPPED, [])
    other = item(1, None, None, 4) | {"external_variant_id": "4129"}
    known = pf("order_created", "pending", item(1, None, TEE, 4), at=1)
    assert record(paid((TEE, 4)), known, pf("order_updated", "inprocess", other, at=5)).attention == []
    named = item(1, "1", None, 4) | {"external_variant_id": "4129"}
    assert record(paid((TEE, 4)), pf("order_created", "pending", named, at=1)).attention == []


def test_an_item_does_not_belong_to_a_line_routed_elsewhere() -> None:
    shown = record(paid((BOOK, 2), (TEE, 4)), cp("item_shipped", 1, "2", at=5, tracking="3S1"))
    assert (shipped(shown), shown.attention) == ([0, 0], [Attention.UNKNOWN_SKU])


def test_an_item_without_a_line_is_flagged_before_any_shipment() -> None:
    facts = [paid((TEE, 4)), pf("order_created", "pending", TEES, item(2, "9", "PF-STRANGE"), at=1)]
    assert record(*facts).attention == [Attention.UNKNOWN_SKU]
    assert record(*facts, pf("order_updated", "pending", TEES, at=2)).attention == []  # an edit removed it
    assert record(*facts[1:]).attention == [Attention.UNPAID]
    assert record(paid((BOOK, 1)), cp("item_validated", 1, at=1)).attention == [Attention.UNKNOWN_SKU]
    assert record(paid((BOOK, 1)), cp("item_validated", 1, BOOK, at=1)).attention == []


def test_a_parcel_without_items_is_flagged_until_they_are_reported() -> None:
    empty = sent(7, at=5)
    assert (contents(record(paid((TEE, 4)), empty)), record(paid((TEE, 4)), empty).attention) == (
        [[]],
        [Attention.UNKNOWN_SKU],
    )
    assert record(paid((TEE, 4)), empty, sent(7, (1, 4), at=6)).attention == []
    assert record(empty).attention == [Attention.UNPAID]


def test_a_line_that_is_not_in_its_printers_order_is_missing() -> None:
    facts = [paid((TEE, 4), (MUG, 1), (BOOK, 1)), pf("order_created", "pending", TEES, at=1)]
    assert record(*facts).attention == [Attention.LINE_MISSING]
    other = pf("order_created", "pending", item(2, "2", MUG), at=2, number=2)
    assert record(*facts, other).attention == []
    whole = pf("order_updated", "pending", TEES, item(2, "2", MUG), at=2)
    assert record(*facts, whole).attention == []
    assert record(*facts, whole, pf("order_updated", "pending", TEES, at=3)).attention == [Attention.LINE_MISSING]
    gone = pf("package_shipped", "partial", TEES, item(2, "2", MUG), at=2, shipment=parcel(7, (2, 1)))
    assert record(*facts, gone, pf("order_updated", "partial", TEES, at=3)).attention == []
    assert record(*facts, pf("order_canceled", "canceled", at=2)).attention == [Attention.CANCELED]
    assert record(paid((BOOK, 1), (CARD, 1)), cp("item_validated", 1, "1", at=1)).attention == []  # it lists no items


def test_any_printer_may_print_an_unrouted_line() -> None:
    facts = [paid(("XX-BOX", 2)), cp("item_produced", 1, "1", at=5)]
    assert (record(*facts).status, record(*facts).attention) == (Status.PRODUCED, [Attention.UNROUTABLE])
    assert shipped(record(*facts, cp("item_shipped", 1, "1", at=6, tracking="3S1"))) == [2]


def test_items_with_the_same_sku_are_one_line_each() -> None:
    facts = [paid((BOOK, 2), (BOOK, 3)), cp("item_shipped", 1, BOOK, at=5, tracking="3S1")]
    facts.append(cp("item_produced", 2, BOOK, at=4))
    shown = record(*facts)
    assert (shipped(shown), statuses(shown)) == ([2, 0], [Status.SHIPPED, Status.PRODUCED])
    assert record(*facts, cp("item_shipped", 2, BOOK, at=6, tracking="3S2")).status is Status.SHIPPED


def test_the_canceled_item_of_the_same_sku_is_the_last_line() -> None:
    facts = [paid((BOOK, 2), (BOOK, 3)), cp("item_canceled", 1, BOOK, at=5)]
    assert statuses(record(*facts)) == [Status.PAID, Status.CANCELED]
    shown = record(*facts, cp("item_produced", 2, BOOK, at=4))
    assert (statuses(shown), shown.attention) == ([Status.PRODUCED, Status.CANCELED], [Attention.CANCELED])
    both = record(*facts, cp("item_canceled", 2, BOOK, at=6))
    assert (both.status, statuses(both)) == (Status.CANCELED, [Status.CANCELED] * 2)


def test_a_shipped_and_canceled_item_of_the_same_sku_is_not_the_last_line() -> None:
    facts = [paid((BOOK, 2), (BOOK, 3)), cp("item_shipped", 1, BOOK, at=5, tracking="3S1")]
    shown = record(*facts, cp("item_canceled", 1, BOOK, at=6), cp("item_packed", 2, BOOK, at=4))
    assert statuses(shown) == [Status.SHIPPED, Status.PACKED]
    started = record(paid((BOOK, 2), (BOOK, 3)), cp("item_delivery_started", 1, BOOK, at=5))
    assert statuses(started) == [Status.SHIPPED, Status.PAID]
    packed = record(paid((BOOK, 2), (BOOK, 3)), cp("item_packed", 1, BOOK, at=5), cp("item_canceled", 1, BOOK, at=6))
    assert statuses(packed) == [Status.PAID, Status.CANCELED]


def test_items_are_assigned_to_lines_separately_for_each_sku() -> None:
    lines = [(BOOK, 1), (CARD, 1), (BOOK, 1), (CARD, 1)]
    signals = [cp("item_packed", 1, BOOK, at=1), cp("item_produced", 2, CARD, at=2)]
    assert statuses(record(paid(*lines), *signals)) == [Status.PACKED, Status.PRODUCED, Status.PAID, Status.PAID]


def test_surplus_items_of_a_sku_share_its_last_line() -> None:
    active = [cp("item_produced", number, BOOK, at=number) for number in (1, 2, 3)]
    assert statuses(record(paid((BOOK, 2), (BOOK, 3)), *active)) == [Status.PRODUCED] * 2
    signals = [cp("item_canceled", number, BOOK, at=number) for number in (1, 2)]
    shown = record(paid((BOOK, 2), (BOOK, 3)), *signals, cp("item_produced", 3, BOOK, at=4))
    assert statuses(shown) == [Status.PRODUCED, Status.CANCELED]


def test_a_fact_about_a_printers_order_counts_for_lines_without_an_item() -> None:
    facts = [paid((BOOK, 2), (CARD, 1)), cp("item_produced", 1, "1", at=2)]
    shown = record(*facts, cp("order_validated", at=1))
    assert statuses(shown) == [Status.PRODUCED, Status.ACCEPTED]


def test_a_line_in_two_orders_is_canceled_or_failed_only_if_both_are() -> None:
    first, second = pf("order_canceled", "canceled", at=2), pf("order_created", "pending", at=3, number=2)
    assert record(paid((TEE, 4)), first).status is Status.CANCELED
    again = record(paid((TEE, 4)), first, second)
    assert (again.status, again.lines[0].canceled_quantity) == (Status.ACCEPTED, 0)
    assert [each.id for each in again.provider_orders] == [str(PF_ORDER), "2"]
    failed = pf("order_failed", "failed", at=4, number=2)
    assert record(paid((TEE, 4)), first, second, failed).status is Status.FAILED
    ended = pf("order_canceled", "canceled", at=5, number=2)
    assert record(paid((TEE, 4)), first, second, failed, ended).status is Status.CANCELED


# --- pieces ---


def test_pieces_beyond_the_order_stay_in_the_parcel() -> None:
    shown = record(paid((TEE, 4)), sent(7, (1, 6), at=5))
    assert (shipped(shown), contents(shown), shown.attention) == ([4], [[("1", 6)]], [Attention.OVER_SHIPPED])
    several = record(paid((PIN, 1), (PIN, 1)), camaloon((PIN, 3)))
    assert (contents(several), several.attention) == ([[("1", 1), ("2", 2)]], [Attention.OVER_SHIPPED])


def test_an_unknown_item_stays_in_the_parcel() -> None:
    shown = record(paid((TEE, 4)), sent(7, (1, 4), (99, 1), at=5))
    assert (contents(shown), shown.attention) == ([[("1", 4), (None, 1)]], [Attention.UNKNOWN_SKU])
    assert (shown.status, [line.sku for line in shown.shipments[0].lines]) == (Status.SHIPPED, [TEE, "99"])
    named = record(paid((TEE, 4)), cp("item_shipped", 1, "elsewhere", at=5, tracking="3S1"))
    assert [line.sku for line in named.shipments[0].lines] == ["elsewhere"]
    sku = record(paid((PIN, 1)), camaloon(("CM-STRANGE", 1)))
    assert [line.sku for line in sku.shipments[0].lines] == ["CM-STRANGE"]


def test_items_with_one_tracking_are_in_one_parcel() -> None:
    signals = [cp("item_shipped", each, str(each), at=each, tracking="3S1") for each in (1, 2, 3)]
    shown = record(paid((BOOK, 2), (CARD, 1), (BOOK, 1)), *signals)
    assert contents(shown) == [[("1", 2), ("2", 1), ("3", 1)]]
    assert (shown.status, shown.shipments[0].shipped_at, shown.attention) == (Status.SHIPPED, instant(60), [])


def test_the_second_parcel_of_an_item_is_a_reshipment() -> None:
    signals = [cp("item_shipped", 1, "1", at=at, tracking=f"3S{at}") for at in (5, 9)]
    shown = record(paid((BOOK, 2)), *signals)
    assert (contents(shown), shipped(shown)) == ([[("1", 2)], [("1", 2)]], [2])
    assert ([each.reshipment for each in shown.shipments], shown.attention) == ([False, True], [])


@pytest.mark.parametrize(("bare", "tracked"), [(5, 9), (9, 5)])
def test_an_item_reported_with_and_without_tracking_is_in_one_parcel(bare: int, tracked: int) -> None:
    signals = [cp("item_shipped", 1, "1", at=bare, tracking=""), cp("item_shipped", 1, "1", at=tracked, tracking="3S1")]
    shown = record(paid((BOOK, 2)), *signals)
    (one,) = shown.shipments
    assert (one.tracking_number, one.reshipment, contents(shown)) == ("3S1", False, [[("1", 2)]])
    assert one.shipped_at == instant(300)


@pytest.mark.parametrize(("bare", "tracked"), [(5, 9), (9, 5)])
def test_a_parcel_of_camaloons_that_gets_its_tracking_is_one_parcel(bare: int, tracked: int) -> None:
    reports = [camaloon((PIN, 3), ("CM-TOTE", 1), tracking="", at=bare)]
    reports.append(camaloon(("CM-TOTE", 1), (PIN, 3), tracking="9414 1", at=tracked))
    shown = record(paid((PIN, 3), ("CM-TOTE", 1)), *reports)
    (one,) = shown.shipments
    assert (one.tracking_number, one.shipped_at, len(one.merged)) == ("9414 1", instant(300), 1)
    assert (shown.status, shown.attention) == (Status.SHIPPED, [])


def test_parcels_of_camaloons_with_other_contents_are_several() -> None:
    halves = [camaloon((PIN, 2), tracking="", at=5), camaloon((PIN, 2), tracking="9414 1", at=6)]
    second = camaloon((PIN, 2), tracking="9414 2", at=7)
    shown = record(paid((PIN, 4)), *halves)
    assert (shipped(shown), shown.status) == ([2], Status.PARTIALLY_SHIPPED)
    shown = record(paid((PIN, 4)), *halves, second)
    assert ([len(each.merged) for each in shown.shipments], shown.status) == ([1, 0], Status.SHIPPED)
    other = record(paid((PIN, 4)), halves[0], camaloon((PIN, 1), tracking="9414 1", at=6))
    assert (len(other.shipments), shipped(other)) == (2, [3])


def test_items_without_tracking_are_in_separate_parcels() -> None:
    signals = [cp("item_shipped", each, str(each), at=5, tracking="0") for each in (1, 2)]
    assert contents(record(paid((BOOK, 2), (CARD, 1)), *signals)) == [[("1", 2)], [("2", 1)]]


def test_an_item_that_references_its_line_takes_precedence_over_one_with_its_sku() -> None:
    items = (item(1, None, TEE, 2), item(2, "1", TEE, 2))
    facts = [
        pf("package_shipped", "partial", *items, at=at, shipment=parcel(number, (number, 2)))
        for at, number in ((5, 1), (6, 2))
    ]
    shown = record(paid((TEE, 2), (TEE, 2)), *facts)
    assert (contents(shown), shown.attention) == ([[("2", 2)], [("1", 2)]], [])


# --- before the payment ---


def test_an_unpaid_order_shows_the_items_of_its_printers() -> None:
    facts = [pf("order_updated", "inprocess", at=1), cp("item_packed", 1, "2", at=2)]
    shown = record(*facts)
    assert [(line.id, line.sku, line.quantity, line.destination, line.status) for line in shown.lines] == [
        ("1", TEE, 4, "printful", Status.IN_PRODUCTION),
        ("2", "2", 1, "cloudprinter", Status.PACKED),
    ]
    assert (shown.status, shown.attention) == (Status.PAID, [Attention.UNPAID])


def test_an_unpaid_order_is_at_most_partially_shipped() -> None:
    facts = [sent(7, (1, 4), at=5), cp("item_delivery_completed", 1, "2", at=6), camaloon((PIN, 3), at=7)]
    shown = record(*facts)
    assert (shown.status, statuses(shown)) == (Status.PARTIALLY_SHIPPED, [Status.SHIPPED, Status.DELIVERED])
    complete = record(*facts, paid((TEE, 4), (BOOK, 2), (PIN, 3)))
    assert (complete.status, shipped(complete), complete.attention) == (Status.SHIPPED, [4, 2, 3], [])
    assert record(*facts, paid((TEE, 4), (BOOK, 2), (PIN, 9))).status is Status.PARTIALLY_SHIPPED


def own(name: str, status: str, *items: dict[str, Any], at: int, **data: Any) -> Fact:
    """Return an event about an order that was made in Printful's dashboard."""
    return pf(name, status, *items, at=at, whose=None, **data)


def test_an_order_made_at_printful_is_complete_with_its_items() -> None:
    items = (item(1, None, TEE, 4), item(2, None, None))
    facts = [own("order_created", "pending", *items, at=1)]
    record_id = f"printful:{PF_ORDER}"
    shown = record(*facts, order_id=record_id)
    assert [(line.id, line.sku, line.quantity) for line in shown.lines] == [
        ("printful:1", TEE, 4),
        ("printful:2", "printful:2", 1),
    ]
    assert (shown.status, shown.attention) == (Status.ACCEPTED, [])
    facts.append(own("package_shipped", "fulfilled", *items, at=5, shipment=parcel(7, (1, 4), (2, 1))))
    assert record(*facts, order_id=record_id).status is Status.SHIPPED


def test_an_order_made_at_printful_can_be_over_shipped_and_contain_unknown_items() -> None:
    event = own("package_shipped", "fulfilled", at=5, shipment=parcel(7, (1, 5), (99, 1)))
    shown = record(event, order_id=f"printful:{PF_ORDER}")
    assert shown.attention == [Attention.OVER_SHIPPED, Attention.UNKNOWN_SKU]


def test_an_item_removed_by_an_edit_is_no_line() -> None:
    first = own("order_created", "draft", TEES, item(2, None, MUG), at=1)
    edited = own("order_updated", "pending", TEES, at=2)
    shown = record(first, edited, order_id=f"printful:{PF_ORDER}")
    assert [line.id for line in shown.lines] == ["1"]


def test_an_order_made_at_cloudprinter_may_have_unreported_items() -> None:
    record_id = f"cloudprinter:{CP_ORDER}"
    facts = [cp("order_validated", at=1, whose=None)]
    assert record(*facts, order_id=record_id).status is Status.ACCEPTED
    facts.append(cp("item_delivery_completed", 1, at=2, whose=None))
    shown = record(*facts, order_id=record_id)
    assert (shown.status, statuses(shown), shown.attention) == (Status.PARTIALLY_SHIPPED, [Status.DELIVERED], [])
    assert record(*facts, cp("item_produced", 2, at=3, whose=None), order_id=record_id).status is shown.status


# --- the texts of the timeline ---


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (at_camaloon("sent"), "camaloon has received order_paid"),
        (
            at_camaloon("sent", answer_lost=True),
            "camaloon has received order_paid, perhaps more than once, because an answer was lost",
        ),
        (at_camaloon("dead", reason="HTTP 401"), "order_paid could not be sent to camaloon: HTTP 401"),
        (
            at_camaloon("dead", reason="HTTP 503", answer_lost=True),
            (
                "order_paid could not be sent to camaloon: HTTP 503; "
                "the destination may have received it, because an answer was lost"
            ),
        ),
        (at_camaloon("withdrawn", reason="canceled"), "order_paid was not sent to camaloon: canceled"),
        (created("1"), "oms has received create_order"),
        (
            created("1", known=False),
            "oms has received create_order; the answer was lost, and the lookup confirmed the order but gave no uid",
        ),
        (at_oms("sent", "update_order", answer_lost=True), "oms has received update_order"),
        (
            at_oms("dead", "update_order", answer_lost=True),
            (
                "update_order could not be sent to oms: HTTP 503; "
                "the destination may have received it, because an answer was lost"
            ),
        ),
        (routed("1", "printful"), "Line 1 was routed to printful by hand"),
        (revoked(), "Canceled by the shop"),
        (print_file("1", "processing", at=5), "oms: the print file of line 1 is processing"),
        (print_file("1", "given_up", at=5), "oms: line 1 still has no print file; Pressroom stopped asking for it"),
        (batched("1", "Batching", at=5), "oms: line 1 is in the batch B1"),
        (batched("1", None, uid=None, at=5), "oms: line 1 is in the batch b"),
        (
            batched("1", "dead", uid=None, at=5),
            "oms: the batch b of line 1 was not accepted, or the OMS's answer was lost",
        ),
        (cp("order_validated", at=5), "cloudprinter: the order is accepted"),
        (cp("item_produce", 1, "1", at=5), "cloudprinter: item 1 is in production"),
        (cp("item_produce", 1, at=5), "cloudprinter: item 21034900000001 is in production"),
        (pf("order_updated", "archived", at=5), "printful: the order has status archived"),
        (pf("order_updated", "new", at=5), "printful: the order has status new"),
        (pf("order_updated", "", at=5), "printful: the order has status unknown"),
        (pf("order_updated", "onhold", at=5), "printful: the order is on hold"),
        (cp("item_delivery_started", 1, "1", at=5), "cloudprinter: item 1 is out for delivery"),
        (cp("item_delivery_completed", 1, "1", at=5), "cloudprinter: item 1 is delivered"),
        (sent(7, (1, 2), at=5), "Parcel shipped by printful: 2 pieces, tracking 787"),
        (
            sent(7, (1, 1), at=5, tracking_number=0, reshipment=True),
            "Parcel shipped by printful: 1 piece (a reshipment)",
        ),
        (cp("item_shipped", 1, "1", at=5, tracking="3S1"), "Parcel shipped by cloudprinter: item 1, tracking 3S1"),
        (
            cp("item_shipped", 1, at=5, tracking="3S1"),
            "Parcel shipped by cloudprinter: item 21034900000001, tracking 3S1",
        ),
        (
            cp("item_delivery_failed", 1, "1", at=5, message="Nobody there"),
            "cloudprinter: item 1 could not be delivered: Nobody there",
        ),
        (cp("item_error", 1, "1", at=5, cause="Torn"), "cloudprinter: item 1 has an error: Torn"),
        (
            cp("item_error", 1, "1", at=5, cause="Torn", delay="24"),
            "cloudprinter: item 1 has an error: Torn, 24 hours of delay expected",
        ),
        (pf("order_put_hold", "onhold", at=5, reason="Wide"), "printful: the order is on hold: Wide"),
        (pf("order_put_hold_approval", "onhold", at=5), "printful: the order waits for approval"),
        (pf("order_remove_hold", "pending", at=5), "printful: the order is no longer on hold"),
        (
            pf("order_remove_hold", "draft", at=5),
            "printful: the order is no longer on hold, as a draft that has to be confirmed again",
        ),
        (stock("4017", at=5), "printful: out of stock or discontinued: variant 4017"),
        (stock(at=5), "printful: in stock again"),
    ],
)
def test_the_timeline_has_a_text_for_each_fact(fact: Fact, text: str) -> None:
    (entry,) = record(fact).timeline
    assert (entry.text, entry.source, entry.event_id) == (text, fact.source, fact.id)


# --- what Printful tells of its order ---


def test_costs_are_the_latest_ones_in_the_last_currency_that_was_named() -> None:
    first = {"currency": "JPY", "subtotal": "1200", "discount": "100", "total": "1430.0"}
    facts = [
        pf("order_created", "pending", at=1, order={"store": 0, "costs": first, "retail_costs": {"total": "0"}}),
        pf("order_updated", "pending", at=2, order={"store": 77, "costs": {"subtotal": 1100, "total": 1330}}),
        pf("order_updated", "pending", at=3, order={"costs": None}),
    ]
    (known,) = record(*facts).provider_orders
    assert known.costs == Costs(currency="JPY", subtotal="1100", total="1330")
    assert known.retail_costs == Costs(total="0")
    assert known.store == "77"


def test_an_item_keeps_its_name_and_price_and_names_the_line_that_the_shop_does_not_name() -> None:
    named = TEES | {"name": "Owl tee", "price": "9.5", "retail_price": 24}
    (known,) = (
        shown := record(paid((TEE, 4)), pf("order_created", "pending", named, at=1), sent(7, (1, 4), at=2))
    ).provider_orders
    (one,) = known.items
    assert (one.name, one.price, one.retail_price, one.line_id) == ("Owl tee", "9.5", "24", "1")
    assert [line.name for line in shown.lines] == ["Owl tee"]
    content = bought((TEE, 4), at=0)
    content["line_items"][0]["description"] = "Tee with an owl"
    ours = fact_from("storefront.order_paid", content, at=0)
    assert [line.name for line in record(ours, pf("order_created", "pending", named, at=1)).lines] == [
        "Tee with an owl"
    ]
    unpaid = record(pf("order_created", "pending", named, at=1))
    assert [line.name for line in unpaid.lines] == ["Owl tee"]


def files(*statuses: str, kind: str = "front") -> dict[str, Any]:
    return TEES | {"files": [{"type": kind, "status": each} for each in statuses]}


@pytest.mark.parametrize(
    ("item_there", "status", "is_flagged"),
    [
        (files("ok"), "ok", False),
        (files("ok", "waiting"), "waiting", False),
        (files("ok", "failed", "waiting"), "failed", True),
        (files("ok", "paused"), "paused", False),
        (files("failed", kind="preview"), None, False),
        (files(), None, False),
    ],
)
def test_a_print_file_that_failed_is_flagged(item_there: dict[str, Any], status: str | None, is_flagged: bool) -> None:
    shown = record(paid((TEE, 4)), pf("order_created", "pending", item_there, at=1))
    assert shown.provider_orders[0].items[0].print_file == status
    assert (Attention.ITEM_FILE_FAILED in shown.attention) is is_flagged


def test_a_failed_print_file_is_flagged_until_it_is_replaced_or_gone_or_the_line_has_left_or_is_canceled() -> None:
    failed = [paid((TEE, 4)), pf("order_created", "pending", files("failed"), at=1)]
    for later in (
        pf("order_updated", "pending", files("ok"), at=2),
        sent(7, (1, 4), at=2),
        pf("order_canceled", "canceled", at=2),
        pf("order_updated", "pending", item(2, "1", TEE, 4), at=2),
        pf("order_updated", "pending", item(1, "1", TEE, 4), at=2),  # each list of Printful's is complete
    ):
        shown = record(*failed, later)
        assert Attention.ITEM_FILE_FAILED not in shown.attention
    assert record(*failed, pf("order_updated", "pending", at=2)).provider_orders[0].items[0].print_file is None
    earlier = pf("order_updated", "pending", item(1, "1", TEE, 4), at=0)
    assert Attention.ITEM_FILE_FAILED in record(*failed, earlier).attention


def test_an_incomplete_item_is_flagged_by_name_until_the_order_is_complete_or_over() -> None:
    waiting = {"name": "Owl mug", "quantity": 2, "external_variant_id": "mug-2", "external_line_item_id": 9}
    facts = [paid((TEE, 4)), pf("order_created", "draft", at=1, order={"incomplete_items": [waiting]})]
    shown = record(*facts)
    (one,) = shown.provider_orders[0].incomplete_items
    assert (one.name, one.quantity, one.variant, one.line_id) == ("Owl mug", 2, "mug-2", "9")
    assert Attention.ITEM_INCOMPLETE in shown.attention
    for later in (pf("order_updated", "pending", at=2), pf("order_canceled", "canceled", at=2)):
        assert Attention.ITEM_INCOMPLETE not in record(*facts, later).attention


def test_only_web_links_to_designs_stand_on_the_hold_that_waits_for_approval() -> None:
    design = {"submitted_design": "https://designs.example/1.png", "recommended_design": "javascript:steal()"}
    held = pf("order_put_hold_approval", "onhold", at=1, approval_files=[design | {"approval_sheet": ""}])
    again = pf("order_put_hold", "onhold", at=2)
    (hold,) = record(paid((TEE, 4)), held, again).holds
    assert hold.approval_files == [ApprovalFile(submitted_design="https://designs.example/1.png")]


def test_a_parcel_has_its_service_and_its_date() -> None:
    facts = [sent(7, (1, 4), at=5, service=" Ground ", ship_date="2026-09-05"), sent(7, (1, 4), at=6, ship_date=None)]
    (one,) = record(paid((TEE, 4)), *facts).shipments
    assert (one.service, one.ship_date) == ("Ground", "2026-09-05")


@pytest.mark.parametrize("name", ["order_put_hold", "order_put_hold_approval", "order_remove_hold", "order_refunded"])
def test_a_status_counts_whichever_event_has_it_and_never_backwards(name: str) -> None:
    payment = paid((TEE, 4))
    assert statuses(record(payment, pf(name, "inprocess", at=5))) == [Status.IN_PRODUCTION]
    late = pf(name, "pending", at=6)
    assert statuses(record(payment, pf("order_updated", "inprocess", at=5), late)) == [Status.IN_PRODUCTION]
    assert statuses(record(payment, pf(name, "draft", at=5)))[0] in (Status.PAID, Status.ACCEPTED)


@pytest.mark.parametrize("name", ["package_shipped", "package_returned"])
def test_a_status_of_a_parcel_counts_for_the_lines_that_have_not_left(name: str) -> None:
    event = pf(name, "inprocess", TEES, item(2, "2", MUG), at=5, shipment=parcel(7, (1, 4)))
    assert statuses(record(paid((TEE, 4), (MUG, 1)), event))[1] is Status.IN_PRODUCTION
