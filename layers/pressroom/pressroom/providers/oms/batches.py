"""Batches: items of one variant whose print files are ready, sent to the OMS together with the variant's templates.

An item whose print file is ready has a READY row, listed under its variant until it is in a batch. A batch is made in
one transaction, which writes the batch, its delivery, and the batch's id on each of its items, on the condition that
the item had none. READY rows never expire, so an item is never in two batches, even if several runs make batches at
the same time.

`batch_sending` sends them.
"""

import random
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from pressroom.order import repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact, is_revoked
from pressroom.order.fold import fold
from pressroom.order.model import Status
from pressroom.order.outbox import Delivery
from pressroom.platform import config, table, wire
from pressroom.platform.observe import logger
from pressroom.platform.times import iso
from pressroom.providers.oms import item_ids

READY = "READY"
KIND = "BATCH"
MOST = 95
"""The most items of a batch: a transaction has at most 100 rows, of which two are the batch and its delivery."""
CONFLICTS = 4
"""How many conflicts on an item a run tolerates before it leaves the item to the next run."""
_LONGEST_KEY = 900
"""The most characters of an item's id in a row's key: an index key has at most 1,024 bytes, with the time. Ids can be
longer."""
_SOURCE = "deliver.oms"
_ENTRY = re.compile(r"\s*([^=,]*[^=,\s])\s*=((?:\s*[^=,+\s]+\s*\+)*\s*[^=,+\s]+\s*)")


class State(StrEnum):
    """The state of a batch; `withdrawn`: all of its lines were canceled before it was sent."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Item:
    """An order's line whose print file is ready: our id, the OMS's uid, and the time since which it waits."""

    id: str
    uid: str
    at: str = ""

    @property
    def order_and_line(self) -> tuple[str, str]:
        """The ids of the order and the line."""
        parsed = item_ids.parse(self.id)
        if parsed is None:
            raise ValueError("not an item id")
        return parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch. `uid` and `status` are from the OMS's response; `state` and `error` are Pressroom's."""

    id: str
    variant: str
    templates: tuple[str, ...]
    items: tuple[Item, ...]
    created_at: str
    delivery_id: str
    state: State = State.PENDING
    uid: str | None = None
    status: str | None = None
    error: str | None = None
    left_out: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, row: table.Item) -> "Batch":
        """Read a batch's row."""
        return cls(
            id=table.identity_of(row),
            variant=row["variant"]["S"],
            templates=tuple(each["S"] for each in row["templates"]["L"]),
            items=tuple(Item(*each) for each in wire.parse(table.unpack(row["items"]))),
            created_at=row["created_at"]["S"],
            delivery_id=row["delivery_id"]["S"],
            state=State(row["state"]["S"]),
            uid=row.get("uid", {}).get("S"),
            status=row.get("status", {}).get("S"),
            error=row.get("error", {}).get("S"),
            left_out=frozenset(each["S"] for each in row.get("left_out", {}).get("L", ())),
        )

    def new_row(self) -> table.Item:
        """Return the row of a new batch, with the attributes that list it."""
        return table.pk(KIND, self.id) | {
            "variant": {"S": self.variant},
            "templates": {"L": [{"S": each} for each in self.templates]},
            "items": table.pack(wire.write([[each.id, each.uid] for each in self.items])),
            "created_at": {"S": self.created_at},
            "delivery_id": {"S": self.delivery_id},
            "state": {"S": self.state},
            "created_key": {"S": f"{KIND}#{table.shard(self.id)}"},
            "state_at": {"S": f"{self.created_at}#{self.id}"},
        }

    def summary(self) -> dict[str, Any]:
        """Return the batch without its items, for lists."""
        return {
            "id": self.id,
            "variant": self.variant,
            "templates": list(self.templates),
            "items": len(self.items),
            "created_at": self.created_at,
            "state": self.state,
            "uid": self.uid,
            "status": self.status,
            "error": self.error,
            "delivery_id": self.delivery_id,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the batch with its items. An item is `left_out` if the shop canceled it before the batch was sent."""
        shown = [
            {"order_id": order_id, "line_id": line_id, "uid": each.uid, "left_out": each.id in self.left_out}
            for each in self.items
            for order_id, line_id in [each.order_and_line]
        ]
        return self.summary() | {"items": shown}


@dataclass(frozen=True, slots=True)
class Made:
    """The batches that a run made; not `complete` if its time ended before it had checked all variants."""

    batches: list[Batch]
    complete: bool


def templates() -> dict[str, tuple[str, ...]]:
    """Return the print templates by variant (the PrintTemplates parameter): `variant=template+template,variant=…`.

    A variant that is listed twice has the templates of both entries. Raises ValueError for an invalid entry.
    """
    found: dict[str, tuple[str, ...]] = {}
    text = config.setting("PRINT_TEMPLATES")
    for part in text.split(",") if text.strip() else ():
        entry = _ENTRY.fullmatch(part)
        if entry is None:
            raise ValueError(f"PrintTemplates: {part.strip()!r} is not variant=template or variant=template+template")
        more = (each.strip() for each in entry[2].split("+"))
        found[entry[1]] = tuple(dict.fromkeys((*found.get(entry[1], ()), *more)))
    return found


def get(batch_id: str) -> Batch | None:
    """Read a batch, or None if there is no such row."""
    row = table.get(KIND, batch_id)
    return Batch.of(row) if row else None


def offer(order_id: str, line_id: str, *, uid: str | None, variant: str | None, at: str) -> bool:
    """Let an item, ready since `at`, wait for its batch; return False if it already waits, or has been in a batch.

    An item that the shop removed and restored waits again. An item without a uid (the OMS's response was lost) can't be
    in a batch; an item of a variant without templates does not need one.
    """
    if not uid or variant not in templates():
        return False
    name = item_ids.item_id(order_id, line_id)
    row = table.pk(READY, key(name)) | {"item": {"S": name}, "uid": {"S": uid}, "at": {"S": at}}
    listed = row | table.state_index(READY, variant, key(name), at)
    # A waiting item is listed under its variant, which the shop may have changed.
    is_free = "attribute_not_exists(pk) OR attribute_exists(withdrawn_at)"
    is_moved = "attribute_exists(state_key) AND state_key <> :known"
    return table.put(listed, f"{is_free} OR ({is_moved})", known=listed["state_key"]) is None


def key(item_id: str) -> str:
    """Return the id of an item's row: the item's id, or a digest of it if it is too long."""
    return item_id if len(item_id) <= _LONGEST_KEY else table.digest(item_id)


# --- making batches ---


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - no secret


def make(
    now: datetime,
    variant: str | None = None,
    *,
    at_once: bool = False,
    is_over: Callable[[], bool] = lambda: False,
    pause: Callable[[int], None] = _pause,
) -> Made:
    """Make the batches that are due, of one variant or of all variants with templates, in turns.

    A batch is due if it is full, if its oldest item has waited long enough, or if `at_once`. Items that are left when
    the run `is_over`, or that the index does not list yet, are left to the next run.
    """
    known = templates()
    waiting = sorted(known if variant is None else {variant} & known.keys())
    first = int(now.timestamp()) % len(waiting) if waiting else 0  # so that no variant is always the last one
    turns, run, made = deque(waiting[first:] + waiting[:first]), _Run(now, at_once, pause), list[Batch]()
    while turns and not is_over():
        each = turns.popleft()
        goes_on, batch = run.step(each, known[each])
        if goes_on:
            turns.append(each)
        if batch:
            made.append(batch)
            logger().info("batch_made", batch_id=batch.id, variant=batch.variant, items=len(batch.items))
    if turns:
        logger().warning("batches_left_to_next_run", variants=len(turns))
    return Made(made, not turns)


class _Run:
    """One run of `make`, in steps: each makes a batch, or removes items that can't be in one."""

    def __init__(self, now: datetime, at_once: bool, pause: Callable[[int], None]) -> None:
        self.now = now
        self.at_once = at_once
        self.pause = pause
        self.size = min(int(config.setting("BATCH_SIZE")), MOST)
        self.due = iso(now - timedelta(minutes=float(config.setting("BATCH_MAX_AGE_MINUTES"))))
        self.conflicts = Counter[str]()

    def step(self, variant: str, templates: tuple[str, ...]) -> tuple[bool, Batch | None]:
        """Return whether the variant may have more to do, and the batch, if one was made."""
        found = self._oldest(variant)
        if not found or (len(found) < self.size and not self.at_once and found[0].at > self.due):
            return False, None
        unwanted = unwanted_items(found, variant)
        for each in unwanted:
            _withdraw(each, self.now)
        if unwanted:
            return True, None
        batch = _batch(variant, templates, found, self.now)
        return True, batch if self._write(batch) else None

    def _oldest(self, variant: str) -> list[Item]:
        """Return the items that have waited the longest, at most as many as fit into a batch.

        The index is updated later than the table and may still list an item that is in a batch, so each row is read.
        """
        found = list[Item]()
        after: str | None = ""
        while after is not None and len(found) < self.size:
            keys, after = table.oldest("by_state", f"{READY}#{variant}", limit=self.size, after=after)
            keys = [each for each in keys if self.conflicts[each] < CONFLICTS]
            rows = {table.identity_of(row): row for row in table.get_many((READY, each) for each in keys)}
            found += [_item(rows[each]) for each in keys if each in rows and "state_key" in rows[each]]
        return found[: self.size]

    def _write(self, batch: Batch) -> bool:
        """Write a batch; return False if another run took some of its items, or another transaction writes them now."""
        puts = [{"Put": table.new(row)} for row in (batch.new_row(), _delivery(batch.id, self.now).new_row())]
        takes = [{"Update": _assign_to_batch(each, batch.id)} for each in batch.items]
        try:
            config.client("dynamodb").transact_write_items(TransactItems=puts + takes)
        except ClientError as error:
            codes = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
            keys = [key(each.id) for each in batch.items]
            conflicts = [each for each, code in zip(keys, codes[len(puts) :], strict=False) if code != "None"]
            if not conflicts and table.was_overtaken(error):
                conflicts = keys  # another run makes the same batch: the error need not name every row in conflict
            if not conflicts:
                raise
            self.conflicts.update(conflicts)
            logger().warning("batch_refused", variant=batch.variant, items=len(conflicts))
            self.pause(max(self.conflicts[each] for each in conflicts))
            return False
        return True


def _item(row: table.Item) -> Item:
    return Item(row["item"]["S"], row["uid"]["S"], row["at"]["S"])


def _batch(variant: str, templates: tuple[str, ...], found: Iterable[Item], now: datetime) -> Batch:
    # No two batches have the same items, so the items' ids identify the batch.
    batch_id = table.digest(*(each.id for each in found))
    return Batch(
        id=batch_id,
        variant=variant,
        templates=templates,
        items=tuple(found),
        created_at=iso(now),
        delivery_id=_delivery(batch_id, now).id,
    )


def _delivery(batch_id: str, now: datetime) -> Delivery:
    body = wire.write({"batch": batch_id})
    return Delivery.to("oms", "create_batch", order_id="", body=body, now=now, key=batch_id)


def _assign_to_batch(item: Item, batch_id: str) -> table.Item:
    return table.change(
        READY,
        key(item.id),
        assign={"batch": {"S": batch_id}},
        drop=("state_key", "state_at"),
        condition="attribute_exists(#state_key) AND attribute_not_exists(#batch)",
    )


def _withdraw(item: Item, now: datetime) -> None:
    """Stop an item from waiting. If it has just been put into a batch, the batch leaves it out when it is sent."""
    table.update(
        READY,
        key(item.id),
        assign={"withdrawn_at": {"S": iso(now)}},
        drop=("state_key", "state_at"),
        condition="attribute_exists(#state_key)",
    )
    logger().info("item_withdrawn", item_id=item.id)


def unwanted_items(found: Iterable[Item], variant: str | None = None) -> list[Item]:
    """Return the items that are not to be printed any more by their orders' facts, or not as this variant."""
    wanted: dict[str, bool] = {}
    for row in table.get_many(
        (repository.KIND, order_id) for order_id in sorted({each.order_and_line[0] for each in found})
    ):
        order_id, facts = table.identity_of(row), repository.row_of(row).facts
        revoked = is_revoked(facts)  # even if the cancellation has not been sent to the OMS yet
        for line in fold(order_id, facts).lines:
            is_wanted = not revoked and line.status is not Status.CANCELED and variant in (None, line.variant)
            wanted[item_ids.item_id(order_id, line.id)] = is_wanted
    return [each for each in found if not wanted.get(each.id)]


# --- the end of their deliveries ---


def record_end(delivery: Delivery, kind: str, data: dict[str, Any]) -> None:
    """Record the end of a batch's delivery: `sent`, `dead` or `withdrawn`.

    First every order gets a fact, then the batch and its delivery are written together. If the function is killed in
    between, this is repeated; an order that has the fact does not change. `data` is that of `Sent`, or the `reason`.
    """
    batch = replace(
        of_delivery(delivery),
        state=State(kind),
        uid=data.get("uid"),
        status=data.get("status"),
        error=data.get("reason"),
        left_out=frozenset(data.get("left_out", ())),
    )
    if batch.state is not State.WITHDRAWN:
        _add_facts_to_orders(batch)
    optional = {"uid": batch.uid, "status": batch.status, "error": batch.error}
    assign = {"state": {"S": batch.state}, "left_out": {"L": [{"S": each} for each in sorted(batch.left_out)]}}
    change = table.change(
        KIND,
        batch.id,
        assign=assign | {name: {"S": text} for name, text in optional.items() if text is not None},
        drop=[name for name, text in optional.items() if text is None],
    )
    updates = [change, delivery.change()]
    config.client("dynamodb").transact_write_items(TransactItems=[{"Update": each} for each in updates])
    logger().info("batch_ended", batch_id=batch.id, state=batch.state)


def of_delivery(delivery: Delivery) -> Batch:
    """Return the batch that a delivery sends."""
    batch = get(wire.parse(delivery.body)["batch"])
    if batch is None:
        raise LookupError("the delivery's batch is missing, although batches are never deleted")
    return batch


def _add_facts_to_orders(batch: Batch) -> None:
    now, status = iso(config.utcnow()), "dead" if batch.state is State.DEAD else batch.status
    lines: dict[str, list[str]] = {}
    for each in batch.items:
        if each.id not in batch.left_out:
            order_id, line_id = each.order_and_line
            lines.setdefault(order_id, []).append(line_id)
    for order_id, line_ids in lines.items():
        facts = tuple(
            Fact(
                id=f"batch/{batch.id}/{line_id}/{batch.state}",
                kind="batched",
                source=_SOURCE,
                at=now,
                received_at=now,
                data={"provider": "oms", "ref": line_id, "batch": batch.id, "uid": batch.uid, "status": status},
            )
            for line_id in line_ids
        )
        repository.count_attention(repository.apply(Decision(order_id=order_id, facts=facts)), _SOURCE)
