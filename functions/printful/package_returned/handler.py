"""A parcel has come back to where it was made."""

from pressroom.inbox.events import Event
from pressroom.inbox.facts import reason
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Decision
from pressroom.providers.printful.facts import parcel, told
from pressroom.providers.printful.messages import PackageTold


def decide(message: PackageTold, event: Event) -> Decision:
    """Mark the parcel; it is entered if nobody told that it had left."""
    data, why = message.data, reason(message.data.reason)
    return told(data.order, event, "returned", at=message.created, reason=why, **parcel(data.shipment))


handler = Topic("printful.package_returned", PackageTold, decide)
