"""The outgoing deliveries: one row each, written with the order that caused them and sent from the record.

States: `pending`, then `delivered` or `dead` (given up; a person can replay it).
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from pressroom import config, table
from pressroom.times import iso

KIND = "DELIVERY"
HISTORY = 20
"""How many attempts are kept in full; `attempts` counts them all."""


class State(StrEnum):
    """What has become of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try. `error` is a class of failure, never a text from outside; None while it runs and when it succeeded."""

    at: str
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Something to be sent. `body` is the exact request body; `tries` counts the attempts since the last replay."""

    id: str
    order_id: str
    destination: str
    operation: str
    body: bytes
    created_at: str
    state: State = State.PENDING
    attempts: int = 0
    tries: int = 0
    replays: int = 0
    last_error: str | None = None
    answer_lost: bool = False
    history: list[Attempt] = field(default_factory=list)

    @classmethod
    def to(cls, destination: str, operation: str, *, order_id: str, body: bytes, now: datetime) -> "Delivery":
        """Make a new delivery. Its id is a hash of what it is for, so that it can't be written twice."""
        identity = table.digest(order_id, destination, operation)
        return cls(
            id=f"{destination}-{identity}",
            order_id=order_id,
            destination=destination,
            operation=operation,
            body=body,
            created_at=iso(now),
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
            state=State(item["state"]["S"]),
            attempts=int(item["attempts"]["N"]),
            tries=int(item["tries"]["N"]),
            replays=int(item["replays"]["N"]),
            last_error=item.get("last_error", {}).get("S"),
            answer_lost=item["answer_lost"]["BOOL"],
            history=[_attempt_of(entry["M"]) for entry in item["history"]["L"]],
        )

    def new_row(self) -> table.Item:
        """Return the row of a delivery that has yet to be queued: `dispatch` hands it to pump."""
        return table.pk(KIND, self.id) | {
            "dispatch": {"S": "queue"},
            "delivery_id": {"S": self.id},
            "order_id": {"S": self.order_id},
            "destination": {"S": self.destination},
            "operation": {"S": self.operation},
            "body": table.pack(self.body),
            "created_at": {"S": self.created_at},
            "replays": {"N": str(self.replays)},
            **self.progress(),
        }

    def progress(self) -> table.Item:
        """Return what changes as the delivery is attempted. `replays` does not: only a replay counts it."""
        return {
            "state": {"S": self.state},
            "attempts": {"N": str(self.attempts)},
            "tries": {"N": str(self.tries)},
            "answer_lost": {"BOOL": self.answer_lost},
            "history": {"L": [{"M": _row_of(attempt)} for attempt in self.history[-HISTORY:]]},
        } | ({"last_error": {"S": self.last_error}} if self.last_error else {})

    def change(self) -> table.Item:
        """Return the update that brings the row to this delivery's progress; `dead` ones are listed in `by_state`."""
        assign, drop = self.progress(), ["last_error"] if self.last_error is None else []
        if self.state is State.DEAD:
            assign |= table.state_index(KIND, self.state, self.id, self.created_at)
        else:
            drop += ["state_key", "state_at"]
        return table.change(KIND, self.id, assign=assign, drop=drop)

    def save(self) -> None:
        """Write the progress. A row that is gone (erased) stays gone and raises ClientError."""
        config.client("dynamodb").update_item(**self.change())

    def save_if_pending(self) -> None:
        """Write the progress, unless the delivery has ended: a write whose answer got lost may have ended it."""
        condition, given = "#state = :was", {"was": {"S": State.PENDING}}
        try:
            config.client("dynamodb").update_item(
                **table.change(KIND, self.id, assign=self.progress(), condition=condition, given=given)
            )
        except ClientError as error:
            if not table.is_condition_failure(error):
                raise

    def summary(self) -> dict[str, Any]:
        """Return the delivery as the API shows it within its order."""
        return {
            "id": self.id,
            "destination": self.destination,
            "operation": self.operation,
            "status": self.state,
            "attempts": self.attempts,
            "last_error": self.last_error,
        }


def get(delivery_id: str) -> Delivery | None:
    """Read a delivery, or None if there is no such row."""
    item = table.get(KIND, delivery_id)
    return Delivery.of(item) if item else None


def _attempt_of(entry: table.Item) -> Attempt:
    status = entry.get("status", {}).get("N")
    return Attempt(at=entry["at"]["S"], status=int(status) if status else None, error=entry.get("error", {}).get("S"))


def _row_of(attempt: Attempt) -> table.Item:
    row: table.Item = {"at": {"S": attempt.at}}
    if attempt.status is not None:
        row["status"] = {"N": str(attempt.status)}
    if attempt.error is not None:
        row["error"] = {"S": attempt.error}
    return row
