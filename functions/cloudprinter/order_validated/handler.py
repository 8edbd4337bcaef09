"""Cloudprinter has taken the order."""

from pressroom.inbox.topic import Topic
from pressroom.order.model import Status
from pressroom.providers.cloudprinter.facts import reached
from pressroom.providers.cloudprinter.messages import Signal

handler = Topic("cloudprinter.order_validated", Signal, reached(Status.ACCEPTED))
