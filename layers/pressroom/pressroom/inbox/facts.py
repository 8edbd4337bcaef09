"""The facts that received webhooks report."""

from typing import Any

from pressroom.inbox.events import Event
from pressroom.order.facts import Fact
from pressroom.order.names import begins_like_a_record, record_id
from pressroom.platform.errors import Unprocessable

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


def order_id_of(provider: str, reference: str | None, number: str) -> str:
    """Return the id of the record that a printer's message is about: our order's, or that of the printer's own record.

    Raises Unprocessable for a reference that begins like a printer's own record: it would change another order.
    """
    if reference and begins_like_a_record(reference):
        raise Unprocessable("the reference to our order begins like the id of a printer's own record, so it names none")
    return reference or record_id(provider, number)
