"""The facts that Cloudprinter's signals report. An item stands for its whole line, since no signal has a quantity."""

from collections.abc import Callable
from typing import Any

from pressroom.inbox.events import Event
from pressroom.inbox.facts import fact, order_id_of, reason
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


def order_fact(signal: Signal, event: Event, kind: str, **data: Any) -> Decision:
    """Return a fact about the signal's order or item. An order without our reference has its own record."""
    about: dict[str, Any] = {"provider": "cloudprinter", "order": signal.order}
    if isinstance(signal, ItemSignal):
        about |= {"item": signal.item, "ref": signal.item_reference}
    order_id = order_id_of("cloudprinter", signal.order_reference, signal.order)
    return Decision(order_id=order_id, facts=(fact(event, kind, about | data, at=signal.datetime or ""),))


def progress_fact(stage: Status) -> Callable[[Signal, Event], Decision]:
    """Make the decision of a signal that reports the progress of an item or an order."""

    def decide(signal: Signal, event: Event) -> Decision:
        return order_fact(signal, event, "progress", stage=stage, **_tracked_parcel(signal))

    return decide


def parcel(signal: ItemShipped) -> dict[str, Any]:
    """Return a signal's parcel: one for all items with the same tracking, or one for an item without tracking."""
    number, url = signal.tracking, signal.url
    if number and "://" in number:
        number, url = None, url or number
    return {
        "parcel": digest("cloudprinter", number or url or f"{signal.order} {signal.item}")[:16],
        "carrier": signal.shipping_option,
        "tracking_number": number,
        "tracking_url": url,
        "lines": [{"item": signal.item, "quantity": None}],
    }


def canceled_fact(signal: OrderCanceled | ItemCanceled, event: Event) -> Decision:
    """Return the fact that an item, or an order, is canceled."""
    return order_fact(signal, event, "canceled", reason=_reason_of(signal))


def undelivered_fact(signal: ItemDelivery, event: Event) -> Decision:
    """Return the fact that the carrier could not deliver an item."""
    return order_fact(signal, event, "undelivered", reason=_reason_of(signal), **_tracked_parcel(signal))


def _tracked_parcel(signal: Signal) -> dict[str, Any]:
    """Return the parcel of a delivery signal with tracking, in case its ItemShipped was lost."""
    return parcel(signal) if isinstance(signal, ItemDelivery) and (signal.tracking or signal.url) else {}


def _reason_of(signal: OrderCanceled | ItemCanceled | ItemDelivery) -> str | None:
    return reason(signal.cause, signal.message)
