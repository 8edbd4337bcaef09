"""Received webhooks: the list, and one with its raw body."""

from typing import Any

import click
from rich.text import Text

from cli.api import path
from cli.commands import Command, list_options
from cli.output import Cell, fields
from cli.session import Session
from pressroom.inbox.events import State
from pressroom.partners import SOURCES


@click.command("webhooks", cls=Command)
@click.option("--state", type=click.Choice([each.value for each in State]), help="Only webhooks in this state.")
@click.option(
    "--provider", type=click.Choice(SOURCES), help="Only webhooks of this provider; ops: requests to the ops API."
)
@click.option("--topic", help="Only webhooks of this topic, such as item_shipped.")
@list_options
@click.pass_obj
def webhooks(session: Session, /, **query: Any) -> None:
    """List received webhooks, newest first. Failed and unhandled webhooks need a person."""
    columns: dict[str, Cell] = {
        "received": "received_at",
        "provider": "provider",
        "topic": "topic",
        "state": "state",
        "order": "order_id",
        "webhook": "id",
        "error": "error",
    }
    session.show_list("Webhooks", "/events", "events", columns, **query)


@click.command("webhook", cls=Command)
@click.argument("event_id", metavar="WEBHOOK")
@click.pass_obj
def webhook(session: Session, /, event_id: str) -> None:
    """Show a received webhook with its original body, from which credentials are removed."""
    found = session.api.get(path("events", event_id))
    body = found["body"] or found["body_base64"] or ("(erased)" if found["body_erased"] else "(empty)")
    about = {
        "topic": f"{found['provider']}.{found['topic']}",
        "received": found["received_at"],
        "state": found["state"],
        "error": found["error"],
        "order": found["order_id"],
        "replays": found["replays"] or None,
    }
    session.show(found, fields(f"Webhook {found['id']}", about), "", Text(escape_controls(body)))


def escape_controls(body: str) -> str:
    """Return a body with its control characters escaped, except line breaks and tabs."""
    return "".join(each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in body)
