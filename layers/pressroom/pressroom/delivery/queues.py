"""Putting deliveries and requests for print files into their queues."""

import json
from typing import Any

from pressroom.platform import config
from pressroom.platform.table import digest


def enqueue(row: dict[str, Any]) -> None:
    """Queue a delivery behind those of the same order. The group is a hash: an order id may contain any character.

    A delivery without an order is behind those of its `group` (a product), or alone (a batch, a push of the catalogue).
    """
    config.client("sqs").send_message(
        QueueUrl=config.setting(f"{row['destination'].upper()}_QUEUE_URL"),
        MessageBody=json.dumps({"delivery_id": row["delivery_id"], "replays": int(row["replays"])}),
        MessageGroupId=digest(row["order_id"] or row.get("group") or row["delivery_id"]),
        MessageDeduplicationId=f"{row['delivery_id']}-{row['replays']}",
    )


def request_print_files(row: dict[str, Any]) -> None:
    """Queue the request to the OMS for the print files of an order."""
    body = {"order_id": row["order_id"], "hint": "hint" in row, "line_ids": row.get("line_ids", [])}
    config.client("sqs").send_message(QueueUrl=config.setting("PRINT_FILES_QUEUE_URL"), MessageBody=json.dumps(body))
