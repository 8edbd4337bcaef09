"""Cloudprinter's signals (CloudSignal 2.0, and the delivery signals of 2.1).

`order` and `item` are Cloudprinter's ids, `order_reference` and `item_reference` are ours. No signal has a quantity.
The API key is not among the fields: the receiver has removed it.
"""

from pressroom.inbox.inbound import (
    Amount,
    Identifier,
    Inbound,
    Instant,
    Link,
    OrderReference,
    Reference,
    Text,
    TrackingOrLink,
)


class Signal(Inbound):
    """A signal about a whole order. `datetime` has had three formats over the years."""

    type: Text | None = None
    order: Identifier
    order_reference: OrderReference = None
    datetime: Instant | None = None


class OrderCanceled(Signal):
    """An order is canceled. `cause` is a code, a number or a word; `message` is for a person."""

    cause: Text | None = None
    message: Text | None = None


class ItemSignal(Signal):
    """A signal about one item of an order."""

    item: Identifier
    item_reference: Reference = None


class ItemShipped(ItemSignal):
    """An item in a parcel. `tracking` is a number, a URL, or a placeholder; `shipping_option` is a name or a slug."""

    tracking: TrackingOrLink = None
    url: Link = None
    shipping_option: Text | None = None


class ItemError(ItemSignal):
    """An error in production. `cause` is free text here; `delay` is in hours."""

    cause: Text | None = None
    delay: Amount | None = None


class ItemCanceled(ItemSignal):
    """An item is canceled; the fields are those of OrderCanceled."""

    cause: Text | None = None
    message: Text | None = None


class ItemDelivery(ItemShipped):
    """The carrier's report about an item. Undocumented: the fields are those that other signals have."""

    cause: Text | None = None
    message: Text | None = None
