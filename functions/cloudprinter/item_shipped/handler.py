"""An item has left. It comes once per item: three items in one parcel are three signals with one tracking."""

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Decision
from pressroom.providers.cloudprinter.facts import parcel, told
from pressroom.providers.cloudprinter.messages import ItemShipped


def decide(signal: ItemShipped, event: Event) -> Decision:
    """Add the item to its parcel."""
    return told(signal, event, "shipped", **parcel(signal))


handler = Topic("cloudprinter.item_shipped", ItemShipped, decide)
