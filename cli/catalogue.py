"""The OMS's catalogue: how it differs from a file, and a push that makes it the same.

The Lambda does it; this reads the file, says what was answered, and waits for a push to end.

Exit codes, for scripts: 0 all is well, and for `diff` nothing differs; 1 not done, or not all of it; 3 something is
still to be done: `diff` found a difference, or `push` has not ended yet.
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
from cli.desk import WIDTH, Desk, printable
from cli.errors import DONE, NOT_SO, TO_DO, Failed
from cli.invoke import ask

LOOK_EVERY_S = 2
SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}
SIGNS |= {"unknown": ("?", "magenta"), "fail": ("!", "bold red")}
COUNTED = {
    "create": "to create",
    "update": "to update",
    "delete": "to delete",
    "same": "the same",
    "unknown": "unknown",
    "fail": "that can't be done",
}
DID = {"create": "created", "update": "updated", "delete": "deleted", "same": "left as they were"}
DID |= {"unknown": "unknown", "fail": "failed"}

type Ask = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Wish:
    """What a person typed: an action, what it is about, and how long they would wait for a push."""

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
    """Compare a catalogue with the OMS's, and push it there."""


@catalogue.command("diff")
@_file
@_delete
@click.pass_obj
def diff(desk: Desk, /, file: Path | None, delete: tuple[str, ...]) -> int:
    """Show what would be created, changed and deleted; sends nothing. 3 if something differs."""
    return _run(desk, Wish("diff", file=file, delete=delete))


@catalogue.command("push")
@_file
@_delete
@click.option("--wait", "wait_s", type=click.FloatRange(0), default=600, show_default=True, help="Seconds to wait.")
@click.pass_obj
def push(desk: Desk, /, file: Path | None, delete: tuple[str, ...], wait_s: float) -> int:
    """Make the OMS's the same, and wait for the end. 3 if it has not ended by then."""
    return _run(desk, Wish("push", file=file, delete=delete, wait_s=wait_s))


@catalogue.command("show")
@click.pass_obj
def show(desk: Desk, /) -> int:
    """Show what has become of each entry."""
    return _run(desk, Wish("show"))


@catalogue.command("absent")
@click.argument("entries", nargs=-1, required=True, metavar="KEY…")
@click.pass_obj
def absent(desk: Desk, /, entries: tuple[str, ...]) -> int:
    """Say that entries which are unknown are not at the OMS."""
    return _run(desk, Wish("absent", entries=entries))


def _run(desk: Desk, wish: Wish) -> int:
    command = Command(lambda asked: ask(desk.installation, "catalogue", asked), desk.console, aside=desk.aside)
    code = command.run(wish)
    desk.show(command.answer)
    return code


class Command:
    """Does what was typed, with what a Lambda answers."""

    def __init__(
        self,
        ask: Ask,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        *,
        aside: Console | None = None,
    ) -> None:
        self._ask = ask
        self._console = console or Console(width=WIDTH, highlight=False, markup=False, soft_wrap=True)
        self._aside = aside or self._console
        self.answer: dict[str, Any] = {}
        """What the Lambda has answered: to the question itself, or how its push stands."""
        self._clock, self._sleep = clock, sleep

    def run(self, wish: Wish) -> int:
        asked: dict[str, Any] = {"action": wish.action}
        if wish.action in ("diff", "push"):
            if wish.file is None and not wish.delete:
                raise click.UsageError("Give the catalogue's file, such as docs/catalogue.example.json.")
            asked |= {"catalogue": read(wish.file) if wish.file else {}, "delete": list(wish.delete)}
        if wish.action == "absent":
            asked["entries"] = list(wish.entries)
        answer = self.answer = self._ask(asked)
        if not answer["ok"]:
            return self._refused(answer)
        match wish.action:
            case "diff":
                return self._differs(answer)
            case "push":
                return self._pushed(answer, wish.wait_s)
            case "absent":
                self._say(f"Absent, so the next push creates them: {', '.join(answer['absent'])}.")
                return DONE
            case _:
                return self._known(answer)

    def _say(self, text: str | Text) -> None:
        self._console.print(text)

    def _refused(self, answer: dict[str, Any]) -> int:
        self._say(Text(f"Not done: {answer['problem']}.", "bold red"))
        for error in answer.get("errors", ()):
            self._say(Text.assemble("  ", (printable(error["field"]), "bold"), f"  {printable(error['message'])}"))
        return NOT_SO

    def _differs(self, answer: dict[str, Any]) -> int:
        for change in answer["changes"]:
            for line in _lines(change):
                self._say(line)
        self._say(f"{_counted(answer['counts'], COUNTED) or 'Nothing'}.")
        if others := answer["not_in_file"]:
            self._say(Text(f"Not in the file, and left as they are: {_some(others)}.", "dim"))
        if guessed := answer["guessed"]:
            how = "could not be looked up, and were compared with what was pushed last"
            self._say(Text(f"{guessed['entries']} {how}: {guessed['reason']}.", "yellow"))
        counts = answer["counts"]
        if counts.get("fail") or counts.get("unknown"):
            return NOT_SO
        return TO_DO if answer["changes"] or answer["guessed"] else DONE

    def _pushed(self, answer: dict[str, Any], wait_s: float) -> int:
        self._say(f"The push is queued: {answer['delivery']}, of {answer['total']} entries.")
        if answer["replaces"]:
            self._say(Text(f"It takes the place of {answer['replaces']}, which had not ended.", "yellow"))
        push = self._wait_for(answer, wait_s)
        self.answer = answer | {"push": push}
        if push["delivery"] != answer["delivery"]:
            self._say(Text("Another push has taken its place.", "red"))
            return NOT_SO
        self._say(self._state(push))
        if push["state"] == "dead":
            self._failures(self._ask({"action": "show"})["entries"])
        return {"delivered": DONE, "dead": NOT_SO}.get(push["state"], TO_DO)

    def _wait_for(self, answer: dict[str, Any], wait_s: float) -> dict[str, Any]:
        until = self._clock() + wait_s
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self._aside, transient=True, disable=not self._aside.is_terminal) as bar:
            task = bar.add_task("pushing", total=answer["total"])
            while True:
                push: dict[str, Any] = self._ask({"action": "progress"})["push"]
                waits = f"waiting: {printable(push['last_error'])}" if push["last_error"] else "pushing"
                bar.update(task, completed=push["done"], description=waits)
                over = push["delivery"] != answer["delivery"] or push["state"] != "pending"
                if over or self._clock() >= until:
                    return push
                self._sleep(LOOK_EVERY_S)

    def _known(self, answer: dict[str, Any]) -> int:
        push = answer["push"]
        self._say(self._state(push) if push else "Nothing was ever pushed.")
        if entries := answer["entries"]:
            table = Table("entry", "id", "state", "last error", box=None, pad_edge=False)
            for entry in entries:
                style = "red" if entry["error"] else ""
                cells = (entry["entry"], entry["id"], entry["state"], entry["error"])
                table.add_row(*(Text(printable("" if each is None else each), style) for each in cells))
            self._console.print(table)
        failed = any(entry["error"] for entry in entries)
        return NOT_SO if failed or (push and push["state"] == "dead") else DONE

    def _failures(self, entries: Iterable[dict[str, Any]]) -> None:
        for entry in entries:
            if entry["error"]:
                sign, style = SIGNS["unknown" if entry["state"] == "unknown" else "fail"]
                self._say(Text(f"{sign} {printable(entry['entry'])}  {printable(entry['error'])}", style))

    @staticmethod
    def _state(push: dict[str, Any]) -> Text:
        counts = f"{push['done']} of {push['total']} entries: {_counted(push['counts'], DID) or 'none yet'}."
        match push["state"]:
            case "delivered":
                return Text(f"Pushed. {counts}", "green")
            case "dead":
                return Text(f"Not all was pushed: {printable(push['last_error'])}. {counts}", "red")
            case "pending":
                why = f" It waits: {printable(push['last_error'])}." if push["last_error"] else ""
                return Text(
                    f"The push {push['delivery']} is under way, {counts}{why} `show` says how it ends.", "yellow"
                )
            case _:
                return Text(f"The push {push['delivery']} is not known any more. {counts}", "red")


def read(file: Path) -> Any:
    """Read a catalogue's file as JSON, in which no name may stand twice in one object: the first would be lost."""
    try:
        return json.loads(file.read_text("utf-8-sig"), object_pairs_hook=_object)
    except OSError as error:
        raise Failed(f"{file} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise Failed(f"{file} is not the JSON of a catalogue: {error}.") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        which = f" (of {content.get('key') or content.get('name')})" if "key" in content or "name" in content else ""
        raise ValueError(f"{', '.join(map(repr, twice))} stands twice in one object{which}")
    return content


def value_of(value: object) -> str:
    """Write a field's value as JSON has it."""
    return "—" if value is None else printable(json.dumps(value, ensure_ascii=False))


def _lines(change: dict[str, Any]) -> Iterator[Text]:
    """Write out what becomes of one entry, and of its fields."""
    sign, style = SIGNS[change["op"]]
    about = "" if change["id"] is None else f"  id {change['id']}{', adopted' if change['adopted'] else ''}"
    reason = f"  {change['reason']}" if change["reason"] else ""
    yield Text.assemble((f"{sign} {printable(change['entry'])}", style), (printable(about), "dim"), printable(reason))
    width = max(map(len, change["fields"]), default=0)
    for name, (before, after) in change["fields"].items():
        old = () if change["op"] == "create" else ((value_of(before), "red"), " → ")
        yield Text.assemble(f"    {name:{width}}  ", *old, (value_of(after), "green"))


def _counted(counts: dict[str, int], words: dict[str, str]) -> str:
    return ", ".join(f"{counts[op]} {word}" for op, word in words.items() if counts.get(op))


def _some(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(printable, names[:most])) + more
