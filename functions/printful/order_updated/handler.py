"""Something about an order has changed: Printful tells so of every change, even if that has an event of its own."""

from pressroom import stock
from pressroom.facts.printful import progress
from pressroom.models.printful import OrderTold
from pressroom.topic import Topic

handler = Topic("printful.order_updated", OrderTold, progress, stock.follow)
