"""A topic has one name in five places: topic, folder, function, sample, row in docs/topics.md."""

import json
import re

import pytest

from local.event import http_event
from tests.support.template import ROOT, by_folder, camel, folders, functions, topics

TOPICS = pytest.mark.parametrize(("provider", "topic"), topics())
DOCUMENT = (ROOT / "docs/topics.md").read_text()


def test_there_are_topics() -> None:
    assert ("storefront", "order_paid") in topics()
    assert ("camaloon", "shipment_sent") in topics()


def test_every_folder_has_one_function_and_every_function_one_folder() -> None:
    assert sorted(by_folder()) == folders()


def test_a_folder_contains_only_its_handler() -> None:
    files = [each for each in (ROOT / "functions").rglob("*") if each.is_file() and "__pycache__" not in each.parts]
    assert {each.name for each in files} == {"handler.py"}


@pytest.mark.parametrize("folder", folders())
def test_a_function_is_named_after_its_folder(folder: str) -> None:
    name = by_folder()[folder]
    assert name == f"{camel(folder)}Function"
    assert functions()[name]["FunctionName"] == {"Fn::Sub": "${AWS::StackName}-" + folder.replace("/", "-")}


@TOPICS
def test_a_topic_has_a_sample(provider: str, topic: str) -> None:
    assert isinstance(json.loads((ROOT / "events" / provider / f"{topic}.json").read_text()), dict)


@TOPICS
def test_the_handler_of_a_topic_has_its_name(provider: str, topic: str) -> None:
    source = (ROOT / "functions" / provider / topic / "handler.py").read_text()
    kind = "PrintfulTopic" if provider == "printful" else "Topic"
    assert re.search(rf'^handler = {kind}\(\s*"{provider}\.{topic}",', source, re.MULTILINE)


@TOPICS
def test_a_topic_has_a_row_in_the_document(provider: str, topic: str) -> None:
    row = f"| `{provider}.{topic}` | `functions/{provider}/{topic}` | `events/{provider}/{topic}.json` |"
    assert DOCUMENT.count(row) == 1


def test_every_topic_of_the_document_exists() -> None:
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| `functions/", DOCUMENT, re.MULTILINE)
    assert sorted(rows) == topics()


def test_every_sample_belongs_to_a_topic() -> None:
    samples = {
        (each.parent.name, each.stem.partition("__")[0])
        for each in (ROOT / "events").glob("*/*.json")
        if each.parent.name != "receive"
    }
    assert samples == set(topics())


def test_a_body_that_is_not_text_is_base64_in_the_event() -> None:
    event = http_event("POST", "/", b"\xff", {"content-type": "application/octet-stream"})
    assert (event["body"], event["isBase64Encoded"]) == ("/w==", True)
