"""The facts that received webhooks report."""

from typing import Any

from pressroom.inbox.events import Event
from pressroom.order.facts import Fact

LONGEST_REASON = 500
"""Characters of a printer's words that the record keeps."""


def fact(event: Event, kind: str, data: dict[str, Any], *, at: str = "") -> Fact:
    """Make the one fact that an event tells; `at` is when it happened, its arrival here if the sender doesn't say."""
    return Fact(
        id=event.id,
        kind=kind,
        source=f"{event.provider}.{event.topic}",
        at=at or event.received_at,
        received_at=event.received_at,
        data=data,
    )


def reason(*texts: str | None) -> str | None:
    """Put a printer's words for why something happened into one text of bounded length."""
    return ": ".join(text.strip() for text in texts if text and text.strip())[:LONGEST_REASON] or None
