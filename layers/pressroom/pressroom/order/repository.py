"""The order's row: read once, written once, with a condition on its version (invariants 2 to 4).

The row holds the facts and what the indexes need of the fold; whoever shows an order folds its facts again
(docs/decisions/0002-orders-are-event-sourced.md).
"""

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from pressroom.order import customers, lane, links, notifications, outbox
from pressroom.order.decision import Decision, Undecided
from pressroom.order.facts import Fact, age_counts_from, delivery_ids, is_paid, pack, unpack
from pressroom.order.fold import fold
from pressroom.order.model import Order
from pressroom.order.names import begins_like_a_record
from pressroom.order.outbox import Delivery
from pressroom.platform import config, table
from pressroom.platform.errors import Conflict
from pressroom.platform.observe import count, logger
from pressroom.platform.times import iso, parse

KIND = "ORDER"
FIND = "FIND"
FOUND_FOR = timedelta(days=400)
"""How long an order is found by its reference, a tracking number or an e-mail address after that was last reported."""
MOST_FOUND = 200
"""How many orders one search row names at most: of the many with the same reference, the others are not found by it."""
MOST_ALIKE = 25
"""How many records that look like an order are compared with it."""
_MONTH = "2026-01"
"""The beginning of a time: its year and month."""
TRIES = 12
"""How often an order is read and written before Conflict is raised: enough for 30 writers at once."""


type ExtraWrites = Callable[[list[Fact]], Iterable[table.Item]]
"""Returns other rows to write in the transaction of an order, given all facts of the order, including the new ones."""


@dataclass(frozen=True, slots=True)
class Row:
    """An order's facts as they stand in the table; version 0 means that there is no row yet."""

    version: int = 0
    facts: list[Fact] = field(default_factory=list)


class Written(NamedTuple):
    """What `record` has written: the order, its facts before and now, and whether any of them is new."""

    order: Order
    before: list[Fact]
    facts: list[Fact]
    is_new: bool


def count_attention(order: Order, source: str) -> None:
    """Count an order with reasons for attention in a metric, after a fact about it was recorded."""
    if order.attention:
        count("OrdersNeedAttention", source=source)


def get(order_id: str) -> Row | None:
    """Read an order's facts, or None if nothing is known about it."""
    item = table.get(KIND, order_id)
    return row_of(item) if item else None


def get_with_deliveries(order_id: str) -> tuple[Row, list[Delivery]] | None:
    """Read an order's facts and the deliveries they have caused, oldest first, as they stood at one moment."""
    row = get(order_id)
    ids = delivery_ids(row.facts) if row else []
    if row is None or not ids:
        return (row, []) if row else None
    # In one transaction: read one after the other, a delivery could have ended of which the order doesn't know.
    order, *others = table.get_together([(KIND, order_id), *((outbox.KIND, each) for each in ids)])
    deliveries = [Delivery.of(item) for item in others if item]
    return (row_of(order) if order else row), sorted(deliveries, key=lambda each: (each.created_at, each.id))


def row_of(item: table.Item) -> Row:
    """Read an order's row."""
    return Row(int(item["version"]["N"]), unpack(item["facts"]["B"]))


def _pause(attempt: int) -> None:
    # Full jitter: writers that collided once don't collide again in step.
    time.sleep(random.uniform(0, min(0.8, 0.02 * 2**attempt)))  # noqa: S311 - no secret hangs on it


def apply(
    decision: Decision | Undecided, extra_writes: ExtraWrites = lambda _: (), *, pause: Callable[[int], None] = _pause
) -> Order:
    """Record a decision as `record` does, and return the order."""
    return record(decision, extra_writes, pause=pause).order


def record(
    decision: Decision | Undecided, extra_writes: ExtraWrites = lambda _: (), *, pause: Callable[[int], None] = _pause
) -> Written:
    """Make the decision if it is not made yet, add its facts to the order, and return what is written.

    The order, its new deliveries, the shop's notifications and `extra_writes` (other rows, made of all facts) are
    written together or not at all; nothing is written when no fact is new. When another writer was first, all is
    decided again on what it wrote. Raises Conflict when that happens TRIES times.
    """
    order_id = decision.order_id
    for attempt in range(TRIES):
        row = get(order_id) or Row()
        decided = decision.decide(row.facts) if isinstance(decision, Undecided) else decision
        known = {fact.id for fact in row.facts}
        new = [fact for fact in decided.facts if fact.id not in known]
        new = customers.with_digests(new, decided.emails, row.facts)
        facts = row.facts + new
        order = fold(order_id, facts)
        if not new and not decided.tracking_wait_expired:
            return Written(order, row.facts, facts, is_new=False)
        news = notifications.notifications_for(
            row.facts,
            facts,
            order,
            at=max((decided.at, *(fact.received_at for fact in new))),
            tracking_wait_expired=decided.tracking_wait_expired,
            deliveries=(*decided.deliveries, *([decided.ended] if decided.ended else [])),
        )
        if not new and not news.facts:
            return Written(order, row.facts, facts, is_new=False)
        facts += news.facts
        put = _put(order, facts, row.version)
        rows = [{"Put": _new(delivery, facts)} for delivery in (*decided.deliveries, *news.deliveries)]
        rows += [{"Put": each} for each in news.rows]
        if decided.ended:
            rows.append({"Update": decided.ended.change()})
        _index_for_search(
            order_id, _search_keys(order_id, row.facts, new), max((each.received_at for each in new), default="")
        )
        if write(put, [*rows, *extra_writes(facts)]):
            return Written(order, row.facts, facts, is_new=True)
        pause(attempt)
    raise Conflict(f"other writers changed the order {TRIES} times in a row")


def rewrite(order_id: str, change: Callable[[list[Fact]], list[Fact]]) -> Order | None:
    """Replace an order's facts; return the order, or None if there is none.

    For changes that no event reports: facts whose texts are erased. Nothing is sent because of it.
    """
    for attempt in range(TRIES):
        row = get(order_id)
        if row is None:
            return None
        facts = change(row.facts)
        order = fold(order_id, facts)
        if write(_put(order, facts, row.version), []):
            return order
        _pause(attempt)
    raise Conflict(f"other writers changed the order {TRIES} times in a row")


def find(kind: str, text: str) -> list[str]:
    """Return the orders with a reference (`ref`) or a tracking number (`tracking`); at most a few."""
    row = table.get(FIND, find_key(kind, text))
    return sorted(row["orders"]["SS"]) if row and "orders" in row else []


def find_by_email(email: str, *, now: datetime) -> list[str]:
    """Return the orders with an e-mail address, those of the latest months first; at most MOST_FOUND for each month."""
    found = dict[str, list[str]]()
    for digest in customers.digests(email):
        for row in table.get_many([(FIND, _email_key(digest, month)) for month in _months(now)]):
            month = table.identity_of(row).rpartition("/")[2]
            found.setdefault(month, []).extend(row.get("orders", {}).get("SS", ()))
    return list(dict.fromkeys(each for month in sorted(found, reverse=True) for each in found[month]))


def find_key(kind: str, text: str) -> str:
    """Return the key of the row that names the orders with a reference or a tracking number."""
    return f"{kind}/{table.digest(text)}"


def find_keys(facts: Iterable[Fact]) -> set[str]:
    """Return the keys of the rows by which an order with these facts is found.

    An address has a row for each month, so that the row of a loyal customer, or of an address that a shop uses for all
    orders, does not grow for ever.
    """
    facts = list(facts)
    return {
        _email_key(digest, fact.received_at[: len(_MONTH)]) for fact in facts for digest in fact.data.get("emails", ())
    } | {
        find_key(kind, fact.data[name])
        for fact in facts
        for kind, name in (("ref", "ref"), ("tracking", "tracking_number"))
        if (kind != "ref" or fact.kind == "paid") and fact.data.get(name)
    }


def _search_keys(order_id: str, known: list[Fact], new: list[Fact]) -> set[str]:
    """Return the keys of the rows that must name an order from now on, because of its new facts.

    Besides what people search for: the printers' orders that it has; and, of a new record, its GUID, and the names of a
    record that the shop has not reported (`order.joining`).
    """
    keys = find_keys(new) - find_keys(known)
    if begins_like_a_record(order_id):
        return keys
    orders = links.orders_of_printers(new) - links.orders_of_printers(known)
    keys |= {find_key("printer_order", f"{printer}/{number}") for printer, number in orders}
    digits = links.guid(order_id)
    if digits and not known:
        keys.add(find_key("guid", digits))
    if links.is_reported(new) and not links.is_reported(known) and not is_paid(known + new):
        keys |= {find_key("name", name) for name in links.names(order_id)}
    return keys


def _index_for_search(order_id: str, keys: set[str], at: str) -> None:
    """List an order in its search rows before it is written, so that no search misses it. A full row stays as it is."""
    for key in sorted(keys):
        try:
            config.client("dynamodb").update_item(
                TableName=table.name(),
                Key=table.pk(FIND, key),
                UpdateExpression="ADD orders :order SET expires_at = :until",
                ConditionExpression="attribute_not_exists(orders) OR size(orders) < :most",
                ExpressionAttributeValues={
                    ":order": {"SS": [order_id]},
                    ":until": table.until(parse(at) + FOUND_FOR)["expires_at"],
                    ":most": {"N": str(MOST_FOUND)},
                },
            )
        except ClientError as error:
            if not table.is_condition_failure(error):
                raise
            logger().warning("search_row_full", kind=key.partition("/")[0])


def remove_from_search(order_id: str, key: str, *, now: datetime) -> None:
    """Remove an order from a search row. A row that is empty then expires at once."""
    answer = config.client("dynamodb").update_item(
        TableName=table.name(),
        Key=table.pk(FIND, key),
        UpdateExpression="DELETE orders :order",
        ExpressionAttributeValues={":order": {"SS": [order_id]}},
        ReturnValues="ALL_NEW",
    )
    if "orders" not in answer["Attributes"]:
        table.update(FIND, key, assign=table.until(now), condition="attribute_not_exists(orders)")


def _email_key(digest: str, month: str) -> str:
    return f"email/{digest}/{month}"


def _months(now: datetime) -> list[str]:
    """Return the months in which an order may have been reported that is still found."""
    days = (*range(0, FOUND_FOR.days, 28), FOUND_FOR.days)  # no month is shorter
    return sorted({iso(now - timedelta(days=each))[: len(_MONTH)] for each in days})


def _put(order: Order, facts: list[Fact], version: int) -> table.Item:
    item = table.pk(KIND, order.id) | {
        "version": {"N": str(version + 1)},
        "facts": {"B": pack(facts)},
        "status": {"S": order.status},
        "on_hold": {"BOOL": order.on_hold},
        "attention": {"L": [{"S": reason} for reason in order.attention]},
        "created_at": {"S": order.created_at},
        "updated_at": {"S": order.updated_at},
        "created_key": {"S": f"{KIND}#{table.shard(order.id)}"},
        **table.state_index(KIND, order.status, order.id, age_counts_from(facts)),
    }
    if order.attention:
        item["attention_key"] = {"S": f"{KIND}#{table.shard(order.id)}"}
    providers = {line.destination for line in order.lines} | {each.provider for each in order.shipments}
    if providers := (providers | {each.provider for each in order.provider_orders}) - {None}:
        item["providers"] = {"SS": sorted(each for each in providers if each)}
    if order.ref is not None:
        item["ref"] = {"S": order.ref}
    if version:
        return {
            "TableName": table.name(),
            "Item": item,
            "ConditionExpression": "#version = :version",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":version": {"N": str(version)}},
        }
    return table.new(item)


def _new(delivery: Delivery, facts: list[Fact]) -> table.Item:
    # Without the condition a second writer could reset a delivery that was sent, and it would be printed twice.
    return table.new(delivery.new_row(queued=lane.may_go(delivery, facts)))


def write(put: table.Item, others: list[table.Item]) -> bool:
    """Write a row, alone or in a transaction with other rows; return False when somebody else was first."""
    dynamodb = config.client("dynamodb")
    try:
        if others:
            dynamodb.transact_write_items(TransactItems=[{"Put": put}, *others])
        else:
            dynamodb.put_item(**put)
    except ClientError as error:
        if not table.was_overtaken(error):
            raise
        return False
    return True


def summary(item: table.Item) -> dict[str, Any]:
    """Return an order as a list shows it, from the attributes of its row alone."""
    return {
        "id": table.identity_of(item),
        "ref": item.get("ref", {}).get("S"),
        "status": item["status"]["S"],
        "on_hold": item["on_hold"]["BOOL"],
        "attention": [reason["S"] for reason in item["attention"]["L"]],
        "providers": sorted(item.get("providers", {}).get("SS", ())),
        "created_at": item["created_at"]["S"],
        "updated_at": item["updated_at"]["S"],
    }
