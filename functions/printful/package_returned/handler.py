"""A parcel was returned to Printful."""

from pressroom.inbox.events import Event
from pressroom.inbox.facts import reason
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Decision
from pressroom.providers.printful import stores
from pressroom.providers.printful.facts import order_fact, parcel
from pressroom.providers.printful.messages import PackageEvent


def decide(message: PackageEvent, event: Event) -> Decision:
    """Report the parcel as returned; the order gets it even if `package_shipped` was not received."""
    data, why = message.data, reason(message.data.reason)
    return order_fact(data.order, event, "returned", at=message.created, reason=why, **parcel(data.shipment))


handler = Topic("printful.package_returned", PackageEvent, decide, check=stores.check)
