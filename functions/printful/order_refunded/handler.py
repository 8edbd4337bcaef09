"""Printful refunded money for an order."""

from pressroom.inbox.events import Event
from pressroom.order.decision import Decision
from pressroom.providers.printful.facts import amount_text, currency_of, order_fact
from pressroom.providers.printful.messages import OrderEvent
from pressroom.providers.printful.topic import PrintfulTopic


def decide(message: OrderEvent, event: Event) -> Decision:
    """Report the refund. Its currency is that of the order's costs, which may be missing."""
    currency = currency_of(message.data.order.costs)
    return order_fact(message, event, "refunded", amount=amount_text(message.data.amount, currency), currency=currency)


handler = PrintfulTopic("printful.order_refunded", OrderEvent, decide)
