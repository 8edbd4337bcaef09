"""Camaloon has handed a parcel to the carrier; it holds all or some of the pieces of Camaloon's lines."""

from typing import Any

from pressroom.inbox.events import Event
from pressroom.inbox.facts import fact, order_id_of
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Decision
from pressroom.providers.camaloon.messages import ShipmentSent
from pressroom.providers.camaloon.parcels import parcel_id


def decide(shipment: ShipmentSent, event: Event) -> Decision:
    """Report a parcel. Camaloon sends no time, so the parcel has the time of the webhook."""
    lines = [(line.sku, line.quantity) for line in shipment.line_items]
    data: dict[str, Any] = {
        "provider": "camaloon",
        "parcel": parcel_id(shipment.tracking_number, shipment.tracking_url, lines),
        "carrier": None,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines if quantity],
    }
    if shipment.notify_customer is not None:
        data["notify_customer"] = shipment.notify_customer
    return Decision(order_id=order_id_of("camaloon", shipment.order_id, ""), facts=(fact(event, "shipped", data),))


handler = Topic("camaloon.shipment_sent", ShipmentSent, decide)
