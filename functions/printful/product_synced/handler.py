"""A product of the shop was connected to Printful's catalogue."""

from pressroom.providers.printful import products
from pressroom.providers.printful.facts import product_reader
from pressroom.providers.printful.messages import ProductEvent
from pressroom.providers.printful.topic import PrintfulTopic

handler = PrintfulTopic(
    "printful.product_synced", ProductEvent, product_reader(deleted=False), write=products.save_product
)
