"""Nothing of the order that has not left will be made."""

from pressroom.inbox.topic import Topic
from pressroom.providers.cloudprinter.facts import canceled
from pressroom.providers.cloudprinter.messages import OrderCanceled

handler = Topic("cloudprinter.order_canceled", OrderCanceled, canceled)
