"""What the shapes that providers send have in common: how a value may look on the wire, and what it is to us.

Tolerant by design. A field is required only if an order can't be followed without it; what is unknown is kept beside
the fields, in `__pydantic_extra__`, so that it can be told. Every type is a single one with a validator before it,
never a union of types: an error's `loc` is then the path of the faulty value in the JSON, and nothing else.

Values come from `pressroom.wire`: fractions are Decimal, there is no float.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pressroom.platform import times
from pressroom.platform.wire import is_name, pieces

_T = TypeVar("_T")

_MOST_DIGITS = 15  # what the floating point of any sender carries unharmed
_END_OF_TIME = 253_402_300_800  # the year 10000 in unix seconds; milliseconds would lie beyond


class Inbound(BaseModel):
    """A shape that a provider defines: read-only, and keeping what it doesn't know.

    Built when it is first used: a function reads one of its module's shapes, and start-up would pay for all.
    """

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    needed: ClassVar[tuple[str, ...]] = ()
    """Paths below which nothing may be left out: lists from whose silence something is concluded."""
    words: ClassVar[dict[str, frozenset[str]]] = {}
    """The words that fields are known to hold; another one is kept as it is, and is drift."""


def text(value: object) -> str:
    """Read what is text to us whatever the wire held. Raises ValueError for a truth value, an object and a list."""
    if isinstance(value, str):
        value.encode()  # JSON can escape half a surrogate pair, which nothing could store: a ValueError too
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise ValueError("not text")


def instant(value: object) -> str:
    """Read unix seconds, ISO 8601 with an offset, or `2016-01-20 13:00:00 GMT`. Raises ValueError for anything else.

    Zero is no instant: it is how a sender that has none fills the field.
    """
    written = text(value).strip()
    if written.isascii() and written.isdigit():
        # Compared by its length first: it may have thousands of digits.
        if len(written) > _MOST_DIGITS or not 0 < int(written) < _END_OF_TIME:
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
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not is_name(value):
        raise ValueError("not a reference")
    return str(value)


def _count(value: object) -> int:
    written = text(value)
    if written.isascii() and written.isdigit() and len(written) <= _MOST_DIGITS:
        return int(written)
    raise ValueError("not a count")


def _amount(value: object) -> Decimal:
    try:
        amount = Decimal(text(value))
    except InvalidOperation as error:
        raise ValueError("not an amount") from error
    # Not by pydantic's max_digits: to count them it normalizes, which overflows for 1e999999999.
    _, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or len(digits) + max(exponent, 0) > _MOST_DIGITS or exponent < -_MOST_DIGITS:
        raise ValueError("not finite, or of too many digits")
    return amount


def _flag(value: object) -> bool:
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise ValueError("not a truth value")


def _list(value: object) -> object:
    # What writes a list with gaps (PHP, after filtering it) makes an object of it, with the places for names.
    if isinstance(value, dict) and all(name.isdecimal() for name in value):
        return list(value.values())
    return [] if value is None else value


def _object(value: object) -> object:
    # What writes a sender's empty associative array as JSON can't know that it isn't a list.
    return {} if value is None or value == [] else value


Text = Annotated[str, BeforeValidator(text)]
"""A string; a number is written out."""

Identifier = Annotated[str, BeforeValidator(_identifier)]
"""The sender's name for something, a number or text on the wire; it must be able to name a row."""

Reference = Annotated[str | None, BeforeValidator(_reference)]
"""Our own name for something, as the sender echoes it; None where it echoes nothing."""

Quantity = Annotated[int, BeforeValidator(pieces)]
"""How many pieces; at least one."""

Count = Annotated[int, BeforeValidator(_count)]
"""A whole number from zero, in digits or as a number."""

Amount = Annotated[Decimal, BeforeValidator(_amount)]
"""Money or another exact number, as a number or as text; may be negative."""

Instant = Annotated[str, BeforeValidator(instant)]
"""A moment, written as `pressroom.platform.times.iso` writes it."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""A truth value, or 0 or 1 for it."""

Listed = Annotated[list[_T], BeforeValidator(_list), Field(default_factory=list)]
"""A list that may be absent, or null for an empty one: `items: Listed[Item]`."""

NullOrListAsObject = BeforeValidator(_object)
"""For an object that an empty list, or null, may stand for."""
