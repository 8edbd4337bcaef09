"""Cloudprinter and Printful on the real build and deployment, where each function has its own rights."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from cli import invoke, printful_webhook
from cli.stacks import Installation
from local.localhost import request
from tests.e2e.conftest import ROOT, Shop
from tests.e2e.waiting import wait_until

SAMPLES = sorted(
    f"{path.parent.name}/{path.stem}"
    for provider in ("cloudprinter", "printful")
    for path in Path(ROOT / "events" / provider).glob("*.json")
)
FOREIGN = "https://another.example/hook"


def sample(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return content


def post(shop: Shop, provider: str, content: dict[str, Any] | bytes) -> requests.Response:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"Content-Type": "application/json"}
    return request("POST", shop.stack.webhooks[provider]["url"], body=raw, headers=headers, timeout=120)


def of_order(name: str, order_id: str) -> dict[str, Any]:
    """Return a sample about another order of ours, and another one at the printer."""
    content, number = sample(name), int(uuid.uuid5(uuid.NAMESPACE_OID, order_id).hex[:8], 16)
    if name.startswith("cloudprinter"):
        return content | {"order_reference": order_id, "order": str(number)}
    content["data"]["order"] |= {"external_id": order_id, "id": number}
    return content


@pytest.fixture(name="order")
def _order(shop: Shop) -> dict[str, Any]:
    """A paid order with one line at two printers each, and two lines at a third."""
    order = sample("storefront/order_paid__several_printers") | {"id": f"e2e-{uuid.uuid4().hex[:12]}"}
    assert shop.pay(order).status_code == 202
    shop.until(order["id"], lambda known: known["lines"])
    return order


def test_every_sample_and_every_deviation_is_processed(shop: Shop) -> None:
    answers = [post(shop, name.partition("/")[0], sample(name)) for name in SAMPLES]
    assert {answer.status_code for answer in answers} == {200}
    ended = [shop.event_until(answer.json()["event_id"], "processed") for answer in answers]
    assert {event["topic"] for event in ended if event["provider"] == "printful"} == {
        name.partition("/")[2].partition("__")[0] for name in SAMPLES if name.startswith("printful/")
    }
    assert shop.api("/products/210000001").json()["deleted"] is True
    assert shop.api("/stock/71").json()["out"] == []
    drift = {each["topic"]: each["paths"] for each in shop.api("/drift").json()["drift"]}
    assert "data.order.status" in drift["printful.package_shipped"]


def test_thirty_different_events_of_one_order_at_once_are_all_recorded(shop: Shop, order: dict[str, Any]) -> None:
    signals: list[Callable[[], requests.Response]] = []
    names = ("item_validated", "item_produce", "item_produced", "item_packed", "item_error")
    for number in range(4):
        for name in names:
            content = of_order(f"cloudprinter/{name}", order["id"]) | {"item": f"item-{number}"}
            signals.append(lambda content=content: post(shop, "cloudprinter", content))  # type: ignore[misc]
    for number in range(10):
        content = of_order("printful/package_shipped", order["id"])
        content["data"]["shipment"] |= {"id": 900 + number, "items": []}
        signals.append(lambda content=content: post(shop, "printful", content))  # type: ignore[misc]
    answers = shop.at_once(*signals)
    assert {answer.json()["status"] for answer in answers} <= {"accepted", "duplicate"}
    event_ids = {answer.json()["event_id"] for answer in answers}
    assert len(event_ids) == 30
    known = shop.until(order["id"], lambda it: event_ids <= {entry["event_id"] for entry in it["timeline"]})
    assert len(known["shipments"]) == 10


def test_a_hold_and_its_release_are_recorded(shop: Shop, order: dict[str, Any]) -> None:
    post(shop, "printful", of_order("printful/order_remove_hold", order["id"]))
    post(shop, "printful", of_order("printful/order_put_hold_approval", order["id"]))
    released = shop.until(order["id"], lambda it: it["holds"] and len(it["timeline"]) == 4)
    assert (released["on_hold"], released["attention"]) == (False, [])
    later = of_order("printful/order_put_hold", order["id"]) | {"created": 1788900000}
    post(shop, "printful", later)
    held = shop.until(order["id"], lambda it: it["on_hold"])
    assert held["attention"] == ["on_hold"]
    assert [hold["provider"] for hold in held["holds"]] == ["printful", "printful"]


def test_missing_stock_flags_the_open_orders_with_that_product(shop: Shop, order: dict[str, Any]) -> None:
    post(shop, "printful", of_order("printful/order_created", order["id"]))
    shop.until(order["id"], lambda it: it["provider_orders"])
    gone = sample("printful/stock_updated") | {"created": 1789900000}
    assert post(shop, "printful", gone).status_code == 200
    shop.until(order["id"], lambda it: it["attention"] == ["out_of_stock"])
    post(shop, "printful", sample("printful/stock_updated__empty") | {"created": 1789900001})
    shop.until(order["id"], lambda it: it["attention"] == [])


def test_an_event_with_fifty_items_and_a_quarter_of_a_megabyte_is_processed(shop: Shop, order: dict[str, Any]) -> None:
    content = of_order("printful/package_shipped", order["id"])
    printful_order, first = content["data"]["order"], content["data"]["order"]["items"][0]
    printful_order["items"] = [
        first
        | {"id": 5000 + number, "external_id": None, "sku": f"SKU-{number}"}
        | {"files": [file | {"hash": uuid.uuid4().hex, "filename": uuid.uuid4().hex} for file in first["files"] * 3]}
        for number in range(50)
    ]
    content["data"]["shipment"]["items"] = [{"item_id": 5000 + number, "quantity": 1} for number in range(50)]
    assert len(json.dumps(content)) > 262 * 1024
    assert post(shop, "printful", content).status_code == 200
    known = shop.until(order["id"], lambda it: it["shipments"])
    assert len(known["shipments"][0]["lines"]) == 50


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"{}", b'{"type": "ItemShipped"}', b"\xff", b"[" * 10_000])
def test_an_invalid_signal_is_refused_and_not_stored(shop: Shop, body: bytes) -> None:
    before = shop.kept()
    answer = post(shop, "cloudprinter", body)
    assert (answer.status_code, shop.kept()) == (400, before)
    assert answer.json()["message"]


def test_a_request_with_a_wrong_key_or_token_is_refused_and_neither_stored_nor_logged(shop: Shop) -> None:
    before, wrong = shop.kept(), f"wrong-{uuid.uuid4().hex}"
    signal = sample("cloudprinter/item_shipped") | {"apikey": wrong}
    assert post(shop, "cloudprinter", signal).status_code == 401
    url = shop.stack.webhooks["printful"]["url"].rpartition("/")[0] + f"/{wrong}"
    event = json.dumps(sample("printful/package_shipped"))
    answer = request("POST", url, body=event, headers={"Content-Type": "application/json"}, timeout=60)
    assert answer.status_code == 401
    assert shop.kept() == before
    group = f"/pressroom/{shop.stack.stack_name}"
    pages = shop.stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    assert not [line for page in pages for line in page["events"] if wrong in line["message"]]


def test_no_row_holds_a_key_or_a_token(shop: Shop) -> None:
    assert post(shop, "cloudprinter", sample("cloudprinter/item_shipped")).status_code == 200
    table = shop.stack.outputs()["TableName"]
    pages = shop.stack.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    text = repr([item for page in pages for item in page["Items"]])
    secrets = (shop.stack.webhooks["cloudprinter"]["apikey"], shop.stack.webhooks["printful"]["url"].rpartition("/")[2])
    assert not [each for each in secrets if each in text]


@pytest.mark.parametrize(
    ("provider", "content"), [("cloudprinter", {"type": "ItemEngraved"}), ("printful", {"type": "mug_dropped"})]
)
def test_an_unknown_type_is_stored_as_unhandled(shop: Shop, provider: str, content: dict[str, Any]) -> None:
    key = shop.stack.webhooks["cloudprinter"]["apikey"]
    answer = post(shop, provider, content | {"nonce": uuid.uuid4().hex} | {"apikey": key})
    assert answer.status_code == 200
    event = shop.event_until(answer.json()["event_id"], "unhandled")
    listed = shop.api("/events?state=unhandled&limit=100").json()["events"]
    assert event["id"] in [each["id"] for each in listed]


# --- Printful's webhook ---


def ask(shop: Shop, action: str, **rest: Any) -> dict[str, Any]:
    return invoke.ask(Installation.local(shop.stack), printful_webhook.FUNCTION, {"action": action, **rest})


def at_printful(shop: Shop, method: str, path: str, **body: Any) -> requests.Response:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer local-printful-api-token"}
    content = json.dumps(body) if body else None
    return request(method, shop.stack.simulators["printful"] + path, body=content, headers=headers, timeout=30)


def test_printful_sends_registered_events_and_a_lost_registration_is_detected(
    shop: Shop, order: dict[str, Any]
) -> None:
    at_printful(shop, "POST", "/_reset")
    assert ask(shop, "check")["state"] == "not_wanted"
    assert ask(shop, "register", product_ids=[71])["ok"] is True
    assert ask(shop, "check") == {"ok": True} | {
        name: value for name, value in ask(shop, "show").items() if name not in ("ok", "wanted")
    }
    event = of_order("printful/package_shipped", order["id"])
    del event["retries"]
    assert at_printful(shop, "POST", "/_fire", **event).status_code == 202
    shop.until(order["id"], lambda it: it["shipments"])
    (fired,) = wait_until(
        lambda: [each for each in at_printful(shop, "GET", "/_fired").json() if each["state"] == "delivered"] or None,
        "Printful has a response",
    )
    assert [attempt["status"] for attempt in fired["attempts"]] == [200]

    at_printful(shop, "DELETE", "/webhooks")
    assert ask(shop, "check")["state"] == "lost"
    at_printful(shop, "POST", "/webhooks", url=FOREIGN, types=["package_shipped"])
    assert ask(shop, "check")["state"] == "replaced"
    refused = ask(shop, "register")
    assert (refused["ok"], refused["registered"]["url"]) == (False, FOREIGN)
    assert at_printful(shop, "GET", "/webhooks").json()["result"]["url"] == FOREIGN
    assert ask(shop, "register", replace=FOREIGN)["ok"] is True
    assert ask(shop, "remove")["ok"] is True
    assert at_printful(shop, "GET", "/webhooks").json()["result"]["url"] is None
    assert "PrintfulWebhookWrong" in shop.logs()
