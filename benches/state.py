"""A state directory for the processes of a benchmark, which end with it."""

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
    """Yield a new state directory. It is below .local, so that `make clean` ends what a killed benchmark left."""
    state_dir = STATE_DIR / f"bench-{os.getpid()}"
    state_dir.mkdir(parents=True)
    signal.signal(signal.SIGTERM, _end)
    try:
        yield state_dir
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        cloud.down(state_dir=state_dir)
    shutil.rmtree(state_dir)  # only after success: after a failure the logs are kept


def _end(number: int, frame: object) -> None:
    """Exit through the `finally` blocks. After Ctrl-C, the benchmarks end their parts with SIGTERM."""
    raise SystemExit(number)
