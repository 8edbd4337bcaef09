"""A person has given a line that no rule wanted to a printer."""

from functools import partial

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Undecided
from pressroom.providers.storefront import decisions
from pressroom.providers.storefront.line_routed import LineRouted


def decide(wanted: LineRouted, event: Event) -> Undecided:
    """Decide once it is known what else is known of the order."""
    return Undecided(wanted.order_id, partial(decisions.routed, wanted, event))


handler = Topic("ops.line_routed", LineRouted, decide)
