"""A product of the shop has changed at Printful."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import products
from pressroom.providers.printful.facts import product
from pressroom.providers.printful.messages import ProductTold

handler = Topic("printful.product_updated", ProductTold, product(deleted=False), write=products.keep_product)
