"""An item has been accepted for production; version 1.1 called this signal CloudprinterItemValidated."""

from pressroom.inbox.topic import Topic
from pressroom.order.model import Status
from pressroom.providers.cloudprinter.facts import progress_fact
from pressroom.providers.cloudprinter.messages import ItemSignal

handler = Topic("cloudprinter.item_validated", ItemSignal, progress_fact(Status.ACCEPTED))
