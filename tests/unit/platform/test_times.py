"""Instants as text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.platform import times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-09-01T16:09:54+02:00", "2026-09-01T14:09:54.000Z"),
        ("2026-09-01T16:09:54Z", "2026-09-01T16:09:54.000Z"),
        ("2026-09-01T16:09:54.123456-04:00", "2026-09-01T20:09:54.123Z"),
        ("2026-01-01T00:30:00+0100", "2025-12-31T23:30:00.000Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_milliseconds(text: str, expected: str) -> None:
    assert times.iso(times.parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-09-01", "2026-09-01T16:09:54", "2026-13-01T00:00:00Z", "1756735794", "2026-09-01T25:00Z"],
)
def test_text_that_is_not_an_instant_with_an_offset_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - datetime has its own texts
        times.parse(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_an_instant_that_utc_cannot_hold_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        times.iso(times.parse(text))


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_instants_sort_as_text(one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    assert times.iso(earlier) <= times.iso(later)
    assert len(times.iso(earlier)) == len(times.iso(later))
