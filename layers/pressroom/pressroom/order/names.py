"""Ids of records. Light: the standard library only.

The record of an order has the shop's id of it. A printer's order without such an id has a record of its own:
`<printer>:<the printer's id>`.
"""

from pressroom.partners import PRINTERS


def record_id(printer: str, number: str) -> str:
    """Return the id of a printer's own record."""
    return f"{printer}:{number}"


def begins_like_a_record(order_id: str) -> bool:
    """Return whether an id is, or could be taken for, that of a printer's own record."""
    printer, colon, _ = order_id.partition(":")
    return bool(colon) and printer in PRINTERS
