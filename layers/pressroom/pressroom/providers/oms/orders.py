"""Sending an order to the OMS: create, update, delete; and no second create while the first may have been heard.

An attempt whose answer got lost is probed before it is repeated, by our own item ids: nothing else can be asked. If the
OMS has the items, that is all there is to do, with uids that nobody knows. If it says that it has not, and the request
can't be on its way any more, it is sent again. Anything else waits, and in the end a person decides
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

UNKNOWN_UID = "the OMS's uid of the order is not known, its answer was lost: do it there by hand"


@dataclass(slots=True)
class Known:
    """What an order's facts say of it at the OMS. `uids`: the lines of each of its orders there, by its uid."""

    uids: dict[str, list[str]] = field(default_factory=dict)
    has_no_uid: bool = False
    """The OMS has an order of which no uid is known, or may have one."""
    revoked: bool = False
    latest_update: str | None = None
    """The delivery that was decided on last: it says all that the others would."""
    gone: frozenset[str] = frozenset()
    """The lines of the orders that were deleted there, since the shop had taken all of them out."""
    lines: frozenset[str] = frozenset()
    """The lines that the order has by the shop's latest update."""


def known(facts: Iterable[Fact]) -> Known:
    """Read an order's facts."""
    state, lost, deleted, number = Known(), set[str](), set[str](), 0
    for fact in in_order(facts):
        data = fact.data
        if fact.kind == "revoked":
            state.revoked = True
        elif fact.kind == "updated":
            state.lines = frozenset(line["id"] for line in data["lines"])
            if data["deliveries"] and data["number"] > number:
                number, state.latest_update = data["number"], data["deliveries"][0]
        elif data.get("operation") != "create_order":
            deleted |= set(data.get("deleted", ()))
        elif fact.kind == "sent":
            lost.discard(data["delivery_id"])
            if data["order"]:
                state.uids[data["order"]] = [item["ref"] for item in data["items"]]
            else:
                state.has_no_uid = True
        elif fact.kind == "dead" and data["answer_lost"]:
            lost.add(data["delivery_id"])
        else:
            lost.discard(data["delivery_id"])
    state.gone = frozenset(line for uid, lines in state.uids.items() if uid in deleted for line in lines)
    state.uids = {uid: lines for uid, lines in state.uids.items() if uid not in deleted}
    state.has_no_uid = state.has_no_uid or bool(lost)
    return state


def create(delivery: Delivery) -> Sent:
    """Create the order, once. The record keeps its uid and those of its items."""
    order = json.loads(delivery.body)
    item_ids = [item["ecommerce_order_item_id"] for item in order["items"]]
    if delivery.answer_lost:
        if _is_there(item_ids):
            return _found(item_ids)
        waits = _on_its_way_for(delivery.history, config.utcnow())
        if waits:
            raise Retry("the OMS does not have it yet, but the request may be on its way", after=waits)
        if _state(delivery).revoked:
            raise _certain(Withdrawn("the shop canceled the order, and the OMS does not have it"))
    try:
        created = client.create_order(_corrected(delivery, order) if delivery.replays else order)
    except Dead as error:
        if error.status == HTTPStatus.CONFLICT and _is_there(item_ids):
            return _found(item_ids)
        raise _certain(error) from error
    except Retry as error:
        raise _certain(error) from error
    return Sent(created.http_status, _kept(created.uid, item_ids, created.items), certain=True)


def update(delivery: Delivery) -> Sent:
    """Make the order at the OMS what the shop says now, unless a later update says it."""
    state = _state(delivery)
    if state.revoked:
        raise Withdrawn("the shop canceled the order")
    if state.latest_update != delivery.id:
        raise Withdrawn("a later update says all that it would")
    if state.has_no_uid:
        raise Dead(UNKNOWN_UID)
    changes = json.loads(delivery.body)
    changed = {item["ecommerce_order_item_id"]: item for item in changes.pop("items", ())}
    status, deleted, told = 0, list[str](), list[str]()
    for uid, line_ids in state.uids.items():
        mine = [changed[each] for each in _item_ids(delivery, line_ids) if each in changed]
        if state.lines.isdisjoint(line_ids):
            status = client.delete_order(uid)
            deleted.append(uid)
        else:  # without items of it: it was made by hand since, of what this would say
            status = client.update_order(uid, changes | ({"items": mine} if mine else {}))
            told += [each for each in line_ids if each in state.lines] if mine else ()
    if state.gone & state.lines:
        raise Dead("the OMS deleted an order of which the shop has put a line back: create it there by hand")
    if not status:
        raise Withdrawn("the OMS does not have the order")
    return Sent(status, {"provider": "oms", "deleted": deleted, "changed": told} if deleted or told else {})


def delete(delivery: Delivery) -> Sent:
    """Delete the order at the OMS, which may have printed it already and refuse."""
    row = repository.get(delivery.order_id)
    facts = row.facts if row else []
    state = known(facts)
    statuses = [client.delete_order(uid) for uid in state.uids]
    if state.has_no_uid:
        order = fold(delivery.order_id, facts)
        theirs = _item_ids(delivery, [line.id for line in order.lines if line.destination == "oms"])
        if any(_is_there([each]) for each in theirs):
            raise Dead(UNKNOWN_UID)
        statuses.append(HTTPStatus.NOT_FOUND)  # a person has deleted it there
    if not statuses:
        raise Withdrawn("the OMS does not have the order")
    deleted = [*state.uids, *([""] if state.has_no_uid else [])]
    return Sent(max(statuses), {"provider": "oms", "deleted": deleted})


def _corrected(delivery: Delivery, order: dict[str, Any]) -> dict[str, Any]:
    """Enter what the shop has said since: a person replays what was refused, and by then it may be mended.

    The update that waits behind says it once more. Raises Withdrawn if the shop has taken all of the lines out.
    """
    update_id = _state(delivery).latest_update
    update = outbox.get(update_id) if update_id else None
    if update is None:
        return order
    mine = {item["ecommerce_order_item_id"] for item in order["items"]}
    changes: dict[str, Any] = json.loads(update.body)
    changed = [item for item in changes.pop("items", order["items"]) if item["ecommerce_order_item_id"] in mine]
    if not changed:
        raise _certain(Withdrawn("the shop has taken its lines out of the order"))
    return order | changes | {"items": changed}


def _state(delivery: Delivery) -> Known:
    row = repository.get(delivery.order_id)
    return known(row.facts if row else [])


def _item_ids(delivery: Delivery, line_ids: list[str]) -> list[str]:
    return [items.item_id(delivery.order_id, each) for each in line_ids]


def _is_there(item_ids: list[str]) -> bool:
    """Ask the OMS for the first and the last item of an order. Raises Retry if it does not say."""
    try:
        answers = {client.print_file(each) is not None for each in {item_ids[0], item_ids[-1]}}
    except Blocked:
        raise
    except DeliveryError as error:
        after = error.after if isinstance(error, Retry) else 0
        reason = f"the OMS may have it, and does not say: {error.reason}"
        raise Retry(reason, status=error.status, after=after) from error
    if len(answers) > 1:
        raise Dead("the OMS has a part of the order only: complete or delete it there by hand")
    return answers.pop()


def _on_its_way_for(history: list[Attempt], now: datetime) -> float:
    """Return for how many seconds a request without an answer of the OMS's own may still arrive there."""
    settle = timedelta(seconds=float(config.setting("OMS_SETTLE_SECONDS")))
    # Only a 500 is surely the OMS's own end of a request: what else comes instead of an answer may come from a proxy,
    # behind which it is still worked on.
    unanswered = [
        parse(each.at) + settle
        for each in history
        if each.answer_lost and each.status != HTTPStatus.INTERNAL_SERVER_ERROR
    ]
    return max(((until - now).total_seconds() for until in unanswered if until > now), default=0)


def _found(item_ids: list[str]) -> Sent:
    return Sent(HTTPStatus.OK, _kept(None, item_ids, {}), certain=True)


def _kept(uid: str | None, item_ids: list[str], uids: dict[str, str]) -> dict[str, Any]:
    """Return what the record keeps of an answer; an item without an uid is named by our own id of it."""
    kept = []
    for each in item_ids:
        named = items.parse(each)
        item = {"item": uids.get(each, each), "ref": named[1] if named else each}
        kept.append(item if each in uids else item | {"unknown": True})
    is_known = uid is not None and all(each in uids for each in item_ids)
    return {"provider": "oms", "order": uid or "", "items": kept, "uid_known": is_known}


def _certain[E: DeliveryError](error: E) -> E:
    """Mark an error of an attempt before which it was certain that nothing had been heard of any earlier one."""
    error.certain = True
    return error
