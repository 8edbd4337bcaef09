"""Facts about stock, for open orders with a line of a variant that can't be ordered; and notifications to the shop.

There are two cases. A product's stock changes: the orders with a line of it get a fact. Or an order is created or
changed: it gets a fact about the known stock of its products. Each case writes its own row first and reads the other's
afterwards, so if both happen at once, at least one sees the other. A fact holds the whole state of a product's stock,
and the latest fact counts.

The shop is notified of each change of a product's stock, in the write of the stock's row, so once for each change.
"""

from collections.abc import Iterable
from dataclasses import replace

from pressroom.order import joining, links, notifications, repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact, out_of_stock
from pressroom.order.model import Order, Status
from pressroom.order.notifications import BACK_IN_STOCK, OUT_OF_STOCK, Variant
from pressroom.order.outbox import Delivery
from pressroom.platform import table
from pressroom.platform.errors import Conflict
from pressroom.providers.printful import products
from pressroom.providers.printful.products import Stock

TRIES = 6
MOST_SKUS = 50
"""SKUs of one variant in a notification."""
_CLOSED = frozenset({Status.SHIPPED, Status.DELIVERED, Status.RETURNED, Status.CANCELED})
_RECORDED = frozenset({"progress", "held", "released", "failed"})
"""The kinds of fact that `record_order` records."""
_SOURCE = "printful.stock_updated"


def update(new: Stock) -> None:
    """Write a product's stock and notify the shop, unless a later event has been written; add facts to the open orders.

    A list that an event leaves out stays as an earlier event has it.

    If the function was killed in between, the event is processed again. An order that already has the fact does not
    change. Raises Conflict if others keep writing.
    """
    for _ in range(TRIES):
        known = products.stock(new.product_id)
        current = products.latest(known, new) if known else new
        if known and known.version == current.version:
            _update_orders(known)  # the function that wrote it may have been killed before it did this
            return
        deliveries = _notifications(known, current)
        current = replace(current, notified=(known.notified if known else 0) + len(deliveries))
        if products.save_stock(current, replacing=known, deliveries=deliveries):
            if current.unavailable() != (known.unavailable() if known else frozenset()):
                _update_orders(current)
            return
    raise Conflict(f"others changed the stock during {TRIES} attempts")


def record_order(decision: Decision) -> Order:
    """Record a decision on an order at Printful, list the order under its products, and add facts about their stock.

    For events that create or change an order. Events about parcels are too late for it, and should cost no extra write.
    """
    known = repository.get(decision.order_id) or repository.Row()
    reported, recorded = variants(decision.facts), {fact.id for fact in known.facts}
    before = variants(fact for fact in links.own(known.facts) if fact.kind in _RECORDED)
    new = {product for product, found in reported.items() if found - before.get(product, set())}
    for product in sorted(new - before.keys()):
        products.index_order(product, decision.order_id, since=decision.facts[0].received_at)
    order = joining.apply(decision)
    if all(fact.id in recorded for fact in decision.facts):  # the function was killed after it had recorded them
        new = set(reported)
    for product in sorted(new):
        stock = products.stock(product)
        if stock:
            order = _add_stock_fact(decision.order_id, stock) or order
    return order


def _notifications(before: Stock | None, new: Stock) -> list[Delivery]:
    """Return the notifications of what can't be ordered any more, and of what can be ordered again."""
    was, now = before.unavailable() if before else frozenset(), new.unavailable()
    if was == now or not notifications.is_on():
        return []
    skus = _skus(new.product_id)
    discontinued = set(map(str, new.discontinued))

    def shown(variants: Iterable[str]) -> list[Variant]:
        return [
            {
                "id": each,
                "status": "discontinued" if each in discontinued else "out_of_stock" if each in now else "in_stock",
                "skus": sorted(skus.get(each, ()))[:MOST_SKUS],
            }
            for each in sorted(variants)
        ]

    sequence = before.notified if before else 0
    return [
        notifications.of_product(
            type_,
            "printful",
            new.product_id,
            sequence=sequence + number,
            at=new.received_at,
            variants=shown(changed),
            unavailable=shown(now),
        )
        for number, (type_, changed) in enumerate(
            [each for each in ((OUT_OF_STOCK, now - was), (BACK_IN_STOCK, was - now)) if each[1]], 1
        )
    ]


def _skus(product_id: str) -> dict[str, set[str]]:
    """Return the SKUs under which the shop has sold a product's variants: those in the newest orders, a hundred."""
    found: dict[str, set[str]] = {}
    for order in table.get_many([(repository.KIND, each) for each in next(products.orders_with(product_id), [])]):
        facts = links.present(repository.row_of(order).facts)
        lines = {line["id"]: line.get("sku") for fact in facts if fact.kind == "paid" for line in fact.data["lines"]}
        for item in (item for fact in facts for item in fact.data.get("items", ())):
            sku = lines.get(item.get("ref")) or item.get("sku")
            if sku and item.get("variant") and item.get("product") == product_id:
                found.setdefault(item["variant"], set()).add(sku)
    return found


def _update_orders(stock: Stock) -> None:
    for page in products.orders_with(stock.product_id):
        for item in table.get_many([(repository.KIND, order_id) for order_id in page]):
            if item["status"]["S"] in _CLOSED:
                continue
            order = _add_stock_fact(table.identity_of(item), stock, repository.row_of(item).facts)
            if order:
                repository.count_attention(order, _SOURCE)


def _add_stock_fact(order_id: str, stock: Stock, facts: list[Fact] | None = None) -> Order | None:
    """Add a fact about a product's stock to an order, if it is new for it; return the order if so.

    It is about the items that this record itself names. If the record is linked, the order gets the fact from there.
    """
    if facts is None:
        facts = (repository.get(order_id) or repository.Row()).facts
    own = links.own(facts)
    out = sorted(stock.unavailable() & variants(own).get(stock.product_id, set()))
    version, before = out_of_stock(own).get(("", stock.product_id), ("", []))
    if version > stock.version or before == out:
        return None
    fact = Fact(
        id=f"{stock.event_id}/{table.digest(*out, *stock.version.split(' ')[2:])[:8]}",
        kind="stock",
        source=_SOURCE,
        at=stock.updated_at,
        received_at=stock.received_at,
        data={"provider": "printful", "product": stock.product_id, "version": stock.version, "out": out},
    )
    return joining.apply(Decision(order_id=order_id, facts=(fact,)))


def variants(facts: Iterable[Fact]) -> dict[str, set[str]]:
    """Return the variants of the facts' items, by catalogue product; the ids are Printful's."""
    found: dict[str, set[str]] = {}
    for fact in facts:
        for item in fact.data.get("items", ()):
            if item.get("product") and item.get("variant"):
                found.setdefault(item["product"], set()).add(item["variant"])
    return found
