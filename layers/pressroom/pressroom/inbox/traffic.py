"""How many webhooks came in each hour of the last day, by provider.

An hour that is over is counted once, by the monitor; only what came since is counted when somebody looks.
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
"""When an hour that is over can be counted for good: what was received at its end is in the index by then."""
MOST_IN_A_LOOK = 100_000
"""How many webhooks of a provider one look counts."""
MOST_AT_ONCE = 1_000
"""How many webhooks of a provider are counted at most while somebody waits."""

type Counted = dict[str, dict[str, int]]
"""By provider, then by the hour's beginning."""


class Received(NamedTuple):
    """What came from a provider in each of `hours`; `more` if there is more than was counted in the last of them."""

    counts: list[int]
    more: bool
    last_at: str | None


def hours(now: datetime) -> list[str]:
    """Return when each hour of the last day began, the current one last."""
    this = now.replace(minute=0, second=0, microsecond=0)
    return [iso(this - timedelta(hours=ago)) for ago in reversed(range(HOURS))]


def count(known: Mapping[str, Mapping[str, int]], *, now: datetime) -> Counted:
    """Return the counts of the hours that are over, of which `known` need not be counted again."""
    counted: Counted = {}
    *over, _ = hours(now - SETTLED_AFTER)
    for provider in SENDERS:
        before = known.get(provider, {})
        counted[provider] = {hour: before.get(hour, 0) for hour in over}
        missing = {hour for hour in over if hour not in before}
        partition = f"{events.KIND}/{provider}"
        if missing:
            for hour in map(_hour, table.walk("by_created", partition, after=min(missing), most=MOST_IN_A_LOOK)):
                if hour in missing:
                    counted[provider][hour] += 1
    return counted


def received(provider: str, known: Mapping[str, int], *, now: datetime) -> Received:
    """Return what came from a provider; hours that nobody has counted yet are counted now."""
    each = hours(now)
    first = next(hour for hour in each if hour not in known)
    partition = f"{events.KIND}/{provider}"
    places, more = table.positions("by_created", [partition], limit=MOST_AT_ONCE, beyond=first, newest_first=False)
    counts = {hour: known.get(hour, 0) for hour in each}
    for place in places:
        if (hour := _hour(place)) in counts and hour not in known:
            counts[hour] += 1
    return Received(list(counts.values()), more, last_at(provider))


def last_at(provider: str) -> str | None:
    """Return when something new came from a provider for the last time; None if not for 45 days."""
    places, _ = table.positions("by_created", [f"{events.KIND}/{provider}"], limit=1)
    return table.time_at(places[0]) if places else None


def _hour(place: str) -> str:
    """Return the beginning of the hour in which a place in the index is."""
    return f"{place[:13]}:00:00.000Z"
