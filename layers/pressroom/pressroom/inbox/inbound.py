"""The base of all models of received messages: how a value may look in JSON, and which type it becomes.

Tolerant by design. A field is required only if an order can't be tracked without it. Unknown fields are kept in
`__pydantic_extra__`, so that drift can be reported. Every type is a single type with a validator before it, never a
union: an error's `loc` is then exactly the path of the invalid value in the JSON.

Values come from `platform.wire`: fractions are Decimal, there is no float.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pressroom.order.tracking import is_none, tracking_number
from pressroom.platform import times
from pressroom.platform.urls import web_link
from pressroom.platform.wire import MOST_DIGITS, is_name, is_noisy, listed, pieces, quiet

_T = TypeVar("_T")

_FINEST = 4  # decimals: no currency has a smaller unit
_CENT = Decimal("0.01")
_END_OF_TIME = 253_402_300_800  # the year 10000 in unix seconds; a time in milliseconds would be later


class Inbound(BaseModel):
    """The model of a provider's message: read-only; it keeps unknown fields.

    Its validator is built at first use: a function uses only a few of its module's models, and building all of them
    would slow its start.
    """

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    needed: ClassVar[tuple[str, ...]] = ()
    """Paths below which no value may be left out: lists in which a missing entry has a meaning."""
    words: ClassVar[dict[str, frozenset[str]]] = {}
    """The known values of fields, by field. Another value is kept as it is, and recorded as drift."""


def text(value: object) -> str:
    """Return a string or a number as text. Raises ValueError for a boolean, an object or a list."""
    if isinstance(value, str):
        value.encode()  # half a surrogate pair, which `wire.parse` takes out, can't be stored: a ValueError
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise ValueError("not text")


def instant(value: object) -> str:
    """Read unix seconds, ISO 8601 with an offset, or `2016-01-20 13:00:00 GMT`. Raises ValueError for anything else.

    Zero is refused: senders write it for a missing time.
    """
    written = text(value).strip()
    if written.isascii() and written.isdigit():
        # The length is checked first: there may be thousands of digits.
        if len(written) > MOST_DIGITS or not 0 < int(written) < _END_OF_TIME:
            raise ValueError("not an instant")
        return times.iso(datetime.fromtimestamp(int(written), UTC))
    if written.endswith(" GMT"):
        written = written.removesuffix(" GMT") + "+00:00"
    return times.iso(times.parse(written))


def _identifier(value: object) -> str:
    name = text(value).strip()
    if not is_name(name):
        raise ValueError("not an identifier")
    return name


def _reference(value: object) -> str | None:
    name = value.strip() if isinstance(value, str) else value
    if name is None or name == "":
        return None
    if not is_name(name):
        raise ValueError("not a reference")
    return str(name)


def _order_reference(value: object) -> str | None:
    name = _reference(value)
    return None if name == "0" else name


def _link(value: object) -> str | None:
    written = None if value is None else text(value)
    if written is None or is_none(written):
        return None
    if link := web_link(written):
        return link
    raise ValueError("not a link to the web")


def _tracking(value: object) -> str | None:
    return None if value is None else tracking_number(text(value))


def _tracking_or_link(value: object) -> str | None:
    number = _tracking(value)
    return _link(number) if number and "://" in number else number


def _count(value: object) -> int:
    written = text(value)
    if written.isascii() and written.isdigit() and len(written) <= MOST_DIGITS:
        return int(written)
    raise ValueError("not a count")


def _amount(value: object) -> Decimal:
    try:
        amount = Decimal(text(value))
    except InvalidOperation as error:
        raise ValueError("not an amount") from error
    if is_noisy(amount):
        amount = quiet(amount, _FINEST)
        cents = amount.quantize(_CENT)
        return cents if cents == amount else amount
    # pydantic's max_digits is not used: it normalizes the number first, which overflows for 1e999999999.
    _, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or len(digits) + max(exponent, 0) > MOST_DIGITS or exponent < -MOST_DIGITS:
        raise ValueError("not finite, or too many digits")
    return amount


def _flag(value: object) -> bool:
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise ValueError("not a boolean")


def _object(value: object) -> object:
    # PHP writes an empty associative array as an empty list.
    return {} if value is None or value == [] else value


Text = Annotated[str, BeforeValidator(text)]
"""A string; a number becomes its text."""

Identifier = Annotated[str, BeforeValidator(_identifier)]
"""The sender's id of something, a number or text in JSON; it must be fit for a row's key."""

Reference = Annotated[str | None, BeforeValidator(_reference)]
"""Our own id of something, which the sender echoes, without blanks around it; None if it echoes nothing."""

IdentifierOrNone = Annotated[str | None, BeforeValidator(_order_reference)]
"""The sender's id of something that it may leave out, or write as 0."""

OrderReference = Annotated[str | None, BeforeValidator(_order_reference)]
"""Our own id of an order. Senders also write 0 for none; a line's id may be 0, if the shop counts from there."""

QuantityOrZero = Annotated[int, BeforeValidator(partial(pieces, least=0))]
"""A number of pieces in a list that may name what is not there, with zero pieces."""

Count = Annotated[int, BeforeValidator(_count)]
"""A whole number from zero, in digits or as a number."""

Amount = Annotated[Decimal, BeforeValidator(_amount)]
"""Money or another exact number, as a number or as text; may be negative."""

Instant = Annotated[str, BeforeValidator(instant)]
"""A time, in the format of `platform.times.iso`."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""A boolean, or 0 or 1 for it."""

Link = Annotated[str | None, BeforeValidator(_link)]
"""An http or https URL, fit to be shown as a link; None if there is none. Anything else is invalid."""

Tracking = Annotated[str | None, BeforeValidator(_tracking)]
"""The tracking number of a parcel; None for a missing one and for words like `N/A` (`order.tracking`)."""

TrackingOrLink = Annotated[str | None, BeforeValidator(_tracking_or_link)]
"""The tracking number of a parcel, or in its place a link; None like Tracking."""

Listed = Annotated[list[_T], BeforeValidator(listed), Field(default_factory=list)]
"""A list that may be missing, or null for an empty list: `items: Listed[Item]`."""

NullOrListAsObject = BeforeValidator(_object)
"""For an object: an empty list or null is read as an empty object."""
