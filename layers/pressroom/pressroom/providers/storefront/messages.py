"""Validating the shop's messages before they are stored: the response lists every error at once."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from pressroom.order.names import begins_like_a_record
from pressroom.order.routing import Routing, route_line
from pressroom.order.shop_order import (
    LineItem,
    OrderCanceled,
    OrderPaid,
    OrderUpdated,
    ShippingAddress,
    is_empty,
    normal_form,
)
from pressroom.partners import BY_ID, NAMES, ORDERED
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
_SENTENCES = {
    "missing": "is required",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "list_type": "must be a list",
    "too_short": "must have one line at least",
    "too_long": "must have 1000 lines at most",
}
"""By pydantic's type of a fault, what is wrong; the other faults have a sentence of `shop_order`."""
_PLACE = {
    "address": "must be a street address",
    "city": "must be the name of a city",
    "country_code": "must be an ISO 3166-1 alpha-2 country code, such as ES",
}


def read(body: bytes) -> dict[str, Any]:
    """Read a body as a JSON object. Raises Refused for anything else."""
    try:
        content = wire.parse(body)
    except ValueError as error:
        raise refused([("", "The body is not JSON in UTF-8, or is nested too deeply.")]) from error
    if not isinstance(content, dict):
        raise refused([("", "The body is not a JSON object.")])
    return content


def check(topic: str, content: dict[str, Any], routing: Routing | None) -> OrderPaid | OrderUpdated | OrderCanceled:
    """Read a message with a topic in MESSAGES. Raises Refused with all of its errors, but never with its values.

    What only some printers need (a place to ship to, a price) is required if a line goes to one of them. Without a
    `routing`, it is not.
    """
    message, faults, reasons = None, list[tuple[str, str]](), set[str]()
    try:
        message = MESSAGES[topic].model_validate(content)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_FAULTS]:
            sentence = _SENTENCES.get(fault["type"], fault["msg"].removeprefix("Value error, "))
            faults.append((".".join(map(str, fault["loc"])), sentence))
            reasons.add(f"{topic} {_path(fault['loc'])}: {fault['type'].replace('_', ' ')}")
    if routing and MESSAGES[topic] is not OrderCanceled:
        for field, sentence in _lacking(*_parts(message, content), routing):
            faults.append((".".join(map(str, field)), sentence))
            reasons.add(f"{topic} {_path(field)}: missing")
    if message is None or faults:
        raise refused(faults, reasons)
    if begins_like_a_record(str(message.id)):  # only here, so that an order from before this rule can still be read
        faults = [("id", "must not begin with the name of a printer and a colon, as a printer's own record does")]
        raise refused(faults, (f"{topic} id: like a printer's record",))
    return message


def _parts(
    message: OrderPaid | OrderUpdated | OrderCanceled | None, content: dict[str, Any]
) -> tuple[ShippingAddress, dict[int, LineItem]]:
    """Return the address, and the lines by their places; of an invalid message what can be read of them."""
    if isinstance(message, OrderPaid):
        return message.shipping_info, dict(enumerate(message.line_items))
    address, lines = content.get("shipping_info"), wire.listed(content.get("line_items"))
    readable = {
        place: LineItem.model_validate(line | {"quantity": 1, "price": None if is_empty(line.get("price")) else 0})
        for place, line in enumerate(lines[:_MOST_FAULTS] if isinstance(lines, list) else ())
        if isinstance(line, dict)
    }
    return ShippingAddress.model_validate(address if isinstance(address, dict) else {}), readable


def _lacking(
    address: ShippingAddress, lines: dict[int, LineItem], routing: Routing
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Yield what the printers of the lines need and the order lacks: the path of a field, and what it must be."""
    routes = {place: route_line(line, routing).destination for place, line in lines.items()}
    printers = {place: printer for place, printer in routes.items() if printer and printer in ORDERED}
    names = " and ".join(sorted({NAMES[printer] for printer in printers.values()}))
    if printers:
        for name in address.missing():
            yield ("shipping_info", name), f"{_PLACE[name]}; {names} can't ship without it"
    for place, printer in printers.items():
        if BY_ID[printer].needs_price and lines[place].price is None:
            yield ("line_items", place, "price"), f"is required for a line that {NAMES[printer]} prints"


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
