"""What is sent to the OMS for a shop's order: its personalised lines with their designs, and their changes."""

from collections.abc import Collection

from pressroom.order.facts import Fact, destination_of
from pressroom.order.messages import Change, Earlier, Message, content_digest, with_designs
from pressroom.order.shop_order import LineItem, OrderPaid
from pressroom.platform.errors import Unprocessable
from pressroom.providers.oms import messages

PRINTER = "oms"


def create(order: OrderPaid, line_ids: Collection[str], earlier: Earlier) -> Message | None:
    """Return the order with those of the given lines that have a design; None if there are none."""
    lines = _designed(with_designs(order, line_ids, earlier))
    if not lines:
        return None
    message = messages.Order.of(order, list(lines.items()))
    return Message(lines, message.body(), _digest_of_items(message))


def change(order: OrderPaid, line_ids: Collection[str], earlier: Earlier, known: list[Fact]) -> Change:
    """Return the message that changes the order; none if the order was not sent to the OMS.

    Unchanged items are left out: how the OMS processes them is undocumented. If the design of an item is unknown, no
    items can be sent.
    """
    if not _was_created(known):
        return Change(not_sent=False)
    lines = with_designs(order, line_ids, earlier)
    designed = _designed(lines)
    message = messages.OrderUpdate.of(order, list(designed.items()))
    items = _digest_of_items(message) if len(designed) == len(lines) else None
    sent = {each.data.get("contents", {}).get(PRINTER) for each in known if each.kind in ("paid", "updated")} - {None}
    has_routed_line = any(each.kind == "routed" and each.data["destination"] == PRINTER for each in known)
    if items is None or (sent == {items} and not has_routed_line):
        message = message.model_copy(update={"items": None})
    return Change(not_sent=items is None, message=Message(designed, message.body(), items))


def cancel(known: list[Fact]) -> bytes | None:
    """Return the message that deletes the order at the OMS; None if it was not sent there."""
    return b"{}" if _was_created(known) else None


def add_lines(
    order: OrderPaid,
    new: Collection[str],
    line_ids: Collection[str],
    earlier: Earlier,
    known: list[Fact],
) -> Message | None:
    """Return the order with lines that were routed here later. Raises Unprocessable if none of them has a design."""
    message = create(order, new, earlier)
    if message is None:
        raise Unprocessable("the line has no personalization, which the OMS needs")
    return message._replace(digest=None)


def _was_created(known: list[Fact]) -> bool:
    """Return whether the order was, or will be, sent to the OMS."""
    return any(
        destination_of(delivery_id) == PRINTER
        for each in known
        if each.kind in ("paid", "routed")
        for delivery_id in each.data["deliveries"]
    )


def _designed(lines: dict[str, LineItem]) -> dict[str, LineItem]:
    return {each: line for each, line in lines.items() if line.personalization}


def _digest_of_items(message: messages.OrderUpdate) -> str:
    return content_digest(message.model_dump_json(include={"items"}).encode())
