"""The carrier is on the way to the customer with an item (version 2.1)."""

from pressroom.inbox.topic import Topic
from pressroom.order.model import Status
from pressroom.providers.cloudprinter.facts import progress_fact
from pressroom.providers.cloudprinter.messages import ItemDelivery

handler = Topic("cloudprinter.item_delivery_started", ItemDelivery, progress_fact(Status.SHIPPED))
