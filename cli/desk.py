"""Where a command hears and speaks: what was asked about, what is shown, what is asked back.

Results go to stdout, as tables or as JSON; everything else (progress, questions, notes) to stderr.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import compress
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.errors import Failed
from cli.hub import Hub
from cli.stacks import Installation

WIDTH, NARROWEST = 200, 120
"""Of what is not read at a terminal, and at one."""
IDS, LONGEST_ID = ("order", "webhook", "delivery"), 60
"""Columns that are not folded, unless they are longer: an id that is cut in two can't be copied."""
COLOURS = {
    **dict.fromkeys(("failed", "dead", "fail", "canceled"), "red"),
    **dict.fromkeys(("unhandled", "warn", "returned", "withdrawn"), "yellow"),
    **dict.fromkeys(("delivered", "processed", "ok", "shipped", "finished"), "green"),
    **dict.fromkeys(("pending", "received", "running", "skipped"), "dim"),
}

MILLISECONDS = re.compile(r"(?<=T\d\d:\d\d:\d\d)\.\d{3}Z$")

type Cell = str | Callable[[Mapping[str, Any]], object]


class Desk:
    """One command's: where its installation is, and how it answers."""

    def __init__(self, find: Callable[[], Installation], *, as_json: bool) -> None:
        self._find = find
        self.as_json = as_json
        self.console = Console(highlight=False, markup=False, soft_wrap=True, quiet=as_json)
        self.console.width = max(self.console.width, NARROWEST) if self.console.is_terminal else WIDTH
        self.aside = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self.sleep: Callable[[float], object] = time.sleep
        self.clock: Callable[[], float] = time.monotonic

    @cached_property
    def installation(self) -> Installation:
        return self._find()

    @cached_property
    def hub(self) -> Hub:
        return Hub(self.installation.api_url, self.installation.token)

    def show(self, answer: Any, *readable: RenderableType) -> None:
        """Give the result: the answer as JSON, or what a person reads."""
        if self.as_json:
            click.echo(json.dumps(answer, indent=2))
        for each in readable:
            self.console.print(each)

    def show_list(self, title: str, path: str, name: str, columns: Mapping[str, Cell], **asked: Any) -> None:
        """Give a list of the API, which is `name` in its answers; `asked` as `Hub.listed` takes it."""
        with self.progress(title.lower()) as progress:
            found = self.hub.listed(path, name, progress=progress, **asked)
        more = ["There are more: --limit, or --all."] if found["more"] else []
        self.show(found, table(title, columns, found[name]), *more)

    def note(self, text: str) -> None:
        """Say something that is no result."""
        self.aside.print(text)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Go on only if a person at the terminal, or --yes, says so."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise click.UsageError("There is nobody at a terminal to ask: give --yes.")
        if not click.confirm(question, err=True):
            raise Failed("Nothing was done.")

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show a bar while something takes long, only at a terminal; what is yielded is told how much is done."""
        count = MofNCompleteColumn() if total else TextColumn("{task.completed}")
        columns = (TextColumn("{task.description}"), BarColumn(), count, TimeElapsedColumn())
        with Progress(*columns, console=self.aside, transient=True, disable=not self.aside.is_terminal) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)

    def wait_for[Found](
        self, look: Callable[[], Found | None], *, seconds: float | None, every: float = 1
    ) -> Found | None:
        """Look again and again until there is something, or the time is over."""
        until = None if seconds is None else self.clock() + seconds
        while True:
            found = look()
            if found is not None or (until is not None and self.clock() >= until):
                return found
            self.sleep(every)


def printable(value: object) -> str:
    """Write out what came from outside so that it can't move the terminal's cursor."""
    text = str(value)
    return text if text.isprintable() else ascii(text)


def cell(value: object) -> Text:
    """Write a value into a table."""
    match value:
        case Text():
            return value
        case None | "" | [] | ():
            return Text("")
        case bool():
            return Text("yes" if value else "no")
        case list() | tuple():
            return Text(", ".join(map(printable, value)))
        case _:
            text = MILLISECONDS.sub("Z", printable(value))
            return Text(text, COLOURS.get(text, ""))


def table(title: str, columns: Mapping[str, Cell], rows: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Return a table: a column's cells are a field of each row, or made of it. Empty ones are left out."""
    cells = [[cell(row.get(of) if isinstance(of, str) else of(row)) for of in columns.values()] for row in rows]
    if not cells:
        return Text(f"{printable(title)}: none")
    shown = Table(title=Text(printable(title)), title_justify="left", title_style="bold", box=None, pad_edge=False)
    turned = list(zip(*cells, strict=True))
    filled = [any(column) for column in turned]
    for heading, column in zip(columns, turned, strict=True):
        if any(column):
            longest = max(map(len, column))
            whole = heading in IDS and longest <= LONGEST_ID
            width = longest if whole else None
            shown.add_column(heading, overflow="fold", header_style="dim", no_wrap=whole, min_width=width)
    for each in cells:
        shown.add_row(*compress(each, filled))
    return shown


def fields(title: str, values: Mapping[str, object]) -> RenderableType:
    """Return a heading and what is known under it; what is not there is left out."""
    lines = Table(
        title=Text(printable(title)),
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        show_header=False,
    )
    lines.add_column(style="dim")
    lines.add_column(overflow="fold")
    for name, value in values.items():
        if value not in (None, "", [], ()):
            lines.add_row(Text(name), cell(value))
    return lines
