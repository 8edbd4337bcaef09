"""An item is packed."""

from pressroom.inbox.topic import Topic
from pressroom.order.model import Status
from pressroom.providers.cloudprinter.facts import progress_fact
from pressroom.providers.cloudprinter.messages import ItemSignal

handler = Topic("cloudprinter.item_packed", ItemSignal, progress_fact(Status.PACKED))
