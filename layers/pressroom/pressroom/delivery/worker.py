"""Delivering: one message of a FIFO queue at a time, from the record, with every attempt recorded before and after.

The rules (design, "Delivery"): `Retry` waits with exponential backoff and added jitter by hiding the message, and
with it every later message of the same order; `Dead` gives up. Attempts are counted on the record, not by the queue:
a message that is received without being tried (a crash, a throttled function) must not use up its tries.

A delivery that is given up is first recorded as dead, then put into the dead-letter queue. Killed in between, its
message comes again, and only the second is done again.

`Blocked` waits for a person and uses up nothing. `Withdrawn` ends what need not be sent any more; so does the shop's
cancellation, for an order that nobody has been sent yet.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from pressroom.order import lane, outbox, repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact, is_revoked
from pressroom.order.outbox import Attempt, Delivery, State
from pressroom.order.repository import count_attention
from pressroom.partners import CREATES, LANES, PROBED
from pressroom.platform import config, table
from pressroom.platform.errors import Blocked, Dead, DeliveryError, PressroomError, Retry, Unfinished, Withdrawn
from pressroom.platform.observe import count, logged, logger
from pressroom.platform.times import iso, parse

LONGEST_WAIT_S = 6 * 3600
"""The most a message is hidden at a time. SQS allows 12 hours in all between one receive and its end."""
LONGEST_BLOCK_S = 3600
"""The most a message is hidden while a person has something to set: so soon it is tried after that."""
BLOCKED_FOR = timedelta(days=12)
"""How long a blocked message waits; after 14 days SQS would drop it without a word."""
TURN = "TURN"
KEPT_FOR = timedelta(days=45)
LATE = timedelta(minutes=30)
"""From when on a delivery that is still tried raises an alarm. SQS's own age metric leaves out what keeps failing."""
UNFINISHED = "unfinished"
"""The error of an attempt until it ends; one that was killed keeps it, and may have been heard."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A success: the HTTP status, and what of the answer the record keeps.

    `certain`: whatever became of earlier attempts, the destination has done this once.
    """

    status: int
    data: dict[str, Any] = field(default_factory=dict)
    certain: bool = False


type Send = Callable[[Delivery], Sent]


class Postponed(PressroomError):
    """Tells the batch processor to leave a message in its queue; its next appearance is already set."""


def deliverer(send: Send) -> Callable[[dict[str, Any], Any], Any]:
    """Make the Lambda handler of a destination's queue; messages are `{"delivery_id": …}`.

    `send` makes one attempt: it returns what came of a success, or raises a DeliveryError.
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
    over = (State.DELIVERED, State.WITHDRAWN)
    if delivery is None or delivery.state in over or queued["replays"] < delivery.replays:
        logger().info("delivery_done_before", message_id=message.message_id)
        return
    if delivery.state is State.DEAD:
        if not queued.get("dead"):  # given up before, but perhaps killed before it said so
            _dead_letter(delivery)
            return
        # Only a dead letter, which a person has moved back, revives what was given up: with a new round of tries.
        delivery = replace(delivery, state=State.PENDING, tries=0)
    last = delivery.history[-1] if delivery.history else None
    if last and last.status and last.status < 300 and not last.error:
        _delivered(delivery, Sent(last.status, delivery.told))  # taken before, and only that could not be recorded
        return
    if last and last.error == UNFINISHED:  # killed; it may have been heard
        killed = replace(last, answer_lost=True)
        delivery = replace(delivery, answer_lost=True, history=[*delivery.history[:-1], killed])
    if delivery.operation in CREATES and _is_revoked(delivery.order_id):
        # A person who lets it be sent again has looked: of a canceled order that can only mean that it is settled.
        if not delivery.answer_lost or (delivery.replays and delivery.operation not in PROBED):
            _withdraw(delivery, "the shop canceled the order before it was sent")
            return
        if delivery.operation not in PROBED:
            _give_up(delivery, "the shop canceled the order, which may have been heard")
            return
    most = int(config.setting("MAX_ATTEMPTS"))
    last_receive = int(config.setting("LAST_RECEIVE"))
    if delivery.tries >= most or int(message.attributes.approximate_receive_count) >= last_receive:
        _give_up(delivery, "attempts ended before they could be recorded")
        return
    started = config.utcnow()
    delivery = replace(
        delivery,
        attempts=delivery.attempts + 1,
        tries=delivery.tries + 1,
        history=[*delivery.history, Attempt(at=iso(started), error=UNFINISHED)],
    )
    delivery.save()
    try:
        sent = send(delivery)
    except DeliveryError as error:
        delivery = _ended(delivery, error)
        if isinstance(error, Withdrawn):
            _withdraw(delivery, error.reason)
            return
        delivery.save()
        _log("delivery_attempt_failed", delivery)
        if isinstance(error, Dead) or delivery.tries >= most or _is_blocked_too_long(message, error):
            _give_up(delivery, error.reason)
            return
        _postpone(message, delivery, error)
        raise Postponed from error
    _delivered(delivery, sent)


def _is_revoked(order_id: str) -> bool:
    """Tell whether the shop has canceled an order."""
    row = repository.get(order_id)
    return row is not None and is_revoked(row.facts)


def _is_blocked_too_long(message: SQSRecord, error: DeliveryError) -> bool:
    sent_at = datetime.fromtimestamp(int(message.attributes.sent_timestamp) / 1000, UTC)
    return isinstance(error, Blocked) and config.utcnow() - sent_at > BLOCKED_FOR


def _ended(delivery: Delivery, error: DeliveryError) -> Delivery:
    lost = isinstance(error, Retry) and error.answer_lost
    attempt = replace(delivery.history[-1], status=error.status, error=error.reason, answer_lost=lost)
    return replace(
        delivery,
        tries=delivery.tries - 1 if isinstance(error, Blocked) else delivery.tries,
        last_error=error.reason,
        answer_lost=lost or (delivery.answer_lost and not error.certain),
        history=[*delivery.history[:-1], attempt],
    )


def _delivered(delivery: Delivery, sent: Sent) -> None:
    attempt = replace(delivery.history[-1], status=sent.status, error=None)
    lost = delivery.answer_lost and not sent.certain
    delivery = replace(
        delivery, last_error=None, answer_lost=lost, told=sent.data, history=[*delivery.history[:-1], attempt]
    )
    if not delivery.order_id:
        delivery.save_if_pending()  # its end is more than one write, and must not be taken for a lost answer
    try:
        # The order keeps what was told: on the delivery's row it would only be paid for a second time.
        conclude(replace(delivery, state=State.DELIVERED, told={}), "sent", **sent.data)
    except Exception:
        # The destination has it. Whatever keeps us from recording the end must not make us send it again.
        delivery.save_if_pending()
        raise
    _log("delivery_delivered", delivery)


def record_dead(delivery: Delivery, reason: str) -> None:
    """Record that a delivery is given up: on its row, on its order, in a metric."""
    delivery = replace(delivery, state=State.DEAD, last_error=reason)
    conclude(delivery, "dead", reason=reason)
    _log("delivery_dead", delivery)
    count("DeliveriesDead", destination=delivery.destination)


def _withdraw(delivery: Delivery, reason: str) -> None:
    """Record that a delivery need not be sent: it is over, and nothing is left to mend."""
    delivery = replace(delivery, state=State.WITHDRAWN, last_error=reason)
    conclude(delivery, "withdrawn", reason=reason)
    _log("delivery_withdrawn", delivery)


def _give_up(delivery: Delivery, reason: str) -> None:
    record_dead(delivery, reason)
    _dead_letter(delivery)


def _dead_letter(delivery: Delivery) -> None:
    config.client("sqs").send_message(
        QueueUrl=config.setting("DEAD_LETTER_QUEUE_URL"),
        MessageBody=json.dumps({"delivery_id": delivery.id, "replays": delivery.replays, "dead": True}),
        MessageGroupId=table.digest(delivery.order_id or delivery.id),
        MessageDeduplicationId=f"{delivery.id}-{delivery.attempts}",
    )


def conclude(delivery: Delivery, kind: str, *, source: str = "", **data: Any) -> None:
    """Record the end of a delivery: the row and the order's fact, `sent`, `dead` or `withdrawn`, together.

    `source` is who says so, if it is not the deliverer.
    """
    if not delivery.order_id:
        _conclude_alone(delivery, kind, data)
        return
    now = config.utcnow()
    fact = Fact(
        id=f"{delivery.id}/{kind}/{delivery.replays}.{delivery.attempts}",
        kind=kind,
        source=source or f"deliver.{delivery.destination}",
        at=iso(now),
        received_at=iso(now),
        data={
            "delivery_id": delivery.id,
            "destination": delivery.destination,
            "operation": delivery.operation,
            "answer_lost": delivery.answer_lost,
            **data,
        },
    )

    def also(facts: list[Fact]) -> Iterator[table.Item]:
        before = lane.turn([each for each in facts if each.id != fact.id], delivery.destination)
        after = lane.turn(facts, delivery.destination)
        if after and after != before and delivery.destination in LANES:
            yield {"Put": _turn_row(after, delivery, now)}
        if kind == "sent" and (delivery.operation == "create_order" or data.get("changed")):
            from pressroom.providers.oms import print_files

            yield {"Put": print_files.poll_row(delivery.order_id, f"{delivery.id}/{delivery.attempts}", now=now)}

    order = repository.apply(Decision(order_id=delivery.order_id, facts=(fact,), ended=delivery), also)
    count_attention(order, fact.source)


def _conclude_alone(delivery: Delivery, kind: str, data: dict[str, Any]) -> None:
    if delivery.operation == "create_batch":
        from pressroom.providers.oms import batches

        batches.ended(delivery, kind, data)
    else:
        delivery.save()


def _turn_row(delivery_id: str, before: Delivery, now: datetime) -> table.Item:
    """Return the row with which pump queues the delivery that has waited for another's end."""
    waiting = replace(before, id=delivery_id, replays=0)
    return {
        "TableName": table.name(),
        "Item": table.pk(TURN, f"{delivery_id}#{before.id}#{before.replays}.{before.attempts}")
        | waiting.queued()
        | table.until(now + KEPT_FOR),
    }


def _postpone(message: SQSRecord, delivery: Delivery, error: DeliveryError) -> None:
    if config.utcnow() - parse(delivery.created_at) > LATE and not isinstance(error, Unfinished):
        count("DeliveriesLate", destination=delivery.destination)
    base = float(config.setting("BACKOFF_SECONDS"))
    if isinstance(error, Unfinished):
        pause = int(error.after)
    elif isinstance(error, Blocked):
        received = int(message.attributes.approximate_receive_count)
        pause = min(wait(min(received, 20), base), LONGEST_BLOCK_S)
    else:
        asked = error.after if isinstance(error, Retry) else 0
        pause = wait(delivery.tries, base, asked, random.random())  # noqa: S311 - spreads load, no secret
    config.client("sqs").change_message_visibility(
        QueueUrl=config.setting("QUEUE_URL"), ReceiptHandle=message.receipt_handle, VisibilityTimeout=pause
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
