"""An order is no longer on hold. It may be a draft again, which a person has to confirm."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock, stores
from pressroom.providers.printful.facts import fact_with_reason
from pressroom.providers.printful.messages import OrderEvent

handler = Topic(
    "printful.order_remove_hold", OrderEvent, fact_with_reason("released"), write=stock.record_order, check=stores.check
)
