"""The shop's webhooks, in the format it already speaks to Camaloon: the same headers, the same body, another URL."""

from pydantic import ValidationError

from pressroom import config, wire
from pressroom.errors import Refused, Unauthorized
from pressroom.inbox import Webhook
from pressroom.models.storefront import OrderPaid
from pressroom.receive import Request, receiver
from pressroom.signing import is_camaloon_signature

_MOST_FAULTS = 500
"""How many errors are told at once: an answer of Lambda's holds 6 MB at most."""


@receiver("storefront", success=202)
def handler(request: Request) -> Webhook:
    """Accept a signed message; the shop is told everything that is wrong with an order before it is accepted.

    An order is paid once: its identity is its id, so the same order with other contents is kept beside the first as
    a conflict and never sent on. Every other topic is identified by its contents.
    """
    given = request.headers.get("x-camaloon-hmac-sha256")
    if not config.secret("STOREFRONT_SECRET_ARN").matches(lambda s: is_camaloon_signature(given, request.body, s)):
        raise Unauthorized
    topic = request.topic()
    if not topic:
        raise _refused([("X-CAMALOON-TOPIC", "The header is required.")])
    try:
        content = wire.parse(request.body)
    except ValueError as error:
        raise _refused([("", "The body is not JSON in UTF-8, or is nested too deeply.")]) from error
    if not isinstance(content, dict):
        raise _refused([("", "The body is not a JSON object.")])
    if topic != "order_paid":
        return Webhook(topic=topic, identity=wire.canonical([topic, content]), body=request.body)
    try:
        order = OrderPaid.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_FAULTS]
        raise _refused(
            [(".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, ")) for fault in found]
        ) from error
    return Webhook(
        topic=topic,
        identity=wire.canonical([topic, str(order.id)]),
        exclusive=True,
        body=request.body,
    )


def _refused(faults: list[tuple[str, str]]) -> Refused:
    return Refused("invalid", [{"field": field, "message": message} for field, message in faults])
