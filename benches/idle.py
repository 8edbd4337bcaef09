"""The cost of an idle stack, and of an overview: AWS calls, DynamoDB units, list prices.

Each scheduled function of the template runs twice on an empty stack, against moto. The second run is what each later
run costs; its price (`cost.price`) times the runs per day is `idle.<function>.usd_per_day`.

- `idle.usd_per_day`: all scheduled functions. Fixed prices (secrets, alarms, polling) are in docs/costs.md.
- `overview.calls`, `.read_units`: one `GET /overview` on the empty stack, and, as `overview_of_many`, with ORDERS
  orders and as many webhooks and deliveries, before any hour has been counted.
"""

import importlib
import io
import json
import os
import re
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws

from benches import cloud, cost
from benches.meter import Meter, Use
from benches.metric import Metric, Report
from local.build import read_built
from local.partners import OPS_TOKEN
from pressroom.order.model import Status
from pressroom.partners import DESTINATIONS
from pressroom.platform import config, table
from pressroom.platform.times import iso

NOW = datetime(2026, 9, 6, 7, 31, tzinfo=UTC)
ORDERS = 10_000
DEAD_LETTER_QUEUES = (*(destination.upper() for destination in DESTINATIONS), "PRINT_FILES", "PARK")
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


def measure(built: Path) -> Report:
    resources = read_built(built)["Resources"]
    wanted = resources["Table"]["Properties"]
    os.environ |= cloud.settings()
    log = redirect_stdout(io.StringIO())
    with mock_aws(), log as printed, patch("pressroom.platform.config.utcnow", lambda: NOW):
        cost.create(wanted)
        for queue in DEAD_LETTER_QUEUES:
            url = config.client("sqs").create_queue(QueueName=f"{queue}-dead-letters")["QueueUrl"]
            os.environ[f"{queue}_DEAD_LETTER_QUEUE_URL"] = url
        cloud.answer(config.client("secretsmanager"), "GetSecretValue", cloud.secret)
        meter = Meter(wanted, printed)
        metrics, notes, total = list[Metric](), list[str](), 0.0
        for function, runs, event in _scheduled(resources):
            use = _second_run(meter, function, event)
            million, formula = cost.price({function: use})
            day = million / 1_000_000 * runs
            total += day
            metrics.append(Metric(name=f"idle.{function}.usd_per_day", value=day, unit="USD"))
            notes.append(f"idle, {function}, {runs:g} runs per day; price of a million runs:\n{formula}")
        metrics.append(Metric(name="idle.usd_per_day", value=total, unit="USD"))
        metrics += _overview(meter, "overview")
        _fill()
        metrics += _overview(meter, "overview_of_many")
    return Report(metrics, notes)


def _scheduled(resources: dict[str, Any]) -> list[tuple[str, float, Any]]:
    """Return (folder, runs per day, event) of each scheduled function."""
    found = []
    for name, resource in resources.items():
        for source in resource["Properties"].get("Events", {}).values() if "Function" in name else ():
            if source["Type"] == "Schedule":
                rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", source["Properties"]["Schedule"])
                if rate is None:
                    raise ValueError(f"the schedule of {name} is not a rate")
                folder = resource["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
                event = source["Properties"].get("Input", "{}")
                found.append((folder, 24 * 60 / (int(rate[1]) * MINUTES[rate[2]]), event))
    return found


def _second_run(meter: Meter, function: str, event: str) -> Use:
    handler = importlib.import_module(f"functions.{function}.handler").handler
    handler(json.loads(event), None)
    with meter.running() as use:
        handler(json.loads(event), None)
    return use


def _overview(meter: Meter, name: str) -> list[Metric]:
    handler = importlib.import_module("functions.api.handler").handler
    event = {
        "version": "2.0",
        "routeKey": "GET /overview",
        "rawPath": "/overview",
        "headers": {"authorization": f"Bearer {OPS_TOKEN}"},
        "requestContext": {"http": {"method": "GET", "path": "/overview"}, "stage": "$default"},
        "isBase64Encoded": False,
    }
    with meter.running() as use, patch("pressroom.api.overview.AT_ONCE", 1):  # the meter counts one call at a time
        answer = handler(event, None)
    if answer["statusCode"] != 200:
        raise RuntimeError(f"the overview failed: {answer}")
    calls = [call for call in use.calls if call != "secretsmanager.GetSecretValue"]
    return [
        Metric(name=f"{name}.calls", value=len(calls), unit="AWS calls"),
        Metric(name=f"{name}.read_units", value=use.read_units, unit="RRU"),
    ]


def _fill() -> None:
    """Write the rows of many orders, webhooks and deliveries, with only their indexed attributes."""
    dynamodb, rows = boto3.client("dynamodb"), list[table.Item]()  # a client that is not metered
    for number in range(ORDERS):
        at, status = iso(NOW - timedelta(minutes=number % 2000)), list(Status)[number % len(Status)]
        order = table.pk("ORDER", f"o{number}") | table.state_index("ORDER", status, f"o{number}", at)
        rows.append(order | {key: {"S": f"ORDER#{number % table.SHARDS}"} for key in ("created_key", "attention_key")})
        event = f"camaloon-{table.digest(str(number))}"
        rows.append(table.pk("EVENT", event) | table.created_index("EVENT/camaloon", event, at))
        delivery = f"camaloon-{table.digest(str(-number))}"
        state = "dead" if number % 2 else "pending"
        rows.append(table.pk("DELIVERY", delivery) | table.state_index("DELIVERY", state, delivery, at))
    for start in range(0, len(rows), 25):
        put: list[Any] = [{"PutRequest": {"Item": row}} for row in rows[start : start + 25]]
        dynamodb.batch_write_item(RequestItems={cloud.TABLE: put})
