"""Camaloon has handed a parcel to the carrier; it holds all or some of the pieces that Camaloon prints."""

from pressroom.inbox.events import Event
from pressroom.inbox.facts import fact
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Decision
from pressroom.providers.camaloon.messages import ShipmentSent
from pressroom.providers.camaloon.parcels import camaloon_parcel


def decide(shipment: ShipmentSent, event: Event) -> Decision:
    """Add a parcel. Camaloon says no time, so its arrival here dates it."""
    lines = [(line.sku, line.quantity) for line in shipment.line_items]
    data = {
        "provider": "camaloon",
        "parcel": camaloon_parcel(shipment.tracking_number, shipment.tracking_url, lines),
        "carrier": None,
        "tracking_number": shipment.tracking_number or None,
        "tracking_url": shipment.tracking_url or None,
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
    }
    return Decision(order_id=shipment.order_id, facts=(fact(event, "shipped", data),))


handler = Topic("camaloon.shipment_sent", ShipmentSent, decide)
