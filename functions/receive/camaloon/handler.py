"""Receives Camaloon's webhooks. They are signed like those that Pressroom sends to Camaloon.

Camaloon's back office has one endpoint per event; all of them use this URL.

Camaloon sends no event id and no time. A shipment is identified by the order, the tracking and the contents (field
notes); every other genuine message by its topic and its bytes.
"""

from pressroom.inbox.events import Webhook
from pressroom.inbox.receiver import Request, receiver
from pressroom.platform import wire
from pressroom.platform.signing import is_camaloon_signature
from pressroom.providers.camaloon.parcels import parcel_id


@receiver("camaloon", success=200)
def handler(request: Request) -> Webhook:
    """Accept every request with Camaloon's signature, whatever its body.

    Never respond with 410: Camaloon would remove the webhook.
    """
    given = request.headers.get("x-camaloon-hmac-sha256")
    request.authenticate("CAMALOON_SECRET_ARN", lambda secrets: is_camaloon_signature(given, request.body, secrets))
    topic = request.topic()
    return Webhook(topic=topic, identity=_identity(topic, request.body), body=request.body)


def _identity(topic: str, body: bytes) -> str:
    if topic == "shipment_sent":
        try:
            shipment = wire.parse(body)
            lines = [(line["sku"], line["quantity"]) for line in shipment["line_items"]]
            parcel = parcel_id(shipment.get("tracking_number"), shipment.get("tracking_url"), lines)
            return wire.canonical([topic, str(shipment["order_id"]), parcel])
        except (ValueError, TypeError, KeyError, AttributeError):
            pass  # Not a shipment as documented, but genuine: it is stored, and its topic parks it.
    return wire.canonical([topic, body.hex()])
