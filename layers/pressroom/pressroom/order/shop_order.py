"""A shop's order, the form that every printer's order is made from: Camaloon's `order_paid` (API v1), with an e-mail.

What Pressroom adds (a line's `id` and `personalization`; an address's `country_id`; the order's `customer`, `note`,
`shipping_service` and `total_price`) may be left out, and Camaloon is never sent it. Amounts are exact decimals in the
order's currency.

Inbound and tolerant: unknown fields are ignored, and what a shop may write in several ways is read in one: null, an
empty text and a missing field, codes in lower case, numbers as text, the noise of floating-point numbers. An optional
field with a value that can't be used counts as absent, and a text that is too long is cut. Only what makes a message an
order is required. What the printers of its lines need besides is checked in `providers/storefront/messages.py`.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    WrapValidator,
    model_validator,
)

from pressroom.order import codes
from pressroom.platform import times, wire
from pressroom.platform.wire import MOST_DIGITS, is_name, is_noisy

_RATE_DECIMALS = 4
_LONGEST_TEXT = 1000
_LONGEST_PROSE = 20_000
_LONGEST_SKU = 200
_LONGEST_URL = 2048
_MOST_THUMBNAILS = 100
"""The most thumbnails of a line: it limits the list of errors for a body whose thumbnails are all invalid."""
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)
_URL_ENCODED = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_EXTENDED_FORMAT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII)


def _iso_instant(value: object) -> str:
    try:
        # Python also reads week dates and a space for the T, which Camaloon, to whom the text goes as it is, may not.
        if isinstance(value, str) and len(value) <= _LONGEST_TEXT and _EXTENDED_FORMAT.fullmatch(value):
            times.parse(value)
            return value
    except ValueError:
        pass
    raise ValueError("must be an ISO 8601 date and time with its offset from UTC, such as 2026-09-01T16:09:54+02:00")


def _currency(value: object) -> str:
    if isinstance(value, str) and (code := codes.currency(value)):
        return code
    raise ValueError("must be an ISO 4217 currency code, such as EUR")


def _country(value: object) -> str | None:
    return codes.country(value) if isinstance(value, str) else None


def _text(value: object) -> str | None:
    """Return a text, or a number as text; None for anything else."""
    if isinstance(value, int | Decimal | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _cut(longest: int) -> Callable[[object], str | None]:
    def cut(value: object) -> str | None:
        text = _text(value)
        return None if text is None else text[:longest]

    return cut


def _blank(value: object) -> str:
    return (_text(value) or "")[:_LONGEST_TEXT]


def _place(value: object) -> str | None:
    text = _blank(value)
    return text if text.strip() else None


def _whole(value: object) -> str | None:
    """Return a text that means something else when it is cut; None if it is too long."""
    text = _text(value)
    return text if text is None or len(text) <= _LONGEST_TEXT else None


def _sku(value: object) -> str | None:
    """Return a SKU, empty if there is none; None if it can't be used: cut, it could be another product's."""
    text = "" if is_empty(value) else (_text(value) or "").strip()
    return text if len(text) <= _LONGEST_SKU and (text or is_empty(value)) else None


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def is_empty(value: object) -> bool:
    """Return whether a value says nothing: null, an empty text, an empty list or object, an object of only these."""
    if isinstance(value, dict):
        return all(map(is_empty, value.values()))
    return value is None or _stripped(value) in ("", [])


def _empty_as_none(value: object) -> object:
    return None if is_empty(value) else value


def _blank_as_none(value: object) -> object:
    return None if _stripped(value) == "" else value


def _or_none(value: object, read: Callable[[object], Any]) -> Any:
    try:
        return read(value)
    except ValueError:
        return None


def _null_as(default: object) -> BeforeValidator:
    return BeforeValidator(lambda value: default if _empty_as_none(value) is None else value)


def _email(value: object) -> object:
    """Return an e-mail address, or None for a value that is none: a printer that needs one will say so."""
    text = _stripped(value)
    return text if isinstance(text, str) and len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) else None


def _address(value: object) -> object:
    return value if isinstance(value, dict | ShippingAddress) else {}


def _object(value: object) -> object:
    return {} if value == [] else value  # PHP writes an empty associative array as an empty list


def identifier(value: object) -> object:
    """Return an order's or a line's id without blanks around it.

    Raises ValueError for a value that can't name a row or be shown.
    """
    # One message for one fault: a union of constrained types would report every branch.
    name = _stripped(value)
    if is_name(name):
        return name
    raise ValueError("must be a whole number, or text of 1 to 128 printable characters")


def _amount(value: object, read: Callable[[object], Decimal]) -> Decimal:
    try:
        # JSON's true would pass for the number 1; and to count the digits of 1e999999999 overflows in pydantic.
        is_countable = not isinstance(value, str | Decimal) or abs(Decimal(value).adjusted()) <= MOST_DIGITS
        if is_countable and not isinstance(value, bool):
            return read(value)
    except (ValueError, InvalidOperation):
        pass
    raise ValueError(f"must be a number from 0, of {MOST_DIGITS} digits at most")


def _quantity(value: object) -> int:
    try:
        return wire.pieces(value)
    except ValueError as error:
        raise ValueError(f"must be a whole number from 1 to {wire.MOST_PIECES}") from error


def _quiet(value: object, decimals: int) -> object:
    """Return a number without the noise of floating-point arithmetic; every other value as it is."""
    try:
        number = Decimal(value) if isinstance(value, str | Decimal) else None
    except InvalidOperation:
        return value  # no number at all, which pydantic will say
    return value if number is None or not is_noisy(number) else wire.quiet(number, decimals)


def _encoded_json(text: str) -> str:
    # A form's encoding writes a space as "+", encodeURIComponent as "%20" (and "+" as "%2B"): the one of the two that
    # reads as JSON was meant.
    if _URL_ENCODED.fullmatch(text) and any(_is_json(each) for each in (text, text.replace("+", " "))):
        return text
    raise ValueError("must be URL-encoded JSON")


def _is_json(encoded: str) -> bool:
    try:
        wire.parse(unquote_to_bytes(encoded))
    except ValueError:
        return False
    return True


def _web_address(text: str) -> str:
    if len(text) <= _LONGEST_URL and text.isprintable() and _WEB_ADDRESS.fullmatch(text):
        return text
    raise ValueError(f"must be an http or https URL of {_LONGEST_URL} characters at most")


def _plain_json(value: dict[str, Any]) -> dict[str, Any]:
    # With numbers as floating point has them: they are handed on, and a Decimal would be written as text.
    try:
        plain: dict[str, Any] = json.loads(wire.write(value))
        json.dumps(plain, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("must not hold half a surrogate pair") from error
    return plain


def _positive(value: object) -> object:
    # Only the OMS uses it, and can do without: whatever else it is, it is no reason to refuse a paid order.
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and int(text) else None


_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_LONGEST_EMAIL = 320

OrNone = WrapValidator(_or_none)
"""For an optional field: a value that can't be used counts as absent."""

Text = Annotated[str | None, BeforeValidator(_cut(_LONGEST_TEXT))]
Prose = Annotated[str | None, BeforeValidator(_cut(_LONGEST_PROSE))]
"""A text for people. How long it may be is a matter of the printer that gets it."""
Blank = Annotated[str, BeforeValidator(_blank)]
"""A text that may be empty."""
Place = Annotated[str | None, BeforeValidator(_place)]
"""A part of an address, without which nothing can be shipped there."""
Code = Annotated[str | None, BeforeValidator(_whole)]
"""A text for machines: a part of it means something else."""
Identifier = Annotated[int | str, BeforeValidator(identifier)]
OptionalIdentifier = Annotated[Identifier | None, OrNone, BeforeValidator(_empty_as_none)]
Reference = Annotated[str | None, BeforeValidator(_whole), BeforeValidator(_stripped)]
Sku = Annotated[str, BeforeValidator(lambda value: _sku(value) or "")]
Instant = Annotated[str, BeforeValidator(_iso_instant)]
Currency = Annotated[str, BeforeValidator(_currency)]
Country = Annotated[str | None, BeforeValidator(_country)]
Email = Annotated[str | None, BeforeValidator(_email)]
Amount = Annotated[
    Decimal,
    Field(ge=0, max_digits=MOST_DIGITS),
    WrapValidator(_amount),
    PlainSerializer(float, return_type=float, when_used="json"),
]
TemplateConfig = Annotated[str, StringConstraints(min_length=1), AfterValidator(_encoded_json)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Properties = Annotated[dict[str, Any], BeforeValidator(_object), AfterValidator(_plain_json)]
Quantity = Annotated[int, BeforeValidator(_quantity)]


class Inbound(BaseModel):
    """A shape that the shop sends: read-only; unknown fields are ignored.

    It is built on first use: a function reads one or two of this module's shapes, and its start-up would pay for all.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


PLACE = ("address", "city", "country_code")
"""The fields of an address without which nothing can be shipped there."""


class Address(Inbound):
    """A postal address. Names, postal code and province may be empty: not everybody has them.

    The place is missing if only printers that know it from elsewhere make the order. `country_id` is the OMS's number
    of the country.
    """

    first_name: Blank = ""
    last_name: Blank = ""
    company_name: Text = None
    telephone: Text = None
    address: Place = None
    address2: Text = None
    zip: Blank = ""
    city: Place = None
    province: Blank = ""
    country_code: Country = None
    country_id: Annotated[int | None, BeforeValidator(_positive)] = None

    def missing(self) -> list[str]:
        """Return the names of the fields without which nothing can be shipped to the address."""
        return [name for name in PLACE if getattr(self, name) is None]


class ShippingAddress(Address):
    """The address that the order is shipped to."""

    email: Email = None


class Line(Inbound):
    """An ordered product. `price` is the total of the line without taxes, not the price of a piece (field notes).

    A line without a SKU (a tip, gift wrap) has an empty one: no printer can know what to print.
    """

    sku: Sku = ""
    description: Prose = None
    quantity: Quantity
    price: Annotated[Amount | None, BeforeValidator(_empty_as_none)] = None


class Personalization(Inbound):
    """A customer's design of a product, made in the OMS's customiser; it is passed on unchanged.

    `template_config` is the design: JSON, URL-encoded. Nobody here fetches the thumbnails.
    """

    variant_id: Identifier
    template_config: TemplateConfig
    thumbnails: Annotated[list[WebAddress], Field(max_length=_MOST_THUMBNAILS)]
    design_version_id: Code = None
    properties: Annotated[Properties | None, BeforeValidator(_blank_as_none)] = None


class LineItem(Line):
    """A line of the shop's order. A line without an `id` has its position as its id.

    `unusable` names what the shop wrote of the line that can't be used: `sku`, or a part of `personalization`. It is
    the fault of this line, and no reason to refuse the order.
    """

    id: OptionalIdentifier = None
    personalization: Personalization | None = None
    unusable: str = ""

    @model_validator(mode="before")
    @classmethod
    def _without_unusable(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        design, faults = content.get("personalization"), [] if _sku(content.get("sku")) is not None else ["sku"]
        if not is_empty(design):
            try:
                design = Personalization.model_validate(design)
            except ValidationError as error:
                faults += sorted({".".join(("personalization", *map(str, each["loc"][:1]))) for each in error.errors()})
        used = design if isinstance(design, Personalization) else None
        return content | {"personalization": used, "unusable": ", ".join(faults)}

    @property
    def is_personalized(self) -> bool:
        """Return whether the line has a design, be it one that can't be used."""
        return self.personalization is not None or "personalization" in self.unusable


def _without_removed(lines: object) -> object:
    """Leave out the lines of no pieces, which a shop keeps in its list. The others keep their ids, or positions."""
    lines = wire.listed(lines)
    if not isinstance(lines, list) or not any(map(_is_removed, lines)):
        return lines
    return [
        line | {"id": position} if isinstance(line, dict) and not is_name(_stripped(line.get("id"))) else line
        for position, line in enumerate(lines, start=1)
        if not _is_removed(line)
    ]


def _is_removed(line: object) -> bool:
    quantity = line.get("quantity") if isinstance(line, dict) else None
    return not isinstance(quantity, bool) and quantity in (0, "0", "0.0")


def _whole_address(address: Address | None) -> Address | None:
    """Return None for an address that is only filled in half, as a shop's form may be: nobody can use it."""
    return None if address is None or address.missing() else address


def _distinct_ids(lines: list[LineItem]) -> list[LineItem]:
    ids = line_ids(lines)
    if len(set(ids)) < len(ids):
        raise ValueError("must have distinct ids; a line without one counts as its position")
    return lines


class Customer(Inbound):
    """The customer, as the OMS asks for it."""

    id: OptionalIdentifier = None
    email: Email = None
    first_name: Text = None
    last_name: Text = None
    telephone: Text = None


def _named(lines: list[LineItem]) -> list[LineItem]:
    nameless = [position for position, line in enumerate(lines) if line.id is None]
    if nameless:
        places = ", ".join(map(str, nameless[:10]))
        raise ValueError(f"must have ids in an update, or nobody can tell which line is which; missing at {places}")
    return _distinct_ids(lines)


class Order(Inbound):
    """An order without its addresses and lines."""

    id: Identifier
    ref: Reference = None
    currency: Currency
    tax_rate: Annotated[Amount | None, OrNone, BeforeValidator(_empty_as_none)] = None
    created_at: Instant
    processed_at: Instant
    shipping_price: Annotated[Amount, _null_as(Decimal(0))] = Decimal(0)


class OrderPaid(Order):
    """An order that has been paid for. `shipping_service` is the OMS's code of a shipping method.

    `total_price` is what the customer paid for the whole order.
    """

    shipping_info: Annotated[ShippingAddress, BeforeValidator(_address)] = Field(default_factory=ShippingAddress)
    billing_info: Annotated[Address | None, AfterValidator(_whole_address), OrNone] = None
    line_items: Annotated[
        list[LineItem],
        Field(min_length=1, max_length=1000),
        AfterValidator(_distinct_ids),
        BeforeValidator(_without_removed),
    ]
    customer: Annotated[Customer | None, OrNone, BeforeValidator(_empty_as_none)] = None
    note: Prose = None
    shipping_service: Code = None
    total_price: Annotated[Amount | None, OrNone, BeforeValidator(_empty_as_none)] = None

    @model_validator(mode="before")
    @classmethod
    def _without_noise(cls, content: Any) -> Any:
        """Round the amounts that have the noise of floating-point numbers, which needs the order's currency."""
        if not isinstance(content, dict):
            return content
        currency, lines = content.get("currency"), wire.listed(content.get("line_items"))
        decimals = codes.decimals(codes.currency(currency) if isinstance(currency, str) else None)
        quiet = {"shipping_price": decimals, "total_price": decimals, "tax_rate": _RATE_DECIMALS}
        content = content | {name: _quiet(content[name], places) for name, places in quiet.items() if name in content}
        if isinstance(lines, list):
            content["line_items"] = [
                line | {"price": _quiet(line["price"], decimals)}
                if isinstance(line, dict) and "price" in line
                else line
                for line in lines
            ]
        return content

    def lines(self) -> dict[str, LineItem]:
        """Return the lines by their ids, in their order."""
        return dict(zip(line_ids(self.line_items), self.line_items, strict=True))

    def emails(self) -> tuple[str, ...]:
        """Return the customer's e-mail addresses."""
        return tuple(each.email for each in (self.shipping_info, self.customer) if each and each.email)

    @property
    def billing(self) -> Address:
        """The billing address; the shipping address if there is none."""
        return self.billing_info or self.shipping_info


class OrderUpdated(OrderPaid):
    """An order that was paid before, as it is since `updated_at`, which decides which update is the latest.

    Each line has its id, by which alone it is known again: one that had none when it was paid has its position then.
    """

    updated_at: Instant
    line_items: Annotated[
        list[LineItem],
        Field(min_length=1, max_length=1000),
        AfterValidator(_named),
        BeforeValidator(_without_removed),
    ]


class OrderCanceled(Inbound):
    """An order that the shop has canceled as a whole."""

    id: Identifier
    canceled_at: Annotated[Instant | None, OrNone] = None
    reason: Prose = None


def line_ids(lines: list[LineItem]) -> list[str]:
    """Return the lines' ids as text: their own, or their position counted from 1."""
    return [str(position if line.id is None else line.id) for position, line in enumerate(lines, start=1)]


def normal_form(order: OrderPaid) -> dict[str, Any]:
    """Return what an order means, as JSON: orders with one normal form differ in nothing that Pressroom reads.

    A missing field, null and an empty text are one; so are a number and its text, two ways to write an instant, a
    line's position and an id that says the same, and a billing address that repeats the shipping address.
    """
    said = order.model_dump(exclude={"billing_info", "line_items"}) | {
        "created_at": times.iso(times.parse(order.created_at)),
        "processed_at": times.iso(times.parse(order.processed_at)),
        "billing": order.billing.model_dump(exclude={"email"}),
        "lines": {line_id: line.model_dump(exclude={"id"}) for line_id, line in order.lines().items()},
    }
    meaning: dict[str, Any] = _meaning(said)
    return meaning


def _meaning(value: Any) -> Any:
    if isinstance(value, dict):
        known = {name: _meaning(each) for name, each in value.items()}
        return {name: each for name, each in known.items() if each not in (None, "", {})}
    if isinstance(value, list):
        return [_meaning(each) for each in value]
    if isinstance(value, float | Decimal):
        return f"{Decimal(str(value)).normalize():f}"
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
