"""An item will not be made."""

from pressroom.facts.cloudprinter import canceled
from pressroom.models.cloudprinter import ItemCanceled
from pressroom.topic import Topic

handler = Topic("cloudprinter.item_canceled", ItemCanceled, canceled)
