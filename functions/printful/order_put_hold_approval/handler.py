"""An order is on hold until the merchant approves a design that Printful proposes."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock, stores
from pressroom.providers.printful.facts import approval_fact
from pressroom.providers.printful.messages import OrderEvent

handler = Topic(
    "printful.order_put_hold_approval", OrderEvent, approval_fact, write=stock.record_order, check=stores.check
)
