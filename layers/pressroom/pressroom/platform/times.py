"""Instants as text: ISO 8601 in UTC with milliseconds and a Z. They sort as strings. Standard library only."""

from datetime import UTC, datetime


def iso(instant: datetime) -> str:
    """Write an aware datetime as `2026-11-23T09:00:00.000Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """Read an ISO 8601 instant with an offset. Raises ValueError for anything else, also if the offset is missing."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an offset from UTC is missing")
    try:
        instant.astimezone(UTC)
    except OverflowError as error:  # within a day of the earliest or latest datetime
        raise ValueError("not an instant that UTC can hold") from error
    return instant
