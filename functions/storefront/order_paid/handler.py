"""The shop has been paid: the order's record begins (or is completed), and its lines go to whoever prints them."""

from functools import partial

from pressroom import routing, shop
from pressroom.inbox import Event
from pressroom.models.storefront import OrderPaid
from pressroom.record import Undecided
from pressroom.topic import Topic


def decide(order: OrderPaid, event: Event) -> Undecided:
    """Decide once it is known what else is known of the order."""
    return Undecided(str(order.id), partial(shop.paid, order, event, routing.configured()))


handler = Topic("storefront.order_paid", OrderPaid, decide)
