"""An order as the OMS has it, for a person who asks: `GET /orders/{uid}` for each order that the OMS has for it.

The answer may hold personal data. It is shown, and neither stored nor logged. The OMS has no lookup by our id. So if a
response was lost, a person looks for the order's uid in the OMS's dashboard, and `link` reads the uids of its items.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pressroom.order import outbox, repository
from pressroom.order.decision import Decision, Undecided
from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.platform import config, table, wire
from pressroom.platform.errors import DeliveryError, Refused
from pressroom.platform.times import iso
from pressroom.providers.oms import batches, client, item_ids, print_files
from pressroom.providers.oms.orders import state_from

LAST_START = timedelta(seconds=4)
"""After this time no further order is asked for: a call may take 23 seconds, and the gateway waits for 30."""
LONGEST_TEXT = 2000
"""Characters of a text in an answer: a design may have megabytes, and a response of Lambda has 6 MB at most."""

type Answer = dict[str, Any]


def show(order_id: str) -> Answer | None:
    """Return `{"uid_unknown", "orders": [{"uid", "order", "problem"}]}`; None if Pressroom has no such order.

    `order` is the OMS's own answer; it is None if there is a `problem`.
    """
    row = repository.get(order_id)
    if row is None:
        return None
    state, last_start = state_from(row.facts), config.utcnow() + LAST_START
    return {
        "uid_unknown": state.has_unknown_uid,
        "orders": [_asked(uid, last_start) for uid in state.uids],
    }


def _asked(uid: str, last_start: datetime) -> Answer:
    if config.utcnow() > last_start:
        return {"uid": uid, "order": None, "problem": "the OMS answers too slowly to be asked for all orders at once"}
    try:
        order = client.get_order(uid)
    except DeliveryError as error:
        return {"uid": uid, "order": None, "problem": error.reason}
    if order is None:
        return {"uid": uid, "order": None, "problem": "the OMS has no such order"}
    return {"uid": uid, "order": json.loads(wire.write(_shortened(order))), "problem": None}


def _shortened(node: Any) -> Any:
    match node:
        case dict():
            return {name: _shortened(value) for name, value in node.items()}
        case list():
            return [_shortened(value) for value in node]
        case str() if len(node) > LONGEST_TEXT:
            return f"{node[:LONGEST_TEXT]}… ({len(node)} characters)"
        case _:
            return node


def link(order_id: str, uid: str) -> list[str] | None:
    """Record the uids of an order at the OMS, and of its items, which no response gave; return the lines.

    None if Pressroom has no such order. Raises Refused if the OMS's order is not this one, or none of this order waits
    for a uid. Doing it again changes nothing.
    """
    row = repository.get(order_id)
    if row is None:
        return None
    items = _items_of_ours(order_id, uid)
    waiting, now = _waiting(row.facts), config.utcnow()

    def decide(facts: list[Fact]) -> Decision:
        sent = {fact.data["delivery_id"] for fact in facts if fact.kind == "sent"}
        named = sorted(each for each, lines in waiting.items() if each in sent and lines and lines <= items.keys())
        before = sum(fact.kind == "uid_found" and fact.data["order"] == uid for fact in facts)
        if not named and not before:
            raise Refused("no uid of these items is unknown; if the order's delivery is dead, settle it as done first")
        listed = [{"item": item, "ref": line} for line, item in items.items()]
        data = {"provider": "oms", "order": uid, "items": listed, "delivery_ids": named}
        name, at = f"uid/{uid}/{before}", iso(now)
        fact = Fact(id=name, kind="uid_found", source="ops", at=at, received_at=at, data=data)
        return Decision(order_id=order_id, facts=(fact,) if named else ())

    def extra_writes(facts: list[Fact]) -> Iterator[table.Item]:
        before = [fact for fact in facts if fact.kind != "uid_found" or fact.data["order"] != uid]
        reopens = print_files.reopens(
            print_files.files(fold(order_id, before), before), print_files.files(fold(order_id, facts), facts)
        )
        key = f"{table.digest(order_id, uid)}/{len(facts) - len(before)}"
        yield {"Put": print_files.poll_row(order_id, key, now=now, hint=not reopens)}

    order = repository.apply(Undecided(order_id, decide), extra_writes)
    for line in order.lines:
        if line.id in items and line.print_file and line.print_file.status == print_files.READY:
            batches.offer(order_id, line.id, uid=line.uid, variant=line.variant, at=iso(now))
    repository.count_attention(order, "ops")
    return sorted(items)


def _items_of_ours(order_id: str, uid: str) -> dict[str, str]:
    """Return the uids of an order's items at the OMS, by line. Raises Refused if it is not an order of this order."""
    try:
        order = client.get_order(uid)
    except DeliveryError as error:
        raise Refused(f"the OMS could not be asked: {error.reason}") from error
    if order is None:
        raise Refused("the OMS has no order with this uid")
    named = {item_ids.parse(ours): item for ours, item in client.items_of(order).items()}
    items = {parsed[1]: item for parsed, item in named.items() if parsed and parsed[0] == order_id}
    theirs = order.get("ecommerce_order_id")
    if (theirs not in (None, "", order_id) and str(theirs) != order_id) or not items:
        raise Refused("the OMS's order with this uid is not this order, or its items have no uids")
    return items


def _waiting(facts: list[Fact]) -> dict[str, set[str]]:
    """Return the deliveries whose orders or items at the OMS have no known uids, each with its lines."""
    found = {each for fact in facts if fact.kind == "uid_found" for each in fact.data["delivery_ids"]}
    unknown = {fact.data["delivery_id"]: fact for fact in facts if not fact.data.get("uid_known", True)}
    return {each: _lines_of(fact) for each, fact in unknown.items() if each not in found}


def _lines_of(sent: Fact) -> set[str]:
    """Return the lines of a delivery: a person who settled it did not name them."""
    if items := sent.data.get("items"):
        return {item["ref"] for item in items}
    delivery = outbox.get(sent.data["delivery_id"])
    content = json.loads(delivery.body) if delivery else {}
    parsed = (item_ids.parse(item["ecommerce_order_item_id"]) for item in content.get("items", ()))
    return {each[1] for each in parsed if each}
