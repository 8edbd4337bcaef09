"""Polling the OMS for print files, with the record and the queue; and the notices that the OMS sends."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from pressroom.order import repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact
from pressroom.platform.errors import Blocked, Conflict, Dead, Retry
from pressroom.platform.times import iso
from pressroom.providers.oms import client, item_ids, print_file_poll, print_files
from pressroom.providers.oms.client import PrintFile
from tests.integration.conftest import Printed
from tests.support import gateway
from tests.support.cloud import SECRETS, Clock, Cloud, aws_calls
from tests.support.hub import Hub, read, sqs_record
from tests.support.samples import sample

QUEUE = "PrintFilesQueue"
TOKEN = SECRETS["OmsSecret"]
LINK = "https://oms.example/print-files/1.pdf"
READY, FAILED = PrintFile("ready", LINK), PrintFile("processingfailed", None)
RECEIVED, PROCESSING = PrintFile("received", None), PrintFile("processing", None)
DOWN = Retry("HTTP 503", status=503)
HOUR, DAY = 3600, 24 * 3600

type Answer = PrintFile | BaseException | None
type Answers = Answer | list[Answer]
"""The answers for an item; the last of a list is repeated."""


class FakeOms:
    """Returns the configured answers; `asked` are the items that were requested."""

    def __init__(self) -> None:
        self.answers: dict[str, Answers] = {}
        self.asked: list[str] = []
        self.meanwhile: list[Callable[[], object]] = []
        """Functions that run during the next requests."""

    def print_file(self, item_id: str) -> PrintFile | None:
        self.asked.append(item_id)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        answer = self.answers.get(item_id, self.answers.get("*", RECEIVED))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def take(self) -> list[str]:
        """Return the lines that were requested since the last time, sorted."""
        lines = [place[1] for each in self.asked if (place := item_ids.parse(each))]
        self.asked.clear()
        return sorted(lines)


class Desk:
    """The order 1003 at the OMS and its messages in the print files queue."""

    def __init__(self, hub: Hub, clock: Clock, oms: FakeOms) -> None:
        self.hub, self.clock, self.oms = hub, clock, oms
        self.cloud = hub.cloud
        self.waiting: list[dict[str, Any]] = []
        """The messages that were received and not deleted, each with the time `visible_at` of its next receive."""

    def create(self, *lines: str, order_id: str = "1003", begin: bool = True) -> None:
        """Record that the OMS has the order, as deliver/oms does."""
        now = iso(self.clock())
        bought = [
            {"id": each, "sku": f"MUG-{each}", "quantity": 1, "price": "9.90", "destination": "oms", "variant": "5501"}
            for each in lines
        ]
        paid = {"ref": "r", "currency": "EUR", "created_at": now, "lines": bought, "deliveries": []}
        sent = {
            "delivery_id": "oms-1",
            "destination": "oms",
            "operation": "create_order",
            "answer_lost": False,
            "provider": "oms",
            "order": "uid-order",
            "items": [{"item": f"uid-{each}", "ref": each} for each in lines],
            "uid_known": True,
        }
        self.know(order_id, paid=paid, sent=sent)
        if begin:
            self.begin(order_id)

    def know(self, order_id: str = "1003", /, **facts: dict[str, Any]) -> None:
        now = iso(self.clock())
        repository.apply(
            Decision(
                order_id=order_id,
                facts=tuple(
                    Fact(id=f"{kind}/{now}", kind=kind, source="test", at=now, received_at=now, data=data)
                    for kind, data in facts.items()
                ),
            )
        )

    def cancel(self, *left: str) -> None:
        """The shop removes the other lines from the order."""
        lines = [{"id": each, "sku": f"MUG-{each}", "quantity": 1, "price": "9.90"} for each in left]
        self.know(updated={"lines": lines, "not_sent": False, "deliveries": []})

    def begin(self, order_id: str = "1003", *, hint: bool = False, line_ids: Iterable[str] = ()) -> None:
        key = f"{order_id}/{len(self.cloud.rows('POLL'))}"
        row = print_files.poll_row(order_id, key, now=self.clock(), hint=hint, line_ids=line_ids)
        self.cloud.dynamodb.put_item(**row)
        self.collect()

    def collect(self) -> int:
        """Let the pump forward the rows, receive the messages and return their number."""
        self.hub.pump()
        url, before = self.cloud.url(QUEUE), len(self.waiting)
        while found := self.cloud.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages"):
            sent = int(self.clock().timestamp() * 1000)
            self.waiting.append({**found[0], "count": 0, "sent": sent, "visible_at": self.clock()})
        return len(self.waiting) - before

    def round(self) -> list[str]:
        """Invoke the function once for each visible message and return the lines that the OMS was asked for."""
        for message in [each for each in self.waiting if each["visible_at"] <= self.clock()]:
            self.give(message)
        self.collect()
        return self.oms.take()

    def give(self, message: dict[str, Any]) -> None:
        message["count"] += 1
        with aws_calls() as calls:
            answer = self.cloud.call("print_files", {"Records": [sqs_record(message)]})
        hidden = [call for operation, call in calls if operation == "ChangeMessageVisibility"]
        if answer["batchItemFailures"]:
            # The queue's own visibility timeout, unless the function has set another.
            seconds = hidden[0]["VisibilityTimeout"] if hidden else 360
            assert [call["ReceiptHandle"] for call in hidden] in ([], [message["ReceiptHandle"]])
            message["visible_at"] = self.clock() + timedelta(seconds=seconds)
        else:
            assert hidden == []
            self.waiting.remove(message)

    def hidden_for(self) -> int:
        """The seconds for which the only message is hidden."""
        (message,) = self.waiting
        return int((message["visible_at"] - self.clock()).total_seconds())

    def sleep(self) -> None:
        """Advance the clock until a message is visible."""
        self.clock.now = max(self.clock.now, min(message["visible_at"] for message in self.waiting))

    def statuses(self, order_id: str = "1003") -> list[str | None]:
        lines = self.hub.order(order_id)["lines"]
        return [line["print_file"] and line["print_file"]["status"] for line in lines]

    def facts(self, order_id: str = "1003") -> list[str]:
        row = repository.get(order_id)
        return [fact.id for fact in row.facts if fact.kind == "print_file"] if row else []


@pytest.fixture
def desk(hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Desk:
    fake = FakeOms()
    monkeypatch.setattr(client, "print_file", fake.print_file)
    monkeypatch.setattr(random, "random", lambda: 0.0)
    hub.cloud.parameters |= {"PrintFileGiveUpHours": "72", "PrintFilePollSeconds": "30", "PrintTemplates": "5501=T1"}
    return Desk(hub, clock, fake)


# --- without failures ---


def test_an_order_is_polled_until_its_print_files_are_ready(desk: Desk, printed: Printed) -> None:
    desk.oms.answers = {"1003:1": [RECEIVED, PROCESSING, PROCESSING, READY], "1003:2": [PROCESSING, READY]}
    desk.create("1", "2")
    assert desk.round() == ["1", "2"]
    assert (desk.statuses(), desk.hidden_for()) == (["received", "processing"], 30)
    desk.sleep()
    assert desk.round() == ["1", "2"]
    assert (desk.statuses(), desk.hidden_for()) == (["processing", "ready"], 30)
    desk.sleep()
    assert desk.round() == ["1"]
    assert desk.hidden_for() == 60
    desk.sleep()
    assert desk.round() == ["1"]
    assert (desk.statuses(), desk.waiting) == (["ready", "ready"], [])
    shown = desk.hub.order("1003")
    assert (shown["attention"], shown["lines"][0]["print_file"]["url"]) == ([], LINK)
    assert [each["source"] for each in shown["timeline"]].count("oms.print_file") == 5
    assert LINK not in printed.text()


def test_each_ready_item_is_offered_for_a_batch_once(desk: Desk) -> None:
    desk.oms.answers = {"1003:1": [PROCESSING, READY], "1003:2": READY}
    desk.create("1", "2")
    desk.round()
    assert [row["pk"]["S"] for row in desk.cloud.rows("READY")] == ["READY#1003:2"]
    desk.sleep()
    desk.round()
    first, _ = desk.cloud.rows("READY")
    assert (first["uid"]["S"], first["at"]["S"]) == ("uid-1", iso(desk.clock()))


def test_a_round_without_changes_writes_nothing(desk: Desk) -> None:
    desk.create("1", "2")
    desk.round()
    desk.sleep()
    before = desk.cloud.rows()
    with aws_calls() as calls:
        desk.give(desk.waiting[0])
    assert [operation for operation, _ in calls] == ["GetItem", "ChangeMessageVisibility"]
    assert desk.cloud.rows() == before


def test_all_changes_of_a_round_are_one_write(desk: Desk) -> None:
    desk.oms.answers = {"*": PROCESSING}
    desk.create(*(str(each) for each in range(1, 21)))
    with aws_calls() as calls:
        desk.give(desk.waiting[0])
    assert [operation for operation, _ in calls] == ["GetItem", "GetItem", "PutItem", "ChangeMessageVisibility"]


def test_only_the_message_of_the_order_is_hidden(desk: Desk) -> None:
    desk.create("1")
    desk.create("1", order_id="1004")
    desk.hub.pump()
    message, other = desk.waiting
    desk.give(message)
    assert (message["count"], other["count"]) == (1, 0)
    assert other["visible_at"] == desk.clock()


@pytest.mark.parametrize("status", ["engraving", "Ready", "READY", "given up"])
def test_an_unknown_status_is_shown_as_received_and_polling_continues(desk: Desk, status: str) -> None:
    desk.oms.answers = {"*": PrintFile(status, LINK)}
    desk.create("1")
    desk.round()
    (line,) = desk.hub.order("1003")["lines"]
    assert (line["print_file"]["status"], line["print_file"]["url"]) == (status, None)
    assert len(desk.waiting) == 1


def test_a_failed_file_raises_attention_and_ends_polling(desk: Desk, printed: Printed) -> None:
    desk.oms.answers = {"*": FAILED}
    desk.create("1")
    desk.round()
    assert desk.hub.order("1003")["attention"] == ["print_file_failed"]
    assert "OrdersNeedAttention" in printed.text()
    assert desk.waiting == []


# --- failures ---


@pytest.mark.parametrize("error", [DOWN, Dead("HTTP 400", status=400), Retry("no connection"), Retry("no JSON")])
def test_a_request_without_an_answer_does_not_affect_the_other_lines(desk: Desk, error: Exception) -> None:
    desk.oms.answers = {"1003:1": READY, "1003:2": [error, PROCESSING], "1003:3": FAILED}
    desk.create("1", "2", "3")
    assert desk.round() == ["1", "2", "3"]
    assert (desk.statuses(), desk.hidden_for()) == (["ready", None, "processingfailed"], 30)
    desk.sleep()
    assert desk.round() == ["2"]
    assert desk.statuses() == ["ready", "processing", "processingfailed"]


def test_an_item_that_the_oms_does_not_have_is_polled_again(desk: Desk) -> None:
    desk.oms.answers = {"*": [None, PROCESSING, None, READY]}
    desk.create("1")
    seen = []
    for _ in range(4):
        desk.round()
        seen += desk.statuses()
        if desk.waiting:
            desk.sleep()
    assert seen == [None, "processing", "processing", "ready"]


def test_a_failing_oms_is_not_called_for_every_line(desk: Desk) -> None:
    desk.oms.answers = {"*": DOWN}
    desk.create(*"123456789")
    asked = desk.round()
    assert len(asked) == print_file_poll.FAILURES
    assert desk.hidden_for() == 30
    desk.sleep()
    assert desk.round() != asked  # it starts at another line


def test_failures_between_answers_do_not_end_a_round(desk: Desk) -> None:
    desk.oms.answers = {f"1003:{n}": DOWN if n % 3 else READY for n in range(1, 10)}
    desk.create(*"123456789")
    assert desk.round() == list("123456789")
    assert desk.statuses().count("ready") == 3


def test_retry_after_is_respected(desk: Desk) -> None:
    desk.oms.answers = {"*": Retry("HTTP 429", status=429, after=1000)}
    desk.create("1", "2")
    assert len(desk.round()) == 1
    assert desk.hidden_for() == 1000


def test_an_unexpected_error_is_retried(desk: Desk, printed: Printed) -> None:
    desk.oms.answers = {"1003:1": [ZeroDivisionError(), READY]}
    desk.create("1")
    desk.round()
    assert desk.hidden_for() == 360  # the queue's own visibility timeout
    assert "record_failed" in printed.text()
    desk.sleep()
    desk.round()
    assert (desk.statuses(), desk.waiting) == (["ready"], [])


def test_a_function_killed_before_the_write_polls_again_and_offers_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit

    desk.oms.answers = {"*": READY}
    desk.create("1")
    with monkeypatch.context() as patch:
        patch.setattr(repository, "apply", killed)
        with pytest.raises(SystemExit):
            desk.give(desk.waiting[0])
    before = desk.cloud.rows("READY")
    assert (len(before), desk.statuses()) == (1, [None])
    desk.clock.advance(360)
    desk.round()
    assert (desk.cloud.rows("READY"), desk.statuses(), desk.waiting) == (before, ["ready"], [])


def test_a_function_killed_after_the_write_ends(desk: Desk) -> None:
    desk.oms.answers = {"*": READY}
    desk.create("1")
    (message,) = desk.waiting
    desk.give(message)
    before = desk.cloud.rows()
    desk.waiting.append(message)
    desk.give(message)
    assert (desk.cloud.rows(), desk.waiting, len(desk.oms.asked)) == (before, [], 1)


def test_a_message_that_lost_every_write_conflict_is_received_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always(*_: Any, **__: Any) -> None:
        raise Conflict("the order was changed by others")

    desk.create("1")
    with monkeypatch.context() as patch:
        patch.setattr(repository, "apply", always)
        desk.round()
    assert desk.hidden_for() == 360


# --- the end of polling ---


def test_a_file_that_is_not_ready_in_time_is_given_up_and_raises_attention(desk: Desk, printed: Printed) -> None:
    desk.oms.answers = {"1003:1": PROCESSING, "1003:2": READY}
    desk.create("1", "2")
    rounds = 0
    while desk.waiting:
        desk.round()
        rounds += 1
        if desk.waiting:
            assert "OrdersNeedAttention" not in printed.text()
            desk.sleep()
    assert desk.statuses() == ["given_up", "ready"]
    assert desk.hub.order("1003")["attention"] == ["print_file_late"]
    assert "OrdersNeedAttention" in printed.text()
    lasted = desk.clock() - Clock().now
    assert timedelta(hours=72) <= lasted <= timedelta(hours=73)
    assert rounds < 90


def test_files_are_given_up_if_the_oms_never_answers(desk: Desk) -> None:
    desk.oms.answers = {"*": DOWN}
    desk.create(*"1234")
    desk.clock.advance(72 * HOUR)
    desk.round()
    assert (desk.statuses(), desk.waiting) == (["given_up"] * 4, [])


def test_a_blocked_order_waits_and_is_not_given_up(desk: Desk) -> None:
    desk.oms.answers = {"*": Blocked("the OMS refuses the token")}
    desk.create(*"1234")
    rounds = 0
    while desk.clock() < Clock().now + timedelta(days=12):
        assert len(desk.round()) == 1
        assert desk.hidden_for() <= HOUR
        desk.sleep()
        rounds += 1
    assert (desk.statuses(), desk.facts()) == ([None] * 4, [])
    assert rounds < print_file_poll.LAST_RECEIVE
    desk.oms.answers = {"*": READY}
    assert desk.round() == list("1234")
    assert (desk.statuses(), desk.waiting) == (["ready"] * 4, [])


def test_answers_before_a_refused_token_are_recorded(desk: Desk) -> None:
    desk.oms.answers = {"*": [READY, Blocked("the OMS refuses the token")]}
    desk.create(*"123")
    desk.clock.advance(80 * HOUR)
    assert len(desk.round()) == 2
    assert sorted(map(str, desk.statuses())) == ["None", "None", "ready"]
    assert len(desk.waiting) == 1


def test_everything_is_given_up_before_the_queue_drops_the_message(desk: Desk) -> None:
    desk.oms.answers = {"*": Blocked("the OMS refuses the token")}
    desk.create(*"123")
    desk.clock.advance(13 * DAY)
    desk.round()
    assert (desk.statuses(), desk.waiting) == (["given_up"] * 3, [])
    assert desk.hub.order("1003")["attention"] == ["print_file_late"]


def test_everything_is_given_up_before_the_message_reaches_the_dead_letter_queue(desk: Desk) -> None:
    desk.create(*"123")
    desk.waiting[0]["count"] = print_file_poll.LAST_RECEIVE - 1
    desk.round()
    assert (desk.statuses(), desk.waiting) == (["given_up"] * 3, [])


def test_the_message_of_an_erased_order_is_deleted(desk: Desk) -> None:
    desk.create("1", begin=False)
    desk.cloud.dynamodb.delete_item(TableName="table", Key={"pk": {"S": "ORDER#1003"}})
    desk.begin()
    assert (desk.round(), desk.waiting, desk.cloud.rows("ORDER")) == ([], [], [])


def test_an_order_that_is_erased_during_a_poll_stays_erased(desk: Desk) -> None:
    key = {"pk": {"S": "ORDER#1003"}}
    desk.oms.meanwhile = [lambda: desk.cloud.dynamodb.delete_item(TableName="table", Key=key)]
    desk.create("1")
    desk.round()
    assert (desk.waiting, desk.cloud.rows("ORDER")) == ([], [])


def test_the_message_of_a_canceled_order_is_deleted(desk: Desk) -> None:
    desk.create("1", "2")
    desk.round()
    desk.cancel()
    desk.sleep()
    before = desk.cloud.rows()
    assert (desk.round(), desk.waiting, desk.cloud.rows()) == ([], [], before)


def test_a_line_that_is_canceled_during_a_poll_gets_no_fact(desk: Desk) -> None:
    desk.create("1", "2")
    desk.oms.meanwhile = [lambda: desk.cancel("2")]
    desk.oms.answers = {"*": FAILED}
    desk.round()
    assert (desk.statuses(), desk.waiting) == ([None, "processingfailed"], [])


def test_the_message_of_an_order_that_the_oms_does_not_have_is_deleted(desk: Desk) -> None:
    desk.know("1003", paid={"ref": "r", "currency": "EUR", "created_at": "", "lines": [], "deliveries": []})
    desk.begin()
    assert (desk.round(), desk.waiting) == ([], [])


# --- concurrent polls ---


def test_two_messages_of_one_order_at_once_write_the_same_fact_once(desk: Desk) -> None:
    desk.oms.answers = {"*": PROCESSING}
    desk.create("1", "2")
    desk.begin(hint=True)
    regular, hint = desk.waiting
    desk.oms.meanwhile = [lambda: desk.give(hint)]
    desk.give(regular)
    assert desk.facts() == ["print/1/0-processing", "print/2/0-processing"]
    assert desk.waiting == [regular]


def test_an_older_answer_that_is_written_later_reverts_nothing(desk: Desk) -> None:
    desk.oms.answers = {"*": [PROCESSING, READY]}
    desk.create("1")
    desk.begin(hint=True)
    regular, hint = desk.waiting
    real = client.print_file

    def overtaken(item_id: str) -> PrintFile | None:
        answer = real(item_id)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(client, "print_file", real)
            desk.give(hint)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "print_file", overtaken)
        desk.give(regular)
    assert (desk.statuses(), desk.facts(), desk.waiting) == (["ready"], ["print/1/0-ready"], [])


def test_who_loses_the_race_decides_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.oms.answers = {"*": PROCESSING}
    desk.create("1")
    desk.begin(hint=True)
    regular, hint = desk.waiting
    real = repository.write

    def overtaken(*args: Any) -> bool:
        monkeypatch.setattr(repository, "write", real)
        desk.give(hint)
        return real(*args)

    monkeypatch.setattr(repository, "write", overtaken)
    desk.give(regular)
    assert desk.facts() == ["print/1/0-processing"]
    assert desk.waiting == [regular]


# --- large orders ---


def test_a_large_order_is_asked_for_in_parts_and_each_line_as_often_as_of_a_small_one(desk: Desk) -> None:
    lines = [str(each) for each in range(1, 121)]
    desk.create(*lines)
    desk.oms.answers = {"*": PROCESSING}
    real, clock, asked, rounds = client.print_file, desk.clock, Counter[str](), 0

    def slow(item_id: str) -> PrintFile | None:
        clock.advance(0.5)
        return real(item_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "print_file", slow)
        while clock() < Clock().now + timedelta(hours=12):
            part = desk.round()
            assert len(part) == 50
            asked.update(part)
            rounds += 1
            if rounds == 4:
                assert desk.statuses() == ["processing"] * 120
            desk.sleep()
    assert asked.keys() == set(lines)
    # A small order would be asked for 18 times: 7 while the pauses double, then once an hour.
    assert min(asked.values()) >= 14
    assert max(asked.values()) <= 22
    assert rounds < 50


def test_on_the_last_day_of_a_large_order_nothing_is_left_for_a_next_round(desk: Desk) -> None:
    desk.oms.answers = {"*": PROCESSING}
    desk.create(*(str(each) for each in range(1, 61)))
    desk.clock.advance(13 * DAY)
    real = client.print_file

    def slow(item_id: str) -> PrintFile | None:
        desk.clock.advance(0.5)
        return real(item_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "print_file", slow)
        assert len(desk.round()) == 50
    assert (desk.statuses(), desk.waiting) == (["given_up"] * 60, [])


def test_a_round_makes_one_request_even_if_each_exceeds_the_budget(desk: Desk) -> None:
    desk.create("1", "2")
    desk.oms.answers = {"*": READY}
    real = client.print_file

    def slow(item_id: str) -> PrintFile | None:
        desk.clock.advance(30)
        return real(item_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "print_file", slow)
        assert len(desk.round()) == 1
        desk.sleep()
        assert len(desk.round()) == 1
    assert (desk.statuses(), desk.waiting) == (["ready", "ready"], [])


# --- hints ---


def test_a_hint_adds_one_round(desk: Desk) -> None:
    desk.create("1", "2", begin=False)
    desk.begin(hint=True)
    assert desk.round() == ["1", "2"]
    assert (desk.statuses(), desk.waiting) == (["received", "received"], [])


@pytest.mark.parametrize("end", [FAILED, "given_up"])
def test_a_hint_finds_files_that_were_fixed(desk: Desk, end: PrintFile | str) -> None:
    desk.oms.answers = {"1003:1": READY, "1003:2": PROCESSING if end == "given_up" else FAILED}
    desk.create("1", "2")
    if end == "given_up":
        desk.clock.advance(72 * HOUR)
    desk.round()
    assert desk.waiting == []
    assert len(desk.hub.order("1003")["attention"]) == 1
    desk.oms.answers = {"*": READY}
    desk.begin(hint=True)
    assert desk.round() == ["2"]
    assert (desk.statuses(), desk.waiting) == (["ready", "ready"], [])
    assert desk.hub.order("1003")["attention"] == []


def test_a_file_in_progress_again_after_a_hint_is_polled_regularly(desk: Desk) -> None:
    desk.oms.answers = {"*": FAILED}
    desk.create("1")
    desk.round()
    desk.clock.advance(100 * HOUR)
    desk.oms.answers = {"*": PROCESSING}
    desk.begin(hint=True)
    assert desk.round() == ["1"]
    (message,) = desk.waiting  # the hint has ended; the pump has forwarded a regular message
    assert json.loads(message["Body"])["hint"] is False
    assert desk.round() == ["1"]
    assert (desk.statuses(), desk.hidden_for()) == (["processing"], 30)
    desk.clock.advance(71 * HOUR)
    desk.round()
    assert desk.statuses() == ["processing"]  # it has the whole limit again
    desk.clock.advance(HOUR)
    desk.round()
    assert (desk.statuses(), desk.waiting) == (["given_up"], [])


def test_a_reopened_file_beside_an_older_one_determines_the_pause(desk: Desk) -> None:
    desk.oms.answers = {"1003:1": PROCESSING, "1003:2": [FAILED, PROCESSING]}
    desk.create("1", "2")
    desk.round()
    desk.clock.advance(10 * HOUR)
    desk.round()
    assert desk.hidden_for() == HOUR
    desk.clock.advance(HOUR - 300)
    desk.begin(hint=True)
    assert desk.round() == ["1", "2"]
    assert len(desk.waiting) == 1  # only the old message: the polling is not doubled
    desk.sleep()
    assert desk.round() == ["1", "2"]
    assert desk.hidden_for() in (300, 301)


def test_two_concurrent_hints_restart_polling_once(desk: Desk) -> None:
    desk.oms.answers = {"*": FAILED}
    desk.create("1", "2")
    desk.round()
    desk.oms.answers = {"*": PROCESSING}
    desk.begin(hint=True)
    desk.begin(hint=True)
    one, other = desk.waiting
    desk.oms.meanwhile = [lambda: desk.give(other)]
    desk.give(one)
    assert desk.collect() == 1
    assert len(desk.facts()) == 4


def test_a_hint_without_an_answer_is_retried(desk: Desk) -> None:
    desk.oms.answers = {"*": FAILED}
    desk.create("1")
    desk.round()
    desk.oms.answers = {"*": [DOWN, DOWN, Blocked("the OMS refuses the token"), READY]}
    desk.begin(hint=True)
    pauses = []
    while desk.waiting:
        desk.round()
        if desk.waiting:
            pauses.append(desk.hidden_for())
            desk.sleep()
    assert (desk.statuses(), pauses) == (["ready"], [30, 30, 60])


def test_a_hint_gives_nothing_up_and_ends_before_the_queue_drops_it(desk: Desk) -> None:
    desk.oms.answers = {"*": DOWN}
    desk.create("1", begin=False)
    desk.begin(hint=True)
    desk.clock.advance(12 * DAY)
    desk.round()
    assert (desk.statuses(), desk.hidden_for()) == ([None], HOUR)
    desk.clock.advance(DAY)
    desk.round()
    assert (desk.statuses(), desk.waiting) == ([None], [])


def test_a_hint_that_is_never_answered_ends_after_some_hours(desk: Desk) -> None:
    desk.oms.answers = {"*": DOWN}
    desk.create("1", begin=False)
    desk.begin(hint=True)
    while desk.waiting:
        assert desk.round() == ["1"]
        if desk.waiting:
            desk.sleep()
    assert 3 * HOUR < (desk.clock() - Clock().now).total_seconds() < 6 * HOUR


def test_a_blocked_hint_waits_longer(desk: Desk) -> None:
    desk.oms.answers = {"*": Blocked("the OMS refuses the token")}
    desk.create("1", begin=False)
    desk.begin(hint=True)
    for _ in range(2 * print_file_poll.HINT_ROUNDS):
        assert desk.round() == ["1"]
        desk.sleep()
    desk.oms.answers = {"*": READY}
    desk.round()
    assert (desk.statuses(), desk.waiting) == (["ready"], [])


def test_a_hint_about_a_large_order_reaches_every_line_and_ends(desk: Desk) -> None:
    lines = [str(each) for each in range(1, 201)]
    desk.create(*lines, begin=False)
    desk.begin(hint=True)
    real, asked = client.print_file, set[str]()

    def slow(item_id: str) -> PrintFile | None:
        desk.clock.advance(0.5)
        return real(item_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "print_file", slow)
        while desk.waiting:
            asked.update(desk.round())
            if desk.waiting:
                desk.sleep()
    assert asked == set(lines)


def test_a_hint_about_ready_files_ends_at_once(desk: Desk) -> None:
    desk.oms.answers = {"*": READY}
    desk.create("1")
    desk.round()
    desk.begin(hint=True)
    assert (desk.round(), desk.waiting) == ([], [])


def test_the_message_of_a_hint_may_name_lines(desk: Desk) -> None:
    desk.create("1", "2", "3", begin=False)
    body = {"order_id": "1003", "hint": True, "line_ids": ["2", "9"]}
    answer = desk.cloud.call("print_files", {"Records": [sqs_record({"Body": json.dumps(body)})]})
    assert (answer["batchItemFailures"], desk.oms.take()) == ([], ["2"])


# --- the notices ---


def notice(cloud: Cloud, content: Any, token: str = TOKEN) -> dict[str, Any]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    try:
        raw.decode()
    except UnicodeDecodeError:
        event = gateway.request("POST", f"/webhooks/oms/{token}", body=raw, as_base64=True)
    else:
        event = gateway.request("POST", f"/webhooks/oms/{token}", body=raw)
    return read(cloud.call("receive/oms", event))


NOTICE = sample("oms/print_file_ready")


def test_a_notice_is_stored_as_received(cloud: Cloud, printed: Printed) -> None:
    answer = notice(cloud, NOTICE)
    assert (answer["statusCode"], answer["body"]["status"]) == (200, "accepted")
    (row,) = cloud.rows()
    assert (row["provider"]["S"], row["topic"]["S"]) == ("oms", "print_file_ready")
    assert TOKEN not in repr(row) + printed.text()


@pytest.mark.parametrize("token", ["wrong", TOKEN[:-1], TOKEN.upper(), "%2e%2e", "%C3%BC", "%25", "a" * 5000])
def test_a_notice_to_another_path_leaves_no_trace(cloud: Cloud, printed: Printed, token: str) -> None:
    assert notice(cloud, NOTICE, token)["statusCode"] == 401
    assert cloud.rows() == []
    assert token not in printed.text()


def test_every_notice_is_refused_while_no_token_is_set(cloud: Cloud) -> None:
    cloud.set_secret("OmsSecret", "")
    assert notice(cloud, NOTICE, "x")["statusCode"] == 401


def test_the_previous_token_is_accepted_until_it_is_cleared(cloud: Cloud, clock: Clock) -> None:
    cloud.set_secret("OmsSecret", "the-new", TOKEN)
    assert notice(cloud, NOTICE)["statusCode"] == 200
    assert notice(cloud, NOTICE | {"n": 1}, "the-new")["statusCode"] == 200
    cloud.set_secret("OmsSecret", "the-new")
    clock.advance(301)
    assert notice(cloud, NOTICE | {"n": 2})["statusCode"] == 401


def test_the_identity_of_a_notice_is_its_whole_content(cloud: Cloud) -> None:
    first = notice(cloud, NOTICE)
    again = notice(cloud, json.dumps(dict(reversed(NOTICE.items())), indent=3).encode())
    assert again["body"] == {"event_id": first["body"]["event_id"], "status": "duplicate"}
    others: list[Any] = [NOTICE | {"status": "processing"}, NOTICE | {"at": 1}, [NOTICE], "1003:70001", 17, None, {}]
    for other in others:
        assert notice(cloud, other)["body"]["status"] == "accepted"


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"item=1003%3A1", b"[" * 10_000, b"{'a': 1}"])
def test_a_body_that_is_not_json_is_stored_and_parked(hub: Hub, raw: bytes) -> None:
    answer = notice(hub.cloud, raw)
    assert answer["statusCode"] == 200
    assert notice(hub.cloud, raw)["body"]["status"] == "duplicate"
    hub.pump()
    hub.run_topics()
    assert hub.event(answer["body"]["event_id"])["state"] == "failed"


def test_a_notice_that_is_too_large_is_refused(cloud: Cloud) -> None:
    assert notice(cloud, b" " * (1024 * 1024 + 1))["statusCode"] == 413


def test_a_warm_receiver_makes_one_call(cloud: Cloud) -> None:
    notice(cloud, NOTICE)
    with aws_calls() as calls:
        notice(cloud, NOTICE | {"n": 1})
    assert [operation for operation, _ in calls] == ["PutItem"]


def receive(desk: Desk, content: Any) -> str:
    """Receive a notice, run its topic and return the event's id."""
    event_id: str = notice(desk.cloud, content)["body"]["event_id"]
    desk.hub.pump()
    desk.hub.run_topics()
    return event_id


def test_a_notice_polls_its_order_at_once(desk: Desk) -> None:
    desk.create("70001", "70002")
    desk.round()
    desk.oms.answers = {"1003:70001": READY, "1003:70002": PROCESSING}
    event_id = receive(desk, NOTICE)
    assert desk.collect() == 1
    assert "70001" in desk.round()
    assert desk.statuses()[0] == "ready"
    event = desk.hub.event(event_id)
    assert (event["state"], event["order_id"]) == ("processed", "1003")


def test_the_status_in_a_notice_is_not_recorded(desk: Desk) -> None:
    desk.create("70001")
    desk.oms.answers = {"*": PROCESSING}
    receive(desk, NOTICE)
    desk.collect()
    desk.round()
    assert desk.statuses() == ["processing"]


def test_a_notice_about_several_orders_polls_each_known_one(desk: Desk) -> None:
    for order_id in ("1", "2", "3"):
        desk.create("1", order_id=order_id, begin=False)
    event_id = receive(desk, {"items": ["1:1", "3:1", "3:2", "9:1"]})
    rows = desk.cloud.rows("POLL")
    hints = [(row["order_id"]["S"], row["hint"]["BOOL"], [each["S"] for each in row["line_ids"]["L"]]) for row in rows]
    assert sorted(hints) == [("1", True, ["1"]), ("3", True, ["1", "2"])]
    assert (desk.hub.event(event_id)["state"], desk.hub.event(event_id)["order_id"]) == ("processed", None)


@pytest.mark.parametrize(
    "content", [{"ecommerce_order_item_id": "9:1"}, {}, None, {"uid": "x"}, {"id": "javascript:x"}]
)
def test_a_notice_about_unknown_orders_does_nothing(desk: Desk, content: Any) -> None:
    event_id = receive(desk, content)
    assert desk.cloud.rows("POLL") == []
    assert desk.hub.event(event_id)["state"] == "processed"


def test_a_notice_that_is_processed_twice_is_one_hint(desk: Desk) -> None:
    desk.create("70001", begin=False)
    event_id: str = notice(desk.cloud, NOTICE)["body"]["event_id"]
    desk.hub.pump()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pressroom.inbox.events.processed", lambda *_, **__: None)
        desk.hub.run_topics()
    desk.hub.run_topic("pressroom-oms-print_file_ready", {"event_id": event_id})
    assert len(desk.cloud.rows("POLL")) == 1


def test_a_notice_with_a_thousand_orders_polls_only_some(desk: Desk) -> None:
    desk.create("1", order_id="0", begin=False)
    with aws_calls() as calls:
        event_id = receive(desk, [f"{n}:1" for n in range(1000)])
    assert desk.hub.event(event_id)["state"] == "processed"
    assert len(desk.cloud.rows("POLL")) == 1
    assert len(calls) < 20


def test_fields_that_no_answer_of_the_oms_has_are_drift(desk: Desk) -> None:
    receive(desk, sample("oms/print_file_ready__order"))
    (row,) = desk.cloud.rows("DRIFT")
    assert row["paths"]["SS"] == ["event", "order"]


def test_a_notice_costs_four_calls(desk: Desk) -> None:
    desk.create("70001", begin=False)
    event_id: str = notice(desk.cloud, NOTICE)["body"]["event_id"]
    with aws_calls() as calls:
        desk.hub.run_topic("pressroom-oms-print_file_ready", {"event_id": event_id})
    assert [operation for operation, _ in calls] == ["BatchGetItem", "BatchGetItem", "PutItem", "PutItem"]


def test_the_poll_row_can_be_part_of_a_transaction(desk: Desk) -> None:
    put = print_files.poll_row("1003", "oms-1", now=desk.clock())
    desk.cloud.dynamodb.transact_write_items(TransactItems=[{"Put": put}])
    assert desk.collect() == 1
    assert json.loads(desk.waiting[0]["Body"]) == {"order_id": "1003", "hint": False, "line_ids": []}


# --- all functions, with the OMS's simulator ---


def test_a_paid_order_gets_its_print_files_from_the_oms_itself(hub: Hub) -> None:
    hub.cloud.parameters["PrintTemplates"] = "5501=T1"
    hub.oms.ask("/_print_files", **{"1003:70002": "processingfailed"})
    hub.receive("storefront", "order_paid", sample("storefront/order_paid__personalized"))
    hub.settle()
    hub.work(QUEUE)
    for _ in range(3):
        hub.deliver_again()
    shown = hub.order("1003")
    mug, poster = shown["lines"]
    assert (mug["print_file"]["status"], poster["print_file"]["status"]) == ("ready", "processingfailed")
    assert mug["print_file"]["url"].startswith("http")
    assert (mug["status"], shown["attention"]) == ("in_production", ["print_file_failed"])
    assert [row["pk"]["S"] for row in hub.cloud.rows("READY")] == ["READY#1003:70001"]
    assert hub.retained == []
    assert len([path for method, path in hub.oms.calls if method == "GET"]) == 6


def test_a_refused_token_gives_nothing_up(hub: Hub, printed: Printed) -> None:
    hub.receive("storefront", "order_paid", sample("storefront/order_paid__personalized"))
    hub.settle()
    hub.oms.faults = [401] * 3
    hub.work(QUEUE)
    assert [line["print_file"] for line in hub.order("1003")["lines"]] == [None, None]
    assert len(hub.retained) == 1
    assert "OmsTokenRefused" in printed.text()
    hub.oms.faults = []
    hub.deliver_again()
    assert [line["print_file"]["status"] for line in hub.order("1003")["lines"]] == ["received", "received"]


def test_a_hint_polls_only_the_items_that_it_names(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", sample("storefront/order_paid__personalized"))
    hub.settle()
    hub.cloud.sqs.purge_queue(QueueUrl=hub.cloud.url(QUEUE))
    hub.receive("oms", "print_file_ready", NOTICE)
    hub.settle()
    hub.oms.calls.clear()
    hub.work(QUEUE)
    assert hub.retained == []
    assert hub.oms.calls == [("GET", "/api/v1/order-items/1003%3A70001/print")]
