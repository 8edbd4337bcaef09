"""The products of the shop at Printful, and which variants can't be ordered there."""

from typing import Any

import click

from cli.commands import Command, list_options
from cli.output import Cell
from cli.session import Session


@click.command("products", cls=Command)
@click.option("--deleted", is_flag=True, help="Only products that were deleted at Printful.")
@list_options
@click.pass_obj
def products(session: Session, /, deleted: bool, **query: Any) -> None:
    """List the shop's products at Printful, the one that changed last first."""
    columns: dict[str, Cell] = {
        "product": "id",
        "shop's id": "external_id",
        "name": "name",
        "variants": "variants",
        "synced": "synced",
        "deleted": lambda row: row["deleted"] or None,
        "changed": "updated_at",
    }
    only = "true" if deleted else None
    session.show_list("Products", "/products", "products", columns, deleted=only, **query)


@click.command("stock", cls=Command)
@click.option("--unavailable", is_flag=True, help="Only products with a variant that can't be ordered.")
@list_options
@click.pass_obj
def stock(session: Session, /, unavailable: bool, **query: Any) -> None:
    """List which variants of Printful's catalogue products can't be ordered, latest change first."""
    columns: dict[str, Cell] = {
        "catalogue product": "product_id",
        "out of stock": "out",
        "discontinued": "discontinued",
        "changed": "updated_at",
    }
    only = "true" if unavailable else None
    session.show_list("Stock", "/stock", "stock", columns, unavailable=only, **query)
