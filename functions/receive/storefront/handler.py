"""Receives the shop's webhooks, in the format that it uses for Camaloon: the same headers and body, another URL."""

from pressroom.inbox.events import Webhook
from pressroom.inbox.receiver import Request, receiver
from pressroom.order import routing
from pressroom.order.routing import Routing
from pressroom.platform import wire
from pressroom.platform.signing import is_camaloon_signature
from pressroom.providers.storefront.messages import MESSAGES, ONCE, check, payment, read, refused


@receiver("storefront", success=202)
def handler(request: Request) -> Webhook:
    """Accept a signed and valid message; the response to an invalid one lists all of its errors.

    A topic in ONCE is identified by its order. A second payment that says something else is stored as a conflict and
    never sent to a printer; a second cancellation changes nothing, whatever it holds. Every other message is identified
    by its contents: two updates differ by their `updated_at`.
    """
    given = request.headers.get("x-camaloon-hmac-sha256")
    request.authenticate("STOREFRONT_SECRET_ARN", lambda secrets: is_camaloon_signature(given, request.body, secrets))
    topic = request.topic()
    if not topic:
        raise refused([("X-CAMALOON-TOPIC", "The header is required.")], ("X-CAMALOON-TOPIC: missing",))
    content = read(request.body)
    message = check(topic, content, _routing()) if topic in MESSAGES else None
    return Webhook(
        topic=topic,
        identity=wire.canonical([topic, str(message.id) if message and topic in ONCE else content]),
        normal_form=payment if topic == "order_paid" else None,
        body=request.body,
    )


def _routing() -> Routing | None:
    try:
        return routing.configured()
    except ValueError:  # the order is kept, and its topic reports the invalid rules
        return None
