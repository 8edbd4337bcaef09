"""The current push of the catalogue and its progress: the row `CATALOGUE#push`.

Only one push is current. A new push supersedes the one before it, even if that has not ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from botocore.exceptions import ClientError

from pressroom.order.outbox import Delivery
from pressroom.platform import config, table
from pressroom.platform.errors import Conflict, Withdrawn
from pressroom.platform.times import iso
from pressroom.providers.oms.catalogue.compare import Op
from pressroom.providers.oms.catalogue.entries import Work
from pressroom.providers.oms.catalogue.rows import KIND

DESTINATION, OPERATION = "oms", "push_catalogue"
TRIES = 5
"""How often the write of a push is tried, when other pushes start at the same moment, before Conflict is raised."""
_PUSH: table.Item = table.pk(KIND, "push")
_IS_CURRENT = "delivery_id = :known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A push: its delivery, the replay of that delivery, and its progress. `counts` is by operation.

    `ended` means that all steps were tried, whether they succeeded or not.
    """

    delivery_id: str
    total: int
    replays: int = 0
    done: int = 0
    ended: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    started_at: str = ""

    @property
    def failed(self) -> int:
        return self.counts.get(Op.FAIL, 0) + self.counts.get(Op.UNKNOWN, 0)

    def after(self, op: Op) -> "Push":
        """Return the push with one more step done."""
        return replace(self, done=self.done + 1, counts={**self.counts, op: self.counts.get(op, 0) + 1})

    def row(self) -> table.Item:
        return _PUSH | {
            "delivery_id": {"S": self.delivery_id},
            "total": {"N": str(self.total)},
            "replays": {"N": str(self.replays)},
            "done": {"N": str(self.done)},
            "ended": {"BOOL": self.ended},
            "counts": {"M": {op: {"N": str(number)} for op, number in self.counts.items()}},
            "started_at": {"S": self.started_at},
        }


def current() -> Push | None:
    """Read the current or last push."""
    item = table.get(KIND, "push")
    if item is None:
        return None
    return Push(
        delivery_id=item["delivery_id"]["S"],
        **{name: int(item[name]["N"]) for name in ("total", "replays", "done")},
        ended=item["ended"]["BOOL"],
        counts={op: int(number["N"]) for op, number in item["counts"]["M"].items()},
        started_at=item["started_at"]["S"],
    )


def require_current(delivery_id: str) -> Push:
    """Return the push of a delivery. Raises Withdrawn if another push has superseded it."""
    push = current()
    if push is None or push.delivery_id != delivery_id:
        raise _superseded()
    return push


def save(push: Push) -> None:
    """Write the progress of a push. Raises Withdrawn if another push has superseded it."""
    if table.put(push.row(), _IS_CURRENT, known={"S": push.delivery_id}) is not None:
        raise _superseded()


def start(work: Work, *, now: datetime) -> tuple[Delivery, Push | None]:
    """Write the delivery that does the work and make it the current push, in one transaction.

    Also returns the push that it supersedes. Raises Conflict if other pushes kept starting at the same time.
    """
    body = work.write()
    for _ in range(TRIES):
        before = current()
        key = table.digest(iso(now), before.delivery_id if before else "", body.decode())
        delivery = Delivery.to(DESTINATION, OPERATION, order_id="", body=body, now=now, key=key)
        push = Push(delivery_id=delivery.id, total=len(work.steps()), started_at=iso(now))
        put: table.Item = {"TableName": table.name(), "Item": push.row()}
        if before:
            known = {":known": {"S": before.delivery_id}}
            put |= {"ConditionExpression": _IS_CURRENT, "ExpressionAttributeValues": known}
        else:
            put = table.new(push.row())
        puts = [{"Put": table.new(delivery.new_row())}, {"Put": put}]
        try:
            config.client("dynamodb").transact_write_items(TransactItems=puts)
        except ClientError as error:
            if not table.was_overtaken(error):
                raise
        else:
            return delivery, before
    raise Conflict(f"other pushes were started {TRIES} times in a row")


def _superseded() -> Withdrawn:
    return Withdrawn("another push of the catalogue has superseded it")
