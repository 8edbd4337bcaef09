"""Parks what failed three times: a webhook becomes `failed` with the class of its error, for a person to replay.

The queue holds two kinds of messages: Lambda's record of a failed invocation of a topic, and the position in the stream
of rows that the pump could not hand on.
"""

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from pressroom.delivery import unqueued
from pressroom.inbox import dispatch
from pressroom.platform import config, stream
from pressroom.platform.observe import logged
from pressroom.providers.follow_ups import FOLLOW_UPS
from pressroom.providers.oms import print_files


def handler(event: dict[str, Any], context: Any) -> Any:
    """Park the failures in some messages of the queue; a message whose failure can't be parked stays in the queue."""
    return process_partial_response(
        event=event, record_handler=logged(_park), processor=BatchProcessor(event_type=EventType.SQS), context=context
    )


def _park(message: SQSRecord) -> None:
    failure = json.loads(message.body)
    if "DDBStreamBatchInfo" in failure:
        for row in stream.inserted(failure["DDBStreamBatchInfo"]):
            _park_row(row)
        return
    # Only the error's class: its text may repeat the content of the message.
    error = (failure.get("responsePayload") or {}).get("errorType", "no answer")
    dispatch.park(failure["requestPayload"]["event_id"], f"{failure['requestContext']['condition']}: {error}")


def _park_row(row: dict[str, Any]) -> None:
    kind = row.get("dispatch", {}).get("S")
    if kind == "topic":
        dispatch.park(row["event_id"]["S"], "its topic could not be invoked")
    elif kind == "queue":
        unqueued.park(row, FOLLOW_UPS)
    elif kind == "poll" and "hint" not in row:
        print_files.give_up_unpolled(row["order_id"]["S"], now=config.utcnow())
