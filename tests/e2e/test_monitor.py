"""The monitor on the real build and deployment, with its own rights: delays and conditions begin and end."""

import json
from collections.abc import Callable
from typing import Any

from local.localhost import request
from tests.e2e.conftest import Shop
from tests.e2e.functions import configured
from tests.e2e.waiting import PATIENCE_S, wait_until

SOON = "0.0003"  # hours: about a second


def run_monitor(shop: Shop) -> dict[str, Any]:
    """Run the monitor as its schedule does, and return its response."""
    name = f"{shop.stack.stack_name}-monitor"
    answer = shop.stack.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    response = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, response
    result: dict[str, Any] = response
    return result


def condition_begins(
    shop: Shop, identity: str, seconds: float = PATIENCE_S, *, before: Callable[[], None] = lambda: None
) -> None:
    """Run the monitor until a condition is there; `before` is called before each run."""

    def look() -> bool | None:
        before()
        run_monitor(shop)
        return any(each["id"] == identity for each in shop.api("/conditions").json()["conditions"]) or None

    wait_until(look, f"the condition {identity} is there", seconds)


def condition_ends(shop: Shop, identity: str, seconds: float = PATIENCE_S) -> None:
    def look() -> bool | None:
        run_monitor(shop)
        return all(each["id"] != identity for each in shop.api("/conditions").json()["conditions"]) or None

    wait_until(look, f"the condition {identity} has ended", seconds)


def attention_notifications(shop: Shop, order_id: str) -> list[dict[str, Any]]:
    """Return the attention notifications about an order that the shop has received."""
    received = request("GET", shop.stack.simulators["storefront"] + "/_told", timeout=10).json().get(order_id, [])
    return [each for each in received if each["type"] == "order.attention"]


def test_a_stalled_order_is_flagged_once_notified_to_the_shop_and_cleared_by_its_parcel(shop: Shop) -> None:
    order = shop.order()
    assert shop.pay(order).status_code == 202
    shop.until(order["id"], lambda known: known["status"] == "accepted")
    with configured(shop, "monitor", SHIP_WITHIN_HOURS=f"camaloon={SOON}"):

        def raised() -> dict[str, Any] | None:
            run_monitor(shop)
            known = shop.known(order["id"])
            return known if known and known["attention"] == ["stalled"] else None

        known = wait_until(raised, "the order is stalled")
        run_monitor(shop)
        again = shop.known(order["id"])
        assert again
        texts = [entry["text"] for entry in again["timeline"] if entry["source"] == "monitor"]
        assert len(texts) == 1
        assert texts[0].startswith("camaloon has not shipped 2 lines within")
        listed = shop.api("/orders?attention=stalled&limit=100").json()["orders"]
        assert order["id"] in [each["id"] for each in listed]
        assert known["lines"] == again["lines"]
        wait_until(lambda: attention_notifications(shop, order["id"]) or None, "the shop is notified")
        pieces = [(line["sku"], line["quantity"]) for line in order["line_items"]]
        assert shop.ship(shop.parcel(order["id"], *pieces)).status_code == 200
        shop.until(order["id"], lambda known: known["status"] == "shipped" and known["attention"] == [])
        assert order["id"] not in [
            each["id"] for each in shop.api("/orders?attention=stalled&limit=100").json()["orders"]
        ]


def test_twenty_refusals_in_a_row_are_a_condition_until_camaloon_is_accepted_again(shop: Shop) -> None:
    order = shop.order()
    assert shop.pay(order).status_code == 202
    shop.until(order["id"], lambda known: known["status"] == "accepted")

    def refused() -> None:
        answer = shop.send("camaloon", "shipment_sent", b"{}", X_CAMALOON_HMAC_SHA256="wrong")
        assert answer.status_code == 401

    for _ in range(25):
        refused()
    # The receiver writes few refusals of a flood at once. Where another test was refused just before, the 25 are
    # written with one of the next.
    condition_begins(shop, "endpoint_disabled/camaloon", before=refused)
    assert shop.ship(shop.parcel(order["id"], (order["line_items"][0]["sku"], 1))).status_code == 200
    condition_ends(shop, "endpoint_disabled/camaloon")


def test_a_parked_webhook_is_a_condition_and_counted_in_the_overview(shop: Shop) -> None:
    answer = shop.send("camaloon", "shipment_sent", {"order_id": 1})
    shop.event_until(answer.json()["event_id"], "failed", 90)
    condition_begins(shop, "webhooks_parked")
    shown = shop.api("/overview").json()
    assert shown["webhooks"]["failed"]["count"] >= 1
    camaloon = next(each for each in shown["providers"] if each["provider"] == "camaloon")
    assert camaloon["last_heard_at"]
    assert sum(camaloon["received"][-2:]) >= 1
    assert sum(each["count"] for each in shown["orders"]) >= 1


def test_the_monitors_routes_require_the_token(shop: Shop) -> None:
    for path in ("/overview", "/conditions"):
        assert shop.api(path, token="wrong").status_code == 401
        assert shop.api(path).status_code == 200
