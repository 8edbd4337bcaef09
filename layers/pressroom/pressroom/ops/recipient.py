"""Showing who an order is sent to, from a webhook that is still stored. Each time is recorded, before it is shown."""

from datetime import datetime
from typing import NamedTuple

from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.ops import actions
from pressroom.order import links
from pressroom.order.facts import Fact
from pressroom.partners import SHOP
from pressroom.platform.errors import Unprocessable
from pressroom.providers.recipients import READERS, Recipient

MOST_READ = 20
"""How many webhooks are read at most to find one that names the recipient."""
_NAMES_NONE = frozenset({"paid_again", "revoked"})
"""The kinds of the shop's facts whose messages are not the order as it is."""


class Found(NamedTuple):
    """A recipient, and the webhook that names it."""

    event: Event
    recipient: Recipient


def show(order_id: str, facts: list[Fact], *, by: str, now: datetime) -> Found | None:
    """Return the recipient of an order, and record who asked; None if no stored webhook names one.

    The shop's latest message counts; without one, the latest message of a printer that names the recipient.
    """
    found = _find(links.counted(facts))
    if found:
        actions.record("show_recipient", order_id, by=by, now=now)
    return found


def _find(facts: list[Fact]) -> Found | None:
    naming = [fact for fact in facts if _provider(fact) in READERS and fact.kind not in _NAMES_NONE]
    naming.sort(key=lambda fact: (_provider(fact) == SHOP, fact.at, fact.id), reverse=True)
    for fact in naming[:MOST_READ]:
        event = events.get(fact.id)
        if event is None or event.erased:
            continue
        try:
            recipient = READERS[event.provider](event.body)
        except Unprocessable:  # a message of a shape that is not read any more
            continue
        if recipient:
            return Found(event, recipient)
    return None


def _provider(fact: Fact) -> str:
    return fact.source.partition(".")[0]
