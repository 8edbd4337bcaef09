"""`pressroom explain`: routes and errors of an order, without sending anything."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cli import explain
from cli.errors import DONE, NEGATIVE, UNREACHABLE, USAGE
from cli.main import main
from local.cloud import Stack
from local.progress import LocalCloudError
from pressroom.order import routing
from pressroom.order.routing import Routing
from tests.support.samples import body, order, sample
from tests.support.template import ROOT, template

HOW = routing.parse("CP-*=cloudprinter,PF-*=printful,ENG-*=oms", "camaloon")
MIXED = ROOT / "events/storefront/order_paid__mixed_cart.json"
PARAMETERS = {"RoutingRules": "PF-*=printful", "DefaultDestination": "nobody"}

AT = datetime(2026, 9, 1, tzinfo=UTC)


def destinations(content: object, how: Routing = HOW) -> list[tuple[str, str | None]]:
    lines = explain.explain(body(content), how).lines
    return [(line.id, line.route.destination if line.route else None) for line in lines]


def of_lines(*lines: dict[str, Any]) -> Any:
    return order(line_items=[{"sku": "X", "quantity": 1, "price": 1} | line for line in lines])


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No local cloud is running, unless the test starts one."""

    def read(_: Path) -> Stack:
        raise LocalCloudError("No local cloud is running.")

    monkeypatch.setattr(Stack, "read", read)


def account(*parameters: dict[str, str]) -> Any:
    """Return a CloudFormation client that describes a stack with these parameters, one per call, then has none."""
    client = boto3.client("cloudformation")
    stub = Stubber(client)
    for each in parameters:
        listed = [{"ParameterKey": key, "ParameterValue": value} for key, value in each.items()]
        stack = {"StackName": "shop", "CreationTime": AT, "StackStatus": "UPDATE_COMPLETE", "Parameters": listed}
        stub.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "shop"})
    stub.add_client_error("describe_stacks", "ValidationError", "Stack with id shop does not exist")
    stub.activate()
    return client


@pytest.fixture
def local_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    client = account(*[PARAMETERS] * 3)
    stack = Stack("http://api.example", "http://localhost:4566", "shop", "token", {}, {}, {})
    monkeypatch.setattr(Stack, "read", lambda _: stack)
    monkeypatch.setattr(Stack, "client", lambda *_: client)


def test_each_line_has_its_route() -> None:
    explained = explain.explain(MIXED.read_bytes(), HOW)
    assert explained.order_id == "1002"
    assert explained.fully_routed
    assert destinations(sample("storefront/order_paid__mixed_cart")) == [
        *(("1", "camaloon"), ("2", "oms"), ("3", "printful")),
    ]


def test_an_order_with_an_unrouted_line_is_not_fully_routed() -> None:
    content = of_lines({"sku": "ENG-1", "id": "a"}, {"sku": "ENG-2", "personalization": None}, {})
    explained = explain.explain(body(content), HOW)
    assert destinations(content) == [("a", None), ("2", None), ("3", "camaloon")]
    assert (explained.errors, explained.fully_routed) == ((), False)


def test_all_errors_are_returned_with_the_lines_that_can_be_parsed() -> None:
    content = of_lines({"quantity": -1, "id": "a\x1b[2J"}, {"sku": ["T"]}, {"personalization": {"variant_id": 1}})
    del content["shipping_info"]["city"], content["line_items"][0]["price"]
    content["line_items"] += ["no line"]
    content["currency"] = "euro"
    explained = explain.explain(body(content), HOW)
    assert [field for field, _ in explained.errors] == [
        "currency",
        "line_items.0.quantity",
        "line_items.3",
        "shipping_info.city",
        "line_items.0.price",
    ]
    assert destinations(content) == [("1", "camaloon"), ("2", None), ("3", None), ("4", None)]


def test_a_line_that_is_unusable_is_explained() -> None:
    content = of_lines({"personalization": {"variant_id": 1}}, {"sku": "x" * 201})
    explained = explain.explain(body(content), HOW)
    assert not explained.errors
    assert not explained.fully_routed
    assert [line.route.why.partition(": ")[2] for line in explained.lines if line.route] == [
        "personalization.template_config, personalization.thumbnails",
        "sku",
    ]


def test_a_line_without_a_sku_goes_nowhere_unless_it_has_a_design() -> None:
    design = sample("storefront/order_paid__personalized")["line_items"][0]["personalization"]
    explained = explain.explain(body(of_lines({"sku": None}, {"sku": ""}, {"sku": "", "personalization": design})), HOW)
    assert not explained.errors
    assert [(line.sku, line.route and line.route.destination) for line in explained.lines] == [
        *[("", None)] * 2,
        ("", "oms"),
    ]


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[]", b"{", b"null"])
def test_an_unreadable_body_has_the_error_that_the_shop_would_receive(raw: bytes) -> None:
    explained = explain.explain(raw, HOW)
    assert (explained.lines, len(explained.errors), explained.fully_routed) == ((), 1, False)


@pytest.mark.parametrize("lines", [None, {}, "many", 7])
def test_lines_that_are_not_a_list_are_an_error(lines: object) -> None:
    explained = explain.explain(body(order() | {"line_items": lines}), HOW)
    assert (explained.lines, [field for field, _ in explained.errors]) == ((), ["line_items"])


@pytest.mark.parametrize(
    ("noise", "reason"),
    [
        pytest.param(b" " * 1024 * 1024, "The body has 1,0", id="over a mebibyte"),
        pytest.param(os.urandom(500_000).hex().encode(), "Compressed, the body has ", id="no row can hold it"),
    ],
)
def test_an_order_that_is_too_large_is_refused(noise: bytes, reason: str) -> None:
    explained = explain.explain(body(order())[:-1] + b',"noise":"' + noise + b'"}', HOW)
    assert [field for field, _ in explained.errors] == [""]
    assert explained.errors[0][1].startswith(reason)
    assert len(explained.lines) == 2


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, on one line."""
    return " ".join(capsys.readouterr().out.split())


def run(file: Path, *options: str) -> int:
    return main(["explain", str(file), *options])


def test_without_a_local_cloud_the_templates_defaults_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    defaults = {name: template()["Parameters"][name]["Default"] for name in PARAMETERS}
    assert routing.parse(defaults["RoutingRules"], defaults["DefaultDestination"]) == Routing((), "camaloon")
    assert run(MIXED) == DONE
    text = shown(capsys)
    assert "default: camaloon (the template's defaults, because no local cloud is running)." in text
    assert "2 TOTE-PERSONAL 3 oms it has a personalization" in text
    assert "The order would be accepted." in text


@pytest.mark.usefixtures("local_cloud")
def test_the_rules_of_a_running_local_cloud_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(MIXED) == NEGATIVE
    text = shown(capsys)
    assert "Rules: PF-*=printful; then personalised lines: the OMS; default: nobody (the local cloud)." in text
    assert "1 063e8da93379f8c1aee0 10 nowhere no rule matches" in text
    assert "3 PF-TEE-BLK-M 2 printful (followed only) the rule PF-*=printful" in text


@pytest.mark.usefixtures("local_cloud")
def test_options_override_the_values_of_a_stack(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(MIXED, "--default", "camaloon") == DONE
    assert "PF-*=printful; then personalised lines: the OMS; default: camaloon (the local" in shown(capsys)
    assert run(MIXED, "--rules", "") == NEGATIVE
    assert "Rules: none; " in shown(capsys)
    assert run(MIXED, "--rules", "*[!0-9]=printful,*=oms", "--default", "nobody") == NEGATIVE
    text = shown(capsys)
    assert "Rules: *[!0-9]=printful, *=oms; then personalised lines: the OMS; default: nobody (as given)" in text
    assert "(followed only) the rule *[!0-9]=printful" in text


def test_the_parameters_of_a_deployed_stack_are_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = account(PARAMETERS | {"DefaultDestination": "printful"})
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    assert run(MIXED, "--stack", "shop") == DONE
    assert "default: printful (the stack shop)." in shown(capsys)


def test_an_unreachable_stack_is_a_readable_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = account({"RoutingRules": "*=camaloon"})
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    assert run(MIXED, "--stack", "shop") == NEGATIVE
    assert "the stack shop has no parameter DefaultDestination." in capsys.readouterr().err
    assert run(MIXED, "--stack", "shop") == UNREACHABLE
    assert "shop does not exist" in capsys.readouterr().err


def test_without_a_region_the_account_is_unreachable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert run(MIXED, "--stack", "shop") == UNREACHABLE
    assert "specify a region" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "rules", "default", "code", "text"),
    [
        (MIXED, "*=nobody", "camaloon", NEGATIVE, "RoutingRules"),
        (MIXED, "", "oms", NEGATIVE, "DefaultDestination"),
        (Path("missing.json"), "", "camaloon", USAGE, "does not exist"),
        (Path(), "", "camaloon", USAGE, "is a directory"),
    ],
)
def test_an_invalid_option_is_a_readable_error(
    capsys: pytest.CaptureFixture[str], file: Path, rules: str, default: str, code: int, text: str
) -> None:
    assert run(file, "--rules", rules, "--default", default) == code
    assert text in capsys.readouterr().err


def test_a_refused_order_is_shown_with_all_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "order.json"
    file.write_bytes(body(of_lines({"sku": "[red]\x1b[2J", "price": -1}) | {"currency": "euro"}))
    assert run(file, "--rules", "", "--default", "camaloon") == NEGATIVE
    text = shown(capsys)
    assert "1 '[red]\\x1b[2J' 1 camaloon" in text
    assert "The order would be refused, and none of its lines would be sent." in text
    assert "currency must be an ISO 4217 currency code, such as EUR" in text
    assert "line_items.0.price must be a number from 0, of 15 digits at most" in text


def test_the_routes_are_available_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(MIXED, "--rules", "PF-*=printful", "--default", "nobody", "--json") == NEGATIVE
    explained = json.loads(capsys.readouterr().out)
    assert [(line["id"], line["destination"], line["followed"]) for line in explained["lines"]] == [
        *(("1", None, False), ("2", "oms", False), ("3", "printful", True)),
    ]
    assert (explained["order_id"], explained["accepted"], explained["faults"]) == ("1002", True, [])


def test_the_samples_are_routed_as_their_names_say() -> None:
    assert destinations(sample("storefront/order_paid__personalized")) == [("70001", "oms"), ("70002", "oms")]
    assert [where for _, where in destinations(sample("storefront/order_paid__several_printers"))] == [
        *("camaloon", "cloudprinter", "printful", "printful")
    ]
