"""Nothing of the order that has not left will be made."""

from pressroom.facts.cloudprinter import canceled
from pressroom.models.cloudprinter import OrderCanceled
from pressroom.topic import Topic

handler = Topic("cloudprinter.order_canceled", OrderCanceled, canceled)
