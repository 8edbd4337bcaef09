"""What the OMS is sent of a shop's order: its personalised lines, each with its design, and what changes in them."""

from collections.abc import Collection

from pressroom.order.facts import Fact, destination_of
from pressroom.order.messages import Change, Earlier, Message, content_digest
from pressroom.order.shop_order import LineItem, OrderPaid
from pressroom.platform.errors import Unprocessable
from pressroom.providers.oms import messages

PRINTER = "oms"


def create(order: OrderPaid, line_ids: Collection[str], earlier: Earlier) -> Message | None:
    """Return the order for those of its lines that have a design; None if there are none."""
    lines = _designed(_with_designs(order, line_ids, earlier))
    if not lines:
        return None
    message = messages.Order.of(order, list(lines.items()))
    return Message(lines, message.body(), _digest_of_items(message))


def change(order: OrderPaid, line_ids: Collection[str], earlier: Earlier, known: list[Fact]) -> Change:
    """Return what to send to change the order; nothing if the OMS was not sent it.

    Items that the OMS has already are left out: nobody knows what it makes of them. Where a design is not known any
    more, the items can't be sent.
    """
    if not _was_created(known):
        return Change(not_sent=False)
    lines = _with_designs(order, line_ids, earlier)
    designed = _designed(lines)
    message = messages.OrderUpdate.of(order, list(designed.items()))
    items = _digest_of_items(message) if len(designed) == len(lines) else None
    sent = {each.data.get("contents", {}).get(PRINTER) for each in known if each.kind in ("paid", "updated")} - {None}
    by_hand = any(each.kind == "routed" and each.data["destination"] == PRINTER for each in known)
    if items is None or (sent == {items} and not by_hand):
        message = message.model_copy(update={"items": None})
    return Change(not_sent=items is None, message=Message(designed, message.body(), items))


def cancel(known: list[Fact]) -> bytes | None:
    """Return what to send to delete the order at the OMS; None if it was not sent there."""
    return b"{}" if _was_created(known) else None


def by_hand(
    order: OrderPaid,
    line_id: str,
    line_ids: Collection[str],
    earlier: Earlier,
    known: list[Fact],
) -> Message | None:
    """Return the order for one line that was routed by hand. Raises Unprocessable if that has no design."""
    message = create(order, [line_id], earlier)
    if message is None:
        raise Unprocessable("the line has no personalization, which the OMS needs")
    return message._replace(digest=None)


def _was_created(known: list[Fact]) -> bool:
    """Tell whether the OMS was, or will be, sent the order."""
    return any(
        destination_of(delivery_id) == PRINTER
        for each in known
        if each.kind in ("paid", "routed")
        for delivery_id in each.data["deliveries"]
    )


def _with_designs(order: OrderPaid, line_ids: Collection[str], earlier: Earlier) -> dict[str, LineItem]:
    """Return those of the lines that the order still has, each with its design if that is known.

    A shop may leave out a design that has not changed: it is the latest one that it sent `earlier`, for the same SKU.
    """
    wanted = frozenset(line_ids)
    lines = {each: line for each, line in order.lines().items() if each in wanted}
    before = iter(earlier())
    while lacking := [each for each, line in lines.items() if line.personalization is None]:
        described = next(before, None)
        if described is None:
            break
        known = described.lines()
        for each in lacking:
            if each in known and known[each].sku == lines[each].sku:
                lines[each] = lines[each].model_copy(update={"personalization": known[each].personalization})
    return lines


def _designed(lines: dict[str, LineItem]) -> dict[str, LineItem]:
    return {each: line for each, line in lines.items() if line.personalization}


def _digest_of_items(message: messages.OrderUpdate) -> str:
    return content_digest(message.model_dump_json(include={"items"}).encode())
