"""An order is canceled: by us, in the dashboard, by Printful, or by itself after 30 days on hold."""

from pressroom.inbox.topic import Topic
from pressroom.providers.printful.facts import stopped
from pressroom.providers.printful.messages import OrderTold

handler = Topic("printful.order_canceled", OrderTold, stopped("canceled"))
