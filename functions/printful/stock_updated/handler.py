"""The stock of a catalogue product has changed: which of its variants can't be ordered is told, the others can."""

from pressroom import stock
from pressroom.facts.printful import stock_told
from pressroom.models.printful import StockUpdated
from pressroom.topic import Topic

handler = Topic("printful.stock_updated", StockUpdated, stock_told, stock.keep)
