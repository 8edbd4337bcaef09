"""An order is on hold until something is settled with Printful. It may happen again and again, in any state."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import stopped
from pressroom.providers.printful.messages import OrderTold

handler = Topic("printful.order_put_hold", OrderTold, stopped("held", approval=False), write=stock.follow)
