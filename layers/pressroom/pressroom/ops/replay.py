"""Replaying one webhook or one delivery. If it needs no replay, nothing changes; two requests at once replay it once.

A replay is a row of its own: when it is inserted, it passes through the pump as the first time; then it is its trace.
"""

from dataclasses import replace
from datetime import datetime

from botocore.exceptions import ClientError

from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.ops import actions, dead_letters
from pressroom.order import outbox
from pressroom.order.outbox import Delivery, State
from pressroom.platform import config, table


def replay_event(event: Event, *, by: str, now: datetime) -> bool:
    """Invoke the topic of a received webhook again; return False if it has been processed, or erased."""
    if event.state is events.State.PROCESSED:
        events.unlist(event)  # the caller found it among the failed ones
        return False
    if event.erased:
        return False
    again = str(event.replays + 1)
    change = table.change(
        events.KIND,
        event.id,
        assign={"state": {"S": events.State.RECEIVED}, "replays": {"N": again}},
        drop=("error", "state_key"),
        condition="#state = :was AND (attribute_not_exists(#replays) OR #replays < :replays)",
        given={"was": {"S": event.state}},
    )
    what = {
        "dispatch": {"S": "topic"},
        "event_id": {"S": event.id},
        "provider": {"S": event.provider},
        "topic": {"S": event.topic},
    }
    return _write(event.id, again, what, change, by, now)


def replay_delivery(delivery: Delivery, *, by: str, now: datetime) -> bool:
    """Queue a dead delivery again with a new round of tries; return False if it is not dead.

    A pending delivery counts as dead if its message is in the dead-letter queue: SQS moves it there when attempts keep
    ending before they can be recorded. The message is deleted, which ends the alarm, but only after the replay is
    written: until then it may be the only copy.
    """
    if delivery.state in (State.DELIVERED, State.WITHDRAWN):
        return False
    is_dead = delivery.state is State.DEAD
    handles = dead_letters.of(delivery)
    if not handles and not is_dead:
        return False
    replayed = requeue(delivery, by=by, now=now)
    if replayed or is_dead:  # a dead delivery that has changed since it was read was replayed by another request
        dead_letters.delete(delivery.destination, handles)
    return replayed


def requeue(delivery: Delivery, *, by: str, now: datetime) -> bool:
    """Queue a delivery again if its row has not changed; `dead_letters.sweep` deletes its dead-letter message."""
    again = str(delivery.replays + 1)
    change = table.change(
        outbox.KIND,
        delivery.id,
        assign={
            "state": {"S": State.PENDING},
            "replays": {"N": again},
            "tries": {"N": "0"},
            **replace(delivery, state=State.PENDING).listing(),
        },
        drop=("expires_at",),
        condition="#state = :was AND #replays < :replays",
        given={"was": {"S": delivery.state}},
    )
    return _write(delivery.id, again, replace(delivery, replays=int(again)).queued(), change, by, now)


def _write(target: str, number: str, what: table.Item, change: table.Item, by: str, now: datetime) -> bool:
    """Write a replay and the change of its target; return False if the target has changed, and write nothing."""
    row = actions.row(f"{target}#{number}", "replay", target, by=by, now=now, what=what)
    try:
        config.client("dynamodb").transact_write_items(TransactItems=[{"Update": change}, {"Put": table.new(row)}])
    except ClientError as error:
        if not table.was_overtaken(error):
            raise
        return False
    return True
