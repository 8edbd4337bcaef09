"""The number of refused webhooks of a provider in a row. Light: the receivers import it.

Only for providers that disable a webhook after several refusals. A refused request is not stored (invariant 6): a row
holds only the provider's name, the time, and the number of refusals.
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
"""How many refusals are written without delay: after the one that disables the webhook, no further request may come."""
BURST_PAUSE = timedelta(seconds=BURST)
"""The time in which one environment of a receiver writes at most BURST rows: a flood of forged requests must not
cost one write each."""


class Tally:
    """The refusals of this environment that are not yet written."""

    def __init__(self) -> None:
        self.number = 0
        self.written_at = deque[datetime](maxlen=BURST)


@cache
def tally(provider: str) -> Tally:
    """Return this environment's tally of a provider."""
    return Tally()


def record(provider: str, *, now: datetime) -> None:
    """Record that a request to a provider's URL was refused. If the write fails, it is only logged."""
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
    """Return how many requests were refused since a time, at most as many as disable the webhook."""
    limit, since = DISABLED_AFTER[provider], max(since, iso(now - KEPT_FOR))
    places, _ = table.positions("by_created", [f"{KIND}/{provider}"], limit=limit)
    return min(limit, sum(int(place.rpartition("/")[2]) for place in places if place.partition("#")[0] > since))
