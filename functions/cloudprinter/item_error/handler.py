"""Something went wrong with an item in production; it will be late. What follows says whether it goes on."""

from pressroom.facts.cloudprinter import told
from pressroom.inbox import Event
from pressroom.models.cloudprinter import ItemError
from pressroom.record import Decision
from pressroom.topic import Topic, reason


def decide(signal: ItemError, event: Event) -> Decision:
    """Note the error and the delay that is expected, in hours."""
    delay = None if signal.delay is None else str(signal.delay)
    return told(signal, event, "error", reason=reason(signal.cause), delay_hours=delay)


handler = Topic("cloudprinter.item_error", ItemError, decide)
