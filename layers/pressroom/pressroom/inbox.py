"""The received webhooks: one row each, whose key is the event's identity, so that a second copy changes nothing.

Light: the receivers import it. States: `received`, then `processed`, `failed` (parked: a person can replay it) or
`unhandled` (genuine, but no Lambda for its topic yet).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from botocore.exceptions import ClientError

from pressroom import config, table, wire
from pressroom.errors import TooLarge
from pressroom.times import iso

KIND = "EVENT"
KEPT_FOR = timedelta(days=45)
"""Longer than any provider retries (Cloudprinter: 7 days) and than the 30 days that a merchant is promised."""
LARGEST_ROW = 390_000
"""Bytes of a compressed body; DynamoDB takes rows up to 400 KB."""


class State(StrEnum):
    """What has become of a received webhook."""

    RECEIVED = "received"
    PROCESSED = "processed"
    FAILED = "failed"
    UNHANDLED = "unhandled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An authenticated message, ready to be kept.

    `identity` is what makes it this event; the event id is a hash of it, so a redelivery has the same one. Where an
    identity allows one content only (`exclusive`), a message with another content is kept beside it as a `conflict`.
    `body` holds no credentials.
    """

    topic: str
    identity: str
    body: bytes
    exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A received webhook as it stands in the table."""

    id: str
    provider: str
    topic: str
    received_at: str
    state: State
    body: bytes
    conflict: bool = False
    order_id: str | None = None
    error: str | None = None
    replays: int = 0

    @classmethod
    def of(cls, item: table.Item) -> "Event":
        """Read a row."""
        return cls(
            id=table.identity_of(item),
            provider=item["provider"]["S"],
            topic=item["topic"]["S"],
            received_at=item["received_at"]["S"],
            state=State(item["state"]["S"]),
            body=table.unpack(item["body"]),
            conflict="conflict" in item,
            order_id=item.get("order_id", {}).get("S"),
            error=item.get("error", {}).get("S"),
            replays=int(item.get("replays", {}).get("N", 0)),
        )


def record(provider: str, webhook: Webhook, *, now: datetime) -> tuple[str, bool]:
    """Keep a webhook; return its event id and whether it is new. One conditional write, and no other call.

    Raises TooLarge for a body that no row can hold. The rare conflict costs a second write.
    """
    event_id = f"{provider}-{table.digest(webhook.identity)}"
    known = _put(event_id, provider, webhook, now)
    if known is None:
        return event_id, True
    if webhook.exclusive:
        content = wire.parse(webhook.body)
        if content != wire.parse(table.unpack(known["body"])):
            event_id = f"{event_id}-{table.digest(wire.canonical(content))[:8]}"
            return event_id, _put(event_id, provider, webhook, now, conflict=True) is None
    return event_id, False


def _put(event_id: str, provider: str, webhook: Webhook, now: datetime, *, conflict: bool = False) -> table.Item | None:
    body = table.pack(webhook.body)
    if len(body["B"]) > LARGEST_ROW:
        raise TooLarge(f"The body is larger than {LARGEST_ROW} bytes even when it is compressed.")
    item = table.pk(KIND, event_id) | {
        "dispatch": {"S": "topic"},
        "event_id": {"S": event_id},
        "provider": {"S": provider},
        "topic": {"S": webhook.topic},
        "received_at": {"S": iso(now)},
        "state": {"S": State.RECEIVED},
        "body": body,
        "expires_at": {"N": str(int((now + KEPT_FOR).timestamp()))},
    }
    if conflict:
        item["conflict"] = {"BOOL": True}
    try:
        config.client("dynamodb").put_item(
            TableName=table.name(),
            Item=item,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD" if webhook.exclusive else "NONE",
        )
    except ClientError as error:
        if not table.is_condition_failure(error):
            raise
        return cast("table.Item", error.response.get("Item", {}))
    return None


def get(event_id: str) -> Event | None:
    """Read a received webhook, or None when it was never received or has expired."""
    item = table.get(KIND, event_id)
    return Event.of(item) if item else None


def mark(event: Event, state: State, *, order_id: str = "", error: str = "") -> bool:
    """Record what has become of an event; return False if its row is gone.

    `failed` and `unhandled` rows are listed in `by_state` for a person to see; `processed` ones cost no index entry.
    """
    assign: table.Item = {"state": {"S": state}}
    if order_id:
        assign["order_id"] = {"S": order_id}
    if error:
        assign["error"] = {"S": error}
    drop = []
    if state is State.PROCESSED:
        drop = ["error", "state_key", "state_at"]
    else:
        assign |= table.state_index(KIND, state, event.id, event.received_at)
    return table.update(KIND, event.id, assign=assign, drop=drop)
