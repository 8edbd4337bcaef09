"""Tables and fields for the terminal. Text from outside is escaped so that it can't move the cursor or set colours."""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from itertools import compress
from types import MappingProxyType
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pressroom.order.codes import decimals
from pressroom.order.reasons import Attention

IDS, LONGEST_ID = ("order", "webhook", "delivery"), 60
"""Columns of ids, which are not wrapped up to this length, so that an id can be copied."""
COLOURS = {
    **dict.fromkeys(("failed", "dead", "fail", "canceled"), "red"),
    **dict.fromkeys(("unhandled", "warn", "returned", "withdrawn"), "yellow"),
    **dict.fromkeys(("delivered", "processed", "ok", "shipped", "finished"), "green"),
    **dict.fromkeys(("pending", "received", "running", "skipped"), "dim"),
}
SENTENCES = {reason.value: reason.sentence for reason in Attention}
"""What each reason for attention means."""
MILLISECONDS = re.compile(r"(?<=T\d\d:\d\d:\d\d)\.\d{3}Z$")

type Cell = str | Callable[[Mapping[str, Any]], object]
"""The content of a column: the name of a row's field, or a function of the row."""


def printable(value: object) -> str:
    """Return a value as text without control characters."""
    text = str(value)
    return text if text.isprintable() else ascii(text)


def cell(value: object) -> Text:
    """Return a value as the content of a table's cell."""
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
    """Return a table with a title. Columns without any content are left out."""
    cells = [[cell(row.get(of) if isinstance(of, str) else of(row)) for of in columns.values()] for row in rows]
    if not cells:
        return Text(f"{printable(title)}: none")
    shown = Table(title=Text(printable(title)), title_justify="left", title_style="bold", box=None, pad_edge=False)
    transposed = list(zip(*cells, strict=True))
    filled = [any(column) for column in transposed]
    for heading, column in zip(columns, transposed, strict=True):
        if any(column):
            longest = max(map(len, column))
            whole = heading in IDS and longest <= LONGEST_ID
            width = longest if whole else None
            shown.add_column(heading, overflow="fold", header_style="dim", no_wrap=whole, min_width=width)
    for each in cells:
        shown.add_row(*compress(each, filled))
    return shown


def fields(title: str, values: Mapping[str, object]) -> RenderableType:
    """Return a title with named values below it. Empty values are left out."""
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


def money(amount: str | None, currency: str | None) -> str | None:
    """Return an amount with the decimals of its currency; None if there is none."""
    if amount is None:
        return None
    try:
        rounded = Decimal(amount).quantize(Decimal(1).scaleb(-decimals(currency)), ROUND_HALF_UP)
    except InvalidOperation:
        return f"{amount} {currency or ''}".strip()
    return f"{rounded:,f} {currency or ''}".strip()


def attention_table(
    reasons: Iterable[str], concerned: Mapping[str, list[str]] = MappingProxyType({})
) -> RenderableType:
    """Return a table of an order's reasons for attention, each with its sentence and the names that it is about."""
    rows = [  # no sentence: of a newer version
        {"reason": reason, "meaning": SENTENCES.get(reason), "about": concerned.get(reason)} for reason in reasons
    ]
    return table("Attention", {"reason": "reason", "meaning": "meaning", "about": "about"}, rows)
