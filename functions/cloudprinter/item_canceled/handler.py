"""An item will not be made."""

from pressroom.inbox.topic import Topic
from pressroom.providers.cloudprinter.facts import canceled
from pressroom.providers.cloudprinter.messages import ItemCanceled

handler = Topic("cloudprinter.item_canceled", ItemCanceled, canceled)
