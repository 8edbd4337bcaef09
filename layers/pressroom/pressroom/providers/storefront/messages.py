"""Validating the shop's messages before they are stored: the response lists every error at once."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from pressroom.order.names import begins_like_a_record
from pressroom.order.shop_order import OrderCanceled, OrderPaid, OrderUpdated, normal_form
from pressroom.platform import wire
from pressroom.platform.errors import Refused

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


def read(body: bytes) -> dict[str, Any]:
    """Read a body as a JSON object. Raises Refused for anything else."""
    try:
        content = wire.parse(body)
    except ValueError as error:
        raise refused([("", "The body is not JSON in UTF-8, or is nested too deeply.")]) from error
    if not isinstance(content, dict):
        raise refused([("", "The body is not a JSON object.")])
    return content


def check(topic: str, content: dict[str, Any]) -> OrderPaid | OrderUpdated | OrderCanceled:
    """Read a message with a topic in MESSAGES. Raises Refused with all of its errors, but never with its values."""
    try:
        message = MESSAGES[topic].model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_FAULTS]
        raise refused(
            [
                (
                    ".".join(map(str, fault["loc"])),
                    _JSON_MESSAGES.get(fault["type"], fault["msg"].removeprefix("Value error, ")),
                )
                for fault in found
            ],
            {f"{topic} {_path(fault['loc'])}: {fault['type'].replace('_', ' ')}" for fault in found},
        ) from error
    if begins_like_a_record(str(message.id)):  # only here, so that an order from before this rule can still be read
        fault = ("id", "must not begin with the name of a printer and a colon, as a printer's own record does")
        raise refused([fault], (f"{topic} id: like a printer's record",))
    return message


def payment(body: bytes) -> object:
    """Return the normal form of an `order_paid`; its JSON if an older version stored it and this one can't read it."""
    content = wire.parse(body)
    try:
        return normal_form(OrderPaid.model_validate(content))
    except ValidationError:
        return content


def _path(place: tuple[int | str, ...]) -> str:
    """Return the path of a field without the positions in lists."""
    return ".".join("[]" if isinstance(step, int) else step for step in place).replace(".[]", "[]")


def refused(faults: list[tuple[str, str]], reasons: Iterable[str] = ("body: not a JSON object",)) -> Refused:
    """Return the refusal of a message, given (field, message) for each error, and what it is counted by."""
    return Refused("invalid", [{"field": field, "message": message} for field, message in faults], reasons=reasons)
