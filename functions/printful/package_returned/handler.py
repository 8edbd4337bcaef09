"""A parcel was returned to Printful."""

from pressroom.inbox.events import Event
from pressroom.inbox.facts import reason
from pressroom.order.decision import Decision
from pressroom.providers.printful.facts import order_fact, parcel
from pressroom.providers.printful.messages import PackageEvent
from pressroom.providers.printful.topic import PrintfulTopic


def decide(message: PackageEvent, event: Event) -> Decision:
    """Report the parcel as returned; the order gets it even if `package_shipped` was not received.

    `unnamed`: the event does not say which parcel it is.
    """
    data, shipment = message.data, message.data.shipment
    about = parcel(data.order, shipment) | {"reason": reason(data.reason)}
    if not (shipment.id or shipment.tracking_number or shipment.tracking_url):
        about["unnamed"] = True
    return order_fact(message, event, "returned", **about)


handler = PrintfulTopic("printful.package_returned", PackageEvent, decide)
