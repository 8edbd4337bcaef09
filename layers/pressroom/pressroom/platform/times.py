"""Instants as text: ISO 8601 in UTC with milliseconds and a Z, so that they sort as strings. Standard library only."""

from datetime import UTC, datetime


def iso(instant: datetime) -> str:
    """Write an aware datetime as `2026-11-23T09:00:00.000Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """Read an ISO 8601 instant that carries its offset. Raises ValueError for anything else, a missing offset too."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an offset from UTC is missing")
    try:
        instant.astimezone(UTC)
    except OverflowError as error:  # within a day of the first or the last instant there is
        raise ValueError("not an instant that UTC can hold") from error
    return instant
