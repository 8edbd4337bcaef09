"""Counts the AWS calls of functions in this process, through the events of their botocore clients."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from typing import Any

from benches import cloud, units
from pressroom.platform import config

SERVICES = ("dynamodb", "secretsmanager", "sqs", "lambda")
LOG_LINE_OVERHEAD = 26
"""Bytes that CloudWatch adds to each line."""


@dataclass(slots=True)
class Use:
    """The resource use of a function's invocations."""

    invocations: int = 0
    calls: list[str] = field(default_factory=list)
    write_units: float = 0
    read_units: float = 0
    requests: int = 0
    """HTTP requests to partners."""
    fifo_requests: int = 0
    queue_requests: int = 0
    """Requests to SQS, including those of Lambda's polling; FIFO queues cost more."""
    log_bytes: int = 0
    rows: list[tuple[str, int]] = field(default_factory=list)
    """The rows written, as (kind, bytes)."""

    def __add__(self, other: "Use") -> "Use":
        return Use(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


class Meter:
    """Subscribes to the events of botocore clients. The stub of a partner increments `requests` itself."""

    def __init__(self, table: dict[str, Any], log: io.StringIO) -> None:
        self.indexes = table["GlobalSecondaryIndexes"]
        self.log = log
        self.use = Use()
        self.inserted: list[units.Item] = []
        self.sent: list[str] = []
        self._params: dict[str, Any] = {}
        self._before: list[units.Item | None] = []
        self._paused = False
        for service in SERVICES:
            config.client(service).meta.events.register("provide-client-params", self._on_call)
            config.client(service).meta.events.register("after-call", self._on_response)

    @contextmanager
    def running(self, invocations: int = 1) -> Iterator[Use]:
        """Count the calls inside the block, by default as one invocation.

        Afterwards `inserted` has the new rows, and `sent` the bodies of the sent messages.
        """
        self.use, self.inserted, self.sent = Use(invocations), [], []
        printed = self.log.tell()
        yield self.use
        lines = self.log.getvalue()[printed:].splitlines()
        self.use.log_bytes = sum(len(line.encode()) + LOG_LINE_OVERHEAD for line in lines)
        self.use = Use()  # calls outside of a block are not counted

    def _on_call(self, params: dict[str, Any], model: Any, **_: object) -> None:
        if self._paused:
            return
        service = model.service_model.service_name
        self.use.calls.append(f"{service}.{model.name}")
        if service == "dynamodb":
            self._params = params
            self._before = [self._row(key) for key in _written(model.name, params)]
        elif service == "sqs":
            is_fifo = params["QueueUrl"].endswith(".fifo")
            self.use.fifo_requests += is_fifo
            self.use.queue_requests += not is_fifo
            self.sent += [params["MessageBody"]] if model.name == "SendMessage" else []

    def _on_response(self, model: Any, http_response: Any, parsed: dict[str, Any], **_: object) -> None:
        if self._paused or model.service_model.service_name != "dynamodb":
            return
        params = self._params
        match model.name:
            case "GetItem":
                self._read([params])
            case "BatchGetItem":
                asked = params["RequestItems"].values()
                self._read([request | {"Key": key} for request in asked for key in request["Keys"]])
            case "Query":
                index = next(each for each in self.indexes if each["IndexName"] == params["IndexName"])
                self.use.read_units += units.query(parsed, index)
            case "PutItem" | "UpdateItem" | "TransactWriteItems":
                self._wrote(model.name, params, was_taken=http_response.status_code == 200)
            case _:
                raise NotImplementedError(f"the units of {model.name} are not implemented")

    def _read(self, requests: list[dict[str, Any]]) -> None:
        for request in requests:
            row = self._row(request["Key"])
            self.use.read_units += units.read(row, consistent=request.get("ConsistentRead", False))

    def _wrote(self, operation: str, params: dict[str, Any], *, was_taken: bool) -> None:
        for before, key in zip(self._before, _written(operation, params), strict=True):
            after = self._row(key)
            self.use.write_units += units.write(
                before, after, self.indexes, transaction=operation == "TransactWriteItems"
            )
            self.use.rows.append((key["pk"]["S"].partition("#")[0], units.size(after or {})))
            if before is None and after is not None and was_taken:
                self.inserted.append(after)

    def _row(self, key: units.Item) -> units.Item | None:
        self._paused = True
        try:
            answer = config.client("dynamodb").get_item(TableName=cloud.TABLE, Key=key, ConsistentRead=True)
        finally:
            self._paused = False
        item: units.Item | None = answer.get("Item")
        return item


def _written(operation: str, params: dict[str, Any]) -> list[units.Item]:
    """Return the keys of the rows that a call writes."""
    if operation == "TransactWriteItems":
        return [_key(action) for entry in params["TransactItems"] for action in entry.values()]
    return [_key(params)] if operation in {"PutItem", "UpdateItem"} else []


def _key(write: dict[str, Any]) -> units.Item:
    key: units.Item = write["Key"] if "Key" in write else {"pk": write["Item"]["pk"]}
    return key
