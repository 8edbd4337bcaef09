"""Print files: which ones to poll, what an answer means, and when polling ends. No AWS, no OMS, no clock."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.inbox import reading
from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.model import Order
from pressroom.platform import times
from pressroom.platform.errors import Unprocessable
from pressroom.providers.oms import item_ids, print_files
from pressroom.providers.oms.client import PrintFile
from pressroom.providers.oms.notice import Notice
from pressroom.providers.oms.print_files import GIVEN_UP, LONGEST_PAUSE_S, File, Round
from tests.support import topics
from tests.support.samples import sample

NOW = datetime(2026, 9, 3, 17, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LINK = "https://oms.example/print-files/1003-1.pdf"


def later(**by: float) -> datetime:
    return NOW + timedelta(**by)


def fact(kind: str, data: dict[str, Any], at: datetime = NOW, name: str = "") -> Fact:
    return Fact(
        id=name or f"{kind}/{times.iso(at)}", kind=kind, source="test", at=times.iso(at), received_at="", data=data
    )


def paid(*lines: str, destination: str = "oms") -> Fact:
    bought = [
        {
            "id": each,
            "sku": f"MUG-{each}",
            "quantity": 1,
            "price": "9.90",
            "destination": destination,
            "variant": "5501",
        }
        for each in lines
    ]
    data = {"ref": "r", "currency": "EUR", "created_at": times.iso(NOW), "lines": bought, "deliveries": ["oms-1"]}
    return fact("paid", data)


def sent(*lines: str, at: datetime = NOW, uid_known: bool = True) -> Fact:
    data = {
        "delivery_id": "oms-1",
        "destination": "oms",
        "operation": "create_order",
        "answer_lost": False,
        "provider": "oms",
        "order": "uid-order",
        "items": [{"item": f"uid-{each}", "ref": each} for each in lines],
        "uid_known": uid_known,
    }
    return fact("sent", data, at)


def status_fact(status: str, line: str = "1", at: datetime = NOW, number: int = 0, url: str | None = None) -> Fact:
    data = {"provider": "oms", "ref": line, "status": status, "url": url}
    return fact("print_file", data, at, f"print/{line}/{number}-{status}")


def removed(*left: str) -> Fact:
    """The shop has removed all other lines from the order."""
    lines = [{"id": each, "sku": f"MUG-{each}", "quantity": 1, "price": "9.90"} for each in left]
    return fact("updated", {"lines": lines, "not_sent": False, "deliveries": []})


def order(facts: Iterable[Fact]) -> Order:
    return fold("1003", facts)


def files(*facts: Fact) -> dict[str, File]:
    return print_files.files(order(facts), facts)


ONE = (paid("1"), sent("1"))


def known(*statuses: str, since: timedelta = timedelta()) -> dict[str, File]:
    """The print file of line 1 after facts with these statuses, one per minute."""
    history = [status_fact(status, at=later(minutes=n), number=n) for n, status in enumerate(statuses)]
    return files(paid("1"), sent("1", at=NOW - since), *history)


def news(
    before: dict[str, File],
    *answer: PrintFile | None,
    now: datetime = NOW,
    limit: timedelta | None = 3 * DAY,
    after: dict[str, File] | None = None,
    left: Iterable[str] = (),
) -> list[Fact]:
    """The new facts of line 1 after an answer or none; `after`: the files as another poll has left them meanwhile."""
    asked = Round(requested=[before["1"]], answers=dict(zip("1", answer, strict=False)), not_reached=set(left))
    return list(print_files.new_facts(after or before, asked, now=now, limit=limit))


def statuses(facts: Sequence[Fact]) -> list[str]:
    return [each.data["status"] for each in facts]


# --- the files of an order ---


def test_the_lines_that_the_oms_was_sent_have_a_print_file() -> None:
    found = files(paid("1", "2", "3"), sent("1", "2"))
    assert list(found) == ["1", "2"]
    assert found["1"] == File(line_id="1", since=times.iso(NOW), at=times.iso(NOW))


def test_an_order_that_the_oms_does_not_have_has_no_print_files() -> None:
    assert files(paid("1")) == {}
    assert files() == {}
    assert files(paid("1"), status_fact("ready")) == {}


def test_lines_at_another_printer_have_no_print_files() -> None:
    data = {"delivery_id": "c", "destination": "camaloon", "operation": "order_paid", "answer_lost": False}
    assert files(paid("1", destination="camaloon"), fact("sent", data)) == {}


def test_the_latest_fact_counts_and_all_facts_are_counted() -> None:
    file = known("received", "processing")["1"]
    assert (file.status, file.updates, file.at, file.since) == (
        "processing",
        2,
        times.iso(later(minutes=1)),
        times.iso(NOW),
    )


def test_facts_in_any_order_and_repeated_give_the_same_files() -> None:
    facts = [*ONE, status_fact("received"), status_fact("processing", at=later(minutes=1), number=1)]
    for seed in range(20):
        shuffled = facts * 2
        Random(seed).shuffle(shuffled)  # noqa: S311
        assert print_files.files(order(facts), shuffled) == files(*facts)


def test_polling_starts_again_when_a_file_is_open_again() -> None:
    assert known("processingfailed", "processing", "late")["1"].since == times.iso(later(minutes=1))
    assert known("processing", GIVEN_UP, "processing")["1"].since == times.iso(later(minutes=2))
    assert known("processingfailed", "ready")["1"].since == times.iso(NOW)


def test_an_order_that_was_sent_in_two_parts_has_two_start_times() -> None:
    found = files(paid("1", "2"), sent("1"), sent("2", at=later(hours=1)))
    assert [found[line].since for line in ("1", "2")] == [times.iso(NOW), times.iso(later(hours=1))]


def test_a_line_that_was_sent_twice_is_polled_since_the_first_time() -> None:
    facts = [paid("1"), *(fact("sent", sent("1").data, later(hours=n), f"s{n}") for n in (2, 1))]
    assert print_files.files(order(facts), facts)["1"].since == times.iso(later(hours=1))


def test_a_canceled_line_is_not_open() -> None:
    found = files(paid("1", "2"), sent("1", "2"), removed("2"))
    assert [(each.line_id, each.canceled, each.is_open) for each in found.values()] == [
        ("1", True, False),
        ("2", False, True),
    ]


# --- which files are polled ---


@pytest.mark.parametrize(
    ("status", "regularly", "on_a_hint"),
    [
        (None, True, True),
        ("received", True, True),
        ("processing", True, True),
        ("engraving", True, True),
        ("Ready", True, True),
        ("ready", False, False),
        ("processingfailed", False, True),
        (GIVEN_UP, False, True),
    ],
)
def test_a_file_that_has_ended_is_polled_only_after_a_hint(
    status: str | None, regularly: bool, on_a_hint: bool
) -> None:
    found = known(*([status] if status else []))
    assert bool(print_files.due(found, hint=False)) is regularly
    assert bool(print_files.due(found, hint=True)) is on_a_hint
    assert found["1"].is_open is regularly


@pytest.mark.parametrize("hint", [False, True])
def test_a_canceled_line_is_not_polled(hint: bool) -> None:
    found = files(paid("1", "2"), sent("1", "2"), removed("2"))
    assert [each.line_id for each in print_files.due(found, hint=hint)] == ["2"]


def test_a_hint_that_names_lines_polls_no_others() -> None:
    found = files(paid("1", "2", "3"), sent("1", "2", "3"))
    assert [each.line_id for each in print_files.due(found, hint=True, line_ids=["3", "2", "9"])] == ["2", "3"]
    assert len(print_files.due(found, hint=True)) == 3


@pytest.mark.parametrize("number", [1, 2, 3, 37, 100, 500])
def test_every_line_comes_first_in_some_round(number: int) -> None:
    lines = [File(line_id=str(each), since="", at="") for each in range(number)]
    turns = [print_files.rotated(lines, received) for received in range(1, 300)]
    assert all(sorted(turn, key=lambda file: int(file.line_id)) == lines for turn in turns)
    # A fifth of the lines per round: after some rounds all have been polled.
    part = -(-number // 5)
    assert {file.line_id for turn in turns[:12] for file in turn[:part]} == {file.line_id for file in lines}


# --- what an answer means ---


@pytest.mark.parametrize("status", ["received", "processing", "processingfailed", "ready", "engraving", "Ready"])
def test_a_changed_status_is_a_fact(status: str) -> None:
    url = LINK if status == "ready" else None
    (new,) = news(known(), PrintFile(status, LINK))
    assert new == Fact(
        id=f"print/1/0-{status}",
        kind="print_file",
        source="oms.print_file",
        at=times.iso(later(seconds=0.001)),
        received_at=times.iso(later(seconds=0.001)),
        data={"provider": "oms", "ref": "1", "status": status, "url": url},
    )


@pytest.mark.parametrize("status", ["received", "processing", "engraving", "processingfailed"])
def test_the_same_status_is_no_fact(status: str) -> None:
    assert news(known(status), PrintFile(status, None)) == []
    assert news(known(status), PrintFile(status, LINK)) == []  # only a ready file has a URL


def test_no_answer_and_an_unknown_item_are_no_fact() -> None:
    assert news(known("received")) == []
    assert news(known("received"), None) == []


def test_a_status_may_go_back_as_long_as_the_file_is_not_ready() -> None:
    (new,) = news(known("received", "processing"), PrintFile("received", None), now=later(hours=1))
    assert (new.id, new.at) == ("print/1/2-received", times.iso(later(hours=1)))


def test_a_fact_is_later_than_the_last_one_even_if_the_clock_is_behind() -> None:
    (new,) = news(known("received", "processing"), PrintFile("ready", LINK), now=NOW - DAY)
    assert new.at == times.iso(later(minutes=1, milliseconds=1))
    line = order(
        [paid("1"), sent("1"), status_fact("received"), status_fact("processing", at=later(minutes=1)), new]
    ).lines[0]
    assert line.print_file
    assert (line.print_file.status, line.print_file.url) == ("ready", LINK)


def test_a_canceled_line_gets_no_fact() -> None:
    before = known("received")
    after = files(paid("1"), sent("1"), status_fact("received"), removed())
    assert news(before, PrintFile("ready", LINK), after=after) == []


def test_an_erased_order_gets_no_fact() -> None:
    before = known("received")["1"]
    asked = Round(requested=[before], answers={"1": PrintFile("ready", LINK)})
    assert list(print_files.new_facts({}, asked, now=NOW, limit=timedelta(0))) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://oms.example/1.pdf",
        "HTTPS://oms.example/1.pdf",
        "https://oms.example:8443/print%20files/1.pdf?X-Amz-Signature=0a1b&x=%C3%BC#page=1",
    ],
)
def test_a_safe_link_is_kept(url: str) -> None:
    assert news(known(), PrintFile("ready", url))[0].data["url"] == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "1.pdf",
        "/print-files/1.pdf",
        "//oms.example/1.pdf",
        "javascript:alert(1)",
        "data:text/html,<script>",
        "ftp://oms.example/1.pdf",
        "file:///etc/passwd",
        "https://",
        "https:///1.pdf",
        "https:1.pdf",
        "https://[oms.example/1.pdf",
        "https://oms.example/a b",
        "https://oms.example/\n1",
        "\thttps://oms.example/1",
        "https://ömš.example/1",
        "https://oms.example/" + "a" * 2048,
    ],
)
def test_an_unsafe_link_is_dropped_and_the_file_is_still_ready(url: str | None) -> None:
    (new,) = news(known(), PrintFile("ready", url))
    assert (new.data["status"], new.data["url"]) == ("ready", None)


# --- concurrent polls ---


def test_two_polls_with_the_same_answer_write_the_same_fact() -> None:
    before = known("received")
    (one,), (other,) = (news(before, PrintFile("ready", LINK), now=later(seconds=n)) for n in (70, 71))
    assert one.id == other.id
    after = files(paid("1"), sent("1"), status_fact("received"), one)
    assert news(before, PrintFile("ready", LINK), after=after) == []


@pytest.mark.parametrize("recorded", ["processing", "processingfailed", GIVEN_UP])
def test_an_answer_that_may_be_older_than_a_recorded_fact_is_ignored(recorded: str) -> None:
    before, after = known("received"), known("received", recorded)
    assert news(before, PrintFile("received", None), after=after) == []
    assert news(before, PrintFile("processing", None), after=after) == []
    assert news(before, PrintFile("processingfailed", None), after=after) == []


@pytest.mark.parametrize("recorded", ["processing", "processingfailed", GIVEN_UP])
def test_ready_is_recorded_whatever_another_poll_has_recorded_meanwhile(recorded: str) -> None:
    (new,) = news(known("received"), PrintFile("ready", LINK), after=known("received", recorded))
    assert (new.id, new.data["status"]) == ("print/1/2-ready", "ready")


@pytest.mark.parametrize("late", ["received", "processing", "processingfailed", "ready", GIVEN_UP])
def test_ready_is_final(late: str) -> None:
    ready = known("received", "ready")
    assert news(known("received"), PrintFile(late, None), now=later(days=9), after=ready) == []
    assert news(ready, PrintFile(late, None), now=later(days=9)) == []


# --- when to give up ---


def test_a_file_that_was_polled_for_the_limit_is_given_up() -> None:
    before = known("processing", since=3 * DAY)
    (new,) = news(before, PrintFile("processing", None), now=NOW)
    assert (new.id, new.data["status"], new.data["url"]) == ("print/1/1-given_up", GIVEN_UP, None)
    assert news(before, PrintFile("processing", None), now=NOW - timedelta(milliseconds=1)) == []


@pytest.mark.parametrize("answers", [(), (None,), (PrintFile("processing", None),)], ids=["none", "no item", "open"])
def test_a_file_is_given_up_whatever_the_last_answer_was(answers: tuple[PrintFile | None, ...]) -> None:
    assert statuses(news(known("processing", since=3 * DAY), *answers)) == [GIVEN_UP]
    assert news(known("processing", since=2 * DAY), *answers) == []


@pytest.mark.parametrize("end", ["ready", "processingfailed"])
def test_a_file_that_ends_in_the_last_round_is_not_given_up(end: str) -> None:
    assert statuses(news(known("processing", since=9 * DAY), PrintFile(end, None))) == [end]


def test_progress_in_the_last_round_is_recorded_before_the_file_is_given_up() -> None:
    new = news(known("received", since=9 * DAY), PrintFile("processing", None), now=later(hours=1))
    assert [each.id for each in new] == ["print/1/1-processing", "print/1/2-given_up"]
    assert new[0].at < new[1].at
    file = files(paid("1"), sent("1", at=NOW - 9 * DAY), status_fact("received"), *new)["1"]
    assert (file.status, file.updates) == (GIVEN_UP, 3)


def test_a_file_that_the_round_did_not_reach_is_not_given_up() -> None:
    assert news(known("processing", since=9 * DAY), left=["1"]) == []


def test_nothing_is_given_up_while_blocked_or_after_a_hint() -> None:
    assert news(known("processing", since=99 * DAY), limit=None) == []


def test_on_the_last_day_every_open_file_is_given_up() -> None:
    assert statuses(news(known("processing"), limit=timedelta(0))) == [GIVEN_UP]


def test_a_file_that_is_open_again_has_the_whole_limit_again() -> None:
    before = known("processing", GIVEN_UP, "processing", since=9 * DAY)
    assert news(before, PrintFile("processing", None), now=later(days=3)) == []
    assert statuses(news(before, PrintFile("processing", None), now=later(days=3, minutes=2))) == [GIVEN_UP]


# --- reopening ---


@pytest.mark.parametrize("end", ["processingfailed", GIVEN_UP])
def test_an_order_with_a_reopened_file_is_polled_regularly_again(end: str) -> None:
    before = known(end)
    (new,) = news(before, PrintFile("processing", None), limit=None)
    after = files(paid("1"), sent("1"), status_fact(end), new)
    assert print_files.reopens(before, after)


def test_a_second_reopened_file_does_not_double_the_polling() -> None:
    facts = (paid("1", "2"), sent("1", "2"), status_fact("processingfailed"), status_fact("processing", "2"))
    again = status_fact("processing", at=later(hours=1), number=1)
    assert not print_files.reopens(files(*facts), files(*facts, again))


@pytest.mark.parametrize("end", ["ready", "processingfailed"])
def test_a_file_that_ends_does_not_reopen_the_order(end: str) -> None:
    assert not print_files.reopens(known("processing"), known("processing", end))
    assert not print_files.reopens(known("processingfailed"), known("processingfailed", "ready"))


# --- the pause between two rounds ---


def whole(number: int = 1, left: int = 0, after: float = 0) -> Round:
    seen = [File(line_id=str(each), since="", at="") for each in range(number)]
    return Round(requested=seen, not_reached={str(each) for each in range(number - left, number)}, after=after)


def test_each_pause_is_twice_as_long_up_to_an_hour() -> None:
    lasted, pauses = 0.3, []
    for _ in range(10):
        pauses.append(print_files.pause(lasted, whole(), base=30))
        lasted += pauses[-1]
    assert pauses == [30, 31, 62, 124, 248, 496, 992, 1984, 3600, 3600]


@pytest.mark.parametrize("lasted", [-5.0, 0, 0.001, 29.9])
def test_no_pause_is_shorter_than_the_base(lasted: float) -> None:
    assert print_files.pause(lasted, whole(), base=30) == 30


def test_the_oms_may_ask_for_a_longer_pause_but_not_for_a_shorter_one() -> None:
    assert print_files.pause(0, whole(after=500.2), base=30) == 501
    assert print_files.pause(1000, whole(after=500), base=30) == 1000
    assert print_files.pause(0, whole(after=10**9), base=30) == 6 * 3600
    assert print_files.pause(0, whole(after=7200), base=30, jitter=0.99) == 7200


def test_jitter_spreads_the_pauses() -> None:
    pauses = [print_files.pause(400, whole(), base=30, jitter=jitter / 10) for jitter in range(10)]
    assert pauses == sorted(set(pauses))
    assert pauses[0] == 400
    assert pauses[-1] <= 500
    assert print_files.pause(10**6, whole(), base=30, jitter=0.9999) <= LONGEST_PAUSE_S * 1.25


def test_the_pause_after_an_incomplete_round_is_shorter() -> None:
    assert print_files.pause(1000, whole(100, left=75), base=30) == 250
    assert print_files.pause(0, whole(1000, left=999), base=1) == 1
    assert print_files.pause(1000, whole(100, left=75, after=900), base=30) == 900


def test_the_newest_file_determines_the_pause() -> None:
    found = files(paid("1", "2"), sent("1"), sent("2", at=later(hours=5)))
    assert print_files.age(found.values(), later(hours=6)) == 3600


def test_a_round_is_complete_when_everything_was_answered() -> None:
    found = list(files(paid("1", "2"), sent("1", "2")).values())
    assert Round(requested=found, answers={"1": None, "2": PrintFile("ready", None)}).is_complete
    assert not Round(requested=found, answers={"1": None}).is_complete
    assert not Round(requested=found, answers={"1": None}, not_reached={"2"}).is_complete


# --- any answers of the OMS ---

ANSWER = st.one_of(
    st.none(),
    st.builds(
        PrintFile,
        st.sampled_from(["received", "processing", "processingfailed", "ready", "engraving"]),
        st.sampled_from([None, LINK]),
    ),
)
ROUND = st.tuples(st.dictionaries(st.sampled_from("12"), ANSWER), st.booleans(), st.integers(0, 100_000))


@given(st.lists(ROUND, max_size=12), st.randoms(use_true_random=False))
def test_any_answers_give_a_consistent_record_and_polling_ends(rounds: list[Any], random: Random) -> None:
    """A round may be written later than rounds that started after it. The fold and `files` agree."""
    facts = [paid("1", "2"), sent("1", "2")]
    now, held = NOW, list[tuple[Round, bool, datetime]]()
    for answers, hint, seconds in rounds:
        now += timedelta(seconds=seconds)
        before = files(*facts)
        wanted = print_files.due(before, hint=hint)
        held.append((Round(requested=wanted, answers={each: answers[each] for each in answers}), hint, now))
        random.shuffle(held)
        while held and random.random() < 0.7:
            asked, was_hint, at = held.pop()
            before = files(*facts)
            new = list(print_files.new_facts(before, asked, now=at, limit=None if was_hint else DAY))
            assert not {each.id for each in new} & {each.id for each in facts}
            facts += new
            after = files(*facts)
            assert all(after[line].status == "ready" for line in before if before[line].status == "ready")
            if was_hint and not any(file.is_open for file in before.values()):
                assert print_files.reopens(before, after) is any(file.is_open for file in after.values())
            else:
                assert not print_files.reopens(before, after)
    found = files(*facts)
    for line in order(facts).lines:
        status = line.print_file.status if line.print_file else None
        assert status == found[line.id].status
    last = Round(requested=print_files.due(found, hint=False))
    facts += print_files.new_facts(found, last, now=now, limit=timedelta(0))
    assert print_files.due(files(*facts), hint=False) == []


# --- the row ---


@pytest.fixture(autouse=True)
def _table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "table")


def test_a_poll_row_holds_the_order_and_expires() -> None:
    put = print_files.poll_row("1003", "oms-1", now=NOW)
    assert put == {
        "TableName": "table",
        "Item": {
            "pk": {"S": "POLL#oms-1"},
            "dispatch": {"S": "poll"},
            "order_id": {"S": "1003"},
            "expires_at": {"N": str(int((NOW + 14 * DAY).timestamp()))},
        },
    }


def test_the_row_of_a_hint_may_name_lines() -> None:
    row = print_files.poll_row("1003", "e1", now=NOW, hint=True, line_ids={"2", "1"})["Item"]
    assert row["hint"] == {"BOOL": True}
    assert row["line_ids"] == {"L": [{"S": "1"}, {"S": "2"}]}
    assert "line_ids" not in print_files.poll_row("1003", "e1", now=NOW, hint=True)["Item"]


# --- the OMS's notices ---


def about(content: object) -> dict[str, frozenset[str]]:
    named: dict[str, frozenset[str]] = topics.decide("oms.print_file_ready", content).orders
    return named


@pytest.mark.parametrize(
    ("case", "named"),
    [
        ("", {"1003": {"70001"}}),
        ("__order", {"1003": set()}),
        ("__several_items", {"1003": {"70001", "70002"}}),
        ("__by_name", {"1003": {"70001", "70002"}}),
        ("__no_object", {"1003": {"70002"}}),
        ("__names_nothing", {}),
    ],
)
def test_a_notice_is_about_the_items_and_orders_that_it_names(case: str, named: dict[str, set[str]]) -> None:
    assert about(sample(f"oms/print_file_ready{case}")) == named


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"items": ["1:1", "2:1", "1:2"]}, {"1": {"1", "2"}, "2": {"1"}}),
        ({"a": {"b": [{"c": ["7:x"]}]}}, {"7": {"x"}}),
        ({"ecommerce_order_id": "1003"}, {"1003": set()}),
        ({"order": {"ecommerce_order_id": 1003}}, {"1003": set()}),
        ({"ecommerce_order_id": ["1", "2"]}, {"1": set(), "2": set()}),
        ({"ecommerce_order_id": "Ü 1/2"}, {"Ü 1/2": set()}),
        ({"ecommerce_order_id": "1003", "item": "1003:1"}, {"1003": set()}),
        ({"ecommerce_order_item_id": item_ids.item_id("Ü 1", "ß:2")}, {"Ü 1": {"ß:2"}}),
        ({"ecommerce_order_id": "1003:1"}, {"1003": {"1"}}),
        ({"order_id": "1003"}, {}),
        ({"ecommerce_order_id": None}, {}),
        ({"ecommerce_order_id": True}, {}),
        ({"ecommerce_order_id": 1.5}, {}),
        ({"ecommerce_order_id": ""}, {}),
        ({"ecommerce_order_id": "x" * 129}, {}),
        ({"ecommerce_order_id": "\ud800"}, {"\ufffd": frozenset()}),
        ({"ecommerce_order_id": {"id": "1003"}}, {}),
        ({"ecommerce_order_item_id": "ITEM-001"}, {}),
        ({"ecommerce_order_item_id": "~c3~28:1"}, {}),
        ({"ecommerce_order_item_id": f"{'1' * 129}:1"}, {}),
        ({"ecommerce_order_item_id": f"1:{'1' * 129}"}, {}),
        ({"ecommerce_order_item_id": item_ids.item_id("a\nb", "1")}, {}),
        ({"url": "https://oms.example/1003:1.pdf", "at": "2026-09-03T18:55:40Z"}, {}),
        ([], {}),
        ({}, {}),
        (None, {}),
        (17, {}),
        ([[["1:1"]]], {"1": {"1"}}),
    ],
)
def test_every_item_id_in_a_notice_counts(content: object, named: dict[str, set[str]]) -> None:
    assert about(json.dumps(content).encode()) == named


def test_a_notice_that_is_not_json_is_unprocessable() -> None:
    with pytest.raises(Unprocessable):
        about(b"item=1003%3A1")


def test_the_status_in_a_notice_is_ignored() -> None:
    states: list[Any] = ["ready", "processingfailed", 17, None, {"a": []}]
    for status in states:
        content = sample("oms/print_file_ready") | {"status": status, "url": [status]}
        assert about(content) == {"1003": {"70001"}}


@pytest.mark.parametrize(
    ("content", "paths"),
    [
        (sample("oms/print_file_ready"), set()),
        (sample("oms/print_file_ready__order"), {"event", "order"}),
        (["1:1"], {"(no object)"}),
        ({}, set()),
    ],
)
def test_fields_that_no_answer_of_the_oms_has_are_drift(content: object, paths: set[str]) -> None:
    assert topics.unknown("oms.print_file_ready", content) == paths


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.from_regex(r"[a-z0-9~]{1,4}:[a-z0-9~]{1,4}")),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text() | st.just("ecommerce_order_id"), inner)),
)


@given(JSON)
def test_every_json_is_a_valid_notice(content: object) -> None:
    notice, _ = reading.read(Notice, json.dumps(content).encode())
    for order_id, lines in notice.orders().items():
        for each in (order_id, *lines):
            assert 0 < len(each) <= 128
            assert each.encode()


def test_item_ids_of_similar_orders_are_distinguished() -> None:
    assert about({"items": [item_ids.item_id("1", "2:3"), item_ids.item_id("1:2", "3")]}) == {
        "1": {"2:3"},
        "1:2": {"3"},
    }
