"""The production of an item has begun."""

from pressroom.facts.cloudprinter import reached
from pressroom.models.cloudprinter import ItemSignal
from pressroom.orders import Status
from pressroom.topic import Topic

handler = Topic("cloudprinter.item_produce", ItemSignal, reached(Status.IN_PRODUCTION))
