"""What every topic's Lambda does: read the received webhook, make it a model, decide, write it once.

A handler adds the topic's name, its model and its decision. A failure of ours is raised: Lambda invokes again twice,
then hands the event to park. A content that can't be understood is parked at once, since repeating can't help.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pressroom import config, drift, inbox, reading, record
from pressroom.errors import Unprocessable
from pressroom.inbox import Event, State
from pressroom.observe import logger
from pressroom.orders import Fact, Order

LONGEST_REASON = 500
"""Characters of a printer's words that the record keeps."""


@dataclass(frozen=True, slots=True)
class Topic[M: BaseModel, D]:
    """The Lambda handler of a topic, `<provider>.<topic>`. It is invoked with `{"event_id": …}`.

    `decide` is pure: the message and its row in, what it means out. `write` records that, and returns the order that it
    was about, if it was about one. Both may raise Unprocessable; what `write` still decides is decided then.
    """

    name: str
    model: type[M]
    decide: Callable[[M, Event], D]
    write: Callable[[D], Order | None] = record.apply  # type: ignore[assignment]  # left out, D is a Decision

    def __call__(self, invocation: dict[str, Any], context: object) -> None:
        event = inbox.get(invocation["event_id"])
        if event is None or event.state is State.PROCESSED:
            logger().info("event_done_before", topic=self.name, event_id=invocation["event_id"])
            return
        if event.erased:
            inbox.park(event, "its body was erased")
            return
        try:
            message, unknown = reading.read(self.model, event.body)
            order = self.write(self.decide(message, event))
        except Unprocessable as error:
            inbox.park(event, str(error))
            return
        drift.record(self.name, unknown, now=config.utcnow())
        inbox.processed(event, order_id=order.id if order else "", now=config.utcnow())
        logger().info("event_processed", topic=self.name, event_id=event.id)
        if order:
            record.count_attention(order, self.name)


def fact(event: Event, kind: str, data: dict[str, Any], *, at: str = "") -> Fact:
    """Make the one fact that an event tells; `at` is when it happened, its arrival here if the sender doesn't say."""
    return Fact(
        id=event.id,
        kind=kind,
        source=f"{event.provider}.{event.topic}",
        at=at or event.received_at,
        received_at=event.received_at,
        data=data,
    )


def reason(*texts: str | None) -> str | None:
    """Put a printer's words for why something happened into one text of bounded length."""
    return ": ".join(text.strip() for text in texts if text and text.strip())[:LONGEST_REASON] or None
