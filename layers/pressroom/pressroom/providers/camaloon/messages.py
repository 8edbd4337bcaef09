"""Camaloon's two messages (API v1): `order_paid`, which Pressroom sends, and `shipment_sent`, which Camaloon sends."""

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from pressroom.inbox.inbound import Flag, Identifier, Inbound, Link, QuantityOrZero, Text, Tracking
from pressroom.order import shop_order

_OUTBOUND = ConfigDict(extra="forbid")
_LONGEST_TELEPHONE = 15
"""Characters (API v1, "Address properties")."""


def _telephone(number: str | None) -> str | None:
    """Return a telephone number that Camaloon takes: one that is too long without its punctuation is left out."""
    if number and len(number) > _LONGEST_TELEPHONE:
        number = "".join(each for each in number if each.isalnum() or each == "+")
    return number if number is None or len(number) <= _LONGEST_TELEPHONE else None


Telephone = Annotated[str | None, BeforeValidator(_telephone)]


class Address(shop_order.Address):
    """A postal address in Camaloon's format, which has no `country_id`."""

    model_config = _OUTBOUND

    telephone: Telephone = None
    country_id: Annotated[int | None, Field(exclude=True)] = None


class ShippingAddress(shop_order.ShippingAddress):
    """A postal address in Camaloon's format, with an e-mail address, which newer documents require."""

    model_config = _OUTBOUND

    telephone: Telephone = None
    country_id: Annotated[int | None, Field(exclude=True)] = None


class LineItem(shop_order.Line):
    """A line for Camaloon to print."""

    model_config = _OUTBOUND


class OrderPaid(shop_order.Order):
    """The body of the `order_paid` webhook; `id` keeps the JSON type that the shop used, since Camaloon echoes it."""

    model_config = _OUTBOUND

    shipping_info: ShippingAddress
    billing_info: Address
    line_items: list[LineItem]

    @classmethod
    def of(cls, order: shop_order.OrderPaid, lines: list[shop_order.LineItem]) -> "OrderPaid":
        """Build the message for the order's lines that are sent to Camaloon."""
        address = set(Address.model_fields)
        return cls.model_validate(
            order.model_dump(include=set(shop_order.Order.model_fields))
            | {
                "shipping_info": order.shipping_info.model_dump(),
                "billing_info": order.billing.model_dump(include=address),
                "line_items": [line.model_dump(include=set(shop_order.Line.model_fields)) for line in lines],
            }
        )

    def with_email_of(self, customer: shop_order.Customer | None) -> "OrderPaid":
        """Return the message with the customer's e-mail address if the shipping address has none."""
        if self.shipping_info.email or customer is None or not customer.email:
            return self
        to = self.shipping_info.model_copy(update={"email": customer.email})
        return self.model_copy(update={"shipping_info": to})

    def body(self) -> bytes:
        """Return the bytes to sign and send, without the fields that the shop left out."""
        return self.model_dump_json(exclude_none=True).encode()


class ShippedLine(Inbound):
    """A line in a parcel, or some pieces of it; with zero pieces, it is not in the parcel."""

    sku: Text
    quantity: QuantityOrZero


class ShipmentSent(Inbound):
    """A parcel that the carrier has collected. An order may have several, with any division of its pieces.

    `order_id` is the shop's id. The message has no parcel id, no time and no carrier. A tracking number may contain
    spaces, or be missing.
    """

    order_id: Identifier
    tracking_number: Tracking = None
    tracking_url: Link = None
    notify_customer: Flag | None = None
    line_items: Annotated[list[ShippedLine], Field(min_length=1)]
