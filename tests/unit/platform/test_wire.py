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
        pytest.param("\ufeff\ufeff{}".encode(), id="two byte order marks"),
        pytest.param("\ufeff{}".encode("utf-16-le"), id="UTF-16"),
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


def test_a_byte_order_mark_is_ignored() -> None:
    assert wire.parse("\ufeff{}".encode()) == {}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'"a\\ud83c"', "a\ufffd"),
        (b'"\\uDFA8 b"', "\ufffd b"),
        (b'"\\ud83c\\ud83c\\udfa8"', "\ufffd\U0001f3a8"),
        (b'"\\ud83c\\udfa8"', "\U0001f3a8"),
        (b'"\\\\ud83c"', "\\ud83c"),
        (b'"a\xed\xa0\xbc"', "a\ufffd"),
    ],
)
def test_half_a_surrogate_pair_is_a_replacement_character(body: bytes, text: str) -> None:
    assert wire.parse(body) == text
    assert wire.parse(b'[{"a": {%s: [1, %s]}}]' % (body, body)) == [{"a": {text: [1, text]}}]


@pytest.mark.parametrize(
    ("value", "pieces"), [("10.0", 10), ("7", 7), ("7.000", 7), (Decimal("7.0"), 7), (1_000_000, 1_000_000)]
)
def test_a_quantity_may_be_written_with_a_point(value: object, pieces: int) -> None:
    assert wire.pieces(value) == pieces


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
