"""An item has left. It comes once per item: three items in one parcel are three signals with one tracking."""

from pressroom.facts.cloudprinter import parcel, told
from pressroom.inbox import Event
from pressroom.models.cloudprinter import ItemShipped
from pressroom.record import Decision
from pressroom.topic import Topic


def decide(signal: ItemShipped, event: Event) -> Decision:
    """Add the item to its parcel."""
    return told(signal, event, "shipped", **parcel(signal))


handler = Topic("cloudprinter.item_shipped", ItemShipped, decide)
