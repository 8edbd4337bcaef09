"""An order is on hold until the merchant has approved of a design that Printful would rather print."""

from pressroom import stock
from pressroom.facts.printful import stopped
from pressroom.models.printful import OrderTold
from pressroom.topic import Topic

handler = Topic("printful.order_put_hold_approval", OrderTold, stopped("held", approval=True), stock.follow)
