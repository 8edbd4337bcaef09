"""What takes too long: told once, over by itself, and never told of an order that is fine."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from pressroom.order import overdue
from pressroom.order.facts import Fact, age_counts_from, is_revoked
from pressroom.order.fold import fold
from pressroom.order.model import Order, Status
from pressroom.order.overdue import Limits, find, hours
from pressroom.order.reasons import Attention
from pressroom.partners import PRINTERS
from pressroom.platform.times import iso
from tests.support.histories import START, History, draw, each_history
from tests.support.template import template

LIMITS = Limits(
    accept={"camaloon": 24, "oms": 24, "printful": 48},
    ship={"camaloon": 240, "cloudprinter": 240, "printful": 240},
    silent={"camaloon": 240},
    hold_days=7,
)
HELD = {"provider": "printful", "order": "77", "reason": "an address"}


def at(hours_: float) -> datetime:
    return START + timedelta(hours=hours_)


def fact(kind: str, when: float, **data: Any) -> Fact:
    return Fact(id=f"{kind}-{when}", kind=kind, source="test", at=iso(at(when)), received_at=iso(at(when)), data=data)


def paid(*destinations: str | None, when: float = 0) -> Fact:
    lines = [
        {"id": str(n), "sku": f"S{n}", "quantity": 2, "price": "1.0", "destination": each}
        for n, each in enumerate(destinations, start=1)
    ]
    return fact("paid", when, ref="R", currency="EUR", created_at=iso(at(when)), lines=lines, deliveries=["camaloon-1"])


def sent(when: float) -> Fact:
    return fact(
        "sent", when, delivery_id="camaloon-1", destination="camaloon", operation="order_paid", answer_lost=False
    )


def parcel(when: float, pieces: int, name: str = "P") -> Fact:
    tracking = {"carrier": None, "tracking_number": name, "tracking_url": None}
    lines = [{"sku": "S1", "quantity": pieces}]
    return fact("shipped", when, provider="camaloon", parcel=name, shipped_at=iso(at(when)), lines=lines, **tracking)


def whole(kind: str, when: float, **data: Any) -> Fact:
    """A fact about Printful's order as a whole."""
    return fact(kind, when, **(HELD | data))


def look(facts: list[Fact], when: float, limits: Limits = LIMITS) -> Order:
    """Look as the monitor does: what is overdue is added to the facts."""
    facts += find("1001", facts, limits, now=at(when))
    assert find("1001", facts, limits, now=at(when)) == []  # told once
    return fold("1001", facts)


def told(facts: list[Fact]) -> list[str]:
    return [entry.text for entry in fold("1001", facts).timeline if entry.source == "monitor"]


def test_lines_that_are_not_accepted_in_time_stall_the_order_until_they_are() -> None:
    facts = [paid("camaloon")]
    assert look(facts, 23.9).attention == []
    assert look(facts, 24).attention == [Attention.STALLED]
    look(facts, 30)
    look(facts, 900)
    assert told(facts) == ["camaloon has not accepted 1 line within 24 hours: 1"]
    assert fold("1001", [*facts, sent(901)]).attention == []


def test_lines_that_are_not_shipped_in_time_stall_the_order_until_all_of_them_have_left() -> None:
    facts = [paid("camaloon"), sent(1)]
    assert look(facts, 240.9).attention == []
    assert look(facts, 241).attention == [Attention.STALLED]
    facts.append(parcel(250, 1))
    assert look(facts, 260).attention == [Attention.STALLED]
    assert told(facts) == ["camaloon has not shipped 1 line within 240 hours: 1"]
    facts.append(parcel(270, 1, "Q"))
    assert look(facts, 9000).attention == []


def test_a_payment_that_is_dated_in_the_future_counts_from_when_it_was_received() -> None:
    facts = [replace(paid("camaloon"), at=iso(at(10_000)))]
    assert look(facts, 23.9).attention == []
    assert look(facts, 24).attention == [Attention.STALLED]


def test_the_age_of_an_order_begins_when_its_payment_is_received_whatever_anybody_dates() -> None:
    before = replace(fact("progress", -900), received_at=iso(at(-800)))
    payment = replace(paid("camaloon"), at=iso(at(-2400)), received_at=iso(at(1)))
    assert age_counts_from([]) == ""
    assert age_counts_from([fact("sent", 5), before]) == iso(at(-800))  # it is not paid yet
    for known in ([payment, before], [before, payment, payment], [payment, replace(paid("camaloon", when=7), id="2")]):
        assert age_counts_from(known) == iso(at(1))


def test_a_second_line_that_stalls_later_is_told_too() -> None:
    facts = [paid("camaloon", "printful")]
    look(facts, 24)
    look(facts, 48)
    assert told(facts) == [
        "camaloon has not accepted 1 line within 24 hours: 1",
        "printful has not accepted 1 line within 48 hours: 2",
    ]


def test_a_printer_of_whom_nothing_is_said_may_take_for_ever() -> None:
    facts = [paid("cloudprinter")]
    assert look(facts, 9000).attention == []


def test_what_waits_for_a_person_to_route_it_does_not_wait_for_a_printer() -> None:
    assert look([paid(None)], 9000).attention == [Attention.UNROUTABLE]


def test_a_line_that_was_routed_by_hand_waits_from_then_on() -> None:
    facts = [paid(None), fact("routed", 100, line="1", destination="camaloon", deliveries=[])]
    assert look(facts, 123).attention == []
    assert look(facts, 124).attention == [Attention.STALLED]


def test_nobody_waits_for_what_the_shop_has_canceled() -> None:
    facts = [paid("camaloon"), sent(1), fact("revoked", 2, reason=None)]
    assert look(facts, 9000).attention == [Attention.NOT_RECALLED]
    stalled = [paid("camaloon"), sent(1)]
    look(stalled, 9000)
    assert Attention.STALLED not in fold("1001", [*stalled, fact("revoked", 9001, reason=None)]).attention


def test_a_draft_in_a_printers_dashboard_is_not_stalled() -> None:
    items = [{"item": "5", "sku": "S", "quantity": 1}]
    drafted = fact("progress", 0, provider="printful", order="77", status="draft", items=items)
    facts = [drafted]
    order = fold("printful:77", facts)
    assert order.status is Status.PAID
    assert find("printful:77", facts, LIMITS, now=at(9000)) == []


def test_what_a_printer_made_of_its_own_stalls_if_no_parcel_comes() -> None:
    items = [{"item": "5", "sku": "S", "quantity": 1}]
    facts = [fact("progress", 0, provider="printful", order="77", status="fulfilled", items=items)]
    (found,) = find("printful:77", facts, LIMITS, now=at(240))
    assert fold("printful:77", [*facts, found]).attention == [Attention.STALLED]


def test_a_hold_is_old_after_days_once_and_no_more_when_it_ends() -> None:
    facts = [paid("printful"), whole("held", 1)]
    assert look(facts, 24 * 7).attention == [Attention.ON_HOLD]
    assert look(facts, 24 * 7 + 1).attention == [Attention.HOLD_OLD, Attention.ON_HOLD]
    look(facts, 24 * 20)
    assert told(facts) == ["printful has held the order for 7 days"]
    facts.append(whole("released", 24 * 21))
    assert look(facts, 24 * 21 + 1).attention == []
    facts.append(whole("held", 24 * 22))
    assert look(facts, 24 * 28).attention == [Attention.ON_HOLD]
    assert look(facts, 24 * 29).attention == [Attention.HOLD_OLD, Attention.ON_HOLD]


def test_a_hold_that_began_earlier_than_we_knew_is_still_the_same() -> None:
    facts = [paid("printful"), whole("held", 10)]
    look(facts, 24 * 8)
    facts.append(whole("held", 2))
    assert Attention.HOLD_OLD in look(facts, 24 * 9).attention
    assert len(told(facts)) == 1


def test_what_is_held_is_not_stalled_and_its_time_begins_anew_when_the_hold_ends() -> None:
    facts = [paid("printful"), whole("progress", 1, status="inprocess"), whole("held", 100)]
    assert Attention.STALLED not in look(facts, 300).attention
    facts.append(whole("released", 300))
    assert look(facts, 539).attention == []
    assert look(facts, 541).attention == [Attention.STALLED]
    facts.append(whole("held", 550))
    assert Attention.STALLED not in look(facts, 560).attention
    facts.append(whole("released", 570))
    assert look(facts, 800).attention == []
    assert look(facts, 811).attention == [Attention.STALLED]
    assert len([text for text in told(facts) if "shipped" in text]) == 2


def test_nothing_is_due_of_a_draft_that_nobody_has_confirmed_yet() -> None:
    facts = [paid("printful"), whole("progress", 1, status="draft")]
    order = look(facts, 200)
    assert order.attention == [Attention.STALLED]  # nobody prints what was paid for
    assert not overdue.should_be_heard(order, facts, "printful", since=iso(at(80)))
    facts = facts[:1]
    assert overdue.should_be_heard(fold("1001", facts), facts, "printful", since=iso(at(80)))


def test_what_waits_for_the_merchant_to_confirm_it_again_does_not_wait_for_the_printer() -> None:
    facts = [paid("printful"), whole("progress", 1, status="inprocess"), whole("held", 100)]
    facts.append(whole("released", 110, status="draft"))
    order = look(facts, 400)
    assert order.attention == [Attention.CONFIRM_AGAIN]
    assert not overdue.should_be_heard(order, facts, "printful", since=iso(at(200)))
    facts.append(whole("progress", 401, status="pending"))
    assert look(facts, 402).attention == []
    assert look(facts, 642).attention == [Attention.STALLED]


@pytest.mark.parametrize("parameter", ["AcceptWithinHours", "ShipWithinHours", "SilentAfterHours"])
def test_a_parameters_default_is_read(parameter: str) -> None:
    read = hours(template()["Parameters"][parameter]["Default"])
    assert read.keys() <= set(PRINTERS)
    assert min(read.values()) >= 24


@pytest.mark.parametrize(
    ("text", "read"),
    [("", {}), ("oms=24", {"oms": 24}), ("oms = 0.5, camaloon=2", {"oms": 0.5, "camaloon": 2})],
)
def test_hours_are_read(text: str, read: dict[str, float]) -> None:
    assert hours(text) == read


@pytest.mark.parametrize(
    "text", ["oms", "oms=", "oms=0", "oms=0.0", "oms=-1", "oms=1e3", "oms=nan", "shop=24", "=24", "oms=²"]
)
def test_other_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="printer=hours"):
        hours(text)


# --- of whole histories ---

EVERYBODY = dict.fromkeys(PRINTERS, 1.0)
EAGER = Limits(accept=EVERYBODY, ship=EVERYBODY, silent=EVERYBODY, hold_days=1)
GOING = {Status.PAID, Status.ACCEPTED, Status.IN_PRODUCTION, Status.PRODUCED, Status.PACKED, Status.PARTIALLY_SHIPPED}


@cache
def looks(number: int) -> list[int]:
    """Return after how many hours each somebody looks at a history."""
    random = draw(number).random()
    return sorted(random.randint(1, 24 * 60) for _ in range(random.randint(0, 6)))


def monitored(history: History) -> list[Fact]:
    """Return what is known of a history that was heard in order, and looked at meanwhile; once per run for each."""
    return list(_monitored(history.number))


@cache
def _monitored(number: int) -> list[Fact]:
    history = draw(number)
    heard, left = list[Fact](), sorted(history.facts, key=lambda each: each.received_at)
    for after in looks(number):
        now = START + timedelta(hours=after)
        while left and left[0].received_at <= iso(now):
            heard.append(left.pop(0))
        heard += find(history.order_id, heard, EAGER, now=now)
    return heard + left


@each_history(300)
def test_looking_changes_nothing_but_what_it_tells(history: History) -> None:
    facts = monitored(history)
    order, plain = fold(history.order_id, facts), fold(history.order_id, history.facts)
    late = {Attention.STALLED, Attention.HOLD_OLD}
    assert set(order.attention) - late == set(plain.attention)
    shown, before = order.to_json(), plain.to_json()
    for each in ("attention", "timeline"):
        del shown[each], before[each]
    if plain.created_at:
        assert shown == before
    history.random().shuffle(facts)
    assert fold(history.order_id, facts) == order


@each_history(300)
def test_only_an_order_that_waits_is_stalled_and_only_one_that_is_held_is_old(history: History) -> None:
    order = fold(history.order_id, monitored(history))
    if Attention.STALLED in order.attention:
        assert {line.status for line in order.lines} & GOING
    if Attention.HOLD_OLD in order.attention:
        assert order.on_hold


@each_history(300)
def test_what_is_raised_is_raised_once_while_it_stands(history: History) -> None:
    facts = monitored(history)
    heard = [datetime.fromisoformat(each.received_at) for each in facts]
    now = max([START + timedelta(hours=each) for each in looks(history.number)] + heard)
    for _ in range(3):
        now += timedelta(minutes=15)
        again = find(history.order_id, facts, EAGER, now=now)
        order = fold(history.order_id, [*facts, *again])
        assert find(history.order_id, [*facts, *again], EAGER, now=now) == []
        for line in order.lines:
            waits = line.waits()
            if line.destination and waits and not is_revoked(facts):
                since = iso(now - timedelta(hours=1))
                if line.id in overdue.stuck(order, facts, line.destination, waits, since=since):
                    assert Attention.STALLED in order.attention
        facts += again


def test_what_was_heard_late_has_not_been_waited_for_yet() -> None:
    late = replace(paid("printful"), received_at=iso(at(100)))  # the shop could not reach us for days
    assert look([late], 100.1).attention == []
    assert look([late], 147.9).attention == []
    assert look([late], 148).attention == [Attention.STALLED]
