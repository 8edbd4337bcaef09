"""An order is no longer on hold; it may be a draft again, which somebody has to confirm."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import stopped
from pressroom.providers.printful.messages import OrderTold

handler = Topic("printful.order_remove_hold", OrderTold, stopped("released"), write=stock.follow)
