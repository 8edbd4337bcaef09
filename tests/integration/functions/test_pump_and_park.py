"""Which rows pump forwards, and what park does with those that fail."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from pressroom.platform.errors import Dead
from tests.support.cloud import is_dispatched
from tests.support.hub import Hub, sqs_record
from tests.support.samples import BADGE, order, sample, shipment


def park(hub: Hub, *failures: dict[str, Any]) -> Any:
    return hub.cloud.call("park", {"Records": [sqs_record({"Body": json.dumps(failure)}) for failure in failures]})


def invocation_failure(event_id: str, **rest: Any) -> dict[str, Any]:
    """Lambda's record of an asynchronous invocation that failed for good."""
    return {
        "version": "1.0",
        "timestamp": "2026-09-01T14:13:00.000Z",
        "requestContext": {
            "requestId": "r",
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"event_id": event_id},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "Marta Soler could not be written", "errorType": "Conflict"},
    } | rest


def stream_failure(hub: Hub, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Lambda's record of a batch of the stream that pump did not finish."""
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    return {
        "requestContext": {"requestId": "r", "functionArn": "arn", "condition": "RetryAttemptsExhausted"},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None},
        "version": "1.0",
        "timestamp": "2026-09-01T14:13:00.000Z",
        "DDBStreamBatchInfo": {
            "shardId": hub.cloud.shard["ShardId"],
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "batchSize": len(records),
            "streamArn": hub.cloud.stream_arn,
        },
    }


def test_an_event_is_handed_to_the_lambda_of_its_topic(hub: Hub) -> None:
    event_id = hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))["body"]["event_id"]
    assert hub.pump() == {"batchItemFailures": []}
    assert hub.cloud.lambda_.invocations == [("pressroom-camaloon-shipment_sent", {"event_id": event_id})]


@pytest.mark.parametrize(
    "topic", ["", "order_engraved", "Shipment_Sent", "../api", "shipment_sent:1", "x" * 41, "a b", "shipment_sent\n"]
)
def test_a_topic_without_a_lambda_is_unhandled(hub: Hub, topic: str) -> None:
    event_id = hub.receive("camaloon", topic, shipment((BADGE, 1)))["body"]["event_id"]
    hub.pump()
    assert hub.cloud.lambda_.invocations == []
    assert hub.event(event_id)["state"] == "unhandled"


def test_only_new_rows_with_a_dispatch_pass_the_filter(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    passed = [
        record["dynamodb"]["Keys"]["pk"]["S"].partition("#")[0]
        for record in hub.cloud.changes()
        if is_dispatched(record)
    ]
    assert passed == ["EVENT", "DELIVERY"]


def test_an_event_that_is_forwarded_twice_has_one_effect(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    before = hub.cloud.rows()
    hub.pump_again([record for record in hub.cloud.changes() if is_dispatched(record)])
    hub.settle()
    assert hub.cloud.rows() == before
    assert len(hub.camaloon.requests) == 1


def test_one_row_that_cannot_be_forwarded_does_not_fail_its_neighbours(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for order_id in (1, 2, 3):
        hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1), order_id=order_id))
    records = [record for record in hub.cloud.changes() if is_dispatched(record)]
    bad = records[1]["dynamodb"]["NewImage"]["event_id"]["S"]
    real = hub.cloud.lambda_.invoke

    def invoke(**call: Any) -> Any:
        if bad in call["Payload"]:
            raise ConnectionError
        return real(**call)

    monkeypatch.setattr(hub.cloud.lambda_, "invoke", invoke)
    answer = hub.pump_again(records)
    assert answer == {"batchItemFailures": [{"itemIdentifier": records[1]["dynamodb"]["SequenceNumber"]}]}
    assert len(hub.cloud.lambda_.invocations) == 2


def test_an_event_that_failed_three_times_is_parked_with_the_class_of_its_error(hub: Hub) -> None:
    event_id = hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))["body"]["event_id"]
    assert park(hub, invocation_failure(event_id)) == {"batchItemFailures": []}
    event = hub.event(event_id)
    assert (event["state"], event["error"]) == ("failed", "RetriesExhausted: Conflict")
    (listed,) = hub.get("/events", state="failed")["body"]["events"]
    assert listed == {name: value for name, value in event.items() if not name.startswith("body")}


@pytest.mark.parametrize(
    "answer", [{}, {"responsePayload": None}, {"responsePayload": {"errorMessage": "Task timed out"}}]
)
def test_an_event_without_a_result_is_parked_too(hub: Hub, answer: dict[str, Any]) -> None:
    event_id = hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))["body"]["event_id"]
    failure = invocation_failure(event_id, requestContext={"condition": "EventAgeExceeded"})
    del failure["responsePayload"], failure["responseContext"]
    assert park(hub, failure | answer) == {"batchItemFailures": []}
    assert hub.event(event_id)["error"] == "EventAgeExceeded: no answer"


def test_an_event_that_was_processed_in_the_end_is_not_parked(hub: Hub) -> None:
    event_id = hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))["body"]["event_id"]
    hub.settle()
    park(hub, invocation_failure(event_id), invocation_failure("camaloon-never"))
    assert hub.event(event_id)["state"] == "processed"


def test_a_failure_that_cannot_be_read_stays_in_the_queue_and_the_others_do_not(hub: Hub) -> None:
    event_id = hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))["body"]["event_id"]
    good, bad = sqs_record({"Body": json.dumps(invocation_failure(event_id))}), sqs_record({"Body": "{}"})
    assert hub.cloud.call("park", {"Records": [bad, good]}) == {
        "batchItemFailures": [{"itemIdentifier": bad["messageId"]}]
    }
    assert hub.event(event_id)["state"] == "failed"


def test_a_parked_event_is_replayed_and_then_left_alone(hub: Hub) -> None:
    event_id = hub.receive("storefront", "order_paid", order())["body"]["event_id"]
    hub.pump()
    hub.cloud.lambda_.waiting.clear()
    park(hub, invocation_failure(event_id))
    assert hub.post(f"/events/{event_id}/replay")["body"] == {"id": event_id, "replayed": True}
    assert hub.event(event_id)["state"] == "received"
    hub.settle()
    event = hub.event(event_id)
    assert (event["state"], event["error"], event["replays"], event["order_id"]) == ("processed", None, 1, "1001")
    assert hub.get("/events", state="failed")["body"]["events"] == []
    assert hub.post(f"/events/{event_id}/replay")["body"] == {"id": event_id, "replayed": False}
    assert len(hub.camaloon.requests) == 1


def test_an_unhandled_event_can_be_replayed_once_its_topic_exists(hub: Hub) -> None:
    hub.cloud.lambda_.names.remove("pressroom-camaloon-shipment_sent")
    event_id = hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))["body"]["event_id"]
    hub.settle()
    assert hub.event(event_id)["state"] == "unhandled"
    hub.cloud.lambda_.names.add("pressroom-camaloon-shipment_sent")
    hub.post(f"/events/{event_id}/replay")
    hub.settle()
    assert hub.event(event_id)["state"] == "processed"


def test_rows_that_pump_could_not_forward_are_parked_from_the_stream(hub: Hub) -> None:
    ids = [
        hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1), order_id=order_id))["body"]["event_id"]
        for order_id in (1, 2, 3)
    ]
    park(hub, stream_failure(hub, hub.cloud.changes()[:2]))
    assert [hub.event(event_id)["state"] for event_id in ids] == ["failed", "failed", "received"]


def test_a_change_of_a_row_does_not_count_as_a_row_that_could_not_be_forwarded(hub: Hub) -> None:
    """The stream is read without its filter: between the failed rows are updates of other rows."""
    hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))
    (event,) = hub.cloud.rows("EVENT")
    event_id = event["event_id"]["S"]
    park(hub, invocation_failure(event_id))
    hub.post(f"/events/{event_id}/replay")
    changed = [record for record in hub.cloud.changes() if record["eventName"] == "MODIFY"]
    park(hub, stream_failure(hub, changed[:1]))
    assert hub.event(event_id)["state"] == "received"


def unqueued(hub: Hub) -> str:
    """The id of a delivery whose row pump could not forward."""
    hub.receive("storefront", "order_paid", order())
    hub.pump()
    hub.run_topics()
    park_deliveries(hub)
    delivery_id: str = hub.cloud.rows("DELIVERY")[0]["delivery_id"]["S"]
    return delivery_id


def park_deliveries(hub: Hub) -> None:
    park(hub, stream_failure(hub, hub.unseen()))


def delivery(hub: Hub, delivery_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = hub.get(f"/deliveries/{delivery_id}")["body"]
    return shown


def test_a_delivery_that_could_not_be_queued_is_dead_and_flagged(hub: Hub) -> None:
    shown = delivery(hub, unqueued(hub))
    assert (shown["status"], shown["last_error"]) == ("dead", "it could not be queued")
    assert hub.order()["attention"] == ["delivery_dead"]


def test_a_replay_that_could_not_be_queued_either_is_dead_again(hub: Hub) -> None:
    delivery_id = unqueued(hub)
    hub.unseen()
    hub.post(f"/deliveries/{delivery_id}/replay")
    park_deliveries(hub)
    assert delivery(hub, delivery_id)["status"] == "dead"
    hub.post(f"/deliveries/{delivery_id}/replay")
    hub.settle()
    assert delivery(hub, delivery_id)["status"] == "delivered"
    assert hub.order()["attention"] == []


def test_a_replay_of_a_tried_delivery_that_could_not_be_queued_is_dead_again(hub: Hub) -> None:
    hub.camaloon.answers = [Dead("HTTP 401", status=401)]
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    delivery_id = hub.order()["deliveries"][0]["id"]
    hub.unseen()
    hub.post(f"/deliveries/{delivery_id}/replay")
    park_deliveries(hub)
    assert delivery(hub, delivery_id)["status"] == "dead"


def test_failed_rows_that_the_stream_does_not_show_are_not_forgotten(hub: Hub) -> None:
    hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))
    place = stream_failure(hub, hub.cloud.changes())
    place["DDBStreamBatchInfo"]["endSequenceNumber"] += "0"
    with pytest.raises(BatchProcessingError):
        park(hub, place)


def test_print_files_that_could_not_be_asked_for_are_given_up_on_and_flagged(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", sample("storefront/order_paid__personalized"))
    hub.pump()
    hub.run_topics()
    hub.pump()
    hub.work("OmsQueue")
    park_deliveries(hub)
    shown = hub.order("1003")
    assert shown["attention"] == ["print_file_late"]
    assert {line["print_file"]["status"] for line in shown["lines"]} == {"given_up"}


def test_a_delivery_whose_turn_could_not_be_queued_is_dead_and_flagged(hub: Hub) -> None:
    hub.oms.faults = [429]
    hub.send_sample("storefront/order_paid__personalized")
    hub.send_sample("storefront/order_updated")
    hub.deliver_again()
    park_deliveries(hub)
    update = next(each for each in hub.order("1003")["deliveries"] if each["operation"] == "update_order")
    assert (update["status"], update["last_error"]) == ("dead", "it could not be queued")


def test_a_batch_that_could_not_be_queued_is_dead_and_its_orders_are_flagged(hub: Hub) -> None:
    hub.cloud.parameters |= {"OmsCreatePrintFiles": "false", "PrintTemplates": "5501=mug,poster-a3-matt=mug"}
    hub.send_sample("storefront/order_paid__personalized")
    hub.work("PrintFilesQueue")
    hub.unseen()
    hub.post("/batches", {})
    park_deliveries(hub)
    batch, other = hub.get("/batches")["body"]["batches"]
    assert (batch["state"], batch["error"]) == ("dead", "it could not be queued")
    assert hub.order("1003")["attention"] == ["batch_dead"]
    for each in (batch, other):
        hub.post(f"/deliveries/{each['delivery_id']}/replay")
    hub.settle()
    assert hub.get(f"/batches/{batch['id']}")["body"]["state"] == "sent"
    assert hub.order("1003")["attention"] == []
