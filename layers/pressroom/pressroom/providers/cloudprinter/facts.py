"""Cloudprinter's signals as facts. An item stands for its whole line, since no signal tells a quantity."""

from collections.abc import Callable
from typing import Any

from pressroom.inbox.events import Event
from pressroom.inbox.facts import fact, reason
from pressroom.order.decision import Decision
from pressroom.order.model import Status
from pressroom.platform.table import digest
from pressroom.providers.cloudprinter.messages import (
    ItemCanceled,
    ItemDelivery,
    ItemShipped,
    ItemSignal,
    OrderCanceled,
    Signal,
)


def told(signal: Signal, event: Event, kind: str, **data: Any) -> Decision:
    """Return what a signal tells of its order, or of its item; an order that isn't ours has a record of its own."""
    about: dict[str, Any] = {"provider": "cloudprinter", "order": signal.order}
    if isinstance(signal, ItemSignal):
        about |= {"item": signal.item, "ref": signal.item_reference}
    order_id = signal.order_reference or f"cloudprinter:{signal.order}"
    return Decision(order_id=order_id, facts=(fact(event, kind, about | data, at=signal.datetime or ""),))


def reached(stage: Status) -> Callable[[Signal, Event], Decision]:
    """Make the decision of a signal that says how far an item or an order is."""

    def decide(signal: Signal, event: Event) -> Decision:
        return told(signal, event, "progress", stage=stage, **_tracked(signal))

    return decide


def parcel(signal: ItemShipped) -> dict[str, Any]:
    """Return what a signal tells of a parcel: items with one tracking are in one, an item without any in its own."""
    tracking, url = ((text or "").strip() for text in (signal.tracking, signal.url))
    if "://" in tracking:
        tracking, url = "", url or tracking
    number = tracking if tracking not in ("", "0") else None
    return {
        "parcel": digest("cloudprinter", number or url or f"{signal.order} {signal.item}")[:16],
        "carrier": signal.shipping_option,
        "tracking_number": number,
        "tracking_url": url or None,
        "lines": [{"item": signal.item, "quantity": None}],
    }


def canceled(signal: OrderCanceled | ItemCanceled, event: Event) -> Decision:
    """Return that an item, or an order, is canceled."""
    return told(signal, event, "canceled", reason=_why(signal))


def undelivered(signal: ItemDelivery, event: Event) -> Decision:
    """Return that the carrier could not deliver an item."""
    return told(signal, event, "undelivered", reason=_why(signal), **_tracked(signal))


def _tracked(signal: Signal) -> dict[str, Any]:
    """Return the parcel of a delivery signal that has tracking: its ItemShipped may have been lost."""
    return parcel(signal) if isinstance(signal, ItemDelivery) and (signal.tracking or signal.url) else {}


def _why(signal: OrderCanceled | ItemCanceled | ItemDelivery) -> str | None:
    return reason(signal.cause, signal.message)
