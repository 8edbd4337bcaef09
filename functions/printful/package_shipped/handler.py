"""A parcel has left; it comes for every parcel of an order, and again, as a reshipment, for what is sent again."""

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Decision
from pressroom.providers.printful.facts import parcel, told
from pressroom.providers.printful.messages import PackageTold


def decide(message: PackageTold, event: Event) -> Decision:
    """Add the parcel."""
    data = message.data
    return told(data.order, event, "shipped", at=message.created, **parcel(data.shipment))


handler = Topic("printful.package_shipped", PackageTold, decide)
