"""Sending again what was parked or given up. Idempotent: what needs no replay is left alone, and two at once are one.

A replay is a row of its own: inserted, it passes through pump as the first time, and it stays as the trace of it.
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta

from botocore.exceptions import ClientError

from pressroom import config, inbox, outbox, table
from pressroom.inbox import Event
from pressroom.outbox import Delivery
from pressroom.times import iso

KIND = "REPLAY"
KEPT_FOR = timedelta(days=400)
_DEAD_LETTER_PAGES = 10


def replay_event(event: Event, *, now: datetime) -> bool:
    """Hand a received webhook to its topic again; return False for one that has been processed."""
    if event.state is inbox.State.PROCESSED:
        inbox.unlist(event)  # whoever asks has seen it among the failed ones
        return False
    again = str(event.replays + 1)
    change = table.change(
        inbox.KIND,
        event.id,
        assign={"state": {"S": inbox.State.RECEIVED}, "replays": {"N": again}},
        drop=("error", "state_key", "state_at"),
        condition="#state = :was AND (attribute_not_exists(#replays) OR #replays < :replays)",
        given={"was": {"S": event.state}},
    )
    what = {
        "dispatch": {"S": "topic"},
        "event_id": {"S": event.id},
        "provider": {"S": event.provider},
        "topic": {"S": event.topic},
    }
    return _write(f"{event.id}#{again}", what, change, now)


def replay_delivery(delivery: Delivery, *, now: datetime) -> bool:
    """Queue a dead delivery again with a new round of tries; return False for one that is not dead.

    A pending one counts as dead if the queue itself has put its message into the dead-letter queue, which it does when
    attempts keep ending before they can be recorded. The message is taken out of there, so that the alarm ends, but
    only once the replay is written: until then it may be all that is left of the order's way to the printer.
    """
    if delivery.state in (outbox.State.DELIVERED, outbox.State.WITHDRAWN):
        return False
    dead = delivery.state is outbox.State.DEAD
    letters = _dead_letters(delivery)
    if not letters and not dead:
        return False
    again = str(delivery.replays + 1)
    change = table.change(
        outbox.KIND,
        delivery.id,
        assign={"state": {"S": outbox.State.PENDING}, "replays": {"N": again}, "tries": {"N": "0"}},
        drop=("state_key", "state_at"),
        condition="#state = :was AND #replays < :replays",
        given={"was": {"S": delivery.state}},
    )
    replayed = _write(f"{delivery.id}#{again}", replace(delivery, replays=int(again)).queued(), change, now)
    if replayed or dead:  # a dead one that is no longer as it was read has been replayed by somebody else
        for handle in letters:
            config.client("sqs").delete_message(QueueUrl=_dead_letter_queue(delivery), ReceiptHandle=handle)
    return replayed


def _write(identity: str, what: table.Item, change: table.Item, now: datetime) -> bool:
    """Write a replay and what it changes; return False when that is no longer as it was read, and nothing was done."""
    row = table.pk(KIND, identity) | {
        **what,
        "requested_at": {"S": iso(now)},
        **table.until(now + KEPT_FOR),
    }
    try:
        config.client("dynamodb").transact_write_items(TransactItems=[{"Update": change}, {"Put": table.new(row)}])
    except ClientError as error:
        if not table.was_overtaken(error):
            raise
        return False
    return True


def _dead_letter_queue(delivery: Delivery) -> str:
    return config.setting(f"{delivery.destination.upper()}_DEAD_LETTER_QUEUE_URL")


def _dead_letters(delivery: Delivery) -> list[str]:
    """Find a delivery's messages in the dead-letter queue; return their receipt handles, good for half a minute."""
    sqs, url = config.client("sqs"), _dead_letter_queue(delivery)
    found, others = list[str](), list[str]()
    for _ in range(_DEAD_LETTER_PAGES):
        # Messages seen once stay hidden while we look further; those of others are shown again at the end.
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30).get("Messages", [])
        for message in messages:
            ours = json.loads(message["Body"])["delivery_id"] == delivery.id
            (found if ours else others).append(message["ReceiptHandle"])
        if found or not messages:
            break
    for handle in others:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return found
