"""Sign a sample webhook and send it to an installation, as the shop or a printer does."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from cli.api import exchange, path
from cli.commands import Command
from cli.errors import DONE, NEGATIVE, NotFound, Unreachable
from cli.output import attention_table, fields, printable, table
from cli.session import Session
from local import event
from local.partners import SENDERS, Sender
from local.progress import LocalCloudError
from local.settings import ROOT
from pressroom.inbox.events import State
from pressroom.platform import wire

POLL_EVERY_S = 0.3
FINAL_STATES = (State.PROCESSED, State.FAILED, State.UNHANDLED)

type Changes = tuple[tuple[list[str], str], ...]
"""Paths in the body, and their new values."""


class Change(click.ParamType[Any]):
    """`line_items.0.sku=MUG`: a path in the body, and its new value."""

    name = "path=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        steps, sign, text = str(value).partition("=")
        if not sign or not all(steps.split(".")):
            return self.fail(f"{value!r} is not path=value", param, ctx)
        return steps.split("."), text


@click.command("send", cls=Command)
@click.argument("topic", required=False)
@click.option("--list", "listing", is_flag=True, help="List the topics and the cases of their samples. Sends nothing.")
@click.option("--case", default="", help="Send the variant CASE of the sample: events/<provider>/<topic>__<case>.json.")
@click.option(
    "--body",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file whose bytes are sent as the body, instead of a sample.",
)
@click.option(
    "--set",
    "changes",
    type=Change(),
    multiple=True,
    help="Set a value in the body, by its path: id=2001, line_items.0.sku=MUG.",
)
@click.option(
    "--times", type=click.IntRange(1), default=1, show_default=True, help="Send the same webhook this many times."
)
@click.option("--wait", is_flag=True, help="Wait until the webhook is processed, and show its order.")
@click.option("--timeout", type=click.FloatRange(0), default=60, show_default=True, help="Seconds to wait with --wait.")
@click.option("--yes", is_flag=True, help="Don't ask before sending to a stack in AWS.")
@click.pass_obj
def send(
    session: Session,
    /,
    topic: str | None,
    listing: bool,
    case: str,
    body: Path | None,
    changes: Changes,
    times: int,
    wait: bool,
    timeout: float,
    yes: bool,
) -> int:
    """Sign a sample webhook and send it, such as `send storefront.order_paid --set id=2001 --wait`.

    The installation treats the webhook as genuine, so a paid order is printed. Sending the same webhook again has no
    further effect; for a new order, set another id. Exit code 1 if it is refused, or with --wait not processed.
    """
    if listing:
        return _list(session)
    if topic is None:
        raise click.UsageError("Give a topic, such as storefront.order_paid. --list shows all topics.")
    sender, name = _sender_of(topic)
    source = _source(sender, name, case, body)
    installation = session.installation
    url, secret = installation.webhook_url(sender), installation.credential(sender)
    raw = body_of(source, sender, secret, changes)
    if not installation.is_local:
        question = f"{installation.title} treats this webhook as genuine, so a paid order is printed. Send {topic}?"
        session.confirm(question, yes=yes)
    headers = event.signed(sender, name, raw, secret)
    whole_url = f"{url}/{secret}" if sender.credential == "token" else url
    responses = []
    with session.progress(f"sending {topic}", times) as progress:
        for done in range(times):
            responses.append(exchange("POST", whole_url, body=raw, headers=headers))
            progress(done + 1)
    statuses = Counter(each.status_code for each in responses)
    accepted = all(each.ok for each in responses)
    result: dict[str, Any] = {
        "topic": topic,
        "url": url,
        "statuses": {str(status): number for status, number in statuses.items()},
        "answer": _read(responses[-1].text),
        "event": None,
        "order": None,
    }
    if accepted and wait:
        result["event"] = _wait_for_event(session, result["answer"]["event_id"], timeout)
        result["order"] = _order(session, result["event"]["order_id"])
    session.show(result, *_readable(result))
    processed = not wait or bool(result["event"] and result["event"]["state"] == State.PROCESSED)
    return DONE if accepted and processed else NEGATIVE


def _list(session: Session) -> int:
    cases: dict[str, list[str]] = {}
    for sender in SENDERS:
        for file in sorted((ROOT / "events" / sender.id).glob("*.json")):
            name, _, case = file.stem.partition("__")
            cases.setdefault(f"{sender.id}.{name}", []).extend(filter(None, [case]))
    rows = [{"topic": topic, "cases": each} for topic, each in cases.items()]
    session.show({"topics": rows}, table("Topics", {"topic": "topic", "cases": "cases"}, rows))
    return DONE


def _sender_of(topic: str) -> tuple[Sender, str]:
    try:
        return event.sender_of(topic)
    except LocalCloudError as error:
        raise click.UsageError(str(error)) from error


def _source(sender: Sender, name: str, case: str, body: Path | None) -> Path:
    if body and case:
        raise click.UsageError("Give --case for a sample or --body for a file, not both.")
    if body:
        return body
    source = event.sample(sender, name, case)
    if not source.is_file():
        raise click.UsageError(f"There is no {source.relative_to(ROOT)}. --list shows all samples.")
    return source


def body_of(source: Path, sender: Sender, secret: str, changes: Changes) -> bytes:
    """Return the file's exact bytes unless there are changes. The local key in a sample is replaced by the secret."""
    raw = source.read_bytes()
    if sender.credential == "apikey" and secret != sender.value:
        changes = (*changes, (["apikey"], json.dumps(secret)))
    if not changes:
        return raw
    try:
        content = wire.parse(raw)
    except ValueError as error:
        raise click.UsageError(f"{source} is not JSON, so --set can't change it.") from error
    for steps, text in changes:
        _set(content, steps, text)
    return wire.write(content)


def _set(content: Any, steps: list[str], text: str) -> None:
    *parents, last = steps
    try:
        for step in parents:
            content = content[int(step)] if isinstance(content, list) else content[step]
        if isinstance(content, list):
            content[int(last)] = _value(text, content[int(last)])
        else:
            content |= {last: _value(text, content.get(last))}
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise click.UsageError(f"The body has no path {'.'.join(steps)}.") from error


def _value(text: str, before: object) -> Any:
    """Parse a value as JSON, else keep it as text. In place of text, a number stays text (12E45, a tracking number)."""
    try:
        value = wire.parse(text.encode())
    except ValueError:
        return text
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return text if is_number and isinstance(before, str) else value


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _wait_for_event(session: Session, event_id: str, seconds: float) -> dict[str, Any]:
    """Wait until a webhook is in a final state or the time is over, and return it without its body."""
    found: dict[str, Any] | None = None

    def poll() -> dict[str, Any] | None:
        nonlocal found
        try:
            found = session.api.get(path("events", event_id))
        except NotFound:
            return None
        return found if found["state"] in FINAL_STATES else None

    with session.progress("processing"):
        session.wait_for(poll, seconds=seconds, every=POLL_EVERY_S)
    if found is None:
        title = session.installation.title
        raise Unreachable(
            f"{title} accepted {event_id}, but its ops API has no such webhook. Is this the API of another stack?"
        )
    return {name: value for name, value in found.items() if not name.startswith("body")}


def _order(session: Session, order_id: str | None) -> dict[str, Any] | None:
    """Return the order's status and attention; None if the webhook belongs to no order."""
    if order_id is None:
        return None
    try:
        order = session.api.get(path("orders", order_id))
    except NotFound:
        return None
    return {name: order[name] for name in ("id", "status", "attention")}


def _readable(result: dict[str, Any]) -> list[Any]:
    response, processed, order = result["answer"], result["event"] or {}, result["order"] or {}
    counted = ", ".join(f"{number} x {status}" for status, number in result["statuses"].items())
    about: dict[str, Any] = {"HTTP status": counted}
    if isinstance(response, dict):
        about |= {name: response.get(name) for name in ("event_id", "status", "message", "detail")}
    about |= {"state": processed.get("state"), "order": processed.get("order_id"), "error": processed.get("error")}
    about["order status"] = order.get("status")
    parts: list[Any] = [fields(result["topic"], about)]
    if attention := order.get("attention"):
        parts.append(attention_table(attention))
    if isinstance(response, list):
        parts.append(table("Errors", {"field": "field", "error": "message"}, response))
    if isinstance(response, str):
        parts.append(Text(printable(response[:500])))
    return parts
