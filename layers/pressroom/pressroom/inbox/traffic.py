"""How many webhooks were received in each hour of the last day, by provider.

The monitor counts each past hour once. The current hour is counted on request.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pressroom.inbox import events
from pressroom.partners import SENDERS
from pressroom.platform import table
from pressroom.platform.times import iso

HOURS = 24
SETTLED_AFTER = timedelta(minutes=1)
"""How long after its end an hour can be counted for good: the index lists all of its webhooks by then."""
MOST_PER_RUN = 100_000
"""The most webhooks of a provider that one run of the monitor counts."""
MOST_PER_REQUEST = 1_000
"""The most webhooks of a provider that are counted while a person waits."""

type Counted = dict[str, dict[str, int]]
"""Numbers of webhooks, by provider and by the beginning of the hour."""


class Received(NamedTuple):
    """The webhooks of a provider in each of `hours`; `more` if the last hours have more than were counted."""

    counts: list[int]
    more: bool
    last_at: str | None


def hours(now: datetime) -> list[str]:
    """Return the beginnings of the last 24 hours, the current hour last."""
    this = now.replace(minute=0, second=0, microsecond=0)
    return [iso(this - timedelta(hours=ago)) for ago in reversed(range(HOURS))]


def count(known: Mapping[str, Mapping[str, int]], *, now: datetime) -> Counted:
    """Return the counts of the past hours; those in `known` are not counted again."""
    counted: Counted = {}
    *over, _ = hours(now - SETTLED_AFTER)
    for provider in SENDERS:
        before = known.get(provider, {})
        counted[provider] = {hour: before.get(hour, 0) for hour in over}
        missing = {hour for hour in over if hour not in before}
        partition = f"{events.KIND}/{provider}"
        if missing:
            for hour in map(_hour, table.walk("by_created", partition, after=min(missing), most=MOST_PER_RUN)):
                if hour in missing:
                    counted[provider][hour] += 1
    return counted


def received(provider: str, known: Mapping[str, int], *, now: datetime) -> Received:
    """Return the webhooks of a provider by hour; hours that are not in `known` are counted now."""
    each = hours(now)
    first = next(hour for hour in each if hour not in known)
    partition = f"{events.KIND}/{provider}"
    found, more = table.positions("by_created", [partition], limit=MOST_PER_REQUEST, beyond=first, newest_first=False)
    counts = {hour: known.get(hour, 0) for hour in each}
    for position in found:
        if (hour := _hour(position)) in counts and hour not in known:
            counts[hour] += 1
    return Received(list(counts.values()), more, last_at(provider))


def last_at(provider: str) -> str | None:
    """Return when the last new webhook of a provider was received; None if none in the last 45 days."""
    found, _ = table.positions("by_created", [f"{events.KIND}/{provider}"], limit=1)
    return table.time_at(found[0]) if found else None


def _hour(position: str) -> str:
    """Return the beginning of the hour of a position in the index."""
    return f"{position[:13]}:00:00.000Z"
