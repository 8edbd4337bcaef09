"""Camaloon's webhooks: signed like ours to them, one endpoint per event in its back office, all pointed here.

Camaloon sends no event id and no time. What makes a shipment this shipment is the order, the tracking and the
contents (field notes); every other genuine message is identified by its topic and its bytes.
"""

from pressroom.inbox.events import Webhook
from pressroom.inbox.receiver import Request, receiver
from pressroom.platform import wire
from pressroom.platform.signing import is_camaloon_signature
from pressroom.providers.camaloon.parcels import camaloon_parcel


@receiver("camaloon", success=200)
def handler(request: Request) -> Webhook:
    """Accept what carries Camaloon's signature, whatever it holds: never 410, which would remove the webhook."""
    given = request.headers.get("x-camaloon-hmac-sha256")
    request.authenticate("CAMALOON_SECRET_ARN", lambda secrets: is_camaloon_signature(given, request.body, secrets))
    topic = request.topic()
    return Webhook(topic=topic, identity=_identity(topic, request.body), body=request.body)


def _identity(topic: str, body: bytes) -> str:
    if topic == "shipment_sent":
        try:
            shipment = wire.parse(body)
            lines = [(line["sku"], line["quantity"]) for line in shipment["line_items"]]
            parcel = camaloon_parcel(shipment.get("tracking_number"), shipment.get("tracking_url"), lines)
            return wire.canonical([topic, str(shipment["order_id"]), parcel])
        except (ValueError, TypeError, KeyError, AttributeError):
            pass  # Not a shipment as documented: genuine all the same, so it is kept, and its topic will park it.
    return wire.canonical([topic, body.hex()])
