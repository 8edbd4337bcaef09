"""Printful's one webhook per store: what should be registered, how that differs from what is, what may be overwritten.

Printful holds a single URL. Another integration, or another environment of the merchant's, that registers its own URL
takes all events away without notice. So what an operator wants is stored (`registration_state`) and compared with
Printful's answer. This module is pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pressroom.providers.printful.client import WebhookInfo
from pressroom.providers.printful.registration_state import State

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
"""The event types that Pressroom registers for. A test compares them with the folders `functions/printful/<topic>`."""
PATH = "/webhooks/printful/"
MASK = "***"


@dataclass(frozen=True)
class Endpoint:
    """Where Printful sends its webhooks: the public URL and the path token, the only authentication in API v1."""

    public_url: str
    tokens: tuple[str, ...]
    """The active tokens, the current one first; none until the merchant sets one."""

    def is_usable(self) -> bool:
        """Return whether there is a token, and one that needs no escape in a path."""
        return bool(self.tokens) and bool(re.fullmatch(r"[A-Za-z0-9_-]+", self.tokens[0]))

    @property
    def url(self) -> str:
        return self._ours + (self.tokens[0] if self.tokens else "")

    @property
    def _ours(self) -> str:
        return self.public_url + PATH

    def is_ours(self, url: str) -> bool:
        """Return whether a URL leads to Pressroom, with any token."""
        return url.startswith(self._ours)

    def is_foreign(self, url: str | None) -> bool:
        return bool(url) and not self.is_ours(url or "")

    def shown(self, url: str | None) -> str | None:
        """Return a URL without Pressroom's token. A foreign URL stays whole: an operator has to be able to name it."""
        if url is None:
            return None
        if self.is_ours(url):
            return self._ours + MASK
        for token in self.tokens:  # Pressroom's token at another address, such as that of a stage or a domain
            url = url.replace(token, MASK)
        return url

    def may_overwrite(self, url: str | None, replace: str | None) -> bool:
        """Return whether no URL, Pressroom's, or exactly the URL that an operator named (as shown) is registered."""
        return not self.is_foreign(url) or replace in (url, self.shown(url))


def desired(endpoint: Endpoint, product_ids: Iterable[int]) -> WebhookInfo:
    """Return what should be registered. Printful requires products for STOCK: without any, STOCK is left out."""
    ids = tuple(product_ids)
    return WebhookInfo(endpoint.url, TYPES if ids else tuple(each for each in TYPES if each != STOCK), ids)


def differences(registered: WebhookInfo, wanted: WebhookInfo, endpoint: Endpoint) -> list[str]:
    """List how the two differ, for an operator. The order of types and of products does not matter."""
    if not registered.url:
        return ["no URL is registered"]
    if not endpoint.is_ours(registered.url):
        return ["the URL is not Pressroom's"]
    ids, wanted_ids = set(registered.product_ids), set(wanted.product_ids)
    if not wanted_ids:
        ids.clear()  # the products that Printful keeps have no effect without STOCK
    return [
        *(["the token is not the current one"] if registered.url != wanted.url else []),
        *(f"{each} is not enabled" for each in wanted.types if each not in registered.types),
        *(f"{each} is enabled" for each in registered.types if each not in wanted.types),
        *(f"{STOCK} is not sent for product {each}" for each in sorted(wanted_ids - ids)),
        *(f"{STOCK} is sent for product {each}" for each in sorted(ids - wanted_ids)),
    ]


def compare(registered: WebhookInfo, wanted: WebhookInfo, endpoint: Endpoint) -> State:
    """Compare Printful's answer with what should be registered."""
    if not registered.url:
        return State.LOST
    if not endpoint.is_ours(registered.url):
        return State.REPLACED
    return State.CHANGED if differences(registered, wanted, endpoint) else State.FINE
