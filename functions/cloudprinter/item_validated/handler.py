"""The production has taken an item; version 1.1 called this signal CloudprinterItemValidated."""

from pressroom.facts.cloudprinter import reached
from pressroom.models.cloudprinter import ItemSignal
from pressroom.orders import Status
from pressroom.topic import Topic

handler = Topic("cloudprinter.item_validated", ItemSignal, reached(Status.ACCEPTED))
