"""The OMS's catalogue: compare it with a file, and push the file's entries to the OMS.

The function `catalogue` does the work. This module reads the file, prints the responses, and waits until a push ends.

Exit codes: 0 success, and for `diff` no differences; 1 failed, completely or for some entries; 3 `diff` found
differences, or `push` is still running.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from cli.commands import Group
from cli.errors import DONE, INCOMPLETE, NEGATIVE, Failed
from cli.invoke import ask
from cli.output import printable
from cli.session import WIDTH, Session
from pressroom.platform.words import counted

POLL_EVERY_S = 2
SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}
SIGNS |= {"unknown": ("?", "magenta"), "fail": ("!", "bold red")}
PLANNED = {
    "create": "to create",
    "update": "to update",
    "delete": "to delete",
    "same": "unchanged",
    "unknown": "unknown",
    "fail": "impossible",
}
DID = {"create": "created", "update": "updated", "delete": "deleted", "same": "unchanged"}
DID |= {"unknown": "unknown", "fail": "failed"}

type Ask = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Request:
    """A typed command: the action, its file and entries, and how long to wait for a push."""

    action: str
    file: Path | None = None
    delete: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    wait_s: float = 0


def _keys(_: click.Context, __: click.Parameter, text: str) -> tuple[str, ...]:
    return tuple(filter(None, (each.strip() for each in text.split(","))))


_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
_delete = click.option("--delete", metavar="KEY,…", default="", callback=_keys, help="Entries to delete at the OMS.")


@click.group("catalogue", cls=Group)
def catalogue() -> None:
    """Compare a catalogue with that of the OMS, and push it to the OMS."""


@catalogue.command("diff")
@_file
@_delete
@click.pass_obj
def diff(session: Session, /, file: Path | None, delete: tuple[str, ...]) -> int:
    """Show the entries that a push would create, update and delete. Sends nothing. Exit code 3 if there are any."""
    return _run(session, Request("diff", file=file, delete=delete))


@catalogue.command("push")
@_file
@_delete
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0),
    default=600,
    show_default=True,
    help="Seconds to wait until the push has ended.",
)
@click.pass_obj
def push(session: Session, /, file: Path | None, delete: tuple[str, ...], wait_s: float) -> int:
    """Update the OMS's catalogue, and wait for the end. Exit code 3 if the push is still running."""
    return _run(session, Request("push", file=file, delete=delete, wait_s=wait_s))


@catalogue.command("show")
@click.pass_obj
def show(session: Session, /) -> int:
    """Show the state of each known entry of the catalogue, and the latest push."""
    return _run(session, Request("show"))


@catalogue.command("absent")
@click.argument("entries", nargs=-1, required=True, metavar="KEY…")
@click.pass_obj
def absent(session: Session, /, entries: tuple[str, ...]) -> int:
    """Record that you checked: these entries in state `unknown` do not exist at the OMS."""
    return _run(session, Request("absent", entries=entries))


def _run(session: Session, request: Request) -> int:
    command = Command(
        lambda payload: ask(session.installation, "catalogue", payload), session.stdout, progress=session.stderr
    )
    code = command.run(request)
    session.show(command.response)
    return code


class Command:
    """Runs a command with the responses of the function `catalogue`."""

    def __init__(
        self,
        ask: Ask,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        *,
        progress: Console | None = None,
    ) -> None:
        self._ask = ask
        self._console = console or Console(width=WIDTH, highlight=False, markup=False, soft_wrap=True)
        self._progress = progress or self._console
        self.response: dict[str, Any] = {}
        """The function's response, with the final state of the push if there is one."""
        self._clock, self._sleep = clock, sleep

    def run(self, request: Request) -> int:
        payload: dict[str, Any] = {"action": request.action}
        if request.action in ("diff", "push"):
            if request.file is None and not request.delete:
                raise click.UsageError("Give the catalogue's file, such as docs/catalogue.example.json.")
            payload |= {"catalogue": read(request.file) if request.file else {}, "delete": list(request.delete)}
        if request.action == "absent":
            payload["entries"] = list(request.entries)
        response = self.response = self._ask(payload)
        if not response["ok"]:
            return self._show_refusal(response)
        match request.action:
            case "diff":
                return self._show_diff(response)
            case "push":
                return self._follow_push(response, request.wait_s)
            case "absent":
                self._print(f"Confirmed as absent; the next push creates them: {', '.join(response['absent'])}.")
                return DONE
            case _:
                return self._show_entries(response)

    def _print(self, text: str | Text) -> None:
        self._console.print(text)

    def _show_refusal(self, response: dict[str, Any]) -> int:
        self._print(Text(f"Not done: {response['problem']}.", "bold red"))
        for error in response.get("errors", ()):
            self._print(Text.assemble("  ", (printable(error["field"]), "bold"), f"  {printable(error['message'])}"))
        return NEGATIVE

    def _show_diff(self, response: dict[str, Any]) -> int:
        for change in response["changes"]:
            for line in _lines(change):
                self._print(line)
        self._print(f"{_summary(response['counts'], PLANNED) or 'Nothing'}.")
        if others := response["not_in_file"]:
            self._print(Text(f"Not in the file, so unchanged: {_some(others)}.", "dim"))
        if guessed := response["guessed"]:
            what = counted(guessed["entries"], "entry was", "entries were")
            text = f"{what} compared with the last push, because the OMS could not be asked: {guessed['reason']}."
            self._print(Text(text, "yellow"))
        counts = response["counts"]
        if counts.get("fail") or counts.get("unknown"):
            return NEGATIVE
        return INCOMPLETE if response["changes"] or response["guessed"] else DONE

    def _follow_push(self, response: dict[str, Any], wait_s: float) -> int:
        self._print(f"Push {response['delivery']} is queued: {counted(response['total'], 'entry', 'entries')}.")
        if response["replaces"]:
            self._print(Text(f"It replaces push {response['replaces']}, which had not ended.", "yellow"))
        push = self._wait_for(response, wait_s)
        self.response = response | {"push": push}
        if push["delivery"] != response["delivery"]:
            self._print(Text("Another push has replaced it.", "red"))
            return NEGATIVE
        self._print(self._state(push))
        if push["state"] == "dead":
            self._failures(self._ask({"action": "show"})["entries"])
        return {"delivered": DONE, "dead": NEGATIVE}.get(push["state"], INCOMPLETE)

    def _wait_for(self, response: dict[str, Any], wait_s: float) -> dict[str, Any]:
        until = self._clock() + wait_s
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self._progress, transient=True, disable=not self._progress.is_terminal) as bar:
            task = bar.add_task("pushing", total=response["total"])
            while True:
                push: dict[str, Any] = self._ask({"action": "progress"})["push"]
                status = f"waiting: {printable(push['last_error'])}" if push["last_error"] else "pushing"
                bar.update(task, completed=push["done"], description=status)
                ended = push["delivery"] != response["delivery"] or push["state"] != "pending"
                if ended or self._clock() >= until:
                    return push
                self._sleep(POLL_EVERY_S)

    def _show_entries(self, response: dict[str, Any]) -> int:
        push = response["push"]
        self._print(self._state(push) if push else "Nothing has been pushed yet.")
        if entries := response["entries"]:
            table = Table("entry", "id", "state", "last error", box=None, pad_edge=False)
            for entry in entries:
                style = "red" if entry["error"] else ""
                cells = (entry["entry"], entry["id"], entry["state"], entry["error"])
                table.add_row(*(Text(printable("" if each is None else each), style) for each in cells))
            self._console.print(table)
        failed = any(entry["error"] for entry in entries)
        return NEGATIVE if failed or (push and push["state"] == "dead") else DONE

    def _failures(self, entries: Iterable[dict[str, Any]]) -> None:
        for entry in entries:
            if entry["error"]:
                sign, style = SIGNS["unknown" if entry["state"] == "unknown" else "fail"]
                self._print(Text(f"{sign} {printable(entry['entry'])}  {printable(entry['error'])}", style))

    @staticmethod
    def _state(push: dict[str, Any]) -> Text:
        total = counted(push["total"], "entry", "entries")
        counts = f"{push['done']} of {total}: {_summary(push['counts'], DID) or 'none yet'}."
        match push["state"]:
            case "delivered":
                return Text(f"Pushed. {counts}", "green")
            case "dead":
                return Text(f"The push is incomplete: {printable(push['last_error'])}. {counts}", "red")
            case "pending":
                why = f" It is waiting: {printable(push['last_error'])}." if push["last_error"] else ""
                return Text(f"Push {push['delivery']} is running: {counts}{why} See its end with `show`.", "yellow")
            case _:
                return Text(f"Push {push['delivery']} is no longer known. {counts}", "red")


def read(file: Path) -> Any:
    """Read a catalogue's file as JSON. A name twice in one object is an error: its first value would be lost."""
    try:
        return json.loads(file.read_text("utf-8-sig"), object_pairs_hook=_object)
    except OSError as error:
        raise Failed(f"{file} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise Failed(f"{file} is not a valid catalogue: {error}.") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        which = f" (of {content.get('key') or content.get('name')})" if "key" in content or "name" in content else ""
        raise ValueError(f"{', '.join(map(repr, twice))} occurs twice in one object{which}")
    return content


def value_of(value: object) -> str:
    """Return a field's value as JSON."""
    return "—" if value is None else printable(json.dumps(value, ensure_ascii=False))


def _lines(change: dict[str, Any]) -> Iterator[Text]:
    """Return the lines of text for the change of one entry and its fields."""
    sign, style = SIGNS[change["op"]]
    about = "" if change["id"] is None else f"  id {change['id']}{', adopted' if change['adopted'] else ''}"
    reason = f"  {change['reason']}" if change["reason"] else ""
    yield Text.assemble((f"{sign} {printable(change['entry'])}", style), (printable(about), "dim"), printable(reason))
    width = max(map(len, change["fields"]), default=0)
    for name, (before, after) in change["fields"].items():
        old = () if change["op"] == "create" else ((value_of(before), "red"), " → ")
        yield Text.assemble(f"    {name:{width}}  ", *old, (value_of(after), "green"))


def _summary(counts: dict[str, int], words: dict[str, str]) -> str:
    return ", ".join(f"{counts[op]} {word}" for op, word in words.items() if counts.get(op))


def _some(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(printable, names[:most])) + more
