"""The shop has canceled an order: pending deliveries are not sent, and printers that allow it get a cancellation."""

from functools import partial

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Undecided
from pressroom.order.shop_order import OrderCanceled
from pressroom.providers.storefront import decisions


def decide(order: OrderCanceled, event: Event) -> Undecided:
    """Return a decision that is completed with the order's known facts."""
    return Undecided(str(order.id), partial(decisions.canceled, order, event))


handler = Topic("storefront.order_canceled", OrderCanceled, decide)
