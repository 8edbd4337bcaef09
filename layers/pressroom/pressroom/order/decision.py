"""A decision: the facts that an event adds to an order, and the deliveries that they cause. Made by pure functions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from pressroom.order.facts import Fact
from pressroom.order.outbox import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The result of an event: facts about one order, and the deliveries that they cause.

    `ended` is a delivery whose end the facts report: its row is written with them. `tracking_wait_expired` are parcels
    of which the shop is notified now, with or without tracking. `at` is the time of the decision, if its facts are
    older or there are none. `emails` are the customer's addresses by which the order is to be found: only their
    digests are written.
    """

    order_id: str
    facts: tuple[Fact, ...]
    deliveries: tuple[Delivery, ...] = ()
    ended: Delivery | None = None
    tracking_wait_expired: tuple[str, ...] = ()
    at: str = ""
    emails: tuple[str, ...] = ()


type Decide = Callable[[list[Fact]], Decision]
"""Decides on the known facts of an order."""


class Undecided(NamedTuple):
    """A decision that depends on the facts of its order at the time of the write, so it is made then."""

    order_id: str
    decide: Decide
