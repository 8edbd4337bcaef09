"""An order is canceled: by us, in the dashboard, by Printful, or by itself after 30 days on hold."""

from pressroom.facts.printful import stopped
from pressroom.models.printful import OrderTold
from pressroom.topic import Topic

handler = Topic("printful.order_canceled", OrderTold, stopped("canceled"))
