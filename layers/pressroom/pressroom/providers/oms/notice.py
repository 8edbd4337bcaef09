"""What the OMS sends when a print file is ready. Its document promises such a webhook and says nothing of its body.

So any JSON is one. It is taken for a hint about the order items that it names, wherever in it they stand, and nothing
that it says of their state is believed. The fields below are those of the answer to a question for a print file; what
else is there is drift, so that `GET /drift` shows what the OMS really sends.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import model_validator

from pressroom.inbox.inbound import Inbound
from pressroom.platform.wire import is_name
from pressroom.providers.oms import item_ids

_ORDER = "ecommerce_order_id"


class Notice(Inbound):
    """A notice; one that is no object is the only field of one."""

    ecommerce_order_item_id: Any = None
    ecommerce_order_id: Any = None
    status: Any = None
    url: Any = None

    @model_validator(mode="before")
    @classmethod
    def _of_anything(cls, content: object) -> object:
        return content if isinstance(content, dict) else {"(no object)": content}

    def orders(self) -> dict[str, frozenset[str]]:
        """Return the lines that are named by order; none stand for all of an order that is named itself."""
        lines: dict[str, set[str]] = {}
        whole = set[str]()
        for field, value in _values(dict(self)):
            item = item_ids.parse(value) if isinstance(value, str) else None
            if item and all(map(is_name, item)):
                lines.setdefault(item[0], set()).add(item[1])
            elif field == _ORDER and is_name(value):
                whole.add(str(value))
        return {order_id: frozenset(named) for order_id, named in lines.items()} | dict.fromkeys(whole, frozenset())


def _values(content: Any, field: str = "") -> Iterator[tuple[str, object]]:
    """Return all values, and the names of fields as if they were values, each with the field it stands in."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield "", name
            yield from _values(value, name)
    elif isinstance(content, list):
        for each in content:
            yield from _values(each, field)
    else:
        yield field, content
