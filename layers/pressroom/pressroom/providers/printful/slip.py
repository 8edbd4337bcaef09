"""What an order at Printful is sent with: the gift message and the packing slip. Light: the ops API imports it.

They are texts to a person, so the record of the order does not hold them: they are read from the webhook that has them
when somebody looks at the order, until that webhook expires or is erased.
"""

from pressroom.inbox.events import Event
from pressroom.inbox.inbound import Inbound, Link, Text
from pressroom.inbox.reading import read


class Gift(Inbound):
    """The message on the packing slip of a gift."""

    subject: Text | None = None
    message: Text | None = None


class PackingSlip(Inbound):
    """The sender's own packing slip."""

    email: Text | None = None
    phone: Text | None = None
    message: Text | None = None
    logo_url: Link = None
    store_name: Text | None = None
    custom_order_id: Text | None = None


class _Order(Inbound):
    gift: Gift | None = None
    packing_slip: PackingSlip | None = None


class _Data(Inbound):
    order: _Order


class _Event(Inbound):
    data: _Data


def slip_of(event: Event) -> tuple[Gift | None, PackingSlip | None]:
    """Return the gift message and the packing slip of an order event's order; None for what it does not have."""
    if event.erased:
        return None, None
    order = read(_Event, event.body)[0].data.order
    return order.gift, order.packing_slip
