"""A local cloud for the tests, beside that of `make up`: the real build and the real deployment."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from local import cloud, processes
from local.cloud import Stack
from local.localhost import request
from local.partners import OMS_API_TOKEN
from local.simulators import camaloon
from tests.e2e.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]
TEMPLATES = {"5501": "template-mug", "5510": "template-tote", "e2e-mug": "mug", "e2e-tote": "tote", "e2e-cart": "cart"}
"""The variants of the samples, and those of each test of batches: items of other tests may get ready at any time."""
TUNNEL = "shop.tunnel.example"
"""The host name of a tunnel that may reach the webhook routes; it does not resolve."""
PARAMETERS = {"PrintTemplates": ",".join(f"{variant}={template}" for variant, template in TEMPLATES.items())}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


class Shop:
    """All clients of Pressroom over HTTP, and helpers that observe the local cloud."""

    def __init__(self, stack: Stack, state_dir: Path) -> None:
        self.stack = stack
        self.state_dir = state_dir

    def order(self, **changes: Any) -> dict[str, Any]:
        """Return a new paid order: ten badges and two bags, all for Camaloon."""
        order: dict[str, Any] = json.loads((ROOT / "events/storefront/order_paid.json").read_text())
        return order | {"id": f"e2e-{uuid.uuid4().hex[:12]}"} | changes

    def parcel(self, order_id: object, *pieces: tuple[str, int], tracking: str = "") -> dict[str, Any]:
        return {
            "order_id": order_id,
            "tracking_number": tracking or uuid.uuid4().hex,
            "tracking_url": "",
            "notify_customer": True,
            "line_items": [{"sku": sku, "quantity": quantity} for sku, quantity in pieces],
        }

    def send(
        self,
        provider: str,
        topic: str | None,
        body: bytes | dict[str, Any],
        *,
        content_type: str = "application/json",
        **headers: str,
    ) -> requests.Response:
        """Sign a body and post it; `headers` replace the default headers (an underscore stands for a hyphen)."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        webhook = self.stack.webhooks[provider]
        sent = {
            "Content-Type": content_type,
            "X-CAMALOON-HMAC-SHA256": camaloon.signature(webhook["secret"], raw),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        if topic is not None:
            sent["X-CAMALOON-TOPIC"] = topic
        return request("POST", webhook["url"], body=raw, headers=sent, timeout=120)

    def pay(self, order: dict[str, Any]) -> requests.Response:
        return self.send("storefront", "order_paid", order)

    def ship(self, parcel: dict[str, Any]) -> requests.Response:
        return self.send("camaloon", "shipment_sent", parcel)

    def api(self, path: str, method: str = "GET", token: str | None = None, **body: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.stack.ops_token}"}
        content = json.dumps(body) if body else None
        return request(method, self.stack.api_url + path, body=content, headers=headers, timeout=30)

    def known(self, order_id: object) -> dict[str, Any] | None:
        """Return the order, with its notifications separate from its deliveries to printers; None if it is unknown."""
        answer = self.api(f"/orders/{order_id}")
        found: dict[str, Any] = answer.json()
        if answer.status_code != 200:
            return None
        deliveries = found["deliveries"]
        found["deliveries"] = [each for each in deliveries if each["destination"] != "storefront"]
        found["notifications"] = [each for each in deliveries if each["destination"] == "storefront"]
        return found

    def until(
        self, order_id: object, holds: Callable[[dict[str, Any]], object], seconds: float = PATIENCE_S
    ) -> dict[str, Any]:
        """Wait until the condition holds for the order, and return the order."""

        def look() -> dict[str, Any] | None:
            order = self.known(order_id)
            return order if order and holds(order) else None

        return wait_until(look, f"order {order_id} is as expected", seconds)

    def event_until(self, event_id: str, state: str, seconds: float = PATIENCE_S) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            event: dict[str, Any] = self.api(f"/events/{event_id}").json()
            return event if event.get("state") == state else None

        return wait_until(look, f"event {event_id} is {state}", seconds)

    def arrived(self, order_id: object) -> list[dict[str, Any]]:
        """Return the requests that Camaloon received about an order."""
        received: list[dict[str, Any]] = request(
            "GET", self.stack.simulators["camaloon"] + "/_requests", timeout=10
        ).json()
        return [each for each in received if isinstance(each["body"], dict) and each["body"].get("id") == order_id]

    def camaloon_will(self, **behaviour: Any) -> None:
        url = self.stack.simulators["camaloon"] + "/_behave"
        headers = {"Content-Type": "application/json"}
        answer = request("POST", url, body=json.dumps(behaviour), headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text

    def camaloon_behaves(self) -> None:
        request("POST", self.stack.simulators["camaloon"] + "/_reset", timeout=10)

    def oms(self, path: str, content: dict[str, Any] | None = None) -> Any:
        """Read from the OMS's simulator, or post to it."""
        method, body = ("GET", None) if content is None else ("POST", json.dumps(content))
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {OMS_API_TOKEN}"}
        answer = request(method, self.stack.simulators["oms"] + path, body=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def oms_will(self, **behaviour: Any) -> None:
        self.oms("/_behave", behaviour)

    def at_once(self, *calls: Callable[[], requests.Response]) -> list[requests.Response]:
        """Make all calls at the same time, and retry a 5xx as a provider does: this machine may be too busy.

        Each call starts a function instance, on two processors: its calls to the table may time out, and boto3 retries
        them. So the response to the first webhook may be `duplicate`. The tests check the effects instead of the
        responses; tests/integration checks the responses.
        """

        def answered(call: Callable[[], requests.Response]) -> requests.Response:
            def try_once() -> requests.Response | None:
                answer = call()
                return answer if answer.status_code < 500 else None

            return wait_until(try_once, "there is a response", 120)

        with ThreadPoolExecutor(max_workers=50) as pool:
            return list(pool.map(answered, calls))

    def kept(self) -> set[str]:
        """Return the keys of all stored webhooks. Only receivers write these rows.

        All other rows may change at any time, since earlier webhooks are still being processed.
        """
        pages = (
            self.stack.client("dynamodb").get_paginator("scan").paginate(TableName=self.stack.outputs()["TableName"])
        )
        keys = {row["pk"]["S"] for page in pages for row in page["Items"]}
        return {key for key in keys if key.startswith("EVENT#")}

    def logs(self) -> str:
        """Return the logs of the functions, the emulator and the simulators."""
        group = f"/pressroom/{self.stack.stack_name}"
        pages = self.stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [event["message"] for page in pages for event in page["events"]]
        return "\n".join([*lines, *(file.read_text(errors="replace") for file in self.state_dir.glob("*.log"))])


def _end_schedules(stack: Stack) -> None:
    """Disable all schedules: the tests invoke scheduled functions themselves."""
    events = stack.client("events")
    rules = [rule["Name"] for rule in events.list_rules()["Rules"] if rule.get("ScheduleExpression")]
    assert rules
    for name in rules:
        events.disable_rule(Name=name)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    # Under .local, not under pytest's folder, so that `make clean` finds and ends what a killed run leaves.
    state_dir = ROOT / ".local" / f"e2e-{os.getpid()}"
    try:
        stack = cloud.up(state_dir=state_dir, port=processes.any_port(), allow_host=TUNNEL, parameters=PARAMETERS)
        _end_schedules(stack)
        yield Shop(stack, state_dir)
    finally:
        cloud.down(state_dir=state_dir)


@pytest.fixture
def shop(running: Shop) -> Iterator[Shop]:
    running.camaloon_behaves()
    yield running
    running.camaloon_behaves()
