"""The monitor: every 15 minutes it checks open orders for delays, and evaluates the health conditions.

An overdue order gets an `overdue` fact and, with it, a reason for attention. What concerns no single order is a health
condition. Both are metrics for as long as they last, so an alarm starts once and ends by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pressroom.inbox import traffic
from pressroom.ops import conditions, monitor_state
from pressroom.ops.monitor_state import NOTHING, Condition, Found, MonitorState
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
"""How long a run checks orders; the next run begins where this one ends."""
PAGE = 100
STANDING = {Attention.STALLED: "OrdersStalled", Attention.HOLD_OLD: "HoldsOld"}


class NotLookedAt(PressroomError):
    """Some orders could not be checked. Everything else was; the failure of the function makes it visible."""


def run() -> dict[str, Any]:
    """Check everything once, and return a summary. Raises NotLookedAt after everything else is done."""
    now = config.utcnow()
    limits = _limits()
    before = monitor_state.read()
    checked = _check_orders(limits, before.beyond, now, is_over=lambda: config.utcnow() - now >= BUDGET)
    part = before.part.plus(Found(checked.reasons, tuple(checked.waiting)))
    whole, part = (before.whole, part) if checked.beyond else (part, NOTHING)
    found = whole.either(part)  # what was found before lasts until all orders have been checked again
    waiting = limits.silent.keys() & found.waiting  # a limit may have been removed since
    standing = conditions.evaluate(before.standing, limits.silent, waiting, now)
    counted = traffic.count(before.counted, now=now)
    monitor_state.save(
        MonitorState(
            looked_at=iso(now),
            standing=tuple(standing),
            counted=counted,
            beyond=checked.beyond,
            whole=whole,
            part=part,
        )
    )
    _report(before.standing, standing)
    for reason, metric in STANDING.items():
        if number := found.reasons.get(reason, 0):
            count(metric, number)
    if checked.failed:
        raise NotLookedAt(f"orders that could not be checked: {checked.failed}")
    return {"orders": checked.orders, "raised": checked.raised, "standing": [each.id for each in standing]}


@dataclass
class Checked:
    """The result of checking orders. `waiting` are the providers that should have reported on an order by now."""

    orders: int = 0
    raised: int = 0
    failed: int = 0
    beyond: str = ""
    reasons: Counter[str] = field(default_factory=Counter)
    waiting: set[str] = field(default_factory=set)


def _check_orders(limits: Limits, beyond: str, now: datetime, *, is_over: Callable[[], bool]) -> Checked:
    checked = Checked()
    for place, row in _old_enough(beyond, *(iso(now - age) for age in reversed(limits.ages()))):
        checked.orders += 1
        try:
            _check_order(row, limits, now, checked)
        except Exception:  # noqa: BLE001 - one order must not hide the problems of all the others
            logger().exception("order_not_looked_at", order_id=table.identity_of(row))
            checked.failed += 1
        if is_over():
            checked.beyond = place
            break
    return checked


def _check_order(row: table.Item, limits: Limits, now: datetime, checked: Checked) -> None:
    order_id, facts = table.identity_of(row), repository.row_of(row).facts
    order = fold(order_id, facts)
    if overdue.overdue_facts(order_id, facts, limits, now=now):
        order = _raise(order_id, limits, now) or order
        checked.raised += 1
    checked.reasons.update(order.attention)
    checked.waiting |= {
        provider
        for provider, hours in limits.silent.items()
        if overdue.is_webhook_due(order, facts, provider, since=iso(now - timedelta(hours=hours)))
    }


def _raise(order_id: str, limits: Limits, now: datetime) -> Order | None:
    """Record what is overdue in an order, decided from its facts at the time of the write."""

    def decide(facts: list[Fact]) -> Decision:
        return Decision(order_id=order_id, facts=tuple(overdue.overdue_facts(order_id, facts, limits, now=now)))

    try:
        order = repository.apply(Undecided(order_id, decide))
    except Conflict:
        logger().warning("order_busy", order_id=order_id)  # the next run finds it again
        return None
    repository.count_attention(order, "monitor")
    return order


def _old_enough(beyond: str, since: str, until: str) -> Iterator[tuple[str, table.Item]]:
    """Yield the open orders whose age began in a period, with their positions; those after `beyond` come first."""
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


def _report(before: tuple[Condition, ...], after: list[Condition]) -> None:
    """Log the conditions that began and ended, and count those that last."""
    was, now = ({each.id: each for each in some} for some in (before, after))
    for identity in now.keys() - was.keys():
        logger().error("condition_raised", condition=now[identity].name, about=now[identity].about)
    for identity in was.keys() - now.keys():
        logger().info("condition_cleared", condition=was[identity].name, about=was[identity].about)
    for name, number in Counter(each.name for each in after).items():
        if name in conditions.METRICS:
            count(conditions.METRICS[name], number)


def _limits() -> Limits:
    return Limits(
        accept=overdue.hours(config.setting("ACCEPT_WITHIN_HOURS")),
        ship=overdue.hours(config.setting("SHIP_WITHIN_HOURS")),
        silent=overdue.hours(config.setting("SILENT_AFTER_HOURS")),
        hold_days=float(config.setting("HOLD_OLD_DAYS")),
    )
