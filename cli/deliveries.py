"""Deliveries to printers and to the shop, with their attempts."""

from typing import Any

import click

from cli.api import path
from cli.commands import Command, list_options
from cli.output import Cell, fields, table
from cli.session import Session
from pressroom.order.outbox import State
from pressroom.partners import DESTINATIONS


@click.command("deliveries", cls=Command)
@click.option(
    "--status",
    type=click.Choice([each.value for each in State]),
    default=State.DEAD.value,
    show_default=True,
    help="Only deliveries with this status.",
)
@click.option("--destination", type=click.Choice(DESTINATIONS), help="Only deliveries to this destination.")
@list_options
@click.pass_obj
def deliveries(session: Session, /, status: str, **query: Any) -> None:
    """List deliveries, newest first. Dead deliveries need a person."""
    columns: dict[str, Cell] = {
        "created": "created_at",
        "to": "destination",
        "what": "operation",
        "order": "order_id",
        "state": "state",
        "attempts": "attempts",
        "delivery": "id",
        "last error": "last_error",
    }
    title = f"{status.capitalize()} deliveries"
    session.show_list(title, "/deliveries", "deliveries", columns, status=status, **query)


@click.command("delivery", cls=Command)
@click.argument("delivery_id", metavar="DELIVERY")
@click.pass_obj
def delivery(session: Session, /, delivery_id: str) -> None:
    """Show a delivery with each attempt."""
    found = session.api.get(path("deliveries", delivery_id))
    about = {
        "to": found["destination"],
        "what": found["operation"],
        "order": found["order_id"],
        "state": found["state"],
        "created": found["created_at"],
        "attempts": str(found["attempts"]),
        "replays": found["replays"] or None,
        "last error": found["last_error"],
    }
    attempts = {"at": "at", "HTTP status": "status", "error": "error"}
    session.show(found, fields(f"Delivery {found['id']}", about), "", table("Attempts", attempts, found["history"]))


@click.command("settle", cls=Command)
@click.argument("delivery_id", metavar="DELIVERY")
@click.argument("outcome", type=click.Choice(["done", "dropped"]))
@click.pass_obj
def settle(session: Session, /, delivery_id: str, outcome: str) -> None:
    """Close a dead delivery by hand: done if the destination has received it, dropped if it must not be sent.

    If a dropped delivery was to order lines, these lines are canceled, and the shop is notified.
    """
    response = session.api.post(path("deliveries", delivery_id, "settle"), {"outcome": outcome})
    session.show(response, f"{response['id']} is {response['status']}.")
