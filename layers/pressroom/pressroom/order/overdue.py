"""What of an order takes too long: lines that wait for their printer, and holds that grow old. Pure.

That time has passed is told by nobody, so the monitor tells it: an `overdue` fact, once, which counts for as long as
the lines still wait, or the hold lasts (docs/decisions/0027-delays-are-recorded-as-facts.md). A line has waited for
so many hours if the order as it was known then has it waiting for the same; a hold in between begins the time anew.
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

FOR_EVER = 10 * 365 * 24
"""Hours that nothing takes; time can't be reckoned back by many more."""
LOOKED_AT_FOR = timedelta(days=90)
"""From this age on, an order is not checked any more. Its age counts from when its payment was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long is too long: hours by printer, those of whom nothing is said may take for ever; days of a hold."""

    accept: Mapping[str, float]
    ship: Mapping[str, float]
    silent: Mapping[str, float]
    hold_days: float

    def ages(self) -> tuple[timedelta, timedelta]:
        """Return how old an order is at least, and at most, that is looked at.

        Whatever is to be said of it has been said by the end of LOOKED_AT_FOR, or of twice the longest limit: lines of
        the OMS's, which tells of no parcels, are open for ever.
        """
        hours = (*self.accept.values(), *self.ship.values(), *self.silent.values(), self.hold_days * 24)
        return timedelta(hours=min(hours)), max(LOOKED_AT_FOR, 2 * timedelta(hours=max(hours)))


def hours(text: str) -> dict[str, float]:
    """Read a parameter: `printer=hours`, separated by commas. Raises ValueError for anything else.

    FOR_EVER and more is as good as no limit.
    """
    read = dict[str, float]()
    for part in filter(None, (part.strip() for part in text.split(","))):
        provider, _, number = (piece.strip() for piece in part.partition("="))
        if provider not in PRINTERS or not number.replace(".", "", 1).isdecimal() or not float(number):
            raise ValueError(f"{part!r} is not printer=hours, or names an unknown printer")
        read[provider] = float(number)
    return {provider: number for provider, number in read.items() if number < FOR_EVER}


def find(order_id: str, facts: Iterable[Fact], limits: Limits, *, now: datetime) -> list[Fact]:
    """Return the facts that tell what is overdue by now and was not told before."""
    known = in_order(facts)
    order = fold(order_id, known)
    told = [fact.data for fact in known if fact.kind == "overdue"]
    found = []
    for waits, allowed in ((Waits.ACCEPT, limits.accept), (Waits.SHIP, limits.ship)):
        for printer, limit in allowed.items():
            since = iso(now - timedelta(hours=limit))
            lines = stuck(order, known, printer, waits, since=since)
            for data in told:
                if data.get("waits") == waits and data["destination"] == printer:
                    lines -= set(data["lines"]) & order.waiting(printer, waits, since=data["since"])
            if lines:
                data = {"waits": waits, "lines": sorted(lines), "since": since, "hours": f"{limit:g}"}
                found.append(_fact(f"{printer}/{waits}/{since}", now, printer, data))
    for hold in order.holds:
        days = (now - parse(hold.since)).days
        if hold.until is None and days >= limits.hold_days and not any(_is_about(data, hold) for data in told):
            data = {"held": hold.since, "days": days}
            found.append(_fact(f"{hold.provider}/held/{hold.since}", now, hold.provider, data))
    return found


def stuck(order: Order, facts: Iterable[Fact], printer: str, waits: Waits, *, since: str) -> set[str]:
    """Return the lines of an order that have waited for this of a printer ever since a time, with no hold since then.

    Nobody waits for a printer to accept what has not been paid, or for anything that the shop has canceled, or that is
    a draft again.
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


def should_be_heard(order: Order, facts: Iterable[Fact], printer: str, *, since: str) -> bool:
    """Tell whether a printer has had lines of an order ever since a time without a word of them that was due.

    That it accepts them is a word too, of those who are told of orders by others than us. Of a draft nothing is due.
    """
    if _is_draft(order, printer):
        return False
    due = (Waits.ACCEPT, Waits.SHIP) if printer in FOLLOWED else (Waits.SHIP,)
    known = list(facts)
    return any(stuck(order, known, printer, waits, since=since) for waits in due)


def _is_about(data: Mapping[str, Any], hold: Hold) -> bool:
    return bool(data["destination"] == hold.provider and hold.since <= data.get("held", ""))


def _fact(name: str, now: datetime, printer: str, data: dict[str, Any]) -> Fact:
    at = iso(now)
    about = {"destination": printer} | data
    return Fact(id=f"overdue/{name}", kind="overdue", source="monitor", at=at, received_at=at, data=about)
