"""The bodies of orders that Pressroom sends to the OMS (OMS API v1), to create and to change them.

`store_id` and `create_print_files` are settings; the client adds them. An address has no name and no company: the
customer's name is the only name that the OMS can write on a parcel, so it is the recipient's, also if the recipient is
not the buyer. The recipient's company is in front of the second line of the address.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, PlainSerializer

from pressroom.order import shop_order
from pressroom.providers.oms import item_ids

_FINEST = Decimal("0.0001")

Number = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]


class Outbound(BaseModel):
    """The model of an OMS message, with only the fields that the OMS's documentation lists."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Customer(Outbound):
    """The customer of an order: the recipient's name and telephone, and the buyer's e-mail address and id."""

    email: str | None = None
    ecommerce_customer_id: str | None = None
    name: str | None = None
    surname: str | None = None
    phone: str | None = None

    @classmethod
    def of(cls, order: shop_order.OrderPaid) -> Self:
        """Read the recipient and the buyer of the shop's order; what one of them lacks is taken from the other."""
        buyer, to = order.customer or shop_order.Customer(), order.shipping_info
        recipient, other = (to, buyer) if _name(to) not in ("", _name(buyer)) else (buyer, to)
        named = recipient if _name(recipient) else other
        return cls(
            email=buyer.email or to.email,
            ecommerce_customer_id=None if buyer.id is None else str(buyer.id),
            name=named.first_name or None,
            surname=named.last_name or None,
            phone=recipient.telephone or other.telephone or None,
        )


def _name(person: shop_order.Customer | shop_order.Address) -> str:
    """Return a person's name for comparison: two spellings of one name are the same person."""
    return " ".join(f"{person.first_name or ''} {person.last_name or ''}".split()).casefold()


class Item(Outbound):
    """A line for the OMS to print; `price` is per piece."""

    ecommerce_order_item_id: str
    ecommerce_variant_id: str
    quantity: int
    price: Number | None = None
    properties: dict[str, Any] | None = None
    template_config: str
    thumbnails: list[str]
    design_version_id: str | None = None

    @classmethod
    def of(cls, order_id: str, line_id: str, line: shop_order.LineItem) -> Self:
        """Build the item of a line. Raises ValueError for a line without a personalisation: it has nothing to print."""
        if not (design := line.personalization):
            raise ValueError("a line without a personalization")
        return cls(
            ecommerce_order_item_id=item_ids.item_id(order_id, line_id),
            ecommerce_variant_id=str(design.variant_id),
            quantity=line.quantity,
            price=None if line.price is None else (line.price / line.quantity).quantize(_FINEST, ROUND_HALF_EVEN),
            properties=design.properties,
            template_config=design.template_config,
            thumbnails=design.thumbnails,
            design_version_id=design.design_version_id or None,
        )


class Address(Outbound):
    """A postal address. The postal code may be empty; the OMS refuses an address without a place."""

    type_id: Literal["billing", "shipping"]
    address_1: str | None
    address_2: str | None = None
    post_code: str
    city: str | None
    county: str | None = None
    country_code: str | None
    country_id: int | None = None

    @classmethod
    def of(cls, type_id: Literal["billing", "shipping"], address: shop_order.Address) -> Self:
        """Build an address from the shop's. Only the address of the parcel gets the company: the OMS sends parcels."""
        company = address.company_name if type_id == "shipping" else None
        return cls(
            type_id=type_id,
            address_1=address.address,
            address_2=", ".join(filter(None, (company, address.address2))) or None,
            post_code=address.zip,
            city=address.city,
            county=address.province or None,
            country_code=address.country_code,
            country_id=address.country_id,
        )


class Shipping(Outbound):
    """The shipping method of an order, as the OMS's code."""

    code: str
    shipping_price: Number


class OrderUpdate(Outbound):
    """The new values of an existing order. Fields that are left out keep their values."""

    customer: Customer | None = None
    items: list[Item] | None = None
    ecommerce_order_number: str | None = None
    total_price: Number | None = None
    subtotal_price: Number | None = None
    currency_code: str | None = None
    note: str | None = None
    addresses: list[Address] | None = None
    shippings: list[Shipping] | None = None

    @classmethod
    def of(cls, order: shop_order.OrderPaid, lines: list[tuple[str, shop_order.LineItem]]) -> Self:
        """Build the message from the shop's order and the lines that the OMS prints, each with its id."""
        return cls(**_content(order, lines))

    def body(self) -> bytes:
        """Return the bytes of the message, without the fields that the shop left out."""
        return self.model_dump_json(exclude_none=True).encode()


class Order(OrderUpdate):
    """A new order."""

    ecommerce_order_id: str
    items: list[Item]

    @classmethod
    def of(cls, order: shop_order.OrderPaid, lines: list[tuple[str, shop_order.LineItem]]) -> Self:
        """Build the message from the shop's order and the lines that the OMS prints, each with its id."""
        return cls(ecommerce_order_id=str(order.id), **_content(order, lines))


def _content(order: shop_order.OrderPaid, lines: list[tuple[str, shop_order.LineItem]]) -> dict[str, Any]:
    service = order.shipping_service
    prices = [line.price for _, line in lines if line.price is not None]
    has_all = len(lines) == len(order.lines())  # the total of a part is unknown: it has shipping and taxes in it
    return {
        "customer": Customer.of(order),
        "items": [Item.of(str(order.id), line_id, line) for line_id, line in lines],
        "ecommerce_order_number": order.ref or None,
        "total_price": order.total_price if has_all else None,
        "subtotal_price": sum(prices, Decimal(0)) if len(prices) == len(lines) else None,
        "currency_code": order.currency,
        "note": order.note or None,
        "addresses": [Address.of("shipping", order.shipping_info), Address.of("billing", order.billing)],
        "shippings": [Shipping(code=service, shipping_price=order.shipping_price)] if service else None,
    }
