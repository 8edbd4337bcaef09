"""An order is the fold of its facts: every rule of the table, whatever the order and the repetition of the facts."""

import json
import zlib
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pressroom.order import fold as fold_module
from pressroom.order.facts import Fact, pack, unpack
from pressroom.order.fold import RULES, fold
from pressroom.order.model import Order, Status
from pressroom.order.reasons import Attention

ORDER = "1001"
DELIVERY = "camaloon-d1"


def fact(kind: str, data: dict[str, Any], *, id: str = "", at: int = 0, received: int | None = None) -> Fact:  # noqa: A002
    source = {"shipped": "camaloon.shipment_sent", "sent": "deliver.camaloon", "dead": "deliver.camaloon"}
    return Fact(
        id=id or f"{kind}-{at}",
        kind=kind,
        source=source.get(kind, "storefront.order_paid"),
        at=f"2026-09-01T10:{at:02}:00.000Z",
        received_at=f"2026-09-01T10:{at if received is None else received:02}:00.000Z",
        data=data,
    )


def paid(*lines: tuple[str, int] | tuple[str, int, str | None], at: int = 0, **rest: Any) -> Fact:
    """The payment of lines of (sku, quantity, destination), the destination being camaloon unless given."""
    shown = [
        {
            "id": str(position),
            "sku": line[0],
            "quantity": line[1],
            "price": "1.00",
            "destination": line[2] if len(line) == 3 else "camaloon",
        }
        for position, line in enumerate(lines, start=1)
    ]
    data = {"ref": "R1", "currency": "EUR", "created_at": "2026-09-01T09:00:00.000Z", "lines": shown}
    return fact("paid", data | {"deliveries": [DELIVERY]}, at=at, **rest)


def shipped(*lines: tuple[str, int], parcel: str = "p1", at: int = 5, **rest: Any) -> Fact:
    data = {
        "provider": "camaloon",
        "parcel": parcel,
        "carrier": None,
        "tracking_number": "T1",
        "tracking_url": "https://t.example",
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
    }
    return fact("shipped", data, at=at, **rest)


def end(kind: str, *, at: int = 2, **data: Any) -> Fact:
    about = {"delivery_id": DELIVERY, "destination": "camaloon", "operation": "order_paid"}
    return fact(kind, about | data, at=at)


def pieces(order: Order) -> list[int]:
    return [line.shipped_quantity for line in order.lines]


def test_a_payment_makes_the_lines() -> None:
    order = fold(ORDER, [paid(("a", 2), ("b", 1, None))])
    assert (order.id, order.ref, order.currency, order.status) == (ORDER, "R1", "EUR", Status.PAID)
    assert [(line.id, line.sku, line.quantity, line.destination) for line in order.lines] == [
        ("1", "a", 2, "camaloon"),
        ("2", "b", 1, None),
    ]
    assert order.attention == [Attention.UNROUTABLE]
    assert order.timeline[0].text == "Paid: 3 pieces in 2 lines, for camaloon"
    assert order.created_at == "2026-09-01T09:00:00.000Z"


def test_the_first_of_two_payments_counts() -> None:
    order = fold(ORDER, [paid(("b", 9), at=1), paid(("a", 2), at=0)])
    assert [line.sku for line in order.lines] == ["a"]
    assert order.attention == [Attention.PAID_TWICE]


def test_a_payment_with_other_contents_only_flags_the_order() -> None:
    first = paid(("a", 2))
    order = fold(ORDER, [first, fact("paid_again", {}, at=1)])
    assert order.attention == [Attention.PAID_TWICE]
    assert order.lines == fold(ORDER, [first]).lines


def test_lines_that_a_destination_received_are_accepted() -> None:
    order = fold(ORDER, [paid(("a", 2), ("b", 1, "printful")), end("sent")])
    assert [line.status for line in order.lines] == [Status.ACCEPTED, Status.PAID]
    assert order.status is Status.PAID


def test_a_lost_answer_is_flagged_when_the_delivery_ends() -> None:
    order = fold(ORDER, [paid(("a", 2)), end("sent", answer_lost=True)])
    assert order.attention == [Attention.ANSWER_LOST]


def test_a_dead_delivery_is_flagged_until_it_is_sent() -> None:
    dead = end("dead", reason="HTTP 401")
    assert fold(ORDER, [paid(("a", 2)), dead]).attention == [Attention.DELIVERY_DEAD]
    assert fold(ORDER, [paid(("a", 2)), dead, end("sent", at=3)]).attention == []
    assert "HTTP 401" in fold(ORDER, [dead]).timeline[0].text


def test_a_delivery_that_was_sent_is_not_dead_whatever_the_times() -> None:
    order = fold(ORDER, [paid(("a", 2)), end("sent", at=3), end("dead", reason="HTTP 503", at=4)])
    assert order.attention == []


def test_parcels_add_up() -> None:
    facts = [paid(("a", 3), ("b", 1)), shipped(("a", 2), parcel="p1")]
    assert (fold(ORDER, facts).status, pieces(fold(ORDER, facts))) == (Status.PARTIALLY_SHIPPED, [2, 0])
    facts.append(shipped(("a", 1), ("b", 1), parcel="p2", at=6))
    assert (fold(ORDER, facts).status, pieces(fold(ORDER, facts))) == (Status.SHIPPED, [3, 1])
    assert fold(ORDER, facts).attention == []


def test_a_line_is_partially_shipped_until_it_is_complete() -> None:
    order = fold(ORDER, [paid(("a", 3)), end("sent"), shipped(("a", 2))])
    assert [line.status for line in order.lines] == [Status.PARTIALLY_SHIPPED]


def test_a_parcel_in_two_events_counts_once() -> None:
    order = fold(ORDER, [paid(("a", 2)), shipped(("a", 1), at=5), shipped(("a", 1), at=6)])
    assert pieces(order) == [1]
    assert len(order.shipments) == 1
    assert order.timeline[-1].text.endswith("(reported again)")


def test_an_unknown_sku_stays_in_the_parcel_and_flags_the_order() -> None:
    order = fold(ORDER, [paid(("a", 1)), shipped(("a", 1), ("x", 4))])
    assert order.attention == [Attention.UNKNOWN_SKU]
    assert order.status is Status.SHIPPED
    assert [(line.line_id, line.sku, line.quantity) for line in order.shipments[0].lines] == [
        ("1", "a", 1),
        (None, "x", 4),
    ]


def test_pieces_beyond_the_order_stay_in_the_parcel_and_flag_the_order() -> None:
    order = fold(ORDER, [paid(("a", 2)), shipped(("a", 5))])
    assert pieces(order) == [2]
    assert order.attention == [Attention.OVER_SHIPPED]
    assert [(line.line_id, line.quantity) for line in order.shipments[0].lines] == [("1", 5)]


def test_lines_of_the_same_sku_are_filled_one_after_the_other() -> None:
    order = fold(ORDER, [paid(("a", 2), ("a", 3)), shipped(("a", 4))])
    assert pieces(order) == [2, 2]
    assert [line.status for line in order.lines] == [Status.SHIPPED, Status.PARTIALLY_SHIPPED]
    assert [(line.line_id, line.quantity) for line in order.shipments[0].lines] == [("1", 2), ("2", 2)]


def test_a_printers_parcel_ships_only_its_own_lines() -> None:
    order = fold(ORDER, [paid(("a", 1, "printful"), ("a", 1)), shipped(("a", 1))])
    assert pieces(order) == [0, 1]


def test_a_parcel_of_an_unpaid_order_is_kept_and_flagged() -> None:
    order = fold(ORDER, [shipped(("a", 1))])
    assert (order.status, order.attention) == (Status.PARTIALLY_SHIPPED, [Attention.UNPAID])
    assert [(line.line_id, line.quantity) for line in order.shipments[0].lines] == [(None, 1)]
    assert order.created_at == order.shipments[0].shipped_at


def test_a_payment_completes_an_order_whose_parcel_came_first() -> None:
    late = fold(ORDER, [shipped(("a", 1), at=1), paid(("a", 1), at=9)])
    assert (late.status, late.attention) == (Status.SHIPPED, [])


def test_a_payment_shows_that_a_parcel_holds_nothing_of_the_order() -> None:
    """Before the payment, nobody knows the lines. A parcel of other goods may be another customer's."""
    shown = fold(ORDER, [shipped(("x", 1), at=1), paid(("a", 1), at=9)])
    assert (shown.status, shown.attention) == (Status.PAID, [Attention.UNKNOWN_SKU])
    assert (len(shown.shipments), shown.own_shipments()) == (1, [])
    both = fold(ORDER, [shipped(("x", 1), ("a", 1), at=1), paid(("a", 1), at=9)])
    assert (both.status, both.attention) == (Status.SHIPPED, [Attention.UNKNOWN_SKU])


def test_an_empty_set_is_an_empty_order() -> None:
    order = fold(ORDER, [])
    assert (order.status, order.attention, order.timeline) == (Status.PAID, [Attention.UNPAID], [])


def test_a_kind_without_a_rule_is_shown_and_changes_nothing_else() -> None:
    known = [paid(("a", 1)), end("sent")]
    order, other = fold(ORDER, known), fold(ORDER, [*known, fact("engraved", {"x": 1}, at=8)])
    assert other.timeline[-1].text == "Not understood: engraved"
    assert (other.lines, other.status, other.attention) == (order.lines, order.status, order.attention)


def test_the_record_is_json_with_the_keys_of_the_contract() -> None:
    shown = fold(ORDER, [paid(("a", 1)), shipped(("a", 1))]).to_json()
    assert set(shown) == {
        *("id", "ref", "status", "on_hold", "attention", "currency"),
        *("created_at", "updated_at", "lines", "shipments", "timeline"),
        *("holds", "refunds", "provider_orders", "erased_at"),
        *("linked_to", "linked", "maybe_same"),
    }


def test_packed_facts_unpack_unchanged() -> None:
    facts = [paid(("ñ", 1)), shipped(("a", 1))]
    assert unpack(pack(facts)) == facts


def test_facts_packed_by_earlier_versions_are_read() -> None:
    facts = [paid(("a", 2)), end("sent")]
    plain = zlib.compress(json.dumps([asdict(each) for each in facts]).encode())
    assert unpack(plain) == facts
    # By the first version with the preset dictionary, which may never change.
    packed = bytes.fromhex(
        "78bb6874739583e57560d9919cad6b8e7003588098d205619d81a5ae816188a1819581397e77615788d79dc8510b8ae9fc52"
        "20331a18a6b10019ae39a2"
    )
    assert unpack(packed) == [fact("stock", {"provider": "printful", "product": "71", "out": []}, at=7)]


def test_every_kind_of_fact_has_its_row_in_the_table() -> None:
    assert fold_module.__doc__
    assert all(f"| `{kind}`" in fold_module.__doc__ for kind in RULES)


# --- any order and repetition of the facts: see test_histories ---

LINES = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 6), st.sampled_from(["camaloon", "printful", None])),
    min_size=1,
    max_size=4,
)


@settings(max_examples=500, deadline=None)
@given(lines=LINES, splits=st.data())
def test_any_split_into_parcels_ships_the_whole_order(
    lines: list[tuple[str, int, str | None]], splits: st.DataObject
) -> None:
    ordered = paid(*((sku, quantity, "camaloon") for sku, quantity, _ in lines))
    single = [sku for sku, quantity, _ in lines for _ in range(quantity)]
    left, cuts = splits.draw(st.permutations(single)), splits.draw(st.sets(st.integers(1, len(single))))
    edges = sorted({0, *cuts, len(single)})
    facts = [
        shipped(*((sku, 1) for sku in left[start:end]), parcel=f"p{start}", id=f"s{start}", at=5)
        for start, end in pairwise(edges)
    ]
    order = fold(ORDER, splits.draw(st.permutations([ordered, *facts])))
    assert (order.status, order.attention) == (Status.SHIPPED, [])


def test_an_unrouted_line_may_be_shipped_by_any_printer() -> None:
    order = fold(ORDER, [paid(("a", 2, None), ("b", 1, "printful")), shipped(("a", 2), ("b", 1))])
    assert [line.shipped_quantity for line in order.lines] == [2, 0]
    assert order.attention == [Attention.UNKNOWN_SKU, Attention.UNROUTABLE]
