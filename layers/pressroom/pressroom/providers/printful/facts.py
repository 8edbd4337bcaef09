"""The facts that Printful's events report. Each event has the whole order, so each fact has its items and its status.

Events about products and their stock are not facts of an order: they become rows (`products`).
"""

from collections.abc import Callable
from typing import Any

from pressroom.inbox.events import Event
from pressroom.inbox.facts import fact, order_id_of, reason
from pressroom.order.decision import Decision
from pressroom.platform.table import digest
from pressroom.providers.printful.messages import Item, Order, OrderEvent, ProductEvent, Shipment, StockUpdated
from pressroom.providers.printful.products import Product, Stock


def order_fact(order: Order, event: Event, kind: str, *, at: str | None, **data: Any) -> Decision:
    """Return a fact of the given kind about the event's order. An order from Printful's dashboard has its own record.

    `at` is the event's `created`: `order.updated` may be the time of a later change.
    """
    about = {
        "provider": "printful",
        "order": order.id,
        "status": order.status,
        # If an item has no id, the list is left out: without that item, it would mean that the line is not at Printful.
        "items": [_item(item) for item in order.items] if all(item.id for item in order.items) else [],
    }
    order_id = order_id_of("printful", order.external_id, order.id)
    facts = (fact(event, kind, about | data, at=at or ""),)
    email = order.recipient.email if order.recipient else None
    return Decision(order_id=order_id, facts=facts, emails=(email,) if email else ())


def progress_fact(message: OrderEvent, event: Event) -> Decision:
    """Return the fact of the order's progress by its status. Printful reports every change, often twice."""
    return order_fact(message.data.order, event, "progress", at=message.created)


def fact_with_reason(kind: str, **flags: bool) -> Callable[[OrderEvent, Event], Decision]:
    """Make the decision of an event that reports why an order has stopped or continues."""

    def decide(message: OrderEvent, event: Event) -> Decision:
        why = reason(message.data.reason)
        return order_fact(message.data.order, event, kind, at=message.created, reason=why, **flags)

    return decide


def parcel(order: Order, shipment: Shipment) -> dict[str, Any]:
    """Return the event's parcel. One without an id is named after its order and its tracking.

    The parcels in the order are ignored: their ids do not always agree with the id of the event's parcel (field notes),
    so a parcel would appear twice.
    """
    tracking = shipment.tracking_number or shipment.tracking_url
    return {
        "parcel": shipment.id or digest("printful", order.id, tracking or "")[:16],
        "carrier": shipment.carrier or None,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "shipped_at": shipment.shipped_at or shipment.created,
        "reshipment": bool(shipment.reshipment),
        "lines": [{"item": item.item_id, "quantity": item.quantity} for item in shipment.items if item.quantity],
    }


def _item(item: Item) -> dict[str, Any]:
    data = {
        "item": item.id,
        "ref": item.external_id,
        "sku": item.sku,
        # A store without SKUs may use the shop's SKUs as the ids of its variants.
        "external_variant": None if item.sku or item.external_id else item.external_variant_id,
        "quantity": item.quantity,
        "variant": None if item.variant_id is None else str(item.variant_id),
        "product": item.product.product_id if item.product else None,
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
    """Return a product's stock from its event: variants in no list can be ordered."""
    at, variants = message.created or event.received_at, message.data.variant_stock
    return Stock(
        product_id=message.data.product_id,
        version=f"{at} {event.id}",
        out=tuple(sorted(set(variants.out))),
        discontinued=tuple(sorted(set(variants.discontinued))),
        updated_at=at,
        event_id=event.id,
        received_at=event.received_at,
    )
