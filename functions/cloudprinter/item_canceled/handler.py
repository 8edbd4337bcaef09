"""An item is canceled: it will not be produced."""

from pressroom.inbox.topic import Topic
from pressroom.providers.cloudprinter.facts import canceled_fact
from pressroom.providers.cloudprinter.messages import ItemCanceled

handler = Topic("cloudprinter.item_canceled", ItemCanceled, canceled_fact)
