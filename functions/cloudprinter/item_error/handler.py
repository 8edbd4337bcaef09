"""An error in the production of an item: the item will be late. Later signals report whether production continues."""

from pressroom.inbox.events import Event
from pressroom.inbox.facts import reason
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Decision
from pressroom.providers.cloudprinter.facts import order_fact
from pressroom.providers.cloudprinter.messages import ItemError


def decide(signal: ItemError, event: Event) -> Decision:
    """Return a fact about the error, with the expected delay in hours."""
    delay = None if signal.delay is None else str(signal.delay)
    return order_fact(signal, event, "error", reason=reason(signal.cause), delay_hours=delay)


handler = Topic("cloudprinter.item_error", ItemError, decide)
