"""A parcel has come back to where it was made."""

from pressroom.facts.printful import parcel, told
from pressroom.inbox import Event
from pressroom.models.printful import PackageTold
from pressroom.record import Decision
from pressroom.topic import Topic, reason


def decide(message: PackageTold, event: Event) -> Decision:
    """Mark the parcel; it is entered if nobody told that it had left."""
    data, why = message.data, reason(message.data.reason)
    return told(data.order, event, "returned", at=message.created, reason=why, **parcel(data.shipment))


handler = Topic("printful.package_returned", PackageTold, decide)
