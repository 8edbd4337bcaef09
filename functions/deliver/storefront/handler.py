"""Sends the deliveries in the shop's queue: notifications about its orders, as signed webhooks."""

from pressroom.delivery.outcome import NO_FOLLOW_UPS
from pressroom.delivery.worker import deliverer
from pressroom.providers.storefront.client import send

handler = deliverer(send, NO_FOLLOW_UPS)
