"""Properties of random histories: webhooks of printers, shop and OMS over weeks, in any order, by concurrent writers.

`tests/support/histories.py` draws the histories.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import groupby
from random import Random
from typing import Any

from pressroom.order import links
from pressroom.order.facts import Fact, in_order, pack, unpack
from pressroom.order.fold import RULES, fold
from pressroom.order.model import RANK, STAGES, Line, Order, Status
from pressroom.order.reasons import Attention
from pressroom.order.state import SENT
from pressroom.partners import BY_ID, FOLLOWED
from tests.support.histories import History, about_orders, drawn, each_history, instant
from tests.support.template import topics


def test_the_histories_cover_every_topic_about_orders_and_every_kind_of_fact() -> None:
    facts = [fact for history in drawn() for fact in history.facts]
    assert {fact.source for fact in facts} >= about_orders().keys()
    assert {fact.kind for fact in facts} == RULES.keys() - {
        "notified",
        "erased",
        "overdue",
        *("linked", "unlinked", "resembles", "distinct"),
    }  # which no webhook reports
    assert all(any(map(happens, drawn())) for happens in RARE)
    catalogue = {"product_synced", "product_updated", "product_deleted", "stock_updated"}
    assert {f"{provider}.{topic}" for provider, topic in topics()} - about_orders().keys() == {
        "oms.print_file_ready",
        *(f"printful.{topic}" for topic in catalogue),
    }


def _goes_on_without_a_release(history: History) -> bool:
    """Whether a hold of Printful's is followed by a status of production, and no release of it was reported."""
    facts = in_order(_printfuls(history.facts))
    kinds = [fact.kind for fact in facts]
    return "released" not in kinds and any(
        _is_in_production(fact) and fact.kind != "held" and "held" in kinds[:number]
        for number, fact in enumerate(facts)
    )


RARE: tuple[Callable[[History], bool], ...] = (
    _goes_on_without_a_release,
    lambda history: any(fact.kind == "refunded" and fact.data["currency"] is None for fact in history.facts),
    lambda history: any(shipment.merged for shipment in fold(history.order_id, history.facts).shipments),
)
"""What the histories must hold, besides every kind of fact."""


# --- any order, any repetition, any concurrency: the same record ---


@each_history()
def test_any_order_and_any_repetition_of_the_facts_give_the_same_record(history: History) -> None:
    random = history.random()
    facts = history.facts
    shuffled = facts + random.choices(facts, k=random.randint(0, 5)) if facts else []
    random.shuffle(shuffled)
    assert fold(history.order_id, shuffled) == fold(history.order_id, facts)
    assert pack(shuffled) == pack(facts)
    assert unpack(pack(shuffled)) == in_order(facts)


def _note(kind: str, at: int, **data: str) -> Fact:
    return Fact(id=f"{kind}/{at}", kind=kind, source="ops", at=instant(at), received_at=instant(at), data=dict(data))


def _record(order: Order) -> Order:
    """The order without what shows that a record is linked."""
    return replace(order, timeline=[], linked=[], linked_to=None, updated_at="", created_at="")


def _some(history: History, random: Random) -> list[Fact]:
    """Return some of the facts that a link moves; stock is reported for each record's own items."""
    stock = random.random() < 0.5
    moving = [fact for fact in history.facts if links.is_a_printers(fact)]
    return [fact for fact in moving if (stock if fact.kind == "stock" else random.random() < 0.7)]


@each_history()
def test_linked_facts_count_like_the_orders_own_and_unlinked_ones_not_at_all(history: History) -> None:
    random = history.random()
    theirs = _some(history, random)
    own = [fact for fact in history.facts if fact not in theirs]
    linked, unlinked = (_note(kind, at, record="7-R1") for kind, at in (("linked", 10**7), ("unlinked", 2 * 10**7)))
    for known, expected in (
        ([linked], history.facts),
        ([], history.facts),  # linked by Pressroom itself
        ([linked, unlinked], own),
        ([linked, unlinked, _note("linked", 3 * 10**7, record="7-R1")], history.facts),
    ):
        facts = [*own, *links.copies("7-R1", theirs), *known] * random.choice((1, 2))
        random.shuffle(facts)
        order = fold(history.order_id, facts)
        assert _record(order) == _record(fold(history.order_id, expected))
        assert order.linked == (["7-R1"] if theirs and expected is not own else [])


@each_history()
def test_a_record_that_is_linked_hands_on_what_was_linked_to_it(history: History) -> None:
    """The facts of the record A are in B, which is linked to this order; A or B may be unlinked again."""
    random = history.random()
    of_a, of_b = _some(history, random), _some(history, random)
    of_b = [fact for fact in of_b if fact not in of_a and fact.kind != "stock"]
    own = [fact for fact in history.facts if fact not in of_a and fact not in of_b]
    for parted, expected in (
        ((), history.facts),
        (("A",), [*own, *of_b]),  # from B
        (("B", "A"), own),  # B, with what is linked to it
    ):
        in_b = [*of_b, *links.copies("A", of_a), _note("linked", 10**7, order="7")]
        if parted == ("A",):
            in_b.append(_note("unlinked", 2 * 10**7, record="A"))
        random.shuffle(in_b)
        assert [fact for fact in links.counted(in_b) if links.is_a_printers(fact)] == []
        notes = [_note("unlinked", 2 * 10**7 + number, record=each) for number, each in enumerate(parted)]
        facts = [*own, *links.copies("B", in_b), *notes] * random.choice((1, 2))
        if "A" in parted:  # copies that were made before
            facts += links.copies("A", of_a)
        random.shuffle(facts)
        assert _record(fold(history.order_id, facts)) == _record(fold(history.order_id, expected))


@each_history()
def test_a_linked_record_keeps_its_facts_and_gets_them_back(history: History) -> None:
    random = history.random()
    linked, unlinked = (_note(kind, at, order="7") for kind, at in (("linked", 10**7), ("unlinked", 2 * 10**7)))
    facts = [*history.facts, linked]
    random.shuffle(facts)
    order = fold(history.order_id, facts)
    assert order.linked_to == "7"
    assert (
        _record(order).lines
        == _record(fold(history.order_id, [fact for fact in history.facts if not links.is_a_printers(fact)])).lines
    )
    if not order.lines:
        assert (order.status, order.on_hold, order.shipments) == (Status.LINKED, False, [])
        assert Attention.UNPAID not in order.attention
    facts.append(unlinked)
    random.shuffle(facts)
    assert _record(fold(history.order_id, facts)) == _record(fold(history.order_id, history.facts))


@each_history(300)
def test_any_concurrent_writers_give_the_same_record(history: History) -> None:
    """Functions read the row, add facts, and write it unless it has changed: `repository.apply`, step by step."""
    random = history.random()
    facts = history.facts + [fact for fact in history.facts if random.random() < 0.2]  # some are received twice
    work: list[list[Fact]] = [[] for _ in range(random.randint(1, 5))]
    for fact in facts:
        random.choice(work).append(fact)
    version, row = 0, pack([])
    reading: dict[int, tuple[int, list[Fact]]] = {}
    while busy := [writer for writer, mine in enumerate(work) if mine]:
        writer = random.choice(busy)
        if writer not in reading:
            reading[writer] = version, unpack(row)
            continue
        seen, known = reading.pop(writer)
        new = work[writer][0]
        if new in known:
            work[writer].pop(0)
        elif seen == version:
            version, row = version + 1, pack([*known, new])
            work[writer].pop(0)
    assert row == pack(history.facts)
    assert fold(history.order_id, unpack(row)) == fold(history.order_id, history.facts)


# --- late facts never reverse anything ---

PARCELS = {"shipped", "returned", "undelivered", "progress"}
"""The kinds of facts that may report a parcel; of the last two, only some do."""
ENDED_BY = {
    # It goes on (every fact of Printful's may say so), or a part of it was shipped: then not all of it had failed.
    Status.FAILED: PARCELS | {"paid", "held", "released", "refunded"},
    # Only pieces that are not shipped are canceled, and these are; or it was sent before the shop canceled it.
    Status.CANCELED: PARCELS | {"paid", "sent"},
    # They are sent again; or more pieces were shipped than returned.
    Status.RETURNED: PARCELS | {"paid"},
}
"""The kinds of facts that may end a status beside the stages, of an order or a line."""


class Progress:
    """The furthest stage that an order, or a line, has reached."""

    def __init__(self) -> None:
        self.furthest, self.before = 0, Status.PAID

    def check(self, status: Status, fact: Fact, *, excused: bool) -> None:
        if status in STAGES:
            assert excused or RANK[status] >= self.furthest, f"{fact.kind} moved it back to {status}"
            if self.before in ENDED_BY:
                assert excused or fact.kind in ENDED_BY[self.before], f"{fact.kind} ended {self.before}"
            self.furthest = RANK[status]
        self.before = status


@each_history(600)
def test_a_status_never_goes_backwards(history: History) -> None:
    """Unless the order changes: by the shop, by the shop and a printer, or because a person routes a line.

    Or the list of a printer's order shows that a line is not in it.
    """
    random = history.random()
    arrival = list(history.facts)
    if random.random() < 0.5:
        random.shuffle(arrival)
    order, lines = Progress(), dict[str, Progress]()
    named = {(fact.data["item"], fact.data["ref"]) for fact in arrival if "item" in fact.data}
    shared = Counter(ref for _, ref in named)
    shown, reported, paid = fold(history.order_id, []), set[str](), False
    for known, fact in enumerate(arrival, start=1):
        before, shown = shown, fold(history.order_id, arrival[:known])
        ended = {line.id for line in before.lines if line.status is Status.CANCELED}
        # The order has more lines than were known, or a part of a canceled line was shipped. Then not all of the order
        # was canceled, failed, returned or delivered.
        more = order.before not in STAGES and bool(_items(fact) - reported)
        reported |= _items(fact)
        left = order.before is Status.DELIVERED and any(
            line.id in ended for line in shown.lines if line.shipped_quantity
        )
        changed = fact.kind in ("updated", "routed") or (paid and _described(before) != _described(shown))
        missing, before_missing = (
            _missing(arrival[:number], each) for number, each in ((known, shown), (known - 1, before))
        )
        changed |= paid and bool(missing - before_missing)
        claimed = _canceled_unrouted(before) - _canceled_unrouted(shown)
        claimed |= _canceled_lines(before) & _removed(arrival[:known]) - _canceled_lines(shown)
        claimed |= _no_products(before) - _no_products(shown)
        # Before the payment, every item and parcel counts. The payment shows which ones are not of this order.
        foreign = fact.kind == "paid" and Attention.UNKNOWN_SKU in shown.attention
        order.check(shown.status, fact, excused=more or left or changed or bool(claimed) or foreign)
        if fact.kind == "paid":  # before, the lines are the items of the printers
            paid, lines = True, {}
        for line in shown.lines:
            # If a printer doesn't distinguish lines with the same SKU, the last of them are canceled. Before the
            # payment, such items are one line.
            alike = sum(other.sku == line.sku for other in shown.lines) > 1
            twin = alike and fact.kind == "canceled" if paid else shared[line.sku] > 1
            excused = twin or changed or line.id in claimed
            lines.setdefault(line.id, Progress()).check(line.status, fact, excused=excused)
        assert not paid or lines.keys() >= {line.id for line in history.lines}


def _described(order: Order) -> set[tuple[str, str, int]]:
    return {(line.id, line.sku, line.quantity) for line in order.lines}


def _canceled_lines(order: Order) -> set[str]:
    return {line.id for line in order.lines if line.status is Status.CANCELED}


def _updates(facts: list[Fact]) -> list[Fact]:
    """Return the updates since the payment, which alone count."""
    payment = next((fact for fact in facts if fact.kind == "paid"), None)
    return [fact for fact in in_order(facts) if fact.kind == "updated" and payment and fact.at >= payment.at]


def _removed(facts: list[Fact]) -> set[str]:
    """Return the lines that the shop has removed; a printer may turn out to make one all the same."""
    updates = _updates(facts)
    payment = next((fact for fact in facts if fact.kind == "paid"), None)
    ordered = {line["id"] for fact in [payment, *updates] if fact for line in fact.data["lines"]}
    return ordered - {line["id"] for line in updates[-1].data["lines"]} if updates else set()


def _items(fact: Fact) -> set[str]:
    if fact.kind == "stock":  # it is about a product: nobody makes the order because of it
        return set()
    named = {fact.data["item"]} if "item" in fact.data else {""} if "provider" in fact.data else set[str]()
    return named | {item["item"] for item in fact.data.get("items", ())}


def _missing(facts: list[Fact], order: Order) -> set[str]:
    """Return the lines that may be at Printful and are not in its latest list of items."""
    lists = [fact.data["items"] for fact in in_order(_printfuls(facts)) if fact.data.get("items")]
    lines = [line for line in order.lines if line.destination in ("printful", None)] if lists else []
    ids, items = {line.id for line in lines}, lists[-1] if lists else []
    named = {item.get("ref") for item in items} & ids
    skus = {item.get("sku") for item in items if item.get("ref") not in ids}
    return {line.id for line in lines if line.id not in named and line.sku not in skus}


def _no_products(order: Order) -> set[str]:
    """Return the lines that nobody makes, such as a tip; a printer may still report one as its own."""
    return {line.id for line in order.lines if line.is_no_product() and line.status is Status.PAID}


def _canceled_unrouted(order: Order) -> set[str]:
    """Return the canceled lines without a printer; a printer may still report one as its own."""
    return {line.id for line in order.lines if line.destination is None and line.status is Status.CANCELED}


# --- nothing is lost, nothing is invented ---


@each_history()
def test_every_fact_is_in_the_record(history: History) -> None:
    facts, order = history.facts, fold(history.order_id, history.facts)
    json.dumps(order.to_json())
    assert sorted(entry.event_id for entry in order.timeline) == sorted(fact.id for fact in facts)
    assert [entry.at for entry in order.timeline] == sorted(fact.at for fact in facts)
    for line in order.lines:
        assert line.shipped_quantity >= 0
        assert line.canceled_quantity >= 0
        assert line.shipped_quantity + line.canceled_quantity <= line.quantity
        assert 0 <= line.returned_quantity <= line.shipped_quantity
    check_returned_pieces(named(facts), order)
    if history.paid:
        check_lines(history, order)
        check_confirmed_lines(history.facts, order)
        check_cancellation(history, order)
    check_parcels(named(facts), order)
    check_printers_orders(facts, order)
    assert order.on_hold == any(hold.until is None for hold in order.holds)
    assert (Attention.LINE_MISSING in order.attention) == is_missing(history, order)
    wanted = {reason for reason, wants in WANTED.items() if wants(facts)}
    if order.status in GONE:
        wanted.discard(Attention.CONFIRM_AGAIN)  # there is nothing left to confirm
    wanted |= {reason for reason, wants in WANTED_OF_LINES.items() if wants(facts, order)}
    assert set(order.attention) & (WANTED.keys() | WANTED_OF_LINES.keys()) == wanted
    check_refunds(facts, order)


GONE = (Status.SHIPPED, Status.DELIVERED, Status.RETURNED, Status.CANCELED)


def check_lines(history: History, order: Order) -> None:
    """The lines and printers are those ordered; the contents are those sent to the printer, or the shop's latest."""
    payment = next(fact for fact in history.facts if fact.kind == "paid")
    updates = _updates(history.facts)
    by_hand = {fact.data["line"]: fact.data for fact in history.facts if fact.kind == "routed"}
    first_lines, added = order.lines[: len(history.lines)], order.lines[len(history.lines) :]
    assert [line.id for line in first_lines] == [line.id for line in history.lines]
    said = {(each["id"], each["sku"], each["quantity"]) for fact in (payment, *updates) for each in fact.data["lines"]}
    for line in added:
        assert line.destination in FOLLOWED
        assert (line.id, line.sku, line.quantity) in said
    sent = Counter[tuple[str, int]]()
    for line, ordered, first in zip(first_lines, history.lines, payment.data["lines"], strict=True):
        assert line.destination == ordered.destination or line.destination == by_hand[line.id]["destination"]
        changes = [each for update in updates for each in update.data["lines"] if each["id"] == line.id]
        is_left_out = line.id in payment.data.get("left_out", ())
        if line.destination in ("oms", None) and not is_left_out:
            designs = [each["variant"] for each in (first, *changes) if "variant" in each]
            assert line.variant == (designs[-1] if designs else None)
            first = changes[-1] if changes else first
        elif line.destination in FOLLOWED:
            assert (line.id, line.sku, line.quantity) in said
            assert line.destination == "printful" or line.quantity == first["quantity"] or line.id in by_hand
            continue
        elif line.id in by_hand:
            first = by_hand[line.id]["told"]
        assert (line.sku, line.quantity) == (first["sku"], first["quantity"])
        if line.destination == "camaloon" and not is_left_out:
            sent[line.sku, line.quantity] += 1
    orders = [json.loads(each.body) for each in history.deliveries if each.operation == "order_paid"]
    assert Counter((item["sku"], item["quantity"]) for each in orders for item in each["line_items"]) == sent
    creates = [json.loads(each.body) for each in history.deliveries if each.operation == "create_order"]
    made = [item["ecommerce_order_item_id"] for each in creates for item in each["items"]]
    left_out = payment.data.get("left_out", ())
    assert sorted(made) == sorted(
        f"1001:{line.id}" for line in order.lines if line.destination == "oms" and line.id not in left_out
    )


def check_confirmed_lines(facts: list[Fact], order: Order) -> None:
    """A line whose item names it is what the shop and Printful said last, if they said the same."""
    updates = _updates(facts)
    latest = {line["id"]: line for line in updates[-1].data["lines"]} if updates else {}
    lists = [fact.data["items"] for fact in in_order(_printfuls(facts)) if fact.data.get("items")]
    listed = lists[-1] if lists and not _is_canceled(_printfuls(facts)) else []
    if any(item.get("ref") not in latest for item in listed):
        return
    for item in listed:
        said = latest[item["ref"]]
        if (item.get("sku"), item["quantity"]) == (said["sku"], said["quantity"]):
            line = next((each for each in order.lines if each.id == said["id"]), None)
            if line is None or line.destination == "printful":
                assert line is not None
                assert (line.sku, line.quantity) == (said["sku"], said["quantity"])
    for line in order.lines if listed else ():
        if line.destination == "printful" and line.id not in latest and not line.shipped_quantity:
            assert line.status is Status.CANCELED


def check_cancellation(history: History, order: Order) -> None:
    """An order that the shop canceled is canceled, or flagged because it goes on."""
    if not any(fact.kind == "revoked" for fact in history.facts):
        assert Attention.NOT_RECALLED not in order.attention
        return
    assert Attention.CANCELED not in order.attention
    if order.status is not Status.CANCELED:
        assert {Attention.NOT_RECALLED, Attention.DELIVERY_DEAD} & set(order.attention)
    else:
        in_batch = any(line.batch and line.batch.status != "dead" for line in order.lines)
        ended = {fact.data["delivery_id"] for fact in history.facts if fact.kind in ("sent", "withdrawn")}
        not_deleted = any(
            fact.kind == "dead" and fact.data["operation"] == "delete_order" and fact.data["delivery_id"] not in ended
            for fact in history.facts
        )
        assert (Attention.NOT_RECALLED in order.attention) is (in_batch or not_deleted)
        assert not {Attention.UNROUTABLE, Attention.CHANGE_NOT_SENT} & set(order.attention)


def named(facts: list[Fact]) -> list[Fact]:
    """Return the facts in order; a return that names no parcel gets the name of the only one known by then, if so."""
    known, found = dict[str, set[str]](), list[Fact]()
    for fact in in_order(facts):
        if fact.data.get("unnamed") and len(parcels := known.get(fact.data["order"], set())) == 1:
            fact = replace(fact, data=fact.data | {"parcel": min(parcels)})
        if "parcel" in fact.data and fact.data["provider"] == "printful":
            known.setdefault(fact.data["order"], set()).add(fact.data["parcel"])
        found.append(fact)
    return found


def check_parcels(facts: list[Fact], order: Order) -> None:
    """Each reported parcel is there once, with all its data, except parcels of items reported again with tracking."""
    reported: dict[tuple[str, str], list[Fact]] = {}
    for fact in in_order(facts):
        if "parcel" in fact.data:
            reported.setdefault((fact.data["provider"], fact.data["parcel"]), []).append(fact)
    tracked = {
        line["item"]
        for fact in facts
        if fact.data.get("tracking_number") or fact.data.get("tracking_url")
        for line in fact.data["lines"]
        if line["quantity"] is None
    }
    numbered = {
        line["item"]
        for fact in facts
        if fact.data.get("tracking_number")
        for line in fact.data["lines"]
        if line["quantity"] is None
    }
    camaloons = {
        _skus(fact)
        for fact in facts
        if fact.kind == "shipped" and (fact.data["tracking_number"] or fact.data["tracking_url"])
    }
    shown = {(shipment.provider, shipment.id): shipment for shipment in order.shipments}
    assert len(shown) == len(order.shipments)
    for parcel, reports in reported.items():
        pieces: dict[str, int | None] = {}
        for fact in reports:
            for name, lines in groupby(sorted(fact.data["lines"], key=_part), key=_part):
                quantities = [line["quantity"] for line in lines]
                pieces[name] = None if None in quantities else max(sum(quantities), pieces.get(name) or 0)
        if None in pieces.values():
            has_tracking = any(fact.data["tracking_number"] or fact.data["tracking_url"] for fact in reports)
            if has_tracking and not any(fact.data["tracking_number"] for fact in reports):
                pieces = {name: pieces[name] for name in pieces.keys() - numbered}  # those may be in the other parcel
                assert parcel in shown or not pieces
            else:
                assert (parcel in shown) == (has_tracking or not pieces.keys() <= tracked)
        elif parcel[0] == "camaloon":
            has_tracking = bool(reports[0].data["tracking_number"] or reports[0].data["tracking_url"])
            assert (parcel in shown) == (has_tracking or _skus(reports[0]) not in camaloons)
        if parcel not in shown:
            continue
        shipment = shown.pop(parcel)
        held = sum(line.quantity for line in shipment.lines)
        if None in pieces.values() or not pieces:
            assert held >= len(pieces.keys())
        else:
            assert held == sum(quantity or 0 for quantity in pieces.values())
        numbers = [fact.data["tracking_number"] for fact in reports if fact.data["tracking_number"]]
        assert shipment.tracking_number == (numbers[-1] if numbers else None)
        assert shipment.returned == any(fact.kind == "returned" for fact in reports)
    assert not shown


def check_refunds(facts: list[Fact], order: Order) -> None:
    """A refund that names no currency has the latest one that Printful had named for that order."""
    printfuls = in_order(_printfuls(facts))
    refunds = [(number, fact) for number, fact in enumerate(printfuls, start=1) if fact.kind == "refunded"]
    assert len(order.refunds) == len(refunds)
    for shown, (number, fact) in zip(order.refunds, refunds, strict=True):
        currencies = [each.data["costs"][0] for each in printfuls[:number] if each.data.get("costs")]
        named = [fact.data["currency"], *reversed(currencies)]
        assert (shown.amount, shown.currency) == (fact.data["amount"], next(filter(None, named), None))


def check_printers_orders(facts: list[Fact], order: Order) -> None:
    """What a printer said last of its order stands there; a list of its items shows that it said everything."""
    for known in order.provider_orders:
        about = {"provider": known.provider, "order": known.id}
        own = [fact for fact in in_order(facts) if about.items() <= fact.data.items() and fact.kind not in SENT]
        for name in ("costs", "retail_costs"):
            costs = [fact.data[name] for fact in own if name in fact.data]
            shown = getattr(known, name)
            assert (shown and shown.total) == (costs[-1][1] if costs else None)
            assert (shown and shown.currency) == next((each[0] for each in costs[::-1] if each[0]), None)
        lists = [fact.data["items"] for fact in own if fact.data.get("items")]
        assert [item.id for item in known.items] == ([item["item"] for item in lists[-1]] if lists else [])
        described = [fact for fact in own if fact.data.get("items") or "incomplete" in fact.data]
        assert known.described_by == (described[-1].id if described else None)
        incomplete = described[-1].data.get("incomplete", []) if described else []
        assert [item.name for item in known.incomplete_items] == [item["name"] for item in incomplete]
    links = [link for hold in order.holds for file in hold.approval_files for link in asdict(file).values() if link]
    assert set(links) <= {"https://designs.example/idony.png"}


def check_returned_pieces(facts: list[Fact], order: Order) -> None:
    """Returned pieces are exact for items that name their lines; for others, no more are returned than came back."""
    pieces, back = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    unlisted = set[str]()
    for fact in facts:
        if fact.kind in ("shipped", "returned") and fact.data["provider"] == "printful":
            in_parcel = Counter[tuple[str, str]]()
            for line in fact.data["lines"]:
                in_parcel[fact.data["parcel"], line["item"]] += line["quantity"]
            pieces |= in_parcel
            if fact.kind == "returned":
                back |= in_parcel
                unlisted |= {fact.data["parcel"]}
    unlisted -= {parcel for parcel, _ in back}
    back |= Counter({part: number for part, number in pieces.items() if part[0] in unlisted})
    assert sum(line.returned_quantity for line in order.lines) <= back.total()
    refs = {item["item"]: item.get("ref") for fact in facts for item in fact.data.get("items", ())}
    named = {line.id for line in order.lines}
    for line in order.lines:
        items = {item for item, ref in refs.items() if ref == line.id}
        if items and set(refs.values()) <= named and line.destination == "printful":
            came = sum(number for (_, item), number in back.items() if item in items)
            kept = sum(number for (_, item), number in pieces.items() if item in items) - came
            assert line.returned_quantity == (max(0, line.shipped_quantity - kept) if came else 0)


def is_missing(history: History, order: Order) -> bool:
    """Whether an open line of Printful's is not in its latest list of items."""
    missing = _missing(history.facts, order)
    return history.paid and any(
        line.destination == "printful" and line.id in missing and line.status not in GONE for line in order.lines
    )


def _skus(fact: Fact) -> frozenset[tuple[str, int]]:
    """Return the contents of a parcel that names SKUs."""
    pieces = Counter[str]()
    for line in fact.data["lines"]:
        pieces[line.get("sku", "")] += line["quantity"] or 0
    return frozenset(pieces.items())


def _part(line: dict[str, Any]) -> str:
    return str(line.get("item") or line["sku"])


# The reasons for attention, from the facts alone: the latest of begin and end counts; at the same time, the begin.


def _latest(facts: list[Fact], about: str, begun: Callable[[Fact], bool], ended: Callable[[Fact], bool]) -> bool:
    """Whether something has begun and not ended, for any order at a printer (or any item, if `about` is "item")."""

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


def _printfuls(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.data.get("provider") == "printful"]


def _has_status(*statuses: str) -> Callable[[Fact], bool]:
    return lambda fact: fact.kind == "progress" and fact.data.get("status") in statuses


def _goes_on(fact: Fact) -> bool:
    stage = fact.data.get("stage") or BY_ID["printful"].stages.get(fact.data.get("status") or "")
    return fact.kind in ("shipped", "returned", "undelivered") or bool(stage)


def _canceled(fact: Fact) -> bool:
    return fact.kind == "canceled" or _has_status("canceled")(fact)


def _is_canceled(facts: list[Fact], *, item: bool = False) -> bool:
    return any(_canceled(fact) and (item or not fact.data.get("item")) for fact in facts)


def _is_on_hold(facts: list[Fact]) -> bool:
    """Whether a hold is open: one with its own event, or one that only a status reported."""
    orders = {_printfuls_order(fact) for fact in facts}
    return any(_is_held([fact for fact in facts if _printfuls_order(fact) == each]) for each in orders)


def _printfuls_order(fact: Fact) -> tuple[str, str]:
    return str(fact.data.get("provider")), str(fact.data.get("order"))


def _is_held(facts: list[Fact]) -> bool:
    """Whether a hold of a printer's order is open: instant by instant; of one instant, the hold comes first."""

    def ends(fact: Fact) -> bool:
        return fact.kind == "released" or (_canceled(fact) and not fact.data.get("item"))

    event, status, began = "", "", ""
    for at in sorted({fact.at for fact in facts}):
        now = [fact for fact in facts if fact.at == at]
        reported = [fact.kind for fact in now if fact.kind == "held" or _has_status("onhold")(fact)]
        began = began if event or status else at
        event = at if "held" in reported else event
        status = at if "progress" in reported else status
        produces = any(fact.kind != "held" and _is_in_production(fact) for fact in now)
        goes_on = any(fact.kind == "progress" and fact.data.get("status") not in (None, "onhold") for fact in now)
        is_over = any(ends(fact) for fact in now)
        if is_over and began == at:
            event = status = ""
        if (is_over or produces) and event < at:
            event = ""
        if (is_over or produces or goes_on) and status < at:
            status = ""
    return bool(event or status)


def _is_in_production(fact: Fact) -> bool:
    """Whether Printful's order is in production; a parcel of a part does not show that."""
    is_a_part = "parcel" in fact.data and fact.data.get("status") == "partial"
    return fact.data.get("status") in ("inprocess", "partial", "fulfilled") and not is_a_part


WANTED: dict[Attention, Callable[[list[Fact]], bool]] = {
    Attention.ON_HOLD: lambda facts: _is_on_hold(facts),
    Attention.CONFIRM_AGAIN: lambda facts: (
        (statuses := [fact.data["status"] for fact in in_order(_printfuls(facts)) if fact.data.get("status")])[-1:]
        == ["draft"]
        and set(statuses) != {"draft"}
        and not _is_on_hold(facts)
    ),
    Attention.FAILED: lambda facts: (
        _latest(
            _printfuls(facts),
            "",
            lambda fact: fact.kind == "failed" or _has_status("failed")(fact),
            _goes_on,
        )
        and not _is_canceled(_printfuls(facts))
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
    Attention.ANSWER_LOST: lambda facts: any(
        end.kind != "withdrawn" and end.data["answer_lost"] for end in _ends(facts).values() if _makes(end)
    ),
    Attention.DELIVERY_DEAD: lambda facts: any(
        end.kind == "dead"
        and not (_is_revoked(facts) and _makes(end) and not end.data["answer_lost"])  # it is never sent
        for end in _ends(facts).values()
    ),
}


def _ends(facts: list[Fact]) -> dict[str, Fact]:
    """Return the last end of each delivery; sent is final."""
    ends: dict[str, Fact] = {}
    for fact in sorted(in_order(facts), key=lambda fact: fact.kind == "sent"):
        if fact.kind in ("sent", "dead", "withdrawn"):
            ends[fact.data["delivery_id"]] = fact
    return ends


def _makes(end: Fact) -> bool:
    return end.data["operation"] in ("order_paid", "create_order")


def _is_revoked(facts: list[Fact]) -> bool:
    return any(fact.kind == "revoked" for fact in facts)


def _latest_of_lines(facts: list[Fact], kind: str) -> dict[str, Fact]:
    return {fact.data["ref"]: fact for fact in in_order(facts) if fact.kind == kind}


def _without_printer(order: Order) -> list[Line]:
    return [line for line in order.lines if line.destination is None and line.status is not Status.CANCELED]


def _without_uids(facts: list[Fact]) -> set[str]:
    """Return the deliveries to the OMS whose uids neither its response gave nor a person found."""
    unknown = {fact.data["delivery_id"] for fact in facts if not fact.data.get("uid_known", True)}
    return unknown - {each for fact in facts if fact.kind == "uid_found" for each in fact.data["delivery_ids"]}


def _going(order: Order, printer: str | None = "oms") -> set[str]:
    return {line.id for line in order.lines if line.destination == printer and line.status not in GONE}


def _print_file_is(facts: list[Fact], order: Order, status: str) -> bool:
    files = _latest_of_lines(facts, "print_file")
    return any(files[each].data["status"] == status for each in _going(order) & files.keys())


WANTED_OF_LINES: dict[Attention, Callable[[list[Fact], Order], bool]] = {
    Attention.UNPAID: lambda facts, order: (
        ":" not in order.id  # a printer's own
        and not any(fact.kind == "paid" for fact in facts)
        and (not _is_revoked(facts) or any("provider" in fact.data for fact in facts))
    ),
    Attention.UNROUTABLE: lambda _, order: any(line.sku for line in _without_printer(order)),
    Attention.NO_SKU: lambda _, order: any(not line.sku for line in _without_printer(order)),
    Attention.UID_UNKNOWN: lambda facts, order: bool(_without_uids(facts)) and bool(_going(order)),
    Attention.PRINT_FILE_FAILED: lambda facts, order: _print_file_is(facts, order, "processingfailed"),
    Attention.PRINT_FILE_LATE: lambda facts, order: _print_file_is(facts, order, "given_up"),
    Attention.BATCH_DEAD: lambda facts, order: any(
        fact.data["status"] == "dead" and line in _going(order)
        for line, fact in _latest_of_lines(facts, "batched").items()
    ),
    Attention.ITEM_INCOMPLETE: lambda facts, order: (
        order.status not in GONE
        and not _is_canceled(_printfuls(facts))
        and any(known.incomplete_items for known in order.provider_orders)
    ),
    Attention.CHANGE_NOT_SENT: lambda facts, order: _is_changed_too_late(facts, order),
}
"""The reasons that hold as long as the order, or its lines in question, are open."""


def _is_changed_too_late(facts: list[Fact], order: Order) -> bool:
    """Whether the shop's latest update since the payment differs from the record."""
    payment = next((fact for fact in facts if fact.kind == "paid"), None)
    updates = _updates(facts)
    if payment is None or not updates:
        return False
    latest, left_out = {line["id"]: line for line in updates[-1].data["lines"]}, payment.data.get("left_out", ())
    in_batch = {line.id for line in order.lines if line.batch and line.batch.status != "dead"}
    if in_batch - latest.keys() and not _is_revoked(facts):
        return True
    new = latest.keys() - {line.id for line in order.lines}
    if new and not _is_revoked(facts):
        return True
    for line in order.lines:
        if line.status is Status.CANCELED:
            continue
        if updates[-1].data["not_sent"] and line.destination in ("camaloon", "oms"):
            return True
        now = latest.get(line.id)
        if now is None or line.id in left_out or (now["sku"], now["quantity"]) != (line.sku, line.quantity):
            return True
    return False
