"""Every request to the webhook routes gets a clear response, and only genuine webhooks are stored."""

import json
import os
from typing import Any

import pytest

from tests.e2e.conftest import Shop

GENUINE = b'{"order_id": 1, "tracking_number": "", "line_items": []}'


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "x",
        "bm90IHRoZSBzaWduYXR1cmU=",
        "IHJV8F6M3145vL+CF0/7BFWdEfkuwynD8stM7p7iFYE",
        "\u00fc".encode().decode("latin-1"),
    ],
    ids=["empty", "short", "another", "cut", "not ASCII"],
)
@pytest.mark.parametrize("provider", ["storefront", "camaloon"])
def test_a_wrong_signature_is_refused_and_nothing_is_stored(shop: Shop, provider: str, signature: str) -> None:
    before = shop.kept()
    answer = shop.send(provider, "order_paid", GENUINE, X_CAMALOON_HMAC_SHA256=signature)
    assert answer.status_code == 401
    assert shop.kept() == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff\xfe\x00", 400),
        (b"not json", 400),
        (b"[]", 400),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        (b"[" * 10_000 + b"]" * 10_000, 400),
        (b'{"id": 1, "x": NaN}', 400),
        (b"{" + b" " * (2 * 1024 * 1024) + b"}", 413),
        (json.dumps({"x": os.urandom(500_000).hex()}).encode(), 400),
    ],
    ids=["empty", "not UTF-8", "not JSON", "array", "deep object", "deep array", "NaN", "2 MiB", "1 MB of noise"],
)
def test_a_body_that_is_no_order_is_refused_and_not_stored(shop: Shop, body: bytes, status: int) -> None:
    before = shop.kept()
    answer = shop.send("storefront", "order_paid", body, content_type="application/octet-stream")
    assert answer.status_code == status
    assert answer.json()
    assert shop.kept() == before


def test_all_faults_of_an_order_are_reported_at_once(shop: Shop) -> None:
    order: dict[str, Any] = shop.order(currency="EURO", shipping_price=-1)
    del order["shipping_info"]["city"]
    order["line_items"][1]["quantity"] = -1
    answer = shop.pay(order)
    assert answer.status_code == 400
    assert {fault["field"] for fault in answer.json()} == {
        "currency",
        "shipping_price",
        "shipping_info.city",
        "line_items.1.quantity",
    }
    assert shop.known(order["id"]) is None
    counted = {each["reason"] for each in shop.api("/overview").json()["refused"]}
    assert "storefront order_paid shipping_info.city: missing" in counted


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe\x00", b"not json", b"[]", b"[" * 10_000 + b"]" * 10_000, b'{"order_id": 1}'],
    ids=["empty", "not UTF-8", "not JSON", "array", "deep", "fields missing"],
)
def test_a_genuine_webhook_that_is_no_shipment_is_stored_and_parked(shop: Shop, body: bytes) -> None:
    answer = shop.send("camaloon", "shipment_sent", body, content_type="application/octet-stream")
    assert answer.status_code == 200
    event = shop.event_until(answer.json()["event_id"], "failed")
    assert event["error"]
    listed = shop.api("/events?state=failed&limit=100").json()["events"]
    assert event["id"] in [each["id"] for each in listed]


def test_camaloons_receiver_refuses_a_body_that_is_too_large_for_a_row(shop: Shop) -> None:
    for body in (b" " * (2 * 1024 * 1024), os.urandom(1_000_000)):
        answer = shop.send("camaloon", "shipment_sent", body, content_type="application/octet-stream")
        assert answer.status_code == 413


@pytest.mark.parametrize("topic", ["order_refunded", "../api", "shipment_sent ", None, "ü" * 300])
def test_an_unknown_topic_is_stored_as_unhandled(shop: Shop, topic: str | None) -> None:
    sent = topic.encode().decode("latin-1") if topic else None
    answer = shop.send("camaloon", sent, json.dumps({"topic": topic}).encode())
    assert answer.status_code == 200
    if topic == "shipment_sent ":  # HTTP removes the space, so the topic is known, and the body is no shipment
        assert shop.event_until(answer.json()["event_id"], "failed")
        return
    assert shop.event_until(answer.json()["event_id"], "unhandled")
