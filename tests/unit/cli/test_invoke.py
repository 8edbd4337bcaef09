"""Invoking a function of a deployed stack, and the errors if it fails."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError

from cli import invoke
from cli.errors import Failed
from cli.stacks import Installation
from tests.support.invoked import InvokedLambda


def invoked(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any] | Exception) -> InvokedLambda:
    functions = InvokedLambda(lambda event, context: event, answer)
    monkeypatch.setattr("boto3.client", lambda service, config: functions)
    return functions


@pytest.mark.parametrize("function", ["catalogue", "printful_webhook"])
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke"), "no function shop-{function}"),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "you may not"}}, "Invoke"), "you may not"),
        (NoRegionError(), "region"),
        ({"errorType": "KeyError", "errorMessage": "PRIVATE"}, "failed \\(KeyError\\)"),
    ],
)
def test_a_failed_invocation_is_a_readable_error(
    monkeypatch: pytest.MonkeyPatch, function: str, answer: dict[str, Any] | Exception, problem: str
) -> None:
    functions = invoked(monkeypatch, answer)
    with pytest.raises(Failed, match=problem.format(function=function)) as caught:
        invoke.ask(Installation.deployed("shop"), function, {"action": "show"})
    assert "PRIVATE" not in str(caught.value)
    assert functions.calls == [{"FunctionName": f"shop-{function}", "Payload": b'{"action":"show"}'}]


def test_a_payload_over_lambdas_limit_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = invoked(monkeypatch, {})
    with pytest.raises(Failed, match=r"has 6\.0 MB"):
        invoke.ask(Installation.deployed("shop"), "catalogue", {"action": "diff", "catalogue": "ü" * (3 * 1024 * 1024)})
    assert functions.calls == []
