"""A person has chosen the printer of a line that no routing rule matched."""

from functools import partial

from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Undecided
from pressroom.providers.storefront import decisions
from pressroom.providers.storefront.line_routed import LineRouted


def decide(wanted: LineRouted, event: Event) -> Undecided:
    """Return a decision that is completed with the order's known facts."""
    return Undecided(wanted.order_id, partial(decisions.routed, wanted, event, events.get))


handler = Topic("ops.line_routed", LineRouted, decide)
