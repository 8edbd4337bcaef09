"""The facts that received webhooks report."""

from typing import Any

from pressroom.inbox.events import Event
from pressroom.order.facts import Fact

LONGEST_REASON = 500
"""The most characters of a printer's reason that the record keeps."""


def fact(event: Event, kind: str, data: dict[str, Any], *, at: str = "") -> Fact:
    """Return the one fact that an event reports. `at` is when it happened; if empty, the time it was received."""
    return Fact(
        id=event.id,
        kind=kind,
        source=f"{event.provider}.{event.topic}",
        at=at or event.received_at,
        received_at=event.received_at,
        data=data,
    )


def reason(*texts: str | None) -> str | None:
    """Join a printer's texts about why something happened into one text of limited length; None if all are empty."""
    return ": ".join(text.strip() for text in texts if text and text.strip())[:LONGEST_REASON] or None
