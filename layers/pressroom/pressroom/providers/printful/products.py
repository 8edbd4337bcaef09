"""Products and their stock: one row each, with the content of the latest event, in whatever order events arrive.

`version` is the time of the event, with more to order events of the same time: only later events replace earlier ones.
A deleted product keeps its row, marked as deleted, so that a late update can't restore it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pressroom.order import repository
from pressroom.order.outbox import Delivery
from pressroom.platform import config, table
from pressroom.platform.urls import web_link

PRODUCT, STOCK, WATCH = "PRODUCT", "STOCK", "WATCH"
CURRENT, DELETED = "current", "deleted"
"""The two lists of products."""
AVAILABLE, UNAVAILABLE = "available", "unavailable"
"""The two lists of stock: of products whose variants can all be ordered, and of the others."""
INDEXED_FOR = timedelta(days=90)
"""How long an order can be found by its products: longer than its production takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product of the shop at Printful, by the latest event."""

    id: str
    version: str
    name: str | None
    external_id: str | None
    variants: int | None
    synced: int | None
    thumbnail_url: str | None
    deleted: bool
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The variants of a catalogue product that can't be ordered. Variants in neither list can be ordered.

    `carried` is the list that the event left out, if it did: it is that of the latest event before that has it, whose
    version follows in `version`. `event_id` and `received_at` are those of the event that reported the stock.
    `notified` is how many notifications about it the shop was sent.
    """

    product_id: str
    version: str
    out: tuple[int, ...]
    discontinued: tuple[int, ...]
    updated_at: str
    event_id: str
    received_at: str
    carried: str = ""
    notified: int = 0

    def unavailable(self) -> frozenset[str]:
        """Return the ids of all variants that can't be ordered, as text, as in orders."""
        return frozenset(str(variant) for variant in (*self.out, *self.discontinued))

    def version_of(self, name: str) -> str:
        """Return the version of the event that a list is from; empty if no event had it."""
        words = self.version.split(" ")
        return " ".join(words[2:] if name == self.carried else words[:2])


def latest(one: Stock, other: Stock) -> Stock:
    """Return the latest of two reports of a product's stock, completed from the other one if it left out a list."""
    older, newer = sorted((one, other), key=lambda each: each.version)
    name = newer.carried
    if not name or older.version_of(name) <= newer.version_of(name):
        return newer
    version = " ".join([*newer.version.split(" ")[:2], older.version_of(name)])
    return replace(newer, version=version, **{name: getattr(older, name)})


def save_product(product: Product) -> None:
    """Write a product, unless its row is newer."""
    item = table.pk(PRODUCT, product.id) | {
        "version": {"S": product.version},
        "deleted": {"BOOL": product.deleted},
        "updated_at": {"S": product.updated_at},
        **table.state_index(PRODUCT, DELETED if product.deleted else CURRENT, product.id, product.updated_at),
    }
    for name, text in (
        ("name", product.name),
        ("external_id", product.external_id),
        ("thumbnail_url", product.thumbnail_url),
    ):
        if text is not None:
            item[name] = {"S": text}
    for name, number in (("variants", product.variants), ("synced", product.synced)):
        if number is not None:
            item[name] = {"N": str(number)}
    table.put(item, "attribute_not_exists(pk) OR version < :known", known={"S": product.version})


def product(product_id: str) -> Product | None:
    """Read a product of the shop, or None if Printful never reported it."""
    item = table.get(PRODUCT, product_id)
    return product_of(item) if item else None


def product_of(item: table.Item) -> Product:
    """Read a product's row."""
    numbers = {name: int(item[name]["N"]) if name in item else None for name in ("variants", "synced")}
    return Product(
        id=table.identity_of(item),
        version=item["version"]["S"],
        name=_text(item, "name"),
        external_id=_text(item, "external_id"),
        thumbnail_url=web_link(_text(item, "thumbnail_url") or ""),  # an older version wrote any text
        deleted=item["deleted"]["BOOL"],
        updated_at=item["updated_at"]["S"],
        **numbers,
    )


def save_stock(stock: Stock, *, replacing: Stock | None, deliveries: Iterable[Delivery] = ()) -> bool:
    """Replace the stock that was read, and write deliveries with it; return False if it has changed meanwhile."""
    item = table.pk(STOCK, stock.product_id) | {
        "version": {"S": stock.version},
        "out": {"L": [{"N": str(variant)} for variant in stock.out]},
        "discontinued": {"L": [{"N": str(variant)} for variant in stock.discontinued]},
        "updated_at": {"S": stock.updated_at},
        "event_id": {"S": stock.event_id},
        "received_at": {"S": stock.received_at},
        "notified": {"N": str(stock.notified)},
        **table.state_index(
            STOCK, UNAVAILABLE if stock.unavailable() else AVAILABLE, stock.product_id, stock.updated_at
        ),
    }
    if stock.carried:
        item["carried"] = {"S": stock.carried}
    put = table.new(item)
    if replacing is not None:
        condition, known = "version = :known", {":known": {"S": replacing.version}}
        put |= {"ConditionExpression": condition, "ExpressionAttributeValues": known}
    return repository.write(put, [{"Put": table.new(each.new_row())} for each in deliveries])


def stock(product_id: str) -> Stock | None:
    """Read a product's stock, or None if Printful never reported it: then all variants count as available."""
    item = table.get(STOCK, product_id)
    return stock_of(item) if item else None


def stock_of(item: table.Item) -> Stock:
    """Read the row of a product's stock."""
    texts = {name: str(item[name]["S"]) for name in ("version", "updated_at", "event_id", "received_at")}
    out, discontinued = (tuple(int(each["N"]) for each in item[name]["L"]) for name in ("out", "discontinued"))
    return Stock(
        product_id=table.identity_of(item),
        out=out,
        discontinued=discontinued,
        carried=_text(item, "carried") or "",
        notified=int(item.get("notified", {}).get("N", 0)),
        **texts,
    )


def index_order(product_id: str, order_id: str, *, since: str) -> None:
    """List an order under a catalogue product of one of its lines."""
    until = datetime.fromisoformat(since) + INDEXED_FOR
    item = table.pk(WATCH, f"{product_id}#{order_id}") | table.state_index(WATCH, product_id, order_id, since)
    config.client("dynamodb").put_item(TableName=table.name(), Item=item | table.until(until))


def orders_with(product_id: str) -> Iterator[list[str]]:
    """Yield the ids of the orders with a line of a catalogue product, newest first, up to a hundred at a time."""
    before: str | None = ""
    while before is not None:
        ids, before = table.newest("by_state", f"{WATCH}#{product_id}", limit=100, before=before)
        yield ids


def _text(item: table.Item, name: str) -> str | None:
    text: str | None = item.get(name, {}).get("S")
    return text
