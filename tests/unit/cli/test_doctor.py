"""The status of each finding of the doctor."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli import doctor
from cli.doctor import Finding, Inspection
from cli.errors import Failed, Gone, Unreachable
from cli.stacks import Installation, Secret, aws_errors
from tests.support.template import ROOT

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


class FakeInstallation(Installation):
    """An installation with these properties."""

    def __init__(self, status: str = "CREATE_COMPLETE", concurrency: int = 1000, **parameters: str) -> None:
        super().__init__("the stack shop", stack_name="shop")
        self.description = {
            "StackStatus": status,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        }
        self.concurrency = concurrency

    def client(self, service: str, **config: Any) -> Any:
        assert service == "lambda"
        return self

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": self.concurrency}}


def inspect(installation: FakeInstallation | None = None) -> Inspection:
    return Inspection(installation or FakeInstallation(), probe=False, now=lambda: NOW)


def status_of(found: Finding) -> str:
    assert found.status in ("ok", "skipped") or found.todo, "a problem has an instruction"
    return found.status


@pytest.mark.parametrize(
    ("date", "status"),
    [
        ("Sat, 28 Nov 2026 03:00:59 GMT", "ok"),
        ("Sat, 28 Nov 2026 02:59:00 GMT", "ok"),
        ("Sat, 28 Nov 2026 03:01:01 GMT", "warn"),
        ("Sat, 28 Nov 2026 02:55:00 GMT", "warn"),
        ("Sat, 28 Nov 2026 03:05:01 GMT", "fail"),
        ("Fri, 27 Nov 2026 03:00:00 GMT", "fail"),
        (None, "skipped"),
        ("now", "skipped"),
    ],
)
def test_a_clock_may_be_a_minute_off(date: str | None, status: str) -> None:
    assert status_of(doctor.clock_finding(date, NOW)) == status


@pytest.mark.parametrize(
    ("deployed", "status"),
    [
        ("UPDATE_COMPLETE", "ok"),
        ("UPDATE_IN_PROGRESS", "warn"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "warn"),
        ("UPDATE_ROLLBACK_COMPLETE", "warn"),
        ("ROLLBACK_COMPLETE", "fail"),
        ("UPDATE_ROLLBACK_FAILED", "fail"),
        ("DELETE_FAILED", "fail"),
    ],
)
def test_a_stack_is_judged_by_its_last_deployment(deployed: str, status: str) -> None:
    (found,) = doctor.stack(inspect(FakeInstallation(deployed)))
    assert status_of(found) == status


@pytest.mark.parametrize(("most", "status"), [(10, "fail"), (11, "warn"), (99, "warn"), (100, "ok"), (1000, "ok")])
def test_a_quota_of_ten_functions_fails(most: int, status: str) -> None:
    (found,) = doctor.quotas(inspect(FakeInstallation(concurrency=most)))
    assert status_of(found) == status


@pytest.mark.parametrize(
    ("suffix", "rules", "status"),
    [
        ("camaloon", "*=camaloon", "fail"),
        ("camaloon", "*=oms", "warn"),
        ("printful-api", "PF-*=printful", "fail"),
        ("printful-api", "", "warn"),
        ("oms-api", "X=oms", "fail"),
        ("cloudprinter", "", "warn"),
        ("storefront", "", "fail"),
        ("ops-token", "", "fail"),
    ],
)
def test_a_missing_secret_fails_only_if_it_is_needed(suffix: str, rules: str, status: str) -> None:
    place = FakeInstallation(RoutingRules=rules, DefaultDestination="nobody")
    (found,) = doctor.secret_findings(suffix, Secret((), (), well_formed=True), inspect(place))
    assert status_of(found) == status


@pytest.mark.parametrize(
    ("suffix", "secret", "status"),
    [
        ("oms", Secret(("hush-b_9",), (), well_formed=True), "ok"),
        ("oms", Secret(("hush/b",), (), well_formed=True), "fail"),
        ("camaloon", Secret(("hush/b",), (), well_formed=True), "ok"),
        ("camaloon", Secret(("hush ",), (), well_formed=True), "fail"),
        ("cloudprinter", Secret(("hush", "\thush"), (), well_formed=True), "fail"),
        ("camaloon", Secret(("hush",), ("hush",), well_formed=True), "warn"),
        ("search", Secret(("hush",), ("hush",), well_formed=True), "ok"),
        ("storefront-notifications", Secret(("whsec_aHVzaA==",), (), well_formed=True), "ok"),
        ("storefront-notifications", Secret(("hush!",), (), well_formed=True), "fail"),
        ("camaloon", Secret(("hush",), (), well_formed=False), "fail"),
    ],
)
def test_the_format_of_a_secret_is_checked_and_its_value_is_not_shown(suffix: str, secret: Secret, status: str) -> None:
    (found,) = doctor.secret_findings(suffix, secret, inspect())
    assert status_of(found) == status
    assert "hush" not in found.text + found.todo


def test_an_empty_parameter_fails_only_if_the_routing_needs_it() -> None:
    everything = FakeInstallation(
        CamaloonSourceDomain="", OmsBaseUrl="", OmsStoreId="1", RoutingRules="X=oms", DefaultDestination="camaloon"
    )
    nothing = FakeInstallation(RoutingRules="*=printful", DefaultDestination="nobody")
    assert [status_of(each) for each in doctor.parameters(inspect(everything))] == ["fail", "fail", "ok"]
    assert [status_of(each) for each in doctor.parameters(inspect(nothing))] == ["ok", "warn", "warn"]


def test_invalid_rules_are_a_failure_and_no_crash() -> None:
    (found,) = doctor.run_check("parameters", doctor.parameters, inspect(FakeInstallation(RoutingRules="*=nobody")))
    assert (found.name, found.status) == ("parameters", "fail")


def test_a_check_keeps_its_findings_from_before_an_error() -> None:
    def halfway(_: Inspection) -> Any:
        yield Finding("first", "ok", "")
        raise Unreachable("no right")

    def broken(_: Inspection) -> Any:
        raise Failed("no good")

    found = doctor.run_check("second", halfway, inspect())
    assert [(each.name, each.status, each.text) for each in found] == [
        ("first", "ok", ""),
        ("second", "skipped", "no right"),
    ]
    assert doctor.run_check("third", broken, inspect()) == [Finding("third", "fail", "no good")]


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Ask")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", "skipped"),
        ("ThrottlingException", "skipped"),
        ("ResourceNotFoundException", "fail"),  # a secret or a function that was deleted
        ("InvalidRequestException", "fail"),  # a secret that will be, in some days
        ("AWS.SimpleQueueService.NonExistentQueue", "fail"),
        ("QueueDoesNotExist", "fail"),
    ],
)
def test_a_check_without_permission_is_skipped_and_a_deleted_resource_fails(code: str, status: str) -> None:
    def ask(_: Inspection) -> Any:
        with aws_errors("somebody"):
            raise refused(code)

    (found,) = doctor.run_check("it", ask, inspect())
    assert status_of(found) == status


class Secrets(FakeInstallation):
    """An installation whose secrets can't be read."""

    outputs = dict.fromkeys(doctor.SECRETS, "arn")

    def __init__(self, reason: Unreachable) -> None:
        super().__init__()
        self.reason = reason

    def secret(self, output: str) -> Secret:
        raise self.reason


@pytest.mark.parametrize(("reason", "status"), [(Gone("gone"), "fail"), (Unreachable("no right"), "skipped")])
def test_a_deleted_secret_fails(reason: Unreachable, status: str) -> None:
    found = list(doctor.secrets(inspect(Secrets(reason))))
    assert [status_of(each) for each in found] == [status] * len(doctor.SECRETS)


class Queues(FakeInstallation):
    """An installation with queues: the number of messages in each, or None if it was deleted."""

    def __init__(self, messages: dict[str, int | None]) -> None:
        super().__init__()
        self.messages = messages

    def client(self, service: str, **config: Any) -> Any:
        return self

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, **asked: str) -> Any:
        kind = "AWS::SQS::Queue"
        names = [
            {"LogicalResourceId": each, "PhysicalResourceId": each, "ResourceType": kind} for each in self.messages
        ]
        return [{"StackResourceSummaries": names}]

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803 - boto3's names
        messages = self.messages[QueueUrl]
        if messages is None:
            raise refused("QueueDoesNotExist")
        return {"Attributes": {AttributeNames[0]: str(messages)}}


def test_a_deleted_queue_does_not_hide_the_others() -> None:
    place = Queues({"CamaloonDeadLetterQueue": None, "OmsDeadLetterQueue": 2, "OmsQueue": 1, "CamaloonQueue": 0})
    assert [status_of(each) for each in doctor.queues(inspect(place))] == ["fail", "fail", "warn", "ok"]


def test_a_finding_about_a_dead_letter_queue_names_its_section_in_the_runbook() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    template = (ROOT / "template.yaml").read_text()
    names = re.findall(r"^  (\w+DeadLetterQueue):$", template, re.MULTILINE)
    found = [each for each in doctor.queues(inspect(Queues(dict.fromkeys(names, 1)))) if each.status == "fail"]
    assert len(found) == len(names) > 0
    for each in found:
        assert f"## {each.todo.removeprefix('See docs/runbook.md, ').rstrip('.')}\n" in runbook


class Vault(FakeInstallation):
    """An installation whose secret contains bytes."""

    outputs = {"CamaloonSecretArn": "arn"}  # noqa: RUF012

    def client(self, service: str, **config: Any) -> Any:
        return self

    def get_secret_value(self, SecretId: str) -> Any:  # noqa: N803 - boto3's name
        return {"SecretBinary": b"hush"}


def test_a_binary_secret_fails_without_a_crash() -> None:
    found = {each.name: each for each in doctor.secrets(inspect(Vault()))}
    assert status_of(found["secret camaloon"]) == "fail"


class Account(FakeInstallation):
    """An account with these functions."""

    def __init__(self, *functions: str) -> None:
        super().__init__()
        self.functions = functions

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"Functions": [{"FunctionName": each}]} for each in self.functions]


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (("shop-api", "shop-pump", "others"), [("functions", "ok")]),
        (("shop-api",), [("function shop-pump", "fail")]),
    ],
)
def test_a_deleted_function_fails(there: tuple[str, ...], found: list[tuple[str, str]]) -> None:
    inspection = inspect(Account(*there))
    inspection.resources = [
        {"LogicalResourceId": each, "PhysicalResourceId": each, "ResourceType": "AWS::Lambda::Function"}
        for each in ("shop-api", "shop-pump")
    ]
    assert [(each.name, status_of(each)) for each in doctor.functions(inspection)] == found


@pytest.mark.parametrize(("name", "status"), [("payload_drift", "warn"), ("provider_silent", "fail")])
def test_a_harmless_condition_is_a_warning(name: str, status: str) -> None:
    condition = {"id": name, "name": name, "about": "", "since": "2026-11-28T02:00:00.000Z", "text": "A sentence."}

    class Api:
        def get(self, _: str) -> dict[str, Any]:
            return {"conditions": [condition], "looked_at": "2026-11-28T02:59:00.000Z"}

    inspection = inspect()
    inspection.api = Api()  # type: ignore[assignment]
    assert [status_of(each) for each in doctor.conditions(inspection)] == [status]
