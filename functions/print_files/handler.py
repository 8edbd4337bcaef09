"""Polls the OMS for the print files of orders."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from pressroom.platform.observe import logged
from pressroom.providers.oms.print_file_poll import poll


def handler(event: dict[str, Any], context: Any) -> Any:
    """Make one round for each message."""
    processor = BatchProcessor(event_type=EventType.SQS)
    processor.raise_on_entire_batch_failure = False  # a postponed message is no failure of the function
    return process_partial_response(event=event, record_handler=logged(poll), processor=processor, context=context)
