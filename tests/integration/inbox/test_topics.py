"""The effect of a topic on the record: once, whatever happens in between."""

from typing import Any

import pytest

from benches import units
from pressroom.inbox import events
from pressroom.order import repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact
from pressroom.order.outbox import Delivery
from pressroom.platform.errors import Conflict
from tests.support.cloud import Clock, Cloud, aws_calls
from tests.support.hub import Hub
from tests.support.samples import BADGE, TOTE, order, sample, shipment

SHIPPED = "pressroom-camaloon-shipment_sent"
PAID = "pressroom-storefront-order_paid"


def fact(name: str) -> Fact:
    at = "2026-09-01T14:00:00.000Z"
    return Fact(id=name, kind="engraved", source="test", at=at, received_at=at)


def payload(hub: Hub, provider: str, topic: str, content: Any) -> dict[str, Any]:
    """Receive a webhook without forwarding it; return the event that its topic is invoked with."""
    return {"event_id": hub.receive(provider, topic, content)["body"]["event_id"]}


def test_a_second_invocation_changes_nothing(hub: Hub) -> None:
    for name, invocation in (
        (PAID, payload(hub, "storefront", "order_paid", order())),
        (SHIPPED, payload(hub, "camaloon", "shipment_sent", shipment((BADGE, 10)))),
    ):
        hub.run_topic(name, invocation)
        before = hub.cloud.rows()
        hub.run_topic(name, invocation)
        assert hub.cloud.rows() == before


@pytest.mark.parametrize(
    ("name", "provider", "topic", "content"),
    [(PAID, "storefront", "order_paid", order()), (SHIPPED, "camaloon", "shipment_sent", shipment((BADGE, 10)))],
)
def test_a_topic_killed_after_its_write_ends_in_the_same_record(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, name: str, provider: str, topic: str, content: Any
) -> None:
    invocation = payload(hub, provider, topic, content)

    def killed(*_: Any, **__: Any) -> bool:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(events, "processed", killed)
        with pytest.raises(SystemExit):
            hub.run_topic(name, invocation)
    written = hub.cloud.rows("ORDER") + hub.cloud.rows("DELIVERY")
    assert written
    assert hub.event(invocation["event_id"])["state"] == "received"
    hub.run_topic(name, invocation)
    assert hub.cloud.rows("ORDER") + hub.cloud.rows("DELIVERY") == written
    assert hub.event(invocation["event_id"])["state"] == "processed"
    hub.settle()
    assert len(hub.camaloon.requests) == len(hub.cloud.rows("DELIVERY"))


def test_an_order_and_its_delivery_are_written_together_or_not_at_all(cloud: Cloud) -> None:
    repository.apply(Decision(order_id="7", facts=(fact("first"),), deliveries=(delivery("7"),)))
    again = Decision(order_id="7", facts=(fact("second"),), deliveries=(delivery("7"),))
    with pytest.raises(Conflict):
        repository.apply(again, pause=lambda attempt: None)
    row = repository.get("7")
    assert row
    assert [each.id for each in row.facts] == ["first"]


def delivery(order_id: str) -> Delivery:
    return Delivery(
        id="camaloon-x",
        order_id=order_id,
        destination="camaloon",
        operation="order_paid",
        body=b"{}",
        created_at="2026-09-01T14:00:00.000Z",
    )


def test_a_writer_that_loses_a_race_reads_the_order_again(cloud: Cloud) -> None:
    repository.apply(Decision(order_id="7", facts=(fact("first"),)))
    pauses: list[int] = []
    real = repository.get

    def overtaken(order_id: str) -> repository.Row | None:
        row = real(order_id)
        if not pauses:
            pauses.append(-1)
            repository.apply(Decision(order_id="7", facts=(fact("faster"),)))
        return row

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repository, "get", overtaken)
        repository.apply(Decision(order_id="7", facts=(fact("slower"),)), pause=pauses.append)
    row = repository.get("7")
    assert row
    assert ([each.id for each in row.facts], row.version) == (["faster", "first", "slower"], 3)
    assert pauses == [-1, 0]


@pytest.mark.parametrize("known", [False, True])
def test_a_writer_that_always_loses_fails_and_lambda_tries_again(cloud: Cloud, *, known: bool) -> None:
    if known:
        repository.apply(Decision(order_id="7", facts=(fact("first"),)))
    real, writes = repository.get, iter(range(1000))

    def overtaken(order_id: str) -> repository.Row | None:
        row = real(order_id)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(repository, "get", real)
            repository.apply(Decision(order_id="7", facts=(fact(f"w{next(writes)}"),)))
        return row

    pauses: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repository, "get", overtaken)
        with pytest.raises(Conflict):
            repository.apply(Decision(order_id="7", facts=(fact("slower"),)), pause=pauses.append)
    assert len(pauses) == repository.TRIES


def test_a_parcel_before_the_payment_makes_the_order_and_is_completed(hub: Hub, clock: Clock) -> None:
    hub.receive("camaloon", "shipment_sent", shipment((BADGE, 10)))
    hub.settle()
    early = hub.order()
    assert (early["status"], early["attention"], early["lines"]) == ("partially_shipped", ["unpaid"], [])
    clock.advance(60)
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    late = hub.order()
    assert (late["status"], late["attention"], late["currency"]) == ("partially_shipped", [], "EUR")
    assert [line["shipped_quantity"] for line in late["lines"]] == [10, 0]
    assert len(hub.camaloon.requests) == 1


def test_parcels_add_up_in_any_order_and_any_number_of_times(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    parcels = [
        shipment((BADGE, 4), tracking="T1"),
        shipment((BADGE, 6), tracking="T2"),
        shipment((TOTE, 2), tracking="T3"),
    ]
    for parcel in (parcels[2], parcels[0], parcels[0], parcels[2]):
        hub.receive("camaloon", "shipment_sent", parcel)
    hub.settle()
    assert hub.order()["status"] == "partially_shipped"
    for parcel in (parcels[1], parcels[0], parcels[1]):
        hub.receive("camaloon", "shipment_sent", parcel)
    hub.settle()
    shown = hub.order()
    assert (shown["status"], shown["attention"], len(shown["shipments"])) == ("shipped", [], 3)


@pytest.mark.parametrize(
    ("line", "reason", "quantities"),
    [(("x", 1), "unknown_sku", [0, 0]), ((BADGE, 11), "over_shipped", [10, 0])],
)
def test_pieces_that_the_order_does_not_have_are_kept_flagged_and_clamped(
    hub: Hub, line: tuple[str, int], reason: str, quantities: list[int]
) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.receive("camaloon", "shipment_sent", shipment(line))
    hub.settle()
    shown = hub.order()
    assert shown["attention"] == [reason]
    assert [each["shipped_quantity"] for each in shown["lines"]] == quantities
    assert sum(each["quantity"] for each in shown["shipments"][0]["lines"]) == line[1]


def test_a_line_that_no_rule_wants_is_flagged_and_the_others_go_out(hub: Hub) -> None:
    hub.cloud.parameters |= {"RoutingRules": f"{BADGE}=camaloon", "DefaultDestination": "nobody"}
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    shown = hub.order()
    assert (shown["attention"], [line["status"] for line in shown["lines"]]) == (["unroutable"], ["accepted", "paid"])
    assert [line["destination"] for line in shown["lines"]] == ["camaloon", None]


def test_an_unknown_event_is_ignored(hub: Hub) -> None:
    hub.run_topic(PAID, {"event_id": "storefront-never"})
    assert hub.cloud.rows() == []


def test_an_order_that_needs_a_person_is_counted(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.receive("camaloon", "shipment_sent", shipment((BADGE, 10)))
    hub.settle()
    assert '"OrdersNeedAttention"' in capsys.readouterr().out


def calls_of(hub: Hub, name: str, invocation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    with aws_calls() as calls:
        hub.run_topic(name, invocation)
    return calls


def test_a_status_webhook_costs_five_calls(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    invocation = payload(hub, "camaloon", "shipment_sent", sample("camaloon/shipment_sent"))
    calls = calls_of(hub, SHIPPED, invocation)
    assert [operation for operation, _ in calls] == ["BatchGetItem", "GetItem", "UpdateItem", "PutItem", "PutItem"]
    put = calls[3][1]["Item"]
    assert units.write(None, put, []) <= 2


def test_a_paid_order_costs_seven_calls(hub: Hub) -> None:
    invocation = payload(hub, "storefront", "order_paid", order())
    calls = calls_of(hub, PAID, invocation)
    made = [operation for operation, _ in calls if operation != "GetSecretValue"]  # which is read once
    recorded = ["BatchGetItem", "GetItem", "UpdateItem", "UpdateItem", "TransactWriteItems"]
    assert made == [*recorded, "BatchGetItem", "PutItem"]  # looks for records that may be the same order
    (transaction,) = (call for operation, call in calls if operation == "TransactWriteItems")
    assert len(transaction["TransactItems"]) == 2


def test_a_processed_event_gets_a_small_row_and_its_own_row_does_not_change(hub: Hub) -> None:
    hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))
    before = hub.cloud.rows("EVENT")
    hub.settle()
    assert hub.cloud.rows("EVENT") == before
    (done,) = hub.cloud.rows("DONE")
    assert done["order_id"]["S"] == "1001"
    assert not {"state_key", "state_at", "created_key"} & done.keys()
    assert units.size(done) < 200
    assert done["expires_at"] == before[0]["expires_at"]


def test_a_parked_event_that_is_processed_is_no_longer_listed(hub: Hub) -> None:
    invocation = payload(hub, "camaloon", "shipment_sent", shipment((BADGE, 1)))
    event = events.get(invocation["event_id"])
    assert event
    events.set_aside(event, events.State.FAILED, error="RetriesExhausted: no answer")
    hub.run_topic(SHIPPED, invocation)
    assert hub.event(event.id)["state"] == "processed"
    assert hub.get("/events", state="failed")["body"]["events"] == []


def test_a_replay_unlists_an_event_that_was_parked_after_it_was_processed(hub: Hub) -> None:
    invocation = payload(hub, "camaloon", "shipment_sent", shipment((BADGE, 1)))
    before = events.get(invocation["event_id"])
    hub.run_topic(SHIPPED, invocation)
    assert before
    events.set_aside(before, events.State.FAILED, error="RetriesExhausted: no answer")  # with what it had read before
    assert [each["id"] for each in hub.get("/events", state="failed")["body"]["events"]] == [before.id]
    assert hub.post(f"/events/{before.id}/replay")["body"]["replayed"] is False
    assert hub.get("/events", state="failed")["body"]["events"] == []
    assert hub.event(before.id)["state"] == "processed"


def test_an_event_that_a_former_version_has_processed_stays_so(hub: Hub) -> None:
    hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))
    (row,) = hub.cloud.rows("EVENT")
    row |= {"state": {"S": "processed"}, "order_id": {"S": "1001"}}
    hub.cloud.dynamodb.put_item(TableName="table", Item=row)
    event_id = row["event_id"]["S"]
    assert hub.post(f"/events/{event_id}/replay")["body"]["replayed"] is False
    assert (hub.event(event_id)["state"], hub.event(event_id)["order_id"]) == ("processed", "1001")
