"""A product of the shop was tied to Printful's catalogue."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import products
from pressroom.providers.printful.facts import product
from pressroom.providers.printful.messages import ProductTold

handler = Topic("printful.product_synced", ProductTold, product(deleted=False), write=products.keep_product)
