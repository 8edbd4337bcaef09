"""Orders: which there are, one with all that is known of it, giving a line to a printer, erasing a person."""

from typing import Any

import click
from rich.console import RenderableType

from cli.commands import Command, Group, how_many
from cli.desk import Cell, Desk, fields, table
from cli.hub import path
from pressroom.order.model import Status
from pressroom.order.reasons import Attention
from pressroom.partners import PRINTERS


@click.command("orders", cls=Command)
@click.option("--status", type=click.Choice([each.value for each in Status]), help="Where they stand.")
@click.option("--provider", type=click.Choice(PRINTERS), help="Who prints a line of them, or has told of them.")
@click.option(
    "--attention",
    type=click.Choice(["any", *(each.value for each in Attention)]),
    is_flag=False,
    flag_value="any",
    metavar="[REASON]",
    help="Those that a person should look at; for one reason only.",
)
@click.option(
    "--stalled",
    type=click.IntRange(1),
    is_flag=False,
    flag_value=24,
    metavar="[HOURS]",
    help="Open, and unheard of for so long [24], oldest first.",
)
@click.option("--id", "order_id", help="The order with this id.")
@click.option("--ref", help="The orders with this reference.")
@click.option("--tracking", help="The orders with a parcel of this tracking number.")
@how_many
@click.pass_obj
def orders(desk: Desk, /, order_id: str | None, **asked: Any) -> None:
    """List orders, newest first."""
    columns: dict[str, Cell] = {
        "order": "id",
        "ref": "ref",
        "status": "status",
        "on hold": lambda row: row["on_hold"] or None,
        "attention": "attention",
        "providers": "providers",
        "created": "created_at",
        "heard of": "updated_at",
    }
    desk.show_list("Orders", "/orders", "orders", columns, id=order_id, **asked)


@click.command("order", cls=Command)
@click.argument("order_id", metavar="ORDER")
@click.pass_obj
def order(desk: Desk, /, order_id: str) -> None:
    """Show an order: lines, parcels, holds, deliveries, and what happened."""
    found = desk.hub.get(path("orders", order_id))
    desk.show(found, *_shown(found))


@click.command("route", cls=Command)
@click.argument("order_id", metavar="ORDER")
@click.argument("line_id", metavar="LINE")
@click.argument("destination", type=click.Choice(PRINTERS))
@click.pass_obj
def route(desk: Desk, /, order_id: str, line_id: str, destination: str) -> None:
    """Give a line that no routing rule wanted to a printer."""
    answer = desk.hub.post(path("orders", order_id, "lines", line_id, "route"), {"destination": destination})
    said = "was asked for before" if answer["status"] == "duplicate" else "is accepted"
    desk.show(answer, f"That line {line_id} of {order_id} goes to {destination} {said}: {answer['event_id']}.")


@click.group("erase", cls=Group)
def erase() -> None:
    """Erase what is personal, for good."""


@erase.command("order")
@click.argument("order_id", metavar="ORDER")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.pass_obj
def erase_order(desk: Desk, /, order_id: str, yes: bool) -> None:
    """Empty the bodies of an order's webhooks and deliveries, and the texts of its record."""
    desk.confirm(f"Erase what is personal in the order {order_id}? It can't be undone.", yes=yes)
    answer = desk.hub.post(path("orders", order_id, "erase"))
    desk.show(answer, f"Erased at {answer['erased_at']}.")


@erase.command("webhook")
@click.argument("event_id", metavar="WEBHOOK")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.pass_obj
def erase_webhook(desk: Desk, /, event_id: str, yes: bool) -> None:
    """Empty the body of a webhook that belongs to no order."""
    desk.confirm(f"Erase the body of {event_id}? It can't be replayed after that.", yes=yes)
    answer = desk.hub.post(path("events", event_id, "erase"))
    desk.show(answer, f"Erased at {answer['erased_at']}.")


def _shown(order: dict[str, Any]) -> list[RenderableType]:
    about = {
        "ref": order["ref"],
        "status": order["status"],
        "on hold": order["on_hold"] or None,
        "attention": order["attention"],
        "currency": order["currency"],
        "created": order["created_at"],
        "heard of": order["updated_at"],
        "erased": order.get("erased_at"),
    }
    lines: dict[str, Cell] = {
        "line": "id",
        "sku": "sku",
        "quantity": "quantity",
        "shipped": "shipped_quantity",
        "canceled": lambda row: row["canceled_quantity"] or None,
        "returned": lambda row: row["returned_quantity"] or None,
        "goes to": lambda row: row["destination"] or "nowhere",
        "status": "status",
        "print file": lambda row: (row["print_file"] or {}).get("status"),
        "batch": lambda row: (row["batch"] or {}).get("id"),
        "error": lambda row: (row["error"] or {}).get("cause"),
    }
    parcels: dict[str, Cell] = {
        "provider": "provider",
        "carrier": "carrier",
        "tracking": "tracking_number",
        "url": "tracking_url",
        "shipped": "shipped_at",
        "content": lambda row: [f"{each['quantity']} x {each['sku']}" for each in row["lines"]],
        "": lambda row: [name for name in ("reshipment", "returned", "merged") if row.get(name)],
    }
    holds = {"provider": "provider", "since": "since", "until": "until", "reason": "reason"}
    tables = [table("Lines", lines, order["lines"]), table("Parcels", parcels, order["shipments"])]
    if order["holds"]:
        tables.append(table("Holds", holds, order["holds"]))
    deliveries: dict[str, Cell] = {
        "delivery": "id",
        "to": "destination",
        "what": "operation",
        "status": "status",
        "attempts": "attempts",
        "last error": "last_error",
    }
    timeline = {"at": "at", "received": "received_at", "source": "source", "what": "text"}
    tables += [table("Deliveries", deliveries, order["deliveries"]), table("Timeline", timeline, order["timeline"])]
    return [part for each in (fields(f"Order {order['id']}", about), *tables) for part in (each, "")][:-1]
