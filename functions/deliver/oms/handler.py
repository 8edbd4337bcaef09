"""The OMS's queue: orders are created, changed and deleted there, batches are made, the catalogue is kept in step."""

from pressroom.delivery.worker import Sent, deliverer
from pressroom.order.outbox import Delivery
from pressroom.providers.oms import batches, orders
from pressroom.providers.oms.catalogue import push

OPERATIONS = {
    "create_order": orders.create,
    "update_order": orders.update,
    "delete_order": orders.delete,
    "create_batch": batches.send,
    "push_catalogue": push.send,
}


def send(delivery: Delivery) -> Sent:
    """Make one attempt."""
    return OPERATIONS[delivery.operation](delivery)


handler = deliverer(send)
