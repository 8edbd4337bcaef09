"""Deliveries: what was sent to the printers, the OMS and the shop, or could not be, with each attempt."""

from typing import Any

import click

from cli.commands import Command, how_many
from cli.desk import Cell, Desk, fields, table
from cli.hub import path
from pressroom.order.outbox import State
from pressroom.partners import DESTINATIONS


@click.command("deliveries", cls=Command)
@click.option(
    "--status",
    type=click.Choice([each.value for each in State]),
    default=State.DEAD.value,
    show_default=True,
    help="What has become of them.",
)
@click.option("--destination", type=click.Choice(DESTINATIONS), help="For whom they are.")
@how_many
@click.pass_obj
def deliveries(desk: Desk, /, status: str, **asked: Any) -> None:
    """List deliveries, newest first. Dead ones need a person."""
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
    desk.show_list(title, "/deliveries", "deliveries", columns, status=status, **asked)


@click.command("delivery", cls=Command)
@click.argument("delivery_id", metavar="DELIVERY")
@click.pass_obj
def delivery(desk: Desk, /, delivery_id: str) -> None:
    """Show a delivery with each attempt to send it."""
    found = desk.hub.get(path("deliveries", delivery_id))
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
    desk.show(found, fields(f"Delivery {found['id']}", about), "", table("Attempts", attempts, found["history"]))


@click.command("settle", cls=Command)
@click.argument("delivery_id", metavar="DELIVERY")
@click.argument("outcome", type=click.Choice(["done", "dropped"]))
@click.pass_obj
def settle(desk: Desk, /, delivery_id: str, outcome: str) -> None:
    """Say what has become of a dead delivery: done, the destination has it; dropped, it is not to be sent.

    The lines that it was to order are canceled when it is dropped, and the shop is told.
    """
    answer = desk.hub.post(path("deliveries", delivery_id, "settle"), {"outcome": outcome})
    desk.show(answer, f"{answer['id']} is {answer['status']}.")
