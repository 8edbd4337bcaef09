"""Deliveries to the printers, the OMS and the shop."""

from typing import Annotated, Literal, TypedDict

from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Query

from pressroom.api.common import LIMIT, Cursor, Destination, Id, Limit, new_router, page, rows
from pressroom.order import outbox
from pressroom.order.facts import destination_of
from pressroom.order.outbox import Delivery, State

router = new_router()


class DeliveryInOrder(TypedDict):
    """A delivery in an order. A withdrawn one has the status `dead`, and its `last_error` begins with `withdrawn`."""

    id: str
    destination: str
    operation: str
    status: Literal["pending", "delivered", "dead"]
    attempts: int
    last_error: str | None


class AttemptShown(TypedDict):
    """An attempt to send a delivery: the HTTP status, if there was an answer, and the error, if the attempt failed."""

    at: str
    status: int | None
    error: str | None


class DeliveryShown(DeliveryInOrder):
    """A delivery with all details. Its `state`, unlike its `status`, distinguishes `withdrawn` from `dead`."""

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
    status: Annotated[State, Query(description="Only deliveries in this state.")] = State.DEAD,
    destination: Annotated[Destination | None, Query(description="Only deliveries to this destination.")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Deliveries:
    """Without `status`, the list has the deliveries that are dead."""
    shown, last = page(
        "deliveries",
        rows(outbox.KIND),
        lambda row: delivery_shown(Delivery.of(row)),
        index="by_state",
        partitions=[f"{outbox.KIND}#{status}"],
        limit=limit,
        cursor=cursor,
        filters={"status": status, "destination": destination},
        id_matches=(lambda each: destination_of(each) == destination) if destination else None,
    )
    return {"deliveries": shown, "cursor": last}


@router.get("/deliveries/<delivery_id>", tags=["deliveries"], operation_id="getDelivery", summary="Get a delivery")
def get_delivery(delivery_id: Id) -> DeliveryShown:
    """A delivery with its attempts (only the latest ones, if there are very many)."""
    return delivery_shown(found(delivery_id))


def found(delivery_id: str) -> Delivery:
    """Read a delivery, or answer 404."""
    delivery = outbox.get(delivery_id)
    if delivery is None:
        raise NotFoundError("There is no such delivery. A delivery is kept for 400 days after it has ended.")
    return delivery


def in_order(delivery: Delivery) -> DeliveryInOrder:
    """Return a delivery as an order shows it."""
    shown: DeliveryInOrder = delivery.summary()  # type: ignore[assignment]
    return shown


def delivery_shown(delivery: Delivery) -> DeliveryShown:
    """Return a delivery with all details."""
    return {
        **in_order(delivery),
        "state": delivery.state,
        "order_id": delivery.order_id or None,
        "created_at": delivery.created_at,
        "replays": delivery.replays,
        "history": [{"at": each.at, "status": each.status, "error": each.error} for each in delivery.history],
    }
