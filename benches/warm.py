"""CPU time of a warm receiver, as a ratio to its one AWS call.

`<receiver>.warm` is the CPU time of a webhook in the handler (decoding, authentication, deduplication key, compression,
the conditional write, the log line, the response), divided by that of a bare `put_item` of the same row by a plain
boto3 client. DynamoDB is a stub under botocore: requests are serialised and signed, responses are parsed, and nothing
is sent. Both alternate in blocks; the value is the median of the ratios of adjacent blocks.
"""

import importlib
import json
import os
import statistics
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from benches import cloud
from benches.metric import Metric, Report
from local.event import for_topic
from pressroom.platform import config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BLOCKS, CALLS_PER_BLOCK = 60, 40
TARGET = 1.3

RECEIVERS = {
    "receive_storefront.warm": ("storefront.order_paid", TARGET),
    "receive_camaloon.warm": ("camaloon.shipment_sent", TARGET),
    "receive_cloudprinter.warm": ("cloudprinter.item_shipped", TARGET),
    "receive_printful.warm": ("printful.product_updated", TARGET),
    # Parsing, sorting, hashing and compressing 10 KB is work that the bare put_item does not do.
    "receive_printful.warm_10kb": ("printful.package_shipped", None),
}
"""For each figure, the webhook and the target."""


def measure(_: Path) -> Report:
    os.environ |= cloud.settings()
    cloud.answer(config.client("secretsmanager"), "GetSecretValue", cloud.secret)
    bare_client = boto3.client("dynamodb")
    for client in (bare_client, config.client("dynamodb")):
        cloud.answer(client, "PutItem", lambda _: {})
    metrics, costs = [], []
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        for name, (topic, target) in RECEIVERS.items():
            metric, microseconds = _compare(name, topic, target, bare_client)
            metrics.append(metric)
            costs.append(f"{name} {microseconds:.0f} µs")
    return Report(
        metrics,
        [f"warm: CPU time per webhook of the handler / of a bare put_item. On this machine: {', '.join(costs)}."],
    )


def _compare(name: str, topic: str, target: float | None, bare_client: "DynamoDBClient") -> tuple[Metric, float]:
    handler = importlib.import_module(f"functions.receive.{topic.partition('.')[0]}.handler").handler
    event = for_topic(topic)
    rows: list[dict[str, Any]] = []

    def keep(params: dict[str, Any], **_: object) -> None:
        rows.append(params)

    client = config.client("dynamodb")
    client.meta.events.register("provide-client-params.dynamodb.PutItem", keep)
    answer = handler(event, None)
    client.meta.events.unregister("provide-client-params.dynamodb.PutItem", keep)
    if json.loads(answer["body"])["status"] != "accepted":
        raise RuntimeError(f"{name} did not accept its own sample: {answer}")
    whole, bare = [], []
    for _ in range(BLOCKS):
        whole.append(_block(lambda: handler(event, None)))
        bare.append(_block(lambda: bare_client.put_item(**rows[0])))
    ratios = [one / other for one, other in zip(whole, bare, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    metric = Metric(name=name, value=middle, unit="ratio", target=target, spread=(low, high))
    return metric, statistics.median(whole) * 1e6


def _block(call: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(CALLS_PER_BLOCK):
        call()
    return (time.process_time() - started) / CALLS_PER_BLOCK
