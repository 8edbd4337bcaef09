"""From the table's stream onwards: a webhook to its topic's Lambda, a delivery or a question to its queue.

The stream's filter lets through only inserted rows that carry `dispatch`; a replay is such a row too. Whatever is
done twice here is harmless: topics know the facts they have, queues drop what they have got, deliveries know that
they were delivered.
"""

import json
import re
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from pressroom.inbox import events
from pressroom.platform import config
from pressroom.platform.observe import count, logged, logger
from pressroom.platform.table import digest

_TOPIC = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_NAME = 64
"""Lambda's limit for a function's name."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Hand on a batch of rows; those that fail are reported, and the stream gives them again."""
    return process_partial_response(
        event=event,
        record_handler=logged(_hand_on),
        processor=BatchProcessor(event_type=EventType.DynamoDBStreams),
        context=context,
    )


def _hand_on(record: DynamoDBRecord) -> None:
    row = record.dynamodb.new_image if record.dynamodb else {}
    if row["dispatch"] == "queue":
        _enqueue(row)
    elif row["dispatch"] == "poll":
        _ask(row)
    elif not _invoke(row):
        _unhandled(row)


def _invoke(row: dict[str, Any]) -> bool:
    """Invoke the topic's Lambda, which is found by its name; return False if there is none."""
    name = f"{config.setting('STACK_NAME')}-{row['provider']}-{row['topic']}"
    if not _TOPIC.fullmatch(row["topic"]) or len(name) > _LONGEST_NAME:
        return False
    functions = config.client("lambda")
    try:
        functions.invoke(
            FunctionName=name,
            InvocationType="Event",
            Payload=json.dumps({"event_id": row["event_id"]}),
        )
    except functions.exceptions.ResourceNotFoundException:
        return False
    return True


def _unhandled(row: dict[str, Any]) -> None:
    event = events.get(row["event_id"])
    if event and event.state is events.State.RECEIVED:
        events.set_aside(event, events.State.UNHANDLED)
    logger().warning("event_unhandled", event_id=row["event_id"], provider=row["provider"], topic=row["topic"])
    count("EventsUnhandled", provider=row["provider"])


def _enqueue(row: dict[str, Any]) -> None:
    """Queue a delivery behind those of the same order. The group is a hash: an order id may hold any character.

    What is of no order (a batch, a push of the catalogue) stands behind nothing.
    """
    config.client("sqs").send_message(
        QueueUrl=config.setting(f"{row['destination'].upper()}_QUEUE_URL"),
        MessageBody=json.dumps({"delivery_id": row["delivery_id"], "replays": int(row["replays"])}),
        MessageGroupId=digest(row["order_id"] or row["delivery_id"]),
        MessageDeduplicationId=f"{row['delivery_id']}-{row['replays']}",
    )


def _ask(row: dict[str, Any]) -> None:
    """Let the OMS be asked for the print files of an order."""
    asked = {"order_id": row["order_id"], "hint": "hint" in row, "line_ids": row.get("line_ids", [])}
    config.client("sqs").send_message(QueueUrl=config.setting("PRINT_FILES_QUEUE_URL"), MessageBody=json.dumps(asked))
