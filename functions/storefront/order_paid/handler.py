"""The shop has been paid: the order's record begins (or is completed), and its lines go to their printers."""

from functools import partial

from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order import routing
from pressroom.order.decision import Undecided
from pressroom.order.shop_order import OrderPaid
from pressroom.providers.storefront import decisions


def decide(order: OrderPaid, event: Event) -> Undecided:
    """Decide when it is known what else is known of the order."""
    return Undecided(str(order.id), partial(decisions.paid, order, event, routing.configured(), events.get))


handler = Topic("storefront.order_paid", OrderPaid, decide)
