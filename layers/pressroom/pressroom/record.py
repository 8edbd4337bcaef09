"""The order's row: read once, written once, with a condition on its version (invariants 2 to 4).

The row holds the facts and what the indexes need of the fold; whoever shows an order folds its facts again
(docs/decisions/0002-an-order-is-its-facts.md).
"""

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from pressroom import config, lane, orders, outbox, table
from pressroom.errors import Conflict
from pressroom.observe import count
from pressroom.orders import Fact, Order
from pressroom.outbox import Delivery

KIND = "ORDER"
MOST_DELIVERIES = 98
"""Deliveries that are read with their order: a transaction takes 100 rows."""
TRIES = 12
"""Reads and writes of one order before giving up: 30 writers at once all land well within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an event means: facts about one order, and what has to be sent because of them."""

    order_id: str
    facts: tuple[Fact, ...]
    deliveries: tuple[Delivery, ...] = ()


type Decide = Callable[[list[Fact]], Decision]
"""Decides on the facts that are known of an order."""


class Undecided(NamedTuple):
    """What an event means if that depends on what is known of its order when it is written."""

    order_id: str
    decide: Decide


type Also = Callable[[list[Fact]], Iterable[table.Item]]
"""Other rows to write with an order, as a transaction takes them, given all its facts, the new ones too."""


@dataclass(frozen=True, slots=True)
class Row:
    """An order's facts as they stand in the table; version 0 means that there is no row yet."""

    version: int = 0
    facts: list[Fact] = field(default_factory=list)


def count_attention(order: Order, source: str) -> None:
    """Count an order that a person should look at, after anything about it was recorded."""
    if order.attention:
        count("OrdersNeedAttention", source=source)


def get(order_id: str) -> Row | None:
    """Read an order's facts, or None if nothing is known about it."""
    item = table.get(KIND, order_id)
    return row_of(item) if item else None


def get_with_deliveries(order_id: str) -> tuple[Row, list[Delivery]] | None:
    """Read an order's facts and the deliveries they have caused, oldest first, as they stood at one moment.

    Of more than a transaction can read, those in between are left out: the shop's many updates are alike.
    """
    row = get(order_id)
    ids = [delivery_id for fact in row.facts for delivery_id in fact.data.get("deliveries", ())] if row else []
    if row is None or not ids:
        return (row, []) if row else None
    if len(ids) > MOST_DELIVERIES:
        ids = [*ids[: MOST_DELIVERIES // 2], *ids[-(MOST_DELIVERIES // 2) :]]
    # In one transaction: read one after the other, a delivery could have ended of which the order doesn't know.
    order, *others = table.get_together([(KIND, order_id), *((outbox.KIND, each) for each in ids)])
    deliveries = [Delivery.of(item) for item in others if item]
    return (row_of(order) if order else row), sorted(deliveries, key=lambda each: (each.created_at, each.id))


def row_of(item: table.Item) -> Row:
    """Read an order's row."""
    return Row(int(item["version"]["N"]), orders.unpack(item["facts"]["B"]))


def _pause(attempt: int) -> None:
    # Full jitter: writers that collided once don't collide again in step.
    time.sleep(random.uniform(0, min(0.8, 0.02 * 2**attempt)))  # noqa: S311 - no secret hangs on it


def apply(decision: Decision | Undecided, also: Also = lambda _: (), *, pause: Callable[[int], None] = _pause) -> Order:
    """Decide, if that is still to be done, add the decision's facts to its order, and return the order.

    The order, its new deliveries and `also` (other rows, given all facts) are written together or not at all; nothing
    is written when no fact is new. When others wrote the order first, all is decided again on what they wrote. Raises
    Conflict when they kept doing so.
    """
    order_id = decision.order_id
    for attempt in range(TRIES):
        row = get(order_id) or Row()
        decided = decision.decide(row.facts) if isinstance(decision, Undecided) else decision
        known = {fact.id for fact in row.facts}
        new = [fact for fact in decided.facts if fact.id not in known]
        facts = row.facts + new
        order = orders.fold(order_id, facts)
        if not new:
            return order
        put = _put(order, facts, row.version)
        rows = [{"Put": _new(delivery, facts)} for delivery in decided.deliveries]
        if _write(put, [*rows, *also(facts)]):
            return order
        pause(attempt)
    raise Conflict(f"the order was changed by others {TRIES} times in a row")


def _put(order: Order, facts: list[Fact], version: int) -> table.Item:
    item = table.pk(KIND, order.id) | {
        "version": {"N": str(version + 1)},
        "facts": {"B": orders.pack(facts)},
        "status": {"S": order.status},
        "on_hold": {"BOOL": order.on_hold},
        "attention": {"L": [{"S": reason} for reason in order.attention]},
        "created_at": {"S": order.created_at},
        "updated_at": {"S": order.updated_at},
        "created_key": {"S": f"{KIND}#{table.shard(order.id)}"},
        **table.state_index(KIND, order.status, order.id, order.created_at),
    }
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


def _write(put: table.Item, others: list[table.Item]) -> bool:
    """Write the order, alone or in a transaction with other rows; return False when somebody else was first."""
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
    """Return what a list of orders shows of one, from its row alone."""
    return {
        "id": table.identity_of(item),
        "ref": item.get("ref", {}).get("S"),
        "status": item["status"]["S"],
        "on_hold": item["on_hold"]["BOOL"],
        "attention": [reason["S"] for reason in item["attention"]["L"]],
        "created_at": item["created_at"]["S"],
        "updated_at": item["updated_at"]["S"],
    }
