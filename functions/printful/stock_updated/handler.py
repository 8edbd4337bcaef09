"""The stock of a catalogue product has changed: which of its variants can't be ordered is told, the others can."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import stock_told
from pressroom.providers.printful.messages import StockUpdated

handler = Topic("printful.stock_updated", StockUpdated, stock_told, write=stock.keep)
