"""Latency of the ops API on a local cloud, as a ratio to a bare GetItem through the same emulator.

The table contains some paid orders with their deliveries. Each call alternates with the read of one order's row, over
persistent connections; `api.<call>` is the median of their ratios. The emulator causes nearly all of it: a call passes
a gateway and a function's process, and a list needs a query for each shard of its index.
"""

import json
import statistics
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from benches.metric import Metric, Report
from benches.throughput import running
from local.cloud import Stack
from local.settings import ROOT
from local.simulators import camaloon

ORDERS, ROUNDS, WARM = 30, 25, 5
DEADLINE_S = 120.0
CALLS = {
    "order": "/orders/bench-0",
    "orders": "/orders?limit=25",
    "orders_of_a_status": "/orders?status=accepted&limit=25",
    "events": "/events?limit=25",
    "deliveries": "/deliveries?status=delivered&limit=25",
    "overview": "/overview",
    "document": "/openapi.json",
}


def measure(_: Path) -> Report:
    with running() as stack:
        pay(stack)
        dynamodb, table = stack.client("dynamodb"), stack.outputs()["TableName"]
        headers = {"Authorization": f"Bearer {stack.ops_token}"}
        found: dict[str, list[float]] = {name: [] for name in CALLS}
        reads = list[float]()
        with requests.Session() as session:
            session.trust_env = False
            for turn in range(WARM + ROUNDS):
                for name, path in CALLS.items():
                    began = time.perf_counter()
                    dynamodb.get_item(TableName=table, Key={"pk": {"S": "ORDER#bench-0"}}, ConsistentRead=True)
                    read = time.perf_counter()
                    answer = session.get(stack.api_url + path, headers=headers, timeout=30)
                    ended = time.perf_counter()
                    if answer.status_code != 200:
                        raise RuntimeError(f"{path} answered {answer.status_code}")
                    if turn >= WARM:
                        found[name].append((ended - read) / (read - began))
                        reads.append(read - began)
    note = f"api: on this machine, a bare GetItem takes {statistics.median(reads) * 1000:.1f} ms; {ORDERS} orders."
    return Report([_ratio(f"api.{name}", ratios) for name, ratios in found.items()], [note])


def pay(stack: Stack) -> None:
    """Pay some orders, and wait until all are accepted."""
    webhook = stack.webhooks["storefront"]
    parts = urlsplit(webhook["url"])
    sample: dict[str, Any] = json.loads((ROOT / "events" / "storefront" / "order_paid.json").read_text())
    for number in range(ORDERS):
        body = json.dumps(sample | {"id": f"bench-{number}"}).encode()
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/json",
            "X-CAMALOON-TOPIC": "order_paid",
            "X-CAMALOON-HMAC-SHA256": camaloon.signature(webhook["secret"], body),
        }
        url = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()
        requests.post(url, data=body, headers=headers, timeout=30).raise_for_status()
    dynamodb, table = stack.client("dynamodb"), stack.outputs()["TableName"]
    deadline = time.monotonic() + DEADLINE_S
    waiting = {f"ORDER#bench-{number}" for number in range(ORDERS)}
    while waiting:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(waiting)} orders were not accepted in {DEADLINE_S:.0f} s")
        for pk in sorted(waiting):
            row = dynamodb.get_item(TableName=table, Key={"pk": {"S": pk}}).get("Item")
            if row and row["status"]["S"] == "accepted":
                waiting.discard(pk)
        time.sleep(0.1)


def _ratio(name: str, ratios: list[float]) -> Metric:
    low, middle, high = statistics.quantiles(ratios, n=4)
    return Metric(name=name, value=middle, unit="ratio", spread=(low, high))
