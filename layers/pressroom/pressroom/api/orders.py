"""Orders: which there are, one with all that is known of it, and giving a line to a printer by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal, TypedDict

from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from pressroom.api.app import LIMIT, LONGEST_ID, MOST, MOST_READ, Body, Cursor, Id, Limit, page, page_of, rows
from pressroom.api.deliveries import DeliveryInOrder, in_order
from pressroom.inbox import events
from pressroom.inbox.events import Event, Webhook
from pressroom.order import repository
from pressroom.order.fold import fold
from pressroom.order.history import Step, steps
from pressroom.order.model import OPEN, Line, Order, Status
from pressroom.order.reasons import Attention
from pressroom.platform import config, table, wire
from pressroom.platform.times import iso

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

_SET_ASIDE = (events.State.FAILED, events.State.UNHANDLED)
_LONGEST_HOURS = 24 * 365 * 10

Provider = Literal["camaloon", "cloudprinter", "oms", "printful"]


class OrderInList(TypedDict):
    """What a list shows of an order. `providers`: who prints its lines, or has told of it."""

    id: str
    ref: str | None
    status: str
    on_hold: bool
    attention: list[str]
    providers: list[str]
    created_at: str
    updated_at: str


class Orders(TypedDict):
    """A page of orders."""

    orders: list[OrderInList]
    cursor: str | None


@dataclass(slots=True, kw_only=True)
class OrderWithDeliveries(Order):
    """An order, and what was sent because of it."""

    deliveries: list[DeliveryInOrder]


class History(TypedDict):
    """Every change of where the order, a line or a parcel stood, oldest first."""

    history: list[Step]


class Route(Body):
    """Who is to print a line."""

    destination: Provider


class Routed(TypedDict):
    """The event that a person's request was kept as; `duplicate` if it was asked for before."""

    event_id: str
    status: Literal["accepted", "duplicate"]


@router.get("/orders", tags=["orders"], operation_id="listOrders", summary="List orders, newest first")
def list_orders(
    status: Annotated[Status | None, Query(description="Where they stand.")] = None,
    provider: Annotated[Provider | None, Query(description="Who prints a line of them, or has told of them.")] = None,
    attention: Annotated[
        Attention | Literal["any"] | None, Query(description="Why a person should look at them.")
    ] = None,
    stalled: Annotated[
        int | None,
        Query(
            ge=1,
            le=_LONGEST_HOURS,
            description="Hours: open orders of which nothing was heard for so long, oldest first.",
        ),
    ] = None,
    id: Annotated[str | None, Query(description="The order with this id.")] = None,  # noqa: A002
    ref: Annotated[str | None, Query(description="The orders with this reference.")] = None,
    tracking: Annotated[str | None, Query(description="The orders with a parcel of this tracking number.")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Orders:
    """`id`, `ref` and `tracking` are exact, and only one of them can be given; all others can be combined.

    The newest order is the one whose payment was received last (or the first message about it, if it is not paid).
    """
    exact = {"id": id, "ref": ref, "tracking": tracking}
    if sum(text is not None for text in exact.values()) > 1:
        raise BadRequestError("Only one of id, ref and tracking can be given.")
    if stalled is not None and status is not None and status not in OPEN:
        raise BadRequestError(f"Only open orders are stalled; status must be one of: {', '.join(OPEN)}")
    heard_before = iso(config.utcnow() - timedelta(hours=stalled)) if stalled is not None else ""
    filters = {"status": status, "provider": provider, "attention": attention, "stalled": stalled, **exact}

    def is_meant(row: table.Item) -> bool:
        reasons = [each["S"] for each in row["attention"]["L"]]
        return (
            (status is None or row["status"]["S"] == status)
            and (provider is None or provider in row.get("providers", {}).get("SS", ()))
            and (attention is None or (bool(reasons) if attention == "any" else attention in reasons))
            and (stalled is None or (row["status"]["S"] in OPEN and row["updated_at"]["S"] <= heard_before))
        )

    if any(text is not None for text in exact.values()):
        found = [row for row in _exactly(id, ref, tracking) if is_meant(row)]
        shown, last = page_of("orders", _in_list, found, limit=limit, cursor=cursor, filters=filters)
        return {"orders": shown, "cursor": last}
    index, partitions = "by_created", [repository.KIND]
    listed = all(value is None for value in (provider, attention, stalled)) or (
        attention == "any" and all(value is None for value in (status, provider, stalled))
    )
    if status is not None or stalled is not None:
        index, partitions = "by_state", [f"{repository.KIND}#{each}" for each in ([status] if status else OPEN)]
    elif attention is not None:
        index = "by_attention"
    shown, last = page(
        "orders",
        rows(repository.KIND),
        _in_list,
        index=index,
        partitions=partitions,
        limit=limit,
        cursor=cursor,
        filters=filters,
        is_meant=None if listed else is_meant,
        newest_first=stalled is None,
        until=heard_before,
    )
    return {"orders": shown, "cursor": last}


@router.get("/orders/<order_id>", tags=["orders"], operation_id="getOrder", summary="Show one order")
def get_order(order_id: Id) -> OrderWithDeliveries:
    """Lines, parcels, deliveries and the timeline, folded from all that is known of it."""
    known = repository.get_with_deliveries(order_id)
    if known is None:
        raise NotFoundError("There is no such order.")
    row, deliveries = known
    order = fold(order_id, row.facts)
    return OrderWithDeliveries(
        **{each.name: getattr(order, each.name) for each in fields(order)},
        deliveries=[in_order(each) for each in deliveries],
    )


@router.get("/orders/<order_id>/history", tags=["orders"], operation_id="getHistory", summary="Show how it came there")
def get_history(order_id: Id) -> History:
    """Since when the order, each line and each parcel stood where, by the times that the messages tell."""
    row = repository.get(order_id)
    if row is None:
        raise NotFoundError("There is no such order.")
    return {"history": steps(order_id, row.facts)}


@router.post(
    "/orders/<order_id>/lines/<line_id>/route",
    tags=["orders"],
    operation_id="routeLine",
    summary="Give a line that no rule wanted to a printer",
    status_code=202,
)
def route_line(order_id: Id, line_id: Id, wanted: Route) -> Routed:
    """It is kept as an event, and done from there.

    The first request for a line stands; another destination is taken only after the first could not be done.
    """
    destination = wanted.destination
    _may_be_routed(_line(order_id, line_id), destination)
    asked = {"order_id": order_id, "line_id": line_id, "destination": destination}
    event_id, before = _ask(asked, [order_id, line_id])
    if before and before.state in _SET_ASIDE and wire.parse(before.body) != asked:
        event_id, before = _ask(asked, [order_id, line_id, destination])
    if before and wire.parse(before.body) != asked:
        first = wire.parse(before.body)["destination"]
        raise ServiceError(HTTPStatus.CONFLICT, f"The line is being given to {first} already, by the event {event_id}.")
    if before and before.state in _SET_ASIDE:
        raise ServiceError(HTTPStatus.CONFLICT, f"This was asked for before and failed: replay the event {event_id}.")
    return {"event_id": event_id, "status": "duplicate" if before else "accepted"}


def _in_list(row: table.Item) -> OrderInList:
    shown: OrderInList = repository.summary(row)  # type: ignore[assignment]
    return shown


def _exactly(id: str | None, ref: str | None, tracking: str | None) -> Iterator[table.Item]:  # noqa: A002
    if id is not None:
        ids = [id] if len(id) <= LONGEST_ID else []
    else:
        kind, text = ("ref", ref) if ref is not None else ("tracking", tracking)
        ids = repository.find(kind, text or "")[:MOST_READ]
    for start in range(0, len(ids), MOST):
        yield from rows(repository.KIND)(ids[start : start + MOST]).values()


def _line(order_id: str, line_id: str) -> Line:
    row = repository.get(order_id)
    if row is None:
        raise NotFoundError("There is no such order.")
    for line in fold(order_id, row.facts).lines:
        if line.id == line_id:
            return line
    raise NotFoundError("The order has no such line.")


def _may_be_routed(line: Line, destination: str) -> None:
    if line.destination is not None:
        raise ServiceError(HTTPStatus.CONFLICT, f"The line has a printer: {line.destination}.")
    if line.status is Status.CANCELED:
        raise ServiceError(HTTPStatus.CONFLICT, "The line is canceled.")
    if line.status is not Status.PAID:
        raise ServiceError(HTTPStatus.CONFLICT, "Somebody makes the line already: it would be made twice.")
    if destination == "oms" and line.variant is None:
        raise BadRequestError("The line has no personalization, and the OMS can't print it without one.")


def _ask(wanted: dict[str, str], identity: list[str]) -> tuple[str, Event | None]:
    """Keep a person's request as an event; return its id, and what was kept under this identity before, if anything."""
    webhook = Webhook(topic="line_routed", identity=wire.canonical(identity), body=wire.write(wanted))
    event_id, new = events.record("ops", webhook, now=config.utcnow())
    return event_id, None if new else events.get(event_id)
