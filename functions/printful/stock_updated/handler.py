"""The stock of a catalogue product has changed: the event lists the variants that can't be ordered."""

from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import stock_from
from pressroom.providers.printful.messages import StockUpdated
from pressroom.providers.printful.topic import PrintfulTopic

handler = PrintfulTopic("printful.stock_updated", StockUpdated, stock_from, write=stock.update)
