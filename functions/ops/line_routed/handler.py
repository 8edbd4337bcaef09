"""A person has given a line that no rule wanted to a printer."""

from functools import partial

from pressroom import shop
from pressroom.inbox import Event
from pressroom.models.ops import LineRouted
from pressroom.record import Undecided
from pressroom.topic import Topic


def decide(wanted: LineRouted, event: Event) -> Undecided:
    """Decide once it is known what else is known of the order."""
    return Undecided(wanted.order_id, partial(shop.routed, wanted, event))


handler = Topic("ops.line_routed", LineRouted, decide)
