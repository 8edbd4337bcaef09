"""The shop has changed an order: the OMS is told what it allows; what Camaloon has can't be changed any more."""

from functools import partial

from pressroom import shop
from pressroom.inbox import Event
from pressroom.models.storefront import OrderUpdated
from pressroom.record import Undecided
from pressroom.topic import Topic


def decide(order: OrderUpdated, event: Event) -> Undecided:
    """Decide once it is known what else is known of the order."""
    return Undecided(str(order.id), partial(shop.updated, order, event))


handler = Topic("storefront.order_updated", OrderUpdated, decide)
