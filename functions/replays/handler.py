"""Continues the running bulk replays, every minute, each at its rate."""

from datetime import timedelta
from typing import Any

from pressroom.ops import bulk_replay
from pressroom.platform import config

BUDGET = timedelta(seconds=40)


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Replay this minute's share of each running job; return how many jobs there are."""
    now = config.utcnow()
    jobs = bulk_replay.running()
    for job in jobs:
        bulk_replay.work(job, is_over=lambda: config.utcnow() - now >= BUDGET, now=now)
    return {"running": len(jobs)}
