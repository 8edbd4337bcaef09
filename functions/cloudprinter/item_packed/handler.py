"""An item is packed."""

from pressroom.facts.cloudprinter import reached
from pressroom.models.cloudprinter import ItemSignal
from pressroom.orders import Status
from pressroom.topic import Topic

handler = Topic("cloudprinter.item_packed", ItemSignal, reached(Status.PACKED))
