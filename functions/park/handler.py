"""What failed three times: its event becomes a `failed` row with the class of its error, for a person to replay.

Two kinds of message come to the queue: Lambda's record of a topic's failed invocation, and, from the stream, the place
of the rows that pump could not hand on. The latter are read from the stream again, which keeps them for a day.
"""

import json
from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from pressroom.delivery.outcome import record_dead
from pressroom.inbox import events
from pressroom.order import outbox
from pressroom.platform import config
from pressroom.platform.observe import logged, logger
from pressroom.providers.follow_ups import FOLLOW_UPS
from pressroom.providers.oms import print_files

_PAGES = 20
"""How far to read a stream for a failed batch; pages in the middle of a shard may be empty."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Park a batch of failures; one that can't be parked stays in the queue."""
    return process_partial_response(
        event=event, record_handler=logged(_park), processor=BatchProcessor(event_type=EventType.SQS), context=context
    )


def _park(message: SQSRecord) -> None:
    failure = json.loads(message.body)
    if "DDBStreamBatchInfo" in failure:
        for row in _rows(failure["DDBStreamBatchInfo"]):
            dispatch = row.get("dispatch", {}).get("S")
            if dispatch == "topic":
                _park_event(row["event_id"]["S"], "its topic could not be invoked")
            elif dispatch == "queue":
                _park_delivery(row)
            elif dispatch == "poll" and "hint" not in row:
                print_files.give_up_unpolled(row["order_id"]["S"], now=config.utcnow())
        return
    # The error's class only: its text may repeat what the message held.
    error = (failure.get("responsePayload") or {}).get("errorType", "no answer")
    _park_event(failure["requestPayload"]["event_id"], f"{failure['requestContext']['condition']}: {error}")


def _park_event(event_id: str, error: str) -> None:
    event = events.get(event_id)
    if event and event.state is events.State.RECEIVED:
        events.park(event, error)
    else:  # processed after all, set aside already, or expired
        logger().info("event_done_before", event_id=event_id)


def _park_delivery(row: dict[str, Any]) -> None:
    delivery = outbox.get(row["delivery_id"]["S"])
    if delivery is None or delivery.state is not outbox.State.PENDING or delivery.replays != int(row["replays"]["N"]):
        return
    # Among the rows that failed are such as were handed on behind one that was not.
    since = row.get("requested_at", {}).get("S", delivery.created_at)
    if not any(attempt.at > since for attempt in delivery.history):
        record_dead(delivery, "it could not be queued", FOLLOW_UPS)


def _rows(place: dict[str, Any]) -> Iterator[dict[str, Any]]:
    streams = config.client("dynamodbstreams")
    last = int(place["endSequenceNumber"])
    iterator = streams.get_shard_iterator(
        StreamArn=place["streamArn"],
        ShardId=place["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=place["startSequenceNumber"],
    )["ShardIterator"]
    for _ in range(_PAGES):
        page = streams.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return
            if record["eventName"] == "INSERT":  # here the stream comes without pump's filter
                yield record["dynamodb"]["NewImage"]
            if record["dynamodb"]["SequenceNumber"] == place["endSequenceNumber"]:
                return
        iterator = page.get("NextShardIterator")
        if not iterator:
            break
    raise EOFError("the failed rows were not all found in the stream")
