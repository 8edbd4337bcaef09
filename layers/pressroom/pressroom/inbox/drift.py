"""Drift: fields and values in a provider's messages that our models do not know.

It never fails an event (invariant 6). What a model can't read in an optional field is left out, and where it stood is
recorded: the topic and the path, never the value. One row per topic, listed by `GET /drift`.
"""

from datetime import datetime
from functools import cache
from typing import Any

from pressroom.platform import config, table
from pressroom.platform.observe import count, logger
from pressroom.platform.times import iso

KIND = "DRIFT"
LISTED = "seen"
MOST_PATHS = 200
"""How many paths a topic's row holds: names that a sender makes up for each message must not fill the table."""
_LONGEST_PATH = 200


@cache
def known(topic: str) -> set[str]:
    """Return the paths that this function knows to be recorded; asked of the table once, then kept up by `record`."""
    item = table.get(KIND, topic) or {}
    return set(item.get("paths", {}).get("SS", ()))


def record(topic: str, paths: set[str], *, now: datetime) -> None:
    """Record the paths that were never seen before in a topic; the others cost nothing."""
    if not paths:
        return
    seen = known(topic)
    readable = {path.encode("ascii", "backslashreplace").decode()[:_LONGEST_PATH] for path in paths}
    new = sorted(readable - seen)[: max(0, MOST_PATHS - len(seen))]
    if not new:
        return
    config.client("dynamodb").update_item(
        TableName=table.name(),
        Key=table.pk(KIND, topic),
        UpdateExpression="SET seen_at = :now, state_key = :key, state_at = :at ADD paths :new",
        ExpressionAttributeValues={
            ":now": {"S": iso(now)},
            ":new": {"SS": new},
            **{f":{name[6:]}": value for name, value in table.state_index(KIND, LISTED, topic, iso(now)).items()},
        },
    )
    seen |= set(new)
    logger().warning("drift_seen", topic=topic, paths=len(new))  # names are the sender's, and could be anybody's
    count("DriftSeen", topic=topic)


def shown(item: table.Item) -> dict[str, Any]:
    """Return a topic's drift as the API shows it."""
    return {"topic": table.identity_of(item), "paths": sorted(item["paths"]["SS"]), "seen_at": item["seen_at"]["S"]}
