"""Cloudprinter's signals (CloudSignal 2.0, and the delivery signals of 2.1).

`order` and `item` are Cloudprinter's own ids, `order_reference` and `item_reference` ours. No signal tells a quantity.
The API key is not among the fields: the receiver has taken it out.
"""

from pressroom.inbox.inbound import Amount, Identifier, Inbound, Instant, Reference, Text


class Signal(Inbound):
    """About an order as a whole. `datetime` has come in three formats over the years."""

    type: Text | None = None
    order: Identifier
    order_reference: Reference = None
    datetime: Instant | None = None


class OrderCanceled(Signal):
    """`cause` is a code, of digits or of words; `message` is for a person."""

    cause: Text | None = None
    message: Text | None = None


class ItemSignal(Signal):
    """About one item of an order."""

    item: Identifier
    item_reference: Reference = None


class ItemShipped(ItemSignal):
    """An item in a parcel. `tracking` is a number or a URL, or stands for none; `shipping_option` a name or a slug."""

    tracking: Text | None = None
    url: Text | None = None
    shipping_option: Text | None = None


class ItemError(ItemSignal):
    """`cause` is free text here; `delay` is in hours."""

    cause: Text | None = None
    delay: Amount | None = None


class ItemCanceled(ItemSignal):
    """As for an order."""

    cause: Text | None = None
    message: Text | None = None


class ItemDelivery(ItemShipped):
    """What the carrier does with an item. No document describes these: what has been seen of other signals is taken."""

    cause: Text | None = None
    message: Text | None = None
