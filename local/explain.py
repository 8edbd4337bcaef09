"""`python -m local explain`: where each line of a paid order would go and why; nothing is sent, and nothing is kept.

What is wrong with the order is found by the receiver's own code, and the routes by the topic's own. With a stack's name
the caller's own AWS account is asked for its parameters: region and credentials are what the AWS CLI would take.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from functions.receive.storefront.handler import check, read
from local.cloud import Stack
from local.progress import LocalCloudError
from local.settings import TEMPLATE
from pressroom import inbox, routing, table
from pressroom.errors import Refused
from pressroom.receive import LARGEST_BODY
from pressroom.routing import FOLLOWED, Route, Routing

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


def run(file: Path, *, stack: str | None = None, rules: str | None = None, default: str | None = None) -> int:
    """Return the exit code: 0 only if the order would be accepted and each line has somewhere to go."""
    if not file.is_file():
        raise LocalCloudError("Give a file with the body of an order_paid: ORDER=file.json.")
    body = file.read_bytes()
    how, whose = _routing(stack, rules, default)
    explanation = explain(body, how)
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False, soft_wrap=True)
    _show(console, explanation, how, whose)
    return 0 if explanation.fine else 1


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
    return Explanation(_shown(content.get("id", "?")), lines, tuple(faults))


def _line(position: int, item: Any, how: Routing) -> Line:
    if not isinstance(item, dict):
        return Line(str(position), "?", "?", None)
    sku, name = item.get("sku"), item.get("id")
    route = routing.route(sku, item.get("personalization") is not None, how) if isinstance(sku, str) and sku else None
    return Line(
        id=str(position) if name is None else _shown(name),
        sku=_shown(sku) if route else "?",
        quantity=_shown(item.get("quantity", "?")),
        route=route,
    )


def _shown(value: object) -> str:
    """A value of the file as text that can't move the terminal's cursor."""
    text = str(value)
    return text if text.isprintable() else ascii(text)


def _listed(refusal: Refused) -> list[tuple[str, str]]:
    told: Any = refusal.answer
    return [(fault["field"], fault["message"]) for fault in told]


def _too_large(body: bytes) -> list[str]:
    if len(body) > LARGEST_BODY:
        return [f"The body has {len(body):,} bytes; more than {LARGEST_BODY:,} are not accepted (413)."]
    packed = len(table.pack(body)["B"])
    if packed > inbox.LARGEST_ROW:
        return [f"Compressed, the body has {packed:,} bytes; more than {inbox.LARGEST_ROW:,} are not accepted (413)."]
    return []


def _routing(stack: str | None, rules: str | None, default: str | None) -> tuple[Routing, str]:
    """The routing, and whose it is; what is given comes before what a stack has."""
    whose = "as given"
    if rules is None or default is None:
        parameters, whose = _parameters(stack)
        missing = {RULES, DEFAULT} - set(parameters)
        if missing:
            raise LocalCloudError(
                f"There is no parameter {' nor '.join(sorted(missing))} in {whose}: an older version?"
            )
        if rules is not None or default is not None:
            whose += f", but for the {'default' if rules is None else 'rules'} as given"
        rules = parameters[RULES] if rules is None else rules
        default = parameters[DEFAULT] if default is None else default
    try:
        return routing.parse(rules, default), whose
    except ValueError as error:
        raise LocalCloudError(str(error)) from error


def _parameters(stack: str | None) -> tuple[dict[str, str], str]:
    """The parameters of a stack deployed to AWS, else of the local cloud if one runs, else as the template has them."""
    if stack:
        config = Config(connect_timeout=5, read_timeout=30)
        return _of_stack(boto3.client, stack, config=config), f"the stack {stack}"
    try:
        here = Stack.read()
        return _of_stack(here.client, here.stack_name), "the local cloud"
    except LocalCloudError:
        defaults = {name: str(each.get("Default", "")) for name, each in _template()["Parameters"].items()}
        return defaults, "the template's defaults, since no local cloud runs"


def _of_stack(client: Any, name: str, **options: Any) -> dict[str, str]:
    try:
        (found,) = client("cloudformation", **options).describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        raise LocalCloudError(f"AWS refuses: {error.response['Error'].get('Message', error)}") from error
    except BotoCoreError as error:
        raise LocalCloudError(f"The parameters of {name} could not be read: {error}") from error
    return {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())}


class _Loader(yaml.SafeLoader):
    """Reads what is plain YAML in the template; intrinsic functions, which no parameter has, are None."""


_Loader.add_multi_constructor("!", lambda *_: None)


def _template() -> dict[str, Any]:
    return dict(yaml.load(TEMPLATE.read_text(), _Loader))  # noqa: S506 - a SafeLoader


def _show(console: Console, explanation: Explanation, how: Routing, whose: str) -> None:
    rules = ", ".join(map(str, how.rules)) or "none"
    console.print(f"Rules: {rules}; then a personalised line goes to the OMS; by default: {how.default} ({whose}).\n")
    lines = Table("line", "sku", "quantity", "goes to", "why", title=f"Order {explanation.order_id}")
    lines.title_justify = "left"
    for line in explanation.lines:
        lines.add_row(*map(Text, (line.id, line.sku, line.quantity)), *_way(line.route))
    if explanation.lines:
        console.print(lines)
    if not explanation.faults:
        console.print("The order would be accepted.")
        return
    console.print("The order would be refused, and nothing of it sent:", style="red")
    faults = Table("field", "what is wrong")
    for field, message in explanation.faults:
        faults.add_row(Text(_shown(field) or "the body"), Text(message))
    console.print(faults)


def _way(route: Route | None) -> tuple[Text, Text]:
    if route is None:
        return Text("?", style="red"), Text("it has no SKU")
    if route.destination is None:
        return Text("nowhere", style="red"), Text(route.why)
    followed = " (only followed)" if route.destination in FOLLOWED else ""
    return Text(route.destination + followed, style="green"), Text(route.why)
