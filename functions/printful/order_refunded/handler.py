"""Printful gave money back for an order."""

from pressroom.facts.printful import told
from pressroom.inbox import Event
from pressroom.models.printful import OrderTold
from pressroom.record import Decision
from pressroom.topic import Topic


def decide(message: OrderTold, event: Event) -> Decision:
    """Note the refund; its currency is that of the order's costs, which do not always say it."""
    data = message.data
    amount = None if data.amount is None else str(data.amount)
    currency = data.order.costs.currency if data.order.costs else None
    return told(data.order, event, "refunded", at=message.created, amount=amount, currency=currency)


handler = Topic("printful.order_refunded", OrderTold, decide)
