"""Every minute: bulk replays go on, each at its rate."""

from datetime import timedelta
from typing import Any

from pressroom.ops import bulk_replay
from pressroom.platform import config

BUDGET = timedelta(seconds=40)


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Do this minute's share of the jobs that are running; return how many there are."""
    now = config.utcnow()
    jobs = bulk_replay.running()
    for job in jobs:
        bulk_replay.go_on(job, is_over=lambda: config.utcnow() - now >= BUDGET, now=now)
    return {"running": len(jobs)}
