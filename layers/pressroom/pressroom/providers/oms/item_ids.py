"""The ids of order items at the OMS. The OMS identifies an item by our id alone, across the shop and in URL paths."""

import re

_OTHERS = re.compile(rb"[^A-Za-z0-9_.-]")
_ESCAPE = re.compile("~([0-9a-f]{2})")
_ITEM_ID = re.compile("((?:[A-Za-z0-9_.-]|~[0-9a-f]{2})+):((?:[A-Za-z0-9_.-]|~[0-9a-f]{2})+)")


def item_id(order_id: str, line_id: str) -> str:
    """Return the id of an order's line: `1001:1`. Neither part may be empty. The id is unique among all lines."""
    return f"{_encode(order_id)}:{_encode(line_id)}"


def parse(item_id: str) -> tuple[str, str] | None:
    """Return the order and the line of an id, or None for a text that `item_id` would not return."""
    if not (match := _ITEM_ID.fullmatch(item_id)):
        return None
    try:
        order_id, line_id = map(_decode, match.groups())
    except UnicodeDecodeError:
        return None
    # An escape that is not needed would give the same line a second id.
    return (order_id, line_id) if match.groups() == (_encode(order_id), _encode(line_id)) else None


def _encode(text: str) -> str:
    return _OTHERS.sub(lambda other: b"~%02x" % ord(other[0]), text.encode()).decode()


def _decode(text: str) -> str:
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text).encode("latin-1").decode()
