"""Printful did not take an order: its address, a print file, the payment. It may go on later."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import stopped
from pressroom.providers.printful.messages import OrderTold

handler = Topic("printful.order_failed", OrderTold, stopped("failed"), write=stock.follow)
