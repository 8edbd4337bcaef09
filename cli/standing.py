"""How the installation stands as a whole."""

from typing import Any

import click
from rich.text import Text

from cli.commands import Command
from cli.desk import Cell, Desk, table
from cli.errors import DONE, NOT_SO

BLOCKS = " ▁▂▃▄▅▆▇█"


@click.command("overview", cls=Command)
@click.pass_obj
def overview(desk: Desk, /) -> None:
    """Count what there is: orders by status, what needs a person, what each provider sent by the hour."""
    found = desk.hub.get("/overview")
    orders: dict[str, Cell] = {"status": "status", "orders": count}
    deliveries: dict[str, Cell] = {
        "to": "destination",
        "pending": lambda row: count(row["pending"]),
        "dead": lambda row: count(row["dead"]),
    }
    providers: dict[str, Cell] = {
        "provider": "provider",
        "last 24 hours": lambda row: Text(curve(row["received"])),
        "webhooks": lambda row: f"{sum(row['received'])}{'+' if row['more'] else ''}",
        "last heard": lambda row: row["last_heard_at"] or "never",
    }
    webhooks = found["webhooks"]
    desk.show(
        found,
        table("Orders", orders, [each for each in found["orders"] if each["count"]]),
        f"{count(found['attention'])} need a person.\n",
        table("Deliveries", deliveries, found["deliveries"]),
        f"Webhooks: {count(webhooks['failed'])} failed, {count(webhooks['unhandled'])} unhandled.\n",
        table("Received", providers, found["providers"]),
    )


@click.command("conditions", cls=Command)
@click.pass_obj
def conditions(desk: Desk, /) -> int:
    """Show what is wrong with the installation as a whole, such as a silent provider; 1 if something is."""
    found = desk.hub.get("/conditions")
    columns: dict[str, Cell] = {"since": "since", "condition": "name", "about": "about", "what": "text"}
    looked = (
        f"Looked at {found['looked_at']}."
        if found["looked_at"]
        else "Nobody has looked yet: that is done every quarter of an hour."
    )
    desk.show(found, table("Conditions", columns, found["conditions"]), looked)
    return NOT_SO if found["conditions"] else DONE


def count(counted: Any) -> str:
    """Write a bounded count."""
    return f"{counted['count']}{'+' if counted['more'] else ''}"


def curve(numbers: list[int]) -> str:
    """Draw numbers as blocks; what is not nothing is seen."""
    most = max(numbers, default=0)
    return "".join(BLOCKS[-(-each * (len(BLOCKS) - 1) // most) if most else 0] for each in numbers)
