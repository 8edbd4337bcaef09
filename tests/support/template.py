"""template.yaml as data, so that what is tested and what is deployed can't drift apart."""

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
def template() -> dict[str, Any]:
    return dict(yaml.load((ROOT / "template.yaml").read_text(), _Loader))  # noqa: S506 - a SafeLoader


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of a type (AWS::SQS::Queue …), whole, by their logical id."""
    return {name: each for name, each in template()["Resources"].items() if each["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    """The functions' own properties, by their logical id."""
    return {name: each["Properties"] for name, each in resources("AWS::Serverless::Function").items()}


def variables(function: dict[str, Any]) -> dict[str, Any]:
    """A function's environment variables, Globals included, unresolved."""
    shared: dict[str, Any] = template()["Globals"]["Function"]["Environment"]["Variables"]
    return {**shared, **function.get("Environment", {}).get("Variables", {})}


def named(value: Any) -> str:
    """A text whose only variable part is the stack's name."""
    text = value["Fn::Sub"] if isinstance(value, dict) else value
    text = text.replace("${AWS::StackName}", STACK)
    assert "${" not in text, text
    return str(text)


def folder(function: dict[str, Any]) -> str:
    """A function's folder below functions/: `receive/camaloon`."""
    return str(function["CodeUri"]).removeprefix("functions/")


def folders() -> list[str]:
    """Every folder below functions/ that holds a handler."""
    top = ROOT / "functions"
    return sorted(str(each.parent.relative_to(top)) for each in top.rglob("handler.py"))


def topics() -> list[tuple[str, str]]:
    """(provider, topic) of every folder that stands for a topic: two levels deep, and neither end of the way."""
    pairs = [tuple(each.split("/")) for each in folders()]
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and pair[0] not in ("receive", "deliver")]


def camel(text: str) -> str:
    return "".join(part.capitalize() for part in re.split("[/_]", text))
