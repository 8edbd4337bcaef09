"""Received webhooks: which there are, and one with its raw body."""

from typing import Any

import click
from rich.text import Text

from cli.commands import Command, how_many
from cli.desk import Cell, Desk, fields
from cli.hub import path
from pressroom.inbox.events import State
from pressroom.partners import SOURCES


@click.command("webhooks", cls=Command)
@click.option("--state", type=click.Choice([each.value for each in State]), help="What has become of them.")
@click.option("--provider", type=click.Choice(SOURCES), help="Who sent them; ops: a person.")
@click.option("--topic", help="What they are about, such as item_shipped.")
@how_many
@click.pass_obj
def webhooks(desk: Desk, /, **asked: Any) -> None:
    """List received webhooks, newest first. Failed and unhandled ones need a person."""
    columns: dict[str, Cell] = {
        "received": "received_at",
        "provider": "provider",
        "topic": "topic",
        "state": "state",
        "order": "order_id",
        "webhook": "id",
        "error": "error",
    }
    desk.show_list("Webhooks", "/events", "events", columns, **asked)


@click.command("webhook", cls=Command)
@click.argument("event_id", metavar="WEBHOOK")
@click.pass_obj
def webhook(desk: Desk, /, event_id: str) -> None:
    """Show a received webhook, with its body as it was sent, but for credentials."""
    found = desk.hub.get(path("events", event_id))
    body = found["body"] or found["body_base64"] or ("(erased)" if found["body_erased"] else "(empty)")
    about = {
        "topic": f"{found['provider']}.{found['topic']}",
        "received": found["received_at"],
        "state": found["state"],
        "error": found["error"],
        "order": found["order_id"],
        "replays": found["replays"] or None,
    }
    desk.show(found, fields(f"Webhook {found['id']}", about), "", Text(harmless(body)))


def harmless(body: str) -> str:
    """Return a body as it is, but for what would move the terminal's cursor."""
    return "".join(each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in body)
