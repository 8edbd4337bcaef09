"""Every minute: bulk replays go on, each at its rate."""

from datetime import timedelta
from typing import Any

from pressroom import config, replays

BUDGET = timedelta(seconds=40)


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Do this minute's share of the jobs that are running; return how many there are."""
    now = config.utcnow()
    jobs = replays.running()
    for job in jobs:
        replays.go_on(job, is_over=lambda: config.utcnow() - now >= BUDGET, now=now)
    return {"running": len(jobs)}
