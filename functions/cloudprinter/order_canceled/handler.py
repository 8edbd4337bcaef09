"""An order is canceled: items that have not been shipped will not be produced."""

from pressroom.inbox.topic import Topic
from pressroom.providers.cloudprinter.facts import canceled_fact
from pressroom.providers.cloudprinter.messages import OrderCanceled

handler = Topic("cloudprinter.order_canceled", OrderCanceled, canceled_fact)
