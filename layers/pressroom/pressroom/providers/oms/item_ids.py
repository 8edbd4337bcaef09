"""The names of order items at the OMS: it knows an item by ours alone, over the whole shop and in an URL's path."""

import re

_OTHERS = re.compile(rb"[^A-Za-z0-9_.-]")
_ESCAPE = re.compile("~([0-9a-f]{2})")
_NAME = re.compile("((?:[A-Za-z0-9_.-]|~[0-9a-f]{2})+):((?:[A-Za-z0-9_.-]|~[0-9a-f]{2})+)")


def item_id(order_id: str, line_id: str) -> str:
    """Return the name of an order's line, neither of them empty: `1001:1`. No other line of any order has it."""
    return f"{_encode(order_id)}:{_encode(line_id)}"


def parse(item_id: str) -> tuple[str, str] | None:
    """Return the order and the line of a name, or None for what `item_id` would not have written."""
    if not (match := _NAME.fullmatch(item_id)):
        return None
    try:
        order_id, line_id = map(_decode, match.groups())
    except UnicodeDecodeError:
        return None
    # What need not be escaped may be, and would be a second name for the same line.
    return (order_id, line_id) if match.groups() == (_encode(order_id), _encode(line_id)) else None


def _encode(text: str) -> str:
    return _OTHERS.sub(lambda other: b"~%02x" % ord(other[0]), text.encode()).decode()


def _decode(text: str) -> str:
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text).encode("latin-1").decode()
