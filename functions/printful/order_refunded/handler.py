"""Printful gave money back for an order."""

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.order.decision import Decision
from pressroom.providers.printful.facts import told
from pressroom.providers.printful.messages import OrderTold


def decide(message: OrderTold, event: Event) -> Decision:
    """Note the refund; its currency is that of the order's costs, which do not always say it."""
    data = message.data
    amount = None if data.amount is None else str(data.amount)
    currency = data.order.costs.currency if data.order.costs else None
    return told(data.order, event, "refunded", at=message.created, amount=amount, currency=currency)


handler = Topic("printful.order_refunded", OrderTold, decide)
