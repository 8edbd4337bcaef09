"""An order is on hold until a problem is settled with Printful. This may happen several times, in any state."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock, stores
from pressroom.providers.printful.facts import fact_with_reason
from pressroom.providers.printful.messages import OrderEvent

handler = Topic(
    "printful.order_put_hold",
    OrderEvent,
    fact_with_reason("held", approval=False),
    write=stock.record_order,
    check=stores.check,
)
