"""Printful refunded money for an order."""

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.codes import rounded
from pressroom.order.decision import Decision
from pressroom.providers.printful import stores
from pressroom.providers.printful.facts import order_fact
from pressroom.providers.printful.messages import OrderEvent


def decide(message: OrderEvent, event: Event) -> Decision:
    """Report the refund. Its currency is that of the order's costs, which may be missing."""
    data = message.data
    currency = data.order.costs.currency if data.order.costs else None
    amount = None if data.amount is None else str(rounded(data.amount, currency))
    return order_fact(message, event, "refunded", amount=amount, currency=currency)


handler = Topic("printful.order_refunded", OrderEvent, decide, check=stores.check)
