"""How many webhooks were refused. Light: the receivers import it. A refused request is not stored (invariant 6).

In a row: only for providers that disable a webhook after several refusals. Such a row holds only the provider's name,
the time, and the number of refusals.

Although they were authenticated: by reason (the field and the kind of the fault, never a value), in one row per day. A
sender without the secret can't write there. The reasons are Pressroom's own words, so a row has a bounded size.
"""

import secrets
from collections import Counter, deque
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from pressroom.partners import DISABLED_AFTER
from pressroom.platform import config, table
from pressroom.platform.observe import logger
from pressroom.platform.times import iso

KIND = "REFUSED"
KEPT_FOR = timedelta(days=7)
GENUINE = "genuine"
MOST_REASONS = 20
"""By how many reasons one request is counted at most."""
_REASON = "because "
"""How the name of an attribute begins that counts a reason."""
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


class Genuine(NamedTuple):
    """The requests that were authenticated and refused in the last KEPT_FOR: how many, by which reasons, and when."""

    number: int
    reasons: dict[str, int]
    last_at: str


def record_genuine(provider: str, reasons: Collection[str], *, now: datetime) -> None:
    """Count a request that was refused although it was authenticated. If the write fails, it is only logged."""
    names = {f"#r{place}": f"{_REASON}{provider} {each}" for place, each in enumerate(sorted(reasons)[:MOST_REASONS])}
    try:
        config.client("dynamodb").update_item(
            TableName=table.name(),
            Key=table.pk(KIND, _day(now)),
            UpdateExpression="SET last_at = :now, expires_at = :until ADD refused :one, "
            + ", ".join(f"{name} :one" for name in names),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={
                ":now": {"S": iso(now)},
                ":until": table.until(now + KEPT_FOR + timedelta(days=1))["expires_at"],
                ":one": {"N": "1"},
            },
        )
    except (BotoCoreError, ClientError):
        logger().exception("refusal_not_recorded")


def genuine(now: datetime) -> Genuine:
    """Return the requests that were refused although they were authenticated; the most frequent reasons come first."""
    days = [(KIND, _day(now - timedelta(days=ago))) for ago in range(KEPT_FOR.days)]
    rows, reasons = table.get_many(days), Counter[str]()
    for row in rows:
        reasons.update({name[len(_REASON) :]: int(row[name]["N"]) for name in row if name.startswith(_REASON)})
    return Genuine(
        sum(int(row["refused"]["N"]) for row in rows),
        dict(sorted(reasons.items(), key=lambda each: (-each[1], each[0]))),
        max((row["last_at"]["S"] for row in rows), default=""),
    )


def _day(now: datetime) -> str:
    return f"{GENUINE}/{iso(now)[:10]}"
