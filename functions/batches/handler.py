"""Makes the batches that are due, on a schedule. Two runs at the same time are harmless."""

from datetime import timedelta
from typing import Any

from pressroom.platform import config
from pressroom.providers.oms import batches

BUDGET = timedelta(seconds=60)
"""How long a run continues; the function's time-out is longer, for the last step."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Make batches; the result is for a person who invokes the function."""
    now = config.utcnow()
    made = batches.make(now, is_over=lambda: config.utcnow() - now >= BUDGET)
    return {"batches": [batch.id for batch in made.batches], "complete": made.complete}
