"""A parcel was shipped. One event per parcel of an order, and one more for each reshipment."""

from pressroom.inbox.events import Event
from pressroom.order.decision import Decision
from pressroom.providers.printful.facts import order_fact, parcel
from pressroom.providers.printful.messages import PackageEvent
from pressroom.providers.printful.topic import PrintfulTopic


def decide(message: PackageEvent, event: Event) -> Decision:
    """Report the parcel."""
    data = message.data
    return order_fact(message, event, "shipped", **parcel(data.order, data.shipment))


handler = PrintfulTopic("printful.package_shipped", PackageEvent, decide)
