"""The shop's webhooks, in the format it already speaks to Camaloon: the same headers, the same body, another URL."""

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
"""What is checked at the door. Every other topic is kept as it is."""
ONCE = frozenset({"order_paid", "order_canceled"})
"""What happens to an order only once, whatever a second message says."""

_MOST_FAULTS = 500
"""How many errors are told at once: an answer of Lambda's holds 6 MB at most."""
_IN_TERMS_OF_JSON = {"model_type": "Input should be an object", "dict_type": "Input should be an object"}


@receiver("storefront", success=202)
def handler(request: Request) -> Webhook:
    """Accept a signed message; the shop is told everything that is wrong with it before it is accepted.

    What happens to an order only once is identified by the order. A payment with other contents is kept beside the
    first as a conflict and never sent on; a second cancellation cancels nothing more, whatever it holds. All else is
    identified by its contents: two updates differ by their `updated_at`.
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
    """Read a body as a JSON object. Raises Refused for all else."""
    try:
        content = wire.parse(body)
    except ValueError as error:
        raise _refused([("", "The body is not JSON in UTF-8, or is nested too deeply.")]) from error
    if not isinstance(content, dict):
        raise _refused([("", "The body is not a JSON object.")])
    return content


def check(topic: str, content: dict[str, Any]) -> OrderPaid | OrderUpdated | OrderCanceled:
    """Read a message of one of MESSAGES. Raises Refused with all that is wrong with it, never with what it holds."""
    try:
        return MESSAGES[topic].model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_FAULTS]
        raise _refused(
            [
                (
                    ".".join(map(str, fault["loc"])),
                    _IN_TERMS_OF_JSON.get(fault["type"], fault["msg"].removeprefix("Value error, ")),
                )
                for fault in found
            ]
        ) from error


def _refused(faults: list[tuple[str, str]]) -> Refused:
    return Refused("invalid", [{"field": field, "message": message} for field, message in faults])
