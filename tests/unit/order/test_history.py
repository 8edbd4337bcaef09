"""The history of an order: its steps end at the state of the record, and agree with the record at each time."""

from datetime import UTC, datetime, timedelta

import pytest

from pressroom.order import history
from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.history import steps
from pressroom.order.model import Order, Status
from pressroom.platform.times import iso
from tests.support.histories import History, each_history

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)


def fact(minutes: int, kind: str, **data: object) -> Fact:
    at = iso(BEGAN + timedelta(minutes=minutes))
    return Fact(id=f"{kind}-{minutes}", kind=kind, source="test.test", at=at, received_at=at, data=data)


def paid(minutes: int = 0) -> Fact:
    line = {"id": "1", "sku": "BOOK", "quantity": 1, "destination": "cloudprinter"}
    return fact(minutes, "paid", ref=None, currency="EUR", created_at=iso(BEGAN), lines=[line], deliveries=[])


def progress(minutes: int, stage: Status) -> Fact:
    return fact(minutes, "progress", provider="cloudprinter", order="7", item="70", ref="1", stage=stage.value)


def shipped(minutes: int) -> Fact:
    part = {"item": "70", "quantity": None}
    about = {"provider": "cloudprinter", "order": "7", "item": "70", "ref": "1", "parcel": "p", "carrier": None}
    return fact(minutes, "shipped", **about, tracking_number="T", tracking_url=None, lines=[part])


def line_steps(*facts: Fact) -> list[tuple[str, str]]:
    return [(step.at[11:16], step.status.value) for step in steps("1001", facts) if step.what == "line"]


def test_each_change_of_a_line_is_a_step() -> None:
    assert line_steps(paid(), progress(5, Status.ACCEPTED), progress(9, Status.PRODUCED)) == [
        ("09:00", "paid"),
        ("09:05", "accepted"),
        ("09:09", "produced"),
    ]


def test_a_late_message_is_a_step_at_its_own_time() -> None:
    assert line_steps(progress(9, Status.PRODUCED), paid(), progress(5, Status.ACCEPTED)) == [
        ("09:00", "paid"),
        ("09:05", "accepted"),
        ("09:09", "produced"),
    ]


def test_a_message_without_a_change_is_no_step() -> None:
    assert len(line_steps(paid(), progress(5, Status.PACKED), progress(9, Status.ACCEPTED))) == 2


def test_changes_at_the_same_time_are_one_step() -> None:
    assert line_steps(paid(), progress(5, Status.ACCEPTED), shipped(5)) == [("09:00", "paid"), ("09:05", "shipped")]


def test_a_parcel_is_shipped_and_then_delivered_with_its_lines() -> None:
    found = steps("1001", [paid(), shipped(5), progress(60, Status.DELIVERED)])
    parcel = [(step.at[11:16], step.provider, step.id, step.status.value) for step in found if step.what == "parcel"]
    assert parcel == [("09:05", "cloudprinter", "p", "shipped"), ("10:00", "cloudprinter", "p", "delivered")]


@each_history(300)
def test_the_last_steps_match_the_record(drawn: History) -> None:
    order, facts = fold(drawn.order_id, drawn.facts), drawn.facts[:]
    drawn.random().shuffle(facts)
    found = steps(drawn.order_id, facts)
    assert [step.at for step in found] == sorted(step.at for step in found)
    last = {(step.what, step.provider, step.id): step.status for step in found}
    assert {key[2]: status for key, status in last.items() if key[0] == "line"} == {
        line.id: line.status for line in order.lines
    }
    if facts:
        assert last["order", "", drawn.order_id] is order.status
    parcels = {key[1:] for key in last if key[0] == "parcel"}
    assert parcels == {(each.provider, each.id) for each in order.shipments}
    assert {key[1:] for key, status in last.items() if key[0] == "parcel" and status is Status.RETURNED} == {
        (each.provider, each.id) for each in order.shipments if each.returned
    }


def test_the_history_of_a_thousand_messages_takes_a_hundred_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    folded: list[str] = []

    def counted(order_id: str, facts: list[Fact]) -> Order:
        folded.append(order_id)
        return fold(order_id, facts)

    monkeypatch.setattr(history, "fold", counted)
    many = [paid(), *(progress(minute, Status.ACCEPTED) for minute in range(1, 1000)), shipped(1000)]
    assert [step.status.value for step in steps("1001", many) if step.what == "line"][-1] == "shipped"
    assert len(folded) <= history.MOST_FOLDS + 1


@pytest.mark.parametrize("count", range(98, 106))
def test_the_first_step_is_the_first_message_however_many_follow(count: int) -> None:
    """Days may lie between it and the next message."""
    many = [paid(), *(progress(minute, Status.ACCEPTED) for minute in range(1000, 1000 + count))]
    first = steps("1001", many)[0]
    assert (first.at, first.status) == (many[0].at, Status.PAID)
