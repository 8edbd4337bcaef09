"""Webhooks per second end to end on a local cloud, as a ratio to an empty function on the same emulator.

The floor is an empty function (it responds with 200) behind a route of the same API. The same threads send the same
number of webhooks over persistent connections to it and to Cloudprinter's receiver: signals of several orders at the
same time, each a new event, so that each is received, dispatched by pump and recorded by its topic. Both take turns.

- `throughput.received`: the time until all webhooks have a response, divided by the floor's.
- `throughput.recorded`: the time until all of them are processed, divided by the floor's.

The emulator runs every function as a process on this machine and does all of AWS's work in one interpreter, and
processes received webhooks while others still arrive. So the figures show Pressroom's work per webhook, not its
capacity in AWS.
"""

import io
import json
import statistics
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from benches.metric import Metric, Report
from benches.state import own_state
from local import cloud, processes
from local.cloud import Stack
from local.settings import ROOT, host_architecture

WEBHOOKS, ORDERS, THREADS, ROUNDS = 200, 50, 8, 3
ANSWER_S, RECORD_S = 60.0, 120.0
"""Timeouts for a response, and for the processing of all webhooks."""
POLL_EVERY_S = 0.05
SAMPLE = "cloudprinter/item_produced"
EMPTY = "bench-empty"
CODE = b'def handler(event, context):\n    return {"statusCode": 200, "body": "{}"}\n'


def measure(_: Path) -> Report:
    with running() as stack:
        floor = _Sender(stack.api_url + _empty_function(stack))
        hub = _Sender(stack.webhooks["cloudprinter"]["url"])
        for warm in range(2):  # the emulator starts workers of a function on demand
            floor.send(_signals(f"warm-{warm}"))
            _until_recorded(stack, hub.send(_signals(f"warm-{warm}"))[1])
        rounds = [_round(stack, floor, hub, f"round-{number}") for number in range(ROUNDS)]
    empty, received, recorded = (list(column) for column in zip(*rounds, strict=True))
    rates = ", ".join(
        f"{WEBHOOKS / statistics.median(seconds):.0f} {what}"
        for what, seconds in (("by an empty function", empty), ("received", received), ("recorded", recorded))
    )
    note = (
        f"throughput: webhooks per second on this machine: {rates}; {WEBHOOKS} for {ORDERS} orders, {THREADS} threads."
    )
    return Report(
        [_ratio("throughput.received", received, empty), _ratio("throughput.recorded", recorded, empty)], [note]
    )


@contextmanager
def running() -> Iterator[Stack]:
    """Run a local cloud for this benchmark alone."""
    with redirect_stdout(io.StringIO()), own_state() as state_dir:
        yield cloud.up(state_dir=state_dir, port=processes.any_port())


def _empty_function(stack: Stack) -> str:
    """Add an empty function to the stack's API; return the path of its route."""
    lambda_ = stack.client("lambda")
    like = lambda_.get_function_configuration(FunctionName=f"{stack.stack_name}-receive-cloudprinter")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", CODE)
    arn = lambda_.create_function(
        FunctionName=EMPTY,
        Code={"ZipFile": archive.getvalue()},
        Handler="handler.handler",
        Architectures=[host_architecture()],
        **{name: like[name] for name in ("Runtime", "Role", "MemorySize", "Timeout")},
    )["FunctionArn"]
    gateway_ = stack.client("apigatewayv2")
    integration = gateway_.create_integration(
        ApiId=stack.api_id,
        IntegrationType="AWS_PROXY",
        IntegrationMethod="POST",
        IntegrationUri=arn,
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    gateway_.create_route(ApiId=stack.api_id, RouteKey=f"POST /{EMPTY}", Target=f"integrations/{integration}")
    return f"/{EMPTY}"


def _signals(name: str) -> list[bytes]:
    """Return the bodies of a round: new signals, where adjacent ones belong to different orders."""
    sample = json.loads((ROOT / "events" / f"{SAMPLE}.json").read_text())
    return [
        json.dumps(sample | {"order_reference": f"bench-{name}-{number % ORDERS}", "item": str(number)}).encode()
        for number in range(WEBHOOKS)
    ]


class _Sender:
    """Posts to one URL from several threads, each with its own persistent connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json"}
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(THREADS)

    def send(self, bodies: Sequence[bytes]) -> tuple[float, list[Any]]:
        """Post all bodies; return the time of the last response, and the responses."""
        answers = list(self._pool.map(self._post, bodies))
        return time.monotonic(), answers

    def _post(self, body: bytes) -> Any:
        session = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = requests.Session()
            session.trust_env = False
        answer = session.post(self._url, data=body, headers=self._headers, timeout=ANSWER_S, allow_redirects=False)
        if answer.status_code != 200:
            raise RuntimeError(f"{urlsplit(self._url).path} answered {answer.status_code}")
        return answer.json()


def _round(stack: Stack, floor: _Sender, hub: _Sender, name: str) -> tuple[float, float, float]:
    """Return the seconds of the floor, until all are received, and until all are recorded."""
    bodies = _signals(name)
    started = time.monotonic()
    empty = floor.send(bodies)[0] - started
    started = time.monotonic()
    answered, answers = hub.send(bodies)
    return empty, answered - started, _until_recorded(stack, answers) - started


def _until_recorded(stack: Stack, answers: Sequence[Any]) -> float:
    """Wait until every accepted event is processed; return the time."""
    waiting = [f"DONE#{answer['event_id']}" for answer in answers]
    if len(set(waiting)) < len(answers):
        raise RuntimeError("an event was sent twice")
    dynamodb, table = stack.client("dynamodb"), stack.outputs()["TableName"]
    deadline = time.monotonic() + RECORD_S
    while waiting:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(waiting)} of {len(answers)} webhooks were not processed in {RECORD_S:.0f} s")
        keys = [{"pk": {"S": pk}} for pk in waiting[:100]]
        found = dynamodb.batch_get_item(RequestItems={table: {"Keys": keys, "ProjectionExpression": "pk"}})
        done = {row["pk"]["S"] for row in found["Responses"][table]}
        waiting = [pk for pk in waiting if pk not in done]
        if len(done) < len(keys):
            time.sleep(POLL_EVERY_S)
    return time.monotonic()


def _ratio(name: str, seconds: list[float], floor: list[float]) -> Metric:
    ratios = sorted(one / other for one, other in zip(seconds, floor, strict=True))
    return Metric(name=name, value=statistics.median(ratios), unit="ratio", spread=(ratios[0], ratios[-1]))
