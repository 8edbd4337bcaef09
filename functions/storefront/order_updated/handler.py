"""The shop has changed an order: the OMS is told what it allows; what Camaloon has can't be changed any more."""

from functools import partial

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Undecided
from pressroom.order.shop_order import OrderUpdated
from pressroom.providers.storefront import decisions


def decide(order: OrderUpdated, event: Event) -> Undecided:
    """Decide once it is known what else is known of the order."""
    return Undecided(str(order.id), partial(decisions.updated, order, event))


handler = Topic("storefront.order_updated", OrderUpdated, decide)
