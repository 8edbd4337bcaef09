"""The delivery engine: one message of a FIFO queue at a time, from the record, with every attempt recorded twice.

The rules (design, "Delivery"): `Retry` hides the message for an exponential backoff with jitter, and with it every
later message of the same order; `Dead` gives up. Attempts are counted on the record, not by the queue: a message that
is received without being tried (a crash, a throttled function) must not use up its tries.

A delivery that is given up is first recorded as dead, then put into the dead-letter queue. If the function is killed in
between, the message comes again, and only the second step is repeated.

`Blocked` waits for a person and uses up no try. `Withdrawn` ends a delivery that need not be sent any more; so does the
shop's cancellation, for an order that no printer has received yet.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from pressroom.delivery.outcome import FollowUps, Sent, conclude, log, record_dead
from pressroom.order import outbox, repository
from pressroom.order.facts import is_revoked
from pressroom.order.outbox import Attempt, Delivery, State
from pressroom.partners import CREATES, PROBED
from pressroom.platform import config, table
from pressroom.platform.errors import DeliveryError, PressroomError, Verdict
from pressroom.platform.observe import count, logged, logger
from pressroom.platform.times import iso, parse

LONGEST_WAIT_S = 6 * 3600
"""The longest time that a message is hidden. SQS allows 12 hours in all between one receive and its end."""
LONGEST_BLOCK_S = 3600
"""The longest time that a message is hidden while a person has a setting to make."""
BLOCKED_FOR = timedelta(days=12)
"""How long a blocked message waits in all; after 14 days SQS would drop it without a trace."""
LATE = timedelta(minutes=30)
"""From this age on, a delivery that is still tried raises an alarm. SQS's own age metric leaves out failing ones."""
UNFINISHED = "unfinished"
"""The error of an attempt until it ends; an attempt that was killed keeps it, and may have been received."""

type Send = Callable[[Delivery], Sent]


class Postponed(PressroomError):
    """Makes the batch processor leave a message in its queue; when it appears next is already set."""


def deliverer(send: Send, follow_ups: FollowUps) -> Callable[[dict[str, Any], Any], Any]:
    """Make the Lambda handler of a destination's queue, whose messages are `{"delivery_id": …}`.

    `send` makes one attempt: it returns the result of a success, or raises a DeliveryError.
    """

    def handler(event: dict[str, Any], context: Any) -> Any:
        processor = SqsFifoPartialProcessor()  # one per invocation: it remembers the failures of its batch
        processor.raise_on_entire_batch_failure = False  # a postponed message is no failure of the function
        return process_partial_response(
            event=event,
            record_handler=logged(lambda message: _deliver(message, send, follow_ups)),
            processor=processor,
            context=context,
        )

    return handler


def wait(tries: int, base: float, asked: float = 0, jitter: float = 0) -> int:
    """Return how long to wait after the n-th try, in whole seconds: base, 2·base, 4·base …, never less than `asked`.

    `jitter` in [0, 1) adds up to a quarter, so that deliveries that failed at the same time are not retried at the same
    time.
    """
    backoff = min(base * 2 ** (tries - 1), LONGEST_WAIT_S)
    return int(min(max(backoff * (1 + jitter / 4), asked), LONGEST_WAIT_S * 1.25) + 0.999)


def _deliver(message: SQSRecord, send: Send, follow_ups: FollowUps) -> None:
    delivery = _to_deliver(message)
    if delivery is None:
        return
    last = delivery.history[-1] if delivery.history else None
    if last and last.status and last.status < 300 and not last.error:
        # It was received before, and only that could not be recorded.
        _record_sent(delivery, Sent(last.status, delivery.told), follow_ups)
        return
    if last and last.error == UNFINISHED:  # killed; it may have been received
        killed = replace(last, answer_lost=True)
        delivery = replace(delivery, answer_lost=True, history=[*delivery.history[:-1], killed])
    if delivery.operation in CREATES and _is_revoked(delivery.order_id) and _end_revoked(delivery, follow_ups):
        return
    most = int(config.setting("MAX_ATTEMPTS"))
    last_receive = int(config.setting("LAST_RECEIVE"))
    if delivery.tries >= most or int(message.attributes.approximate_receive_count) >= last_receive:
        _give_up(delivery, "attempts ended before they could be recorded", follow_ups)
        return
    delivery = _begin(delivery)
    try:
        sent = send(delivery)
    except DeliveryError as error:
        delivery = _with_failure(delivery, error)
        if error.verdict is Verdict.WITHDRAWN:
            _withdraw(delivery, error.reason, follow_ups)
            return
        delivery.save()
        log("delivery_attempt_failed", delivery)
        if error.verdict is Verdict.DEAD or delivery.tries >= most or _is_blocked_too_long(message, error):
            _give_up(delivery, error.reason, follow_ups)
            return
        _postpone(message, delivery, error)
        raise Postponed from error
    _record_sent(delivery, sent, follow_ups)


def _to_deliver(message: SQSRecord) -> Delivery | None:
    """Return the delivery of a message; None if there is nothing left to send."""
    queued = json.loads(message.body)
    delivery = outbox.get(queued["delivery_id"])
    over = (State.DELIVERED, State.WITHDRAWN)
    if delivery is None or delivery.state in over or queued["replays"] < delivery.replays:
        logger().info("delivery_done_before", message_id=message.message_id)
        return None
    if delivery.state is State.DEAD:
        if not queued.get("dead"):  # given up before, but perhaps killed before the dead-letter queue had it
            _dead_letter(delivery)
            return None
        # Only a message that a person moved back from the dead-letter queue revives it, with a new round of tries.
        return replace(delivery, state=State.PENDING, tries=0)
    return delivery


def _is_revoked(order_id: str) -> bool:
    """Return whether the shop has canceled an order."""
    row = repository.get(order_id)
    return row is not None and is_revoked(row.facts)


def _end_revoked(delivery: Delivery, follow_ups: FollowUps) -> bool:
    """End the create request of a canceled order; return False if the printer must be asked first."""
    # A person who replays it has looked: for a canceled order that can only mean that it is settled.
    if not delivery.answer_lost or (delivery.replays and delivery.operation not in PROBED):
        _withdraw(delivery, "the shop canceled the order before it was sent", follow_ups)
        return True
    if delivery.operation not in PROBED:
        _give_up(delivery, "the shop canceled the order, which may have been received", follow_ups)
        return True
    return False


def _begin(delivery: Delivery) -> Delivery:
    """Record that an attempt begins: if it is killed, the next one knows that its request may have been received."""
    delivery = replace(
        delivery,
        attempts=delivery.attempts + 1,
        tries=delivery.tries + 1,
        history=[*delivery.history, Attempt(at=iso(config.utcnow()), error=UNFINISHED)],
    )
    delivery.save()
    return delivery


def _is_blocked_too_long(message: SQSRecord, error: DeliveryError) -> bool:
    sent_at = datetime.fromtimestamp(int(message.attributes.sent_timestamp) / 1000, UTC)
    return not error.verdict.uses_try and config.utcnow() - sent_at > BLOCKED_FOR


def _with_failure(delivery: Delivery, error: DeliveryError) -> Delivery:
    lost = error.answer_lost
    attempt = replace(delivery.history[-1], status=error.status, error=error.reason, answer_lost=lost)
    return replace(
        delivery,
        tries=delivery.tries if error.verdict.uses_try else delivery.tries - 1,
        last_error=error.reason,
        answer_lost=lost or (delivery.answer_lost and not error.certain),
        history=[*delivery.history[:-1], attempt],
    )


def _record_sent(delivery: Delivery, sent: Sent, follow_ups: FollowUps) -> None:
    attempt = replace(delivery.history[-1], status=sent.status, error=None)
    lost = delivery.answer_lost and not sent.certain
    delivery = replace(
        delivery, last_error=None, answer_lost=lost, told=sent.data, history=[*delivery.history[:-1], attempt]
    )
    if not delivery.order_id:
        delivery.save_if_pending()  # its end is more than one write, and must not be taken for a lost answer
    try:
        # The order keeps the data: on the delivery's row it would only be paid for a second time.
        conclude(replace(delivery, state=State.DELIVERED, told={}), "sent", follow_ups, **sent.data)
    except Exception:
        # The destination has it. Whatever keeps us from recording the end must not make us send it again.
        delivery.save_if_pending()
        raise
    log("delivery_delivered", delivery)


def _withdraw(delivery: Delivery, reason: str, follow_ups: FollowUps) -> None:
    """Record that a delivery is no longer needed: its state is `withdrawn`, and nothing is left to repair."""
    delivery = replace(delivery, state=State.WITHDRAWN, last_error=reason)
    conclude(delivery, "withdrawn", follow_ups, reason=reason)
    log("delivery_withdrawn", delivery)


def _give_up(delivery: Delivery, reason: str, follow_ups: FollowUps) -> None:
    record_dead(delivery, reason, follow_ups)
    _dead_letter(delivery)


def _dead_letter(delivery: Delivery) -> None:
    config.client("sqs").send_message(
        QueueUrl=config.setting("DEAD_LETTER_QUEUE_URL"),
        MessageBody=json.dumps({"delivery_id": delivery.id, "replays": delivery.replays, "dead": True}),
        MessageGroupId=table.digest(delivery.order_id or delivery.id),
        MessageDeduplicationId=f"{delivery.id}-{delivery.attempts}",
    )


def _postpone(message: SQSRecord, delivery: Delivery, error: DeliveryError) -> None:
    if config.utcnow() - parse(delivery.created_at) > LATE and error.verdict is not Verdict.UNFINISHED:
        count("DeliveriesLate", destination=delivery.destination)
    base = float(config.setting("BACKOFF_SECONDS"))
    if error.verdict is Verdict.UNFINISHED:
        pause = int(error.after)
    elif error.verdict is Verdict.BLOCKED:
        received = int(message.attributes.approximate_receive_count)
        pause = min(wait(min(received, 20), base), LONGEST_BLOCK_S)
    else:
        pause = wait(delivery.tries, base, error.after, random.random())  # noqa: S311 - spreads load, no secret
    config.client("sqs").change_message_visibility(
        QueueUrl=config.setting("QUEUE_URL"), ReceiptHandle=message.receipt_handle, VisibilityTimeout=pause
    )
