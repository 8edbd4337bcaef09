"""The carrier is on the way to the customer with an item (version 2.1)."""

from pressroom.facts.cloudprinter import reached
from pressroom.models.cloudprinter import ItemDelivery
from pressroom.orders import Status
from pressroom.topic import Topic

handler = Topic("cloudprinter.item_delivery_started", ItemDelivery, reached(Status.SHIPPED))
