"""Sends the deliveries in Camaloon's queue: paid orders, as signed webhooks."""

from pressroom.delivery.outcome import NO_FOLLOW_UPS
from pressroom.delivery.worker import deliverer
from pressroom.providers.camaloon.client import send

handler = deliverer(send, NO_FOLLOW_UPS)
