"""An order is on hold until the merchant approves a design that Printful proposes."""

from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import approval_fact
from pressroom.providers.printful.messages import OrderEvent
from pressroom.providers.printful.topic import PrintfulTopic

handler = PrintfulTopic("printful.order_put_hold_approval", OrderEvent, approval_fact, write=stock.record_order)
