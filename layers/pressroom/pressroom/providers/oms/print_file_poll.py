"""Polling print files: one round for each message of the queue, until every file of the order has ended.

A message `{"order_id", "hint"}` stands for an order. It is hidden for longer and longer between two rounds, and deleted
after the last one. A hint, from a webhook of the OMS, adds one round. The queue is a standard queue: a message may come
twice, and two messages of one order may be handled at the same time.

A file without an answer is polled again in the next round; every answer is recorded.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from pressroom.delivery.worker import Postponed
from pressroom.order import repository
from pressroom.order.decision import Decision, Undecided
from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.model import Order
from pressroom.platform import config, table
from pressroom.platform.errors import Blocked, DeliveryError
from pressroom.platform.observe import logger
from pressroom.platform.times import iso
from pressroom.providers.oms import batches, client, item_ids, print_files
from pressroom.providers.oms.print_files import File, Round

BUDGET = timedelta(seconds=25)
"""The time in which a round starts calls. After it, a call that times out and the recording must still be possible."""
FAILURES = 3
"""Consecutive calls without an answer that end a round: the OMS itself is failing."""
HINT_ROUNDS = 12
"""The most receives of a hint until every file that it names was answered; after some hours it is out of date."""
LAST_DAY = timedelta(days=13)
"""SQS silently drops a message after 14 days. Before that, every file that is still open is given up."""
LAST_RECEIVE = 380
"""Below the queue's maxReceiveCount, which only very large orders whose rounds keep failing come near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message, received `received` times; it has been in the queue since `sent_at`."""

    order_id: str
    hint: bool
    line_ids: tuple[str, ...]
    sent_at: datetime
    received: int

    @classmethod
    def of(cls, message: SQSRecord) -> "Message":
        body = json.loads(message.body)
        return cls(
            order_id=body["order_id"],
            hint=body["hint"],
            line_ids=tuple(body.get("line_ids", ())),
            sent_at=datetime.fromtimestamp(int(message.attributes.sent_timestamp) / 1000, UTC),
            received=int(message.attributes.approximate_receive_count),
        )

    def is_last(self, now: datetime) -> bool:
        """Return whether the queue may not deliver the message again."""
        return now - self.sent_at >= LAST_DAY or self.received >= LAST_RECEIVE

    def continues(self, polled: Round, now: datetime) -> bool:
        """Return whether a hint needs another round."""
        return not polled.is_complete and not self.is_last(now) and (polled.blocked or self.received < HINT_ROUNDS)


@dataclass(slots=True)
class Known:
    """An order as it was last read."""

    order: Order
    facts: list[Fact]
    files: dict[str, File] = field(init=False)

    def __post_init__(self) -> None:
        self.files = print_files.files(self.order, self.facts)


def poll(sqs: SQSRecord) -> None:
    """Make one round for a message. Raises Postponed if another round has to follow."""
    message, now = Message.of(sqs), config.utcnow()
    row = repository.get(message.order_id)
    if row is None:  # erased
        return
    known = Known(fold(message.order_id, row.facts), row.facts)
    wanted = print_files.due(known.files, hint=message.hint, line_ids=message.line_ids)
    if not wanted:
        return
    if config.setting("OMS_CREATE_PRINT_FILES") != "true":  # only batches make print files, so there are none to poll
        _offer(known, wanted)
        _record_templates(known, wanted)
        return
    polled = _ask(message.order_id, print_files.rotated(wanted, message.received), until=now + BUDGET)
    _offer(known, [file for file in wanted if _is_ready(file, polled)])
    known = _record(known, polled, limit=_limit(message, polled, now))
    waiting = [file for file in known.files.values() if file.is_open]
    if message.continues(polled, now) if message.hint else waiting:
        _postpone(sqs, message, polled, waiting)


def _ask(order_id: str, wanted: list[File], until: datetime) -> Round:
    polled = Round(requested=wanted)
    failures = 0
    for number, file in enumerate(wanted):
        if config.utcnow() >= until:
            polled.not_reached = {each.line_id for each in wanted[number:]}
            break
        try:
            polled.answers[file.line_id] = client.print_file(item_ids.item_id(order_id, file.line_id))
            failures = 0
        except DeliveryError as error:
            failures += 1
            polled.blocked = isinstance(error, Blocked)
            polled.after = max(polled.after, error.after)
            logger().info("print_file_not_told", order_id=order_id, error=error.reason)
            if polled.blocked or polled.after or failures == FAILURES:
                break
    return polled


def _is_ready(file: File, polled: Round) -> bool:
    answer = polled.answers.get(file.line_id)
    return answer is not None and answer.status == print_files.READY


def _limit(message: Message, polled: Round, now: datetime) -> timedelta | None:
    """Return after how long an open file is given up; None for never, after a hint or while polling is blocked."""
    if message.hint:
        return None
    if message.is_last(now):
        polled.not_reached.clear()
        return timedelta(0)
    return None if polled.blocked else timedelta(hours=float(config.setting("PRINT_FILE_GIVE_UP_HOURS")))


def _offer(known: Known, ready: list[File]) -> None:
    """Offer ready items to the batches. This comes before the recording: recorded files are not polled again."""
    lines = {line.id: line for line in known.order.lines}
    for line in (lines[file.line_id] for file in ready):
        batches.offer(known.order.id, line.id, uid=line.uid, variant=line.variant, at=iso(config.utcnow()))


def _record_templates(known: Known, wanted: list[File]) -> None:
    """Mark the lines without a template, which can't be in a batch, and unmark those that have one now."""
    lines, templates = {line.id: line for line in known.order.lines}, batches.templates()
    has_template = {file: lines[file.line_id].variant in templates for file in wanted}
    statuses = {file.line_id: print_files.NO_TEMPLATE for file in wanted if not has_template[file]}
    resolved = (file for file in wanted if has_template[file] and file.status == print_files.NO_TEMPLATE)
    statuses |= {file.line_id: print_files.WAITING for file in resolved}
    print_files.record_statuses(known.order.id, statuses, now=config.utcnow())


def _record(known: Known, polled: Round, *, limit: timedelta | None) -> Known:
    """Write the new facts of a round, in one write, and return the order after it."""
    now, order_id, before = config.utcnow(), known.order.id, known
    new = tuple(print_files.new_facts(known.files, polled, now=now, limit=limit))
    if not new:
        return known

    def decide(facts: list[Fact]) -> Decision:
        nonlocal before, new
        before = Known(fold(order_id, facts), facts)
        new = tuple(print_files.new_facts(before.files, polled, now=now, limit=limit))
        return Decision(order_id=order_id, facts=new)

    def extra_writes(facts: list[Fact]) -> Iterator[table.Item]:
        if print_files.reopens(before.files, print_files.files(before.order, facts)):
            key = f"{table.digest(order_id)}/{new[0].id}"
            yield {"Put": print_files.poll_row(order_id, key, now=now)}

    order = repository.apply(Undecided(order_id, decide), extra_writes)
    logger().info("print_files_told", order_id=order_id, facts=len(new))
    repository.count_attention(order, print_files.SOURCE)
    return Known(order, [*before.facts, *new])


def _postpone(sqs: SQSRecord, message: Message, polled: Round, waiting: list[File]) -> NoReturn:
    """Hide this message until its next round."""
    now = config.utcnow()
    lasted = (now - message.sent_at).total_seconds() if message.hint else print_files.age(waiting, now)
    base, jitter = float(config.setting("PRINT_FILE_POLL_SECONDS")), random.random()  # noqa: S311 - spreads load
    config.client("sqs").change_message_visibility(
        QueueUrl=config.setting("PRINT_FILES_QUEUE_URL"),
        ReceiptHandle=sqs.receipt_handle,
        VisibilityTimeout=print_files.pause(lasted, polled, base=base, jitter=jitter),
    )
    raise Postponed
