"""Waiting for a condition with a deadline, instead of sleeping for a fixed time."""

import time
from collections.abc import Callable

PATIENCE_S = 180
"""How long a test waits for what must happen. Fifty workers that start at once beside other work took 55 s."""


def wait_until[Found](look: Callable[[], Found | None], what: str, seconds: float = PATIENCE_S) -> Found:
    """Call `look` until it returns a result, and return that. The pauses grow, since each call takes processor time."""
    deadline, pause = time.monotonic() + seconds, 0.05
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s, and not yet: {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
