"""Receives the shop's webhooks, in the format that it uses for Camaloon: the same headers and body, another URL."""

from typing import Any

from pydantic import ValidationError

from pressroom.inbox.events import Webhook
from pressroom.inbox.receiver import Request, receiver
from pressroom.order.shop_order import OrderCanceled, OrderPaid, OrderUpdated
from pressroom.platform import wire
from pressroom.platform.errors import Refused
from pressroom.platform.signing import is_camaloon_signature

MESSAGES: dict[str, type[OrderPaid | OrderUpdated | OrderCanceled]] = {
    "order_paid": OrderPaid,
    "order_updated": OrderUpdated,
    "order_canceled": OrderCanceled,
}
"""The topics whose messages are validated before they are stored. Every other topic is stored as it is."""
ONCE = frozenset({"order_paid", "order_canceled"})
"""Topics that an order has only once, whatever a second message holds."""

_MOST_FAULTS = 500
"""The most errors in one response: a response of a Lambda holds at most 6 MB."""
_JSON_MESSAGES = {"model_type": "Input should be an object", "dict_type": "Input should be an object"}


@receiver("storefront", success=202)
def handler(request: Request) -> Webhook:
    """Accept a signed and valid message; the response to an invalid one lists all of its errors.

    A topic in ONCE is identified by its order. A second payment with other contents is stored as a conflict and never
    sent to a printer; a second cancellation changes nothing, whatever it holds. Every other message is identified by
    its contents: two updates differ by their `updated_at`.
    """
    given = request.headers.get("x-camaloon-hmac-sha256")
    request.authenticate("STOREFRONT_SECRET_ARN", lambda secrets: is_camaloon_signature(given, request.body, secrets))
    topic = request.topic()
    if not topic:
        raise _refused([("X-CAMALOON-TOPIC", "The header is required.")])
    content = read(request.body)
    message = check(topic, content) if topic in MESSAGES else None
    return Webhook(
        topic=topic,
        identity=wire.canonical([topic, str(message.id) if message and topic in ONCE else content]),
        exclusive=topic == "order_paid",
        body=request.body,
    )


def read(body: bytes) -> dict[str, Any]:
    """Read a body as a JSON object. Raises Refused for anything else."""
    try:
        content = wire.parse(body)
    except ValueError as error:
        raise _refused([("", "The body is not JSON in UTF-8, or is nested too deeply.")]) from error
    if not isinstance(content, dict):
        raise _refused([("", "The body is not a JSON object.")])
    return content


def check(topic: str, content: dict[str, Any]) -> OrderPaid | OrderUpdated | OrderCanceled:
    """Read a message with a topic in MESSAGES. Raises Refused with all of its errors, but never with its values."""
    try:
        return MESSAGES[topic].model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_FAULTS]
        raise _refused(
            [
                (
                    ".".join(map(str, fault["loc"])),
                    _JSON_MESSAGES.get(fault["type"], fault["msg"].removeprefix("Value error, ")),
                )
                for fault in found
            ]
        ) from error


def _refused(faults: list[tuple[str, str]]) -> Refused:
    return Refused("invalid", [{"field": field, "message": message} for field, message in faults])
