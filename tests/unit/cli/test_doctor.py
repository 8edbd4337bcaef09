"""How the doctor judges what it sees."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli import doctor
from cli.doctor import Finding, Visit
from cli.errors import Failed, Gone, NotReached
from cli.stacks import Installation, Secret, asking
from tests.support.template import ROOT

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


class Place(Installation):
    """An installation with what a test says of it."""

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


def visit(place: Place | None = None) -> Visit:
    return Visit(place or Place(), probe=False, now=lambda: NOW)


def judged(found: Finding) -> str:
    assert found.status in ("ok", "skipped") or found.todo, "what is wrong comes with what to do"
    return found.status


@pytest.mark.parametrize(
    ("told", "status"),
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
def test_a_clock_may_be_a_minute_off(told: str | None, status: str) -> None:
    assert judged(doctor.clock_finding(told, NOW)) == status


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
    (found,) = doctor.stack(visit(Place(deployed)))
    assert judged(found) == status


@pytest.mark.parametrize(("most", "status"), [(10, "fail"), (11, "warn"), (99, "warn"), (100, "ok"), (1000, "ok")])
def test_ten_functions_at_a_time_are_too_few(most: int, status: str) -> None:
    (found,) = doctor.quotas(visit(Place(concurrency=most)))
    assert judged(found) == status


@pytest.mark.parametrize(
    ("short", "rules", "status"),
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
def test_a_secret_that_is_not_set_is_a_fault_where_it_is_needed(short: str, rules: str, status: str) -> None:
    place = Place(RoutingRules=rules, DefaultDestination="nobody")
    (found,) = doctor.secret_findings(short, Secret((), (), shaped=True), visit(place))
    assert judged(found) == status


@pytest.mark.parametrize(
    ("short", "secret", "status"),
    [
        ("oms", Secret(("hush-b_9",), (), shaped=True), "ok"),
        ("oms", Secret(("hush/b",), (), shaped=True), "fail"),
        ("camaloon", Secret(("hush/b",), (), shaped=True), "ok"),
        ("camaloon", Secret(("hush ",), (), shaped=True), "fail"),
        ("cloudprinter", Secret(("hush", "\thush"), (), shaped=True), "fail"),
        ("camaloon", Secret(("hush",), ("hush",), shaped=True), "warn"),
        ("storefront-notifications", Secret(("whsec_aHVzaA==",), (), shaped=True), "ok"),
        ("storefront-notifications", Secret(("hush!",), (), shaped=True), "fail"),
        ("camaloon", Secret(("hush",), (), shaped=False), "fail"),
    ],
)
def test_a_secret_is_judged_by_its_form_and_never_shown(short: str, secret: Secret, status: str) -> None:
    (found,) = doctor.secret_findings(short, secret, visit())
    assert judged(found) == status
    assert "hush" not in found.text + found.todo


def test_what_is_empty_is_a_fault_only_where_the_routing_needs_it() -> None:
    everything = Place(
        CamaloonSourceDomain="", OmsBaseUrl="", OmsStoreId="1", RoutingRules="X=oms", DefaultDestination="camaloon"
    )
    nothing = Place(RoutingRules="*=printful", DefaultDestination="nobody")
    assert [judged(each) for each in doctor.parameters(visit(everything))] == ["fail", "fail", "ok"]
    assert [judged(each) for each in doctor.parameters(visit(nothing))] == ["ok", "warn", "warn"]


def test_rules_that_cannot_be_read_are_a_fault_and_no_crash() -> None:
    (found,) = doctor.looked("parameters", doctor.parameters, visit(Place(RoutingRules="*=nobody")))
    assert (found.name, found.status) == ("parameters", "fail")


def test_a_check_keeps_what_it_has_found_before_it_could_not_go_on() -> None:
    def halfway(_: Visit) -> Any:
        yield Finding("first", "ok", "")
        raise NotReached("no right")

    def broken(_: Visit) -> Any:
        raise Failed("no good")

    found = doctor.looked("second", halfway, visit())
    assert [(each.name, each.status, each.text) for each in found] == [
        ("first", "ok", ""),
        ("second", "skipped", "no right"),
    ]
    assert doctor.looked("third", broken, visit()) == [Finding("third", "fail", "no good")]


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
def test_what_may_not_be_asked_is_skipped_and_what_is_gone_is_a_fault(code: str, status: str) -> None:
    def ask(_: Visit) -> Any:
        with asking("somebody"):
            raise refused(code)

    (found,) = doctor.looked("it", ask, visit())
    assert judged(found) == status


class Secrets(Place):
    """Its secrets can't be read."""

    outputs = dict.fromkeys(doctor.SECRETS, "arn")

    def __init__(self, reason: NotReached) -> None:
        super().__init__()
        self.reason = reason

    def secret(self, output: str) -> Secret:
        raise self.reason


@pytest.mark.parametrize(("reason", "status"), [(Gone("gone"), "fail"), (NotReached("no right"), "skipped")])
def test_a_secret_that_was_deleted_is_a_fault(reason: NotReached, status: str) -> None:
    found = list(doctor.secrets(visit(Secrets(reason))))
    assert [judged(each) for each in found] == [status] * len(doctor.SECRETS)


class Queues(Place):
    """The queues of a stack: how many messages each holds, or None if it was deleted."""

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


def test_a_queue_that_was_deleted_hides_no_other() -> None:
    place = Queues({"CamaloonDeadLetterQueue": None, "OmsDeadLetterQueue": 2, "OmsQueue": 1, "CamaloonQueue": 0})
    assert [judged(each) for each in doctor.queues(visit(place))] == ["fail", "fail", "warn", "ok"]


def test_dead_letters_lead_to_what_the_runbook_says_of_them() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    template = (ROOT / "template.yaml").read_text()
    names = re.findall(r"^  (\w+DeadLetterQueue):$", template, re.MULTILINE)
    found = [each for each in doctor.queues(visit(Queues(dict.fromkeys(names, 1)))) if each.status == "fail"]
    assert len(found) == len(names) > 0
    for each in found:
        assert f"## {each.todo.removeprefix('See docs/runbook.md, ').rstrip('.')}\n" in runbook


class Vault(Place):
    """An account in which a secret holds bytes."""

    outputs = {"CamaloonSecretArn": "arn"}  # noqa: RUF012

    def client(self, service: str, **config: Any) -> Any:
        return self

    def get_secret_value(self, SecretId: str) -> Any:  # noqa: N803 - boto3's name
        return {"SecretBinary": b"hush"}


def test_a_secret_of_bytes_is_a_fault_and_no_crash() -> None:
    found = {each.name: each for each in doctor.secrets(visit(Vault()))}
    assert judged(found["secret camaloon"]) == "fail"


class Account(Place):
    """An account with some functions, of a stack that has two."""

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
def test_a_function_that_is_gone_is_missed(there: tuple[str, ...], found: list[tuple[str, str]]) -> None:
    seen = visit(Account(*there))
    seen.resources = [
        {"LogicalResourceId": each, "PhysicalResourceId": each, "ResourceType": "AWS::Lambda::Function"}
        for each in ("shop-api", "shop-pump")
    ]
    assert [(each.name, judged(each)) for each in doctor.functions(seen)] == found


@pytest.mark.parametrize(("name", "status"), [("payload_drift", "warn"), ("provider_silent", "fail")])
def test_what_hinders_nothing_is_no_fault(name: str, status: str) -> None:
    told = {"id": name, "name": name, "about": "", "since": "2026-11-28T02:00:00.000Z", "text": "A sentence."}

    class Api:
        def get(self, _: str) -> dict[str, Any]:
            return {"conditions": [told], "looked_at": "2026-11-28T02:59:00.000Z"}

    seen = visit()
    seen.api = Api()  # type: ignore[assignment]
    assert [judged(each) for each in doctor.conditions(seen)] == [status]
