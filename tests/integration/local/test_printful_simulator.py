"""The simulator of Printful refuses and retries like Printful."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from local.simulators.base import observed
from local.simulators.printful import LADDER, make_app
from pressroom.providers.printful.registration import TYPES
from tests.support.cloud import Clock
from tests.support.partner import Partner, partner

GENUINE = {"Authorization": "Bearer token"}
NOTHING: dict[str, Any] = {"url": None, "types": [], "params": []}
CONFIGURATION = {
    "url": "https://hub.example/webhooks/printful/token",
    "types": ["package_shipped", "stock_updated"],
    "params": {"stock_updated": {"product_ids": [5, 12]}},
}
SHIPPED = {"type": "package_shipped", "data": {"order": {"id": 1}}, "created": 1757000000, "store": 42}


@pytest.fixture
def store(clock: Clock) -> Iterator[FlaskClient]:
    app = observed(make_app("token", calls_per_minute=5, minute_s=0.0001, clock=clock.monotonic))
    yield app.test_client()
    app.extensions["forget"]()  # ends the events being sent


@pytest.fixture(name="hub")
def _hub() -> Iterator[Partner]:
    with partner() as hub:
        hub.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        yield hub


def configure(store: FlaskClient, **changes: Any) -> Any:
    return store.post("/webhooks", json={**CONFIGURATION, **changes}, headers=GENUINE)


def settled(store: FlaskClient) -> dict[str, Any]:
    """Wait until the only event is no longer being sent; return it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        (fired,) = store.get("/_fired").get_json()
        if fired["state"] != "sending":
            return dict(fired)
        time.sleep(0.01)
    raise AssertionError("the event is still being sent")


def test_it_keeps_one_configuration_which_each_new_one_replaces(store: FlaskClient) -> None:
    assert store.get("/webhooks", headers=GENUINE).get_json() == {"code": 200, "result": NOTHING}
    assert configure(store).get_json() == {"code": 200, "result": CONFIGURATION}
    only = {"url": "https://other.example", "types": ["order_failed"]}
    store.post("/webhooks", json=only, headers=GENUINE)
    assert store.get("/webhooks", headers=GENUINE).get_json()["result"] == {**only, "params": []}
    assert store.delete("/webhooks", headers=GENUINE).get_json() == {"code": 200, "result": NOTHING}


def test_it_knows_every_type_that_pressroom_registers(store: FlaskClient) -> None:
    assert configure(store, types=list(TYPES)).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "token"}])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_it_refuses_a_request_without_the_token(store: FlaskClient, method: str, headers: dict[str, str]) -> None:
    answer = store.open("/webhooks", method=method, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, 401)
    assert set(answer.get_json()["error"]) == {"reason", "message"}
    (listed,) = store.get("/_requests").get_json()
    assert listed["answered"] == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"url": ""},
        {"url": None},
        {"url": "ftp://hub.example"},
        {"types": []},
        {"types": ["package_lost"]},
        {"types": "package_shipped"},
        {"params": {}},
        {"params": {"stock_updated": {"product_ids": []}}},
        {"params": {"stock_updated": {"product_ids": ["5"]}}},
        {"params": {**CONFIGURATION["params"], "order_failed": {}}},  # type: ignore[dict-item]
        {"secret": "x"},
    ],
)
def test_it_refuses_an_invalid_configuration(store: FlaskClient, changes: dict[str, Any]) -> None:
    answer = configure(store, **changes)
    assert (answer.status_code, answer.get_json()["code"]) == (400, 400)
    assert answer.get_json()["error"]["reason"] == "BadRequest"
    assert store.get("/webhooks", headers=GENUINE).get_json()["result"] == NOTHING


def test_it_limits_the_calls_per_minute(store: FlaskClient, clock: Clock) -> None:
    for _ in range(5):
        assert store.get("/webhooks", headers=GENUINE).status_code == 200
        clock.advance(10)
    answer = store.get("/webhooks", headers=GENUINE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "10")
    clock.advance(10)
    assert store.get("/webhooks", headers=GENUINE).status_code == 200
    assert store.get("/webhooks", headers=GENUINE).status_code == 429


def test_it_follows_a_planned_behaviour(store: FlaskClient) -> None:
    store.post("/_behave", json={"retry_after": 5})
    assert store.get("/webhooks", headers=GENUINE).status_code == 429
    assert store.get("/webhooks", headers=GENUINE).status_code == 200


def test_it_sends_an_event_once_if_it_is_accepted(store: FlaskClient, hub: Partner) -> None:
    configure(store, url=f"{hub.url}/webhooks/printful/token")
    assert store.post("/_fire", json=SHIPPED).status_code == 202
    fired = settled(store)
    assert (fired["state"], [each["status"] for each in fired["attempts"]]) == ("delivered", [200])
    ((line, headers, body),) = hub.requests
    assert line == "POST /webhooks/printful/token HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {**SHIPPED, "retries": 0}


def test_it_sends_an_event_again_until_the_last_retry(store: FlaskClient, hub: Partner) -> None:
    hub.answer = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    configure(store, url=hub.url)
    store.post("/_fire", json=SHIPPED)
    fired = settled(store)
    assert (fired["state"], [each["status"] for each in fired["attempts"]]) == ("given up", [302] * 7)
    assert [json.loads(body)["retries"] for _, _, body in hub.requests] == list(range(len(LADDER) + 1))
    assert len({json.dumps({**json.loads(body), "retries": 0}) for _, _, body in hub.requests}) == 1


def test_it_sends_an_event_again_if_there_is_no_server(store: FlaskClient) -> None:
    configure(store, url="http://127.0.0.1:9/")
    store.post("/_fire", json=SHIPPED)
    assert [each["status"] for each in settled(store)["attempts"]] == [None] * 7


def unconfigured(store: FlaskClient) -> None:
    store.delete("/webhooks", headers=GENUINE)


def without_its_type(store: FlaskClient) -> None:
    configure(store, types=["order_failed"])


@pytest.mark.parametrize("prepare", [unconfigured, without_its_type])
def test_it_sends_only_enabled_events(store: FlaskClient, prepare: Callable[[FlaskClient], None]) -> None:
    prepare(store)
    answer = store.post("/_fire", json=SHIPPED)
    assert (answer.status_code, bool(answer.get_json()["reason"])) == (409, True)
    assert store.get("/_fired").get_json() == []


@pytest.mark.parametrize(("product", "status"), [(5, 202), (6, 409), (None, 409)])
def test_it_sends_stock_only_for_the_configured_products(
    store: FlaskClient, hub: Partner, product: int | None, status: int
) -> None:
    configure(store, url=hub.url)
    event = {"type": "stock_updated", "data": {"product_id": product, "variant_stock": {}}}
    assert store.post("/_fire", json=event).status_code == status


@pytest.mark.parametrize("event", [None, {}, {"type": "package_shipped"}, {**SHIPPED, "id": 3}])
def test_it_refuses_an_invalid_event(store: FlaskClient, event: Any) -> None:
    assert store.post("/_fire", json=event).status_code == 400


def test_a_reset_clears_everything(store: FlaskClient, hub: Partner) -> None:
    configure(store, url=hub.url)
    store.post("/_fire", json=SHIPPED)
    settled(store)
    store.post("/_reset")
    assert store.get("/_fired").get_json() == []
    assert store.get("/webhooks", headers=GENUINE).get_json()["result"] == NOTHING
