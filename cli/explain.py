"""Explain the route of each line of a paid order. Sends and stores nothing.

The storefront's receiver code validates the order, and the topic's code routes its lines. The rules are those given as
options, else those of the installation, else (without a named installation or local cloud) the template's defaults.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import RenderableType
from rich.text import Text

from cli.commands import Command
from cli.errors import DONE, NEGATIVE, Failed
from cli.output import printable, table
from cli.session import Session
from cli.stacks import NoLocalCloud
from local.settings import TEMPLATE
from pressroom.inbox import events
from pressroom.inbox.receiver import LARGEST_BODY
from pressroom.order import routing
from pressroom.order.routing import Route, Routing
from pressroom.order.shop_order import LineItem
from pressroom.partners import FOLLOWED, NAMES, PERSONALIZED
from pressroom.platform import table as rows
from pressroom.platform import wire
from pressroom.platform.errors import Refused
from pressroom.providers.storefront.messages import check, read

RULES, DEFAULT = "RoutingRules", "DefaultDestination"


@dataclass(frozen=True)
class Line:
    """A line of the order, as far as it can be parsed. `route` is None if it is no object."""

    id: str
    sku: str
    quantity: str
    route: Route | None


@dataclass(frozen=True)
class Explanation:
    """The result for an order. It would be refused if there are errors; `lines` then shows the routes without them."""

    order_id: str
    lines: tuple[Line, ...]
    errors: tuple[tuple[str, str], ...]
    """(field, message) each, as in the receiver's response."""

    @property
    def fully_routed(self) -> bool:
        return not self.errors and all(line.route and line.route.destination for line in self.lines)


@click.command("explain", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rules", help=f"{RULES} to use [those of the installation].")
@click.option("--default", help=f"{DEFAULT} to use [that of the installation].")
@click.pass_obj
def explain_order(session: Session, /, file: Path, rules: str | None, default: str | None) -> int:
    """Show to which printer each line of an order_paid would be routed, and why. Sends nothing.

    FILE contains the body of the order. Exit code 1 if the order would be refused, or a line has no printer.
    """
    rules_used, origin = _routing(session, rules, default)
    explanation = explain(file.read_bytes(), rules_used)
    content = {
        "order_id": explanation.order_id,
        "accepted": not explanation.errors,
        "lines": [_to_json(line) for line in explanation.lines],
        "faults": [{"field": field, "message": message} for field, message in explanation.errors],
        "rules": list(map(str, rules_used.rules)),
        "default": rules_used.default,
        "whose": origin,
    }
    session.show(content, *_readable(explanation, rules_used, origin))
    return DONE if explanation.fully_routed else NEGATIVE


def explain(body: bytes, how: Routing) -> Explanation:
    """Validate and route the body of an `order_paid`."""
    errors = [("", reason) for reason in _size_errors(body)]
    try:
        content = read(body)
    except Refused as refusal:
        return Explanation("?", (), (*errors, *_errors(refusal)))
    try:
        check("order_paid", content, how)
    except Refused as refusal:
        errors += _errors(refusal)
    items = wire.listed(content.get("line_items"))
    lines = tuple(
        _line(position, item, how) for position, item in enumerate(items if isinstance(items, list) else (), start=1)
    )
    return Explanation(printable(content.get("id", "?")), lines, tuple(errors))


def _line(position: int, item: Any, how: Routing) -> Line:
    if not isinstance(item, dict):
        return Line(str(position), "?", "?", None)
    read = LineItem.model_validate(item | {"quantity": 1, "price": None})
    return Line(
        id=str(position) if read.id is None else printable(read.id),
        sku=printable(read.sku),
        quantity=printable(item.get("quantity", "?")),
        route=routing.route_line(read, how),
    )


def _errors(refusal: Refused) -> list[tuple[str, str]]:
    errors: Any = refusal.answer
    return [(error["field"], error["message"]) for error in errors]


def _size_errors(body: bytes) -> list[str]:
    if len(body) > LARGEST_BODY:
        return [f"The body has {len(body):,} bytes; the limit is {LARGEST_BODY:,} (413)."]
    packed = len(rows.pack(body)["B"])
    if packed > events.LARGEST_ROW:
        return [f"Compressed, the body has {packed:,} bytes; the limit is {events.LARGEST_ROW:,} (413)."]
    return []


def _routing(session: Session, rules: str | None, default: str | None) -> tuple[Routing, str]:
    """Return the routing, and a text that says where it comes from. Options come before the installation's values."""
    origin = "as given"
    if rules is None or default is None:
        parameters, origin = _parameters(session)
        missing = {RULES, DEFAULT} - set(parameters)
        if missing:
            raise Failed(f"{origin} has no parameter {' or '.join(sorted(missing))}. Is it an older version?")
        if rules is not None or default is not None:
            origin += f", except the {'default' if rules is None else 'rules'} as given"
        rules = parameters[RULES] if rules is None else rules
        default = parameters[DEFAULT] if default is None else default
    try:
        return routing.parse(rules, default), origin
    except ValueError as error:
        raise Failed(str(error)) from error


def _parameters(session: Session) -> tuple[dict[str, str], str]:
    try:
        return session.installation.parameters, session.installation.title
    except NoLocalCloud:
        defaults = {name: str(each.get("Default", "")) for name, each in _template()["Parameters"].items()}
        return defaults, "the template's defaults, because no local cloud is running"


class _Loader(yaml.SafeLoader):
    """Reads the template as plain YAML. Intrinsic functions become None; parameters have none."""


_Loader.add_multi_constructor("!", lambda *_: None)


def _template() -> dict[str, Any]:
    return dict(yaml.load(TEMPLATE.read_text(), _Loader))  # noqa: S506 - a SafeLoader


def _to_json(line: Line) -> dict[str, Any]:
    route = line.route
    return {
        "id": line.id,
        "sku": line.sku,
        "quantity": line.quantity,
        "destination": route.destination if route else None,
        "why": route.why if route else "it is no object",
        "followed": bool(route and route.destination in FOLLOWED),
    }


def _readable(explanation: Explanation, how: Routing, origin: str) -> list[RenderableType]:
    rules = ", ".join(map(str, how.rules)) or "none"
    parts: list[RenderableType] = [
        f"Rules: {rules}; then personalised lines: {NAMES[PERSONALIZED]}; default: {how.default} ({origin}).\n"
    ]
    if explanation.lines:
        lines = [
            {"line": line.id, "sku": line.sku, "quantity": line.quantity, "goes to": where, "why": why}
            for line in explanation.lines
            for where, why in [_route_cells(line.route)]
        ]
        parts += [table(f"Order {explanation.order_id}", {name: name for name in lines[0]}, lines), ""]
    if not explanation.errors:
        return [*parts, "The order would be accepted."]
    errors = [{"field": field or "the body", "error": message} for field, message in explanation.errors]
    refused = Text("The order would be refused, and none of its lines would be sent.", "red")
    return [*parts, refused, table("Errors", {name: name for name in errors[0]}, errors)]


def _route_cells(route: Route | None) -> tuple[Text, Text]:
    if route is None:
        return Text("?", style="red"), Text("it is no object")
    if route.destination is None:
        return Text("nowhere", style="red"), Text(route.why)
    followed = " (followed only)" if route.destination in FOLLOWED else ""
    return Text(route.destination + followed, style="green"), Text(route.why)
