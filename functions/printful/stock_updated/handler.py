"""The stock of a catalogue product has changed: the event lists the variants that can't be ordered."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stock, stores
from pressroom.providers.printful.facts import stock_from
from pressroom.providers.printful.messages import StockUpdated

handler = Topic("printful.stock_updated", StockUpdated, stock_from, write=stock.update, check=stores.check)
