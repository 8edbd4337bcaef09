"""The shop has canceled an order: what was not sent is not sent, and printers that allow it cancel what they have."""

from functools import partial

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Undecided
from pressroom.order.shop_order import OrderCanceled
from pressroom.providers.storefront import decisions


def decide(order: OrderCanceled, event: Event) -> Undecided:
    """Decide when it is known what else is known of the order."""
    return Undecided(str(order.id), partial(decisions.canceled, order, event))


handler = Topic("storefront.order_canceled", OrderCanceled, decide)
