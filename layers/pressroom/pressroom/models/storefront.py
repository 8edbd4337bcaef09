"""What a shop sends: the fields of Camaloon's `order_paid` (API v1) with `shipping_info.email` required (field notes).

Inbound and tolerant: unknown fields are ignored. Amounts are exact decimals in the order's currency.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from pressroom import times
from pressroom.models.codes import COUNTRIES, CURRENCIES
from pressroom.models.inbound import is_name

_MOST_DIGITS = 15
"""What a JSON number carries unharmed through the floating point of any receiver."""
_EXTENDED_FORMAT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII)


def _iso_instant(text: str) -> str:
    try:
        # Python also reads week dates and a space for the T, which Camaloon, to whom the text goes as it is, may not.
        times.parse(text if _EXTENDED_FORMAT.fullmatch(text) else "")
    except ValueError as error:
        raise ValueError("must be an ISO 8601 date and time with its offset from UTC") from error
    return text


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError("must be an ISO 4217 currency code, such as EUR")
    return code


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise ValueError("must be an ISO 3166-1 alpha-2 country code, such as ES")
    return code


def identifier(value: object) -> object:
    """Return an order's or a line's id as it is. Raises ValueError for what could not name a row or be shown."""
    # One message for one fault: a union of constrained types would report every branch.
    if is_name(value):
        return value
    raise ValueError("must be a whole number, or text of 1 to 128 printable characters")


def _countable(value: object) -> object:
    # JSON's true would pass for the number 1; and to count the digits of 1e999999999 overflows in pydantic.
    if isinstance(value, bool):
        raise ValueError("must not be a boolean")
    try:
        if isinstance(value, str | Decimal) and abs(Decimal(value).adjusted()) > _MOST_DIGITS:
            raise ValueError(f"must have {_MOST_DIGITS} digits at most")
    except InvalidOperation:
        pass  # no number at all, which pydantic will say
    return value


Text = Annotated[str, StringConstraints(max_length=1000)]
Filled = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Identifier = Annotated[int | str, BeforeValidator(identifier)]
Sku = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Instant = Annotated[Text, AfterValidator(_iso_instant)]
Currency = Annotated[Text, AfterValidator(_currency)]
Country = Annotated[Text, AfterValidator(_country)]
Email = Annotated[str, StringConstraints(max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")]
Amount = Annotated[
    Decimal,
    BeforeValidator(_countable),
    Field(ge=0, max_digits=_MOST_DIGITS),
    PlainSerializer(float, return_type=float, when_used="json"),
]
Quantity = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Inbound(BaseModel):
    """A shape that somebody else defines: read-only, and blind to what it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Address(Inbound):
    """A postal address. Names, postal code and province may be empty (not everybody has them), but must be there."""

    first_name: Text
    last_name: Text
    company_name: Text | None = None
    telephone: Annotated[str, StringConstraints(max_length=15)] | None = None
    address: Filled
    address2: Text | None = None
    zip: Text
    city: Filled
    province: Text
    country_code: Country


class ShippingAddress(Address):
    """Where the order goes."""

    email: Email


class Line(Inbound):
    """What is ordered. `price` is the total of the line without taxes, not the price of a piece (field notes)."""

    sku: Sku
    description: Text | None = None
    quantity: Quantity
    price: Amount


class LineItem(Line):
    """A line of the shop's order.

    `id` is Pressroom's own extension: the shop's name for the line. Without it, the line's position is its id.
    """

    id: Identifier | None = None


def _distinct_ids(lines: list[LineItem]) -> list[LineItem]:
    ids = line_ids(lines)
    if len(set(ids)) < len(ids):
        raise ValueError("must have distinct ids; a line without one counts as its position")
    return lines


class Order(Inbound):
    """An order but for its addresses and lines."""

    id: Identifier
    ref: Text | None = None
    currency: Currency
    tax_rate: Amount
    created_at: Instant
    processed_at: Instant
    shipping_price: Amount


class OrderPaid(Order):
    """An order that has been paid for."""

    shipping_info: ShippingAddress
    billing_info: Address | None = None
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=1000), AfterValidator(_distinct_ids)]

    @property
    def billing(self) -> Address:
        """Who pays: the shipping address stands in where no other is given."""
        return self.billing_info or self.shipping_info


def line_ids(lines: list[LineItem]) -> list[str]:
    """Return the lines' ids as text: their own, or their position counted from 1."""
    return [str(position if line.id is None else line.id) for position, line in enumerate(lines, start=1)]
