"""An order as the OMS has it, for a person who asks: `GET /orders/{uid}` for each order that the OMS has for it.

The answer may hold personal data. It is shown, and neither stored nor logged.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from pressroom.order import repository
from pressroom.platform import config, wire
from pressroom.platform.errors import DeliveryError
from pressroom.providers.oms import client
from pressroom.providers.oms.orders import state_from

LAST_START = timedelta(seconds=4)
"""After this time no further order is asked for: a call may take 23 seconds, and the gateway waits for 30."""
LONGEST_TEXT = 2000
"""Characters of a text in an answer: a design may have megabytes, and a response of Lambda has 6 MB at most."""

type Answer = dict[str, Any]


def show(order_id: str) -> Answer | None:
    """Return `{"uid_unknown", "orders": [{"uid", "order", "problem"}]}`; None if Pressroom has no such order.

    `order` is the OMS's own answer; it is None if there is a `problem`.
    """
    row = repository.get(order_id)
    if row is None:
        return None
    state, last_start = state_from(row.facts), config.utcnow() + LAST_START
    return {
        "uid_unknown": state.has_unknown_uid,
        "orders": [_asked(uid, last_start) for uid in state.uids],
    }


def _asked(uid: str, last_start: datetime) -> Answer:
    if config.utcnow() > last_start:
        return {"uid": uid, "order": None, "problem": "the OMS answers too slowly to be asked for all orders at once"}
    try:
        order = client.get_order(uid)
    except DeliveryError as error:
        return {"uid": uid, "order": None, "problem": error.reason}
    if order is None:
        return {"uid": uid, "order": None, "problem": "the OMS has no such order"}
    return {"uid": uid, "order": json.loads(wire.write(_shortened(order))), "problem": None}


def _shortened(node: Any) -> Any:
    match node:
        case dict():
            return {name: _shortened(value) for name, value in node.items()}
        case list():
            return [_shortened(value) for value in node]
        case str() if len(node) > LONGEST_TEXT:
            return f"{node[:LONGEST_TEXT]}… ({len(node)} characters)"
        case _:
            return node
