"""The stores at Printful whose webhooks are applied."""

import click

from cli.api import path
from cli.commands import Group
from cli.output import Cell, printable, table
from cli.session import Session


@click.group("printful-store", cls=Group)
def printful_store() -> None:
    """Show whose webhooks from Printful are applied, and accept another store as yours, or take that back."""


@printful_store.command("list")
@click.pass_obj
def list_stores(session: Session, /) -> None:
    """List your stores at Printful, and the stores whose webhooks are parked because they are not yours."""
    found = session.api.get("/printful/stores")
    rows = [{"store": each, "state": "yours", "last": None} for each in found["ours"]]
    rows += [{"store": each["id"], "state": "not yours", "last": each["seen_at"]} for each in found["foreign"]]
    columns: dict[str, Cell] = {"store": "store", "": "state", "last parked webhook": "last"}
    session.show(found, table("Stores at Printful", columns, rows))


@printful_store.command("accept")
@click.argument("store_id", metavar="STORE")
@click.pass_obj
def accept(session: Session, /, store_id: str) -> None:
    """Declare that a store is yours too: apply its webhooks, and replay those that were parked."""
    response = session.api.post(path("printful", "stores", store_id, "accept"))
    progress = session.installation.typed(f"replay show {response['replay']}")
    session.show(
        response, f"The store {printable(store_id)} is yours too. Its parked webhooks are replayed: see {progress}."
    )


@printful_store.command("remove")
@click.argument("store_id", metavar="STORE")
@click.pass_obj
def remove(session: Session, /, store_id: str) -> None:
    """Take back that a store was accepted: its webhooks are parked from now on. What was applied stays."""
    response = session.api.post(path("printful", "stores", store_id, "remove"))
    session.show(response, f"The store {printable(store_id)} is not yours any more. What was applied stays.")
