"""Camaloon's queue: paid orders go out as signed webhooks."""

from pressroom.delivery.worker import deliverer
from pressroom.providers.camaloon.client import send

handler = deliverer(send)
