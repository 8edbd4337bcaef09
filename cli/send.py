"""Sign a sample and post it to an installation, as the shop or a printer would."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from cli import hub
from cli.commands import Command
from cli.desk import Desk, fields, printable, table
from cli.errors import DONE, NOT_SO, NotReached
from cli.hub import NotThere
from local import event
from local.partners import PARTNERS, Partner
from local.progress import LocalCloudError
from local.settings import ROOT
from pressroom.inbox.events import State
from pressroom.platform import wire

LOOK_EVERY_S = 0.3
ENDS = (State.PROCESSED, State.FAILED, State.UNHANDLED)


class Change(click.ParamType[Any]):
    """`line_items.0.sku=MUG`: a place in the body, and what is put there."""

    name = "path=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        place, sign, text = str(value).partition("=")
        if not sign or not all(place.split(".")):
            return self.fail(f"{value!r} is not path=value", param, ctx)
        return place.split("."), text


@click.command("send", cls=Command)
@click.argument("topic", required=False)
@click.option("--list", "listing", is_flag=True, help="List the topics and their cases, and send nothing.")
@click.option("--case", default="", help="A deviation of the sample: events/<provider>/<topic>__<case>.json.")
@click.option("--body", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file to send instead.")
@click.option("--set", "changes", type=Change(), multiple=True, help="Change the body: id=2001, line_items.0.sku=MUG.")
@click.option("--times", type=click.IntRange(1), default=1, show_default=True, help="Send the very same so often.")
@click.option("--wait", is_flag=True, help="Wait until it is processed, and say of which order it was.")
@click.option("--timeout", type=click.FloatRange(0), default=60, show_default=True, help="Seconds to wait.")
@click.option("--yes", is_flag=True, help="Don't ask before a stack of AWS is sent something.")
@click.pass_obj
def send(
    desk: Desk,
    /,
    topic: str | None,
    listing: bool,
    case: str,
    body: Path | None,
    changes: tuple[tuple[list[str], str], ...],
    times: int,
    wait: bool,
    timeout: float,
    yes: bool,
) -> int:
    """Sign a sample and post it, such as `send storefront.order_paid --set id=2001 --wait`.

    An installation takes it for genuine: a paid order is printed. The same message is one event, however often it is
    sent; another order needs another id. 1 if it is refused, or has not been processed.
    """
    if listing:
        return _list(desk)
    if topic is None:
        raise click.UsageError("Say which topic, such as storefront.order_paid; --list shows them all.")
    partner, name = _sender(topic)
    source = _source(partner, name, case, body)
    place = desk.installation
    url, secret = place.webhook_url(partner), place.credential(partner)
    raw = body_of(source, partner, secret, changes)
    if not place.is_local:
        desk.confirm(f"{place.title} takes this for genuine: a paid order is printed. Send {topic}?", yes=yes)
    headers = event.signed(partner, name, raw, secret)
    whole_url = f"{url}/{secret}" if partner.credential == "token" else url
    answers = []
    with desk.progress(f"sending {topic}", times) as progress:
        for done in range(times):
            answers.append(hub.exchange("POST", whole_url, body=raw, headers=headers))
            progress(done + 1)
    statuses = Counter(each.status_code for each in answers)
    last = _read(answers[-1].text)
    took = all(each.ok for each in answers)
    told = {
        "topic": topic,
        "url": url,
        "statuses": {str(status): number for status, number in statuses.items()},
        "answer": last,
        "event": None,
        "order": None,
    }
    if took and wait:
        told["event"] = _processed(desk, last["event_id"], timeout)
        told["order"] = _order(desk, told["event"]["order_id"])
    desk.show(told, *_shown(told))
    processed = not wait or bool(told["event"] and told["event"]["state"] == State.PROCESSED)
    return DONE if took and processed else NOT_SO


def _list(desk: Desk) -> int:
    cases: dict[str, list[str]] = {}
    for partner in PARTNERS:
        for file in sorted((ROOT / "events" / partner.name).glob("*.json")):
            name, _, case = file.stem.partition("__")
            cases.setdefault(f"{partner.name}.{name}", []).extend(filter(None, [case]))
    rows = [{"topic": topic, "cases": each} for topic, each in cases.items()]
    desk.show({"topics": rows}, table("Topics", {"topic": "topic", "cases": "cases"}, rows))
    return DONE


def _sender(topic: str) -> tuple[Partner, str]:
    try:
        return event.sender(topic)
    except LocalCloudError as error:
        raise click.UsageError(str(error)) from error


def _source(partner: Partner, name: str, case: str, body: Path | None) -> Path:
    if body and case:
        raise click.UsageError("--case is a sample's, and --body is instead of it.")
    if body:
        return body
    source = event.sample(partner, name, case)
    if not source.is_file():
        raise click.UsageError(f"There is no {source.relative_to(ROOT)}; --list shows what there is.")
    return source


def body_of(source: Path, partner: Partner, secret: str, changes: tuple[tuple[list[str], str], ...]) -> bytes:
    """Return the file's exact bytes, unless something is to be changed; a key in a sample is the local one."""
    raw = source.read_bytes()
    if partner.credential == "apikey" and secret != partner.value:
        changes = (*changes, (["apikey"], json.dumps(secret)))
    if not changes:
        return raw
    try:
        content = wire.parse(raw)
    except ValueError as error:
        raise click.UsageError(f"{source} is not JSON, so nothing in it can be set.") from error
    for place, text in changes:
        _set(content, place, text)
    return wire.write(content)


def _set(content: Any, place: list[str], text: str) -> None:
    try:
        for step in place[:-1]:
            content = content[int(step)] if isinstance(content, list) else content[step]
        if isinstance(content, list):
            content[int(place[-1])] = _meant(text, content[int(place[-1])])
        else:
            content |= {place[-1]: _meant(text, content.get(place[-1]))}
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise click.UsageError(f"The body has no place {'.'.join(place)}.") from error


def _meant(text: str, before: object) -> Any:
    """Take JSON as that and all else as a text; a number, too, in a text's place: 12E45 is a tracking number."""
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


def _processed(desk: Desk, event_id: str, seconds: float) -> dict[str, Any] | None:
    """Wait until a webhook has come to an end, and return it, or as it is when the time is over."""
    seen: dict[str, Any] | None = None

    def look() -> dict[str, Any] | None:
        nonlocal seen
        try:
            seen = desk.hub.get(hub.path("events", event_id))
        except NotThere:
            return None
        return seen if seen["state"] in ENDS else None

    with desk.progress("processing"):
        desk.wait_for(look, seconds=seconds, every=LOOK_EVERY_S)
    if seen is None:
        raise NotReached(f"{desk.installation.title} took {event_id}, but does not know it: is the ops API another's?")
    return {name: value for name, value in seen.items() if not name.startswith("body")}


def _order(desk: Desk, order_id: str | None) -> dict[str, Any] | None:
    """Return where the order stands now: what was processed may have been about none, or about the wrong one."""
    if order_id is None:
        return None
    try:
        order = desk.hub.get(hub.path("orders", order_id))
    except NotThere:
        return None
    return {name: order[name] for name in ("id", "status", "attention")}


def _shown(told: dict[str, Any]) -> list[Any]:
    answer, processed, order = told["answer"], told["event"] or {}, told["order"] or {}
    counted = ", ".join(f"{number} x {status}" for status, number in told["statuses"].items())
    about: dict[str, Any] = {"HTTP status": counted}
    if isinstance(answer, dict):
        about |= {name: answer.get(name) for name in ("event_id", "status", "message", "detail")}
    about |= {"state": processed.get("state"), "order": processed.get("order_id"), "error": processed.get("error")}
    about |= {"order status": order.get("status"), "attention": order.get("attention")}
    shown: list[Any] = [fields(told["topic"], about)]
    if isinstance(answer, list):
        shown.append(table("Faults", {"field": "field", "what is wrong": "message"}, answer))
    if isinstance(answer, str):
        shown.append(Text(printable(answer[:500])))
    return shown
