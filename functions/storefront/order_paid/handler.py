"""The shop has been paid: the order's record begins (or is completed), and its lines go to whoever prints them."""

from datetime import datetime

from pressroom import routing, times
from pressroom.inbox import Event
from pressroom.models import camaloon
from pressroom.models.storefront import OrderPaid, line_ids
from pressroom.outbox import Delivery
from pressroom.record import Decision
from pressroom.topic import Topic, fact


def decide(order: OrderPaid, event: Event, rules: tuple[routing.Rule, ...]) -> Decision:
    """Route each line and tell its printer. An order that was paid before with other contents is only flagged."""
    order_id, paid_at = str(order.id), times.iso(times.parse(order.processed_at))
    if event.conflict:
        return Decision(order_id=order_id, facts=(fact(event, "paid_again", {}, at=paid_at),))
    destinations = [routing.destination(line.sku, rules) for line in order.line_items]
    lines = [
        line for line, destination in zip(order.line_items, destinations, strict=True) if destination == "camaloon"
    ]
    deliveries = []
    if lines:
        body = camaloon.OrderPaid.of(order, lines).body()
        received = datetime.fromisoformat(event.received_at)
        deliveries.append(Delivery.to("camaloon", "order_paid", order_id=order_id, body=body, now=received))
    data = {
        "ref": order.ref,
        "currency": order.currency,
        "created_at": times.iso(times.parse(order.created_at)),
        "lines": [
            {
                "id": line_id,
                "sku": line.sku,
                "quantity": line.quantity,
                "price": str(line.price),
                "destination": destination,
            }
            for line_id, line, destination in zip(
                line_ids(order.line_items), order.line_items, destinations, strict=True
            )
        ],
        "deliveries": [delivery.id for delivery in deliveries],
    }
    return Decision(order_id=order_id, facts=(fact(event, "paid", data, at=paid_at),), deliveries=tuple(deliveries))


handler = Topic("storefront.order_paid", OrderPaid, lambda order, event: decide(order, event, routing.configured()))
