"""Where each line of a paid order would go and why; nothing is sent, and nothing is kept.

What is wrong with the order is found by the receiver's own code, and the routes by the topic's own. The rules are those
of the installation, unless they are given; where none is named and no local cloud runs, the template's defaults.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import RenderableType
from rich.text import Text

from cli.commands import Command
from cli.desk import Desk, printable, table
from cli.errors import DONE, NOT_SO, Failed
from cli.stacks import NoLocalCloud
from functions.receive.storefront.handler import check, read
from local.settings import TEMPLATE
from pressroom.inbox import events
from pressroom.inbox.receiver import LARGEST_BODY
from pressroom.order import routing
from pressroom.order.routing import Route, Routing
from pressroom.partners import FOLLOWED
from pressroom.platform import table as rows
from pressroom.platform.errors import Refused

RULES, DEFAULT = "RoutingRules", "DefaultDestination"


@dataclass(frozen=True)
class Line:
    """A line of the order as far as it can be read, and its way; None if it has no SKU to go by."""

    id: str
    sku: str
    quantity: str
    route: Route | None


@dataclass(frozen=True)
class Explanation:
    """What would become of an order. It is refused if there is a fault, and `lines` says where they would go if not."""

    order_id: str
    lines: tuple[Line, ...]
    faults: tuple[tuple[str, str], ...]

    @property
    def fine(self) -> bool:
        return not self.faults and all(line.route and line.route.destination for line in self.lines)


@click.command("explain", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rules", help=f"{RULES} to try [those of the installation].")
@click.option("--default", help=f"{DEFAULT} to try [that of the installation].")
@click.pass_obj
def explain_order(desk: Desk, /, file: Path, rules: str | None, default: str | None) -> int:
    """Say where the lines of an order_paid would go, and why; sends nothing.

    FILE has the order's body. 1 if the order would be refused, or a line has nowhere to go.
    """
    how, whose = _routing(desk, rules, default)
    explanation = explain(file.read_bytes(), how)
    answer = {
        "order_id": explanation.order_id,
        "accepted": not explanation.faults,
        "lines": [_told(line) for line in explanation.lines],
        "faults": [{"field": field, "message": message} for field, message in explanation.faults],
        "rules": list(map(str, how.rules)),
        "default": how.default,
        "whose": whose,
    }
    desk.show(answer, *_shown(explanation, how, whose))
    return DONE if explanation.fine else NOT_SO


def explain(body: bytes, how: Routing) -> Explanation:
    """Say what would become of the body of an `order_paid`."""
    faults = [("", reason) for reason in _too_large(body)]
    try:
        content = read(body)
    except Refused as refusal:
        return Explanation("?", (), (*faults, *_listed(refusal)))
    try:
        check("order_paid", content)
    except Refused as refusal:
        faults += _listed(refusal)
    items = content.get("line_items")
    lines = tuple(
        _line(position, item, how) for position, item in enumerate(items if isinstance(items, list) else (), start=1)
    )
    return Explanation(printable(content.get("id", "?")), lines, tuple(faults))


def _line(position: int, item: Any, how: Routing) -> Line:
    if not isinstance(item, dict):
        return Line(str(position), "?", "?", None)
    sku, name = item.get("sku"), item.get("id")
    route = routing.route(sku, item.get("personalization") is not None, how) if isinstance(sku, str) and sku else None
    return Line(
        id=str(position) if name is None else printable(name),
        sku=printable(sku) if route else "?",
        quantity=printable(item.get("quantity", "?")),
        route=route,
    )


def _listed(refusal: Refused) -> list[tuple[str, str]]:
    told: Any = refusal.answer
    return [(fault["field"], fault["message"]) for fault in told]


def _too_large(body: bytes) -> list[str]:
    if len(body) > LARGEST_BODY:
        return [f"The body has {len(body):,} bytes; more than {LARGEST_BODY:,} are not accepted (413)."]
    packed = len(rows.pack(body)["B"])
    if packed > events.LARGEST_ROW:
        return [f"Compressed, the body has {packed:,} bytes; more than {events.LARGEST_ROW:,} are not accepted (413)."]
    return []


def _routing(desk: Desk, rules: str | None, default: str | None) -> tuple[Routing, str]:
    """The routing, and whose it is; what is given comes before what a stack has."""
    whose = "as given"
    if rules is None or default is None:
        parameters, whose = _parameters(desk)
        missing = {RULES, DEFAULT} - set(parameters)
        if missing:
            raise Failed(f"There is no parameter {' nor '.join(sorted(missing))} in {whose}: an older version?")
        if rules is not None or default is not None:
            whose += f", but for the {'default' if rules is None else 'rules'} as given"
        rules = parameters[RULES] if rules is None else rules
        default = parameters[DEFAULT] if default is None else default
    try:
        return routing.parse(rules, default), whose
    except ValueError as error:
        raise Failed(str(error)) from error


def _parameters(desk: Desk) -> tuple[dict[str, str], str]:
    try:
        return desk.installation.parameters, desk.installation.title
    except NoLocalCloud:
        defaults = {name: str(each.get("Default", "")) for name, each in _template()["Parameters"].items()}
        return defaults, "the template's defaults, since no local cloud runs"


class _Loader(yaml.SafeLoader):
    """Reads what is plain YAML in the template; intrinsic functions, which no parameter has, are None."""


_Loader.add_multi_constructor("!", lambda *_: None)


def _template() -> dict[str, Any]:
    return dict(yaml.load(TEMPLATE.read_text(), _Loader))  # noqa: S506 - a SafeLoader


def _told(line: Line) -> dict[str, Any]:
    route = line.route
    return {
        "id": line.id,
        "sku": line.sku,
        "quantity": line.quantity,
        "destination": route.destination if route else None,
        "why": route.why if route else "it has no SKU",
        "followed": bool(route and route.destination in FOLLOWED),
    }


def _shown(explanation: Explanation, how: Routing, whose: str) -> list[RenderableType]:
    rules = ", ".join(map(str, how.rules)) or "none"
    shown: list[RenderableType] = [
        f"Rules: {rules}; then a personalised line goes to the OMS; by default: {how.default} ({whose}).\n"
    ]
    if explanation.lines:
        lines = [
            {"line": line.id, "sku": line.sku, "quantity": line.quantity, "goes to": where, "why": why}
            for line in explanation.lines
            for where, why in [_way(line.route)]
        ]
        shown += [table(f"Order {explanation.order_id}", {name: name for name in lines[0]}, lines), ""]
    if not explanation.faults:
        return [*shown, "The order would be accepted."]
    faults = [{"field": field or "the body", "what is wrong": message} for field, message in explanation.faults]
    refused = Text("The order would be refused, and nothing of it sent:", "red")
    return [*shown, refused, table("Faults", {name: name for name in faults[0]}, faults)]


def _way(route: Route | None) -> tuple[Text, Text]:
    if route is None:
        return Text("?", style="red"), Text("it has no SKU")
    if route.destination is None:
        return Text("nowhere", style="red"), Text(route.why)
    followed = " (only followed)" if route.destination in FOLLOWED else ""
    return Text(route.destination + followed, style="green"), Text(route.why)
