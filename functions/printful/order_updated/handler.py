"""An order has changed. Printful sends this for every change, even if that change has its own event."""

from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import progress_fact
from pressroom.providers.printful.messages import OrderEvent
from pressroom.providers.printful.topic import PrintfulTopic

handler = PrintfulTopic("printful.order_updated", OrderEvent, progress_fact, write=stock.record_order)
