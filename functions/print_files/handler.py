"""The print files of the OMS: asks how far those of an order's lines are, until each has come to an end.

A message `{"order_id", "hint"}` stands for an order. It is hidden for longer and longer between two rounds; after the
last one it is gone. A hint, from a webhook of the OMS's, is about one round beside those. Standard queue: a message may
come twice, and two of one order may be asked about at once.

What the OMS does not answer is asked again next time; what it has answered is kept in any case.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from pressroom.delivery.worker import Postponed
from pressroom.order import repository
from pressroom.order.decision import Decision, Undecided
from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.model import Order
from pressroom.platform import config, table
from pressroom.platform.errors import Blocked, DeliveryError, Retry
from pressroom.platform.observe import logged, logger
from pressroom.platform.times import iso
from pressroom.providers.oms import batches, client, item_ids, print_files
from pressroom.providers.oms.print_files import File, Round

BUDGET = timedelta(seconds=25)
"""How long new questions are asked: one that ends in a time-out, and recording all, have to fit in after it."""
FAILURES = 3
"""Questions without an answer, one after the other, that end a round: the OMS itself is in trouble then."""
HINT_ROUNDS = 12
"""How often a hint is received until all that it is about was answered at once; after some hours it is old news."""
LAST_DAY = timedelta(days=13)
"""SQS drops a message after 14 days without a word: before that, all that is still open is given up on."""
LAST_RECEIVE = 380
"""So it is before the queue's maxReceiveCount, which only very large orders get near, and whose rounds keep failing."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Make one round for each message."""
    processor = BatchProcessor(event_type=EventType.SQS)
    processor.raise_on_entire_batch_failure = False  # a postponed message is no failure of the function
    return process_partial_response(event=event, record_handler=logged(_poll), processor=processor, context=context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as it was received for the `received`-th time; it has been in the queue since `sent_at`."""

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
        """Tell whether the queue might not give it to us again."""
        return now - self.sent_at >= LAST_DAY or self.received >= LAST_RECEIVE


@dataclass(slots=True)
class Known:
    """An order as it was read last."""

    order: Order
    facts: list[Fact]
    files: dict[str, File] = field(init=False)

    def __post_init__(self) -> None:
        self.files = print_files.files(self.order, self.facts)


def _poll(sqs: SQSRecord) -> None:
    message, now = Message.of(sqs), config.utcnow()
    row = repository.get(message.order_id)
    if row is None:  # erased
        return
    known = Known(fold(message.order_id, row.facts), row.facts)
    wanted = print_files.due(known.files, hint=message.hint, line_ids=message.line_ids)
    if not wanted:
        return
    if config.setting("OMS_CREATE_PRINT_FILES") != "true":  # only a batch makes a print file: there is nothing to ask
        _offer(known, wanted)
        _tell_of_templates(known, wanted)
        return
    asked = _ask(message.order_id, print_files.in_turn(wanted, message.received), until=now + BUDGET)
    last = message.is_last(now)
    answers = asked.answers
    _offer(known, [file for file in wanted if (told := answers.get(file.line_id)) and told.status == print_files.READY])
    known = _record(known, asked, limit=_limit(message, asked, last=last))
    waiting = [file for file in known.files.values() if file.is_open]
    if message.hint:
        goes_on = not asked.is_complete and not last and (asked.blocked or message.received < HINT_ROUNDS)
    else:
        goes_on = bool(waiting)
    if goes_on:
        _postpone(sqs, message, asked, waiting)


def _ask(order_id: str, wanted: list[File], until: datetime) -> Round:
    asked = Round(seen=wanted)
    failures = 0
    for number, file in enumerate(wanted):
        if config.utcnow() >= until:
            asked.left = {each.line_id for each in wanted[number:]}
            break
        try:
            asked.answers[file.line_id] = client.print_file(item_ids.item_id(order_id, file.line_id))
            failures = 0
        except DeliveryError as error:
            failures += 1
            asked.blocked = isinstance(error, Blocked)
            asked.after = max(asked.after, error.after if isinstance(error, Retry) else 0)
            logger().info("print_file_not_told", order_id=order_id, error=error.reason)
            if asked.blocked or asked.after or failures == FAILURES:
                break
    return asked


def _limit(message: Message, asked: Round, *, last: bool) -> timedelta | None:
    """Return after how long what is still open is given up on; None for not at all, after a hint or while blocked."""
    if message.hint:
        return None
    if last:
        asked.left.clear()
        return timedelta(0)
    return None if asked.blocked else timedelta(hours=float(config.setting("PRINT_FILE_GIVE_UP_HOURS")))


def _offer(known: Known, ready: list[File]) -> None:
    """Offer what is ready to the batches. Before it is recorded: afterwards it would not be asked for again."""
    lines = {line.id: line for line in known.order.lines}
    for line in (lines[file.line_id] for file in ready):
        batches.offer(known.order.id, line.id, uid=line.uid, variant=line.variant, at=iso(config.utcnow()))


def _tell_of_templates(known: Known, wanted: list[File]) -> None:
    """Flag the lines that can't be in a batch, and those no more that could not once."""
    lines, templates = {line.id: line for line in known.order.lines}, batches.templates()
    has = {file: lines[file.line_id].variant in templates for file in wanted}
    news = {file.line_id: print_files.NO_TEMPLATE for file in wanted if not has[file]}
    mended = (file for file in wanted if has[file] and file.status == print_files.NO_TEMPLATE)
    news |= {file.line_id: print_files.WAITING for file in mended}
    print_files.tell(known.order.id, news, now=config.utcnow())


def _record(known: Known, asked: Round, *, limit: timedelta | None) -> Known:
    """Write what is new, once, and return the order as it is then."""
    now, order_id, before = config.utcnow(), known.order.id, known
    new = tuple(print_files.changes(known.files, asked, now=now, limit=limit))
    if not new:
        return known

    def decide(facts: list[Fact]) -> Decision:
        nonlocal before, new
        before = Known(fold(order_id, facts), facts)
        new = tuple(print_files.changes(before.files, asked, now=now, limit=limit))
        return Decision(order_id=order_id, facts=new)

    def also(facts: list[Fact]) -> Iterator[table.Item]:
        if print_files.begins_anew(before.files, print_files.files(before.order, facts)):
            key = f"{table.digest(order_id)}/{new[0].id}"
            yield {"Put": print_files.poll_row(order_id, key, now=now)}

    order = repository.apply(Undecided(order_id, decide), also)
    logger().info("print_files_told", order_id=order_id, facts=len(new))
    repository.count_attention(order, print_files.SOURCE)
    return Known(order, [*before.facts, *new])


def _postpone(sqs: SQSRecord, message: Message, asked: Round, waiting: list[File]) -> NoReturn:
    """Hide this one message until its next round."""
    now = config.utcnow()
    lasted = (now - message.sent_at).total_seconds() if message.hint else print_files.age(waiting, now)
    base, jitter = float(config.setting("PRINT_FILE_POLL_SECONDS")), random.random()  # noqa: S311 - spreads load
    config.client("sqs").change_message_visibility(
        QueueUrl=config.setting("PRINT_FILES_QUEUE_URL"),
        ReceiptHandle=sqs.receipt_handle,
        VisibilityTimeout=print_files.pause(lasted, asked, base=base, jitter=jitter),
    )
    raise Postponed
