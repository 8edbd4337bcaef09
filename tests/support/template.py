"""template.yaml and dashboard.yaml as data: the tests read what is deployed."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
STACK = "pressroom"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their long ones: `!Ref x` is {"Ref": "x"}."""


def _intrinsic(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value} if name == "Ref" else {f"Fn::{name}": value}
    if isinstance(node, yaml.SequenceNode):
        return {f"Fn::{name}": loader.construct_sequence(node, deep=True)}
    raise TypeError(node)


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def read(file: str) -> dict[str, Any]:
    return dict(yaml.load((ROOT / file).read_text(), _Loader))  # noqa: S506 - a SafeLoader


def template() -> dict[str, Any]:
    return read("template.yaml")


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of a type (AWS::SQS::Queue …), whole, by their logical id."""
    return {name: each for name, each in template()["Resources"].items() if each["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    """The functions' own properties, by their logical id."""
    return {name: each["Properties"] for name, each in resources("AWS::Serverless::Function").items()}


def properties(name: str) -> dict[str, Any]:
    """The properties of a resource, by its logical id."""
    found: dict[str, Any] = template()["Resources"][name]["Properties"]
    return found


def variables(function: dict[str, Any]) -> dict[str, Any]:
    """A function's environment variables, Globals included, unresolved."""
    shared: dict[str, Any] = template()["Globals"]["Function"]["Environment"]["Variables"]
    return {**shared, **function.get("Environment", {}).get("Variables", {})}


def named(value: Any) -> str:
    """A text that contains no variable but the stack's name, with that name in its place."""
    text = value["Fn::Sub"] if isinstance(value, dict) else value
    text = text.replace("${AWS::StackName}", STACK)
    assert "${" not in text, text
    return str(text)


def folder(function: dict[str, Any]) -> str:
    """A function's folder below functions/: `receive/camaloon`."""
    return str(function["CodeUri"]).removeprefix("functions/")


def folders() -> list[str]:
    """Every folder below functions/ that has a handler."""
    top = ROOT / "functions"
    return sorted(str(each.parent.relative_to(top)) for each in top.rglob("handler.py"))


def topics() -> list[tuple[str, str]]:
    """(provider, topic) of every folder of a topic: those two levels deep, except receivers and deliverers."""
    pairs = [tuple(each.split("/")) for each in folders()]
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and pair[0] not in ("receive", "deliver")]


def printful_topics_about_orders() -> list[str]:
    """The topics of Printful whose webhooks hold an order, and so its customer's address."""
    return [
        topic for provider, topic in topics() if provider == "printful" and topic.startswith(("order_", "package_"))
    ]


def by_folder() -> dict[str, str]:
    """The logical id of each function, by its folder."""
    return {folder(function): name for name, function in functions().items()}


def camel(text: str) -> str:
    """The part of a logical id that stands for an id or a folder: `receive/oms` is ReceiveOms."""
    return "".join(part.capitalize() for part in re.split("[/_]", text))
