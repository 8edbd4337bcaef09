"""Something went wrong with an item in production; it will be late. What follows says whether it goes on."""

from pressroom.inbox.events import Event
from pressroom.inbox.facts import reason
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Decision
from pressroom.providers.cloudprinter.facts import told
from pressroom.providers.cloudprinter.messages import ItemError


def decide(signal: ItemError, event: Event) -> Decision:
    """Note the error and the delay that is expected, in hours."""
    delay = None if signal.delay is None else str(signal.delay)
    return told(signal, event, "error", reason=reason(signal.cause), delay_hours=delay)


handler = Topic("cloudprinter.item_error", ItemError, decide)
