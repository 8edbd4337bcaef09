"""The shop has changed an order: printers that accept changes get the update; for the others it is too late."""

from functools import partial

from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order import routing
from pressroom.order.decision import Undecided
from pressroom.order.shop_order import OrderUpdated
from pressroom.providers.storefront import decisions


def decide(order: OrderUpdated, event: Event) -> Undecided:
    """Return a decision that is completed with the order's known facts."""
    return Undecided(str(order.id), partial(decisions.updated, order, event, routing.configured(), events.get))


handler = Topic("storefront.order_updated", OrderUpdated, decide)
