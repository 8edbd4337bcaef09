"""An item has been shipped. One signal per item: three items in one parcel are three signals with the same tracking."""

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Decision
from pressroom.providers.cloudprinter.facts import order_fact, parcel
from pressroom.providers.cloudprinter.messages import ItemShipped


def decide(signal: ItemShipped, event: Event) -> Decision:
    """Report the item as part of its parcel."""
    return order_fact(signal, event, "shipped", **parcel(signal))


handler = Topic("cloudprinter.item_shipped", ItemShipped, decide)
