"""The documents: their length, their links, what they say to type, and what they write out that stands in the code."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from cli.errors import DONE
from cli.main import main, root
from pressroom.api.app import document as api_document
from pressroom.ops import conditions
from pressroom.order.model import Status
from pressroom.order.reasons import Attention
from pressroom.platform.signing import camaloon_signature
from tests.support import template
from tests.support.documents import (
    anchors,
    blocks,
    calls,
    documents,
    links,
    names,
    prose,
    rows,
    section,
    spans,
    text,
    typed,
)
from tests.support.template import ROOT

EACH_DOCUMENT = pytest.mark.parametrize("document", documents())
CURRENT = [each for each in documents() if each != "CHANGELOG.md"]
"""The changelog also names what was renamed or removed later."""
EACH_CURRENT = pytest.mark.parametrize("document", CURRENT)
MOST_WORDS = {
    "README.md": 1200,
    **{each: 1500 for each in documents() if re.fullmatch(r"docs/[\w-]+\.md", each) and each != "docs/runbook.md"},
}
DECISIONS = [each for each in documents() if re.fullmatch(r"docs/decisions/\d{4}-.+\.md", each)]
NO_RESOURCES = {
    "CloudprinterItemValidated",
    "DestinationDeliveryFailures",
    "EventInvokeConfig",
    "NotLookedAt",
}
"""Names in capitals that are none of the template's."""


# --- form ---


@pytest.mark.parametrize("document", MOST_WORDS)
def test_a_document_is_short(document: str) -> None:
    assert len(text(document).split()) <= MOST_WORDS[document]


def test_the_readme_begins_with_the_two_commands() -> None:
    assert re.findall(r"^make (\w+)", "".join(blocks("README.md")), re.MULTILINE)[:2] == ["demo", "test"]


@EACH_DOCUMENT
def test_every_link_leads_somewhere(document: str) -> None:
    broken = []
    for link in links(document):
        if re.match("https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        there = target.exists()
        if not there or (anchor and anchor not in anchors(str(target.resolve().relative_to(ROOT.resolve())))):
            broken.append(link)
    assert broken == []


def test_a_broken_anchor_would_be_found() -> None:
    assert "set-the-secrets" in anchors("docs/deploy.md")
    assert "the-omss-catalogue" in anchors("docs/shop.md")
    assert "not-there" not in anchors("docs/deploy.md")


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, left = set[str](), ["README.md"]
    while left:
        document = left.pop()
        if document in reached:
            continue
        reached.add(document)
        for link in links(document):
            target = ((ROOT / document).parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists():
                left.append(str(target.relative_to(ROOT.resolve())))
    assert set(documents()) - reached == set()


@EACH_CURRENT
def test_every_file_that_is_named_exists(document: str) -> None:
    named = [each for each in spans(document) if re.fullmatch(r"[a-z]+/[\w./*-]+", each)]
    folders = {each.name for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith(".")}
    ours = [each for each in named if each.partition("/")[0] in folders]
    assert [each for each in ours if not any(ROOT.glob(each.rstrip("/")))] == []


def test_every_document_that_the_code_names_exists() -> None:
    folders = ("benches", "cli", "functions", "layers", "local", "tests")
    code = [path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")]
    named = {each for source in code for each in re.findall(r"\bdocs/[\w/-]+\.md", source)}
    assert len(named) > 10
    assert {each for each in named if not (ROOT / each).exists()} == set()


@EACH_DOCUMENT
def test_json_can_be_read(document: str) -> None:
    for block in blocks(document, "json"):
        json.loads(block)


# --- the decisions ---


@pytest.mark.parametrize("document", DECISIONS)
def test_a_decision_is_called_like_its_file(document: str) -> None:
    title = re.match(r"# (\d+)\. (.+)\n", text(document))
    assert title
    slug = re.sub(r"[^a-z0-9]+", "-", title[2].lower()).strip("-")
    assert Path(document).name == f"{int(title[1]):04d}-{slug}.md"


def test_the_index_has_every_decision() -> None:
    titles = [(Path(each).name, text(each).partition("\n")[0]) for each in DECISIONS]
    index = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \|$", text("docs/decisions/README.md"), re.MULTILINE)
    assert [(name, f"# {number}. {title}") for number, title, name in index] == titles
    assert [int(number) for number, _, _ in index] == list(range(1, len(DECISIONS) + 1))


# --- what is typed ---


def makefile() -> tuple[set[str], set[str]]:
    """The targets of the Makefile, and the variables that it reads."""
    content = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z-]+):", content, re.MULTILINE)), set(
        re.findall(r"\$\((?:if \$\()?([A-Z_]+)", content)
    )


@EACH_CURRENT
def test_make_has_every_target_that_is_named(document: str) -> None:
    targets, variables = makefile()
    for words in typed(document, "make"):
        for word in words:
            if word.startswith("-"):
                continue
            name, is_variable, _ = word.partition("=")
            assert name in (variables if is_variable else targets), words


def test_the_table_of_targets_is_the_makefiles() -> None:
    table = rows("docs/local.md", "# The local cloud", table="command")
    targets, _ = makefile()
    assert {words[1] for row in table for words in [names(row)[0].split()]} == targets
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+) ", listed, re.MULTILINE)) == targets


def fault(words: list[str], command: click.Command = root) -> str:
    """Say what is wrong with a command of `pressroom` as it is typed; a group alone is right."""
    context = click.Context(command)
    if isinstance(command, click.Group):
        if not words or words == ["--help"]:
            return ""
        inner = command.get_command(context, words[0])
        return fault(words[1:], inner) if inner else f"no such command: {words[0]}"
    try:
        given, rest, _ = command.make_parser(context).parse_args(args=words)
    except click.UsageError as error:
        return error.format_message()
    if rest:
        return f"too many arguments: {rest}"
    for each in command.params:
        value = given.get(each.name or "")
        one_of = each.type.choices if isinstance(each.type, click.Choice) else ()
        if one_of and isinstance(value, str) and not value.isupper() and value not in one_of:
            return f"{each.name} is none of {one_of}"
    return ""


@EACH_CURRENT
def test_every_command_is_typed_rightly(document: str) -> None:
    assert [(words, wrong) for words in typed(document, "pressroom") if (wrong := fault(words))] == []


def test_what_is_typed_wrongly_would_be_found() -> None:
    assert fault(["orders", "--attention", "--stack", "shop"]) == ""
    assert fault(["settle", "DELIVERY", "done"]) == ""
    assert fault(["settle", "DELIVERY", "gone"])
    assert fault(["orders", "--colour"])
    assert fault(["orders", "1001"])
    assert fault(["replay", "orders"])
    assert list(calls(".venv/bin/pressroom order <id> --json | jq .id  # the id", "pressroom")) == [
        ["order", "X", "--json"]
    ]
    assert len([words for document in CURRENT for words in typed(document, "pressroom")]) > 30
    assert len([words for document in CURRENT for words in typed(document, "make")]) > 20


def test_the_commands_of_the_table_are_typed_rightly() -> None:
    cells = rows("docs/operations.md", "## Command line", table="command")
    typed_there = [each.split() for row in cells for each in names(row)]
    assert len(typed_there) > 20
    assert [(words, wrong) for words in typed_there if (wrong := fault(words))] == []


def test_what_needs_no_installation_does_what_the_documents_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PRESSROOM_STACK", "PRESSROOM_API_URL", "PRESSROOM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PRESSROOM_STATE_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "order.json").write_text((ROOT / "events/storefront/order_paid.json").read_text())
    said = {}
    for document in CURRENT:
        for words in typed(document, "pressroom"):
            if words[0] == "explain" or words[:2] == ["send", "--list"] or words[-1] == "--help":
                assert main(words) == DONE, words
                said[words[0]] = capsys.readouterr().out
    assert "camaloon" in said["explain"]
    assert "camaloon.shipment_sent" in said["send"]


def test_the_signature_in_python_is_the_right_one() -> None:
    (code,) = blocks("docs/shop.md", "python")
    space: dict[str, Any] = {}
    exec(code, space)  # noqa: S102 - the documents' own example
    assert space["signature"]("a secret", b'{"id": 1}') == camaloon_signature("a secret", b'{"id": 1}')


# --- what stands in the template ---


def test_the_table_of_parameters_is_the_templates() -> None:
    parameters: Mapping[str, Any] = template.template()["Parameters"]
    table = {
        tuple(names(row)): row[2].replace("`", "") for row in rows("docs/deploy.md", "## Parameters", table="parameter")
    }
    assert sorted(name for group in table for name in group) == sorted(parameters)
    for group, default in table.items():
        defaults = [str(parameters[name]["Default"]) for name in group]
        if any(defaults):
            assert default == ", ".join(defaults), group
        else:
            assert default.startswith("empty"), group


@EACH_CURRENT
def test_what_is_named_like_something_of_the_template_is_there(document: str) -> None:
    made = template.template()
    known = {*made["Parameters"], *made["Outputs"], *made["Resources"], *NO_RESOURCES}
    named = {each for each in spans(document) if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", each)}
    named |= set(re.findall(r"\b[A-Z]\w+Alarm\b", text(document)))
    assert named - known == set()


def test_the_runbook_lists_every_alarm() -> None:
    table = rows("docs/runbook.md", "# Runbook", table="alarm")
    listed = [re.match(r"\[(\w+)\]\(#(\w+)\)$", row[0]) for row in table]
    alarms = {each[1]: each[2] for each in listed if each}
    assert len(alarms) == len(table)
    assert set(alarms) == set(template.resources("AWS::CloudWatch::Alarm"))
    assert all(anchor == name.lower() for name, anchor in alarms.items())


# --- the routes ---


def routes() -> set[tuple[str, str]]:
    events = [event for function in template.functions().values() for event in function.get("Events", {}).values()]
    http = [event["Properties"] for event in events if event["Type"] == "HttpApi"]
    return {(event["Method"], event["Path"]) for event in http}


def named_routes(document: str) -> set[tuple[str, str]]:
    """The routes that a document names. Those that begin with `/_` are a simulator's."""
    found = re.findall(r"`(GET|POST) (/[^`?]*)(?:\?[^`]*)?`", prose(document))
    return {(method, path) for method, path in found if not path.startswith("/_")}


def test_the_document_of_the_api_names_every_route_and_no_other() -> None:
    assert named_routes("docs/api.md") == routes()


@EACH_CURRENT
def test_every_route_that_is_named_exists(document: str) -> None:
    of_the_oms = {("GET", "/order-items/{id}/print")}
    assert named_routes(document) - routes() - of_the_oms == set()


def test_the_routes_of_the_simulators_are_there() -> None:
    table = rows("docs/local.md", "## The simulators", table="simulator")
    written = {("any", names(row)[0].split()[1]) for row in rows("docs/local.md", "## The simulators", table="route")}
    written |= {(row[0].lower().replace("shop", "storefront"), row[1].strip("`").split()[1]) for row in table}
    for simulator, route in written:
        source = (ROOT / "local/simulators" / f"{simulator.replace('any', 'base')}.py").read_text()
        assert f'"{route}"' in source, (simulator, route)


def test_the_parameters_of_lists_are_those_of_the_api() -> None:
    written: dict[str, set[str]] = {}
    for path, query in re.findall(r"`GET (/[^`?]*)\?([^`]*)`", prose("docs/api.md")):
        written.setdefault(path, set()).update(re.findall(r"(\w+)=", query))
    paths = api_document()["paths"]
    for path, parameters in written.items():
        known = {each["name"] for each in paths[path]["get"]["parameters"] if each["in"] == "query"}
        assert parameters | {"limit", "cursor"} == known, path


def test_the_fields_of_a_bulk_replay_are_those_of_the_api() -> None:
    written = {
        name for row in rows("docs/api.md", "## Bulk replays", table="field") for name in re.findall(r"`(\w+)`", row[0])
    }
    assert written == set(api_document()["components"]["schemas"]["Wanted"]["properties"])


# --- the words of the record ---


def test_the_table_of_reasons_has_each_with_its_sentence() -> None:
    table = {name: row[1] for row in rows("docs/orders.md", "## Attention", table="attention") for name in names(row)}
    assert table == {reason.value: reason.sentence for reason in Attention}


def test_the_runbook_says_what_to_do_about_each_reason() -> None:
    table = rows("docs/runbook.md", "## OrdersNeedAttentionAlarm", table="reason")
    assert sorted(name for row in table for name in names(row)) == sorted(Attention)


def test_the_tables_of_statuses_have_each() -> None:
    written = re.findall(r"^\| `(\w+)` \|", section("docs/orders.md", "## Statuses"), re.MULTILINE)
    assert written == list(Status)


def test_the_table_of_conditions_has_each() -> None:
    table = rows("docs/operations.md", "### Health conditions", table="condition")
    assert sorted(name for row in table for name in names(row)) == sorted(conditions.SENTENCES)


def test_the_errors_that_the_runbook_explains_are_those_of_the_code() -> None:
    code = "".join(path.read_text() for path in (ROOT / "layers/pressroom/pressroom").rglob("*.py"))
    quoted = re.findall(r"`([^`\n]+)`", "".join(re.findall(r"^ *\| (`.*?) \|", text("docs/runbook.md"), re.MULTILINE)))
    sentences = [each for each in quoted if " " in each and not re.match(r"HTTP|\d|[A-Z]+ /|make |\.venv", each)]
    assert sentences
    assert [each for each in sentences if each not in code] == []
