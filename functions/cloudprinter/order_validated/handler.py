"""Cloudprinter has accepted an order."""

from pressroom.inbox.topic import Topic
from pressroom.order.model import Status
from pressroom.providers.cloudprinter.facts import progress_fact
from pressroom.providers.cloudprinter.messages import Signal

handler = Topic("cloudprinter.order_validated", Signal, progress_fact(Status.ACCEPTED))
