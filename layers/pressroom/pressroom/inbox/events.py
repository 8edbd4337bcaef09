"""The received webhooks: one row each. Its key is the event's identity, so a second copy changes nothing.

Light: the receivers import it. States: `received`, then `processed`, `failed` (parked: a person can replay it) or
`unhandled` (genuine, but without a Lambda for its topic). A processed event has a second row that says so, since a
change of a row costs as much as the whole row (docs/decisions/0011-a-processed-webhook-is-marked-by-its-own-row.md).
"""

from collections.abc import Callable
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
FOREIGN = "foreign"
"""The list of the failed webhooks that are not for us, such as those of another store at a printer."""
KEPT_FOR = timedelta(days=45)
"""Longer than any provider retries (Cloudprinter: 7 days), and than the 30 days that the design promises."""
LARGEST_ROW = 390_000
"""Bytes of a compressed body; DynamoDB takes rows up to 400 KB."""


class State(StrEnum):
    """How far a received webhook has been processed."""

    RECEIVED = "received"
    PROCESSED = "processed"
    FAILED = "failed"
    UNHANDLED = "unhandled"

    def lists(self) -> list[str]:
        """Return the partitions of the index `by_state` with the webhooks in this state."""
        return [f"{KIND}#{self}", f"{KIND}#{FOREIGN}"] if self is State.FAILED else [f"{KIND}#{self}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An authenticated webhook, ready to be stored.

    `identity` is its deduplication key. The event id is a hash of it, so a redelivery has the same id. If `normal_form`
    is given, an identity has one content only: a message whose body has another normal form than that of the first
    message is stored as a second event, a `conflict`. `body` holds no credentials.
    """

    topic: str
    identity: str
    body: bytes
    normal_form: Callable[[bytes], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A received webhook as it is stored. After it was `erased`, its body is empty."""

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
        """Read an event's row, and the row that marks it as processed, if there is one."""
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
    """Store a webhook; return its event id and whether it is new. One conditional write, and no other call.

    A webhook that was authenticated by an `outdated` secret is listed as such. Raises TooLarge if the body does not fit
    into a row. The rare conflict costs a second write.
    """
    event_id = f"{provider}-{table.digest(webhook.identity)}"
    listing = {"attention_key": {"S": f"{OUTDATED}/{provider}#{table.shard(event_id)}"}} if outdated else {}
    known = _put(event_id, provider, webhook, now, listing)
    if known is None:
        return event_id, True
    if webhook.normal_form and "erased" not in known:  # an erased body can't be compared
        content = webhook.normal_form(webhook.body)
        if content != webhook.normal_form(table.unpack(known["body"])):
            event_id = f"{event_id}-{table.digest(wire.canonical(content))[:8]}"
            return event_id, _put(event_id, provider, webhook, now, listing | {"conflict": {"BOOL": True}}) is None
    return event_id, False


def _put(event_id: str, provider: str, webhook: Webhook, now: datetime, extra: table.Item) -> table.Item | None:
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
        **extra,
    }
    return table.put(item, old=webhook.normal_form is not None)


def get(event_id: str) -> Event | None:
    """Read a received webhook, or None when it was never received or has expired."""
    rows = {item["pk"]["S"].partition("#")[0]: item for item in table.get_many([(KIND, event_id), (DONE, event_id)])}
    return Event.of(rows[KIND], rows.get(DONE)) if KIND in rows else None


def processed(event: Event, *, order_id: str, now: datetime) -> None:
    """Record that an event has been processed, and the id of its order; empty if it belongs to no order."""
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
    """Remove a parked or unhandled event from the list, once it has been processed."""
    assign, drop = {"state": {"S": State.RECEIVED}}, ("error", "state_key")
    table.update(KIND, event.id, assign=assign, drop=drop, condition="attribute_exists(#state_key)")


def set_aside(event: Event, state: State, *, error: str = "", listed: str = "") -> bool:
    """Record that an event is `failed` or `unhandled` and list it in that state; return False if its row is gone."""
    assign: table.Item = {"state": {"S": state}} | table.state_index(KIND, listed or state, event.id, event.received_at)
    if error:
        assign["error"] = {"S": error}
    return table.update(KIND, event.id, assign=assign)


def park(event: Event, error: str, *, listed: str = "") -> None:
    """Set an event's state to `failed`, with its error; list and count it, which raises an alarm."""
    set_aside(event, State.FAILED, error=error, listed=listed)
    logger().error("event_parked", event_id=event.id, provider=event.provider, topic=event.topic, error=error)
    count("EventsParked", provider=event.provider)
