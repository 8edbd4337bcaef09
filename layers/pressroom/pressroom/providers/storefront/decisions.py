"""The decisions on the shop's messages: what is sent to which printer, given all known facts of the order. Pure.

An order is sent as the shop's latest message describes it. Each ordered printer has the same four functions in its
`decisions`: `create`, `change`, `cancel`, `add_lines`. The record keeps only a digest of what was sent to a printer,
which is enough to send only changes. Earlier messages of the shop are read through the argument `lookup`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from pressroom.inbox import events, reading
from pressroom.inbox.events import Event
from pressroom.inbox.facts import fact, reason
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact, in_order, is_revoked
from pressroom.order.fold import fold
from pressroom.order.messages import OrderedPrinter, with_designs
from pressroom.order.model import Status
from pressroom.order.outbox import Delivery
from pressroom.order.routing import Routing, route_line
from pressroom.order.shop_order import LineItem, OrderCanceled, OrderPaid, OrderUpdated
from pressroom.partners import BY_ID, ORDERED
from pressroom.platform import times
from pressroom.platform.errors import Unprocessable
from pressroom.providers.camaloon import decisions as camaloon
from pressroom.providers.oms import decisions as oms
from pressroom.providers.storefront.line_routed import LineRouted

PRINTERS: dict[str, OrderedPrinter] = {each.PRINTER: each for each in (camaloon, oms)}
"""The decisions of each ordered printer."""

LONGEST_REASON = 1000
"""The most characters of a reason that the record keeps."""

type Lookup = Callable[[str], Event | None]
"""Returns a received webhook by its id; None if it is no longer stored."""


def paid(order: OrderPaid, event: Event, routing: Routing, lookup: Lookup, known: list[Fact]) -> Decision:
    """Route each line and send it to its printer. A second payment with other contents is only flagged."""
    order_id, paid_at = str(order.id), times.iso(times.parse(order.processed_at))
    if event.conflict:
        return Decision(order_id=order_id, facts=(fact(event, "paid_again", {}, at=paid_at),))
    lines = order.lines()
    new = fact(event, "paid", {}, at=paid_at)
    current = next(_descriptions(known, lookup, new, order))  # the payment, or an update that arrived before it
    latest = lines | with_designs(current, lines, lambda: _earlier(known, lookup, new, order))
    destinations = {line_id: _destination(line, latest[line_id], routing) for line_id, line in lines.items()}
    deliveries, contents, sent = list[Delivery](), dict[str, str | None](), dict[str, LineItem]()
    for printer in ORDERED:
        message = PRINTERS[printer].create(
            current, _line_ids_for(destinations, printer), lambda: _earlier(known, lookup, new, order)
        )
        if message:
            deliveries.append(_new(printer, BY_ID[printer].create, order_id, message.body, event))
            contents[printer] = message.digest
            sent |= message.lines
    data: dict[str, Any] = {
        "ref": order.ref,
        "currency": order.currency,
        "created_at": times.iso(times.parse(order.created_at)),
        "lines": [
            _without_name(line_id, sent.get(line_id, line)) | {"destination": destinations[line_id]}
            for line_id, line in lines.items()
        ],
        "deliveries": [delivery.id for delivery in deliveries],
    }
    names = [reason(sent.get(line_id, line).description) for line_id, line in lines.items()]
    if any(names):
        data["names"] = names
    if contents:
        data["contents"] = contents
    unusable = {line_id: line.unusable for line_id, line in lines.items() if line.unusable}
    if unusable:
        data["unusable"] = unusable
    left_out = [line_id for line_id in lines if destinations[line_id] in ORDERED and line_id not in sent]
    if left_out:
        data["left_out"] = left_out
    facts = (fact(event, "paid", data, at=paid_at),)
    return Decision(order_id=order_id, facts=facts, deliveries=tuple(deliveries), emails=order.emails())


def _destination(paid_for: LineItem, latest: LineItem, routing: Routing) -> str | None:
    """Return the printer of a line; that of its latest description if that is unusable, or only that can be routed."""
    found = route_line(latest if latest.unusable else paid_for, routing).destination
    return found or route_line(latest, routing).destination


def updated(order: OrderUpdated, event: Event, routing: Routing, lookup: Lookup, known: list[Fact]) -> Decision:
    """Send the current order to the printers that accept changes, and flag changes that can't be sent any more.

    The current order is the latest update, in whatever order the updates arrive; a design that it leaves out is taken
    from an earlier one. An update from before the payment is ignored, whichever of the two arrives first: the payment
    contains it. A line that had no printer is routed if the update gives it what it lacked, a SKU or a usable design.
    """
    order_id, at = str(order.id), times.iso(times.parse(order.updated_at))
    if any(each.id == event.id for each in known):
        return Decision(order_id=order_id, facts=())
    not_sent, deliveries, contents = False, list[Delivery](), dict[str, str | None]()
    new, updates = fact(event, "updated", {}, at=at), [each for each in known if each.kind == "updated"]
    payment = _payment(known)
    if payment and at >= payment.at:
        destinations = _destinations(payment, known)
        is_late = any((each.at, each.id) > (at, event.id) for each in updates)
        last = max((payment, *updates), key=lambda each: int(each.data.get("number", 0)))
        for printer in ORDERED:
            line_ids = _line_ids_for(destinations, printer)
            if not line_ids:
                continue
            decided = PRINTERS[printer]
            # An update that arrives late may have the design that the latest one leaves out. The latest one is sent.
            current = next(_descriptions(known, lookup, new, order)) if BY_ID[printer].change else order
            change = decided.change(current, line_ids, lambda: _earlier(known, lookup, new, order), known)
            not_sent = not_sent or change.not_sent
            message = change.message
            if message and (not is_late or message.digest != last.data.get("contents", {}).get(printer)):
                operation = BY_ID[printer].change
                deliveries.append(_new(printer, operation, order_id, message.body, event, key=event.id))
                contents[printer] = message.digest
    data: dict[str, Any] = {
        "lines": [_as_fact(line_id, line) for line_id, line in order.lines().items()],
        "not_sent": not_sent,
        "deliveries": [delivery.id for delivery in deliveries],
    }
    if deliveries:
        data |= {"contents": contents, "number": len(updates) + 1}
    facts = [fact(event, "updated", data, at=at)]
    if payment and at >= payment.at and not is_revoked(known):
        described = partial(_descriptions, known, lookup, new, order)
        for printer, line_ids in _routable_now(order_id, known, facts[0], routing).items():
            routed_now, create = _routed_now(printer, line_ids, described, event, facts[0], known)
            facts += routed_now
            deliveries += create
    return Decision(order_id=order_id, facts=tuple(facts), deliveries=tuple(deliveries), emails=order.emails())


def _routable_now(order_id: str, known: list[Fact], update: Fact, routing: Routing) -> dict[str, list[str]]:
    """Return by printer the lines that had none, and that the update has given what they lacked."""
    unrouted = (line for line in fold(order_id, known).lines if line.destination is None)
    lacking = {line.id for line in unrouted if route_line(line, routing).is_lacking}
    found = dict[str, list[str]]()
    for line in fold(order_id, [*known, update]).lines if lacking else ():
        is_waiting = line.id in lacking and line.destination is None and line.status is Status.PAID
        if is_waiting and (printer := route_line(line, routing).destination):
            found.setdefault(printer, []).append(line.id)
    return found


def _routed_now(
    printer: str,
    line_ids: list[str],
    described: Callable[[], Iterator[OrderPaid]],
    event: Event,
    update: Fact,
    known: list[Fact],
) -> tuple[list[Fact], list[Delivery]]:
    """Return the facts that route lines because of an update, and the delivery that sends them to their printer."""
    order, payment = next(described()), _payment(known)
    lines, deliveries, data = order.lines(), list[Delivery](), dict[str, Any]()
    if printer in ORDERED and payment:
        there = _line_ids_for(_destinations(payment, known), printer)
        try:
            message = PRINTERS[printer].add_lines(order, line_ids, there, lambda: islice(described(), 1, None), known)
        except Unprocessable:  # the design that the update leaves out is no longer stored
            return [], []
        if message is None:
            return [], []
        lines = message.lines
        deliveries = [_new(printer, BY_ID[printer].create, str(order.id), message.body, event, key=event.id)]
        data = {"contents": {printer: message.digest}} if message.digest else {}
    facts = [
        replace(
            update,
            id=f"routed/{event.id}/{line_id}",
            kind="routed",
            data={
                "line": line_id,
                "destination": printer,
                "deliveries": [each.id for each in deliveries],
                "told": _as_fact(line_id, lines[line_id]),
                **data,
            },
        )
        for line_id in line_ids
        if line_id in lines
    ]
    return facts, deliveries


def canceled(order: OrderCanceled, event: Event, known: list[Fact]) -> Decision:
    """Cancel the order at the printers that allow it. The delivery engine withdraws what has not been sent yet."""
    order_id = str(order.id)
    bodies = {printer: PRINTERS[printer].cancel(known) for printer in ORDERED}
    deliveries = [
        _new(printer, BY_ID[printer].cancel, order_id, body, event)
        for printer, body in bodies.items()
        if body is not None
    ]
    data = {
        "reason": order.reason and order.reason[:LONGEST_REASON],
        "deliveries": [delivery.id for delivery in deliveries],
    }
    at = times.iso(times.parse(order.canceled_at)) if order.canceled_at else ""
    return Decision(order_id=order_id, facts=(fact(event, "revoked", data, at=at),), deliveries=tuple(deliveries))


def routed(wanted: LineRouted, event: Event, lookup: Lookup, known: list[Fact]) -> Decision:
    """Route a line that no rule matched to a printer, and send it there. Raises Unprocessable if that is impossible."""
    order_id, line_id, printer = wanted.order_id, wanted.line_id, wanted.destination
    if any(each.id == event.id for each in known):
        return Decision(order_id=order_id, facts=())
    destinations = _check_routable(line_id, known)
    deliveries: tuple[Delivery, ...] = ()
    data: dict[str, Any] = {"line": line_id, "destination": printer, "deliveries": []}
    order = next(_descriptions(known, lookup), None)
    if order:
        line = order.lines().get(line_id)
        if line is None:
            raise Unprocessable("the shop has removed the line from the order")
        data["told"] = _as_fact(line_id, line)
        if printer in ORDERED:
            message = PRINTERS[printer].add_lines(
                order, [line_id], _line_ids_for(destinations, printer), lambda: _earlier(known, lookup), known
            )
            if message:
                operation = BY_ID[printer].create
                deliveries = (_new(printer, operation, order_id, message.body, event, key=line_id),)
                data["deliveries"] = [deliveries[0].id]
                if message.digest:
                    data["contents"] = {printer: message.digest}
    elif printer in ORDERED:
        raise Unprocessable(f"the shop's message is no longer kept after {events.KEPT_FOR.days} days")
    return Decision(order_id=order_id, facts=(fact(event, "routed", data),), deliveries=deliveries)


def _check_routable(line_id: str, known: list[Fact]) -> dict[str, str | None]:
    """Return the destinations of all lines. Raises Unprocessable if the line can't be routed to a printer."""
    payment = _payment(known)
    if payment is None:
        raise Unprocessable("the order is not paid")
    destinations = _destinations(payment, known)
    if line_id not in destinations:
        raise Unprocessable("the order has no such line")
    if destinations[line_id]:
        raise Unprocessable(f"the line has a printer: {destinations[line_id]}")
    if is_revoked(known):
        raise Unprocessable("the shop has canceled the order")
    return destinations


def _descriptions(
    known: list[Fact], lookup: Lookup, new: Fact | None = None, order: OrderPaid | None = None
) -> Iterator[OrderPaid]:
    """Yield the shop's descriptions of an order since it was paid, latest first, as far as its messages are stored.

    `new` is the fact of the message that is being decided on; `order` is its description.
    """
    described = [each for each in [*known, *([new] if new else [])] if each.kind in ("paid", "updated")]
    paid_at = max((each.at for each in described if each.kind == "paid"), default="")
    for each in sorted(described, key=lambda each: (each.at, each.kind, each.id), reverse=True):
        if each.at < paid_at:
            return
        if each is new and order:
            yield order
        elif (event := lookup(each.id)) and not event.erased:
            yield reading.read(OrderPaid, event.body)[0]


def _earlier(
    known: list[Fact], lookup: Lookup, new: Fact | None = None, order: OrderPaid | None = None
) -> Iterator[OrderPaid]:
    """Yield the descriptions before the latest one."""
    return islice(_descriptions(known, lookup, new, order), 1, None)


def _new(destination: str, operation: str | None, order_id: str, body: bytes, event: Event, key: str = "") -> Delivery:
    if operation is None:
        raise LookupError(f"{destination} has no such operation in its row of partners.py")
    received = datetime.fromisoformat(event.received_at)
    return Delivery.to(destination, operation, order_id=order_id, body=body, now=received, key=key)


def _as_fact(line_id: str, line: LineItem) -> dict[str, Any]:
    name = reason(line.description)
    more = {"name": name, "unusable": line.unusable}
    return _without_name(line_id, line) | {each: value for each, value in more.items() if value}


def _without_name(line_id: str, line: LineItem) -> dict[str, Any]:
    # An earlier version takes a line of a payment apart and knows no name there, so the payment has a list of names.
    data = {"id": line_id, "sku": line.sku, "quantity": line.quantity}
    data |= {} if line.price is None else {"price": str(line.price)}
    return data | ({"variant": str(line.personalization.variant_id)} if line.personalization else {})


def _payment(known: list[Fact]) -> Fact | None:
    return next((each for each in in_order(known) if each.kind == "paid"), None)


def _destinations(payment: Fact, known: list[Fact]) -> dict[str, str | None]:
    routed_by_person = {each.data["line"]: each.data["destination"] for each in known if each.kind == "routed"}
    return {line["id"]: line["destination"] or routed_by_person.get(line["id"]) for line in payment.data["lines"]}


def _line_ids_for(destinations: dict[str, str | None], printer: str) -> list[str]:
    return [line_id for line_id, destination in destinations.items() if destination == printer]
