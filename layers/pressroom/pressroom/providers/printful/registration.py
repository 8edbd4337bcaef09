"""Printful's one webhook per store: what should be registered, what is, and whether it may be overwritten.

Printful holds a single URL. Another integration, or another environment of ours, that registers its own takes all
events away without a word; so what is wanted is a row of the table, to be compared with what Printful says.
Everything here is pure but `wanted` and `want`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pressroom.platform import config, table
from pressroom.platform.errors import Refused
from pressroom.platform.times import iso
from pressroom.providers.printful.client import WebhookInfo

STOCK = "stock_updated"
TYPES = (
    "package_shipped",
    "package_returned",
    "order_created",
    "order_updated",
    "order_failed",
    "order_canceled",
    "order_put_hold",
    "order_put_hold_approval",
    "order_remove_hold",
    "order_refunded",
    "product_synced",
    "product_updated",
    "product_deleted",
    STOCK,
)
"""Every type of event; STOCK is sent only for products that were named."""
PATH = "/webhooks/printful/"
MASK = "***"
ACTIONS = ("show", "register", "remove", "check")
_SETTING = ("SETTING", "printful_webhook")
_SEEN = ("SETTING", "printful_webhook_seen")


class State(StrEnum):
    """What a look at Printful finds."""

    FINE = "fine"
    LOST = "lost"
    """Nothing is registered."""
    REPLACED = "replaced"
    """Somebody else's URL is. Only a person may decide about that."""
    CHANGED = "changed"
    """Ours is, but with an old token, or with other types or products."""
    NOT_ASKED = "not_asked"
    """Printful could not be asked."""
    NOT_WANTED = "not_wanted"
    """Nobody has registered Pressroom, or somebody has removed it."""


@dataclass(frozen=True)
class Command:
    """What the function is invoked with. `product_ids` is None where those wanted before are to be kept."""

    action: str
    product_ids: tuple[int, ...] | None = None
    replace: str | None = None

    @classmethod
    def of(cls, request: Any) -> "Command":
        """Read a request; raises Refused with a text for whoever typed it."""
        if not isinstance(request, dict) or request.get("action") not in ACTIONS:
            raise Refused(f"action must be one of {', '.join(ACTIONS)}")
        if unknown := sorted(request.keys() - {"action", "product_ids", "replace"}):
            raise Refused(f"not understood: {', '.join(unknown)}")
        ids, replace = request.get("product_ids"), request.get("replace")
        if ids is not None and not (isinstance(ids, list) and all(type(each) is int and each > 0 for each in ids)):
            raise Refused("product_ids must be a list of positive integers")
        if not isinstance(replace, str | None):
            raise Refused("replace must be the URL that may be overwritten")
        return cls(request["action"], None if ids is None else tuple(sorted(set(ids))), replace)


@dataclass(frozen=True)
class Endpoint:
    """Where Printful is to send: the front door and the path's token, the only proof that v1 knows."""

    public_url: str
    tokens: tuple[str, ...]
    """The active ones, current first; none while a person has still to set it."""

    def is_usable(self) -> bool:
        """Tell whether there is a token, and one that is the same in a path whoever writes or reads it."""
        return bool(self.tokens) and bool(re.fullmatch(r"[A-Za-z0-9_-]+", self.tokens[0]))

    @property
    def url(self) -> str:
        return self._ours + (self.tokens[0] if self.tokens else "")

    @property
    def _ours(self) -> str:
        return self.public_url + PATH

    def is_ours(self, url: str) -> bool:
        """Tell whether an URL leads here, under whichever token."""
        return url.startswith(self._ours)

    def is_foreign(self, url: str | None) -> bool:
        return bool(url) and not self.is_ours(url or "")

    def shown(self, url: str | None) -> str | None:
        """Return an URL without our token; somebody else's stays whole, since a person has to be able to name it."""
        if url is None:
            return None
        if self.is_ours(url):
            return self._ours + MASK
        for token in self.tokens:  # our token at an address that isn't this one: a stage's, or a domain's
            url = url.replace(token, MASK)
        return url

    def may_overwrite(self, url: str | None, replace: str | None) -> bool:
        """Tell whether what is registered is nothing, ours, or exactly what a person named, as it was shown."""
        return not self.is_foreign(url) or replace in (url, self.shown(url))


def desired(endpoint: Endpoint, product_ids: Iterable[int]) -> WebhookInfo:
    """Return what should be registered. Printful wants products for STOCK: without any it is left out."""
    ids = tuple(product_ids)
    return WebhookInfo(endpoint.url, TYPES if ids else tuple(each for each in TYPES if each != STOCK), ids)


def differences(registered: WebhookInfo, wanted: WebhookInfo, endpoint: Endpoint) -> list[str]:
    """Say, for a person, in what the two differ; empty when all is well. The order of types and products is nothing."""
    if not registered.url:
        return ["no URL is registered"]
    if not endpoint.is_ours(registered.url):
        return ["the URL is not Pressroom's"]
    ids, wanted_ids = set(registered.product_ids), set(wanted.product_ids)
    if not wanted_ids:
        ids.clear()  # whatever Printful keeps of them has no effect without STOCK
    return [
        *(["the token is not the current one"] if registered.url != wanted.url else []),
        *(f"{each} is not enabled" for each in wanted.types if each not in registered.types),
        *(f"{each} is enabled" for each in registered.types if each not in wanted.types),
        *(f"{STOCK} is not sent for product {each}" for each in sorted(wanted_ids - ids)),
        *(f"{STOCK} is sent for product {each}" for each in sorted(ids - wanted_ids)),
    ]


def compare(registered: WebhookInfo, wanted: WebhookInfo, endpoint: Endpoint) -> State:
    """Compare what Printful says with what should be."""
    if not registered.url:
        return State.LOST
    if not endpoint.is_ours(registered.url):
        return State.REPLACED
    return State.CHANGED if differences(registered, wanted, endpoint) else State.FINE


@dataclass(frozen=True)
class Wanted:
    """What a person has asked for last. The products outlive a removal."""

    wanted: bool = False
    product_ids: tuple[int, ...] = ()


def wanted() -> Wanted:
    """Read what is wanted; nothing, until somebody registers."""
    row = table.get(*_SETTING)
    if row is None:
        return Wanted()
    return Wanted(row["wanted"]["BOOL"], tuple(int(each["N"]) for each in row["product_ids"]["L"]))


def want(setting: Wanted, now: datetime) -> None:
    """Keep what is wanted from now on."""
    config.client("dynamodb").put_item(
        TableName=table.name(),
        Item=table.pk(*_SETTING)
        | {
            "wanted": {"BOOL": setting.wanted},
            "product_ids": {"L": [{"N": str(each)} for each in setting.product_ids]},
            "changed_at": {"S": iso(now)},
        },
    )


def saw(state: State, now: datetime) -> None:
    """Keep what the latest look at Printful has found, for the monitor."""
    config.client("dynamodb").put_item(
        TableName=table.name(), Item=table.pk(*_SEEN) | {"state": {"S": state}, "at": {"S": iso(now)}}
    )


def seen() -> State | None:
    """Return what the latest look at Printful has found."""
    row = table.get(*_SEEN)
    return State(row["state"]["S"]) if row else None
