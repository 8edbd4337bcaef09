"""Notifications to the shop, and repairs through the API, on the real build and deployment."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from cli import invoke
from cli.stacks import Installation
from local.localhost import request
from tests.e2e.conftest import Shop
from tests.e2e.functions import configured
from tests.e2e.test_printers import post, sample
from tests.e2e.waiting import PATIENCE_S, wait_until

BADGE, TOTE = "063e8da93379f8c1aee0", "5b1f0c77a2d94e60b3c8"


@pytest.fixture(name="clean_simulator", autouse=True)
def _clean_simulator(shop: Shop) -> Iterator[None]:
    reset(shop)
    yield
    reset(shop)


def reset(shop: Shop) -> None:
    request("POST", shop.stack.simulators["storefront"] + "/_reset", timeout=10)


def at_the_shop(shop: Shop, path: str) -> Any:
    return request("GET", shop.stack.simulators["storefront"] + path, timeout=10).json()


def shop_will(shop: Shop, **behaviour: Any) -> None:
    url, headers = shop.stack.simulators["storefront"] + "/_behave", {"Content-Type": "application/json"}
    answer = request("POST", url, body=json.dumps(behaviour), headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text


def notifications(shop: Shop, order_id: object) -> list[dict[str, Any]]:
    accepted: list[dict[str, Any]] = at_the_shop(shop, "/_told").get(str(order_id), [])
    return accepted


def notifications_until(shop: Shop, order_id: object, *types: str, seconds: float = PATIENCE_S) -> list[dict[str, Any]]:
    """Wait until the shop has received these types, and return all its notifications about the order."""

    def look() -> list[dict[str, Any]] | None:
        found = notifications(shop, order_id)
        received = [each["type"] for each in found]
        return found if all(received.count(each) >= types.count(each) for each in types) else None

    return wait_until(look, f"the shop has received {', '.join(types)} of {order_id}", seconds)


def assert_in_order_once_each(received: list[dict[str, Any]]) -> None:
    assert [each["sequence"] for each in received] == list(range(1, len(received) + 1))
    assert len({each["webhook_id"] for each in received}) == len(received)


@pytest.fixture(name="followed")
def _followed(shop: Shop) -> str:
    """A paid order with three lines at Cloudprinter."""
    order_id = f"e2e-{uuid.uuid4().hex[:12]}"
    lines = [{"id": str(n), "sku": f"CP-{n}", "description": "x", "quantity": 1, "price": 5} for n in (1, 2, 3)]
    assert shop.pay(shop.order(id=order_id, line_items=lines)).status_code == 202
    shop.until(order_id, lambda known: len(known["lines"]) == 3)
    return order_id


def test_the_shop_is_told_what_it_must_not_sell(shop: Shop) -> None:
    product, variant = uuid.uuid4().int % 10**9, uuid.uuid4().int % 10**9

    def told(out: list[int], created: int, most: int) -> list[dict[str, Any]]:
        data = {"product_id": product, "variant_stock": {"out": out, "discontinued": []}}
        content = sample("printful/stock_updated") | {"created": created, "data": data}
        for _ in range(2):
            assert post(shop, "printful", content).status_code == 200

        def look() -> list[dict[str, Any]] | None:
            found: list[dict[str, Any]] = at_the_shop(shop, "/_told_products").get(str(product), [])
            return found if len(found) >= most else None

        return wait_until(look, f"the shop has received {most} notifications of product {product}", PATIENCE_S)

    told([variant], 1789900000, 1)
    gone, back = told([], 1789900001, 2)
    assert (gone["type"], back["type"]) == ("product.out_of_stock", "product.back_in_stock")
    assert [each["data"]["variants"][0]["id"] for each in (gone, back)] == [str(variant)] * 2
    assert (gone["data"]["sequence"], back["data"]["sequence"]) == (1, 2)
    assert shop.api(f"/stock/{product}").json()["out"] == []


def signal(shop: Shop, name: str, order_id: str, line: int, **changes: Any) -> None:
    content = sample(f"cloudprinter/{name}") | {
        "order_reference": order_id,
        "order": str(int(order_id[4:], 16)),
        "item": f"{int(order_id[4:], 16)}{line}",
        "item_reference": str(line),
        "apikey": shop.stack.webhooks["cloudprinter"]["apikey"],
    }
    assert post(shop, "cloudprinter", content | changes).status_code == 200


def test_each_step_from_payment_to_delivery_is_notified_once_and_verifies_with_the_public_package(
    shop: Shop, followed: str
) -> None:
    steps = ("item_validated", "item_produce", "item_shipped", "item_delivery_completed")
    reached = ("order.accepted", "order.in_production", "order.shipped", "order.delivered")
    for count, name in enumerate(steps, start=1):
        for line in (1, 2, 3):
            signal(shop, name, followed, line, tracking="3SCP1")
        notifications_until(shop, followed, *reached[:count])
    received = notifications(shop, followed)
    assert [each["type"] for each in received] == list(reached)
    assert_in_order_once_each(received)
    requests = [each for each in at_the_shop(shop, "/_requests") if followed in json.dumps(each["body"])]
    assert len(requests) == 4
    for each in requests:
        headers = {name.lower(): value for name, value in each["headers"].items()}
        raw = json.dumps(each["body"], separators=(",", ":"), ensure_ascii=False)
        Webhook(shop.stack.notifications["secret"]).verify(raw, headers)
    known = shop.known(followed)
    assert known
    shown = requests[-1]["body"]["data"]["order"]
    # A notification leaves `unusable` out of a line of which everything can be used, to be smaller.
    lines = [{"unusable": None} | line for line in shown["lines"]]
    assert {"status": shown["status"], "lines": lines, "shipments": shown["shipments"]} == {
        name: known[name] for name in ("status", "lines", "shipments")
    }


def test_a_shop_that_fails_for_long_receives_all_notifications_once_in_order(shop: Shop) -> None:
    orders = [shop.order() for _ in range(4)]
    shop_will(shop, status=500, times=14)
    for order in orders:
        assert shop.pay(order).status_code == 202
    for order in orders:
        shop.until(order["id"], lambda known: known["status"] == "accepted")
        shop.ship(shop.parcel(order["id"], (BADGE, 10)))
        shop.ship(shop.parcel(order["id"], (TOTE, 2)))
    for order in orders:
        received = notifications_until(shop, order["id"], "order.accepted", "order.shipped", "order.shipped")
        assert_in_order_once_each(received)
        assert len(received) == 3
    assert sum(each["answered"] == 500 for each in at_the_shop(shop, "/_requests")) == 14


def test_each_real_parcel_is_notified_once(shop: Shop, followed: str) -> None:
    for line in (1, 2, 3):
        signal(shop, "item_shipped", followed, line, tracking="3SCP1")
    notifications_until(shop, followed, "order.shipped")
    signal(shop, "item_shipped", followed, 1, tracking="3SCP2", datetime="2026-09-09T12:20:31+00:00")  # a reshipment
    signal(shop, "item_shipped", followed, 2, tracking="3SCP1", message="a late duplicate")
    received = notifications_until(shop, followed, "order.shipped", "order.shipped")
    parcels = [each["tracking_number"] for each in received if each["type"] == "order.shipped"]
    assert parcels == ["3SCP1", "3SCP2"]


def test_a_parcel_waits_for_its_tracking_and_is_then_notified_without_it(shop: Shop, followed: str) -> None:
    with configured(shop, "cloudprinter-item_shipped", TRACKING_WAIT_MINUTES="0"):
        signal(shop, "item_shipped", followed, 1, tracking="3SCP1")
        signal(shop, "item_shipped__no_tracking", followed, 2)
        received = notifications_until(shop, followed, "order.shipped")
        assert [each["tracking_number"] for each in received if each["type"] == "order.shipped"] == ["3SCP1"]
        shop.until(followed, lambda known: len(known["shipments"]) == 2)
        assert invoke.ask(Installation.local(shop.stack), "untracked", {})["told"] >= 1
        received = notifications_until(shop, followed, "order.shipped", "order.shipped")
        signal(shop, "item_shipped", followed, 2, tracking="3SCP2")
        signal(shop, "item_shipped", followed, 3, tracking="3SCP3")
        received = notifications_until(shop, followed, *["order.shipped"] * 3, "order.tracking")
    parcels = [each["tracking_number"] for each in received if each["type"] == "order.shipped"]
    assert parcels == ["3SCP1", None, "3SCP3"]  # the second is not notified again with its tracking
    assert [each["tracking_number"] for each in received if each["type"] == "order.tracking"] == ["3SCP2"]


def test_410_disables_notifications_until_a_person_enables_and_replays_them(shop: Shop) -> None:
    shop_will(shop, status=410)
    order = shop.order()
    shop.pay(order)
    shop.until(order["id"], lambda known: "shop_not_told" in known["attention"])
    shop.ship(shop.parcel(order["id"], (BADGE, 10)))
    shop.until(order["id"], lambda known: [each["status"] for each in known["notifications"]] == ["dead", "dead"])
    assert len([each for each in at_the_shop(shop, "/_requests") if order["id"] in json.dumps(each["body"])]) == 1
    assert shop.api("/notifications").json()["disabled_at"]
    assert shop.api("/notifications/enable", "POST").json() == {"url_set": True, "disabled_at": None}
    wanted = {"what": "deliveries", "state": "dead", "destination": "storefront"}
    assert shop.api("/replays", "POST", **wanted).json()["matching"] >= 2
    job = shop.api("/replays", "POST", **wanted, dry_run=False).json()
    assert job["status"] in ("finished", "running")
    received = notifications_until(shop, order["id"], "order.accepted", "order.shipped")
    assert sorted(each["sequence"] for each in received) == [1, 2]
    shop.until(order["id"], lambda known: "shop_not_told" not in known["attention"])
    assert '"StorefrontDisabled"' in shop.logs()


def test_many_dead_deliveries_are_replayed_once_each(shop: Shop) -> None:
    orders = [shop.order() for _ in range(6)]
    shop.camaloon_will(status=422, times=6)
    for order in orders:
        shop.pay(order)
    for order in orders:
        shop.until(order["id"], lambda known: "delivery_dead" in known["attention"])
    shop.camaloon_behaves()
    wanted = {"what": "deliveries", "state": "dead", "destination": "camaloon"}
    assert shop.api("/replays", "POST", **wanted).json() == {"matching": 6, "complete": True}
    job = shop.api("/replays", "POST", **wanted, dry_run=False).json()
    again = shop.api("/replays", "POST", **wanted, dry_run=False).json()
    for order in orders:
        shop.until(order["id"], lambda known: known["status"] == "accepted")
        assert len(shop.arrived(order["id"])) == 1  # the reset has cleared those that it refused
    assert (job["replayed"], again["replayed"]) == (6, 0)
    assert shop.api(f"/replays/{job['id']}/cancel", "POST").json()["status"] == "finished"


def test_a_bulk_replay_keeps_its_rate_and_can_be_canceled(shop: Shop) -> None:
    orders = [shop.order() for _ in range(3)]
    shop.camaloon_will(status=422, times=3)
    for order in orders:
        shop.pay(order)
        shop.until(order["id"], lambda known: "delivery_dead" in known["attention"])
    job = shop.api(
        "/replays", "POST", what="deliveries", state="dead", destination="camaloon", per_minute=1, dry_run=False
    ).json()
    assert (job["status"], job["replayed"]) == ("running", 1)
    canceled = shop.api(f"/replays/{job['id']}/cancel", "POST").json()
    assert canceled["status"] == "canceled"
    for order in orders:
        found = shop.known(order["id"])
        assert found
        (delivery,) = found["deliveries"]
        if delivery["status"] == "dead":
            shop.api(f"/deliveries/{delivery['id']}/settle", "POST", outcome="dropped")
            shop.until(order["id"], lambda known: known["status"] == "canceled")


def test_an_order_can_be_found_and_erased(shop: Shop) -> None:
    order = shop.order(ref=f"ref-{uuid.uuid4().hex}")
    shop.pay(order)
    shop.until(order["id"], lambda known: known["status"] == "accepted")
    tracking = uuid.uuid4().hex
    shop.ship(shop.parcel(order["id"], (BADGE, 10), tracking=tracking))
    shop.until(order["id"], lambda known: known["shipments"])
    notifications_until(shop, order["id"], "order.shipped")
    for query in (f"id={order['id']}", f"ref={order['ref']}", f"tracking={tracking}"):
        assert [each["id"] for each in shop.api(f"/orders?{query}").json()["orders"]] == [order["id"]]
    (event,) = (
        each
        for each in shop.api("/events?provider=storefront&limit=100").json()["events"]
        if each["order_id"] == order["id"]
    )
    assert "Soler" in shop.api(f"/events/{event['id']}").json()["body"]

    def erased() -> bool | None:  # its last notification may be pending
        return shop.api(f"/orders/{order['id']}/erase", "POST").status_code == 200 or None

    wait_until(erased, "the order is erased")
    assert shop.api(f"/events/{event['id']}").json()["body_erased"] is True
    assert shop.api(f"/orders?tracking={tracking}").json()["orders"] == []
    known = shop.known(order["id"])
    assert known
    assert known["erased_at"]
    assert tracking not in json.dumps(known)
    assert shop.pay(order).json()["status"] == "duplicate"


@pytest.mark.parametrize("token", ["", "wrong", "local-ops-toke", "ö"])
def test_without_the_token_every_route_responds_with_401(shop: Shop, token: str) -> None:
    document = shop.api("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method in operations:
            url = shop.stack.api_url + path.replace("{", "").replace("}", "")
            headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")} if token else {}
            answer = request(method.upper(), url, body=b"{" if method == "post" else None, headers=headers, timeout=30)
            assert answer.status_code == 401, (method, path)
            assert set(answer.json()) == {"type", "title", "detail", "status"}


def test_no_documented_route_responds_with_an_internal_error(shop: Shop) -> None:
    document = shop.api("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in operations:
            for value in ("none", "..", "%00", "ä" * 60, "'\"<>"):
                url = "/".join(value if part.startswith("{") else part for part in path.split("/"))
                answer = shop.api(url + "?limit=x&cursor=%F0", method.upper(), nothing=1)
                assert answer.status_code < 500, (method, url, answer.text)
