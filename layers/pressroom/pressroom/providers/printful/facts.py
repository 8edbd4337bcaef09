"""Printful's events as facts. Each carries the whole order, so each also tells its items and its status.

Those about products and their stock are no facts of an order, but what the catalogue keeps.
"""

from collections.abc import Callable
from typing import Any

from pressroom.inbox.events import Event
from pressroom.inbox.facts import fact, reason
from pressroom.order.decision import Decision
from pressroom.providers.printful.messages import Item, Order, OrderTold, ProductTold, Shipment, StockUpdated
from pressroom.providers.printful.products import Product, Stock


def told(order: Order, event: Event, kind: str, *, at: str | None, **data: Any) -> Decision:
    """Return what an event tells of its order; an order that isn't ours (made in the dashboard) has its own record.

    `at` is the event's `created`: `order.updated` may be that of a later change.
    """
    about = {
        "provider": "printful",
        "order": order.id,
        "status": order.status,
        # A list with an item that can't be followed would say of its line that it isn't there.
        "items": [_item(item) for item in order.items] if all(item.id for item in order.items) else [],
    }
    order_id = order.external_id or f"printful:{order.id}"
    return Decision(order_id=order_id, facts=(fact(event, kind, about | data, at=at or ""),))


def progress(message: OrderTold, event: Event) -> Decision:
    """Return how far the order is by its status. Printful tells of every change, often twice."""
    return told(message.data.order, event, "progress", at=message.created)


def stopped(kind: str, **says: bool) -> Callable[[OrderTold, Event], Decision]:
    """Make the decision of an event that says why an order stands still, or goes on."""

    def decide(message: OrderTold, event: Event) -> Decision:
        why = reason(message.data.reason)
        return told(message.data.order, event, kind, at=message.created, reason=why, **says)

    return decide


def parcel(shipment: Shipment) -> dict[str, Any]:
    """Return what an event tells of its parcel.

    The parcels that the order lists are left out: their ids do not always agree with that of the event's own parcel
    (field notes), so each would be there twice.
    """
    return {
        "parcel": shipment.id,
        "carrier": shipment.carrier or None,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url or None,
        "shipped_at": shipment.shipped_at or shipment.created,
        "reshipment": bool(shipment.reshipment),
        "lines": [{"item": item.item_id, "quantity": item.quantity} for item in shipment.items],
    }


def _item(item: Item) -> dict[str, Any]:
    told = {
        "item": item.id,
        "ref": item.external_id,
        "sku": item.sku,
        "quantity": item.quantity,
        "variant": None if item.variant_id is None else str(item.variant_id),
        "product": item.product.product_id if item.product else None,
    }
    return {name: value for name, value in told.items() if value}


def product(*, deleted: bool) -> Callable[[ProductTold, Event], Product]:
    """Make the decision of an event about a product of the shop; of a deleted one only its ids and name are told."""

    def decide(message: ProductTold, event: Event) -> Product:
        told, at = message.data.sync_product, message.created or event.received_at
        return Product(
            id=told.id,
            # Of two events of one second the deletion is the later one.
            version=f"{at} {int(deleted)} {event.id}",
            name=told.name,
            external_id=told.external_id,
            variants=told.variants,
            synced=told.synced,
            thumbnail_url=told.thumbnail_url,
            deleted=deleted,
            updated_at=at,
        )

    return decide


def stock_told(message: StockUpdated, event: Event) -> Stock:
    """Return a product's stock as an event tells it: variants that stand in no list can be ordered."""
    at, told = message.created or event.received_at, message.data.variant_stock
    return Stock(
        product_id=message.data.product_id,
        version=f"{at} {event.id}",
        out=tuple(sorted(set(told.out))),
        discontinued=tuple(sorted(set(told.discontinued))),
        updated_at=at,
        event_id=event.id,
        received_at=event.received_at,
    )
