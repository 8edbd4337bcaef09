"""The identity of a parcel."""

from decimal import Decimal

import pytest

from pressroom.platform.wire import pieces
from pressroom.providers.camaloon.parcels import parcel_id

LINES = [("a", 1), ("b", 2)]
PARCEL = parcel_id("9414 1058", "https://x", LINES)


def test_the_order_of_its_lines_does_not_make_another_parcel() -> None:
    assert parcel_id("9414 1058", "https://x", reversed(LINES)) == PARCEL


def test_the_address_of_its_tracking_does_not_make_another_parcel() -> None:
    assert parcel_id("9414 1058", "https://y", LINES) == PARCEL


@pytest.mark.parametrize(("number", "numeral"), [(94141058, "94141058"), (" 94141058 ", "94141058")])
def test_a_number_and_its_numeral_are_the_same(number: object, numeral: object) -> None:
    assert parcel_id(number, None, [("a", 1)]) == parcel_id(numeral, None, [("a", "1")])


@pytest.mark.parametrize(
    ("tracking", "url", "lines"),
    [
        ("9414 1059", "https://x", LINES),
        ("9414 1058", "https://x", [("a", 1)]),
        ("9414 1058", "https://x", [("a", 2), ("b", 1)]),
        (None, "https://x", LINES),
    ],
)
def test_a_parcel_with_other_tracking_or_contents_is_another_parcel(
    tracking: object, url: object, lines: list[tuple[object, object]]
) -> None:
    assert parcel_id(tracking, url, lines) != PARCEL


def test_without_a_tracking_number_the_url_identifies_the_parcel() -> None:
    assert parcel_id("", "https://x", LINES) != parcel_id(None, "https://y", LINES)


def test_the_division_of_a_sku_into_lines_does_not_make_another_parcel() -> None:
    assert parcel_id("1", None, [("a", 2), ("a", Decimal("3.0"))]) == parcel_id("1", None, [("a", "5")])


@pytest.mark.parametrize("number", [None, "", " ", 0, "0", "N/A", "-", "null"])
def test_an_absent_tracking_number_may_be_written_in_many_ways(number: object) -> None:
    assert parcel_id(number, "https://x", LINES) == parcel_id(None, "https://x", LINES)


@pytest.mark.parametrize("url", [None, "", "#", "n/a", "javascript:alert(1)"])
def test_what_is_no_link_does_not_tell_parcels_apart(url: object) -> None:
    assert parcel_id("", url, LINES) == parcel_id(None, None, LINES)


def test_a_line_of_no_pieces_is_not_in_the_parcel() -> None:
    assert parcel_id("9414 1058", None, [*LINES, ("c", 0)]) == PARCEL


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 1_000_001, "", "-1", "1e3", "1" * 5000, 1.5, Decimal("2.5"), Decimal("1e10000000"), [1]],
)
def test_what_is_no_quantity_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a"):
        pieces(value)
