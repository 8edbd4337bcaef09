"""What a webhook costs: AWS calls, DynamoDB units, and the list price of a million.

The messages of an order's life (`LIVES`) go the whole way, each function with the event that AWS would hand it:
receiver, pump, topic, and for a paid order pump and deliver as well. Everything is warm: another order has gone the
same way before. Calls are counted as botocore makes them, against moto; units are computed from the rows before and
after (`units`); log bytes are those that the functions print. Per function:

- `<webhook>.<function>.calls`: AWS calls for one webhook. A receiver makes one.
- `<webhook>.<function>.write_units`, `.read_units`: DynamoDB, index entries included.
- `<webhook>.usd_per_million`: list price in us-east-1 on arm64, received to recorded; a paid order, to delivered.
  The notes under the table hold the formula with its numbers, and the bytes of the rows that were written: every
  started KB is a unit.

Assumed, since no emulator knows them: how long a function runs (`Prices`); that each webhook is a stream batch of its
own, which is the dearest way. Not in the price: storage, backups, alarms, taxes, traffic, and the free tiers.
"""

import base64
import importlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

from moto import mock_aws

from benches import cloud, units
from benches.metric import Metric, Report
from local.build import read_built
from local.event import for_topic
from local.settings import ROOT
from pressroom import config

SERVICES = ("dynamodb", "secretsmanager", "sqs", "lambda")
QUEUES = {"CAMALOON_QUEUE_URL": "camaloon.fifo", "DEAD_LETTER_QUEUE_URL": "camaloon-dead-letters.fifo"}

LIVES = (
    ("storefront.order_paid", "camaloon.shipment_sent"),
    (
        "storefront.order_paid__several_printers",
        "printful.order_created",
        "printful.order_updated",
        "printful.package_shipped",
    ),
    (
        "storefront.order_paid__several_printers",
        "cloudprinter.item_validated",
        "cloudprinter.item_produce",
        "cloudprinter.item_produced",
        "cloudprinter.item_packed",
        "cloudprinter.item_shipped",
    ),
)
"""The samples that an order gets, one after the other: its row grows with each. The first parcel is the dearest: it
also moves the order to another place in the index."""

PRICE_TARGETS = {
    "storefront.order_paid": 20.0,
    "camaloon.shipment_sent": 8.0,
    "printful.order_created": None,  # the one event of an order that makes it findable by its products
    "printful.order_updated": 8.0,
    "cloudprinter.item_shipped": 8.0,
    "printful.package_shipped": 8.0,
}
"""What is measured, and the most that a million may cost."""

FIRST_LOOK, BETWEEN_LOOKS = datetime(2026, 9, 6, 7, 31, 8, 402719, UTC), timedelta(seconds=37, microseconds=618033)
"""When the clock was looked at first, and how much later each next time."""

ORDER_IN = {
    "storefront": ("id",),
    "camaloon": ("order_id",),
    "cloudprinter": ("order_reference",),
    "printful": ("data", "order", "external_id"),
}
"""Where a provider's message names our order."""


class Prices:
    """List prices in USD, us-east-1, November 2026 and what is assumed of durations."""

    API_REQUEST = 1.00e-6
    LAMBDA_REQUEST = 0.20e-6
    LAMBDA_GB_SECOND = 0.0000133334
    WRITE_UNIT = 0.625e-6
    READ_UNIT = 0.125e-6
    QUEUE_REQUEST = 0.50e-6
    LOG_BYTE = 0.50e-9
    MEMORY_GB = 0.5
    # 5 ms of network and database per call, and our share and botocore's (0.4 ms of a whole processor) at 0.29 of one.
    SECONDS_PER_INVOCATION, SECONDS_PER_CALL = 0.005, 0.010
    SECONDS_PER_DELIVERY = 0.3  # waiting for the answer of a partner
    COLD_SHARE, COLD_SECONDS = 0.01, 1.2
    LOG_LINE_OVERHEAD = 26  # bytes that CloudWatch adds to each line
    ACCESS_LOG_LINE = 250 + LOG_LINE_OVERHEAD


@dataclass(slots=True)
class Use:
    """What one invocation used."""

    calls: list[str] = field(default_factory=list)
    write_units: float = 0
    read_units: float = 0
    log_bytes: int = 0
    rows: list[str] = field(default_factory=list)
    """The rows written: their kind and their bytes."""


class Meter:
    """Counts what the functions ask of AWS, by listening to their botocore clients."""

    def __init__(self, table: dict[str, Any], log: io.StringIO) -> None:
        self.indexes = table["GlobalSecondaryIndexes"]
        self.log = log
        self.use = Use()
        self.inserted: list[units.Item] = []
        self._params: dict[str, Any] = {}
        self._before: list[units.Item | None] = []
        self._looking = False
        for service in SERVICES:
            config.client(service).meta.events.register("provide-client-params", self._asked)
            config.client(service).meta.events.register("after-call", self._answered)

    @contextmanager
    def running(self) -> Iterator[Use]:
        """Count what is done inside the block as one invocation; `inserted` then holds the rows that are new."""
        self.use, self.inserted = Use(), []
        printed = self.log.tell()
        yield self.use
        lines = self.log.getvalue()[printed:].splitlines()
        self.use.log_bytes = sum(len(line.encode()) + Prices.LOG_LINE_OVERHEAD for line in lines)

    def _asked(self, params: dict[str, Any], model: Any, **_: object) -> None:
        if self._looking:
            return
        self.use.calls.append(f"{model.service_model.service_name}.{model.name}")
        if model.service_model.service_name == "dynamodb":
            self._params = params
            self._before = [self._row(key) for key in _written(model.name, params)]

    def _answered(self, model: Any, http_response: Any, **_: object) -> None:
        if self._looking or model.service_model.service_name != "dynamodb":
            return
        params = self._params
        read = [params] if model.name == "GetItem" else []
        if model.name == "BatchGetItem":
            read = [request | {"Key": key} for request in params["RequestItems"].values() for key in request["Keys"]]
        for row in read:
            self.use.read_units += units.read(self._row(row["Key"]), consistent=row.get("ConsistentRead", False))
        if read:
            return
        written = _written(model.name, params)
        if not written:
            raise NotImplementedError(f"the units of {model.name} are not known here")
        for before, key in zip(self._before, written, strict=True):
            after = self._row(key)
            self.use.write_units += units.write(
                before, after, self.indexes, transaction=model.name == "TransactWriteItems"
            )
            self.use.rows.append(f"{key['pk']['S'].partition('#')[0]} {units.size(after or {})}")
            if before is None and after is not None and http_response.status_code == 200:
                self.inserted.append(after)

    def _row(self, key: units.Item) -> units.Item | None:
        self._looking = True
        try:
            answer = config.client("dynamodb").get_item(TableName=cloud.TABLE, Key=key, ConsistentRead=True)
        finally:
            self._looking = False
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


def measure(built: Path) -> Report:
    table = read_built(built)["Resources"]["Table"]["Properties"]
    os.environ |= cloud.settings()
    # One log for all: the functions' logger keeps the standard output that it first saw.
    log, delivered = redirect_stdout(io.StringIO()), patch("pressroom.clients.http.post", return_value=200)
    # A clock of its own: how well a row compresses depends on the times in it.
    clock = patch("pressroom.config.utcnow", side_effect=(FIRST_LOOK + n * BETWEEN_LOOKS for n in count()))
    ways: dict[str, dict[str, Use]] = {}
    with mock_aws(), delivered, clock, log as printed:
        _create(table)
        cloud.answer(config.client("secretsmanager"), "GetSecretValue", cloud.secret)
        cloud.answer(config.client("lambda"), "Invoke", lambda _: {})
        meter = Meter(table, printed)
        for turn in (1, 2):  # the first warms the functions
            ways = {}
            for number, life in enumerate(LIVES, start=1):
                ways |= {sample: _send(meter, sample, 1000 * number + turn) for sample in life}
    ways = {topic: ways[topic] for topic in PRICE_TARGETS}
    metrics, notes = [], [_ASSUMED]
    for topic, way in ways.items():
        for name, use in way.items():
            target = 1 if name.startswith("receive_") else None
            metrics += [
                Metric(name=f"{topic}.{name}.calls", value=len(use.calls), unit="AWS calls", target=target),
                Metric(name=f"{topic}.{name}.write_units", value=use.write_units, unit="WRU"),
                Metric(name=f"{topic}.{name}.read_units", value=use.read_units, unit="RRU"),
            ]
            rows = f"; bytes of rows: {', '.join(use.rows)}" if use.rows else ""
            notes.append(f"{topic}, {name}: {', '.join(use.calls)}{rows}; {use.log_bytes} bytes of log")
    for topic, way in ways.items():
        dollars, formula = _price(way)
        metrics.append(Metric(name=f"{topic}.usd_per_million", value=dollars, unit="USD", target=PRICE_TARGETS[topic]))
        notes.append(f"{topic}, a million:\n{formula}")
    return Report(metrics, notes)


def _create(table: dict[str, Any]) -> None:
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    config.client("dynamodb").create_table(TableName=cloud.TABLE, **{name: table[name] for name in wanted})
    for variable, queue in QUEUES.items():
        attributes = {"FifoQueue": "true"}
        os.environ[variable] = config.client("sqs").create_queue(QueueName=queue, Attributes=attributes)["QueueUrl"]


def _send(meter: Meter, sample: str, order_id: int) -> dict[str, Use]:
    """Send a sample, for the order of this id, the whole way; return what each function used on it."""
    topic, provider = sample.partition("__")[0], sample.partition(".")[0]
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(_body(sample, order_id))
        file.flush()
        event = for_topic(topic, Path(file.name))
    way = {f"receive_{provider}": _run(meter, f"receive.{provider}", event)}
    (row,) = meter.inserted
    way["pump"] = _run(meter, "pump", _stream_event(row))
    way[topic.replace(".", "_")] = _run(meter, topic, {"event_id": row["event_id"]["S"]})
    for delivery in [row for row in meter.inserted if "dispatch" in row]:
        destination = delivery["destination"]["S"]
        way["pump_delivery"] = _run(meter, "pump", _stream_event(delivery))
        way[f"deliver_{destination}"] = _run(meter, f"deliver.{destination}", _queue_event(delivery))
    return way


def _body(sample: str, order_id: int) -> bytes:
    """Return a sample as large as it is written in events/, about another order."""
    provider, _, name = sample.partition(".")
    body = json.loads((ROOT / "events" / provider / f"{name}.json").read_text())
    *way, last = ORDER_IN[provider]
    about = body
    for step in way:
        about = about[step]
    about[last] = type(about[last])(order_id)  # a number stays a number
    return json.dumps(body, indent=2, ensure_ascii=False).encode()


def _run(meter: Meter, function: str, event: dict[str, Any]) -> Use:
    handler = importlib.import_module(f"functions.{function}.handler").handler
    with meter.running() as use:
        answer = handler(event, None)
    if answer and (answer.get("batchItemFailures") or answer.get("statusCode", 200) >= 300):
        raise RuntimeError(f"{function} failed: {answer}")
    return use


def _stream_event(row: units.Item) -> dict[str, Any]:
    """Return what the table's stream hands to pump for an inserted row."""
    image = {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value}
        for name, attribute in row.items()
        for kind, value in attribute.items()
    }
    dynamodb = {"Keys": {"pk": row["pk"]}, "NewImage": image, "SequenceNumber": "1", "StreamViewType": "NEW_IMAGE"}
    return {"Records": [{"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": dynamodb}]}


def _queue_event(row: units.Item) -> dict[str, Any]:
    """Return what a delivery's queue hands to its function."""
    record = {
        "messageId": "1",
        "receiptHandle": "1",
        "body": json.dumps({"delivery_id": row["delivery_id"]["S"], "replays": int(row["replays"]["N"])}),
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "1"},
        "eventSource": "aws:sqs",
    }
    return {"Records": [record]}


def _price(way: dict[str, Use]) -> tuple[float, str]:
    """Return the list price of a million webhooks, and how it comes about."""
    million, p = 1_000_000, Prices
    invocations = len(way)
    calls = sum(len(use.calls) for use in way.values())
    deliveries = sum(name.startswith("deliver_") for name in way)
    seconds = (
        invocations * (p.SECONDS_PER_INVOCATION + p.COLD_SHARE * p.COLD_SECONDS)
        + calls * p.SECONDS_PER_CALL
        + deliveries * p.SECONDS_PER_DELIVERY
    )
    written, read = sum(use.write_units for use in way.values()), sum(use.read_units for use in way.values())
    log_bytes = p.ACCESS_LOG_LINE + sum(use.log_bytes for use in way.values())
    terms = {
        "API Gateway, 1 request": p.API_REQUEST,
        f"Lambda, {invocations} requests": invocations * p.LAMBDA_REQUEST,
        f"Lambda, {seconds:.3f} s x {p.MEMORY_GB} GB": seconds * p.MEMORY_GB * p.LAMBDA_GB_SECOND,
        f"DynamoDB, {written:g} write units": written * p.WRITE_UNIT,
        f"DynamoDB, {read:g} read units": read * p.READ_UNIT,
        f"SQS FIFO, {3 * deliveries} requests (send, receive, delete)": 3 * deliveries * p.QUEUE_REQUEST,
        f"CloudWatch, {log_bytes} bytes of logs": log_bytes * p.LOG_BYTE,
    }
    dollars = sum(terms.values()) * million
    lines = [f"    {price * million:6.2f}  {what}" for what, price in terms.items() if price]
    return dollars, "\n".join([*lines, f"    {dollars:6.2f}  USD"])


_ASSUMED = (
    f"usd_per_million: list prices of us-east-1 on arm64. Assumed: {Prices.SECONDS_PER_INVOCATION * 1000:.0f} ms per "
    f"invocation, {Prices.SECONDS_PER_CALL * 1000:.0f} ms per AWS call, {Prices.SECONDS_PER_DELIVERY * 1000:.0f} ms "
    f"per delivery, {Prices.COLD_SHARE:.0%} cold starts of {Prices.COLD_SECONDS} s, one webhook per stream batch."
)
