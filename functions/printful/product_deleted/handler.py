"""A product of the shop is gone from Printful."""

from pressroom import catalogue
from pressroom.facts.printful import product
from pressroom.models.printful import ProductTold
from pressroom.topic import Topic

handler = Topic("printful.product_deleted", ProductTold, product(deleted=True), catalogue.keep_product)
