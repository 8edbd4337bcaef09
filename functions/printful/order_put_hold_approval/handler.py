"""An order is on hold until the merchant has approved of a design that Printful would rather print."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import stopped
from pressroom.providers.printful.messages import OrderTold

handler = Topic("printful.order_put_hold_approval", OrderTold, stopped("held", approval=True), write=stock.follow)
