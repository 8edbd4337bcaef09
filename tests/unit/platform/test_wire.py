"""JSON as it is sent and received."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.platform import wire


def test_decimals_are_read_exactly() -> None:
    assert wire.parse(b'{"price": 19.80, "rate": 0.1}') == {"price": Decimal("19.80"), "rate": Decimal("0.1")}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b"{", id="not JSON"),
        pytest.param("\ufeff{}".encode(), id="a byte order mark"),
        pytest.param(b'{"id": NaN}', id="NaN"),
        pytest.param(b'{"id": -Infinity}', id="Infinity"),
        pytest.param(b"[" * 10_000 + b"]" * 10_000, id="lists 10,000 deep"),
        pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, id="objects 10,000 deep"),
        pytest.param(b"[" * 1_000_000, id="a million brackets"),
        pytest.param(b"1" * 5_000, id="a number of 5,000 digits"),
    ],
)
def test_an_invalid_document_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json, codecs and wire each have their own text
        wire.parse(body)


def test_the_deepest_nesting_is_read_and_one_more_is_not() -> None:
    deepest = wire.DEEPEST - 1
    wire.parse(b"[" * deepest + b"1" + b"]" * deepest)
    with pytest.raises(ValueError, match="nested too deeply"):
        wire.parse(b"[" * (deepest + 1) + b"1" + b"]" * (deepest + 1))


@given(st.binary())
def test_any_bytes_are_a_document_or_a_value_error(body: bytes) -> None:
    with suppress(ValueError):
        wire.parse(body)


def test_canonical_text_ignores_spacing_and_key_order() -> None:
    one, other = b'{"a": 1.5, "b": [1, {"c": null, "d": "x"}]}', b'{"b":[1,{"d":"x","c":null}],\n"a":1.5}'
    assert wire.canonical(wire.parse(one)) == wire.canonical(wire.parse(other))


@pytest.mark.parametrize(("one", "other"), [("1", '"1"'), ("[1,2]", "[2,1]"), ("null", "false"), ('"1.5"', '["1.5"]')])
def test_different_values_have_different_canonical_text(one: str, other: str) -> None:
    assert wire.canonical(wire.parse(one.encode())) != wire.canonical(wire.parse(other.encode()))
