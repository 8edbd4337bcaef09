"""A product of the shop has changed at Printful."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import products, stores
from pressroom.providers.printful.facts import product_reader
from pressroom.providers.printful.messages import ProductEvent

handler = Topic(
    "printful.product_updated",
    ProductEvent,
    product_reader(deleted=False),
    write=products.save_product,
    check=stores.check,
)
