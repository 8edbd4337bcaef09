"""A product of the shop has changed at Printful."""

from pressroom import catalogue
from pressroom.facts.printful import product
from pressroom.models.printful import ProductTold
from pressroom.topic import Topic

handler = Topic("printful.product_updated", ProductTold, product(deleted=False), catalogue.keep_product)
