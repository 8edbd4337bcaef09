"""The storefront's queue: what has become of its orders goes out as signed webhooks."""

from pressroom.clients.storefront import send
from pressroom.delivery import deliverer

handler = deliverer(send)
