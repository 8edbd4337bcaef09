"""An item was delivered to the customer (version 2.1)."""

from pressroom.inbox.topic import Topic
from pressroom.order.model import Status
from pressroom.providers.cloudprinter.facts import progress_fact
from pressroom.providers.cloudprinter.messages import ItemDelivery

handler = Topic("cloudprinter.item_delivery_completed", ItemDelivery, progress_fact(Status.DELIVERED))
