"""A folder for what a bench starts; whatever runs there is ended with the bench."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import cloud
from local.settings import STATE_DIR


@contextmanager
def own_state() -> Iterator[Path]:
    """Give a state directory of its own; under .local, so that `make clean` finds what a killed bench leaves."""
    state_dir = STATE_DIR / f"bench-{os.getpid()}"
    state_dir.mkdir(parents=True)
    signal.signal(signal.SIGTERM, _end)
    try:
        yield state_dir
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        cloud.down(state_dir=state_dir)
    shutil.rmtree(state_dir)  # where nothing failed: the logs are of no use


def _end(number: int, frame: object) -> None:
    """Let what runs be ended: after a Ctrl-C, SIGTERM is how the bench ends its parts."""
    raise SystemExit(number)
