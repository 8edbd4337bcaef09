"""A product of the shop was deleted at Printful."""

from pressroom.providers.printful import products
from pressroom.providers.printful.facts import product_reader
from pressroom.providers.printful.messages import ProductEvent
from pressroom.providers.printful.topic import PrintfulTopic

handler = PrintfulTopic(
    "printful.product_deleted", ProductEvent, product_reader(deleted=True), write=products.save_product
)
