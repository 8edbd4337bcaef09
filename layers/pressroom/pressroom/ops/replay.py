"""Sending again what was parked or given up, or settling it. What needs nothing is left alone; two at once are one.

A replay is a row of its own: inserted, it passes through pump as the first time, and it stays as the trace of it.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Literal

from botocore.exceptions import ClientError

from pressroom.delivery.outcome import conclude
from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.ops import actions
from pressroom.order import outbox
from pressroom.order.outbox import Delivery, State
from pressroom.platform import config, table
from pressroom.providers.follow_ups import FOLLOW_UPS

_DEAD_LETTER_PAGES = 10


def replay_event(event: Event, *, by: str, now: datetime) -> bool:
    """Hand a received webhook to its topic again; return False for one that has been processed, or erased."""
    if event.state is events.State.PROCESSED:
        events.unlist(event)  # whoever asks has seen it among the failed ones
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
    """Queue a dead delivery again with a new round of tries; return False for one that is not dead.

    A pending one counts as dead if the queue itself has put its message into the dead-letter queue, which it does when
    attempts keep ending before they can be recorded. The message is taken out of there, so that the alarm ends, but
    only once the replay is written: until then it may be all that is left of the order's way to the printer.
    """
    if delivery.state in (State.DELIVERED, State.WITHDRAWN):
        return False
    dead = delivery.state is State.DEAD
    letters = _dead_letters(delivery)
    if not letters and not dead:
        return False
    replayed = requeue(delivery, by=by, now=now)
    if replayed or dead:  # a dead one that is no longer as it was read has been replayed by somebody else
        _delete(delivery.destination, letters)
    return replayed


def requeue(delivery: Delivery, *, by: str, now: datetime) -> bool:
    """Queue a delivery again if it is still as it was read, and leave its dead letter for `sweep`."""
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


def settle(delivery: Delivery, outcome: Literal["done", "dropped"], *, by: str, now: datetime) -> bool:
    """Record what a person has found out about a dead delivery; return False for one that is not dead.

    `done`: the destination has it after all. `dropped`: it need not be sent.
    """
    if delivery.state is not State.DEAD:
        return False
    if outcome == "done":
        unknown = {"uid_known": False} if delivery.operation == "create_order" else {}
        ended = replace(delivery, state=State.DELIVERED, last_error=None, answer_lost=False)
        conclude(ended, "sent", FOLLOW_UPS, source="ops", **unknown)
    else:
        reason = "settled by hand"
        withdrawn = replace(delivery, state=State.WITHDRAWN, last_error=reason)
        conclude(withdrawn, "withdrawn", FOLLOW_UPS, source="ops", reason=reason)
    _delete(delivery.destination, _dead_letters(delivery))
    actions.record(f"settle:{outcome}", delivery.id, by=by, now=now)
    return True


def sweep(destination: str) -> None:
    """Delete the dead letters of a destination whose delivery was replayed or has ended since they were written."""
    sqs, url, kept = config.client("sqs"), _dead_letter_queue(destination), list[str]()
    for messages in _pages(url):
        letters = {message["ReceiptHandle"]: json.loads(message["Body"]) for message in messages}
        wanted = {(outbox.KIND, letter["delivery_id"]) for letter in letters.values()}
        deliveries = {each.id: each for each in map(Delivery.of, table.get_many(wanted))}
        for handle, letter in letters.items():
            delivery = deliveries.get(letter["delivery_id"])
            over = delivery is None or delivery.state in (State.DELIVERED, State.WITHDRAWN)
            if over or (delivery and delivery.replays > letter["replays"]):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
            else:
                kept.append(handle)
    for handle in kept:  # shown again at the end, when they can't be met again
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)


def _write(target: str, number: str, what: table.Item, change: table.Item, by: str, now: datetime) -> bool:
    """Write a replay and what it changes; return False when that is no longer as it was read, and nothing was done."""
    row = actions.row(f"{target}#{number}", "replay", target, by=by, now=now, what=what)
    try:
        config.client("dynamodb").transact_write_items(TransactItems=[{"Update": change}, {"Put": table.new(row)}])
    except ClientError as error:
        if not table.was_overtaken(error):
            raise
        return False
    return True


def _dead_letter_queue(destination: str) -> str:
    return config.setting(f"{destination.upper()}_DEAD_LETTER_QUEUE_URL")


def _pages(url: str) -> Iterator[list[dict[str, str]]]:
    """Receive dead letters, some at a time; those that were seen stay hidden for half a minute."""
    for _ in range(_DEAD_LETTER_PAGES):
        answer = config.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30)
        messages = answer.get("Messages", [])
        if not messages:
            return
        yield messages


def _dead_letters(delivery: Delivery) -> list[str]:
    """Find a delivery's messages in the dead-letter queue; return their receipt handles, good for half a minute."""
    sqs, url = config.client("sqs"), _dead_letter_queue(delivery.destination)
    found, others = list[str](), list[str]()
    for messages in _pages(url):
        for message in messages:
            ours = json.loads(message["Body"])["delivery_id"] == delivery.id
            (found if ours else others).append(message["ReceiptHandle"])
        if found:
            break
    for handle in others:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return found


def _delete(destination: str, letters: list[str]) -> None:
    for handle in letters:
        config.client("sqs").delete_message(QueueUrl=_dead_letter_queue(destination), ReceiptHandle=handle)


def forget_letters(delivery: Delivery) -> None:
    """Delete the dead letters of a delivery that has ended."""
    _delete(delivery.destination, _dead_letters(delivery))
