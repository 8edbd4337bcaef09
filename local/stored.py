"""A webhook in the local cloud's table that only `sam local invoke` processes.

A topic's function is invoked with the id of a stored webhook. A webhook that a receiver stores is forwarded to the
function of the local cloud at once, and is then done. So this one is stored without the mark for the pump.
"""

from pathlib import Path
from typing import Any

from local import event
from local.cloud import Stack
from local.progress import LocalCloudError
from pressroom.inbox.events import DONE, KEPT_FOR, KIND, State
from pressroom.platform import table, times, wire
from pressroom.platform.config import utcnow


def store(topic: str, body_file: Path | None, stack: Stack) -> dict[str, str]:
    """Store the sample of a topic, or the body in a file; return the event of the topic's function.

    The same body gets the same id, and can be processed again.
    """
    event_id, row = stored_row(topic, event.body_of(topic, body_file))
    dynamodb, where = stack.client("dynamodb"), stack.outputs().get("TableName")
    if where is None:
        raise LocalCloudError("The local cloud has no table: run `make up` again.")
    dynamodb.put_item(TableName=where, Item=row)
    dynamodb.delete_item(TableName=where, Key=table.pk(DONE, event_id))
    return {"event_id": event_id}


def stored_row(topic: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """Return a webhook's id, and its row as its receiver writes it, but without `dispatch` and without a key."""
    provider, _, name = topic.partition(".")
    if provider == "cloudprinter":
        body = wire.write(wire.without(wire.parse(body), "apikey"))
    now = utcnow()
    event_id = f"{provider}-{table.digest('make event', name, body.hex())}"
    return event_id, table.pk(KIND, event_id) | {
        "event_id": {"S": event_id},
        "provider": {"S": provider},
        "topic": {"S": name},
        "received_at": {"S": times.iso(now)},
        "state": {"S": State.RECEIVED},
        "body": table.pack(body),
        **table.created_index(f"{KIND}/{provider}", event_id, times.iso(now)),
        **table.until(now + KEPT_FOR),
    }
