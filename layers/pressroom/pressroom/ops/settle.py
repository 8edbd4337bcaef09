"""Settling a dead delivery by hand: an operator states its outcome, and it needs no more attention."""

from dataclasses import replace
from datetime import datetime
from typing import Literal

from pressroom.delivery.outcome import conclude
from pressroom.ops import actions, dead_letters
from pressroom.order.outbox import Delivery, State
from pressroom.providers.follow_ups import FOLLOW_UPS


def settle(delivery: Delivery, outcome: Literal["done", "dropped"], *, by: str, now: datetime) -> bool:
    """Record the outcome of a dead delivery; return False if it is not dead.

    `done`: the destination has received it after all. `dropped`: it need not be sent.
    """
    if delivery.state is not State.DEAD:
        return False
    if outcome == "done":
        unknown = {"uid_known": False} if delivery.operation == "create_order" else {}
        ended = replace(delivery, state=State.DELIVERED, last_error=None, answer_lost=False)
        conclude(ended, "sent", FOLLOW_UPS, source="ops", **unknown)
    else:
        reason = "settled by hand"
        withdrawn = replace(delivery, state=State.WITHDRAWN, last_error=reason)
        conclude(withdrawn, "withdrawn", FOLLOW_UPS, source="ops", reason=reason)
    dead_letters.delete_of(delivery)
    actions.record(f"settle:{outcome}", delivery.id, by=by, now=now)
    return True
