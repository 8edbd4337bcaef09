"""What an event means for an order: facts, and what has to be sent because of them. Decided purely, written once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from pressroom.order.facts import Fact
from pressroom.order.outbox import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an event means: facts about one order, and what has to be sent because of them.

    `ended` is a delivery whose end the facts report: its row is written with them. `tracking_wait_expired` are parcels
    of which the shop is notified now, with or without tracking; `at` is the time of that, if there are no facts.
    """

    order_id: str
    facts: tuple[Fact, ...]
    deliveries: tuple[Delivery, ...] = ()
    ended: Delivery | None = None
    tracking_wait_expired: tuple[str, ...] = ()
    at: str = ""


type Decide = Callable[[list[Fact]], Decision]
"""Decides on the known facts of an order."""


class Undecided(NamedTuple):
    """What an event means if that depends on what is known of its order when it is written."""

    order_id: str
    decide: Decide
