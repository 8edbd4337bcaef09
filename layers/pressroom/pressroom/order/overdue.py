"""Delays of an order: lines that wait for their printer for too long, and old holds. Pure.

No webhook reports that time has passed, so the monitor records each delay once, as an `overdue` fact. The fact counts
for as long as the lines wait, or the hold lasts (docs/decisions/0027-delays-are-recorded-as-facts.md). A line has
waited for a number of hours if the order, as it was known that many hours ago, shows the line waiting for the same
thing. A hold in between restarts the time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pressroom.order.facts import Fact, in_order, is_revoked
from pressroom.order.fold import fold
from pressroom.order.model import Hold, Order, Waits
from pressroom.order.reasons import Attention
from pressroom.partners import FOLLOWED, PRINTERS
from pressroom.platform.times import iso, parse

UNLIMITED_HOURS = 10 * 365 * 24
"""From this number of hours on, a limit counts as no limit; much larger ones overflow the date arithmetic."""
CHECKED_FOR = timedelta(days=90)
"""From this age on, an order is not checked any more. Its age counts from when its payment was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The time limits: hours by printer, and days of a hold. Printers not listed have no limit."""

    accept: Mapping[str, float]
    ship: Mapping[str, float]
    silent: Mapping[str, float]
    hold_days: float

    def ages(self) -> tuple[timedelta, timedelta]:
        """Return the minimum and the maximum age of the orders that the monitor checks.

        Every delay has been recorded by the end of CHECKED_FOR, or of twice the longest limit. Without a maximum,
        the monitor would check the OMS's lines forever: the OMS reports no parcels, so they stay open.
        """
        hours = (*self.accept.values(), *self.ship.values(), *self.silent.values(), self.hold_days * 24)
        return timedelta(hours=min(hours)), max(CHECKED_FOR, 2 * timedelta(hours=max(hours)))


def hours(text: str) -> dict[str, float]:
    """Read a parameter: `printer=hours`, separated by commas. Raises ValueError for anything else.

    A limit of UNLIMITED_HOURS or more is dropped: it counts as no limit.
    """
    read = dict[str, float]()
    for part in filter(None, (part.strip() for part in text.split(","))):
        provider, _, number = (piece.strip() for piece in part.partition("="))
        if provider not in PRINTERS or not number.replace(".", "", 1).isdecimal() or not float(number):
            raise ValueError(f"{part!r} is not printer=hours, or names an unknown printer")
        read[provider] = float(number)
    return {provider: number for provider, number in read.items() if number < UNLIMITED_HOURS}


def overdue_facts(order_id: str, facts: Iterable[Fact], limits: Limits, *, now: datetime) -> list[Fact]:
    """Return an `overdue` fact for each delay that exists now and is not recorded yet."""
    known = in_order(facts)
    order = fold(order_id, known)
    recorded = [fact.data for fact in known if fact.kind == "overdue"]
    found = []
    for waits, allowed in ((Waits.ACCEPT, limits.accept), (Waits.SHIP, limits.ship)):
        for printer, limit in allowed.items():
            since = iso(now - timedelta(hours=limit))
            lines = overdue_lines(order, known, printer, waits, since=since)
            for data in recorded:
                if data.get("waits") == waits and data["destination"] == printer:
                    lines -= set(data["lines"]) & order.waiting(printer, waits, since=data["since"])
            if lines:
                data = {"waits": waits, "lines": sorted(lines), "since": since, "hours": f"{limit:g}"}
                found.append(_fact(f"{printer}/{waits}/{since}", now, printer, data))
    for hold in order.holds:
        days = (now - parse(hold.since)).days
        if hold.until is None and days >= limits.hold_days and not any(_is_about(data, hold) for data in recorded):
            data = {"held": hold.since, "days": days}
            found.append(_fact(f"{hold.provider}/held/{hold.since}", now, hold.provider, data))
    return found


def overdue_lines(order: Order, facts: Iterable[Fact], printer: str, waits: Waits, *, since: str) -> set[str]:
    """Return the lines that have waited for a printer since a given time, without a hold since then.

    Unpaid lines don't wait for acceptance. Orders that the shop has canceled, and orders that are a draft again,
    don't wait for their printer.
    """
    lines = order.waiting(printer, waits, since=since)
    if not lines or _waits_for_the_merchant(order, printer):
        return set()
    # By the time of receipt: a payment can be received days after it was made, or be dated in the future.
    before = [fact for fact in facts if fact.received_at <= since]
    if is_revoked(facts) or (waits is Waits.ACCEPT and not any(fact.kind == "paid" for fact in before)):
        return set()
    then = fold(order.id, before)
    if _waits_for_the_merchant(then, printer):
        return set()
    return lines & {line.id for line in then.lines if line.destination == printer and line.waits() is waits}


def _waits_for_the_merchant(order: Order, printer: str) -> bool:
    return Attention.CONFIRM_AGAIN in order.attention and _is_draft(order, printer)


def _is_draft(order: Order, printer: str) -> bool:
    return any(each.provider == printer and each.status == "draft" for each in order.provider_orders)


def is_webhook_due(order: Order, facts: Iterable[Fact], printer: str, *, since: str) -> bool:
    """Whether a printer should have sent a webhook about its lines of an order since a given time, and did not.

    A followed printer also sends a webhook when it accepts lines. For a draft, no webhook is due.
    """
    if _is_draft(order, printer):
        return False
    due = (Waits.ACCEPT, Waits.SHIP) if printer in FOLLOWED else (Waits.SHIP,)
    known = list(facts)
    return any(overdue_lines(order, known, printer, waits, since=since) for waits in due)


def _is_about(data: Mapping[str, Any], hold: Hold) -> bool:
    return bool(data["destination"] == hold.provider and hold.since <= data.get("held", ""))


def _fact(name: str, now: datetime, printer: str, data: dict[str, Any]) -> Fact:
    at = iso(now)
    about = {"destination": printer} | data
    return Fact(id=f"overdue/{name}", kind="overdue", source="monitor", at=at, received_at=at, data=about)
