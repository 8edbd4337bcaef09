"""Drift: fields and values in a provider's messages that our models do not know.

Drift never fails an event (invariant 6). If a model can't read the value of an optional field, the value is left out,
and the topic and the field's path are recorded, never the value. One row per topic, listed by `GET /drift`.
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
"""The most paths in a topic's row: a sender that invents new field names in each message must not fill the table."""
_LONGEST_PATH = 200


@cache
def known(topic: str) -> set[str]:
    """Return the recorded paths of a topic. They are read from the table once; then `record` keeps them up to date."""
    item = table.get(KIND, topic) or {}
    return set(item.get("paths", {}).get("SS", ()))


def record(topic: str, paths: set[str], *, now: datetime) -> None:
    """Record the paths that are new in a topic. Known paths cause no write."""
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
    logger().warning(
        "drift_seen", topic=topic, paths=len(new)
    )  # no names: the sender chooses them, and they could hold personal data
    count("DriftSeen", topic=topic)


def shown(item: table.Item) -> dict[str, Any]:
    """Return a topic's drift as the API shows it."""
    return {"topic": table.identity_of(item), "paths": sorted(item["paths"]["SS"]), "seen_at": item["seen_at"]["S"]}
