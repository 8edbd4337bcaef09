"""Something about an order has changed: Printful tells so of every change, even if that has an event of its own."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import progress
from pressroom.providers.printful.messages import OrderTold

handler = Topic("printful.order_updated", OrderTold, progress, write=stock.follow)
