"""The history of an order: the statuses that the fold gives for each point in time. Pure.

Points in time are those of the sources, not of receipt, so a late message appears where it belongs. The last step of a
line is always the status in the record.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pressroom.order import links
from pressroom.order.facts import Fact, in_order
from pressroom.order.fold import fold
from pressroom.order.model import Order, Status

MOST_FOLDS = 100
"""The most points at which an order is folded: the first, then evenly spread ones, so later steps may be dated late."""
_ARRIVED = frozenset({Status.DELIVERED, Status.RETURNED})

type _Statuses = dict[tuple[str, str, str], Status]
"""The status of the order, each line and each parcel: by its kind, its provider (of a parcel) and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Since `at`, the order, a line or a parcel has this status.

    `provider` is the printer that sent the parcel; it is empty for the order and for lines. A parcel is `shipped`,
    `delivered` once all of its lines are, or `returned`.
    """

    at: str
    what: Literal["order", "line", "parcel"]
    provider: str
    id: str
    status: Status


def steps(order_id: str, facts: Iterable[Fact]) -> list[Step]:
    """Return every change of status: of the order, of its present lines and of its parcels, oldest first."""
    ordered = in_order(links.counted(facts))
    now = fold(order_id, ordered)
    names = {(each.provider, old): each.id for each in now.shipments for old in (each.id, *each.merged)}
    wanted = _statuses(now, names).keys()
    found, before = list[Step](), dict[tuple[str, str, str], Status]()
    for end in _cuts(ordered):
        statuses = _statuses(fold(order_id, ordered[:end]), names)
        found += [
            Step(at=ordered[end - 1].at, what=what, provider=provider, id=identity, status=status)  # type: ignore[arg-type]
            for (what, provider, identity), status in statuses.items()
            if (what, provider, identity) in wanted and before.get((what, provider, identity)) != status
        ]
        before = statuses
    return found


def _cuts(ordered: list[Fact]) -> list[int]:
    """Return after how many facts to fold: never between two of the same time."""
    last = len(ordered) - 1
    cuts = [number + 1 for number, fact in enumerate(ordered) if number == last or ordered[number + 1].at != fact.at]
    first, others = cuts[:1], cuts[1:]
    step = max(1, -(-len(others) // (MOST_FOLDS - 1)))
    return first + others[::-1][::step][::-1]


def _statuses(order: Order, names: dict[tuple[str, str], str]) -> _Statuses:
    lines = {line.id: line.status for line in order.lines}
    statuses: _Statuses = {("order", "", order.id): order.status}
    statuses |= {("line", "", line_id): status for line_id, status in lines.items()}
    for parcel in order.shipments:
        within = {lines.get(part.line_id) for part in parcel.lines if part.line_id}
        arrived = Status.DELIVERED if within and within <= _ARRIVED else Status.SHIPPED
        name = names.get((parcel.provider, parcel.id), parcel.id)
        statuses["parcel", parcel.provider, name] = Status.RETURNED if parcel.returned else arrived
    return statuses
