"""An order is no longer on hold; it may be a draft again, which somebody has to confirm."""

from pressroom import stock
from pressroom.facts.printful import stopped
from pressroom.models.printful import OrderTold
from pressroom.topic import Topic

handler = Topic("printful.order_remove_hold", OrderTold, stopped("released"), stock.follow)
