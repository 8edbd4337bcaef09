"""Camaloon's two shapes (API v1): `order_paid`, which it is sent, and `shipment_sent`, which it sends."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from pressroom.inbox.inbound import Inbound, Quantity, Text
from pressroom.order import shop_order

_OUTBOUND = ConfigDict(extra="forbid")


class Address(shop_order.Address):
    """A postal address as Camaloon takes it."""

    model_config = _OUTBOUND


class ShippingAddress(shop_order.ShippingAddress):
    """A postal address with an e-mail, as Camaloon takes it."""

    model_config = _OUTBOUND


class LineItem(shop_order.Line):
    """A line that Camaloon is to print."""

    model_config = _OUTBOUND


class OrderPaid(shop_order.Order):
    """The body of the `order_paid` webhook; `id` keeps the type the shop gave it, as Camaloon echoes it."""

    model_config = _OUTBOUND

    shipping_info: ShippingAddress
    billing_info: Address
    line_items: list[LineItem]

    @classmethod
    def of(cls, order: shop_order.OrderPaid, lines: list[shop_order.LineItem]) -> "OrderPaid":
        """Build the message for those of the order's lines that go to Camaloon."""
        address = set(Address.model_fields)
        return cls.model_validate(
            order.model_dump(include=set(shop_order.Order.model_fields))
            | {
                "shipping_info": order.shipping_info.model_dump(),
                "billing_info": order.billing.model_dump(include=address),
                "line_items": [line.model_dump(include=set(shop_order.Line.model_fields)) for line in lines],
            }
        )

    def body(self) -> bytes:
        """Return the bytes to sign and send; what the shop left out stays out."""
        return self.model_dump_json(exclude_none=True).encode()


class ShippedLine(Inbound):
    """A part of a parcel."""

    sku: Text
    quantity: Quantity


class ShipmentSent(Inbound):
    """A parcel that the carrier has collected; several may leave for one order, in any split.

    `order_id` is the shop's own id. There is no id of the parcel, no time and no carrier; tracking numbers may hold
    spaces, and may be missing.
    """

    order_id: Annotated[Text, AfterValidator(shop_order.identifier)]
    tracking_number: Text | None = None
    tracking_url: Text | None = None
    notify_customer: bool | None = None
    line_items: Annotated[list[ShippedLine], Field(min_length=1)]
