"""The audit trail of the ops API: actor, action, target and time. The pump relays the row of a replay."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from pressroom.platform import table
from pressroom.platform.times import iso

KIND = "ACTION"
KEPT_FOR = timedelta(days=400)


def row(identity: str, action: str, target: str, *, by: str, now: datetime, what: table.Item | None = None) -> Any:
    """Return the row of an action with a unique `identity`; `what` holds further attributes."""
    at = iso(now)
    return table.pk(KIND, identity) | {
        **(what or {}),
        "action": {"S": action},
        "target": {"S": target},
        "by": {"S": by},
        "requested_at": {"S": at},
        **table.created_index(KIND, identity, at),
        **table.until(now + KEPT_FOR),
    }


def record(action: str, target: str, *, by: str, now: datetime) -> None:
    """Record an action. For actions that can be repeated without harm: two at the same time are two rows."""
    identity = f"{target}/{action}/{iso(now)}/{secrets.token_hex(4)}"
    table.put(row(identity, action, target, by=by, now=now))


def shown(item: table.Item) -> dict[str, str]:
    """Return an action as the API shows it."""
    names = {"action": "action", "target": "target", "by": "by", "at": "requested_at"}
    return {name: item[attribute]["S"] for name, attribute in names.items()}
