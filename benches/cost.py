"""The cost of a webhook and of an order: AWS calls, DynamoDB units, and the list price of a million.

The messages of an order pass through all functions, each invoked with the event that AWS would send: receiver, pump,
topic, and then pump and deliver, or pump and print_files. All functions are warm: another order has taken the same path
before. Calls are counted in botocore, against moto (`meter`); units are computed from the rows before and after
(`units`); log bytes are those that the functions print. The OMS is its simulator. For each webhook of WEBHOOKS, per
function:

- `<webhook>.<function>.calls`: AWS calls for one webhook. A receiver makes one.
- `<webhook>.<function>.write_units`, `.read_units`: DynamoDB, index entries included.
- `<webhook>.<function>.requests`: HTTP requests to a partner, if there are any.
- `<webhook>.usd_per_million`: list price in us-east-1 on arm64, from received to recorded; with a delivery, to
  delivered; for the OMS's hint about a print file, to the recorded response of the OMS.
  The notes below the table contain the formula with its numbers, and the bytes of the written rows: every started KB
  is a unit.

For scenarios with several webhooks or none, the sum of all functions (`.calls`, `.write_units`, `.read_units`,
`.requests`, `.usd_per_million`):

- `order.<cart>`: a paid order of one of CARTS, from received to delivered.
- `print_files.<cart>`: from then until the print files of its lines are ready, at the third poll.
- `delivered`: an order of one line, from its payment to its delivered parcel, with all of Cloudprinter's signals;
  `delivered_and_told`: the same with notifications to the shop; `notification`: the difference, per notification.
- `batch.item`: a ready item until the OMS has accepted its batch; a twentieth of a batch of twenty orders.

Assumptions, because no emulator measures them: the duration of a function (`Prices`), and one webhook per stream batch,
which is the most expensive case. Not included: storage, backups, alarms, taxes, traffic, and the free tiers.
"""

import base64
import importlib
import io
import os
import random
import tempfile
import uuid
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from moto import mock_aws

from benches import cloud, units
from benches.messages import CARTS, cart, queue_event, read_sample, write
from benches.meter import LOG_LINE_OVERHEAD, Meter, Use
from benches.metric import Metric, Report
from local.build import read_built
from local.event import for_topic
from local.partners import OMS_API_TOKEN, OMS_STORE_ID
from local.simulators.oms import make_app
from pressroom.order import repository
from pressroom.order.fold import fold
from pressroom.partners import DESTINATIONS
from pressroom.platform import config, http
from pressroom.platform.times import iso
from pressroom.providers.oms import batches

type Way = dict[str, Use]
"""The resource use of each function in a scenario."""

QUEUES = {
    **{f"{destination.upper()}_QUEUE_URL": f"{destination}.fifo" for destination in DESTINATIONS},
    "DEAD_LETTER_QUEUE_URL": "dead-letters.fifo",
    "PRINT_FILES_QUEUE_URL": "print-files",
}

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
    ("storefront.order_paid__personalized", "oms.print_file_ready"),
    ("storefront.order_paid__personalized", "storefront.order_updated", "storefront.order_canceled"),
)
"""Sequences of samples for one order. Its row grows with each. The first parcel is the most expensive webhook, because
it also changes the order's index entry."""

WEBHOOKS = {
    "storefront.order_paid": 22.0,  # found by e-mail address; looks for records that may be the same order
    "storefront.order_updated": None,  # of an order with two personalised lines: a new address
    "storefront.order_canceled": None,  # of an order that the OMS has accepted
    "camaloon.shipment_sent": 8.0,
    "printful.order_created": None,  # the only event that writes the index of products
    "printful.order_updated": 8.0,
    "cloudprinter.item_shipped": 8.0,
    "printful.package_shipped": 9.5,  # 10 KB each; the order's row has what Printful reports, so it is over 1 KB
    "oms.print_file_ready": None,
}
"""The measured webhooks, and the target for the price of a million."""

DELIVERED = (
    *("item_validated", "item_produce", "item_produced", "item_packed", "item_shipped"),
    *("item_delivery_started", "item_delivery_completed"),
)
"""Cloudprinter's signals for an order of one line, until its parcel is delivered."""

POLLS = 3
"""The number of polls until a print file is ready: received, processing, ready."""
BATCHED, BATCHED_VARIANT = 20, "5510"
"""The number of items in a batch, and the variant in the sample."""

START, TICK, BETWEEN_RUNS = (
    datetime(2026, 9, 6, 7, 31, 8, 402719, UTC),
    timedelta(milliseconds=31, microseconds=618),
    timedelta(seconds=37, microseconds=618033),
)
"""The clock's start, and how far it advances per call and between invocations."""

ORDER_IN = {
    "storefront": ("id",),
    "camaloon": ("order_id",),
    "cloudprinter": ("order_reference",),
    "printful": ("data", "order", "external_id"),
    "oms": ("ecommerce_order_item_id",),
}
"""The path in a provider's message to the id of our order, or of one of its items."""


class Prices:
    """List prices in USD, us-east-1, November 2026, and assumed durations."""

    API_REQUEST = 1.00e-6
    LAMBDA_REQUEST = 0.20e-6
    LAMBDA_GB_SECOND = 0.0000133334
    WRITE_UNIT = 0.625e-6
    READ_UNIT = 0.125e-6
    FIFO_REQUEST = 0.50e-6
    QUEUE_REQUEST = 0.40e-6
    LOG_BYTE = 0.50e-9
    MEMORY_GB = 0.5
    # Per call 5 ms of network and database, and 0.4 ms of CPU time (ours and botocore's) on 0.29 of a processor.
    SECONDS_PER_INVOCATION, SECONDS_PER_CALL = 0.005, 0.010
    SECONDS_PER_REQUEST = 0.3  # waiting for a partner's response
    COLD_SHARE, COLD_SECONDS = 0.01, 1.2
    ACCESS_LOG_LINE = 250 + LOG_LINE_OVERHEAD


class _Clock:
    """A deterministic clock, because the compressed size of a row depends on its times."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += TICK
        return self.now


class _World:
    """Invokes the functions with their events, and returns what they used."""

    def __init__(self, meter: Meter, clock: _Clock) -> None:
        self.meter = meter
        self.clock = clock

    def send(self, topic: str, body: bytes) -> tuple[Way, list[units.Item]]:
        """Process a webhook completely; return what each function used, and the rows with polls still to do."""
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            file.write(body)
            file.flush()
            event = for_topic(topic, Path(file.name))
        provider = topic.partition(".")[0]
        way = {f"receive_{provider}": self.run(f"receive.{provider}", event)}
        polls = self.follow(way)
        for row in [row for row in polls if "hint" in row]:
            _join(way, self.poll(row, times=1))
            polls.remove(row)
        return way, polls

    def follow(self, way: Way) -> list[units.Item]:
        """Process everything that follows from the rows inserted last, except polls; return the rows with polls."""
        rows, polls = self._dispatched(), list[units.Item]()
        for row in rows:  # the loop appends to it
            if row["dispatch"]["S"] == "topic":
                topic = f"{row['provider']['S']}.{row['topic']['S']}"
                _join(way, {"pump": self.run("pump", _stream_event(row))})
                _join(way, {topic.replace(".", "_"): self.run(topic, {"event_id": row["event_id"]["S"]})})
            elif row["dispatch"]["S"] == "queue":
                destination = row["destination"]["S"]
                _join(way, {"pump_delivery": self.run("pump", _stream_event(row))})
                (message,) = self.meter.sent
                _join(way, {f"deliver_{destination}": self.work(f"deliver.{destination}", message, is_fifo=True)})
            else:
                polls.append(row)
                continue
            rows += self._dispatched()
        return polls

    def poll(self, row: units.Item, *, times: int) -> Way:
        """Poll the OMS for an order's print files, this many times."""
        way = {"pump_print_files": self.run("pump", _stream_event(row))}
        (message,) = self.meter.sent
        for _ in range(times):
            _join(way, {"print_files": self.work("print_files", message)})
        return way

    def work(self, function: str, message: str, *, is_fifo: bool = False) -> Use:
        """Invoke a function with a message of its queue. The message is then deleted, unless it was postponed."""
        use = self.run(function, queue_event(message, self.clock.now))
        requests = 1 if _is_postponed(use) else 2
        use.fifo_requests += requests * is_fifo
        use.queue_requests += requests * (not is_fifo)
        return use

    def run(self, function: str, event: dict[str, Any]) -> Use:
        handler = importlib.import_module(f"functions.{function}.handler").handler
        self.clock.now += BETWEEN_RUNS
        with self.meter.running() as use:
            answer = handler(event, None) or {}
        if (answer.get("batchItemFailures") and not _is_postponed(use)) or answer.get("statusCode", 200) >= 300:
            raise RuntimeError(f"{function} failed: {answer}")
        return use

    def _dispatched(self) -> list[units.Item]:
        return [row for row in self.meter.inserted if "dispatch" in row]


def _is_postponed(use: Use) -> bool:
    return "sqs.ChangeMessageVisibility" in use.calls


def _join(way: Way, other: Way) -> None:
    for name, use in other.items():
        way[name] = way.get(name, Use()) + use


def measure(built: Path) -> Report:
    table = read_built(built)["Resources"]["Table"]["Properties"]
    os.environ |= cloud.settings()
    # One log for all: the functions' logger keeps the standard output of its first use.
    log, clock, uids = redirect_stdout(io.StringIO()), _Clock(), random.Random("oms")  # noqa: S311 - the same each time
    with (
        mock_aws(),
        log as printed,
        patch("pressroom.platform.config.utcnow", clock),
        patch("local.simulators.oms._uid", lambda: str(uuid.UUID(bytes=uids.randbytes(16), version=4))),
    ):
        create(table)
        cloud.answer(config.client("secretsmanager"), "GetSecretValue", cloud.secret)
        cloud.answer(config.client("lambda"), "Invoke", lambda _: {})
        cloud.answer(config.client("sqs"), "ChangeMessageVisibility", lambda _: {})
        meter = Meter(table, printed)
        with patch("pressroom.platform.http.request", _partners(meter)):
            world = _World(meter, clock)
            _ways(world, turn=1)  # warm-up
            webhooks, whole = _ways(world, turn=2)
            whole |= {"delivered": _delivered(world, 90_001)}
            with patch.dict(os.environ, STOREFRONT_URL="https://shop.example/pressroom"):
                _delivered(world, 90_002)  # warm-up of the notifications
                whole |= {"delivered_and_told": _delivered(world, 90_003)}
            batch = _batch(world)  # last, because it leaves nothing for a second one
    metrics, notes, prices = list[Metric](), [_ASSUMED], list[Metric]()
    for name, way in webhooks.items():
        for function, use in way.items():
            metrics += _counted(f"{name}.{function}", use, target=1 if function.startswith("receive_") else None)
    for name, way in whole.items():
        metrics += _counted(name, reduce(add, way.values()))
    metrics += _counted("batch.item", reduce(add, batch.values()), of=BATCHED)
    for name, way in (webhooks | whole | {"batch": batch}).items():
        notes += [f"{name}, {function}: {_description(use)}" for function, use in way.items()]
    for name, way in (webhooks | whole).items():
        dollars, formula = price(way)
        prices.append(Metric(name=f"{name}.usd_per_million", value=dollars, unit="USD", target=WEBHOOKS.get(name)))
        notes.append(f"{name}, price of a million:\n{formula}")
    notifying, silent = (price(whole[name])[0] for name in ("delivered_and_told", "delivered"))
    notified = whole["delivered_and_told"]["deliver_storefront"].invocations
    prices.append(Metric(name="notification.usd_per_million", value=(notifying - silent) / notified, unit="USD"))
    notes.append(f"delivered_and_told: {notified} notifications")
    dollars, formula = price(batch)
    prices.append(Metric(name="batch.item.usd_per_million", value=dollars / BATCHED, unit="USD"))
    notes.append(f"batch, price of a million batches of {BATCHED} items:\n{formula}")
    return Report(metrics + prices, notes)


def create(table: dict[str, Any]) -> None:
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    config.client("dynamodb").create_table(TableName=cloud.TABLE, **{name: table[name] for name in wanted})
    for variable, queue in QUEUES.items():
        attributes = {"FifoQueue": "true"} if queue.endswith(".fifo") else {}
        os.environ[variable] = config.client("sqs").create_queue(QueueName=queue, Attributes=attributes)["QueueUrl"]


def _partners(meter: Meter) -> Callable[..., http.Response]:
    """Return a stub of `http.request`: the OMS is its simulator, all others respond with 200."""
    oms = make_app(OMS_API_TOKEN, OMS_STORE_ID).test_client()

    def request(
        method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str], **_: object
    ) -> http.Response:
        meter.use.requests += 1
        if not url.startswith(config.setting("OMS_BASE_URL")):
            return http.Response(200)
        answer = oms.open(urlsplit(url).path, method=method, headers=dict(headers), data=body)
        if answer.status_code != 200:
            raise RuntimeError(f"the OMS responded with {answer.status_code} to {method} {url}: {answer.text}")
        return http.Response(answer.status_code, answer.data)

    return request


def _ways(world: _World, turn: int) -> tuple[dict[str, Way], dict[str, Way]]:
    return _webhooks(world, turn), _orders(world, turn)


def _webhooks(world: _World, turn: int) -> dict[str, Way]:
    ways: dict[str, Way] = {}
    for number, life in enumerate(LIVES, start=1):
        for sample in life:
            ways[sample] = world.send(sample.partition("__")[0], _sample(sample, 1000 * number + turn))[0]
    return {name: ways[name] for name in WEBHOOKS}


def _orders(world: _World, turn: int) -> dict[str, Way]:
    bought, asked = dict[str, Way](), dict[str, Way]()
    for number, (name, printers) in enumerate(CARTS.items(), start=1):
        bought[f"order.{name}"], polls = world.send("storefront.order_paid", cart(printers, 10_000 * number + turn))
        for row in polls:
            asked[f"print_files.{name}"] = world.poll(row, times=POLLS)
    return bought | asked


def _delivered(world: _World, order_id: int) -> Way:
    """Process an order of one line from its payment to its delivered parcel, printed by Cloudprinter."""
    way = world.send("storefront.order_paid", cart(("cloudprinter",), order_id))[0]
    for signal in DELIVERED:
        body = read_sample(f"cloudprinter/{signal}") | {"order_reference": str(order_id), "item_reference": "1"}
        _join(way, world.send(f"cloudprinter.{signal}", write(body))[0])
    return way


def _batch(world: _World) -> Way:
    """Put the items of twenty orders into a batch, up to the facts in their orders."""
    order_ids = [str(100_000 + number) for number in range(BATCHED)]
    for order_id in order_ids:
        for row in world.send("storefront.order_paid", cart(CARTS["oms_line"], int(order_id)))[1]:
            world.poll(row, times=POLLS)
    # Set only now, so that the ready items of earlier orders are not in the batch.
    with patch.dict(os.environ, PRINT_TEMPLATES=f"{BATCHED_VARIANT}=front+back"):
        way = {"print_files": reduce(add, (_offered(world.meter, order_id) for order_id in order_ids))}
        way["batches"] = world.run("batches", {})
    world.follow(way)
    if way["deliver_oms"].requests != 1:
        raise RuntimeError("not exactly one batch was sent")
    return way


def _offered(meter: Meter, order_id: str) -> Use:
    """Write a ready item as print_files does for a variant with templates."""
    known = repository.get(order_id)
    (line,) = fold(order_id, known.facts if known else []).lines
    with meter.running(invocations=0) as use:
        batches.offer(order_id, line.id, uid=line.uid, variant=line.variant, at=iso(config.utcnow()))
    return use


def _sample(sample: str, order_id: int) -> bytes:
    """Return a sample, formatted as in events/, for another order."""
    provider, _, name = sample.partition(".")
    body = read_sample(f"{provider}/{name}")
    *way, last = ORDER_IN[provider]
    about = body
    for step in way:
        about = about[step]
    if provider == "oms":
        about[last] = f"{order_id}:{about[last].partition(':')[2]}"
    else:
        about[last] = type(about[last])(order_id)  # a number stays a number
    return write(body)


def _stream_event(row: units.Item) -> dict[str, Any]:
    """Return the event with which the table's stream invokes pump for an inserted row."""
    image = {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value}
        for name, attribute in row.items()
        for kind, value in attribute.items()
    }
    dynamodb = {"Keys": {"pk": row["pk"]}, "NewImage": image, "SequenceNumber": "1", "StreamViewType": "NEW_IMAGE"}
    return {"Records": [{"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": dynamodb}]}


def _counted(name: str, use: Use, *, target: float | None = None, of: int = 1) -> list[Metric]:
    counted = [
        Metric(name=f"{name}.calls", value=len(use.calls) / of, unit="AWS calls", target=target),
        Metric(name=f"{name}.write_units", value=use.write_units / of, unit="WRU"),
        Metric(name=f"{name}.read_units", value=use.read_units / of, unit="RRU"),
    ]
    asked = Metric(name=f"{name}.requests", value=use.requests / of, unit="requests")
    return [*counted, asked] if use.requests else counted


def _description(use: Use) -> str:
    parts = [f"{use.calls.count(call)} {call}" for call in dict.fromkeys(use.calls)]
    parts += [f"{use.requests} requests to a partner"] * bool(use.requests)
    for kind in dict.fromkeys(kind for kind, _ in use.rows):
        sizes = [size for each, size in use.rows if each == kind]
        parts.append(f"{len(sizes)} x {kind} of {', '.join(map(str, sorted(set(sizes))))} bytes")
    return ", ".join([*parts, f"{use.log_bytes} bytes of log"])


def price(way: Way) -> tuple[float, str]:
    """Return the list price of a million of these scenarios, and its formula."""
    million, p = 1_000_000, Prices
    use = reduce(add, way.values())
    webhooks = sum(each.invocations for name, each in way.items() if name.startswith("receive_"))
    seconds = (
        use.invocations * (p.SECONDS_PER_INVOCATION + p.COLD_SHARE * p.COLD_SECONDS)
        + len(use.calls) * p.SECONDS_PER_CALL
        + use.requests * p.SECONDS_PER_REQUEST
    )
    log_bytes = p.ACCESS_LOG_LINE * webhooks + use.log_bytes
    terms = {
        f"API Gateway, {webhooks} requests": webhooks * p.API_REQUEST,
        f"Lambda, {use.invocations} requests": use.invocations * p.LAMBDA_REQUEST,
        f"Lambda, {seconds:.3f} s x {p.MEMORY_GB} GB": seconds * p.MEMORY_GB * p.LAMBDA_GB_SECOND,
        f"DynamoDB, {use.write_units:g} write units": use.write_units * p.WRITE_UNIT,
        f"DynamoDB, {use.read_units:g} read units": use.read_units * p.READ_UNIT,
        f"SQS FIFO, {use.fifo_requests} requests (send, receive, delete)": use.fifo_requests * p.FIFO_REQUEST,
        f"SQS, {use.queue_requests} requests (send, receive, hide, delete)": use.queue_requests * p.QUEUE_REQUEST,
        f"CloudWatch, {log_bytes} bytes of logs": log_bytes * p.LOG_BYTE,
    }
    dollars = sum(terms.values()) * million
    lines = [f"    {price * million:6.2f}  {what}" for what, price in terms.items() if price]
    return dollars, "\n".join([*lines, f"    {dollars:6.2f}  USD"])


_ASSUMED = (
    f"usd_per_million: list prices of us-east-1 on arm64. Assumed: {Prices.SECONDS_PER_INVOCATION * 1000:.0f} ms per "
    f"invocation, {Prices.SECONDS_PER_CALL * 1000:.0f} ms per AWS call, {Prices.SECONDS_PER_REQUEST * 1000:.0f} ms "
    f"per request to a partner, {Prices.COLD_SHARE:.0%} cold starts of {Prices.COLD_SECONDS} s, one webhook per stream "
    "batch."
)
