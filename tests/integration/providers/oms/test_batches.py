"""Batches: which items are together, that no item is in two, and how a batch is sent to the OMS."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from pressroom.delivery import outcome
from pressroom.order import outbox, repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact
from pressroom.order.model import Order
from pressroom.platform import config, table
from pressroom.platform.errors import Blocked, Dead, Retry
from pressroom.platform.times import iso
from pressroom.providers.follow_ups import FOLLOW_UPS
from pressroom.providers.oms import batches, item_ids
from pressroom.providers.oms import client as oms
from pressroom.providers.oms.batches import Made
from pressroom.providers.oms.client import BatchOrder
from tests.support.cloud import Clock, Cloud, aws_calls
from tests.support.hub import Hub, sqs_record
from tests.support.samples import sample


class Press:
    """Receives batches in the OMS's place. `answers`: an error to raise, or the response."""

    def __init__(self) -> None:
        self.answers: list[BatchOrder | BaseException] = []
        self.requests: list[tuple[list[str], list[str]]] = []

    def __call__(self, order_items: list[str], print_templates: list[str]) -> BatchOrder:
        self.requests.append((order_items, print_templates))
        answer = self.answers.pop(0) if self.answers else BatchOrder(201, f"B{len(self.requests)}", "Batching")
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def press(monkeypatch: pytest.MonkeyPatch) -> Press:
    press = Press()
    monkeypatch.setattr(oms, "create_batch", press)
    return press


@pytest.fixture(autouse=True)
def _parameters(cloud: Cloud) -> None:
    """A batch has three items, or fewer after an hour."""
    settings = {"PrintTemplates": "mug=t1+t2,card=t3", "BatchSize": "3", "BatchMaxAgeMinutes": "60"}
    cloud.parameters |= settings


def order(order_id: str, *variants: str | None) -> None:
    """Pay for an order with a line at the OMS for each variant."""
    at = iso(config.utcnow())
    lines = [
        {"id": str(number), "sku": "S", "quantity": 1, "price": "1.0", "destination": "oms", "variant": variant}
        for number, variant in enumerate(variants, start=1)
    ]
    data = {"ref": None, "currency": "EUR", "created_at": at, "lines": lines, "deliveries": []}
    add(order_id, Fact(id=f"{order_id}-paid", kind="paid", source="test", at=at, received_at=at, data=data))


def add(order_id: str, *facts: Fact) -> None:
    repository.apply(Decision(order_id=order_id, facts=facts))


def revoke(order_id: str) -> None:
    at = iso(config.utcnow())
    data: dict[str, Any] = {"reason": None, "deliveries": []}
    add(order_id, Fact(id=f"{order_id}-revoked", kind="revoked", source="test", at=at, received_at=at, data=data))


def offer(hub: Hub, order_id: str, line_id: str = "1", variant: str | None = "mug", uid: str | None = "") -> bool:
    with hub.cloud.as_function("batches"):
        uid = f"u-{order_id}-{line_id}" if uid == "" else uid
        return batches.offer(order_id, line_id, uid=uid, variant=variant, at=iso(config.utcnow()))


def ready(hub: Hub, clock: Clock, *order_ids: str, variant: str = "mug") -> None:
    """Make the print files of orders with one line ready, one per second."""
    for order_id in order_ids:
        order(order_id, variant)
        assert offer(hub, order_id, variant=variant)
        clock.advance(1)


def make(hub: Hub, **how: Any) -> Made:
    with hub.cloud.as_function("batches"):
        return batches.make(config.utcnow(), pause=lambda attempt: None, **how)


def contents(made: Made) -> list[list[str]]:
    return [[each.id for each in batch.items] for batch in made.batches]


def names(*order_ids: str) -> list[str]:
    return [f"{order_id}:1" for order_id in order_ids]


def shown(hub: Hub) -> list[dict[str, Any]]:
    """All batches as the API shows them, oldest first."""
    ids = [each["id"] for each in hub.get("/batches")["body"]["batches"]]
    return [hub.get(f"/batches/{each}")["body"] for each in ids[::-1]]


# --- which items come together ---


def test_full_batches_are_made_at_once_and_the_rest_waits(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, *"1234567")
    made = make(hub)
    assert contents(made) == [names("1", "2", "3"), names("4", "5", "6")]
    assert made.complete
    assert make(hub).batches == []


def test_a_smaller_batch_is_made_when_its_oldest_item_has_waited_for_long_enough(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, "1")
    clock.advance(3500)
    ready(hub, clock, "2")
    assert make(hub).batches == []
    clock.advance(100)
    assert contents(make(hub)) == [names("1", "2")]


def test_items_of_different_variants_are_never_in_one_batch(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, "1", "2")
    ready(hub, clock, "3", "4", "5", variant="card")
    (batch,) = make(hub).batches
    assert (batch.variant, batch.templates, len(batch.items)) == ("card", ("t3",), 3)


def test_the_largest_batch_fits_into_one_transaction(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["BatchSize"] = "95"
    order("1", *["mug"] * 100)
    for number in range(1, 101):
        offer(hub, "1", str(number))
    (batch,) = make(hub).batches
    assert len(batch.items) == batches.MOST == 95
    assert len(make(hub, at_once=True).batches[0].items) == 5


def test_an_item_waits_once_however_often_it_is_added(hub: Hub, clock: Clock) -> None:
    order("1", "mug")
    assert [offer(hub, "1") for _ in range(2)] == [True, False]
    assert contents(make(hub, at_once=True)) == [names("1")]
    assert not offer(hub, "1")
    assert make(hub, at_once=True).batches == []


@pytest.mark.parametrize(("variant", "uid"), [("poster", "u"), (None, "u"), ("mug", None)])
def test_an_item_without_a_template_or_a_uid_does_not_wait(hub: Hub, variant: str | None, uid: str | None) -> None:
    order("1", variant)
    assert not offer(hub, "1", variant=variant, uid=uid)
    assert hub.cloud.rows(batches.READY) == []


def test_without_templates_nothing_waits_and_nothing_is_queried(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["PrintTemplates"] = ""
    with aws_calls() as calls:
        assert not offer(hub, "1")
        assert hub.cloud.call("batches", {}) == {"batches": [], "complete": True}
    assert calls == []


def test_ids_may_hold_any_character(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, "A 7#ñ", "\U0001f600" * 128)
    made = make(hub, at_once=True)
    assert [each.order_and_line for each in made.batches[0].items] == [("A 7#ñ", "1"), ("\U0001f600" * 128, "1")]


def test_invalid_templates_are_reported(hub: Hub) -> None:
    hub.cloud.parameters["PrintTemplates"] = "mug"
    with pytest.raises(ValueError, match="PrintTemplates: 'mug' is not variant=template"):
        make(hub)


# --- what the shop has canceled ---


def test_a_canceled_line_is_withdrawn_and_does_not_delay_the_others(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, *"12345")
    revoke("1")
    revoke("3")
    assert contents(make(hub)) == [names("2", "4", "5")]
    assert [row["item"]["S"] for row in hub.cloud.rows(batches.READY) if "withdrawn_at" in row] == names("1", "3")
    assert offer(hub, "1")  # the shop might have restored it, but has not
    assert contents(make(hub)) == []


def test_a_line_that_an_update_took_out_is_withdrawn(hub: Hub, clock: Clock) -> None:
    order("1", "mug", "mug")
    for line_id in "12":
        offer(hub, "1", line_id)
    at = iso(config.utcnow())
    line = {"id": "2", "sku": "S", "quantity": 1, "price": "1.0", "variant": "mug"}
    data = {"lines": [line], "not_sent": False, "deliveries": []}
    add("1", Fact(id="update", kind="updated", source="test", at=at, received_at=at, data=data))
    assert contents(make(hub, at_once=True)) == [["1:2"]]


def test_an_item_that_is_canceled_before_its_batch_is_sent_is_left_out(hub: Hub, clock: Clock, press: Press) -> None:
    ready(hub, clock, *"123")
    make(hub)
    revoke("2")
    hub.settle()
    assert press.requests == [(["u-1-1", "u-3-1"], ["t1", "t2"])]
    (batch,) = shown(hub)
    assert [each["left_out"] for each in batch["items"]] == [False, True, False]
    assert hub.order("2")["lines"][0]["batch"] is None


def test_a_batch_whose_items_are_all_canceled_is_withdrawn(hub: Hub, clock: Clock, press: Press) -> None:
    ready(hub, clock, *"123")
    make(hub)
    for order_id in "123":
        revoke(order_id)
    hub.settle()
    assert press.requests == []
    (batch,) = shown(hub)
    assert (batch["state"], batch["error"]) == ("withdrawn", "all lines of the batch are canceled")
    assert [hub.order(each)["lines"][0]["batch"] for each in "123"] == [None, None, None]
    assert hub.get("/deliveries")["body"]["deliveries"] == []


# --- never in two batches ---


@contextmanager
def before_writing(act: Callable[[], object]) -> Iterator[None]:
    """Run something between a run's reads and its transaction, once."""
    real, done = BaseClient._make_api_call, list[bool]()  # type: ignore[attr-defined]

    def interrupted(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems" and not done:
            done.append(True)
            act()
        return real(client, operation, parameters)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(BaseClient, "_make_api_call", interrupted)
        yield


def test_two_runs_at_once_put_each_item_into_one_batch(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, *"1234567")
    others = list[Made]()
    with before_writing(lambda: others.append(make(hub))):
        made = make(hub, at_once=True)
    together = contents(others[0]) + contents(made)
    assert together == [names("1", "2", "3"), names("4", "5", "6"), names("7")]
    rows = hub.cloud.rows(batches.READY)
    assert {row["batch"]["S"] for row in rows} == {batch.id for each in (*others, made) for batch in each.batches}


def test_two_runs_with_some_of_the_same_items_share_them(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, *"123")
    others = list[Made]()

    def smaller() -> None:
        hub.cloud.parameters["BatchSize"] = "2"
        others.append(make(hub))

    with before_writing(smaller):
        made = make(hub, at_once=True)
    assert (contents(others[0]), contents(made)) == ([names("1", "2")], [names("3")])


def test_an_item_that_is_withdrawn_while_its_batch_is_made_is_in_no_batch(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, *"1234")

    def cancel() -> None:
        revoke("1")
        make(hub)

    with before_writing(cancel):
        make(hub, at_once=True)
    in_batches = [each["order_id"] for batch in shown(hub) for each in batch["items"]]
    assert sorted(in_batches) == ["2", "3", "4"]


def test_an_item_that_cannot_be_taken_does_not_hold_up_the_others(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(hub, clock, *"1234567")
    real, pauses = BaseClient._make_api_call, list[int]()  # type: ignore[attr-defined]

    def refuse(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems":
            keys = [str(each.get("Update", {}).get("Key")) for each in parameters["TransactItems"]]
            codes = [{"Code": "TransactionConflict" if "READY#2:1" in key else "None"} for key in keys]
            if any(code != {"Code": "None"} for code in codes):
                error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": codes}
                raise ClientError(error, operation)  # type: ignore[arg-type]
        return real(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    with hub.cloud.as_function("batches"):
        made = batches.make(config.utcnow(), pause=pauses.append)
    assert contents(made) == [names("1", "3", "4"), names("5", "6", "7")]
    assert pauses == [1, 2, 3, 4]
    monkeypatch.setattr(BaseClient, "_make_api_call", real)
    assert contents(make(hub, at_once=True)) == [names("2")]


def test_a_run_that_meets_another_at_the_same_batch_tries_again_and_finds_nothing_left(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(hub, clock, *"123")
    real = BaseClient._make_api_call  # type: ignore[attr-defined]
    pauses: list[int] = []

    def meet(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems" and not pauses:
            real(client, operation, parameters)  # of the other run
            codes = [{"Code": "TransactionConflict"}, *[{"Code": "None"}] * (len(parameters["TransactItems"]) - 1)]
            error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": codes}
            raise ClientError(error, operation)  # type: ignore[arg-type]
        return real(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", meet)
    with hub.cloud.as_function("batches"):
        made = batches.make(config.utcnow(), pause=pauses.append)
    assert (made.batches, made.complete, pauses) == ([], True, [1])
    monkeypatch.setattr(BaseClient, "_make_api_call", real)
    assert len(shown(hub)) == 1


def test_a_failure_that_names_no_item_is_raised(hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(hub, clock, *"123")
    real = BaseClient._make_api_call  # type: ignore[attr-defined]

    def refuse(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems":
            raise ClientError({"Error": {"Code": "InternalServerError"}}, operation)
        return real(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    with pytest.raises(ClientError):
        make(hub)


def test_an_item_stays_in_its_batch_while_a_delayed_index_still_lists_it(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(hub, clock, *"123")
    stale = names("1", "2", "3")
    make(hub)
    ready(hub, clock, *"4567")
    listed = [stale, names("4", "5", "6"), names("7")]
    pages = {"": (listed[0], "a#1"), "a#1": (listed[1], "b#2"), "b#2": (listed[2], None)}
    monkeypatch.setattr(table, "oldest", lambda index, partition, *, limit, after="": pages[after])
    with aws_calls() as calls:
        assert contents(make(hub)) == [names("4", "5", "6")]
        assert contents(make(hub, at_once=True)) == [names("7")]
    assert [operation for operation, _ in calls].count("TransactWriteItems") == 2, "nothing was tried in vain"


@pytest.mark.parametrize("seed", range(6))
def test_with_concurrent_runs_no_item_is_in_two_batches_or_forgotten(
    hub: Hub, clock: Clock, press: Press, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - the same every time
    offered, revoked = list[str](), set[str]()

    def arrive() -> None:
        new = [f"o{len(offered) + number:02}" for number in range(random.randint(1, 4))]
        ready(hub, clock, *new)
        offered.extend(new)

    def cancel() -> None:
        if offered:
            revoked.add(each := random.choice(offered))
            revoke(each)

    def run() -> None:
        with before_writing(random.choice([cancel, arrive, lambda: make(hub, at_once=random.random() < 0.5)])):
            make(hub, at_once=random.random() < 0.3)

    for _ in range(8):
        random.choice([arrive, arrive, cancel, run, hub.settle])()
    make(hub, at_once=True)
    hub.settle()
    times = Counter(uid for uids, _ in press.requests for uid in uids)
    assert set(times.values()) <= {1}
    assert {f"u-{each}-1" for each in offered if each not in revoked} <= set(times)
    assert {row["item"]["S"] for row in hub.cloud.rows(batches.READY) if "state_key" in row} == set()


# --- bounded ---


def test_a_run_leaves_unfinished_variants_to_the_next_run(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, *"123456789")
    start = clock.now
    first = make(hub, is_over=lambda: len(hub.cloud.rows(batches.KIND)) >= 2)
    assert (len(first.batches), first.complete, clock.now) == (2, False, start)
    second = make(hub)
    assert (contents(second), second.complete) == ([names("7", "8", "9")], True)


def test_variants_take_turns(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, *"123456")
    ready(hub, clock, *"abcdef", variant="card")
    made = [batch.variant for batch in make(hub).batches]
    assert sorted(made) == ["card", "card", "mug", "mug"]
    assert all(one != other for one, other in pairwise(made))


def test_the_first_variant_changes_every_second(hub: Hub, clock: Clock) -> None:
    firsts = set()
    for turn in range(2):
        ready(hub, clock, *(f"m{turn}{number}" for number in range(3)))
        ready(hub, clock, *(f"c{turn}{number}" for number in range(3)), variant="card")
        clock.now = clock.now.replace(second=turn)
        firsts.add(make(hub).batches[0].variant)
    assert firsts == {"mug", "card"}


def test_checking_a_variant_that_is_not_due_reads_keys_and_a_batch_of_rows(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, "1", "2")
    with aws_calls() as calls:
        hub.cloud.call("batches", {})
    asked = [operation for operation, _ in calls]
    assert asked.count("Query") == 2 * table.SHARDS
    assert asked.count("BatchGetItem") == 1
    assert len(asked) == 2 * table.SHARDS + 1


def test_a_batch_out_of_many_waiting_reads_no_more_than_a_batch(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["PrintTemplates"] = "mug=t1"
    order("1", *["mug"] * 60)
    for number in range(1, 61):
        offer(hub, "1", str(number))
    with aws_calls() as calls:
        made = make(hub, is_over=lambda: bool(hub.cloud.rows(batches.KIND)))
    assert len(made.batches) == 1
    queries = [call for operation, call in calls if operation == "Query"]
    assert len(queries) == table.SHARDS
    assert {call["Limit"] for call in queries} == {4}
    reads = [call["RequestItems"]["table"]["Keys"] for operation, call in calls if operation == "BatchGetItem"]
    assert [len(keys) for keys in reads] == [3, 1]  # the items, and their order


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_the_oldest_come_first_without_gaps_or_repeats(hub: Hub, clock: Clock, limit: int) -> None:
    ready(hub, clock, *(f"o{number:02}" for number in range(12)))
    found = list[str]()
    after: str | None = ""
    while after is not None:
        page, after = table.oldest("by_state", f"{batches.READY}#mug", limit=limit, after=after)
        assert len(page) <= limit
        found += page
    assert found == [f"o{number:02}:1" for number in range(12)]


# --- at the OMS ---


def sent(hub: Hub, clock: Clock) -> dict[str, Any]:
    """Make a batch of orders 1 to 3 and send it; return the batch from the API."""
    ready(hub, clock, *"123")
    make(hub)
    hub.settle()
    (batch,) = shown(hub)
    return batch


def test_a_batch_is_sent_and_recorded_on_its_orders(hub: Hub, clock: Clock, press: Press) -> None:
    press.answers = [BatchOrder(201, "B-7", "Imposing")]
    batch = sent(hub, clock)
    assert press.requests == [(["u-1-1", "u-2-1", "u-3-1"], ["t1", "t2"])]
    assert (batch["state"], batch["uid"], batch["status"], batch["error"]) == ("sent", "B-7", "Imposing", None)
    assert (batch["delivery"]["status"], batch["delivery"]["attempts"]) == ("delivered", 1)
    for order_id in "123":
        line = hub.order(order_id)["lines"][0]
        assert line["batch"] == {"id": batch["id"], "uid": "B-7", "status": "Imposing"}


def test_the_lines_of_one_order_are_recorded_together(hub: Hub, press: Press) -> None:
    order("1", "mug", "card", "mug", "mug")
    for line_id, variant in zip("1234", ("mug", "card", "mug", "mug"), strict=True):
        offer(hub, "1", line_id, variant)
    make(hub)
    hub.settle()
    assert [bool(line["batch"]) for line in hub.order("1")["lines"]] == [True, False, True, True]
    assert hub.cloud.rows(repository.KIND)[0]["version"] == {"N": "2"}


def test_a_response_without_uid_and_status_is_accepted(hub: Hub, clock: Clock, press: Press) -> None:
    press.answers = [BatchOrder(200, None, None)]
    batch = sent(hub, clock)
    assert (batch["state"], batch["uid"], batch["status"]) == ("sent", None, None)
    assert hub.order("1")["lines"][0]["batch"] == {"id": batch["id"], "uid": None, "status": None}


def replay(hub: Hub, batch: dict[str, Any]) -> dict[str, Any]:
    """Replay a batch; return the batch from the API."""
    assert hub.post(f"/deliveries/{batch['delivery_id']}/replay")["body"]["replayed"]
    hub.settle()
    after: dict[str, Any] = hub.get(f"/batches/{batch['id']}")["body"]
    return after


def test_a_lost_answer_is_dead_at_once_and_only_a_person_sends_the_batch_again(
    hub: Hub, clock: Clock, press: Press
) -> None:
    press.answers = [Retry("HTTP 502", status=502, answer_lost=True)]
    batch = sent(hub, clock)
    assert (batch["state"], batch["delivery"]["status"], batch["delivery"]["attempts"]) == ("dead", "dead", 1)
    assert batch["error"] == ("HTTP 502: the OMS may have this batch: check there, and replay it only if it is missing")
    assert hub.order("1")["attention"] == ["batch_dead"]
    assert hub.order("1")["lines"][0]["batch"]["status"] == "dead"
    hub.deliver_again()
    hub.settle()
    assert len(press.requests) == 1
    after = replay(hub, batch)
    assert (after["state"], after["uid"], after["error"]) == ("sent", "B2", None)
    assert hub.order("1")["attention"] == []
    assert press.requests[0] == press.requests[1]
    assert len(shown(hub)) == 1


def test_a_batch_whose_attempt_was_killed_is_dead_and_not_sent_again_by_itself(
    hub: Hub, clock: Clock, press: Press
) -> None:
    press.answers = [KeyboardInterrupt()]
    ready(hub, clock, *"123")
    make(hub)
    with pytest.raises(KeyboardInterrupt):
        hub.settle()
    again(hub)
    (batch,) = shown(hub)
    assert len(press.requests) == 1
    assert batch["state"] == "dead"
    assert batch["error"].startswith("the result of the last attempt is unknown: the OMS may have this batch: check")
    hub.post(f"/deliveries/{batch['delivery_id']}/replay")
    again(hub)  # the queue holds the replay back while the killed attempt counts as running
    assert shown(hub)[0]["state"] == "sent"
    assert len(press.requests) == 2


def killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def killed_in_between(hub: Hub, *, end: Any = batches.record_end, repository: Any = repository) -> None:
    """Process everything with another end of a batch, or another repository, until that kills the function."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FOLLOW_UPS.standalone, "create_batch", end)
        patch.setattr(batches, "repository", repository)
        with pytest.raises(KeyboardInterrupt):
            hub.settle()


def test_a_delivery_that_was_killed_before_its_end_was_recorded_keeps_its_reason(
    hub: Hub, clock: Clock, press: Press
) -> None:
    press.answers = [Retry("time-out", answer_lost=True)]
    ready(hub, clock, *"123")
    make(hub)

    killed_in_between(hub, end=killed)
    again(hub)
    assert len(press.requests) == 1
    assert shown(hub)[0]["state"] == "dead"


def again(hub: Hub) -> None:
    """Deliver the message of the batch again, after its function was killed."""
    (row,) = hub.cloud.rows("DELIVERY")
    body = json.dumps({"delivery_id": row["delivery_id"]["S"], "replays": int(row["replays"]["N"])})
    assert hub.cloud.call("deliver/oms", {"Records": [sqs_record({"Body": body, "count": 2})]})
    hub.settle()


def test_a_batch_that_the_oms_certainly_did_not_receive_is_retried(hub: Hub, clock: Clock, press: Press) -> None:
    press.answers = [Retry("HTTP 429", status=429, after=5), Blocked("no token"), Retry("no connection")]
    batch = sent(hub, clock)
    assert batch["state"] == "pending"
    for _ in range(3):
        hub.deliver_again()
    assert shown(hub)[0]["state"] == "sent"
    assert len(press.requests) == 4


def test_a_refused_batch_is_dead_and_can_be_replayed_without_canceled_items(
    hub: Hub, clock: Clock, press: Press
) -> None:
    press.answers = [Dead("HTTP 400: order_items", status=400)]
    batch = sent(hub, clock)
    assert (batch["state"], batch["error"]) == ("dead", "HTTP 400: order_items")
    revoke("2")
    assert replay(hub, batch)["state"] == "sent"
    assert press.requests[1] == (["u-1-1", "u-3-1"], ["t1", "t2"])


def test_a_batch_that_could_not_be_queued_is_dead_and_can_be_replayed(hub: Hub, clock: Clock, press: Press) -> None:
    ready(hub, clock, *"123")
    (batch,) = make(hub).batches
    hub.unseen()
    waiting = outbox.get(batch.delivery_id)
    assert waiting
    with hub.cloud.as_function("park"):
        outcome.record_dead(waiting, "it could not be queued", FOLLOW_UPS)
    (dead,) = shown(hub)
    assert (dead["state"], dead["error"]) == ("dead", "it could not be queued")
    assert replay(hub, dead)["state"] == "sent"
    assert len(press.requests) == 1


def test_a_batch_that_is_dead_twice_is_recorded_on_its_orders_once(hub: Hub, clock: Clock, press: Press) -> None:
    press.answers = [Dead("HTTP 400"), Dead("HTTP 422")]
    batch = sent(hub, clock)
    assert replay(hub, batch)["error"] == "HTTP 422"
    assert [entry["source"] for entry in hub.order("1")["timeline"]] == ["test", "deliver.oms"]


# --- killed in between ---


def test_a_batch_is_sent_even_if_the_function_that_made_it_was_killed(hub: Hub, clock: Clock, press: Press) -> None:
    ready(hub, clock, *"123")
    hub.pump()
    make(hub)
    assert press.requests == []
    hub.settle()
    assert len(press.requests) == 1


@pytest.mark.parametrize("told", [0, 1, 3])
def test_a_function_that_is_killed_while_it_records_on_the_orders_repeats_it(
    hub: Hub, clock: Clock, press: Press, told: int
) -> None:
    class Killed:
        """Stands in for `repository` until some orders are recorded."""

        KIND, row_of = repository.KIND, staticmethod(repository.row_of)

        def __init__(self) -> None:
            self.orders = list[str]()

        def apply(self, decision: Decision) -> Order:
            if len(self.orders) == told:
                raise KeyboardInterrupt
            self.orders.append(decision.order_id)
            return repository.apply(decision)

        def count_attention(self, order: Order, source: str) -> None:
            if len(self.orders) == 3:  # after the last order: killed before the batch itself is written
                raise KeyboardInterrupt

    ready(hub, clock, *"123")
    make(hub)
    killed_in_between(hub, repository=Killed())
    assert shown(hub)[0]["state"] == "pending"
    assert len([each for each in "123" if hub.order(each)["lines"][0]["batch"]]) == told
    clock.advance(600)
    again(hub)
    (batch,) = shown(hub)
    assert (batch["state"], batch["uid"], batch["delivery"]["status"]) == ("sent", "B1", "delivered")
    assert len(press.requests) == 1
    for order_id in "123":
        order = hub.order(order_id)
        assert order["lines"][0]["batch"] == {"id": batch["id"], "uid": "B1", "status": "Batching"}
        assert len(order["timeline"]) == 2


# --- through the API ---


def test_a_person_makes_batches_of_all_waiting_items(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, "1")
    ready(hub, clock, "2", variant="card")
    answer = hub.post("/batches")
    assert (answer["statusCode"], answer["body"]["complete"]) == (200, True)
    assert sorted((each["variant"], each["items"], each["state"]) for each in answer["body"]["batches"]) == [
        ("card", 1, "pending"),
        ("mug", 1, "pending"),
    ]
    assert hub.post("/batches")["body"] == {"batches": [], "complete": True}


def test_a_batch_is_shown_from_the_start(hub: Hub, clock: Clock) -> None:
    ready(hub, clock, "1")
    (made,) = hub.post("/batches")["body"]["batches"]
    assert hub.get("/batches")["body"] == {"batches": [made], "cursor": None}
    assert hub.get(f"/batches/{made['id']}")["body"] == made | {
        "items": [{"order_id": "1", "line_id": "1", "uid": "u-1-1", "left_out": False}],
        "delivery": {
            "id": made["delivery_id"],
            "destination": "oms",
            "operation": "create_batch",
            "status": "pending",
            "attempts": 0,
            "last_error": None,
        },
    }
    assert hub.get(f"/deliveries/{made['delivery_id']}")["body"]["order_id"] is None


def test_batches_are_listed_newest_first(hub: Hub, clock: Clock) -> None:
    for order_id in "12345":
        ready(hub, clock, order_id)
        hub.post("/batches")
    first = hub.get("/batches", limit="3")["body"]
    second = hub.get("/batches", limit="3", cursor=first["cursor"])["body"]
    assert second["cursor"] is None
    ids = [each["id"] for each in first["batches"] + second["batches"]]
    listed = [hub.get(f"/batches/{each}")["body"]["items"][0]["order_id"] for each in ids]
    assert listed == [*"54321"]


def test_the_whole_way_from_the_shop_to_the_batch(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["PrintTemplates"] = "5510=t1"
    paid = sample("storefront/order_paid__mixed_cart")
    hub.receive("storefront", "order_paid", paid)
    hub.settle()
    for _ in range(6):
        hub.work("PrintFilesQueue")
        clock.advance(7200)
        hub.deliver_again()
    clock.advance(timedelta(hours=1).total_seconds())
    hub.cloud.call("batches", {})
    hub.settle()
    (batch,) = shown(hub)
    assert (batch["variant"], batch["state"], batch["status"]) == ("5510", "sent", "Batching")
    line = hub.order(str(paid["id"]))["lines"][1]
    assert line["batch"] == {"id": batch["id"], "uid": batch["uid"], "status": "Batching"}
    assert hub.oms.ask("/_batched") == {line["uid"]: 1}
    assert batch["items"][0]["uid"] == line["uid"]
    assert item_ids.parse(f"{paid['id']}:2")
