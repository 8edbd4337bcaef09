"""The storefront's queue: what has become of its orders goes out as signed webhooks."""

from pressroom.delivery.worker import deliverer
from pressroom.providers.storefront.client import send

handler = deliverer(send)
