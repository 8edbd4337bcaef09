"""An order is no longer on hold. It may be a draft again, which a person has to confirm."""

from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import fact_with_reason
from pressroom.providers.printful.messages import OrderEvent
from pressroom.providers.printful.topic import PrintfulTopic

handler = PrintfulTopic(
    "printful.order_remove_hold", OrderEvent, fact_with_reason("released"), write=stock.record_order
)
