"""Sends the deliveries in Camaloon's queue: paid orders, as signed webhooks."""

from pressroom.delivery.worker import deliverer
from pressroom.providers.camaloon.client import send
from pressroom.providers.follow_ups import FOLLOW_UPS

handler = deliverer(send, FOLLOW_UPS)
