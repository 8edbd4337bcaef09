"""The carrier could not deliver an item (version 2.1)."""

from pressroom.facts.cloudprinter import undelivered
from pressroom.models.cloudprinter import ItemDelivery
from pressroom.topic import Topic

handler = Topic("cloudprinter.item_delivery_failed", ItemDelivery, undelivered)
