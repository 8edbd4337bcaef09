"""The shop is told what it must not sell: once per change, whatever arrives in whatever sequence."""

from collections.abc import Iterable
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.simulators.storefront import validators
from pressroom.order.notifications import PRODUCT_TYPES
from pressroom.platform.errors import Dead
from tests.support.cloud import aws_calls
from tests.support.hub import FakeShop, Hub
from tests.support.samples import sample

PRODUCT = 71


@pytest.fixture(name="shop")
def _shop(hub: Hub) -> FakeShop:
    hub.cloud.parameters["StorefrontUrl"] = FakeShop.URL
    return hub.shop


def stock(out: Iterable[int], *, at: int = 0, discontinued: Iterable[int] = (), product: int = PRODUCT) -> Any:
    lists = {"out": list(out), "discontinued": list(discontinued)}
    data = {"product_id": product, "variant_stock": lists}
    return sample("printful/stock_updated") | {"created": 1788757800 + at, "data": data}


def told(hub: Hub, *messages: Any) -> list[tuple[str, int, list[str], list[str]]]:
    """Receive messages; return the new notifications: type, sequence, variants, and all that can't be ordered."""
    before = len(hub.shop.of_products())
    for message in messages:
        hub.receive("printful", "", message)
        hub.settle()
    return [
        (
            each["type"].removeprefix("product."),
            each["data"]["sequence"],
            [variant["id"] for variant in each["data"]["variants"]],
            [variant["id"] for variant in each["data"]["unavailable"]],
        )
        for each in hub.shop.of_products()[before:]
    ]


def test_the_shop_is_told_of_each_change_of_a_products_stock(hub: Hub, shop: FakeShop) -> None:
    assert told(hub, stock([11], at=1)) == [("out_of_stock", 1, ["11"], ["11"])]
    assert told(hub, stock([11], at=2)) == []
    assert told(hub, stock([], at=3, discontinued=[11])) == [], "it could not be ordered before, either"
    assert told(hub, stock([12], at=4)) == [("out_of_stock", 2, ["12"], ["12"]), ("back_in_stock", 3, ["11"], ["12"])]
    assert told(hub, stock([], at=5)) == [("back_in_stock", 4, ["12"], [])]
    assert told(hub, stock([11], product=72)) == [("out_of_stock", 1, ["11"], ["11"])]
    for each in shop.received():
        assert [error.message for error in validators()[each["type"]].iter_errors(each)] == []
    assert {each["type"] for each in shop.received()} == set(PRODUCT_TYPES)


def test_a_message_that_comes_again_or_late_tells_nothing(hub: Hub, shop: FakeShop) -> None:
    latest = stock([11], at=60)
    assert len(told(hub, latest)) == 1
    assert told(hub, latest | {"retries": 1}, stock([12], at=30), latest) == []


def test_a_variant_is_named_with_the_skus_of_its_orders_and_its_status(hub: Hub, shop: FakeShop) -> None:
    ordered = sample("printful/order_created")
    item = ordered["data"]["order"]["items"][0]
    ordered["data"]["order"]["external_id"] = None
    hub.receive("printful", "", ordered)
    hub.settle()
    told(hub, stock([item["variant_id"], 5], discontinued=[6]))
    (notification,) = shop.of_products()
    assert notification["data"]["product"] == {"provider": "printful", "id": "71"}
    assert notification["data"]["unavailable"] == notification["data"]["variants"]
    assert {each["id"]: (each["status"], each["skus"]) for each in notification["data"]["variants"]} == {
        "5": ("out_of_stock", []),
        "6": ("discontinued", []),
        str(item["variant_id"]): ("out_of_stock", [item["sku"]]),
    }


def test_the_shops_own_sku_of_a_line_is_preferred(hub: Hub, shop: FakeShop) -> None:
    hub.cloud.parameters["RoutingRules"] = "*=printful"
    line = {"id": "3", "sku": "OUR-TEE", "quantity": 2, "price": 1}
    hub.send_sample("storefront/order_paid", id=1002, line_items=[line])
    hub.send_sample("printful/order_created")
    told(hub, stock([4017]))
    (notification,) = shop.of_products()
    assert notification["data"]["variants"] == [{"id": "4017", "status": "out_of_stock", "skus": ["OUR-TEE"]}]


def test_without_a_url_nothing_is_queued_and_later_only_changes_are(hub: Hub) -> None:
    assert told(hub, stock([11], at=1)) == []
    assert hub.cloud.rows("DELIVERY") == []
    hub.cloud.parameters["StorefrontUrl"] = FakeShop.URL
    assert told(hub, stock([11], at=2)) == []
    assert told(hub, stock([11, 12], at=3)) == [("out_of_stock", 1, ["12"], ["11", "12"])]


def test_notifications_of_one_product_wait_for_each_other_in_the_queue(hub: Hub, shop: FakeShop) -> None:
    with aws_calls() as calls:
        told(hub, stock([11], at=1), stock([12], at=2), stock([11], product=72))
    groups = [call[1]["MessageGroupId"] for call in calls if call[0] == "SendMessage"]
    assert len(groups) == 4
    assert len(set(groups[:3])) == 1
    assert groups[3] != groups[0]


def test_a_refused_notification_is_dead_and_can_be_replayed(hub: Hub, shop: FakeShop) -> None:
    shop.answers = [Dead("HTTP 400", status=400)]
    told(hub, stock([11]))
    (dead,) = hub.get("/deliveries")["body"]["deliveries"]
    assert (dead["operation"], dead["order_id"], dead["last_error"]) == ("product.out_of_stock", None, "HTTP 400")
    assert hub.post(f"/deliveries/{dead['id']}/replay")["body"]["replayed"] is True
    hub.settle()
    assert hub.get(f"/deliveries/{dead['id']}")["body"]["state"] == "delivered"
    first, again = shop.of_products()
    assert first == again


STATES = st.lists(st.sets(st.sampled_from([1, 2, 3])), min_size=1, max_size=4)


def test_in_any_order_of_arrival_the_shop_knows_the_latest_stock(hub: Hub, shop: FakeShop) -> None:
    products = count(PRODUCT)

    @settings(max_examples=15, deadline=None, derandomize=True, database=None)
    @given(states=STATES, data=st.data())
    def holds(states: list[set[int]], data: st.DataObject) -> None:
        product = next(products)
        messages = [stock(out, at=at, product=product) for at, out in enumerate(states)]
        arriving = data.draw(st.permutations([*messages, *data.draw(st.lists(st.sampled_from(messages), max_size=3))]))
        known = set[str]()
        for number, (type_, sequence, variants, unavailable) in enumerate(told(hub, *arriving), 1):
            assert sequence == number
            known = known | set(variants) if type_ == "out_of_stock" else known - set(variants)
            assert set(unavailable) <= known  # of two about one report, the first already leaves out what is back
        assert known == {str(each) for each in states[-1]}

    holds()
