"""A paid order is sent to Camaloon, and Camaloon's shipments are recorded."""

import base64
import uuid
from collections import Counter
from functools import partial
from typing import Any

import pytest

from local.partners import PRINTFUL_API_TOKEN
from local.simulators import camaloon
from pressroom.platform.paths import quoted
from tests.e2e.conftest import Shop
from tests.e2e.waiting import wait_until
from tests.support.samples import PERSONAL

BADGE, BAG = "063e8da93379f8c1aee0", "5b1f0c77a2d94e60b3c8"


def attempts_ended(order: dict[str, Any]) -> bool:
    return bool(order["deliveries"]) and all(each["status"] != "pending" for each in order["deliveries"])


def test_a_paid_order_arrives_at_camaloon_signed_and_is_shipped_in_two_parcels(shop: Shop) -> None:
    order = shop.order()
    answer = shop.pay(order)
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")

    accepted = shop.until(order["id"], lambda it: it["status"] == "accepted")
    (arrived,) = shop.arrived(order["id"])
    raw = base64.b64decode(arrived["raw"])
    assert arrived["answered"] == 200
    assert arrived["headers"]["X-Camaloon-Topic"] == "order_paid"
    assert arrived["headers"]["X-Camaloon-Source-Domain"] == "shop.example"
    assert arrived["headers"]["X-Camaloon-Hmac-Sha256"] == camaloon.signature(
        shop.stack.webhooks["camaloon"]["secret"], raw
    )
    assert arrived["body"]["line_items"] == order["line_items"]
    assert accepted["deliveries"][0] | {"id": ""} == {
        "id": "",
        "destination": "camaloon",
        "operation": "order_paid",
        "status": "delivered",
        "attempts": 1,
        "last_error": None,
    }

    first = shop.parcel(order["id"], (BADGE, 6), tracking="9414 1058")
    second = shop.parcel(order["id"], (BADGE, 4), (BAG, 2))
    assert [shop.ship(each).json()["status"] for each in (first, first, second)] == [
        "accepted",
        "duplicate",
        "accepted",
    ]
    shipped = shop.until(order["id"], lambda it: it["status"] == "shipped")
    assert [line["shipped_quantity"] for line in shipped["lines"]] == [10, 2]
    assert [line["status"] for line in shipped["lines"]] == ["shipped", "shipped"]
    assert len(shipped["shipments"]) == 2
    assert shipped["attention"] == []
    assert [each["source"] for each in shipped["timeline"]].count("camaloon.shipment_sent") == 2


def test_a_shipment_may_come_before_the_payment(shop: Shop) -> None:
    order = shop.order()
    shop.ship(shop.parcel(order["id"], (BADGE, 10)))
    early = shop.until(order["id"], lambda it: it["shipments"])
    assert (early["status"], early["attention"], early["lines"]) == ("partially_shipped", ["unpaid"], [])

    shop.pay(order)
    completed = shop.until(order["id"], lambda it: it["lines"] and attempts_ended(it))
    assert completed["status"] == "partially_shipped"
    assert completed["attention"] == []
    assert [line["status"] for line in completed["lines"]] == ["shipped", "accepted"]


def test_fifty_copies_of_one_webhook_at_once_have_one_effect_and_are_all_acknowledged(shop: Shop) -> None:
    order = shop.order()
    answers = shop.at_once(*[lambda: shop.pay(order)] * 50)
    assert {answer.status_code for answer in answers} == {202}
    statuses = Counter(answer.json()["status"] for answer in answers)
    assert statuses in ({"accepted": 1, "duplicate": 49}, {"duplicate": 50})
    assert len({answer.json()["event_id"] for answer in answers}) == 1
    shop.until(order["id"], attempts_ended)
    assert len(shop.arrived(order["id"])) == 1


def test_the_first_of_two_different_payments_counts_and_the_order_is_flagged(shop: Shop) -> None:
    order = shop.order()
    shop.pay(order)
    shop.pay(order | {"ref": "another"})
    flagged = shop.until(order["id"], lambda it: it["attention"] and attempts_ended(it))
    assert flagged["attention"] == ["paid_twice"]
    assert flagged["ref"] == order["ref"]
    assert len(shop.arrived(order["id"])) == 1


def test_thirty_parcels_of_one_order_at_once_are_all_recorded(shop: Shop) -> None:
    order = shop.order()
    order["line_items"][0]["quantity"] = 30
    shop.pay(order)
    parcels = [shop.parcel(order["id"], (BADGE, 1)) for _ in range(30)]
    shop.at_once(*(partial(shop.ship, parcel) for parcel in parcels))
    shipped = shop.until(order["id"], lambda it: len(it["shipments"]) == 30 and attempts_ended(it))
    assert [line["shipped_quantity"] for line in shipped["lines"]] == [30, 0]
    assert shipped["status"] == "partially_shipped"


def test_pieces_that_were_not_ordered_are_kept_flagged_and_clamped(shop: Shop) -> None:
    order = shop.order()
    shop.pay(order)
    shop.ship(shop.parcel(order["id"], (BADGE, 12), ("never-ordered", 1)))
    order = shop.until(order["id"], lambda it: it["lines"] and it["shipments"] and attempts_ended(it))
    assert order["attention"] == ["over_shipped", "unknown_sku"]
    assert order["lines"][0]["shipped_quantity"] == 10
    assert [(line["line_id"], line["quantity"]) for line in order["shipments"][0]["lines"]] == [("1", 12), (None, 1)]


def test_orders_are_listed_by_status_the_last_paid_first(shop: Shop) -> None:
    # The shop's dates don't count: here they are in the opposite order.
    orders = [shop.order(created_at=f"2026-08-{day}T00:00:00Z") for day in range(19, 14, -1)]
    for order in orders:
        assert shop.pay(order).status_code == 202
    for order in orders:
        shop.until(order["id"], lambda it: it["status"] == "accepted")
    listed: list[str] = []
    cursor = ""
    while len(listed) < 5:
        page = shop.api(f"/orders?status=accepted&limit=2&cursor={cursor}").json()
        listed += [each["id"] for each in page["orders"]]
        cursor = page["cursor"] or ""
    assert listed[:5] == [order["id"] for order in reversed(orders)]
    assert shop.api("/orders?limit=5").json()["orders"][0]["id"] == orders[-1]["id"]


def test_an_id_may_contain_characters_that_a_url_has_to_escape(shop: Shop) -> None:
    order = shop.order(id=f"W/{uuid.uuid4().hex[:6]} #ñ%41?&%2F")
    shop.pay(order)
    shown = wait_until(lambda: shop.known(quoted(order["id"])), "the order is known")
    assert shown["id"] == order["id"]


@pytest.mark.parametrize("token", ["", "wrong", "local-ops-toke", "local-ops-token,local-ops-token"])
def test_without_the_ops_token_the_api_responds_with_401(shop: Shop, token: str) -> None:
    for path in ("/orders", "/orders/1001", "/events", "/deliveries", "/products/1", "/stock/1", "/drift"):
        assert shop.api(path, token=token or " ").status_code == 401


def test_no_log_holds_a_secret_or_personal_data(shop: Shop) -> None:
    order = shop.order()
    shop.pay(order)
    shop.until(order["id"], attempts_ended)
    shop.send("storefront", "order_paid", order, X_CAMALOON_HMAC_SHA256="wrong")
    wait_until(lambda: "webhook_refused" in shop.logs() or None, "the refusal is logged")
    logged = shop.logs()
    webhooks = shop.stack.webhooks
    secrets = [webhooks[name]["secret"] for name in ("storefront", "camaloon")]
    secrets += [webhooks["cloudprinter"]["apikey"], webhooks["printful"]["url"].rpartition("/")[2], PRINTFUL_API_TOKEN]
    for never in [*secrets, shop.stack.ops_token, *PERSONAL]:
        assert never not in logged, f"{never!r} was logged"


def test_an_order_is_found_by_address_and_its_recipient_is_shown_and_erased(shop: Shop) -> None:
    order = shop.order()
    email = f"{uuid.uuid4().hex}@shop.example"
    order["shipping_info"] |= {"email": email}
    assert shop.pay(order).status_code == 202
    shop.until(order["id"], lambda it: it["notifications"] and it["notifications"][0]["status"] == "delivered")
    orders = f"/orders?email={email.upper()}"
    assert [each["id"] for each in shop.api(orders).json()["orders"]] == [order["id"]]
    recipient = f"/orders/{order['id']}/recipient"
    assert shop.api(recipient, "POST").json()["recipient"]["email"] == email
    assert shop.api(f"/orders/{order['id']}/erase", "POST").status_code == 200
    assert shop.api(orders).json()["orders"] == []
    assert shop.api(recipient, "POST").status_code == 404
    actions = shop.api(f"/actions?target={order['id']}").json()["actions"]
    assert [each["action"] for each in actions] == ["erase", "show_recipient"]
