"""Cloudprinter has taken the order."""

from pressroom.facts.cloudprinter import reached
from pressroom.models.cloudprinter import Signal
from pressroom.orders import Status
from pressroom.topic import Topic

handler = Topic("cloudprinter.order_validated", Signal, reached(Status.ACCEPTED))
