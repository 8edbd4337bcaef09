"""A product of the shop was connected to Printful's catalogue."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import products, stores
from pressroom.providers.printful.facts import product_reader
from pressroom.providers.printful.messages import ProductEvent

handler = Topic(
    "printful.product_synced",
    ProductEvent,
    product_reader(deleted=False),
    write=products.save_product,
    check=stores.check,
)
