"""Checks open orders for delays, and evaluates the health conditions, every 15 minutes."""

from typing import Any

from pressroom.ops import monitor


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Run once; the answer is a summary for whoever invokes the function by hand."""
    return monitor.run()
