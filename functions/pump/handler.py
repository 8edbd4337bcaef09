"""From the table's stream onwards: a received webhook to its topic's Lambda, a delivery to its FIFO queue.

The stream's filter lets through only inserted rows that carry `dispatch`; a replay is such a row too. Whatever is
done twice here is harmless: topics know the facts they have, queues drop what they have got, deliveries know that
they were delivered.
"""

import json
import re
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from pressroom import config, inbox
from pressroom.observe import count, logged, logger
from pressroom.table import digest

_TOPIC = re.compile(r"[a-z][a-z0-9_]{0,39}")


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
    if row["dispatch"] == "topic":
        _invoke(row["event_id"], row["provider"], row["topic"])
    else:
        _enqueue(row)


def _invoke(event_id: str, provider: str, topic: str) -> None:
    """Invoke the topic's Lambda, which is found by its name; a topic without one marks its event `unhandled`."""
    functions = config.client("lambda")
    if _TOPIC.fullmatch(topic):
        try:
            functions.invoke(
                FunctionName=f"{config.setting('STACK_NAME')}-{provider}-{topic}",
                InvocationType="Event",
                Payload=json.dumps({"event_id": event_id}),
            )
            return
        except functions.exceptions.ResourceNotFoundException:
            pass
    event = inbox.get(event_id)
    if event:
        inbox.mark(event, inbox.State.UNHANDLED)
    logger().warning("event_unhandled", event_id=event_id, provider=provider, topic=topic)
    count("EventsUnhandled", provider=provider)


def _enqueue(row: dict[str, Any]) -> None:
    """Queue a delivery behind those of the same order. The group is a hash: an order id may hold any character."""
    config.client("sqs").send_message(
        QueueUrl=config.setting(f"{row['destination'].upper()}_QUEUE_URL"),
        MessageBody=json.dumps({"delivery_id": row["delivery_id"]}),
        MessageGroupId=digest(row["order_id"]),
        MessageDeduplicationId=f"{row['delivery_id']}-{row['replays']}",
    )
