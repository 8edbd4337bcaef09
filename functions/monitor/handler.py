"""Every quarter of an hour: what takes too long, and what stands wrong, before a customer notices.

Orders that are overdue get a fact that says so, and with it a reason for attention; what concerns no single order is a
condition. Both are metrics for as long as they stand, so an alarm goes off once and ends by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pressroom.inbox import traffic
from pressroom.ops import conditions
from pressroom.ops.conditions import Found, Row
from pressroom.order import overdue, repository
from pressroom.order.decision import Decision, Undecided
from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.model import OPEN, Order, Status
from pressroom.order.overdue import Limits
from pressroom.order.reasons import Attention
from pressroom.platform import config, table
from pressroom.platform.errors import Conflict, PressroomError
from pressroom.platform.observe import count, logger
from pressroom.platform.times import iso

BUDGET = timedelta(seconds=200)
"""How long orders are looked at; the next look begins where this one ends."""
PAGE = 100
STANDING = {Attention.STALLED: "OrdersStalled", Attention.HOLD_OLD: "HoldsOld"}


class NotLookedAt(PressroomError):
    """Some orders could not be looked at, of which a person has to hear; everything else was."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Look at everything; the answer says what stands."""
    now = config.utcnow()
    limits = _limits()
    before = conditions.read()
    seen = _look_at_orders(limits, before.beyond, now, is_over=lambda: config.utcnow() - now >= BUDGET)
    part = before.part.more(Found(seen.standing, tuple(seen.waiting)))
    whole, part = (before.whole, part) if seen.beyond else (part, conditions.NOTHING)
    found = whole.still(part)  # what was found before stands until all orders have been looked at again
    waiting = limits.silent.keys() & found.waiting  # a limit may have been taken away meanwhile
    standing = conditions.look(before.standing, limits.silent, waiting, now)
    counted = traffic.count(before.counted, now=now)
    conditions.keep(
        Row(looked_at=iso(now), standing=tuple(standing), counted=counted, beyond=seen.beyond, whole=whole, part=part)
    )
    _tell(before.standing, standing)
    for reason, metric in STANDING.items():
        if number := found.reasons.get(reason, 0):
            count(metric, number)
    if seen.failed:
        raise NotLookedAt(f"orders that could not be looked at: {seen.failed}")
    return {"orders": seen.orders, "raised": seen.raised, "standing": [each.id for each in standing]}


@dataclass
class Seen:
    """What a look at the orders has found. `waiting` are providers that should have told of an order by now."""

    orders: int = 0
    raised: int = 0
    failed: int = 0
    beyond: str = ""
    standing: Counter[str] = field(default_factory=Counter)
    waiting: set[str] = field(default_factory=set)


def _look_at_orders(limits: Limits, beyond: str, now: datetime, *, is_over: Callable[[], bool]) -> Seen:
    seen = Seen()
    for place, row in _old_enough(beyond, *(iso(now - age) for age in reversed(limits.ages()))):
        seen.orders += 1
        try:
            _look_at_order(row, limits, now, seen)
        except Exception:  # noqa: BLE001 - one order must not hide what is wrong with all the others
            logger().exception("order_not_looked_at", order_id=table.identity_of(row))
            seen.failed += 1
        if is_over():
            seen.beyond = place
            break
    return seen


def _look_at_order(row: table.Item, limits: Limits, now: datetime, seen: Seen) -> None:
    order_id, facts = table.identity_of(row), repository.row_of(row).facts
    order = fold(order_id, facts)
    if overdue.find(order_id, facts, limits, now=now):
        order = _raise(order_id, limits, now) or order
        seen.raised += 1
    seen.standing.update(order.attention)
    seen.waiting |= {
        provider
        for provider, hours in limits.silent.items()
        if overdue.should_be_heard(order, facts, provider, since=iso(now - timedelta(hours=hours)))
    }


def _raise(order_id: str, limits: Limits, now: datetime) -> Order | None:
    """Record what is overdue of an order, by what is known of it when that is written."""

    def decide(facts: list[Fact]) -> Decision:
        return Decision(order_id=order_id, facts=tuple(overdue.find(order_id, facts, limits, now=now)))

    try:
        order = repository.apply(Undecided(order_id, decide))
    except Conflict:
        logger().warning("order_busy", order_id=order_id)  # the next look finds it again
        return None
    repository.count_attention(order, "monitor")
    return order


def _old_enough(beyond: str, since: str, until: str) -> Iterator[tuple[str, table.Item]]:
    """Yield the open orders whose age began in a time, and where each stands; those behind `beyond` come first."""
    first, _, last = beyond.partition(" ")
    after = max(last, since)
    for status in OPEN[OPEN.index(Status(first)) if first else 0 :]:
        more = True
        while more:
            places, more = table.positions(
                "by_state", [f"{repository.KIND}#{status}"], limit=PAGE, beyond=after, newest_first=False
            )
            wanted = [place for place in places if table.time_at(place) <= until]
            more = more and len(wanted) == len(places)
            rows = {table.identity_of(row): row for row in table.get_many(_keys(wanted))} if wanted else {}
            for place in wanted:
                if row := rows.get(table.id_at(place)):
                    yield f"{status} {place}", row
            after = places[-1] if more else since


def _keys(places: list[str]) -> list[tuple[str, str]]:
    return [(repository.KIND, table.id_at(place)) for place in places]


def _tell(before: tuple[conditions.Condition, ...], standing: list[conditions.Condition]) -> None:
    was, now = ({each.id: each for each in conditions_} for conditions_ in (before, standing))
    for identity in now.keys() - was.keys():
        logger().error("condition_raised", condition=now[identity].name, about=now[identity].about)
    for identity in was.keys() - now.keys():
        logger().info("condition_cleared", condition=was[identity].name, about=was[identity].about)
    for name, number in Counter(each.name for each in standing).items():
        if name in conditions.METRICS:
            count(conditions.METRICS[name], number)


def _limits() -> Limits:
    return Limits(
        accept=overdue.hours(config.setting("ACCEPT_WITHIN_HOURS")),
        ship=overdue.hours(config.setting("SHIP_WITHIN_HOURS")),
        silent=overdue.hours(config.setting("SILENT_AFTER_HOURS")),
        hold_days=float(config.setting("HOLD_OLD_DAYS")),
    )
