"""Camaloon's queue: paid orders go out as signed webhooks."""

from pressroom.clients.camaloon import send
from pressroom.delivery import deliverer

handler = deliverer(send)
