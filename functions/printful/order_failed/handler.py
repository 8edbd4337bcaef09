"""Printful did not take an order: its address, a print file, the payment. It may go on later."""

from pressroom import stock
from pressroom.facts.printful import stopped
from pressroom.models.printful import OrderTold
from pressroom.topic import Topic

handler = Topic("printful.order_failed", OrderTold, stopped("failed"), stock.follow)
