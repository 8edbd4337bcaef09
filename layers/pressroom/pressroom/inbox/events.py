"""The received webhooks: one row each, whose key is the event's identity, so that a second copy changes nothing.

Light: the receivers import it. States: `received`, then `processed`, `failed` (parked: a person can replay it) or
`unhandled` (genuine, but no Lambda for its topic yet). That it is processed stands in a row of its own, since every
change of a row costs as much as the row is large (docs/decisions/0011-a-processed-webhook-is-marked-by-its-own-row.md).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pressroom.platform import config, table, wire
from pressroom.platform.errors import TooLarge
from pressroom.platform.observe import count, logger
from pressroom.platform.times import iso

KIND = "EVENT"
DONE = "DONE"
OUTDATED = "OUTDATED"
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
    """A received webhook as it stands in the table. The body of one that was `erased` is empty."""

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
    erased: bool = False

    @classmethod
    def of(cls, item: table.Item, done: table.Item | None = None) -> "Event":
        """Read a row, and that of its end if there is one."""
        return cls(
            id=table.identity_of(item),
            provider=item["provider"]["S"],
            topic=item["topic"]["S"],
            received_at=item["received_at"]["S"],
            state=State.PROCESSED if done else State(item["state"]["S"]),
            body=table.unpack(item["body"]),
            conflict="conflict" in item,
            order_id=(done or item).get("order_id", {}).get("S"),
            error=item.get("error", {}).get("S"),
            replays=int(item.get("replays", {}).get("N", 0)),
            erased="erased" in item,
        )


def record(provider: str, webhook: Webhook, *, now: datetime, outdated: bool = False) -> tuple[str, bool]:
    """Keep a webhook; return its event id and whether it is new. One conditional write, and no other call.

    One that was authenticated by an `outdated` secret is listed as such. Raises TooLarge for a body that no row can
    hold. The rare conflict costs a second write.
    """
    event_id = f"{provider}-{table.digest(webhook.identity)}"
    more = {"attention_key": {"S": f"{OUTDATED}/{provider}#{table.shard(event_id)}"}} if outdated else {}
    known = _put(event_id, provider, webhook, now, more)
    if known is None:
        return event_id, True
    if webhook.exclusive and "erased" not in known:  # what it held then can't be compared any more
        content = wire.parse(webhook.body)
        if content != wire.parse(table.unpack(known["body"])):
            event_id = f"{event_id}-{table.digest(wire.canonical(content))[:8]}"
            return event_id, _put(event_id, provider, webhook, now, more | {"conflict": {"BOOL": True}}) is None
    return event_id, False


def _put(event_id: str, provider: str, webhook: Webhook, now: datetime, more: table.Item) -> table.Item | None:
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
        **table.created_index(f"{KIND}/{provider}", event_id, iso(now)),
        **table.until(now + KEPT_FOR),
        **more,
    }
    return table.put(item, old=webhook.exclusive)


def get(event_id: str) -> Event | None:
    """Read a received webhook, or None when it was never received or has expired."""
    rows = {item["pk"]["S"].partition("#")[0]: item for item in table.get_many([(KIND, event_id), (DONE, event_id)])}
    return Event.of(rows[KIND], rows.get(DONE)) if KIND in rows else None


def processed(event: Event, *, order_id: str, now: datetime) -> None:
    """Record that an event has been processed, and which order it was about; empty if about none."""
    row = table.pk(DONE, event.id) | {
        "at": {"S": iso(now)},
        **table.until(now + KEPT_FOR),
    }
    if order_id:
        row["order_id"] = {"S": order_id}
    config.client("dynamodb").put_item(TableName=table.name(), Item=row)
    if event.state is not State.RECEIVED:
        unlist(event)


def unlist(event: Event) -> None:
    """Let an event that was set aside, and was processed all the same, be no longer for a person to see."""
    assign, drop = {"state": {"S": State.RECEIVED}}, ("error", "state_key")
    table.update(KIND, event.id, assign=assign, drop=drop, condition="attribute_exists(#state_key)")


def set_aside(event: Event, state: State, *, error: str = "") -> bool:
    """Record that an event is `failed` or `unhandled` and list it for a person; return False if its row is gone."""
    assign: table.Item = {"state": {"S": state}} | table.state_index(KIND, state, event.id, event.received_at)
    if error:
        assign["error"] = {"S": error}
    return table.update(KIND, event.id, assign=assign)


def park(event: Event, error: str) -> None:
    """Set an event aside for a person: `failed`, with its error, listed, counted and alarmed."""
    set_aside(event, State.FAILED, error=error)
    logger().error("event_parked", event_id=event.id, provider=event.provider, topic=event.topic, error=error)
    count("EventsParked", provider=event.provider)
