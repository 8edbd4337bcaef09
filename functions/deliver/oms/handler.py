"""The OMS's queue: orders are created, changed and deleted there, batches are made, the catalogue is kept in step."""

from pressroom.delivery import Sent, deliverer
from pressroom.oms import batches, catalogue, orders
from pressroom.outbox import Delivery

OPERATIONS = {
    "create_order": orders.create,
    "update_order": orders.update,
    "delete_order": orders.delete,
    "create_batch": batches.send,
    "push_catalogue": catalogue.send,
}


def send(delivery: Delivery) -> Sent:
    """Make one attempt."""
    return OPERATIONS[delivery.operation](delivery)


handler = deliverer(send)
