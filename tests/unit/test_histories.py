"""Properties of whole histories: what the printers and the shop tell over the weeks, in any order, by any hands.

2,500 histories in all; `tests/support/histories.py` makes them up.
"""

import json
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pressroom import orders
from pressroom.orders import PRINTFUL_STAGES, RANK, STAGES, Attention, Fact, Order, Status, fold
from tests.support.histories import History, Teller, about_orders, histories
from tests.support.template import topics


def test_histories_tell_of_every_topic_that_is_about_orders_and_of_every_kind_of_fact() -> None:
    told = [fact for seed in range(300) for fact in Teller(Random(seed)).all().facts]  # noqa: S311 - no secret
    assert {fact.source for fact in told} >= about_orders().keys()
    assert {fact.kind for fact in told} == orders.RULES.keys()
    catalogue = {"product_synced", "product_updated", "product_deleted", "stock_updated"}
    assert {f"{provider}.{topic}" for provider, topic in topics()} - about_orders().keys() == {
        f"printful.{topic}" for topic in catalogue
    }


# --- any order, any number of times, by any hands: the same record ---


@settings(max_examples=700, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_of_the_facts_is_the_same_record(history: History, random: Random) -> None:
    facts = history.facts
    shuffled = facts + random.choices(facts, k=random.randint(0, 5)) if facts else []
    random.shuffle(shuffled)
    assert fold(history.order_id, shuffled) == fold(history.order_id, facts)
    assert orders.pack(shuffled) == orders.pack(facts)
    assert orders.unpack(orders.pack(shuffled)) == orders.in_order(facts)


@settings(max_examples=500, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_any_split_into_concurrent_deliveries_is_the_same_record(history: History, random: Random) -> None:
    """Functions read the row, add what they know and write if nobody wrote meanwhile: `record.apply`, step by step."""
    facts = history.facts + [fact for fact in history.facts if random.random() < 0.2]  # some are delivered twice
    work: list[list[Fact]] = [[] for _ in range(random.randint(1, 5))]
    for fact in facts:
        random.choice(work).append(fact)
    version, row = 0, list[Fact]()
    reading: dict[int, tuple[int, list[Fact]]] = {}
    while busy := [writer for writer, mine in enumerate(work) if mine]:
        writer = random.choice(busy)
        if writer not in reading:
            reading[writer] = version, orders.unpack(orders.pack(row))
            continue
        seen, known = reading.pop(writer)
        new = work[writer][0]
        if new in known:
            work[writer].pop(0)
        elif seen == version:
            version, row = version + 1, [*known, new]
            work[writer].pop(0)
    assert orders.pack(row) == orders.pack(history.facts)
    assert fold(history.order_id, row) == fold(history.order_id, history.facts)


# --- late facts never take anything back ---

PARCELS = {"shipped", "returned", "undelivered", "progress"}
"""What may tell of a parcel; of the last two some do."""
LEFT_BY = {
    # It goes on, or something of it has left: then it had not failed altogether.
    Status.FAILED: PARCELS | {"paid"},
    # Only pieces that have not left are canceled, and these have.
    Status.CANCELED: PARCELS | {"paid"},
    # They are sent again; or more pieces have left than came back.
    Status.RETURNED: PARCELS | {"paid"},
}
"""The kinds of facts that may lead an order or a line from beside the stages back to them."""


class Watched:
    """How far an order, or a line, has been on the way."""

    def __init__(self) -> None:
        self.furthest, self.before = 0, Status.PAID

    def sees(self, status: Status, fact: Fact, *, excused: bool) -> None:
        if status in STAGES:
            assert excused or RANK[status] >= self.furthest, f"{fact.kind} took it back to {status}"
            if self.before in LEFT_BY:
                assert excused or fact.kind in LEFT_BY[self.before], f"{fact.kind} ended {self.before}"
            self.furthest = RANK[status]
        self.before = status


@settings(max_examples=600, deadline=None)
@given(histories(), st.randoms(use_true_random=False), st.booleans())
def test_a_status_never_goes_backwards(history: History, random: Random, shuffle: bool) -> None:
    arrival = list(history.facts)
    if shuffle:
        random.shuffle(arrival)
    order, lines = Watched(), dict[str, Watched]()
    named = {(fact.data["item"], fact.data["ref"]) for fact in arrival if "item" in fact.data}
    shared = Counter(ref for _, ref in named)
    shown, told, paid = fold(history.order_id, []), set[str](), False
    for known, fact in enumerate(arrival, start=1):
        before, shown = shown, fold(history.order_id, arrival[:known])
        ended = {line.id for line in before.lines if line.status is Status.CANCELED}
        # It turns out to have more lines, or that something of a line that was canceled had left: such an order had
        # never been all canceled, failed, returned or delivered.
        more = order.before not in STAGES and bool(_items(fact) - told)
        told |= _items(fact)
        left = order.before is Status.DELIVERED and any(
            line.id in ended for line in shown.lines if line.shipped_quantity
        )
        order.sees(shown.status, fact, excused=more or left)
        if fact.kind == "paid":  # until then the lines were what the printers call so
            paid, lines = True, {}
        for line in shown.lines:
            # Of lines with one SKU that their printer doesn't tell apart, the last ones are canceled; before the
            # payment such items are one line.
            alike = sum(other.sku == line.sku for other in shown.lines) > 1
            twin = alike and fact.kind == "canceled" if paid else shared[line.sku] > 1
            lines.setdefault(line.id, Watched()).sees(line.status, fact, excused=twin)
        assert not paid or lines.keys() == {line.id for line in history.lines}


def _items(fact: Fact) -> set[str]:
    return {fact.data.get("item", ""), *(item["item"] for item in fact.data.get("items", ()))}


# --- nothing is lost, nothing is made up ---


@settings(max_examples=700, deadline=None)
@given(histories())
def test_every_fact_stands_in_the_record(history: History) -> None:
    facts, order = history.facts, fold(history.order_id, history.facts)
    json.dumps(order.to_json())
    assert sorted(entry.event_id for entry in order.timeline) == sorted(fact.id for fact in facts)
    assert [entry.at for entry in order.timeline] == sorted(fact.at for fact in facts)
    for line in order.lines:
        assert line.shipped_quantity >= 0
        assert line.canceled_quantity >= 0
        assert line.shipped_quantity + line.canceled_quantity <= line.quantity
        assert 0 <= line.returned_quantity <= line.shipped_quantity
    what_came_back_is_returned(facts, order)
    if history.paid:
        assert [(line.id, line.sku, line.quantity, line.destination) for line in order.lines] == [
            (line.id, line.sku, line.quantity, line.destination) for line in history.lines
        ]
    every_told_parcel_is_there(facts, order)
    assert order.on_hold == any(hold.until is None for hold in order.holds)
    assert (Attention.LINE_MISSING in order.attention) == is_missing(history, order)
    wanted = {reason for reason, wants in WANTED.items() if wants(facts)}
    if order.status in (Status.SHIPPED, Status.DELIVERED, Status.RETURNED, Status.CANCELED):
        wanted.discard(Attention.CONFIRM_AGAIN)  # there is nothing left to confirm
    assert set(order.attention) & set(WANTED) == wanted
    assert len(order.refunds) == sum(fact.kind == "refunded" for fact in facts)


def every_told_parcel_is_there(facts: list[Fact], order: Order) -> None:
    """Each parcel once, with all that was told of it, but for items that were told of without tracking, then with."""
    told: dict[tuple[str, str], list[Fact]] = {}
    for fact in orders.in_order(facts):
        if "parcel" in fact.data:
            told.setdefault((fact.data["provider"], fact.data["parcel"]), []).append(fact)
    tracked = {
        line["item"]
        for fact in facts
        if fact.data.get("tracking_number") or fact.data.get("tracking_url")
        for line in fact.data["lines"]
        if line["quantity"] is None
    }
    shown = {(shipment.provider, shipment.id): shipment for shipment in order.shipments}
    assert len(shown) == len(order.shipments)
    for parcel, tellings in told.items():
        pieces: dict[str, int | None] = {}
        for fact in tellings:
            for name, lines in groupby(sorted(fact.data["lines"], key=_part), key=_part):
                quantities = [line["quantity"] for line in lines]
                pieces[name] = None if None in quantities else max(sum(quantities), pieces.get(name) or 0)
        if None in pieces.values():
            has_tracking = any(fact.data["tracking_number"] or fact.data["tracking_url"] for fact in tellings)
            assert (parcel in shown) == (has_tracking or not pieces.keys() <= tracked)
        if parcel not in shown:
            continue
        shipment = shown.pop(parcel)
        held = sum(line.quantity for line in shipment.lines)
        if None in pieces.values():
            assert held >= len(pieces.keys())
        else:
            assert held == sum(quantity or 0 for quantity in pieces.values())
        numbers = [fact.data["tracking_number"] for fact in tellings if fact.data["tracking_number"]]
        assert shipment.tracking_number == (numbers[-1] if numbers else None)
        assert shipment.returned == any(fact.kind == "returned" for fact in tellings)
    assert not shown


def what_came_back_is_returned(facts: list[Fact], order: Order) -> None:
    """Exactly so for items that name their lines; of the others no more is returned than came back."""
    pieces, back = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    unsaid = set[str]()
    for fact in facts:
        if fact.kind in ("shipped", "returned") and fact.data["provider"] == "printful":
            told = Counter[tuple[str, str]]()
            for line in fact.data["lines"]:
                told[fact.data["parcel"], line["item"]] += line["quantity"]
            pieces |= told
            if fact.kind == "returned":
                back |= told
                unsaid |= {fact.data["parcel"]}
    unsaid -= {parcel for parcel, _ in back}
    back |= Counter({part: number for part, number in pieces.items() if part[0] in unsaid})
    assert sum(line.returned_quantity for line in order.lines) <= back.total()
    refs = {item["item"]: item.get("ref") for fact in facts for item in fact.data.get("items", ())}
    for line in order.lines:
        items = {item for item, ref in refs.items() if ref == line.id}
        if items and all(refs.values()) and line.destination == "printful":
            came = sum(number for (_, item), number in back.items() if item in items)
            kept = sum(number for (_, item), number in pieces.items() if item in items) - came
            assert line.returned_quantity == (max(0, line.shipped_quantity - kept) if came else 0)


def is_missing(history: History, order: Order) -> bool:
    """Tell whether an open line of Printful's is not among the items that it told last."""
    lists = [fact.data["items"] for fact in orders.in_order(history.facts) if fact.data.get("items")]
    ids = {line.id for line in order.lines if line.destination in ("printful", None)}
    items = lists[-1] if lists else []
    named = {item.get("ref") for item in items} & ids
    skus = {item.get("sku") for item in items if item.get("ref") not in ids}
    open_lines = [
        line.id
        for line in order.lines
        if line.destination == "printful"
        and line.id not in named
        and line.sku not in skus
        and line.status not in (Status.SHIPPED, Status.DELIVERED, Status.RETURNED, Status.CANCELED)
    ]
    return history.paid and bool(lists) and bool(open_lines)


def _part(line: dict[str, Any]) -> str:
    return str(line.get("item") or line["sku"])


# What wants a person, from the facts alone: the latest of what began it and what ended it, the former if at once.


def _latest(facts: list[Fact], about: str, begun: Callable[[Fact], bool], ended: Callable[[Fact], bool]) -> bool:
    """Tell whether something that began has not ended, for any printer's order (or any item, if `about` is that)."""

    def subject(fact: Fact) -> tuple[str, str, str]:
        data = fact.data
        return str(data.get("provider")), str(data.get("order")), str(data.get(about, "")) if about else ""

    begins, ends = dict[Any, str](), dict[Any, str]()
    for fact in facts:
        if begun(fact):
            begins[subject(fact)] = max(begins.get(subject(fact), ""), fact.at)
        if ended(fact):
            ends[subject(fact)] = max(ends.get(subject(fact), ""), fact.at)
    return any(ends.get(each, "") <= since for each, since in begins.items())


def _says(*statuses: str) -> Callable[[Fact], bool]:
    return lambda fact: fact.kind == "progress" and fact.data.get("status") in statuses


def _goes_on(fact: Fact) -> bool:
    stage = fact.data.get("stage") or PRINTFUL_STAGES.get(fact.data.get("status") or "")
    return fact.kind in ("shipped", "returned", "undelivered") or (fact.kind == "progress" and bool(stage))


def _canceled(fact: Fact) -> bool:
    return fact.kind == "canceled" or _says("canceled")(fact)


def _is_canceled(facts: list[Fact], *, item: bool = False) -> bool:
    return any(_canceled(fact) and (item or not fact.data.get("item")) for fact in facts)


def _is_on_hold(facts: list[Fact]) -> bool:
    """Tell whether a hold is open: one with an event of its own, or one that only a status told of."""

    def ends(fact: Fact) -> bool:
        by_parcel = fact.kind == "shipped" and fact.data.get("status") == "fulfilled"
        return fact.kind == "released" or by_parcel or (_canceled(fact) and not fact.data.get("item"))

    def ends_told(fact: Fact) -> bool:
        return ends(fact) or (fact.kind == "progress" and fact.data.get("status") not in (None, "onhold"))

    return _latest(facts, "", lambda fact: fact.kind == "held", ends) or _latest(facts, "", _says("onhold"), ends_told)


WANTED: dict[Attention, Callable[[list[Fact]], bool]] = {
    Attention.ON_HOLD: lambda facts: _is_on_hold(facts),
    Attention.CONFIRM_AGAIN: lambda facts: (
        (told := [fact.data["status"] for fact in orders.in_order(facts) if fact.data.get("status")])[-1:] == ["draft"]
        and set(told) != {"draft"}
        and not _is_on_hold(facts)
    ),
    Attention.FAILED: lambda facts: (
        _latest(
            [fact for fact in facts if fact.data.get("provider") == "printful"],
            "",
            lambda fact: fact.kind == "failed" or _says("failed")(fact),
            _goes_on,
        )
        and not _is_canceled([fact for fact in facts if fact.data.get("provider") == "printful"])
    ),
    Attention.NOT_DELIVERED: lambda facts: _latest(
        facts,
        "item",
        lambda fact: fact.kind == "undelivered",
        lambda fact: fact.kind == "progress" and fact.data.get("stage") == Status.DELIVERED,
    ),
    Attention.PRODUCTION_ERROR: lambda facts: _latest(
        [
            fact
            for fact in facts
            if fact.data.get("provider") == "cloudprinter"
            and not any(
                _canceled(other)
                and other.data["provider"] == "cloudprinter"
                and other.data.get("item") in (None, fact.data.get("item"))
                for other in facts
            )
        ],
        "item",
        lambda fact: fact.kind == "error",
        _goes_on,
    ),
    Attention.PAID_TWICE: lambda facts: any(fact.kind == "paid_again" for fact in facts),
    Attention.ANSWER_LOST: lambda facts: any(fact.data.get("answer_lost") for fact in facts),
    Attention.DELIVERY_DEAD: lambda facts: (
        any(fact.kind == "dead" for fact in facts) and not any(fact.kind == "sent" for fact in facts)
    ),
}
