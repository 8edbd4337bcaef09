"""The carrier could not deliver an item (version 2.1)."""

from pressroom.inbox.topic import Topic
from pressroom.providers.cloudprinter.facts import undelivered_fact
from pressroom.providers.cloudprinter.messages import ItemDelivery

handler = Topic("cloudprinter.item_delivery_failed", ItemDelivery, undelivered_fact)
