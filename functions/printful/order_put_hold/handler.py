"""An order is on hold until a problem is settled with Printful. This may happen several times, in any state."""

from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import fact_with_reason
from pressroom.providers.printful.messages import OrderEvent
from pressroom.providers.printful.topic import PrintfulTopic

handler = PrintfulTopic(
    "printful.order_put_hold", OrderEvent, fact_with_reason("held", approval=False), write=stock.record_order
)
