"""Relays rows from the table's stream: a webhook to the Lambda of its topic, a delivery or a request to its queue.

The stream's filter lets only inserted rows with `dispatch` through; a replay is such a row too. Repetition is harmless:
a topic knows the facts that it has recorded, a FIFO queue drops duplicates, and a delivery knows that it was delivered.
"""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from pressroom.delivery.queues import enqueue, request_print_files
from pressroom.inbox.dispatch import dispatch
from pressroom.platform.observe import logged

RELAYS = {"topic": dispatch, "queue": enqueue, "poll": request_print_files}
"""By the `dispatch` of a row, the function that relays it."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Relay a stream batch; rows that fail are reported, and Lambda reads them from the stream again."""
    return process_partial_response(
        event=event,
        record_handler=logged(_relay),
        processor=BatchProcessor(event_type=EventType.DynamoDBStreams),
        context=context,
    )


def _relay(record: DynamoDBRecord) -> None:
    row = record.dynamodb.new_image if record.dynamodb else {}
    RELAYS[row["dispatch"]](row)
