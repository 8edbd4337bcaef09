"""Delivering: one message of a FIFO queue at a time, from the record, with every attempt recorded before and after.

The rules (design, "Delivery"): `Retry` waits with exponential backoff and added jitter by hiding the message, and
with it every later message of the same order; `Dead` gives up. Attempts are counted on the record, not by the queue:
a message that is received without being tried (a crash, a throttled function) must not use up its tries.

A delivery that is given up is first recorded as dead, then put into the dead-letter queue. Killed in between, its
message comes again, and only the second is done again.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from pressroom import config, outbox, record, table
from pressroom.errors import Dead, DeliveryError, PressroomError, Retry
from pressroom.observe import count, logged, logger
from pressroom.orders import Fact
from pressroom.outbox import Attempt, Delivery, State
from pressroom.record import Decision, count_attention
from pressroom.times import iso, parse

LONGEST_WAIT_S = 6 * 3600
"""The most a message is hidden at a time. SQS allows 12 hours in all between one receive and its end."""
LAST_RECEIVE = 50
"""The queue's maxReceiveCount. Reached only when attempts keep dying before they can be recorded."""
LATE = timedelta(minutes=30)
"""From when on a delivery that is still tried raises an alarm. SQS's own age metric leaves out what keeps failing."""
UNFINISHED = "unfinished"
"""The error of an attempt until it ends; one that was killed keeps it, and may have been heard."""

type Send = Callable[[Delivery], int]


class Postponed(PressroomError):
    """Tells the batch processor to leave a message in its queue; its next appearance is already set."""


def deliverer(send: Send) -> Callable[[dict[str, Any], Any], Any]:
    """Make the Lambda handler of a destination's queue; messages are `{"delivery_id": …}`.

    `send` makes one attempt: it returns the HTTP status of a success, or raises Retry or Dead.
    """

    def handler(event: dict[str, Any], context: Any) -> Any:
        processor = SqsFifoPartialProcessor()  # one per invocation: it remembers the failures of its batch
        processor.raise_on_entire_batch_failure = False  # a postponed message is no failure of the function
        return process_partial_response(
            event=event,
            record_handler=logged(lambda message: _deliver(send, message)),
            processor=processor,
            context=context,
        )

    return handler


def wait(tries: int, base: float, asked: float = 0, jitter: float = 0) -> int:
    """Return how long to wait after the n-th try, in whole seconds: base, 2·base, 4·base …, never less than `asked`.

    `jitter` in [0, 1) adds up to a quarter, so that many orders which failed together don't come back together.
    """
    backoff = min(base * 2 ** (tries - 1), LONGEST_WAIT_S)
    return int(min(max(backoff * (1 + jitter / 4), asked), LONGEST_WAIT_S * 1.25) + 0.999)


def _deliver(send: Send, message: SQSRecord) -> None:
    queued = json.loads(message.body)
    delivery = outbox.get(queued["delivery_id"])
    if delivery is None or delivery.state is State.DELIVERED or queued["replays"] < delivery.replays:
        logger().info("delivery_done_before", message_id=message.message_id)
        return
    if delivery.state is State.DEAD:
        if not queued.get("dead"):  # given up before, but perhaps killed before it said so
            _dead_letter(delivery)
            return
        # Only a dead letter, which a person has moved back, revives what was given up: with a new round of tries.
        delivery = replace(delivery, state=State.PENDING, tries=0)
    last = delivery.history[-1] if delivery.history else None
    if last and last.status and last.status < 300:
        _delivered(delivery, last.status)  # it was taken before, and only that could not be recorded
        return
    most = int(config.setting("MAX_ATTEMPTS"))
    if delivery.tries >= most or int(message.attributes.approximate_receive_count) >= LAST_RECEIVE:
        _give_up(delivery, "attempts ended before they could be recorded")
        return
    started = config.utcnow()
    delivery = replace(
        delivery,
        attempts=delivery.attempts + 1,
        tries=delivery.tries + 1,
        answer_lost=delivery.answer_lost or bool(last and last.error == UNFINISHED),
        history=[*delivery.history, Attempt(at=iso(started), error=UNFINISHED)],
    )
    delivery.save()
    try:
        status = send(delivery)
    except DeliveryError as error:
        delivery = _ended(delivery, error)
        delivery.save()
        _log("delivery_attempt_failed", delivery)
        if isinstance(error, Dead) or delivery.tries >= most:
            _give_up(delivery, error.reason)
            return
        _postpone(message, delivery, error.after if isinstance(error, Retry) else 0)
        raise Postponed from error
    _delivered(delivery, status)


def _ended(delivery: Delivery, error: DeliveryError) -> Delivery:
    attempt = replace(delivery.history[-1], status=error.status, error=error.reason)
    return replace(
        delivery,
        last_error=error.reason,
        answer_lost=delivery.answer_lost or (isinstance(error, Retry) and error.answer_lost),
        history=[*delivery.history[:-1], attempt],
    )


def _delivered(delivery: Delivery, status: int) -> None:
    attempt = replace(delivery.history[-1], status=status, error=None)
    delivery = replace(delivery, last_error=None, history=[*delivery.history[:-1], attempt])
    try:
        _conclude(replace(delivery, state=State.DELIVERED), "sent")
    except Exception:
        # The destination has it. Whatever keeps us from recording the end must not make us send it again.
        delivery.save_if_pending()
        raise
    _log("delivery_delivered", delivery)


def record_dead(delivery: Delivery, reason: str) -> None:
    """Record that a delivery is given up: on its row, on its order, in a metric."""
    delivery = replace(delivery, state=State.DEAD, last_error=reason)
    _conclude(delivery, "dead", reason=reason)
    _log("delivery_dead", delivery)
    count("DeliveriesDead", destination=delivery.destination)


def _give_up(delivery: Delivery, reason: str) -> None:
    record_dead(delivery, reason)
    _dead_letter(delivery)


def _dead_letter(delivery: Delivery) -> None:
    config.client("sqs").send_message(
        QueueUrl=config.setting("DEAD_LETTER_QUEUE_URL"),
        MessageBody=json.dumps({"delivery_id": delivery.id, "replays": delivery.replays, "dead": True}),
        MessageGroupId=table.digest(delivery.order_id),
        MessageDeduplicationId=f"{delivery.id}-{delivery.attempts}",
    )


def _conclude(delivery: Delivery, kind: str, **data: str) -> None:
    """Record the end of a delivery: the row and the order's fact, together."""
    now = iso(config.utcnow())
    fact = Fact(
        id=f"{delivery.id}/{kind}/{delivery.replays}.{delivery.attempts}",
        kind=kind,
        source=f"deliver.{delivery.destination}",
        at=now,
        received_at=now,
        data={
            "delivery_id": delivery.id,
            "destination": delivery.destination,
            "operation": delivery.operation,
            "answer_lost": delivery.answer_lost,
            **data,
        },
    )
    order = record.apply(Decision(order_id=delivery.order_id, facts=(fact,)), also=(delivery.change(),))
    count_attention(order, fact.source)


def _postpone(message: SQSRecord, delivery: Delivery, asked: float) -> None:
    if config.utcnow() - parse(delivery.created_at) > LATE:
        count("DeliveriesLate", destination=delivery.destination)
    base = float(config.setting("BACKOFF_SECONDS"))
    config.client("sqs").change_message_visibility(
        QueueUrl=config.setting("QUEUE_URL"),
        ReceiptHandle=message.receipt_handle,
        VisibilityTimeout=wait(delivery.tries, base, asked, random.random()),  # noqa: S311 - spreads load, no secret
    )


def _log(event: str, delivery: Delivery) -> None:
    logger().info(
        event,
        delivery_id=delivery.id,
        destination=delivery.destination,
        attempts=delivery.attempts,
        status=delivery.history[-1].status if delivery.history else None,
        error=delivery.history[-1].error if delivery.history else None,
    )
