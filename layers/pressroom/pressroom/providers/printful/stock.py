"""Which open orders have a line of what can't be ordered any more: a fact on each, whichever is known first.

Two ways: a product's stock changes, and the orders with a line of it are told; or an order is made or changed, and what
is known of its products' stock is told to it. Each writes its own row first and reads the other's afterwards, so that
of two at once at least one sees the other. What an order is told is the state, not the change: the latest counts.
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
_FOLLOWED = frozenset({"progress", "held", "released", "failed"})
"""The kinds of fact that come this way."""
_SOURCE = "printful.stock_updated"


def keep(new: Stock) -> None:
    """Write a product's stock, unless a later event has, and tell the open orders.

    An event that is processed again, since it was killed while it told, tells again: orders know what they were told.
    Raises Conflict if others keep writing.
    """
    for _ in range(TRIES):
        known = products.stock(new.product_id)
        if known and known.version > new.version:
            _tell_orders(known)  # this may be the second try of one that was killed before it had told anybody
            return
        is_again = known is not None and known.version == new.version
        if is_again or products.keep_stock(new, replacing=known):
            if is_again or new.unavailable() != (known.unavailable() if known else frozenset()):
                _tell_orders(new)
            return
    raise Conflict(f"the stock was changed by others {TRIES} times in a row")


def follow(decision: Decision) -> Order:
    """Record what is decided of an order at Printful, let it be found by its products, and tell it of their stock.

    For the events that make or change an order: those that tell of parcels come too late, and should cost no more.
    """
    known = repository.get(decision.order_id) or repository.Row()
    told, facts = variants(decision.facts), {fact.id for fact in known.facts}
    before = variants(fact for fact in known.facts if fact.kind in _FOLLOWED)
    new = {product for product, found in told.items() if found - before.get(product, set())}
    for product in sorted(new - before.keys()):
        products.watch(product, decision.order_id, since=decision.facts[0].received_at)
    order = repository.apply(decision)
    if all(fact.id in facts for fact in decision.facts):  # it was killed after it was recorded
        new = set(told)
    for product in sorted(new):
        stock = products.stock(product)
        if stock:
            order = _tell(decision.order_id, stock) or order
    return order


def _tell_orders(stock: Stock) -> None:
    for page in products.watching(stock.product_id):
        for item in table.get_many([(repository.KIND, order_id) for order_id in page]):
            if item["status"]["S"] in _CLOSED:
                continue
            order = _tell(table.identity_of(item), stock, repository.row_of(item).facts)
            if order:
                repository.count_attention(order, _SOURCE)


def _tell(order_id: str, stock: Stock, facts: list[Fact] | None = None) -> Order | None:
    """Add the state of a product's stock to an order, if it is news for it; return the order if it was."""
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
    """Return the variants that the facts' items are of, by their catalogue product; ids as Printful gives them."""
    found: dict[str, set[str]] = {}
    for fact in facts:
        for item in fact.data.get("items", ()):
            if item.get("product") and item.get("variant"):
                found.setdefault(item["product"], set()).add(item["variant"])
    return found
