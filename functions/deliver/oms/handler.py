"""Sends the deliveries in the OMS's queue: orders to create, change or delete, batches, and the catalogue."""

from pressroom.delivery.outcome import Sent
from pressroom.delivery.worker import deliverer
from pressroom.order.outbox import Delivery
from pressroom.providers.follow_ups import FOLLOW_UPS
from pressroom.providers.oms import batch_sending, orders
from pressroom.providers.oms.catalogue import push

OPERATIONS = {
    "create_order": orders.create,
    "update_order": orders.update,
    "delete_order": orders.delete,
    "create_batch": batch_sending.send,
    "push_catalogue": push.send,
}


def send(delivery: Delivery) -> Sent:
    """Make one attempt to send a delivery."""
    return OPERATIONS[delivery.operation](delivery)


handler = deliverer(send, FOLLOW_UPS)
