"""A person has routed a line by hand that no rule matched."""

from functools import partial

from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Undecided
from pressroom.providers.storefront import decisions
from pressroom.providers.storefront.line_routed import LineRouted


def decide(wanted: LineRouted, event: Event) -> Undecided:
    """Decide when it is known what else is known of the order."""
    return Undecided(wanted.order_id, partial(decisions.routed, wanted, event, events.get))


handler = Topic("ops.line_routed", LineRouted, decide)
