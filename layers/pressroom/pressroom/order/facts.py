"""Facts (domain events): what is known about an order, each named by the event that reported it. Pure.

An order is the *set* of its facts. This module holds a fact's shape, the order in which facts are applied, their packed
form in the order's row, and the questions that facts answer without a fold.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from pressroom.partners import BY_ID

DRAFT = "draft"
"""A printer's word for an order that is not confirmed, so that nobody prints it."""
VIA = "via"
"""In the data of a fact from a linked record: that record (`order.links`)."""
MOST_DELIVERIES = 98
"""Deliveries that are read with their order: a transaction takes 100 rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that is known about an order.

    `id` names it: the event's id, so that receiving it again adds nothing. `at` is when it happened according to its
    source, `received_at` when Pressroom received it; both are written by `times.iso`. `data` is JSON, and its shape is
    that of the kind. A fact about a printer's order names it in `provider` and `order`. It names the printer's items in
    `items` (all items of the order: `item`, `ref`, `sku`, `external_variant`, `quantity`, `variant`, `product`) or in
    `item` and `ref` (the one item that the fact is about).
    """

    id: str
    kind: str
    source: str
    at: str
    received_at: str
    data: dict[str, Any] = field(default_factory=dict)


def occurrence(fact: Fact) -> tuple[str, str]:
    """Return the sort key of facts: when they happened, then their ids.

    The time of receipt takes no part: the order of arrival must not change the record.
    """
    return fact.at, fact.id


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Return each fact once, in the order in which they happened as far as that is known.

    Printful's times have whole seconds. Of one instant, what other facts follow comes first: a hold before its release,
    a draft before the status that it gets when it is confirmed.
    """
    return sorted({fact.id: fact for fact in facts}.values(), key=lambda fact: (fact.at, _turn(fact), fact.id))


def _turn(fact: Fact) -> int:
    """Return the place of a fact among those of its instant."""
    if fact.kind == "held" or (fact.kind == "progress" and kind_of_status(fact) == "held"):
        return 0
    return 1 if fact.kind == "released" or fact.data.get("status") == DRAFT else 2


def kind_of_status(fact: Fact) -> str | None:
    """Return the kind of fact that the status in a `progress` counts as; None if it is only progress."""
    printer, status = BY_ID.get(fact.data.get("provider", "")), fact.data.get("status")
    return printer.kinds.get(status) if printer and status else None


def delivery_ids(facts: Iterable[Fact]) -> list[str]:
    """Return the ids of the deliveries that an order has caused, in no particular order.

    Of more than MOST_DELIVERIES, those in the middle are left out: they are the shop's many updates, which are alike.
    """
    ids = list(dict.fromkeys(delivery_id for fact in facts for delivery_id in fact.data.get("deliveries", ())))
    half = MOST_DELIVERIES // 2
    return [*ids[:half], *ids[-half:]] if len(ids) > MOST_DELIVERIES else ids


def destination_of(delivery_id: str) -> str:
    """Return the destination of a delivery: its id, by which facts name it, begins with that."""
    return delivery_id.partition("-")[0]


def is_paid(facts: Iterable[Fact]) -> bool:
    """Return whether the shop has reported the payment."""
    return any(fact.kind == "paid" for fact in facts)


def age_counts_from(facts: Iterable[Fact]) -> str:
    """Return when the age of an order begins: when its payment was first received, or anything, if it is not paid.

    The date that the shop wrote on it does not count: a pre-order is paid months later, and a shop's clock can be
    wrong.
    """
    known = list(facts)
    payments = [fact for fact in known if fact.kind == "paid"]
    return min((fact.received_at for fact in payments or known), default="")


def is_revoked(facts: Iterable[Fact]) -> bool:
    """Return whether the shop has canceled the order, whatever has been sent of it."""
    return any(fact.kind == "revoked" for fact in facts)


def out_of_stock(facts: Iterable[Fact]) -> dict[tuple[str, str], tuple[str, list[str]]]:
    """Return the version of the latest stock report, and the variants that are out of stock.

    By the linked record whose items the report is about (empty for the order's own) and the catalogue product.
    """
    latest: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for fact in facts:
        if fact.kind == "stock":
            about = fact.data.get(VIA, ""), fact.data["product"]
            version, out = fact.data["version"], fact.data["out"]
            known, before = latest.get(about, ("", []))
            if version == known:  # the same report, about a variant that the order did not have then
                out = sorted({*before, *out})
            if version >= known:
                latest[about] = version, out
    return latest


_DICTIONARY = b"".join(
    (
        b'paid","source":"storefront.order_paid","ref":null,"currency":"EUR","created_at":"lines":[{"id":"1","sku":"',
        b'"price":"1.0","destination":"camaloon"}],"deliveries":["camaloon-"]}},sent","source":"deliver.camaloon"',
        b'"delivery_id":"destination":"camaloon","operation":"order_paid","answer_lost":false}},{"id":"camaloon-/sent/0.1',
        b'camaloon.shipment_sent","cloudprinter.item_validated","item_produced","item_packed","item_shipped","stage":"',
        b'accepted","in_production","held","released","reason":null,"approval":false,order_put_hold","order_remove_hold"',
        b'shipped","source":"printful.package_shipped","provider":"cloudprinter","order":"item":"ref":"printful.order_',
        b'created","updated","status":"pending","inprocess","partial","fulfilled","items":[{"item":"4","ref":"1","sku":"',
        b'","quantity":1,"variant":"1","product":"7"}],"parcel":"5","carrier":"tracking_number":"tracking_url":"https://',
        b'","shipped_at":"2026-reshipment":false,"lines":[{"item":"4","quantity":null}]}},{"id":"printful-cloudprinter-',
        b'","kind":"progress","source":"printful.","at":"2026-:00.000Z","received_at":"2026-T1Z","data":{"provider":"printful",',
    )
)
"""The preset zlib dictionary of packed facts: a quarter less for a usual order, which is a write unit for many.

Never change it: stored orders are packed with it. (A stream names its dictionary, so another one could be added.)
"""


def pack(facts: Iterable[Fact]) -> bytes:
    """Write facts as compressed JSON, for the order's row: the same set gives the same bytes."""
    text = json.dumps([asdict(fact) for fact in in_order(facts)], separators=(",", ":")).encode()
    packer = zlib.compressobj(zdict=_DICTIONARY)
    return packer.compress(text) + packer.flush()


def unpack(packed: bytes) -> list[Fact]:
    """Read what `pack` wrote, with the dictionary or (older rows) without it."""
    return [Fact(**fact) for fact in json.loads(zlib.decompressobj(zdict=_DICTIONARY).decompress(packed))]
