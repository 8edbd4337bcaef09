"""Sending an order to the OMS: create, update, delete; no second create while the first may have been received.

After a lost answer, the order is looked up before it is sent again, by our item ids: there is no other lookup. If the
OMS has the items, the delivery is done, with unknown uids. If the OMS responds that it does not have them, and the
request can't arrive any more, it is sent again. Otherwise the delivery waits, and in the end a person decides
(docs/decisions/0016-an-order-is-looked-up-at-the-oms-before-it-is-created-again.md).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from pressroom.delivery.outcome import Sent
from pressroom.order import outbox, repository
from pressroom.order.facts import Fact, in_order
from pressroom.order.fold import fold
from pressroom.order.outbox import Attempt, Delivery
from pressroom.platform import config
from pressroom.platform.errors import Blocked, Dead, DeliveryError, Retry, Withdrawn
from pressroom.platform.times import parse
from pressroom.providers.oms import client
from pressroom.providers.oms import item_ids as items

UNKNOWN_UID = "the OMS's uid of the order is unknown, because its response was lost: do this by hand at the OMS"


@dataclass(slots=True)
class OmsState:
    """The known state of an order at the OMS. `uids`: the lines of each of its orders there, by the order's uid."""

    uids: dict[str, list[str]] = field(default_factory=dict)
    has_unknown_uid: bool = False
    """The OMS has, or may have, an order whose uid is unknown."""
    revoked: bool = False
    latest_update: str | None = None
    """The delivery of the latest update: it contains all earlier ones."""
    deleted_lines: frozenset[str] = frozenset()
    """The lines of the orders that were deleted there, since the shop had removed all of their lines."""
    lines: frozenset[str] = frozenset()
    """The lines of the order by the shop's latest update."""


def state_from(facts: Iterable[Fact]) -> OmsState:
    """Return the state of an order at the OMS, from the order's facts."""
    state, lost, deleted, number = OmsState(), set[str](), set[str](), 0
    unknown, found = set[str](), set[str]()
    for fact in in_order(facts):
        data = fact.data
        if fact.kind == "revoked":
            state.revoked = True
        elif fact.kind == "updated":
            state.lines = frozenset(line["id"] for line in data["lines"])
            if data["deliveries"] and data["number"] > number:
                number, state.latest_update = data["number"], data["deliveries"][0]
        elif fact.kind == "uid_found":
            found |= set(data["delivery_ids"])
            state.uids[data["order"]] = [item["ref"] for item in data["items"]]
        elif data.get("operation") != "create_order":
            deleted |= set(data.get("deleted", ()))
        elif fact.kind == "sent":
            lost.discard(data["delivery_id"])
            if data.get("order"):
                state.uids[data["order"]] = [item["ref"] for item in data["items"]]
            else:  # it was looked up, or a person has settled the delivery
                unknown.add(data["delivery_id"])
        elif fact.kind == "dead" and data["answer_lost"]:
            lost.add(data["delivery_id"])
        else:
            lost.discard(data["delivery_id"])
    state.deleted_lines = frozenset(line for uid, lines in state.uids.items() if uid in deleted for line in lines)
    state.uids = {uid: lines for uid, lines in state.uids.items() if uid not in deleted}
    state.has_unknown_uid = bool((unknown - found) | lost)
    return state


def create(delivery: Delivery) -> Sent:
    """Create the order, once. The record keeps the uids of the order and its items."""
    order = json.loads(delivery.body)
    item_ids = [item["ecommerce_order_item_id"] for item in order["items"]]
    if delivery.answer_lost:
        if _exists(item_ids):
            return _found_result(item_ids)
        seconds = _seconds_until_settled(delivery.history, config.utcnow())
        if seconds:
            raise Retry("the OMS does not have the order yet, but the request may still arrive", after=seconds)
        if _state_of(delivery).revoked:
            raise Withdrawn("the shop canceled the order, and the OMS does not have it", certain=True)
    try:
        created = client.create_order(_corrected(delivery, order) if delivery.replays else order)
    except DeliveryError as error:
        if error.status == HTTPStatus.CONFLICT and _exists(item_ids):
            return _found_result(item_ids)
        error.certain = True  # before this attempt, the OMS had not received any other
        raise
    uids = created.items if created.items.keys() >= set(item_ids) else created.items | _items_of(created.uid)
    return Sent(created.http_status, _record_data(created.uid, item_ids, uids), certain=True)


def _items_of(uid: str) -> dict[str, str]:
    """Read the uids of an order's items that the response to the create request left out; none if the OMS fails."""
    try:
        return client.items_of(client.get_order(uid) or {})
    except DeliveryError:
        return {}


def update(delivery: Delivery) -> Sent:
    """Change the order at the OMS to the shop's current one, unless a later update does that."""
    state = _state_of(delivery)
    if state.revoked:
        raise Withdrawn("the shop canceled the order")
    if state.latest_update != delivery.id:
        raise Withdrawn("a later update contains this one")
    if state.has_unknown_uid:
        raise Dead(UNKNOWN_UID)
    changes = json.loads(delivery.body)
    changed = {item["ecommerce_order_item_id"]: item for item in changes.pop("items", ())}
    status, deleted, updated = 0, list[str](), list[str]()
    for uid, line_ids in state.uids.items():
        mine = [changed[each] for each in _item_ids(delivery, line_ids) if each in changed]
        if state.lines.isdisjoint(line_ids):
            status = client.delete_order(uid)
            deleted.append(uid)
        else:  # without its items: it was created for a manually routed line, later than this update
            status = client.update_order(uid, changes | ({"items": mine} if mine else {}))
            updated += [each for each in line_ids if each in state.lines] if mine else ()
    if state.deleted_lines & state.lines:
        raise Dead("the shop has restored a line of an order that the OMS deleted: create it by hand at the OMS")
    if not status:
        raise Withdrawn("the OMS does not have the order")
    return Sent(status, {"provider": "oms", "deleted": deleted, "changed": updated} if deleted or updated else {})


def delete(delivery: Delivery) -> Sent:
    """Delete the order at the OMS. The OMS may refuse if it has already printed it."""
    row = repository.get(delivery.order_id)
    facts = row.facts if row else []
    state = state_from(facts)
    statuses = [client.delete_order(uid) for uid in state.uids]
    if state.has_unknown_uid:
        order = fold(delivery.order_id, facts)
        theirs = _item_ids(delivery, [line.id for line in order.lines if line.destination == "oms"])
        if any(_exists([each]) for each in theirs):
            raise Dead(UNKNOWN_UID)
        statuses.append(HTTPStatus.NOT_FOUND)  # a person has deleted it at the OMS
    if not statuses:
        raise Withdrawn("the OMS does not have the order")
    deleted = [*state.uids, *([""] if state.has_unknown_uid else [])]
    return Sent(max(statuses), {"provider": "oms", "deleted": deleted})


def _corrected(delivery: Delivery, order: dict[str, Any]) -> dict[str, Any]:
    """Return the order with the shop's later changes: they may correct what the OMS refused before the replay.

    The update that waits in the queue sends them again. Raises Withdrawn if the shop has removed all of its lines.
    """
    update_id = _state_of(delivery).latest_update
    update = outbox.get(update_id) if update_id else None
    if update is None:
        return order
    mine = {item["ecommerce_order_item_id"] for item in order["items"]}
    changes: dict[str, Any] = json.loads(update.body)
    changed = [item for item in changes.pop("items", order["items"]) if item["ecommerce_order_item_id"] in mine]
    if not changed:
        raise Withdrawn("the shop has removed its lines from the order", certain=True)
    return order | changes | {"items": changed}


def _state_of(delivery: Delivery) -> OmsState:
    row = repository.get(delivery.order_id)
    return state_from(row.facts if row else [])


def _item_ids(delivery: Delivery, line_ids: list[str]) -> list[str]:
    return [items.item_id(delivery.order_id, each) for each in line_ids]


def _exists(item_ids: list[str]) -> bool:
    """Look up the first and the last item of an order at the OMS. Raises Retry if the lookup fails."""
    try:
        answers = {client.print_file(each) is not None for each in {item_ids[0], item_ids[-1]}}
    except Blocked:
        raise
    except DeliveryError as error:
        reason = f"the OMS may have the order, but the lookup failed: {error.reason}"
        raise Retry(reason, status=error.status, after=error.after) from error
    if len(answers) > 1:
        raise Dead("the OMS has only a part of the order: complete or delete it by hand at the OMS")
    return answers.pop()


def _seconds_until_settled(history: list[Attempt], now: datetime) -> float:
    """Return for how many seconds a request without a response from the OMS itself may still arrive there."""
    settle = timedelta(seconds=float(config.setting("OMS_SETTLE_SECONDS")))
    # Only a 500 certainly comes from the OMS itself, and ends the request. Other errors may come from a proxy, behind
    # which the OMS may still process the request.
    unanswered = [
        parse(each.at) + settle
        for each in history
        if each.answer_lost and each.status != HTTPStatus.INTERNAL_SERVER_ERROR
    ]
    return max(((until - now).total_seconds() for until in unanswered if until > now), default=0)


def _found_result(item_ids: list[str]) -> Sent:
    return Sent(HTTPStatus.OK, _record_data(None, item_ids, {}), certain=True)


def _record_data(uid: str | None, item_ids: list[str], uids: dict[str, str]) -> dict[str, Any]:
    """Return the data of a response for the record. An item without a uid is listed under our own id."""
    found = []
    for each in item_ids:
        named = items.parse(each)
        item = {"item": uids.get(each, each), "ref": named[1] if named else each}
        found.append(item if each in uids else item | {"unknown": True})
    is_known = uid is not None and all(each in uids for each in item_ids)
    return {"provider": "oms", "order": uid or "", "items": found, "uid_known": is_known}
