"""Finding orders by e-mail address: keyed digests of addresses, in facts and in the keys of search rows.

An address itself is never written outside the bodies of webhooks. A digest without a key could be reversed by trying
addresses, so the key is a secret that only those functions can read that make or look up digests
(docs/decisions/0035-orders-are-found-by-a-keyed-digest-of-the-e-mail-address.md).
"""

import base64
import hmac
from collections.abc import Iterable
from dataclasses import replace

from pressroom.order.facts import Fact, is_paid
from pressroom.platform import config

_BYTES = 12
"""Of a digest: the row of the order holds it, and 96 bits do not collide."""
_SHOPS = frozenset({"paid", "updated"})
"""The kinds of facts that the shop reports with an address."""


def digests(email: str) -> list[str]:
    """Return an address's digests, by each active value of the key, the current one first.

    Blanks around it and upper case do not count. Empty if the key is not set (the log reports that).
    """
    text = email.strip().lower().encode("utf-8", "surrogatepass")
    keys = config.secret("SEARCH_SECRET_ARN").values()
    return [_encoded(hmac.digest(key.encode(), text, "sha256")) for key in keys]


def with_digests(new: list[Fact], emails: Iterable[str], known: list[Fact]) -> list[Fact]:
    """Return new facts of an order, the first with the digests of addresses by which the order is not found yet.

    The shop's address counts. A printer's only counts until the shop has reported the order.
    """
    addresses = [each for each in emails if each.strip()]
    if not new or not addresses or (new[0].kind not in _SHOPS and is_paid(known)):
        return new
    before = of(known)
    found = [each[0] for each in map(digests, addresses) if each and before.isdisjoint(each)]
    if not found:
        return new
    return [replace(new[0], data=new[0].data | {"emails": sorted(set(found))}), *new[1:]]


def of(facts: Iterable[Fact]) -> set[str]:
    """Return the digests in facts."""
    return {digest for fact in facts for digest in fact.data.get("emails", ())}


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content[:_BYTES]).decode()
