"""The stack in moto, made from template.yaml, and its functions run in this process, each with its own variables."""

import base64
import importlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
from botocore.client import BaseClient
from moto.dynamodb.models import DynamoDBBackend

from pressroom.inbox import drift, refusals
from pressroom.order import routing
from pressroom.partners import PARTNERS
from pressroom.platform import config, observe
from pressroom.providers.printful import stores
from tests.support import quick_moto, template

SECRETS = {
    **{f"{template.camel(each.id)}Secret": f"{each.id}-{each.credential}" for each in PARTNERS},
    **{f"{template.camel(each.id)}ApiSecret": f"{each.id}-api-token" for each in PARTNERS if each.has_api_token},
    "StorefrontNotificationsSecret": "d2hhdCB0aGUgc2hvcCBpcyB0b2xkIHdpdGg=",
    "SearchSecret": "the-key-of-the-search",
    "OpsTokenSecret": "the-ops-token",
}
PARAMETERS = {
    "CamaloonSourceDomain": "shop.example",
    "OmsStoreId": "the-store",
    "OmsBaseUrl": "https://oms.example",
}


quick_moto.install()


class Clock:
    """A clock that moves only by `advance`."""

    def __init__(self) -> None:
        self.now = datetime(2026, 9, 1, 14, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class FakeLambda:
    """Takes asynchronous invocations of the functions that exist, and keeps them until the hub runs them."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.invocations: list[tuple[str, dict[str, Any]]] = []
        self.waiting: list[tuple[str, dict[str, Any]]] = []
        self.exceptions = SimpleNamespace(ResourceNotFoundException=type("ResourceNotFoundException", (Exception,), {}))

    def invoke(self, **call: Any) -> dict[str, Any]:
        assert call["InvocationType"] == "Event"
        # Lambda would refuse another name with a ValidationException, and take what follows a colon for a version.
        assert re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", call["FunctionName"])
        if call["FunctionName"] not in self.names:
            raise self.exceptions.ResourceNotFoundException
        invocation = (call["FunctionName"], json.loads(call["Payload"]))
        self.invocations.append(invocation)
        self.waiting.append(invocation)
        return {"StatusCode": 202}


@cache
def _clients() -> SimpleNamespace:
    """The tests' own clients; the functions have theirs."""
    return SimpleNamespace(
        dynamodb=boto3.client("dynamodb"),
        streams=boto3.client("dynamodbstreams"),
        sqs=boto3.client("sqs"),
        secrets=boto3.client("secretsmanager"),
    )


class Cloud:
    """Table, queues and secrets as the template says. `call` runs a function with the variables it declares."""

    def __init__(self) -> None:
        clients = _clients()
        self.dynamodb, self.streams = clients.dynamodb, clients.streams
        self.sqs, self.secrets = clients.sqs, clients.secrets
        self.lambda_ = FakeLambda({template.named(each["FunctionName"]) for each in template.functions().values()})
        self.parameters = dict(PARAMETERS)
        self._refs: dict[str, str] = {"AWS::StackName": template.STACK}
        self._make_table()
        self._make_queues()
        for name, value in SECRETS.items():
            resource = template.resources("AWS::SecretsManager::Secret")[name]["Properties"]
            answer = self.secrets.create_secret(
                Name=template.named(resource["Name"]), SecretString=json.dumps({"current": value, "previous": ""})
            )
            self._refs[name] = answer["ARN"]

    def _make_table(self) -> None:
        properties = template.resources("AWS::DynamoDB::Table")["Table"]["Properties"]
        taken = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        table = self.dynamodb.create_table(
            TableName="table",
            StreamSpecification={"StreamEnabled": True, **properties["StreamSpecification"]},
            **{each: properties[each] for each in taken},
        )
        self.stream_arn = table["TableDescription"]["LatestStreamArn"]
        self.shard = self.streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]["Shards"][0]
        self._refs["Table"] = "table"

    def _make_queues(self) -> None:
        for name, resource in template.resources("AWS::SQS::Queue").items():
            fifo = resource["Properties"].get("FifoQueue")
            queue = template.named(resource["Properties"]["QueueName"])
            answer = self.sqs.create_queue(QueueName=queue, Attributes={"FifoQueue": "true"} if fifo else {})
            self._refs[name] = answer["QueueUrl"]

    def value(self, of: Any) -> str:
        """What a `!Ref` or `!GetAtt x.Id` of the template stands for."""
        if not isinstance(of, dict):
            return str(of)
        name = of.get("Ref") or of["Fn::GetAtt"].removesuffix(".Id")
        if name in self._refs:
            return self._refs[name]
        return str(self.parameters.get(name, template.template()["Parameters"][name]["Default"]))

    def url(self, queue: str) -> str:
        return self._refs[queue]

    def arn(self, secret: str) -> str:
        return self._refs[secret]

    def set_secret(self, name: str, current: str | list[str], previous: str = "") -> None:
        self.secrets.put_secret_value(
            SecretId=self._refs[name], SecretString=json.dumps({"current": current, "previous": previous})
        )

    @contextmanager
    def as_function(self, folder: str) -> Iterator[Callable[[dict[str, Any]], Any]]:
        """The function of a folder, while the environment has exactly the variables that the template declares."""
        properties = next(each for each in template.functions().values() if template.folder(each) == folder)
        environment = {name: self.value(value) for name, value in template.variables(properties).items()}
        module = importlib.import_module(f"functions.{folder.replace('/', '.')}.handler")
        with mock.patch.dict(os.environ, environment):
            yield lambda event: module.handler(event, SimpleNamespace(function_name="", aws_request_id=""))

    def call(self, folder: str, event: dict[str, Any]) -> Any:
        with self.as_function(folder) as function:
            return function(event)

    def rows(self, kind: str = "") -> list[dict[str, Any]]:
        """The table's rows of a kind (EVENT, ORDER …), or all of them."""
        items = self.dynamodb.scan(TableName="table")["Items"]
        return sorted(
            (dict(item) for item in items if item["pk"]["S"].startswith(kind)), key=lambda item: item["pk"]["S"]
        )

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """The messages of a queue, which stay there."""
        found = self.sqs.receive_message(QueueUrl=self.url(queue), MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self.sqs.change_message_visibility(
                QueueUrl=self.url(queue), ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return [json.loads(message["Body"]) for message in found]

    def changes(self, since: int = 0) -> list[dict[str, Any]]:
        """The table's stream from its n-th record on, as Lambda passes it to a function."""
        start = int(self.shard["SequenceNumberRange"]["StartingSequenceNumber"]) + since
        iterator = self.streams.get_shard_iterator(
            StreamArn=self.stream_arn,
            ShardId=self.shard["ShardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=str(start),
        )["ShardIterator"]
        records = list[Any]()
        while page := (answer := self.streams.get_records(ShardIterator=iterator))["Records"]:
            records += page
            iterator = answer["NextShardIterator"]
        return json.loads(json.dumps(records, default=_wire))  # type: ignore[no-any-return]


def _wire(value: object) -> object:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def is_dispatched(record: Mapping[str, Any]) -> bool:
    """The stream's filter, as tests/template checks it."""
    return record["eventName"] == "INSERT" and "dispatch" in record["dynamodb"]["NewImage"]


@contextmanager
def aws_calls() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """All AWS calls that are made meanwhile, with their parameters."""
    calls: list[tuple[str, dict[str, Any]]] = []
    real = BaseClient._make_api_call  # type: ignore[attr-defined]

    def note(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        calls.append((operation, parameters))
        return real(client, operation, parameters)

    with mock.patch.object(BaseClient, "_make_api_call", note):
        yield calls


@contextmanager
def one_write_at_a_time() -> Iterator[None]:
    """DynamoDB's guarantee about writes of one row, which moto does not give between threads."""
    lock = threading.Lock()
    real = DynamoDBBackend.put_item

    def locked(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return real(*args, **kwargs)

    with mock.patch.object(DynamoDBBackend, "put_item", locked):
        yield


_KEPT = (config.client, config.secret, routing.configured, observe.logger, drift.known, refusals.tally, stores.known)


def forget() -> None:
    """Empty what a function keeps between invocations."""
    for kept in _KEPT:
        kept.cache_clear()
