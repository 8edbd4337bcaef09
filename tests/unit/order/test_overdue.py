"""Delays: recorded once, ended by the next progress, and never recorded for an order on time."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from pressroom.order import overdue
from pressroom.order.facts import Fact, age_counts_from, is_revoked
from pressroom.order.fold import fold
from pressroom.order.model import Order, Status
from pressroom.order.overdue import Limits, hours, overdue_facts
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


def check(facts: list[Fact], when: float, limits: Limits = LIMITS) -> Order:
    """Check for delays as the monitor does: new `overdue` facts are added to the facts."""
    facts += overdue_facts("1001", facts, limits, now=at(when))
    assert overdue_facts("1001", facts, limits, now=at(when)) == []  # recorded once
    return fold("1001", facts)


def delay_texts(facts: list[Fact]) -> list[str]:
    return [entry.text for entry in fold("1001", facts).timeline if entry.source == "monitor"]


def test_lines_not_accepted_in_time_stall_the_order_until_they_are() -> None:
    facts = [paid("camaloon")]
    assert check(facts, 23.9).attention == []
    assert check(facts, 24).attention == [Attention.STALLED]
    check(facts, 30)
    check(facts, 900)
    assert delay_texts(facts) == ["camaloon has not accepted 1 line within 24 hours: 1"]
    assert fold("1001", [*facts, sent(901)]).attention == []


def test_lines_not_shipped_in_time_stall_the_order_until_all_are_shipped() -> None:
    facts = [paid("camaloon"), sent(1)]
    assert check(facts, 240.9).attention == []
    assert check(facts, 241).attention == [Attention.STALLED]
    facts.append(parcel(250, 1))
    assert check(facts, 260).attention == [Attention.STALLED]
    assert delay_texts(facts) == ["camaloon has not shipped 1 line within 240 hours: 1"]
    facts.append(parcel(270, 1, "Q"))
    assert check(facts, 9000).attention == []


def test_a_payment_dated_in_the_future_counts_from_its_receipt() -> None:
    facts = [replace(paid("camaloon"), at=iso(at(10_000)))]
    assert check(facts, 23.9).attention == []
    assert check(facts, 24).attention == [Attention.STALLED]


def test_the_age_of_an_order_counts_from_the_receipt_of_its_payment_whatever_the_dates() -> None:
    before = replace(fact("progress", -900), received_at=iso(at(-800)))
    payment = replace(paid("camaloon"), at=iso(at(-2400)), received_at=iso(at(1)))
    assert age_counts_from([]) == ""
    assert age_counts_from([fact("sent", 5), before]) == iso(at(-800))  # it is not paid yet
    for known in ([payment, before], [before, payment, payment], [payment, replace(paid("camaloon", when=7), id="2")]):
        assert age_counts_from(known) == iso(at(1))


def test_a_limit_of_one_hour_is_in_the_singular() -> None:
    facts = [paid("camaloon")]
    check(facts, 1, replace(LIMITS, accept={"camaloon": 1}))
    assert delay_texts(facts) == ["camaloon has not accepted 1 line within 1 hour: 1"]


def test_a_second_line_that_stalls_later_is_recorded_too() -> None:
    facts = [paid("camaloon", "printful")]
    check(facts, 24)
    check(facts, 48)
    assert delay_texts(facts) == [
        "camaloon has not accepted 1 line within 24 hours: 1",
        "printful has not accepted 1 line within 48 hours: 2",
    ]


def test_a_printer_that_is_not_listed_has_no_limit() -> None:
    facts = [paid("cloudprinter")]
    assert check(facts, 9000).attention == []


def test_an_unrouted_line_does_not_wait_for_a_printer() -> None:
    assert check([paid(None)], 9000).attention == [Attention.UNROUTABLE]


def test_a_line_routed_by_hand_waits_from_then_on() -> None:
    facts = [paid(None), fact("routed", 100, line="1", destination="camaloon", deliveries=[])]
    assert check(facts, 123).attention == []
    assert check(facts, 124).attention == [Attention.STALLED]


def test_an_order_that_the_shop_canceled_does_not_stall() -> None:
    facts = [paid("camaloon"), sent(1), fact("revoked", 2, reason=None)]
    assert check(facts, 9000).attention == [Attention.NOT_RECALLED]
    stalled = [paid("camaloon"), sent(1)]
    check(stalled, 9000)
    assert Attention.STALLED not in fold("1001", [*stalled, fact("revoked", 9001, reason=None)]).attention


def test_a_draft_in_a_printers_dashboard_is_not_stalled() -> None:
    items = [{"item": "5", "sku": "S", "quantity": 1}]
    drafted = fact("progress", 0, provider="printful", order="77", status="draft", items=items)
    facts = [drafted]
    order = fold("printful:77", facts)
    assert order.status is Status.PAID
    assert overdue_facts("printful:77", facts, LIMITS, now=at(9000)) == []


def test_an_order_made_at_the_printer_stalls_if_no_parcel_is_reported() -> None:
    items = [{"item": "5", "sku": "S", "quantity": 1}]
    facts = [fact("progress", 0, provider="printful", order="77", status="fulfilled", items=items)]
    (found,) = overdue_facts("printful:77", facts, LIMITS, now=at(240))
    assert fold("printful:77", [*facts, found]).attention == [Attention.STALLED]


def test_a_hold_is_reported_as_old_once_and_until_it_ends() -> None:
    facts = [paid("printful"), whole("held", 1)]
    assert check(facts, 24 * 7).attention == [Attention.ON_HOLD]
    assert check(facts, 24 * 7 + 1).attention == [Attention.HOLD_OLD, Attention.ON_HOLD]
    check(facts, 24 * 20)
    assert delay_texts(facts) == ["printful has held the order for 7 days"]
    facts.append(whole("released", 24 * 21))
    assert check(facts, 24 * 21 + 1).attention == []
    facts.append(whole("held", 24 * 22))
    assert check(facts, 24 * 28).attention == [Attention.ON_HOLD]
    assert check(facts, 24 * 29).attention == [Attention.HOLD_OLD, Attention.ON_HOLD]


def test_a_hold_that_began_earlier_than_was_known_is_the_same_hold() -> None:
    facts = [paid("printful"), whole("held", 10)]
    check(facts, 24 * 8)
    facts.append(whole("held", 2))
    assert Attention.HOLD_OLD in check(facts, 24 * 9).attention
    assert len(delay_texts(facts)) == 1


def test_an_order_on_hold_does_not_stall_and_its_time_restarts_when_the_hold_ends() -> None:
    facts = [paid("printful"), whole("progress", 1, status="inprocess"), whole("held", 100)]
    assert Attention.STALLED not in check(facts, 300).attention
    facts.append(whole("released", 300))
    assert check(facts, 539).attention == []
    assert check(facts, 541).attention == [Attention.STALLED]
    facts.append(whole("held", 550))
    assert Attention.STALLED not in check(facts, 560).attention
    facts.append(whole("released", 570))
    assert check(facts, 800).attention == []
    assert check(facts, 811).attention == [Attention.STALLED]
    assert len([text for text in delay_texts(facts) if "shipped" in text]) == 2


def test_no_webhook_is_due_for_a_draft_that_is_not_confirmed() -> None:
    facts = [paid("printful"), whole("progress", 1, status="draft")]
    order = check(facts, 200)
    assert order.attention == [Attention.STALLED]  # it is paid, and nobody prints it
    assert not overdue.is_webhook_due(order, facts, "printful", since=iso(at(80)))
    facts = facts[:1]
    assert overdue.is_webhook_due(fold("1001", facts), facts, "printful", since=iso(at(80)))


def test_an_order_to_be_confirmed_again_does_not_wait_for_the_printer() -> None:
    facts = [paid("printful"), whole("progress", 1, status="inprocess"), whole("held", 100)]
    facts.append(whole("released", 110, status="draft"))
    order = check(facts, 400)
    assert order.attention == [Attention.CONFIRM_AGAIN]
    assert not overdue.is_webhook_due(order, facts, "printful", since=iso(at(200)))
    facts.append(whole("progress", 401, status="pending"))
    assert check(facts, 402).attention == []
    assert check(facts, 642).attention == [Attention.STALLED]


@pytest.mark.parametrize("parameter", ["AcceptWithinHours", "ShipWithinHours", "SilentAfterHours"])
def test_the_default_of_a_parameter_is_valid(parameter: str) -> None:
    read = hours(template()["Parameters"][parameter]["Default"])
    assert read.keys() <= set(PRINTERS)
    assert min(read.values()) >= 24


@pytest.mark.parametrize(
    ("text", "read"),
    [("", {}), ("oms=24", {"oms": 24}), ("oms = 0.5, camaloon=2", {"oms": 0.5, "camaloon": 2})],
)
def test_a_list_of_hours_is_parsed(text: str, read: dict[str, float]) -> None:
    assert hours(text) == read


@pytest.mark.parametrize(
    "text", ["oms", "oms=", "oms=0", "oms=0.0", "oms=-1", "oms=1e3", "oms=nan", "shop=24", "=24", "oms=²"]
)
def test_an_invalid_list_of_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="printer=hours"):
        hours(text)


# --- properties of whole histories ---

ALL_PRINTERS = dict.fromkeys(PRINTERS, 1.0)
EAGER = Limits(accept=ALL_PRINTERS, ship=ALL_PRINTERS, silent=ALL_PRINTERS, hold_days=1)
OPEN = {Status.PAID, Status.ACCEPTED, Status.IN_PRODUCTION, Status.PRODUCED, Status.PACKED, Status.PARTIALLY_SHIPPED}


@cache
def checks(number: int) -> list[int]:
    """Return the hours after which the monitor checks a history."""
    random = draw(number).random()
    return sorted(random.randint(1, 24 * 60) for _ in range(random.randint(0, 6)))


def monitored(history: History) -> list[Fact]:
    """Return the facts of a history received in order, with those of the monitor; computed once per run for each."""
    return list(_monitored(history.number))


@cache
def _monitored(number: int) -> list[Fact]:
    history = draw(number)
    received, left = list[Fact](), sorted(history.facts, key=lambda each: each.received_at)
    for after in checks(number):
        now = START + timedelta(hours=after)
        while left and left[0].received_at <= iso(now):
            received.append(left.pop(0))
        received += overdue_facts(history.order_id, received, EAGER, now=now)
    return received + left


@each_history(300)
def test_a_check_changes_nothing_but_attention_and_timeline(history: History) -> None:
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
def test_only_a_waiting_order_stalls_and_only_an_open_hold_is_old(history: History) -> None:
    order = fold(history.order_id, monitored(history))
    if Attention.STALLED in order.attention:
        assert {line.status for line in order.lines} & OPEN
    if Attention.HOLD_OLD in order.attention:
        assert order.on_hold


@each_history(300)
def test_a_delay_is_raised_once_while_it_lasts(history: History) -> None:
    facts = monitored(history)
    received = [datetime.fromisoformat(each.received_at) for each in facts]
    now = max([START + timedelta(hours=each) for each in checks(history.number)] + received)
    for _ in range(3):
        now += timedelta(minutes=15)
        again = overdue_facts(history.order_id, facts, EAGER, now=now)
        order = fold(history.order_id, [*facts, *again])
        assert overdue_facts(history.order_id, [*facts, *again], EAGER, now=now) == []
        for line in order.lines:
            waits = line.waits()
            if line.destination and waits and not is_revoked(facts):
                since = iso(now - timedelta(hours=1))
                if line.id in overdue.overdue_lines(order, facts, line.destination, waits, since=since):
                    assert Attention.STALLED in order.attention
        facts += again


def test_the_wait_for_a_late_payment_starts_with_its_receipt() -> None:
    late = replace(paid("printful"), received_at=iso(at(100)))  # the shop could not reach Pressroom for days
    assert check([late], 100.1).attention == []
    assert check([late], 147.9).attention == []
    assert check([late], 148).attention == [Attention.STALLED]
