"""The facts that Printful's events report. Each event has the whole order, so each fact describes it completely.

Equal descriptions in several facts of an order take almost no space in its row, which is compressed.

Events about products and their stock are not facts of an order: they become rows (`products`).
"""

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

from pressroom.inbox.events import Event
from pressroom.inbox.facts import fact, order_id_of, reason
from pressroom.inbox.inbound import Inbound
from pressroom.order import model
from pressroom.order.codes import currency, rounded
from pressroom.order.decision import Decision
from pressroom.platform.table import digest
from pressroom.providers.printful.messages import (
    Costs,
    File,
    IncompleteItem,
    Item,
    Order,
    OrderEvent,
    PackageEvent,
    ProductEvent,
    Shipment,
    StockUpdated,
)
from pressroom.providers.printful.products import Product, Stock

FILE_STATUSES = {"failed": 0, "waiting": 1, "ok": 3}
"""Printful's words for the status of a print file, the worst first; an unknown word is between `waiting` and `ok`."""
APPROVAL_LINKS = tuple(each.name for each in fields(model.ApprovalFile))


def order_fact(message: OrderEvent | PackageEvent, event: Event, kind: str, **data: Any) -> Decision:
    """Return a fact of the given kind about the event's order. An order from Printful's dashboard has its own record.

    It happened at the event's `created`: `order.updated` may be the time of a later change.
    """
    order = message.data.order
    about = {
        "provider": "printful",
        "order": order.id,
        "status": order.status,
        # If an item has no id, the list is left out: without that item, it would mean that the line is not at Printful.
        "items": [_item(item, order) for item in order.items] if all(item.id for item in order.items) else [],
    }
    order_id = order_id_of("printful", order.external_id, order.id)
    about |= _details(order, message.store) | data
    facts = (fact(event, kind, about, at=message.created or ""),)
    email = order.recipient.email if order.recipient else None
    return Decision(order_id=order_id, facts=facts, emails=(email,) if email else ())


def progress_fact(message: OrderEvent, event: Event) -> Decision:
    """Return the fact of the order's progress by its status. Printful reports every change, often twice."""
    return order_fact(message, event, "progress")


def fact_with_reason(kind: str, **flags: bool) -> Callable[[OrderEvent, Event], Decision]:
    """Make the decision of an event that reports why an order has stopped or continues."""

    def decide(message: OrderEvent, event: Event) -> Decision:
        return order_fact(message, event, kind, reason=reason(message.data.reason), **flags)

    return decide


def approval_fact(message: OrderEvent, event: Event) -> Decision:
    """Return the fact that the order waits until the merchant approves a design, with the links to the designs."""
    files = [found for file in message.data.approval_files if (found := _given(file, *APPROVAL_LINKS))]
    links = {"approval_files": files} if files else {}
    return order_fact(message, event, "held", reason=reason(message.data.reason), approval=True, **links)


def parcel(order: Order, shipment: Shipment) -> dict[str, Any]:
    """Return the event's parcel. One without an id is named after its order and its tracking.

    The parcels in the order are ignored: their ids do not always agree with the id of the event's parcel (field notes),
    so a parcel would appear twice.
    """
    tracking = shipment.tracking_number or shipment.tracking_url
    return {
        "parcel": shipment.id or digest("printful", order.id, tracking or "")[:16],
        "carrier": shipment.carrier or None,
        "service": reason(shipment.service),
        "ship_date": reason(shipment.ship_date),
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "shipped_at": shipment.shipped_at or shipment.created,
        "reshipment": bool(shipment.reshipment),
        "lines": [{"item": item.item_id, "quantity": item.quantity} for item in shipment.items if item.quantity],
    }


def _details(order: Order, store: str | None) -> dict[str, Any]:
    """Return the order's store, costs and incomplete items. `store` is the envelope's, for an order that names none."""
    data = {
        "store": next((each for each in (order.store, store) if each and each != "0"), None),
        "costs": _costs(order.costs),
        "retail_costs": _costs(order.retail_costs),
        "incomplete": [_incomplete(item) for item in order.incomplete_items],
    }
    return {name: value for name, value in data.items() if value}


def _given(content: Inbound | None, *names: str) -> dict[str, str]:
    """Return the texts of a part of a message that are not empty."""
    return {name: text for name in names if (text := getattr(content, name, None))}


def _costs(costs: Costs | None) -> list[str | None]:
    """Return the currency and the amounts that are not zero; the total also if it is zero."""
    if costs is None:
        return []
    code = currency_of(costs)
    amounts = {name: amount_text(getattr(costs, name), code) for name in model.COSTS if name != "currency"}
    given = {name: each for name, each in amounts.items() if each and (name == "total" or Decimal(each))}
    return model.Costs(currency=code, **given).to_fact()


def currency_of(costs: Costs | None) -> str | None:
    """Return the currency of costs: its ISO code if it has one, else as it is written."""
    return (currency(costs.currency) or costs.currency) if costs and costs.currency else None


def amount_text(amount: Decimal | None, code: str | None) -> str | None:
    """Return an amount as text; the noise of floating-point numbers is rounded away."""
    return None if amount is None else f"{rounded(amount, code):f}"


def _item(item: Item, order: Order) -> dict[str, Any]:
    charged, retail = currency_of(order.costs), currency_of(order.retail_costs)
    data = {
        "item": item.id,
        "ref": item.external_id,
        "sku": item.sku,
        # A store without SKUs may use the shop's SKUs as the ids of its variants.
        "external_variant": None if item.sku or item.external_id else item.external_variant_id,
        "quantity": item.quantity,
        "variant": None if item.variant_id is None else str(item.variant_id),
        "product": item.product.product_id if item.product else None,
        "name": reason(item.name) or (reason(item.product.name) if item.product else None),
        "price": amount_text(item.price, charged),
        "retail_price": amount_text(item.retail_price, retail),
        "print_file": _print_file(item.files),
    }
    return {name: value for name, value in data.items() if value}


def _print_file(files: list[File]) -> str | None:
    """Return the status of an item's print files: the one that is furthest from `ok`. Previews are not printed."""
    words = {file.status for file in files if file.status and file.type != "preview"}
    return min(words, key=lambda word: (FILE_STATUSES.get(word, 2), word), default=None)


def _incomplete(item: IncompleteItem) -> dict[str, Any]:
    data = {
        "name": reason(item.name),
        "line_id": item.external_line_item_id,
        "variant": reason(item.external_variant_id),
        "quantity": item.quantity,
    }
    return {name: value for name, value in data.items() if value}


def product_reader(*, deleted: bool) -> Callable[[ProductEvent, Event], Product]:
    """Make the function that reads a product from its event; a deleted product has only its ids and its name."""

    def decide(message: ProductEvent, event: Event) -> Product:
        found, at = message.data.sync_product, message.created or event.received_at
        return Product(
            id=found.id,
            # Of two events with the same time, the deletion is the later one.
            version=f"{at} {int(deleted)} {event.id}",
            name=found.name,
            external_id=found.external_id,
            variants=found.variants,
            synced=found.synced,
            thumbnail_url=found.thumbnail_url,
            deleted=deleted,
            updated_at=at,
        )

    return decide


def stock_from(message: StockUpdated, event: Event) -> Stock:
    """Return a product's stock from its event: variants in no list can be ordered, unless one list is left out."""
    at, variants = message.created or event.received_at, message.data.variant_stock
    left_out = [name for name, each in (("out", variants.out), ("discontinued", variants.discontinued)) if each is None]
    return Stock(
        product_id=message.data.product_id,
        version=f"{at} {event.id}",
        out=tuple(sorted(set(variants.out or ()))),
        discontinued=tuple(sorted(set(variants.discontinued or ()))),
        carried="".join(left_out),
        updated_at=at,
        event_id=event.id,
        received_at=event.received_at,
    )
