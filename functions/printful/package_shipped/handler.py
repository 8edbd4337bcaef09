"""A parcel has left; it comes for every parcel of an order, and again, as a reshipment, for what is sent again."""

from pressroom.facts.printful import parcel, told
from pressroom.inbox import Event
from pressroom.models.printful import PackageTold
from pressroom.record import Decision
from pressroom.topic import Topic


def decide(message: PackageTold, event: Event) -> Decision:
    """Add the parcel."""
    data = message.data
    return told(data.order, event, "shipped", at=message.created, **parcel(data.shipment))


handler = Topic("printful.package_shipped", PackageTold, decide)
