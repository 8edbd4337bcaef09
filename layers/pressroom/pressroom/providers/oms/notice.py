"""The webhook that the OMS sends when a print file is ready. Its document does not describe the body.

So any JSON is accepted. A notice is a hint to poll the order items that it names, anywhere in its body; the status that
it states is ignored. The fields below are those of the answer to a print file request. Other fields are reported as
drift, so that `GET /drift` shows what the OMS really sends.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import model_validator

from pressroom.inbox.inbound import Inbound
from pressroom.platform.wire import is_name
from pressroom.providers.oms import item_ids

_ORDER = "ecommerce_order_id"


class Notice(Inbound):
    """A notice. A body that is not an object becomes the value of one field."""

    ecommerce_order_item_id: Any = None
    ecommerce_order_id: Any = None
    status: Any = None
    url: Any = None

    @model_validator(mode="before")
    @classmethod
    def _of_anything(cls, content: object) -> object:
        return content if isinstance(content, dict) else {"(no object)": content}

    def orders(self) -> dict[str, frozenset[str]]:
        """Return the named lines by order; an empty set for an order that is named as a whole."""
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
    """Return all values, and all field names as values, each with the field that contains it."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield "", name
            yield from _values(value, name)
    elif isinstance(content, list):
        for each in content:
            yield from _values(each, field)
    else:
        yield field, content
