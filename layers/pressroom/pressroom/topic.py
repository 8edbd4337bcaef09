"""What every topic's Lambda does: read the received webhook, make it a model, decide, write the order once.

A handler adds the topic's name, its model and its decision. A failure of ours is raised: Lambda invokes again twice,
then hands the event to park. A content that can't be understood is parked at once, since repeating can't help.
"""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError

from pressroom import inbox, record, wire
from pressroom.errors import Unprocessable
from pressroom.inbox import Event, State
from pressroom.observe import count, logger
from pressroom.orders import Fact
from pressroom.record import Decision


def topic[M: BaseModel](
    name: str, model: type[M], decide: Callable[[M, Event], Decision]
) -> Callable[[dict[str, Any], object], None]:
    """Make the Lambda handler of a topic, `<provider>.<topic>`. It is invoked with `{"event_id": …}`.

    `decide` is pure: the message and its row in, facts and deliveries out. It may raise Unprocessable.
    """

    def handler(invocation: dict[str, Any], context: object) -> None:
        event = inbox.get(invocation["event_id"])
        if event is None or event.state is State.PROCESSED:
            logger().info("event_done_before", topic=name, event_id=invocation["event_id"])
            return
        try:
            decision = decide(_read(model, event.body), event)
        except Unprocessable as error:
            park(event, str(error))
            return
        order = record.apply(decision)
        inbox.mark(event, State.PROCESSED, order_id=decision.order_id)
        logger().info("event_processed", topic=name, event_id=event.id)
        record.count_attention(order, name)

    return handler


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


def park(event: Event, error: str) -> None:
    """Set an event aside for a person: `failed`, with its error, listed, counted and alarmed."""
    inbox.mark(event, State.FAILED, error=error)
    logger().error("event_parked", event_id=event.id, provider=event.provider, topic=event.topic, error=error)
    count("EventsParked", provider=event.provider)


def _read[M: BaseModel](model: type[M], body: bytes) -> M:
    try:
        return model.model_validate(wire.parse(body))
    except ValidationError as error:
        # Where and what kind, but not pydantic's own text: that repeats the input.
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['type']}" for fault in error.errors())
        raise Unprocessable(f"not a {model.__name__}: {', '.join(faults)}"[:1000]) from error
    except ValueError as error:
        raise Unprocessable("the body is not JSON in UTF-8, or is nested too deeply") from error
