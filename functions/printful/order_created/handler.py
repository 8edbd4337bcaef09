"""An order was made at Printful: through its API, or by hand in its dashboard."""

from pressroom import stock
from pressroom.facts.printful import progress
from pressroom.models.printful import OrderTold
from pressroom.topic import Topic

handler = Topic("printful.order_created", OrderTold, progress, stock.follow)
