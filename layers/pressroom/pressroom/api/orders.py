"""Orders: the list, one order with its details, and routing a line by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal, TypedDict

from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from pressroom.api.common import (
    LIMIT,
    LONGEST_ID,
    MOST,
    MOST_READ,
    Body,
    Cursor,
    Id,
    Limit,
    Printer,
    actor,
    new_router,
    page,
    page_of,
    rows,
)
from pressroom.api.deliveries import DeliveryInOrder, in_order
from pressroom.inbox import events
from pressroom.inbox.events import Event, Webhook
from pressroom.ops import actions
from pressroom.order import customers, joining, repository
from pressroom.order.fold import fold
from pressroom.order.history import Step, steps
from pressroom.order.model import OPEN, Line, Order, ProviderOrder, Status
from pressroom.order.names import begins_like_a_record
from pressroom.order.reasons import Attention
from pressroom.partners import BY_ID, OPS
from pressroom.platform import config, table, wire
from pressroom.platform.times import iso
from pressroom.providers.printful.slip import slip_of

router = new_router()

_SET_ASIDE = (events.State.FAILED, events.State.UNHANDLED)
_LONGEST_HOURS = 24 * 365 * 10


class OrderInList(TypedDict):
    """An order as a list shows it. `attention` holds reasons as in the schema `Attention`.

    `providers` are the printers that print lines of the order, or have reported on it.
    """

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


class GiftMessage(TypedDict):
    """The gift message on the packing slip."""

    subject: str | None
    message: str | None


class PackingSlipText(TypedDict):
    """The shop's own packing slip. `logo_url` is an http or https link."""

    email: str | None
    phone: str | None
    message: str | None
    logo_url: str | None
    store_name: str | None
    custom_order_id: str | None


@dataclass(slots=True, kw_only=True)
class ProviderOrderWithSlip(ProviderOrder):
    """The order as a printer knows it, with its gift message and packing slip.

    These two are personal data and no part of the record: they are shown while the webhook `described_by` is kept.
    """

    gift: GiftMessage | None = None
    packing_slip: PackingSlipText | None = None


@dataclass(slots=True, kw_only=True)
class OrderWithDeliveries(Order):
    """An order with its deliveries."""

    provider_orders: list[ProviderOrderWithSlip]  # type: ignore[assignment]  # the list is never written to
    deliveries: list[DeliveryInOrder]


class History(TypedDict):
    """Every change of status of the order, its lines and its parcels, oldest first."""

    history: list[Step]


class Route(Body):
    """The printer that a line is routed to."""

    destination: Printer


class Other(Body):
    """The id of another record."""

    record: Annotated[str, Field(min_length=1, max_length=LONGEST_ID, description="The id of the other record.")]


class Joined(TypedDict):
    """The order, and the records whose reports it has now."""

    id: str
    linked: list[str]


class Routed(TypedDict):
    """The event that records the request. `status` is `duplicate` if the same request was made before."""

    event_id: str
    status: Literal["accepted", "duplicate"]


ByProvider = Annotated[
    Printer | None, Query(description="Only orders with a line for this printer, or with webhooks from it.")
]
ByAttention = Annotated[
    Attention | Literal["any"] | None,
    Query(description="Only orders with this reason for attention, or with `any`; see the schema `Attention`."),
]
ByStalled = Annotated[
    int | None,
    Query(
        ge=1,
        le=_LONGEST_HOURS,
        description="Only open orders about which no message was received for this number of hours, oldest first.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filters of a list of orders; None for no filter. `updated_before` belongs to `stalled`."""

    status: Status | None
    provider: str | None
    attention: str | None
    stalled: int | None
    updated_before: str

    def match(self, row: table.Item) -> bool:
        """Return whether an order's row passes all filters."""
        reasons = [each["S"] for each in row["attention"]["L"]]
        return (
            (self.status is None or row["status"]["S"] == self.status)
            and (self.provider is None or self.provider in row.get("providers", {}).get("SS", ()))
            and (self.attention is None or (bool(reasons) if self.attention == "any" else self.attention in reasons))
            and (self.stalled is None or (row["status"]["S"] in OPEN and row["updated_at"]["S"] <= self.updated_before))
        )

    def index(self) -> tuple[str, list[str]]:
        """Return the index to list by, and its partitions."""
        if self.status is not None or self.stalled is not None:
            statuses = [self.status] if self.status else OPEN
            return "by_state", [f"{repository.KIND}#{each}" for each in statuses]
        return "by_created" if self.attention is None else "by_attention", [repository.KIND]

    def are_in_index(self) -> bool:
        """Tell whether the index alone applies the filters, so that no row has to be looked at."""
        others = (self.status, self.provider, self.stalled)
        return (self.provider, self.attention, self.stalled) == (None, None, None) or (
            self.attention == "any" and others == (None, None, None)
        )


EXACT = frozenset({"id", "ref", "tracking", "email"})
"""The parameters that select orders by a value, which must not be empty."""


@router.get("/orders", tags=["orders"], operation_id="listOrders", summary="List orders, newest first")
def list_orders(
    status: Annotated[Status | None, Query(description="Only orders with this status.")] = None,
    provider: ByProvider = None,
    attention: ByAttention = None,
    stalled: ByStalled = None,
    id: Annotated[str | None, Query(description="Only the order with this id.")] = None,  # noqa: A002
    ref: Annotated[str | None, Query(description="Only orders with this reference.")] = None,
    tracking: Annotated[str | None, Query(description="Only orders with a parcel with this tracking number.")] = None,
    email: Annotated[
        str | None, Query(max_length=320, description="Only orders of the customer with this e-mail address.")
    ] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Orders:
    """`id`, `ref`, `tracking` and `email` match exactly, and only one can be given. All other filters can be combined.

    Of an e-mail address, upper case does not count; orders are found by it for 400 days.

    The newest order is the one whose payment was received last (or its first message, if it is not paid).
    """
    exact = {"id": id, "ref": ref, "tracking": tracking, "email": email}
    if sum(text is not None for text in exact.values()) > 1:
        raise BadRequestError("Only one of id, ref, tracking and email can be given.")
    if stalled is not None and status is not None and status not in OPEN:
        raise BadRequestError(f"stalled selects open orders only; status must be one of: {', '.join(OPEN)}")
    updated_before = iso(config.utcnow() - timedelta(hours=stalled)) if stalled is not None else ""
    given = {"status": status, "provider": provider, "attention": attention, "stalled": stalled, **exact}
    wanted = Filters(
        status=status, provider=provider, attention=attention, stalled=stalled, updated_before=updated_before
    )
    if any(text is not None for text in exact.values()):
        found = [row for row in _exactly(id, ref, tracking, email) if wanted.match(row)]
        if email is not None:  # a cursor must not be made from the address itself
            given["email"] = "".join(customers.digests(email))
        shown, last = page_of("orders", _in_list, found, limit=limit, cursor=cursor, filters=given)
        return {"orders": shown, "cursor": last}
    index, partitions = wanted.index()
    shown, last = page(
        "orders",
        rows(repository.KIND),
        _in_list,
        index=index,
        partitions=partitions,
        limit=limit,
        cursor=cursor,
        filters=given,
        matches=None if wanted.are_in_index() else wanted.match,
        newest_first=stalled is None,
        until=updated_before,
    )
    return {"orders": shown, "cursor": last}


@router.get("/orders/<order_id>", tags=["orders"], operation_id="getOrder", summary="Get an order")
def get_order(order_id: Id) -> OrderWithDeliveries:
    """An order with its lines, parcels, deliveries and timeline."""
    known = repository.get_with_deliveries(order_id)
    if known is None:
        raise NotFoundError("There is no such order.")
    row, deliveries = known
    order = fold(order_id, row.facts)
    shown = {each.name: getattr(order, each.name) for each in fields(order)}
    shown["provider_orders"] = [_with_slip(each) for each in order.provider_orders]
    return OrderWithDeliveries(
        **shown,
        deliveries=[in_order(each) for each in deliveries],
    )


@router.get(
    "/orders/<order_id>/history", tags=["orders"], operation_id="getHistory", summary="Get the history of an order"
)
def get_history(order_id: Id) -> History:
    """When the order, each line and each parcel got each status, by the times in the messages about the order."""
    row = repository.get(order_id)
    if row is None:
        raise NotFoundError("There is no such order.")
    return {"history": steps(order_id, row.facts)}


@router.post(
    "/orders/<order_id>/lines/<line_id>/route",
    tags=["orders"],
    operation_id="routeLine",
    summary="Route a line by hand",
    status_code=202,
)
def route_line(order_id: Id, line_id: Id, wanted: Route) -> Routed:
    """Choose the printer of a line that no routing rule matches. The request becomes an event, which routes the line.

    The first request for a line counts. Another destination is accepted only after the first request has failed.
    """
    destination = wanted.destination
    _may_be_routed(_line(order_id, line_id), destination)
    request = {"order_id": order_id, "line_id": line_id, "destination": destination}
    event_id, before = _record(request, [order_id, line_id])
    if before and before.state in _SET_ASIDE and wire.parse(before.body) != request:
        event_id, before = _record(request, [order_id, line_id, destination])
    if before and wire.parse(before.body) != request:
        first = wire.parse(before.body)["destination"]
        raise ServiceError(HTTPStatus.CONFLICT, f"The event {event_id} already routes the line to {first}.")
    if before and before.state in _SET_ASIDE:
        raise ServiceError(HTTPStatus.CONFLICT, f"The same request failed before: replay the event {event_id}.")
    return {"event_id": event_id, "status": "duplicate" if before else "accepted"}


@router.post(
    "/orders/<order_id>/link", tags=["orders"], operation_id="linkRecord", summary="Link a printer's record to an order"
)
def link_record(order_id: Id, other: Other) -> Joined:
    """Give the order what a printer has reported, and will report, on another record. `unlink` undoes it.

    Records that are linked to that record go with it, and come back with it. The shop is notified as if the reports
    had come for the order.
    """
    order, record = _found(order_id), _found(other.record)
    if record.linked_to != order_id:
        _may_be_linked(order, record)
    joined = joining.link(record.id, order_id)
    if joined is None:
        raise ServiceError(HTTPStatus.CONFLICT, "The record was linked to another order, or paid, meanwhile.")
    return _joined("link", joined, record.id)


@router.post(
    "/orders/<order_id>/unlink",
    tags=["orders"],
    operation_id="unlinkRecord",
    summary="Undo a link, or say that two records are not one order",
)
def unlink_record(order_id: Id, other: Other) -> Joined:
    """End a link, so that the record has the printer's reports again. Or end `maybe_same_order` in both records."""
    order, record = _found(order_id), _found(other.record)
    if record.linked_to != order_id and record.id not in order.maybe_same:
        other_order = f": it is linked to {record.linked_to}" if record.linked_to else ", and does not look like it"
        raise ServiceError(HTTPStatus.CONFLICT, f"The record is not linked to the order{other_order}.")
    return _joined("unlink", joining.unlink(record.id, order_id), record.id)


def _found(order_id: str) -> Order:
    row = repository.get(order_id)
    if row is None:
        raise NotFoundError(f"There is no such order: {order_id}.")
    return fold(order_id, row.facts)


def _may_be_linked(order: Order, record: Order) -> None:
    """Raise ServiceError if a record can't be linked to an order."""
    if record.id == order.id:
        problem = "A record can't be linked to itself."
    elif record.currency is not None:
        problem = f"{record.id} is an order that the shop has reported: only a printer's record can be linked."
    elif record.linked_to:
        problem = f"{record.id} is linked to {record.linked_to}: unlink it first."
    elif order.linked_to or begins_like_a_record(order.id):
        problem = f"{order.id} is a printer's record: link it to an order of the shop's."
    else:
        return
    raise ServiceError(HTTPStatus.CONFLICT, problem)


def _joined(action: str, order: Order, record: str) -> Joined:
    for target in (order.id, record):
        actions.record(action, target, by=actor(), now=config.utcnow())
    repository.count_attention(order, OPS)
    return {"id": order.id, "linked": order.linked}


def _with_slip(known: ProviderOrder) -> ProviderOrderWithSlip:
    event = events.get(known.described_by) if known.described_by and known.provider == "printful" else None
    gift, packing_slip = slip_of(event) if event else (None, None)
    return ProviderOrderWithSlip(
        **{each.name: getattr(known, each.name) for each in fields(known)},
        gift={"subject": gift.subject, "message": gift.message} if gift else None,
        packing_slip={
            "email": packing_slip.email,
            "phone": packing_slip.phone,
            "message": packing_slip.message,
            "logo_url": packing_slip.logo_url,
            "store_name": packing_slip.store_name,
            "custom_order_id": packing_slip.custom_order_id,
        }
        if packing_slip
        else None,
    )


def _in_list(row: table.Item) -> OrderInList:
    shown: OrderInList = repository.summary(row)  # type: ignore[assignment]
    return shown


def _exactly(
    id: str | None,  # noqa: A002
    ref: str | None,
    tracking: str | None,
    email: str | None,
) -> Iterator[table.Item]:
    if id is not None:
        ids = [id] if len(id) <= LONGEST_ID else []
    elif email is not None:
        ids = repository.find_by_email(email, now=config.utcnow())[:MOST_READ]
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
        raise ServiceError(HTTPStatus.CONFLICT, f"The line already has a printer: {line.destination}.")
    if line.status is Status.CANCELED:
        raise ServiceError(HTTPStatus.CONFLICT, "The line is canceled.")
    if line.status is not Status.PAID:
        raise ServiceError(HTTPStatus.CONFLICT, "A printer already works on the line: it would be printed twice.")
    printer = BY_ID[destination]
    if printer.needs_design and line.variant is None:
        raise BadRequestError(f"The line has no personalization, and {printer.name} prints personalized lines only.")


def _record(request: dict[str, str], identity: list[str]) -> tuple[str, Event | None]:
    """Record a request as an event; return its id, and the event that had this deduplication key before, if any."""
    webhook = Webhook(topic="line_routed", identity=wire.canonical(identity), body=wire.write(request))
    event_id, new = events.record(OPS, webhook, now=config.utcnow())
    return event_id, None if new else events.get(event_id)
