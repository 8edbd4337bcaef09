"""Printful did not accept an order, because of its address, a print file or the payment. It may continue later."""

from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import fact_with_reason
from pressroom.providers.printful.messages import OrderEvent
from pressroom.providers.printful.topic import PrintfulTopic

handler = PrintfulTopic("printful.order_failed", OrderEvent, fact_with_reason("failed"), write=stock.record_order)
