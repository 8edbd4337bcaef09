"""The ops API: what is known about orders, products and batches, what is parked or dead, and sending it again."""

import base64
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import (
    BadRequestError,
    NotFoundError,
    ServiceError,
    UnauthorizedError,
)
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from pressroom import catalogue, config, drift, inbox, orders, outbox, record, replay, table, wire
from pressroom.catalogue import Product, Stock
from pressroom.inbox import Event, Webhook
from pressroom.orders import Line, Status
from pressroom.outbox import Delivery
from pressroom.signing import is_token

app = APIGatewayHttpResolver()

LIMIT = 50
"""How many entries a page of a list holds, unless the caller asks for fewer or for up to MOST."""
MOST = 100
LONGEST_ID = 500
"""No id is longer: DynamoDB refuses to look for a key of more than 2,048 bytes."""
BATCHES_BUDGET = timedelta(seconds=10)
"""How long a request for batches goes on making them; the gateway ends it after half a minute."""
_SET_ASIDE = (inbox.State.FAILED, inbox.State.UNHANDLED)
_NOT_OURS = "cursor must be one that this list has given"


def authenticate(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """Let nobody in without the ops token, whatever they ask for."""
    scheme, _, token = (app.current_event.headers.get("authorization") or "").partition(" ")
    genuine = config.secret("OPS_TOKEN_SECRET_ARN").matches(lambda tokens: is_token(token, tokens))
    if scheme.lower() != "bearer" or not genuine:
        raise UnauthorizedError("A valid ops token is required: Authorization: Bearer <token>")
    if any(len(value) > LONGEST_ID for value in app.current_event.path_parameters.values()):
        raise NotFoundError("There is nothing with an id as long as this.")
    return next_middleware(app)


app.use(middlewares=[authenticate])


@app.exception_handler(ServiceError)  # type: ignore[untyped-decorator]  # Powertools leaves it untyped
def problem(error: ServiceError) -> Response[Any]:
    """Answer every refusal as RFC 9457 says."""
    body = {"type": "about:blank", "title": HTTPStatus(error.status_code).phrase, "detail": error.msg}
    headers = {"WWW-Authenticate": "Bearer"} if error.status_code == HTTPStatus.UNAUTHORIZED else {}
    return Response(
        status_code=error.status_code,
        content_type="application/problem+json",
        body=json.dumps(body | {"status": error.status_code}),
        headers=headers,
    )


@app.get("/orders")
def list_orders() -> dict[str, Any]:
    """List orders, newest first; `status` picks those that stand there."""
    status = _query("status")
    if status and status not in orders.RANK:
        raise BadRequestError(f"status must be one of: {', '.join(orders.RANK)}")
    index, partition = ("by_state", f"{record.KIND}#{status}") if status else ("by_created", record.KIND)
    return _page("orders", index, partition, record.KIND, record.summary)


@app.get("/orders/<order_id>")
def get_order(order_id: str) -> dict[str, Any]:
    """Show one order: lines, parcels, deliveries and the timeline, folded from its facts."""
    order_id = unquote(order_id)
    known = record.get_with_deliveries(order_id)
    if known is None:
        raise NotFoundError("There is no such order.")
    row, deliveries = known
    return orders.fold(order_id, row.facts).to_json() | {"deliveries": [each.summary() for each in deliveries]}


@app.post("/orders/<order_id>/lines/<line_id>/route")
def route_line(order_id: str, line_id: str) -> tuple[dict[str, Any], int]:
    """Give a line that no rule wanted to a printer: `{"destination": …}`. It is kept as an event, and done from there.

    The first request for a line stands; another destination is taken only after the first could not be done.
    """
    from pressroom import routing  # here and below: what only a rare question needs is not for every start to load

    order_id, line_id, destination = unquote(order_id), unquote(line_id), _body("destination").get("destination")
    if destination not in (allowed := sorted(routing.PRINTERS | routing.FOLLOWED)):
        raise BadRequestError(f"destination must be one of: {', '.join(allowed)}")
    _may_be_routed(_line(order_id, line_id), destination)
    wanted = {"order_id": order_id, "line_id": line_id, "destination": destination}
    event_id, before = _ask(wanted, [order_id, line_id])
    if before and before.state in _SET_ASIDE and wire.parse(before.body) != wanted:
        event_id, before = _ask(wanted, [order_id, line_id, destination])
    if before and wire.parse(before.body) != wanted:
        asked = wire.parse(before.body)["destination"]
        raise ServiceError(HTTPStatus.CONFLICT, f"The line is being given to {asked} already, by the event {event_id}.")
    if before and before.state in _SET_ASIDE:
        raise ServiceError(HTTPStatus.CONFLICT, f"This was asked for before and failed: replay the event {event_id}.")
    return {"event_id": event_id, "status": "duplicate" if before else "accepted"}, HTTPStatus.ACCEPTED


@app.get("/events")
def list_events() -> dict[str, Any]:
    """List the received webhooks that need a person: `state` is `failed` (parked) or `unhandled`."""
    state = _one_of("state", _SET_ASIDE)
    return _page("events", "by_state", f"{inbox.KIND}#{state}", inbox.KIND, lambda item: _event(Event.of(item)))


@app.get("/events/<event_id>")
def get_event(event_id: str) -> dict[str, Any]:
    """Show what has become of one received webhook."""
    return _event(_found(inbox.get(event_id)))


@app.post("/events/<event_id>/replay")
def replay_event(event_id: str) -> dict[str, Any]:
    """Hand a parked webhook to its topic again. One that has been processed is left as it is."""
    event = _found(inbox.get(event_id))
    return {"id": event.id, "replayed": replay.replay_event(event, now=config.utcnow())}


@app.get("/products/<product_id>")
def get_product(product_id: str) -> dict[str, Any]:
    """Show a product of the shop as Printful told it last; one that was deleted is still there, and says so."""
    return _known(catalogue.product(unquote(product_id)))


@app.get("/stock/<product_id>")
def get_stock(product_id: str) -> dict[str, Any]:
    """Show which variants of a catalogue product can't be ordered at Printful; all others can."""
    return _known(catalogue.stock(unquote(product_id)))


@app.get("/drift")
def list_drift() -> dict[str, Any]:
    """List, by topic, the fields and values that were seen in providers' messages and that Pressroom doesn't know."""
    return _page("drift", "by_state", f"{drift.KIND}#{drift.LISTED}", drift.KIND, drift.shown)


@app.get("/deliveries")
def list_deliveries() -> dict[str, Any]:
    """List the deliveries that were given up: `status` is `dead`."""
    state = _one_of("status", (outbox.State.DEAD,))
    return _page(
        "deliveries", "by_state", f"{outbox.KIND}#{state}", outbox.KIND, lambda item: _delivery(Delivery.of(item))
    )


@app.get("/deliveries/<delivery_id>")
def get_delivery(delivery_id: str) -> dict[str, Any]:
    """Show one delivery with its latest attempts."""
    return _delivery(_found(outbox.get(delivery_id)))


@app.post("/deliveries/<delivery_id>/replay")
def replay_delivery(delivery_id: str) -> dict[str, Any]:
    """Queue a dead delivery again. One that is pending or delivered is left as it is."""
    delivery = _found(outbox.get(delivery_id))
    return {"id": delivery.id, "replayed": replay.replay_delivery(delivery, now=config.utcnow())}


@app.get("/batches")
def list_batches() -> dict[str, Any]:
    """List the batches of items that were sent, or are being sent, to the OMS, newest first."""
    from pressroom.oms.batches import KIND, Batch

    return _page("batches", "by_created", KIND, KIND, lambda row: Batch.of(row).summary())


@app.get("/batches/<batch_id>")
def get_batch(batch_id: str) -> dict[str, Any]:
    """Show one batch with its items and its delivery, which can be replayed if it is dead."""
    from pressroom.oms import batches

    batch = batches.get(batch_id)
    if batch is None:
        raise NotFoundError("There is no such batch.")
    delivery = outbox.get(batch.delivery_id)
    return batch.to_json() | {"delivery": delivery.summary() if delivery else None}


@app.post("/batches")
def make_batches() -> dict[str, Any]:
    """Make batches of all that waits, whatever its number and age: of one variant (`{"variant": …}`), or of each."""
    from pressroom.oms import batches

    variant = _body("variant").get("variant")
    if isinstance(variant, int) and not isinstance(variant, bool):  # as the shop may have written it
        variant = str(variant)
    if variant is not None and (not isinstance(variant, str) or variant not in batches.templates()):
        raise BadRequestError("variant must be one that the parameter PrintTemplates names")
    now = config.utcnow()
    made = batches.make(now, variant, at_once=True, is_over=lambda: config.utcnow() - now >= BATCHES_BUDGET)
    return {"batches": [batch.summary() for batch in made.batches], "complete": made.complete}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway event.

    The gateway gives the path decoded (all but %25), which Powertools' routes don't match where an id holds a # or a
    quotation mark. So the path is put together again from the route that matched and the parameters found there.
    """
    path = event["routeKey"].partition(" ")[2]
    for name, value in (event.get("pathParameters") or {}).items():
        path = path.replace(f"{{{name}}}", quote(value.replace("%25", "%"), safe=""))
    return app.resolve(event | {"rawPath": path}, context)


def _query(name: str, default: str = "") -> str:
    return app.current_event.get_query_string_value(name, default) or default


def _body(*names: str) -> dict[str, Any]:
    """Read the request's body: a JSON object with no other fields than these; no body at all is an empty one."""
    try:
        text = app.current_event.decoded_body
        content = wire.parse(text.encode()) if text else {}
    except ValueError as error:
        raise BadRequestError("The body is not JSON in UTF-8.") from error
    if not isinstance(content, dict) or not content.keys() <= set(names):
        raise BadRequestError(f"The body must be a JSON object with no other fields than: {', '.join(names)}")
    return content


def _line(order_id: str, line_id: str) -> Line:
    row = record.get(order_id)
    if row is None:
        raise NotFoundError("There is no such order.")
    for line in orders.fold(order_id, row.facts).lines:
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
    event_id, new = inbox.record("ops", webhook, now=config.utcnow())
    return event_id, None if new else inbox.get(event_id)


def _one_of(name: str, allowed: tuple[str, ...]) -> str:
    value = _query(name, allowed[0])
    if value not in allowed:
        raise BadRequestError(f"{name} must be one of: {', '.join(allowed)}")
    return value


def _page(
    what: str, index: str, partition: str, kind: str, show: Callable[[table.Item], dict[str, Any]]
) -> dict[str, Any]:
    """Return one page of a list: the entries and the cursor that the next page starts from."""
    limit = _query("limit", str(LIMIT))
    if not (limit.isascii() and limit.isdecimal()) or len(limit) > len(str(MOST)) or not 1 <= int(limit) <= MOST:
        raise BadRequestError(f"limit must be a number from 1 to {MOST}")
    try:
        before = base64.b64decode(_query("cursor"), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise BadRequestError(_NOT_OURS) from error
    if before and "#" not in before:
        raise BadRequestError(_NOT_OURS)
    ids, after = table.newest(index, partition, limit=int(limit), before=before)
    shown = {table.identity_of(item): show(item) for item in table.get_many([(kind, each) for each in ids])}
    cursor = base64.urlsafe_b64encode(after.encode()).decode() if after else None
    return {what: [shown[each] for each in ids if each in shown], "cursor": cursor}


def _found[T](row: T | None) -> T:
    if row is None:
        raise NotFoundError("There is no such delivery, or no such webhook any more: those are kept for 45 days.")
    return row


def _known(row: Product | Stock | None) -> dict[str, Any]:
    if row is None:
        raise NotFoundError("Printful has not told of this product.")
    ours = ("version", "event_id", "received_at")
    return {name: value for name, value in asdict(row).items() if name not in ours}


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "provider": event.provider,
        "topic": event.topic,
        "received_at": event.received_at,
        "state": event.state,
        "error": event.error,
        "order_id": event.order_id,
        "replays": event.replays,
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    history = [{"at": each.at, "status": each.status, "error": each.error} for each in delivery.history]
    return delivery.summary() | {
        "order_id": delivery.order_id or None,
        "created_at": delivery.created_at,
        "replays": delivery.replays,
        "history": history,
    }
