"""Sends the deliveries in the shop's queue: notifications about its orders, as signed webhooks."""

from pressroom.delivery.worker import deliverer
from pressroom.providers.follow_ups import FOLLOW_UPS
from pressroom.providers.storefront.client import send

handler = deliverer(send, FOLLOW_UPS)
