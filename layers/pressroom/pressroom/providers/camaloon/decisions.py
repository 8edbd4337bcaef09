"""What is sent to Camaloon for a shop's order: the order, once. Camaloon accepts no changes and no cancellations."""

from collections.abc import Collection

from pressroom.order.facts import Fact
from pressroom.order.messages import Change, Earlier, Message, content_digest, digest_sent
from pressroom.order.shop_order import OrderPaid
from pressroom.platform.errors import Unprocessable
from pressroom.providers.camaloon import messages

PRINTER = "camaloon"


def create(order: OrderPaid, line_ids: Collection[str], earlier: Earlier) -> Message | None:
    """Return the order with those of the given lines that it still has, with a SKU; None if it has none of them."""
    lines = {line_id: line for line_id, line in order.lines().items() if line_id in line_ids and line.sku}
    if not lines:
        return None
    message = messages.OrderPaid.of(order, list(lines.values()))
    return Message(lines, message.with_email_of(order.customer).body(), content_digest(message.body()))


def change(order: OrderPaid, line_ids: Collection[str], earlier: Earlier, known: list[Fact]) -> Change:
    """Return whether the order differs from what was sent to Camaloon. Nothing can be sent any more."""
    message = create(order, line_ids, earlier)
    return Change(not_sent=(message.digest if message else None) != digest_sent(known, PRINTER))


def cancel(known: list[Fact]) -> bytes | None:
    """Return None: Camaloon has no cancellation."""
    return None


def add_lines(
    order: OrderPaid,
    new: Collection[str],
    line_ids: Collection[str],
    earlier: Earlier,
    known: list[Fact],
) -> Message | None:
    """Return the order with lines that were routed here later; `line_ids` are the lines that Camaloon already has.

    Raises Unprocessable if none of the lines has a SKU.
    """
    message, before = create(order, new, earlier), create(order, line_ids, earlier)
    if message is None:
        raise Unprocessable("the line has no SKU, by which Camaloon knows what to print")
    if (before.digest if before else None) != digest_sent(known, PRINTER):
        return message._replace(digest=None)
    # Camaloon has the rest of the order in its current form, so with these lines it has the whole order.
    whole = create(order, [*line_ids, *new], earlier)
    return message._replace(digest=whole.digest if whole else None)
