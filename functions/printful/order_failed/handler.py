"""Printful did not accept an order, because of its address, a print file or the payment. It may continue later."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock, stores
from pressroom.providers.printful.facts import fact_with_reason
from pressroom.providers.printful.messages import OrderEvent

handler = Topic(
    "printful.order_failed", OrderEvent, fact_with_reason("failed"), write=stock.record_order, check=stores.check
)
