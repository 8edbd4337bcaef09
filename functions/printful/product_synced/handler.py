"""A product of the shop was tied to Printful's catalogue."""

from pressroom import catalogue
from pressroom.facts.printful import product
from pressroom.models.printful import ProductTold
from pressroom.topic import Topic

handler = Topic("printful.product_synced", ProductTold, product(deleted=False), catalogue.keep_product)
