"""The Markdown documents, and what can be read out of them: links, anchors, commands, tables."""

import re
import shlex
from collections.abc import Iterator
from functools import cache

from tests.support.template import ROOT

HIDDEN = re.compile(r"\.|node_modules$")
"""Folders of environments and builds, which hold documents of others."""


def documents() -> list[str]:
    """Every Markdown document of the repository, as a path from its root."""
    found = []
    for folder, folders, files in ROOT.walk():
        folders[:] = [name for name in folders if not HIDDEN.match(name)]
        found += [str((folder / name).relative_to(ROOT)) for name in files if name.endswith(".md")]
    return sorted(found)


@cache
def text(document: str) -> str:
    return (ROOT / document).read_text()


def prose(document: str) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", text(document), flags=re.MULTILINE | re.DOTALL)


def blocks(document: str, language: str = "") -> list[str]:
    """The contents of a document's fenced blocks in a language."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text(document), re.MULTILINE | re.DOTALL)


def spans(document: str) -> list[str]:
    """What stands in backticks in a document's text."""
    return re.findall(r"`([^`\n]+)`", prose(document))


def section(document: str, heading: str) -> str:
    """What stands under a heading, subheadings included, without fenced blocks."""
    level, _, _ = heading.partition(" ")
    rest = f"\n{prose(document)}".partition(f"\n{heading}\n")[2]
    assert rest, f"{document} has no {heading}"
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(document: str, heading: str, *, table: str) -> list[list[str]]:
    """The cells of the table under a heading whose first column is called `table`, row by row."""
    lines = section(document, heading).splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith(f"| {table} |")]
    assert len(starts) == 1, f"{document}, {heading}: {len(starts)} tables called {table}"
    found = []
    for line in lines[starts[0] + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def names(cells: list[str]) -> list[str]:
    """The names in backticks in the first cell of a row."""
    return re.findall(r"`([^`]+)`", cells[0])


def anchors(document: str) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    plain = [re.sub(r"\[(.+?)\]\(.+?\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def links(document: str) -> list[str]:
    """The targets of a document's links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(document))


def typed(document: str, tool: str) -> list[list[str]]:
    """What a document says to type for a tool, split as a shell would."""
    shell = "".join(blocks(document)).replace("\\\n", " ")
    return [words for line in [*shell.splitlines(), *spans(document)] for words in calls(line, tool)]


def calls(line: str, tool: str) -> Iterator[list[str]]:
    """The words after a tool's name in a line of shell; a text in angle brackets, to be filled in, is one word."""
    for command in re.split(r"\||&&", re.sub(r"<[^<>]+>", "X", line)):
        call = re.match(rf" *(?:\.venv/bin/)?{tool} ([^#]*)", command)
        if call:
            yield shlex.split(call[1])
