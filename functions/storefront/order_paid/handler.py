"""An order was paid: its record is created (or completed), and its lines are sent to their printers."""

from functools import partial

from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order import routing
from pressroom.order.decision import Undecided
from pressroom.order.shop_order import OrderPaid
from pressroom.providers.storefront import decisions


def decide(order: OrderPaid, event: Event) -> Undecided:
    """Return a decision that is completed with the order's known facts."""
    return Undecided(str(order.id), partial(decisions.paid, order, event, routing.configured(), events.get))


handler = Topic("storefront.order_paid", OrderPaid, decide)
