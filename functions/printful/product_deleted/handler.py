"""A product of the shop is gone from Printful."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import products
from pressroom.providers.printful.facts import product
from pressroom.providers.printful.messages import ProductTold

handler = Topic("printful.product_deleted", ProductTold, product(deleted=True), write=products.keep_product)
