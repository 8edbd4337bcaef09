"""How often a provider was refused in a row, of those that switch a webhook off for it. Light: the receivers import it.

What was refused is not kept (invariant 6): a row says only whose URL it came to, when, and how many they were.
"""

import secrets
from collections import deque
from datetime import datetime, timedelta
from functools import cache

from botocore.exceptions import BotoCoreError, ClientError

from pressroom.partners import DISABLED_AFTER
from pressroom.platform import table
from pressroom.platform.observe import logger
from pressroom.platform.times import iso

KIND = "REFUSED"
KEPT_FOR = timedelta(days=7)
BURST = max(DISABLED_AFTER.values())
"""How many are written as they come: after the last that switches the webhook off nothing more comes to count it."""
BURST_PAUSE = timedelta(seconds=BURST)
"""How soon one environment of a receiver writes so many again: a flood of strangers' must not be paid for each."""


class Tally:
    """What this environment has refused and not yet written."""

    def __init__(self) -> None:
        self.number = 0
        self.written_at = deque[datetime](maxlen=BURST)


@cache
def tally(provider: str) -> Tally:
    """Return this environment's tally of a provider."""
    return Tally()


def record(provider: str, *, now: datetime) -> None:
    """Note that a request to a provider's URL was refused. It is refused all the same if that can't be written."""
    if provider not in DISABLED_AFTER:
        return
    mine = tally(provider)
    mine.number += 1
    if len(mine.written_at) == BURST and now - mine.written_at[0] < BURST_PAUSE:
        return
    identity = f"{provider}/{secrets.token_hex(8)}/{mine.number}"
    row = table.pk(KIND, identity) | table.created_index(f"{KIND}/{provider}", identity, iso(now))
    try:
        table.put(row | table.until(now + KEPT_FOR))
    except (BotoCoreError, ClientError):
        logger().exception("refusal_not_recorded")
        return
    mine.number = 0
    mine.written_at.append(now)


def in_a_row(provider: str, *, since: str, now: datetime) -> int:
    """Return how many requests were refused since a time; no more are counted than disable the webhook."""
    limit, since = DISABLED_AFTER[provider], max(since, iso(now - KEPT_FOR))
    places, _ = table.positions("by_created", [f"{KIND}/{provider}"], limit=limit)
    return min(limit, sum(int(place.rpartition("/")[2]) for place in places if place.partition("#")[0] > since))
