"""Facts about stock, for open orders with a line of a variant that can't be ordered.

There are two cases. A product's stock changes: the orders with a line of it get a fact. Or an order is created or
changed: it gets a fact about the known stock of its products. Each case writes its own row first and reads the other's
afterwards, so if both happen at once, at least one sees the other. A fact holds the whole state of a product's stock,
and the latest fact counts.
"""

from collections.abc import Iterable

from pressroom.order import repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact, out_of_stock
from pressroom.order.model import Order, Status
from pressroom.platform import table
from pressroom.platform.errors import Conflict
from pressroom.providers.printful import products
from pressroom.providers.printful.products import Stock

TRIES = 6
_CLOSED = frozenset({Status.SHIPPED, Status.DELIVERED, Status.RETURNED, Status.CANCELED})
_RECORDED = frozenset({"progress", "held", "released", "failed"})
"""The kinds of fact that `record_order` records."""
_SOURCE = "printful.stock_updated"


def update(new: Stock) -> None:
    """Write a product's stock, unless a later event has been written, and add facts to the open orders.

    If the function was killed in between, the event is processed again. An order that already has the fact does not
    change. Raises Conflict if others keep writing.
    """
    for _ in range(TRIES):
        known = products.stock(new.product_id)
        if known and known.version > new.version:
            _update_orders(known)  # the function for the later event may have been killed before it did this
            return
        is_again = known is not None and known.version == new.version
        if is_again or products.save_stock(new, replacing=known):
            if is_again or new.unavailable() != (known.unavailable() if known else frozenset()):
                _update_orders(new)
            return
    raise Conflict(f"others changed the stock during {TRIES} attempts")


def record_order(decision: Decision) -> Order:
    """Record a decision on an order at Printful, list the order under its products, and add facts about their stock.

    For events that create or change an order. Events about parcels are too late for it, and should cost no extra write.
    """
    known = repository.get(decision.order_id) or repository.Row()
    reported, recorded = variants(decision.facts), {fact.id for fact in known.facts}
    before = variants(fact for fact in known.facts if fact.kind in _RECORDED)
    new = {product for product, found in reported.items() if found - before.get(product, set())}
    for product in sorted(new - before.keys()):
        products.index_order(product, decision.order_id, since=decision.facts[0].received_at)
    order = repository.apply(decision)
    if all(fact.id in recorded for fact in decision.facts):  # the function was killed after it had recorded them
        new = set(reported)
    for product in sorted(new):
        stock = products.stock(product)
        if stock:
            order = _add_stock_fact(decision.order_id, stock) or order
    return order


def _update_orders(stock: Stock) -> None:
    for page in products.orders_with(stock.product_id):
        for item in table.get_many([(repository.KIND, order_id) for order_id in page]):
            if item["status"]["S"] in _CLOSED:
                continue
            order = _add_stock_fact(table.identity_of(item), stock, repository.row_of(item).facts)
            if order:
                repository.count_attention(order, _SOURCE)


def _add_stock_fact(order_id: str, stock: Stock, facts: list[Fact] | None = None) -> Order | None:
    """Add a fact about a product's stock to an order, if it is new for it; return the order if so."""
    if facts is None:
        facts = (repository.get(order_id) or repository.Row()).facts
    out = sorted(stock.unavailable() & variants(facts).get(stock.product_id, set()))
    version, before = out_of_stock(facts).get(stock.product_id, ("", []))
    if version > stock.version or before == out:
        return None
    fact = Fact(
        id=f"{stock.event_id}/{table.digest(*out)[:8]}",
        kind="stock",
        source=_SOURCE,
        at=stock.updated_at,
        received_at=stock.received_at,
        data={"provider": "printful", "product": stock.product_id, "version": stock.version, "out": out},
    )
    return repository.apply(Decision(order_id=order_id, facts=(fact,)))


def variants(facts: Iterable[Fact]) -> dict[str, set[str]]:
    """Return the variants of the facts' items, by catalogue product; the ids are Printful's."""
    found: dict[str, set[str]] = {}
    for fact in facts:
        for item in fact.data.get("items", ()):
            if item.get("product") and item.get("variant"):
                found.setdefault(item["product"], set()).add(item["variant"])
    return found
