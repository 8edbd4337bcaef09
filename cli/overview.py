"""The installation as a whole: counts, and health conditions."""

from typing import Any

import click
from rich.text import Text

from cli.commands import Command
from cli.errors import DONE, NEGATIVE
from cli.output import Cell, table
from cli.session import Session
from pressroom.platform.words import counted

BLOCKS = " ▁▂▃▄▅▆▇█"


@click.command("overview", cls=Command)
@click.pass_obj
def overview(session: Session, /) -> None:
    """Count orders by status, what needs a person, and the webhooks of each provider in the last 24 hours."""
    found = session.api.get("/overview")
    orders: dict[str, Cell] = {"status": "status", "orders": count}
    deliveries: dict[str, Cell] = {
        "to": "destination",
        "pending": lambda row: count(row["pending"]),
        "dead": lambda row: count(row["dead"]),
    }
    providers: dict[str, Cell] = {
        "provider": "provider",
        "last 24 hours": lambda row: Text(sparkline(row["received"])),
        "webhooks": lambda row: f"{sum(row['received'])}{'+' if row['more'] else ''}",
        "last webhook": lambda row: row["last_heard_at"] or "never",
    }
    known, webhooks, refused = found["attention"], found["webhooks"], found.get("refused")
    session.show(
        found,
        table("Orders", orders, [each for each in found["orders"] if each["count"]]),
        f"{counted(known['count'], 'order needs attention', 'orders need attention', more=known['more'])}.\n",
        table("Deliveries", deliveries, found["deliveries"]),
        f"Webhooks: {count(webhooks['failed'])} failed, {count(webhooks['unhandled'])} unhandled.\n",
        table("Received", providers, found["providers"]),
        *([table("Refused in the last week", {"what": "text"}, refused)] if refused else []),
    )


@click.command("conditions", cls=Command)
@click.pass_obj
def conditions(session: Session, /) -> int:
    """List the health conditions that are true now, such as a silent printer. Exit code 1 if there are any."""
    found = session.api.get("/conditions")
    columns: dict[str, Cell] = {"since": "since", "condition": "name", "about": "about", "what": "text"}
    checked = (
        f"Last checked at {found['looked_at']}."
        if found["looked_at"]
        else "No check yet. The monitor checks the conditions every 15 minutes."
    )
    session.show(found, table("Conditions", columns, found["conditions"]), checked)
    return NEGATIVE if found["conditions"] else DONE


def count(counted: Any) -> str:
    """Return a count as text; a `+` means that counting stopped there."""
    return f"{counted['count']}{'+' if counted['more'] else ''}"


def sparkline(numbers: list[int]) -> str:
    """Draw numbers as blocks. Every number above 0 is visible."""
    most = max(numbers, default=0)
    return "".join(BLOCKS[-(-each * (len(BLOCKS) - 1) // most) if most else 0] for each in numbers)
