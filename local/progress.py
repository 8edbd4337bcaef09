"""Progress and errors on the terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOG_TAIL = 40


class LocalCloudError(Exception):
    """The local cloud can't do what was requested.

    The message says what a person should do. `log` is the path of a log file; its last lines show the cause.
    """

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log

    def report(self) -> str:
        tail = ""
        if self.log is not None and self.log.is_file():
            lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
            tail = f"--- the end of {self.log} ---\n" + "\n".join(lines) + "\n---\n"
        return f"{tail}error: {self}"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print a line before the work, and the seconds it took after it; plain text, so it is readable in a log."""
    sys.stdout.write(f"  {what} ... ")
    sys.stdout.flush()
    started = time.monotonic()
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - started:.1f} s")
