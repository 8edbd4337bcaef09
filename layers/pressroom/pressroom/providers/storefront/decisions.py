"""What the shop's messages mean: who is sent what of an order, decided on all that is known of it.

The message and the facts in, a Decision out; what the shop said of the order before is read where it is needed. An
order is sent as the shop described it last. Of what a printer was sent only a digest is kept: enough to tell it again
no more than what has changed.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from pressroom.inbox import events, reading
from pressroom.inbox.events import Event
from pressroom.inbox.facts import fact
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact, destination_of, in_order, is_revoked
from pressroom.order.outbox import Delivery
from pressroom.order.routing import Routing, route
from pressroom.order.shop_order import LineItem, OrderCanceled, OrderPaid, OrderUpdated, line_ids
from pressroom.partners import FOLLOWED, ORDERED
from pressroom.platform import table, times
from pressroom.platform.errors import Unprocessable
from pressroom.providers.camaloon import messages as camaloon
from pressroom.providers.oms import messages as oms
from pressroom.providers.storefront.line_routed import LineRouted

type Lines = list[tuple[str, LineItem]]


def paid(order: OrderPaid, event: Event, routing: Routing, known: list[Fact]) -> Decision:
    """Route each line and tell its printer. An order that was paid before with other contents is only flagged."""
    order_id, paid_at = str(order.id), times.iso(times.parse(order.processed_at))
    if event.conflict:
        return Decision(order_id=order_id, facts=(fact(event, "paid_again", {}, at=paid_at),))
    lines = _lines(order)
    destinations = {
        each: route(line.sku, line.personalization is not None, routing).destination for each, line in lines
    }
    told = _told_by_shop(known, fact(event, "paid", {}, at=paid_at), order)
    current = next(told)  # an update that has overtaken the payment, or the payment
    deliveries, contents = [], {}
    for_camaloon = {each: line for each, line in _lines(current) if destinations.get(each) == "camaloon"}
    if for_camaloon:
        body = camaloon.OrderPaid.of(current, list(for_camaloon.values())).body()
        contents["camaloon"] = _digest(body)
        deliveries.append(_new("camaloon", "order_paid", order_id, body, event))
    for_oms = _designed(_with_designs(current, _to(destinations, "oms"), told))
    if for_oms:
        message = oms.Order.of(current, list(for_oms.items()))
        body, contents["oms"] = message.body(), _digest_of_items(message)
        deliveries.append(_new("oms", "create_order", order_id, body, event))
    sent = for_camaloon | for_oms
    data: dict[str, Any] = {
        "ref": order.ref,
        "currency": order.currency,
        "created_at": times.iso(times.parse(order.created_at)),
        "lines": [_told(each, sent.get(each, line)) | {"destination": destinations[each]} for each, line in lines],
        "deliveries": [delivery.id for delivery in deliveries],
    }
    if contents:
        data["contents"] = contents
    left_out = [each for each, _ in lines if destinations[each] in ORDERED and each not in sent]
    if left_out:
        data["left_out"] = left_out
    return Decision(order_id=order_id, facts=(fact(event, "paid", data, at=paid_at),), deliveries=tuple(deliveries))


def updated(order: OrderUpdated, event: Event, known: list[Fact]) -> Decision:
    """Tell the OMS what the order is by now, and flag what can't be told any more.

    That is what the latest update says, in whatever order they arrive: an earlier one may have a design that a later
    one leaves out. What was changed before it was paid for is in the payment, whichever of the two is heard first.
    """
    order_id, at = str(order.id), times.iso(times.parse(order.updated_at))
    data: dict[str, Any] = {
        "lines": [_told(each, line) for each, line in _lines(order)],
        "not_sent": False,
        "deliveries": [],
    }
    deliveries: tuple[Delivery, ...] = ()
    payment = _payment(known)
    if payment and at >= payment.at:
        destinations = _destinations(payment, known)
        if "camaloon" in destinations.values():
            data["not_sent"] = _letter(order, destinations) != _letter_sent(known)
        if _creates(known):
            told = _told_by_shop(known, fact(event, "updated", {}, at=at), order)
            change, items = _change(told, _to(destinations, "oms"), known)
            data["not_sent"] = data["not_sent"] or not items
            updates = [each for each in known if each.kind == "updated"]
            is_late = any((each.at, each.id) > (at, event.id) for each in updates)
            last = max((payment, *updates), key=lambda each: int(each.data.get("number", 0)))
            if not is_late or items != last.data.get("contents", {}).get("oms"):
                deliveries = (_new("oms", "update_order", order_id, change.body(), event, key=event.id),)
                data |= {"contents": {"oms": items}, "deliveries": [deliveries[0].id], "number": len(updates) + 1}
    return Decision(order_id=order_id, facts=(fact(event, "updated", data, at=at),), deliveries=deliveries)


def _change(told: Iterator[OrderPaid], line_ids: list[str], known: list[Fact]) -> tuple[oms.OrderUpdate, str | None]:
    """Return what to tell the OMS, and the digest of its items, None if the design of one is not known.

    Items that it has already are left out: nobody knows what it makes of them.
    """
    current = next(told)
    lines = _with_designs(current, line_ids, told)
    designed = _designed(lines)
    change = oms.OrderUpdate.of(current, list(designed.items()))
    items = _digest_of_items(change) if len(designed) == len(lines) else None
    sent = {each.data.get("contents", {}).get("oms") for each in known if each.kind in ("paid", "updated")} - {None}
    by_hand = any(each.kind == "routed" and each.data["destination"] == "oms" for each in known)
    if items is None or (sent == {items} and not by_hand):
        change = change.model_copy(update={"items": None})
    return change, items


def canceled(order: OrderCanceled, event: Event, known: list[Fact]) -> Decision:
    """Delete the order at the OMS. What nobody has been sent yet is not sent: `delivery` sees to that."""
    order_id, deliveries = str(order.id), tuple[Delivery, ...]()
    if _creates(known):
        deliveries = (_new("oms", "delete_order", order_id, b"{}", event),)
    data = {"reason": order.reason, "deliveries": [delivery.id for delivery in deliveries]}
    at = times.iso(times.parse(order.canceled_at)) if order.canceled_at else ""
    return Decision(order_id=order_id, facts=(fact(event, "revoked", data, at=at),), deliveries=deliveries)


def routed(wanted: LineRouted, event: Event, known: list[Fact]) -> Decision:
    """Give a line that no rule wanted to a printer, and tell it. Raises Unprocessable if that can't be done."""
    if any(each.id == event.id for each in known):
        return Decision(order_id=wanted.order_id, facts=())
    payment = _payment(known)
    if payment is None:
        raise Unprocessable("the order is not paid")
    destinations = _destinations(payment, known)
    if wanted.line_id not in destinations:
        raise Unprocessable("the order has no such line")
    if destinations[wanted.line_id]:
        raise Unprocessable(f"the line has a printer: {destinations[wanted.line_id]}")
    if is_revoked(known):
        raise Unprocessable("the shop has canceled the order")
    deliveries: tuple[Delivery, ...] = ()
    data: dict[str, Any] = {"line": wanted.line_id, "destination": wanted.destination, "deliveries": []}
    order = next(_told_by_shop(known), None)
    if order:
        line = dict(_lines(order)).get(wanted.line_id)
        if line is None:
            raise Unprocessable("the shop has taken the line out of the order")
        data["told"] = _told(wanted.line_id, line)
        if wanted.destination not in FOLLOWED:
            deliveries = (_for_one(wanted, order, line, event, known),)
            data["deliveries"] = [deliveries[0].id]
        if wanted.destination == "camaloon" and _letter(order, destinations) == _letter_sent(known):
            data["contents"] = {"camaloon": _letter(order, destinations | {wanted.line_id: "camaloon"})}
    elif wanted.destination not in FOLLOWED:
        raise Unprocessable(f"what the shop sent is no longer kept after {events.KEPT_FOR.days} days")
    return Decision(order_id=wanted.order_id, facts=(fact(event, "routed", data),), deliveries=deliveries)


def _for_one(wanted: LineRouted, order: OrderPaid, line: LineItem, event: Event, known: list[Fact]) -> Delivery:
    if wanted.destination == "camaloon":
        body = camaloon.OrderPaid.of(order, [line]).body()
        return _new("camaloon", "order_paid", wanted.order_id, body, event, key=wanted.line_id)
    designed = _designed(_with_designs(order, [wanted.line_id], _told_by_shop(known)))
    if not designed:
        raise Unprocessable("the line has no personalization, which the OMS needs")
    body = oms.Order.of(order, list(designed.items())).body()
    return _new("oms", "create_order", wanted.order_id, body, event, key=wanted.line_id)


def _letter(order: OrderPaid, destinations: dict[str, str | None]) -> str | None:
    """Return the digest of what Camaloon would be sent of an order now."""
    theirs = [line for each, line in _lines(order) if destinations.get(each) == "camaloon"]
    return _digest(camaloon.OrderPaid.of(order, theirs).body()) if theirs else None


def _letter_sent(known: list[Fact]) -> str | None:
    """Return the digest of all that Camaloon was sent; None if it was sent nothing, or nobody knows what."""
    sent = None
    for each in in_order(known):
        if each.kind == "paid" or (each.kind == "routed" and each.data["destination"] == "camaloon"):
            sent = each.data.get("contents", {}).get("camaloon")
    return sent


def _told_by_shop(known: list[Fact], new: Fact | None = None, order: OrderPaid | None = None) -> Iterator[OrderPaid]:
    """Read what the shop has said of an order since it was paid, the latest first, as far as it is still kept.

    `new` is not known yet; it says `order`.
    """
    told = [each for each in [*known, *([new] if new else [])] if each.kind in ("paid", "updated")]
    paid_at = max((each.at for each in told if each.kind == "paid"), default="")
    for each in sorted(told, key=lambda each: (each.at, each.kind, each.id), reverse=True):
        if each.at < paid_at:
            return
        if each is new and order:
            yield order
        elif (event := events.get(each.id)) and not event.erased:
            yield reading.read(OrderPaid, event.body)[0]


def _new(destination: str, operation: str, order_id: str, body: bytes, event: Event, key: str = "") -> Delivery:
    received = datetime.fromisoformat(event.received_at)
    return Delivery.to(destination, operation, order_id=order_id, body=body, now=received, key=key)


def _told(line_id: str, line: LineItem) -> dict[str, Any]:
    told = {"id": line_id, "sku": line.sku, "quantity": line.quantity, "price": str(line.price)}
    return told | ({"variant": str(line.personalization.variant_id)} if line.personalization else {})


def _payment(known: list[Fact]) -> Fact | None:
    return next((each for each in in_order(known) if each.kind == "paid"), None)


def _destinations(payment: Fact, known: list[Fact]) -> dict[str, str | None]:
    by_hand = {each.data["line"]: each.data["destination"] for each in known if each.kind == "routed"}
    return {line["id"]: line["destination"] or by_hand.get(line["id"]) for line in payment.data["lines"]}


def _to(destinations: dict[str, str | None], printer: str) -> list[str]:
    return [line_id for line_id, destination in destinations.items() if destination == printer]


def _with_designs(order: OrderPaid, wanted: Iterable[str], before: Iterable[OrderPaid]) -> dict[str, LineItem]:
    """Return those of the lines that the order still has, each with its design if that is known.

    A shop may leave out a design that has not changed: it is the one that it told `before`, of the same SKU.
    """
    wanted = frozenset(wanted)
    lines = {each: line for each, line in _lines(order) if each in wanted}
    earlier = iter(before)
    while lacking := [each for each, line in lines.items() if line.personalization is None]:
        told = next(earlier, None)
        if told is None:
            break
        known = dict(_lines(told))
        for each in lacking:
            if each in known and known[each].sku == lines[each].sku:
                lines[each] = lines[each].model_copy(update={"personalization": known[each].personalization})
    return lines


def _designed(lines: dict[str, LineItem]) -> dict[str, LineItem]:
    return {each: line for each, line in lines.items() if line.personalization}


def _lines(order: OrderPaid) -> Lines:
    return list(zip(line_ids(order.line_items), order.line_items, strict=True))


def _creates(known: list[Fact]) -> bool:
    """Tell whether the OMS was, or will be, sent the order."""
    return any(
        destination_of(delivery_id) == "oms"
        for each in known
        if each.kind in ("paid", "routed")
        for delivery_id in each.data["deliveries"]
    )


def _digest(content: bytes) -> str:
    return table.digest(content.decode())[:16]


def _digest_of_items(message: oms.OrderUpdate) -> str:
    return _digest(message.model_dump_json(include={"items"}).encode())
