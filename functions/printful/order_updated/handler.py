"""An order has changed. Printful sends this for every change, even if that change has its own event."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock, stores
from pressroom.providers.printful.facts import progress_fact
from pressroom.providers.printful.messages import OrderEvent

handler = Topic("printful.order_updated", OrderEvent, progress_fact, write=stock.record_order, check=stores.check)
