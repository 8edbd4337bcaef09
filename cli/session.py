"""What a command works with: its installation, the ops API, and the output.

Results go to stdout, as tables or as JSON; everything else (progress bars, questions, notes) to stderr.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.api import OpsApi
from cli.errors import Failed
from cli.output import Cell, table
from cli.stacks import Installation

WIDTH, NARROWEST = 200, 120
"""The width of output to a file or pipe, and the least width at a terminal."""


class Session:
    """One run of a command."""

    def __init__(self, find: Callable[[], Installation], *, as_json: bool) -> None:
        self._find = find
        self.as_json = as_json
        self.stdout = Console(highlight=False, markup=False, soft_wrap=True, quiet=as_json)
        self.stdout.width = max(self.stdout.width, NARROWEST) if self.stdout.is_terminal else WIDTH
        self.stderr = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self.sleep: Callable[[float], object] = time.sleep
        self.clock: Callable[[], float] = time.monotonic

    @cached_property
    def installation(self) -> Installation:
        return self._find()

    @cached_property
    def api(self) -> OpsApi:
        return OpsApi(self.installation.api_url, self.installation.token)

    def show(self, content: Any, *readable: RenderableType) -> None:
        """Print the result: the content as JSON with --json, otherwise the readable parts."""
        if self.as_json:
            click.echo(json.dumps(content, indent=2))
        for each in readable:
            self.stdout.print(each)

    def show_list(self, title: str, path: str, name: str, columns: Mapping[str, Cell], **query: Any) -> None:
        """Print a list of the API; `name` and `query` as in `OpsApi.get_list`."""
        with self.progress(title.lower()) as progress:
            found = self.api.get_list(path, name, progress=progress, **query)
        more = ["There are more entries: use --limit or --all."] if found["more"] else []
        self.show(found, table(title, columns, found[name]), *more)

    def note(self, text: str) -> None:
        """Print something to stderr that is not part of the result."""
        self.stderr.print(text)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Continue only with --yes or if the user confirms; raise Failed otherwise."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise click.UsageError("This needs a confirmation, and stdin is no terminal: give --yes.")
        if not click.confirm(question, err=True):
            raise Failed("Canceled: nothing was changed.")

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show a progress bar at a terminal. Yields a function to call with the number of steps done."""
        count = MofNCompleteColumn() if total else TextColumn("{task.completed}")
        columns = (TextColumn("{task.description}"), BarColumn(), count, TimeElapsedColumn())
        with Progress(*columns, console=self.stderr, transient=True, disable=not self.stderr.is_terminal) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)

    def wait_for[Found](
        self, poll: Callable[[], Found | None], *, seconds: float | None, every: float = 1
    ) -> Found | None:
        """Poll until the result is not None, or the time is over; `seconds` None for no limit."""
        until = None if seconds is None else self.clock() + seconds
        while True:
            found = poll()
            if found is not None or (until is not None and self.clock() >= until):
                return found
            self.sleep(every)
