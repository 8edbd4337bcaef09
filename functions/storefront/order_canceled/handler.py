"""The shop has canceled an order: what has not been sent is not sent, and the OMS is told to delete what it has."""

from functools import partial

from pressroom import shop
from pressroom.inbox import Event
from pressroom.models.storefront import OrderCanceled
from pressroom.record import Undecided
from pressroom.topic import Topic


def decide(order: OrderCanceled, event: Event) -> Undecided:
    """Decide once it is known what else is known of the order."""
    return Undecided(str(order.id), partial(shop.canceled, order, event))


handler = Topic("storefront.order_canceled", OrderCanceled, decide)
