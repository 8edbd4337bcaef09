"""What the person at the terminal sees while something takes long, and when it fails."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOG_TAIL = 40


class LocalCloudError(Exception):
    """The local cloud can't do what was asked.

    The text is for a person and says what to do; `log` names the file whose end explains why.
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
    """One line that stands while the work is done and gets its seconds at the end; plain text, so also in a log."""
    sys.stdout.write(f"  {what} ... ")
    sys.stdout.flush()
    started = time.monotonic()
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - started:.1f} s")
