"""Invoking the topic's Lambda for a received webhook, and parking webhooks that can't be processed."""

import json
import re
from typing import Any

from pressroom.inbox import events
from pressroom.platform import config
from pressroom.platform.observe import count, logger

_TOPIC = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_NAME = 64
"""Lambda's limit for a function's name."""


def dispatch(row: dict[str, Any]) -> None:
    """Invoke the Lambda of a webhook's topic. If there is none, the state of the webhook becomes `unhandled`."""
    if not _invoke(row):
        _unhandled(row)


def park(event_id: str, error: str) -> None:
    """Set a webhook aside as `failed`, for a person to replay."""
    event = events.get(event_id)
    if event and event.state is events.State.RECEIVED:
        events.park(event, error)
    else:  # it was processed after all, set aside before, or has expired
        logger().info("event_done_before", event_id=event_id)


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
