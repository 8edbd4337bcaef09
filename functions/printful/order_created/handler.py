"""An order was made at Printful: through its API, or by hand in its dashboard."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import progress
from pressroom.providers.printful.messages import OrderTold

handler = Topic("printful.order_created", OrderTold, progress, write=stock.follow)
