"""Orders per second that `deliver/oms` creates at the OMS, as a ratio to bare POST requests.

`throughput.deliver_oms` is the time in which `deliver/oms` processes queue messages with orders of one line, one by
one, until each order is created at the OMS and its result is recorded; divided by the time in which `requests` alone
posts the same bodies to the same URL, each over a new connection as the function does it. Both run in this process and
alternate in blocks; the value is the median of the ratios of adjacent blocks.

The OMS is its simulator in a separate process, over HTTP. DynamoDB is a stub under botocore: requests are serialised
and signed, responses are parsed, and nothing is sent. So the ratio shows what the function itself adds to a POST,
without the time of its five DynamoDB calls.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests

from benches import cloud
from benches.messages import CARTS, cart, queue_event
from benches.metric import Metric, Report
from benches.state import own_state
from functions.deliver.oms.handler import handler
from local import processes
from local.partners import OMS_API_TOKEN
from local.settings import ROOT, child_environment
from pressroom.inbox import reading
from pressroom.inbox.events import Event, State
from pressroom.order import repository, routing
from pressroom.order.shop_order import OrderPaid
from pressroom.platform import config, http
from pressroom.platform.times import iso
from pressroom.providers.oms import client
from pressroom.providers.storefront import decisions

BLOCKS, ORDERS = 30, 20
"""Each block creates all orders; the simulator accepts them again each time."""
HEADERS = {"Authorization": f"Bearer {OMS_API_TOKEN}", "Accept": "application/json", "Content-Type": "application/json"}


def measure(_: Path) -> Report:
    with _simulator() as url, Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        # Plain http is allowed only in the local cloud. Nothing listens at this endpoint, and nothing is sent to it.
        os.environ |= cloud.settings() | {"OMS_BASE_URL": url, "LOCAL_ENDPOINT_URL": "http://127.0.0.1:9"}
        cloud.answer(config.client("secretsmanager"), "GetSecretValue", cloud.secret)
        events = _queued()
        bodies = _bodies(events)
        ratios, whole, bare = list[float](), list[float](), list[float]()
        for number in range(BLOCKS + 1):  # the first is a warm-up
            whole.append(_seconds(lambda: _deliver(events)))
            bare.append(_seconds(lambda: _post(f"{url}{client.PATH}/orders", bodies)))
            ratios += [whole[-1] / bare[-1]] * bool(number)
    low, middle, high = statistics.quantiles(ratios, n=4)
    rates = [ORDERS / statistics.median(seconds) for seconds in (whole, bare)]
    note = (
        f"throughput.deliver_oms: orders per second on this machine, one after another: {rates[0]:.0f} by deliver/oms, "
    )
    note += f"{rates[1]:.0f} by bare POST requests. DynamoDB's own time is not included."
    return Report([Metric(name="throughput.deliver_oms", value=middle, unit="ratio", spread=(low, high))], [note])


@contextmanager
def _simulator() -> Iterator[str]:
    """Run the OMS's simulator, and yield its URL."""
    with own_state() as state_dir:
        port = processes.any_port()
        processes.start(
            "simulator-oms",
            [sys.executable, "-m", "local.simulators.oms", "--port", str(port)],
            port=port,
            environment=child_environment() | {"PYTHONPATH": str(ROOT)},
            state_dir=state_dir,
            health="/_requests",
        )
        yield f"http://127.0.0.1:{port}"


def _queued() -> list[dict[str, Any]]:
    """Process paid orders; return the queue's events for their deliveries.

    The stub of the table keeps only the first version of each row, so every delivery stays pending.
    """
    rows, events = dict[str, Any](), list[dict[str, Any]]()
    dynamodb, now = config.client("dynamodb"), datetime.now(UTC)

    def write(request: dict[str, Any]) -> dict[str, Any]:
        for put in (action["Put"] for action in request["TransactItems"] if "Put" in action):
            rows.setdefault(put["Item"]["pk"]["S"], put["Item"])
        return {}

    def read(request: dict[str, Any]) -> dict[str, Any]:
        row = rows.get(request["Key"]["pk"]["S"])
        return {"Item": row} if row else {}

    cloud.answer(dynamodb, "GetItem", read)
    cloud.answer(dynamodb, "UpdateItem", lambda _: {})
    cloud.answer(dynamodb, "TransactWriteItems", write)
    for order_id in range(1, ORDERS + 1):
        body = cart(CARTS["oms_line"], order_id)
        event = Event(
            id=f"storefront-{order_id}",
            provider="storefront",
            topic="order_paid",
            received_at=iso(now),
            state=State.RECEIVED,
            body=body,
        )
        paid = decisions.paid(reading.read(OrderPaid, body)[0], event, routing.configured(), lambda _: None, [])
        repository.apply(paid)
        (delivery,) = paid.deliveries
        events.append(queue_event(json.dumps({"delivery_id": delivery.id, "replays": 0}), now))
    return events


def _bodies(events: list[dict[str, Any]]) -> list[bytes]:
    """Return the bodies that the function posts."""
    with patch("pressroom.platform.http.request", wraps=http.request) as posts:
        _deliver(events)
    return [call.kwargs["body"] for call in posts.call_args_list]


def _deliver(events: list[dict[str, Any]]) -> None:
    for event in events:
        if handler(event, None)["batchItemFailures"]:
            raise RuntimeError("an order was not delivered")


def _post(url: str, bodies: list[bytes]) -> None:
    for body in bodies:
        with requests.Session() as session:  # as requests.post does, but without proxy detection
            session.trust_env = False
            if session.post(url, data=body, headers=HEADERS, timeout=10).status_code != 200:
                raise RuntimeError("the simulator rejects an order")


def _seconds(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
