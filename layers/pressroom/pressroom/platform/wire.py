"""JSON as it is sent and received. Light: the receivers import it."""

import json
import re
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, NoReturn

DEEPEST = 64
"""The most levels of nesting in a message; the deepest documented one (Printful) has 7."""
MOST_DIGITS = 15
"""The most digits of a number that every receiver's floating-point number keeps."""

_HALF = re.compile(r"[\ud800-\udfff]")
_MAY_BE_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def parse(body: bytes) -> Any:
    """Read a JSON document in UTF-8, with exact decimals. Raises ValueError for anything else.

    A byte order mark before it is ignored (RFC 8259, 8.1). Half a surrogate pair, which is left of an emoji that its
    sender has cut, becomes U+FFFD: it could neither be stored nor sent.

    NaN and Infinity are not JSON. A document that is nested deeply enough to exhaust the stack, here or in a later
    reader, is refused too.
    """
    try:
        text = body.decode("utf-8-sig", "surrogatepass")
        content = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except InvalidOperation as error:
        raise ValueError("a number is out of range") from error
    if body.count(b"[") + body.count(b"{") >= DEEPEST:  # other messages can't be nested too deeply
        _check_depth(content)
    return _without_halves(content) if _MAY_BE_HALF.search(text) else content


def _check_depth(content: Any) -> None:
    level = [content]
    for _ in range(DEEPEST):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise ValueError("nested too deeply")


def _without_halves(node: Any) -> Any:
    if isinstance(node, str):
        return _HALF.sub("\ufffd", node)
    if isinstance(node, dict):
        return {_without_halves(name): _without_halves(value) for name, value in node.items()}
    return [_without_halves(each) for each in node] if isinstance(node, list) else node


def canonical(value: object) -> str:
    """Write a JSON value so that equal values give equal text, whatever their spacing and key order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def without(content: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a JSON object without some of its fields."""
    return {name: value for name, value in content.items() if name not in names}


def write(value: object) -> bytes:
    """Write a value that `parse` has read. Fractions keep the digits of a floating-point number."""
    return json.dumps(value, separators=(",", ":"), default=_number).encode()


def _number(value: Decimal) -> float | str:
    number = float(value)
    return number if isfinite(number) else str(value)


def _children(node: Any) -> Any:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _no_constant(name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


MOST_PIECES = 1_000_000


def listed(value: object) -> object:
    """Return a list as it was meant: null is an empty one, and PHP writes a filtered one as an object of indexes."""
    if isinstance(value, dict) and all(name.isdecimal() for name in value):
        return list(value.values())
    return [] if value is None else value


def is_noisy(number: Decimal) -> bool:
    """Return whether a number has digits that no floating-point number holds, but only shows, like 24.989999999999998.

    False for one that is too large, or too small, to be an amount with such noise.
    """
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or not -2 * MOST_DIGITS < number.adjusted() < MOST_DIGITS:
        return False
    return len(digits) > MOST_DIGITS or exponent < -MOST_DIGITS


def quiet(number: Decimal, decimals: int) -> Decimal:
    """Round a number to so many decimals at most; zero has no sign."""
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -decimals:
        number = number.quantize(Decimal(1).scaleb(-decimals))
    return number or abs(number)


def pieces(value: object, least: int = 1) -> int:
    """Read a quantity as partners write it: 5, 5.0, "5" or "5.0". Raises ValueError for anything else."""
    is_number = isinstance(value, str) and len(value) < 20 and all(map(str.isdecimal, value.split(".", 1)))
    number = Decimal(str(value)) if is_number else value
    if isinstance(number, bool) or not isinstance(number, int | Decimal) or not least <= number <= MOST_PIECES:
        raise ValueError("not a quantity")
    if number != int(number):
        raise ValueError("not a whole number")
    return int(number)


def is_name(value: object) -> bool:
    """Return whether a JSON value can be an id (of an order, a line, an item): fit for a row's key and for display."""
    if isinstance(value, str):
        return 0 < len(value) <= 128 and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**38
