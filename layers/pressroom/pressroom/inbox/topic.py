"""The handler of every topic's Lambda: read the received webhook as a model, decide, write the result once.

A function adds the topic's name, its model and its decision. An error inside Pressroom is raised: Lambda invokes the
function twice more, then park sets the event's state. A message that can't be read is parked at once, since a retry
can't help.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from pressroom.inbox import drift, events, reading
from pressroom.inbox.events import Event, State
from pressroom.order import joining, repository
from pressroom.order.model import Order
from pressroom.platform import config
from pressroom.platform.errors import Foreign, Unprocessable
from pressroom.platform.observe import logger


@dataclass(frozen=True, slots=True)
class Topic[M: BaseModel, D]:
    """The Lambda handler of a topic, `<provider>.<topic>`. It is invoked with `{"event_id": …}`.

    `check` refuses a message that is not for us. `decide` is pure: it takes the message and its event, and returns a
    decision. `write` records it and returns the order, if there is one. All may raise Unprocessable: `write` may
    complete a decision that needs the record.
    """

    name: str
    model: type[M]
    decide: Callable[[M, Event], D]
    check: Callable[[M], None] = field(default=lambda _: None, kw_only=True)
    write: Callable[[D], Order | None] = field(default=joining.apply, kw_only=True)  # type: ignore[assignment]

    def __call__(self, invocation: dict[str, Any], context: object) -> None:
        event = events.get(invocation["event_id"])
        if event is None or event.state is State.PROCESSED:
            logger().info("event_done_before", topic=self.name, event_id=invocation["event_id"])
            return
        if event.erased:
            events.park(event, "its body was erased")
            return
        try:
            message, unknown = reading.read(self.model, event.body)
            self.check(message)
            order = self.write(self.decide(message, event))
        except Unprocessable as error:
            events.park(event, str(error), listed=events.FOREIGN if isinstance(error, Foreign) else "")
            return
        drift.record(self.name, unknown, now=config.utcnow())
        events.processed(event, order_id=order.id if order else "", now=config.utcnow())
        logger().info("event_processed", topic=self.name, event_id=event.id)
        if order:
            repository.count_attention(order, self.name)
