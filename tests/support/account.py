"""What a command at a desk meets: the front door over HTTP, and the AWS account that the stack is deployed to."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError
from werkzeug.serving import WSGIRequestHandler, make_server

from pressroom.partners import PARTNERS
from tests.support import template
from tests.support.cloud import Cloud
from tests.support.invoked import InvokedLambda
from tests.support.wsgi import Environ, application

AT = datetime(2026, 9, 1, tzinfo=UTC)


class Door:
    """The API's URL. `instead` answers a path with something else: a status, and JSON."""

    def __init__(self, cloud: Cloud) -> None:
        self._answer = application(cloud)
        self.instead: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.asked.append((environ["REQUEST_METHOD"], path))
        if path not in self.instead:
            return self._answer(environ, start_response)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, content = self.instead[path]
        start_response(f"{status} .", [("Content-Type", "application/json")])
        return [json.dumps(content).encode()]


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Print nothing: the tests look at what is printed."""


@contextmanager
def opened(door: Door) -> Iterator[Door]:
    """Serve it on this machine."""
    server = make_server("127.0.0.1", 0, door, request_handler=_Quiet)
    door.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Account:
    """The account: CloudFormation and Lambda are these few lines, what else is asked is moto.

    `denied` are the services that the caller has no right to.
    """

    def __init__(self, cloud: Cloud, url: str) -> None:
        self.cloud = cloud
        self.url = url
        self.status = "UPDATE_COMPLETE"
        self.parameters = {
            name: str(cloud.parameters.get(name, each["Default"]))
            for name, each in template.template()["Parameters"].items()
        }
        self.concurrency = 1000
        self.denied: set[str] = set()
        self.printful = InvokedLambda(lambda event, context: {"ok": True, "state": "fine"})
        self._client = boto3.client

    def client(self, service: str, **_: Any) -> Any:
        if service in self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": f"you may not use {service}"}}, "Ask")
        return self if service in ("cloudformation", "lambda") else self._client(service)  # type: ignore[call-overload]

    def invoke(self, **call: Any) -> dict[str, Any]:
        return self.printful.invoke(**call)

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": self.concurrency}}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - the SDK's name
        if StackName != template.STACK:
            told = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": told}}, "DescribeStacks")
        outputs = {"ApiUrl": self.url} | {
            name: self.cloud.value(each["Value"])
            for name, each in template.template()["Outputs"].items()
            if name.endswith(("SecretArn", "QueueUrl"))
        }
        outputs |= {
            f"{template.camel(each.id)}WebhookUrl": f"{self.url}/webhooks/{each.id}"
            + ("/{token}" if each.credential == "token" else "")
            for each in PARTNERS
        }
        return {
            "Stacks": [
                {
                    "StackName": StackName,
                    "StackStatus": self.status,
                    "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
                    "Parameters": [
                        {"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()
                    ],
                }
            ]
        }

    def get_paginator(self, _: str) -> "Account":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        kinds: dict[str, Callable[[str, dict[str, Any]], str]] = {
            "AWS::SQS::Queue": lambda name, _: self.cloud.url(name),
            "AWS::CloudWatch::Alarm": lambda _, each: template.named(each["Properties"]["AlarmName"]),
            "AWS::SNS::Topic": lambda *_: self.topic,
        }
        rows = [
            {"LogicalResourceId": name, "PhysicalResourceId": physical(name, each), "ResourceType": kind}
            for kind, physical in kinds.items()
            for name, each in template.resources(kind).items()
        ]
        names = {name: template.named(each["FunctionName"]) for name, each in template.functions().items()}
        rows += [
            {"LogicalResourceId": name, "PhysicalResourceId": each, "ResourceType": "AWS::Lambda::Function"}
            for name, each in names.items()
        ]
        there = [{"FunctionName": each} for each in names.values()]
        return [  # of the stack's resources and of the account's functions, whichever is asked for
            {"StackResourceSummaries": rows[:5], "Functions": there[:5]},
            {"StackResourceSummaries": rows[5:], "Functions": there[5:]},
        ]

    @property
    def topic(self) -> str:
        return str(self._client("sns").create_topic(Name=f"{template.STACK}-alarms")["TopicArn"])

    def make_alarms(self) -> None:
        for each in template.resources("AWS::CloudWatch::Alarm").values():
            properties = each["Properties"]
            self._client("cloudwatch").put_metric_alarm(
                AlarmName=template.named(properties["AlarmName"]),
                AlarmDescription=template.named(properties["AlarmDescription"]),
                MetricName="Any",
                Namespace="Any",
                Statistic="Sum",
                Period=60,
                EvaluationPeriods=1,
                Threshold=0,
                ComparisonOperator="GreaterThanThreshold",
            )
