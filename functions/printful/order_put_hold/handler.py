"""An order is on hold until something is settled with Printful. It may happen again and again, in any state."""

from pressroom import stock
from pressroom.facts.printful import stopped
from pressroom.models.printful import OrderTold
from pressroom.topic import Topic

handler = Topic("printful.order_put_hold", OrderTold, stopped("held", approval=False), stock.follow)
