"""The message that a printer is sent for an order, and how a later change is compared with it. Pure."""

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, Protocol

from pressroom.order.facts import Fact, in_order
from pressroom.order.shop_order import LineItem, OrderPaid
from pressroom.platform import table

type Earlier = Callable[[], Iterable[OrderPaid]]
"""Reads how the shop has described the order before, latest first."""


class Message(NamedTuple):
    """The message that a printer is sent for an order: its lines, the delivery's body, and a digest of the contents.

    A later change is compared with the digest of all that the printer has; None if that is not known.
    """

    lines: dict[str, LineItem]
    body: bytes
    digest: str | None


class Change(NamedTuple):
    """A shop's update, for one printer. `not_sent`: parts of the update can't be sent to it any more."""

    not_sent: bool
    message: Message | None = None


def content_digest(content: bytes) -> str:
    """Return the digest of the contents that a printer was sent. Facts store it, so this function never changes."""
    return table.digest(content.decode())[:16]


def digest_sent(known: list[Fact], printer: str) -> str | None:
    """Return the digest of all that a printer was sent; None if it was sent nothing, or nobody knows what."""
    sent = None
    for each in in_order(known):
        if each.kind == "paid" or (each.kind == "routed" and each.data["destination"] == printer):
            sent = each.data.get("contents", {}).get(printer)
    return sent


def with_designs(order: OrderPaid, line_ids: Collection[str], earlier: Earlier) -> dict[str, LineItem]:
    """Return those of the given lines that the order still has, each with its design if that is known.

    A shop may leave out an unchanged design: it is taken from the latest `earlier` message, for the same SKU. If that
    message has a design that can't be used, the line still has one that can't be used.
    """
    wanted = frozenset(line_ids)
    lines = {each: line for each, line in order.lines().items() if each in wanted}
    before = iter(earlier())
    while lacking := [each for each, line in lines.items() if not line.is_personalized]:
        described = next(before, None)
        if described is None:
            break
        known = described.lines()
        for each in lacking:
            if each in known and known[each].sku == lines[each].sku and known[each].is_personalized:
                lines[each] = lines[each].model_copy(
                    update={"personalization": known[each].personalization, "unusable": known[each].unusable}
                )
    return lines


class OrderedPrinter(Protocol):
    """The four questions that the shop's decisions ask of a printer; its module `decisions` answers them."""

    PRINTER: str

    def create(self, order: OrderPaid, line_ids: Collection[str], earlier: Earlier) -> Message | None:
        """Return what to send to have these lines of a paid order printed; None if nothing is to be sent."""

    def change(self, order: OrderPaid, line_ids: Collection[str], earlier: Earlier, known: list[Fact]) -> Change:
        """Return what to send when the shop has changed the order, of which these lines are the printer's."""

    def cancel(self, known: list[Fact]) -> bytes | None:
        """Return what to send when the shop has canceled the order; None if nothing is to be sent."""

    def add_lines(
        self, order: OrderPaid, new: Collection[str], line_ids: Collection[str], earlier: Earlier, known: list[Fact]
    ) -> Message | None:
        """Return what to send for more lines, routed after the payment; `line_ids` are the lines that it has already.

        The digest is that of all that the printer has then. Raises Unprocessable if it can't print any of the lines.
        """
