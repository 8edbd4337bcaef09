"""The outbox: deliveries, one row each, written with the order that caused them and sent from the record.

States: `pending`, then `delivered`, `dead` (failed for good; a person can replay it) or `withdrawn` (no longer needed).
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from pressroom.platform import config, table
from pressroom.platform.times import iso

KIND = "DELIVERY"
HISTORY = 100
"""How many attempts are kept with their details: those of two rounds. `attempts` counts all attempts."""
KEPT_FOR = timedelta(days=400)
"""How long a delivery is kept after its end."""


class State(StrEnum):
    """The state of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to send a delivery. `error` is a class of failure, never a text from outside; None when it succeeded.

    `answer_lost`: the destination may have acted on it, although it counts as failed.
    """

    at: str
    status: int | None = None
    error: str | None = None
    answer_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message to a destination. `tries` counts the attempts since the last replay, except blocked ones.

    `body` is the exact request body for Camaloon; for the OMS, the data from which the body is built. `told` is the
    destination's answer. `order_id` is empty for deliveries of no order: a batch, a push of the catalogue, a
    notification about a product. Of those with the same `group`, the queue hands out one at a time, in sequence.
    """

    id: str
    order_id: str
    destination: str
    operation: str
    body: bytes
    created_at: str
    group: str = ""
    state: State = State.PENDING
    attempts: int = 0
    tries: int = 0
    replays: int = 0
    last_error: str | None = None
    answer_lost: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    history: list[Attempt] = field(default_factory=list)

    @classmethod
    def to(
        cls,
        destination: str,
        operation: str,
        *,
        order_id: str = "",
        body: bytes,
        now: datetime,
        key: str = "",
        group: str = "",
    ) -> "Delivery":
        """Make a new delivery. Its id is a hash of its purpose, so that it can't be written twice.

        `key` tells it from others of the same order and operation, if there can be any.
        """
        identity = table.digest(order_id, destination, operation, *([key] if key else []))
        return cls(
            id=f"{destination}-{identity}",
            order_id=order_id,
            destination=destination,
            operation=operation,
            body=body,
            created_at=iso(now),
            group=group,
        )

    @classmethod
    def of(cls, item: table.Item) -> "Delivery":
        """Read a row."""
        return cls(
            id=table.identity_of(item),
            order_id=item["order_id"]["S"],
            destination=item["destination"]["S"],
            operation=item["operation"]["S"],
            body=table.unpack(item["body"]),
            created_at=item["created_at"]["S"],
            group=item.get("group", {}).get("S", ""),
            state=State(item["state"]["S"]),
            attempts=int(item["attempts"]["N"]),
            tries=int(item["tries"]["N"]),
            replays=int(item["replays"]["N"]),
            last_error=item.get("last_error", {}).get("S"),
            answer_lost=item["answer_lost"]["BOOL"],
            told=json.loads(item["told"]["S"]) if "told" in item else {},
            history=[_attempt_of(entry["M"]) for entry in item["history"]["L"]],
        )

    def queued(self) -> table.Item:
        """Return the attributes by which the pump queues a row's delivery."""
        return {
            "dispatch": {"S": "queue"},
            "delivery_id": {"S": self.id},
            "order_id": {"S": self.order_id},
            "destination": {"S": self.destination},
            "replays": {"N": str(self.replays)},
            **({"group": {"S": self.group}} if self.group else {}),
        }

    def new_row(self, *, queued: bool = True) -> table.Item:
        """Return the row of a new delivery; one that is not `queued` waits for its turn."""
        row = self.queued()
        if not queued:
            del row["dispatch"]
        return table.pk(KIND, self.id) | {
            **row,
            "operation": {"S": self.operation},
            "body": table.pack(self.body),
            "created_at": {"S": self.created_at},
            **self.progress(),
            **self.listing(),
        }

    def listing(self) -> table.Item:
        """Return the attributes that list the delivery under its state."""
        return table.state_index(KIND, self.state, self.id, self.created_at)

    def progress(self) -> table.Item:
        """Return the attributes of the row that an attempt changes. `replays` is not one: only a replay counts it."""
        row: table.Item = {
            "state": {"S": self.state},
            "attempts": {"N": str(self.attempts)},
            "tries": {"N": str(self.tries)},
            "answer_lost": {"BOOL": self.answer_lost},
            "history": {"L": [{"M": _row_of(attempt)} for attempt in self.history[-HISTORY:]]},
        }
        if self.last_error:
            row["last_error"] = {"S": self.last_error}
        if self.told:
            row["told"] = {"S": json.dumps(self.told, separators=(",", ":"))}
        return row

    def change(self) -> table.Item:
        """Return the update that writes this delivery's progress to its row; one that has ended gets an expiry."""
        assign = self.progress() | self.listing()
        if self.state is not State.PENDING:
            assign |= table.until(config.utcnow() + KEPT_FOR)
        drop = [name for name in ("last_error", "told", "expires_at") if name not in assign]
        return table.change(KIND, self.id, assign=assign, drop=drop)

    def save(self) -> None:
        """Write the progress. A row that is gone (erased) stays gone and raises ClientError."""
        config.client("dynamodb").update_item(**self.change())

    def save_if_pending(self) -> None:
        """Write the progress, unless the delivery has ended: a write whose response was lost may have ended it."""
        condition, given = "#state = :was", {"was": {"S": State.PENDING}}
        try:
            config.client("dynamodb").update_item(
                **table.change(KIND, self.id, assign=self.progress(), condition=condition, given=given)
            )
        except ClientError as error:
            if not table.is_condition_failure(error):
                raise

    def summary(self) -> dict[str, Any]:
        """Return the delivery as the API shows it within its order.

        The contract knows three states: one that was withdrawn is dead there, and its error says the rest.
        """
        withdrawn = self.state is State.WITHDRAWN
        return {
            "id": self.id,
            "destination": self.destination,
            "operation": self.operation,
            "status": State.DEAD if withdrawn else self.state,
            "attempts": self.attempts,
            "last_error": f"{State.WITHDRAWN}: {self.last_error}" if withdrawn else self.last_error,
        }


def get(delivery_id: str) -> Delivery | None:
    """Read a delivery, or None if there is no such row."""
    item = table.get(KIND, delivery_id)
    return Delivery.of(item) if item else None


def _attempt_of(entry: table.Item) -> Attempt:
    status = entry.get("status", {}).get("N")
    return Attempt(
        at=entry["at"]["S"],
        status=int(status) if status else None,
        error=entry.get("error", {}).get("S"),
        answer_lost=entry.get("answer_lost", {}).get("BOOL", False),
    )


def _row_of(attempt: Attempt) -> table.Item:
    row: table.Item = {"at": {"S": attempt.at}}
    if attempt.status is not None:
        row["status"] = {"N": str(attempt.status)}
    if attempt.error is not None:
        row["error"] = {"S": attempt.error}
    if attempt.answer_lost:
        row["answer_lost"] = {"BOOL": True}
    return row
