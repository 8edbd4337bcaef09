"""The production of an item has begun."""

from pressroom.inbox.topic import Topic
from pressroom.order.model import Status
from pressroom.providers.cloudprinter.facts import reached
from pressroom.providers.cloudprinter.messages import ItemSignal

handler = Topic("cloudprinter.item_produce", ItemSignal, reached(Status.IN_PRODUCTION))
