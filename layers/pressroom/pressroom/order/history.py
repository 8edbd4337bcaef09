"""How an order came to stand where it does: what the fold makes of all that had happened by each time. Pure.

By each time as the sources tell it, not by when we heard: a message that came late stands where it belongs. So the
last step of a line is always where the record says that it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pressroom.order.facts import Fact, in_order
from pressroom.order.fold import fold
from pressroom.order.model import Order, Status

MOST_FOLDS = 100
"""An order with more facts is looked at so often, at the first and then evenly: later steps are dated a bit late."""
_ARRIVED = frozenset({Status.DELIVERED, Status.RETURNED})

type _Standing = dict[tuple[str, str, str], Status]
"""Where each thing stands: by what it is, its provider (of a parcel) and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Since `at`, the order, a line or a parcel had this status. `provider` is who sent the parcel, else empty.

    A parcel is `shipped`, `delivered` once all of its lines are, or `returned`.
    """

    at: str
    what: Literal["order", "line", "parcel"]
    provider: str
    id: str
    status: Status


def steps(order_id: str, facts: Iterable[Fact]) -> list[Step]:
    """Return every change of the order, of the lines that it has now and of its parcels, oldest first."""
    ordered = in_order(facts)
    now = fold(order_id, ordered)
    names = {(each.provider, old): each.id for each in now.shipments for old in (each.id, *each.merged)}
    wanted = _standing(now, names).keys()
    found, before = list[Step](), dict[tuple[str, str, str], Status]()
    for end in _cuts(ordered):
        standing = _standing(fold(order_id, ordered[:end]), names)
        found += [
            Step(at=ordered[end - 1].at, what=what, provider=provider, id=identity, status=status)  # type: ignore[arg-type]
            for (what, provider, identity), status in standing.items()
            if (what, provider, identity) in wanted and before.get((what, provider, identity)) != status
        ]
        before = standing
    return found


def _cuts(ordered: list[Fact]) -> list[int]:
    """Return after how many facts to look: never between two of the same time."""
    last = len(ordered) - 1
    cuts = [number + 1 for number, fact in enumerate(ordered) if number == last or ordered[number + 1].at != fact.at]
    first, others = cuts[:1], cuts[1:]
    step = max(1, -(-len(others) // (MOST_FOLDS - 1)))
    return first + others[::-1][::step][::-1]


def _standing(order: Order, names: dict[tuple[str, str], str]) -> _Standing:
    lines = {line.id: line.status for line in order.lines}
    standing: _Standing = {("order", "", order.id): order.status}
    standing |= {("line", "", line_id): status for line_id, status in lines.items()}
    for parcel in order.shipments:
        within = {lines.get(part.line_id) for part in parcel.lines if part.line_id}
        arrived = Status.DELIVERED if within and within <= _ARRIVED else Status.SHIPPED
        name = names.get((parcel.provider, parcel.id), parcel.id)
        standing["parcel", parcel.provider, name] = Status.RETURNED if parcel.returned else arrived
    return standing
