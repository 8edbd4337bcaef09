"""Deliveries: what was sent to the printers, the OMS and the shop, or could not be."""

from typing import Annotated, Literal, TypedDict

from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from pressroom.api.app import LIMIT, Cursor, Id, Limit, page, rows
from pressroom.order import outbox
from pressroom.order.facts import destination_of
from pressroom.order.outbox import Delivery, State

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


class DeliveryInOrder(TypedDict):
    """A delivery as its order shows it. One that was withdrawn is `dead` here, and its error says the rest."""

    id: str
    destination: str
    operation: str
    status: Literal["pending", "delivered", "dead"]
    attempts: int
    last_error: str | None


class AttemptShown(TypedDict):
    """One try: the HTTP status, if there was an answer, and the class of failure, if it failed."""

    at: str
    status: int | None
    error: str | None


class DeliveryShown(DeliveryInOrder):
    """A delivery. `state` tells one that was withdrawn from one that is dead."""

    state: State
    order_id: str | None
    created_at: str
    replays: int
    history: list[AttemptShown]


class Deliveries(TypedDict):
    """A page of deliveries."""

    deliveries: list[DeliveryShown]
    cursor: str | None


@router.get("/deliveries", tags=["deliveries"], operation_id="listDeliveries", summary="List deliveries, newest first")
def list_deliveries(
    status: Annotated[State, Query(description="What has become of them.")] = State.DEAD,
    destination: Annotated[
        Literal["camaloon", "oms", "storefront"] | None, Query(description="For whom they are.")
    ] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Deliveries:
    """`status` is `dead` unless another is asked for."""
    shown, last = page(
        "deliveries",
        rows(outbox.KIND),
        lambda row: delivery_shown(Delivery.of(row)),
        index="by_state",
        partitions=[f"{outbox.KIND}#{status}"],
        limit=limit,
        cursor=cursor,
        filters={"status": status, "destination": destination},
        is_named=(lambda each: destination_of(each) == destination) if destination else None,
    )
    return {"deliveries": shown, "cursor": last}


@router.get("/deliveries/<delivery_id>", tags=["deliveries"], operation_id="getDelivery", summary="Show one delivery")
def get_delivery(delivery_id: Id) -> DeliveryShown:
    """What it is, and every attempt to send it (of very many the latest)."""
    return delivery_shown(found(delivery_id))


def found(delivery_id: str) -> Delivery:
    """Read a delivery, or answer that there is none."""
    delivery = outbox.get(delivery_id)
    if delivery is None:
        raise NotFoundError("There is no such delivery, or not any more: those that have ended are kept for 400 days.")
    return delivery


def in_order(delivery: Delivery) -> DeliveryInOrder:
    """Return what an order shows of a delivery."""
    shown: DeliveryInOrder = delivery.summary()  # type: ignore[assignment]
    return shown


def delivery_shown(delivery: Delivery) -> DeliveryShown:
    """Return a delivery as it is shown on its own."""
    return {
        **in_order(delivery),
        "state": delivery.state,
        "order_id": delivery.order_id or None,
        "created_at": delivery.created_at,
        "replays": delivery.replays,
        "history": [{"at": each.at, "status": each.status, "error": each.error} for each in delivery.history],
    }
