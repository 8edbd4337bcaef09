"""What is known about Pressroom's webhook at Printful: what an operator wants, and what the latest check found.

Health conditions and the ops API read this, so this module loads no HTTP client.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pressroom.platform import config, table
from pressroom.platform.times import iso

_SETTING = ("SETTING", "printful_webhook")
_SEEN = ("SETTING", "printful_webhook_seen")


class State(StrEnum):
    """The result of a check of the registration at Printful."""

    FINE = "fine"
    LOST = "lost"
    """No URL is registered."""
    REPLACED = "replaced"
    """The URL of another system is registered. Pressroom overwrites it only on `register --replace <that URL>`."""
    CHANGED = "changed"
    """Pressroom's URL is registered, but with an old token, or with other types or products."""
    NOT_ASKED = "not_asked"
    """The request to Printful failed."""
    NOT_WANTED = "not_wanted"
    """No operator has registered Pressroom, or one has removed it."""


PROBLEMS = {
    State.LOST: "No webhook is registered at Printful, so Pressroom misses Printful's events. Register it again "
    "with `pressroom printful-webhook register`.",
    State.REPLACED: "Another URL has replaced Pressroom's webhook at Printful, so Pressroom misses Printful's events. "
    "`pressroom printful-webhook show` shows the URL; `register --replace URL` overwrites it.",
    State.CHANGED: "Pressroom's webhook at Printful has an old token, or other event types or products than it should "
    "have, so Pressroom misses some events. Register it again with `pressroom printful-webhook register`.",
    State.NOT_ASKED: "Pressroom could not check its webhook at Printful. It tries again every hour. If this lasts, "
    "check that the token for Printful's API is still valid.",
}
"""By the state of the registration, if it is wrong or unknown, the sentence that a merchant reads."""


@dataclass(frozen=True)
class Wanted:
    """What an operator requested last. `product_ids` stay when the webhook is removed."""

    wanted: bool = False
    product_ids: tuple[int, ...] = ()


def wanted() -> Wanted:
    """Return the webhook that should be registered; none until an operator registers one."""
    row = table.get(*_SETTING)
    if row is None:
        return Wanted()
    return Wanted(row["wanted"]["BOOL"], tuple(int(each["N"]) for each in row["product_ids"]["L"]))


def want(setting: Wanted, now: datetime) -> None:
    """Store what an operator wants from now on."""
    config.client("dynamodb").put_item(
        TableName=table.name(),
        Item=table.pk(*_SETTING)
        | {
            "wanted": {"BOOL": setting.wanted},
            "product_ids": {"L": [{"N": str(each)} for each in setting.product_ids]},
            "changed_at": {"S": iso(now)},
        },
    )


def record(state: State, now: datetime) -> None:
    """Store the result of a check, for the monitor."""
    config.client("dynamodb").put_item(
        TableName=table.name(), Item=table.pk(*_SEEN) | {"state": {"S": state}, "at": {"S": iso(now)}}
    )


def latest() -> State | None:
    """Return the result of the latest check; None if there was none."""
    row = table.get(*_SEEN)
    return State(row["state"]["S"]) if row else None


def problem() -> str | None:
    """Return the sentence for a wrong or unknown registration; None if it is right, or if no webhook is wanted."""
    state = latest()
    return PROBLEMS[state] if state in PROBLEMS and wanted().wanted else None
