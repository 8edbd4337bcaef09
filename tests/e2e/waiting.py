"""Waiting for a condition, with a deadline: nothing in the tests sleeps for luck."""

import time
from collections.abc import Callable


def wait_until[Found](look: Callable[[], Found | None], what: str, seconds: float) -> Found:
    """Look until there is something to find, and return it. Each look costs the processor, too."""
    deadline, pause = time.monotonic() + seconds, 0.05
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
