"""An order was created at Printful: through its API, or by a person in its dashboard."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock, stores
from pressroom.providers.printful.facts import progress_fact
from pressroom.providers.printful.messages import OrderEvent

handler = Topic("printful.order_created", OrderEvent, progress_fact, write=stock.record_order, check=stores.check)
