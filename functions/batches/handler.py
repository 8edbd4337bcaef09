"""Makes the batches that are due, by a schedule. Two runs at once are harmless."""

from datetime import timedelta
from typing import Any

from pressroom.platform import config
from pressroom.providers.oms import batches

BUDGET = timedelta(seconds=60)
"""How long a run goes on; the function's time-out leaves room for the last step."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Make batches; the answer is for who invokes the function by hand."""
    now = config.utcnow()
    made = batches.make(now, is_over=lambda: config.utcnow() - now >= BUDGET)
    return {"batches": [batch.id for batch in made.batches], "complete": made.complete}
