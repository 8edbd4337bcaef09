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


class OrderedPrinter(Protocol):
    """The four questions that the shop's decisions ask of a printer; its module `decisions` answers them."""

    PRINTER: str

    def create(self, order: OrderPaid, line_ids: Collection[str], earlier: Earlier) -> Message | None:
        """Return what to send to have these lines of a paid order printed; None if nothing is to be sent."""

    def change(self, order: OrderPaid, line_ids: Collection[str], earlier: Earlier, known: list[Fact]) -> Change:
        """Return what to send when the shop has changed the order, of which these lines are the printer's."""

    def cancel(self, known: list[Fact]) -> bytes | None:
        """Return what to send when the shop has canceled the order; None if nothing is to be sent."""

    def add_line(
        self, order: OrderPaid, line_id: str, line_ids: Collection[str], earlier: Earlier, known: list[Fact]
    ) -> Message | None:
        """Return what to send for one more line, routed by hand; `line_ids` are the lines that it has already.

        The digest is that of all that the printer has then. Raises Unprocessable if it can't print the line.
        """
