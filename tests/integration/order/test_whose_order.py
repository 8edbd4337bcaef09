"""Whose order a printer's message is about: references, records of printers, stores, links. The whole path."""

import importlib
import json
from typing import Any

import pytest

from pressroom.providers.printful import stores
from tests.support import template
from tests.support.cloud import Clock, aws_calls
from tests.support.hub import Hub
from tests.support.samples import RULES, body, order, sample


@pytest.fixture(autouse=True)
def _rules(hub: Hub) -> None:
    hub.cloud.parameters["RoutingRules"] = RULES


def pay(hub: Hub, order_id: object, *skus: str, **changes: Any) -> dict[str, Any]:
    """The shop reports an order with one piece of each SKU; its lines have the ids 1, 2 and so on."""
    lines = [
        {"id": str(number), "sku": sku, "quantity": 1, "price": 9.5}
        for number, sku in enumerate(skus or ("PF-TEE",), 1)
    ]
    answer = hub.receive("storefront", "order_paid", order(id=order_id, line_items=lines) | changes)
    hub.settle()
    return answer


def at_printful(
    external_id: object, number: int = 7001, topic: str = "order_created", *, created: int = 1788336000, **changes: Any
) -> dict[str, Any]:
    """An event about an order at Printful with one PF-TEE, in the store 11."""
    items = [{"id": number * 10, "external_id": None, "sku": "PF-TEE", "quantity": 1, "variant_id": 4011}]
    about = {"id": number, "external_id": external_id, "store": 11, "status": "pending", "items": items}
    return {"type": topic, "created": created, "retries": 0, "store": 11, "data": {"order": about} | changes}


def shipped(external_id: object, number: int = 7001, tracking: str = "T-1", **more: Any) -> dict[str, Any]:
    """An event about a parcel with the one piece of `at_printful`."""
    parcel = {"id": tracking, "tracking_number": tracking, "items": [{"item_id": number * 10, "quantity": 1}]}
    return at_printful(external_id, number, "package_shipped", shipment=parcel, created=1788350000, **more)


def printful(hub: Hub, message: dict[str, Any]) -> dict[str, Any]:
    answer = hub.receive("printful", "", message)
    hub.settle()
    return hub.event(answer["body"]["event_id"])


def cloudprinter(hub: Hub, reference: object, number: str = "8001", name: str = "item_produced") -> dict[str, Any]:
    about = {"order": number, "order_reference": reference, "item": f"{number}1", "item_reference": "1"}
    answer = hub.send_sample(f"cloudprinter/{name}", **about)
    return hub.event(answer["body"]["event_id"])


def ids(hub: Hub) -> set[str]:
    return {each["id"] for each in hub.get("/orders")["body"]["orders"]}


# --- references ---


def test_blanks_around_an_id_are_no_part_of_it(hub: Hub) -> None:
    assert pay(hub, " W-16 ", "PF-TEE", "CP-BOOK")["statusCode"] == 202
    printful(hub, at_printful("W-16\t"))
    cloudprinter(hub, " W-16", name="item_produced")
    hub.receive("camaloon", "shipment_sent", sample("camaloon/shipment_sent") | {"order_id": " W-16"})
    hub.settle()
    assert ids(hub) == {"W-16"}
    assert [each["provider"] for each in hub.order("W-16")["shipments"]] == ["camaloon"]
    assert {each["provider"] for each in hub.order("W-16")["provider_orders"]} == {"cloudprinter", "printful"}


@pytest.mark.parametrize("none", [0, "0", " ", None])
def test_an_order_without_a_reference_has_its_own_record(hub: Hub, none: object) -> None:
    for number in (7001, 7002):
        printful(hub, at_printful(none, number))
    cloudprinter(hub, none)
    assert ids(hub) == {"printful:7001", "printful:7002", "cloudprinter:8001"}


@pytest.mark.parametrize("order_id", ["printful:7001", " oms:1", "cloudprinter:"])
@pytest.mark.parametrize("topic", ["order_paid", "order_canceled"])
def test_a_shops_id_cannot_be_that_of_a_printers_record(hub: Hub, topic: str, order_id: str) -> None:
    printful(hub, at_printful(None))
    content = order(id=order_id) if topic == "order_paid" else {"id": order_id}
    answer = hub.receive("storefront", topic, content)
    assert (answer["statusCode"], [each["field"] for each in answer["body"]]) == (400, ["id"])
    assert "printer's own record" in answer["body"][0]["message"]


def test_an_id_with_a_colon_is_the_shops_own(hub: Hub) -> None:
    assert pay(hub, "eu:1001")["statusCode"] == 202
    assert ids(hub) == {"eu:1001"}


def test_a_printers_reference_to_another_printers_record_is_parked(hub: Hub) -> None:
    printful(hub, at_printful(None))
    before = hub.order("printful:7001")
    events = [cloudprinter(hub, "printful:7001"), printful(hub, at_printful("printful:7001", 7002))]
    parcel = body(sample("camaloon/shipment_sent") | {"order_id": "printful:7001"})
    answer = hub.receive("camaloon", "shipment_sent", parcel)
    hub.settle()
    for event in (*events, hub.event(answer["body"]["event_id"])):
        assert event["state"] == "failed"
        assert "printer's own record" in event["error"]
    assert hub.order("printful:7001") == before


# --- stores ---


def of_store(message: dict[str, Any], envelope: object, order_store: object) -> dict[str, Any]:
    """The message as a store sends it; None leaves a store out."""
    message = json.loads(json.dumps(message)) | {"store": envelope}
    if "order" in message["data"]:
        message["data"]["order"]["store"] = order_store
    return message


PRODUCT = sample("printful/product_updated")
STOCK = sample("printful/stock_updated")


def test_another_stores_order_of_the_same_number_is_kept_and_told_to_nobody(hub: Hub) -> None:
    hub.cloud.parameters["StorefrontUrl"] = hub.shop.URL
    pay(hub, "W-23")
    printful(hub, at_printful("W-23"))
    before = hub.order("W-23"), hub.shop.types("W-23")
    event = printful(hub, of_store(shipped("W-23", 7002, "T-OTHER"), 22, 22))
    assert (event["state"], event["error"]) == ("failed", "from a store at Printful that is not yours: 22")
    assert (hub.order("W-23"), hub.shop.types("W-23")) == before
    hub.cloud.call("monitor", {})
    (condition,) = [each for each in hub.get("/conditions")["body"]["conditions"] if each["name"] == "foreign_store"]
    assert (condition["about"], "22" in condition["text"]) == ("22", True)


@pytest.mark.parametrize("content", [PRODUCT, STOCK, at_printful("W-1"), at_printful(None), shipped("W-1")])
def test_every_kind_of_message_of_another_store_is_parked(hub: Hub, content: dict[str, Any]) -> None:
    hub.cloud.parameters["PrintfulStores"] = " 11, 12"
    assert printful(hub, of_store(content, 22, 0))["state"] == "failed"
    assert printful(hub, of_store(content, 12, 22))["state"] == "processed"


@pytest.mark.parametrize(("envelope", "of_order"), [(11, 22), (22, 11), (0, 11), (11, None), (None, None), (0, "0")])
def test_a_message_is_ours_if_one_of_its_stores_is_or_it_names_none(
    hub: Hub, envelope: object, of_order: object
) -> None:
    hub.cloud.parameters["PrintfulStoreId"] = "11"
    assert printful(hub, of_store(at_printful("W-1"), envelope, of_order))["state"] == "processed"


def test_the_store_that_is_heard_of_first_is_ours(hub: Hub) -> None:
    assert hub.get("/printful/stores")["body"] == {"ours": [], "foreign": []}
    printful(hub, of_store(at_printful("W-1"), 0, 0))
    printful(hub, of_store(PRODUCT, 11, None))
    assert printful(hub, of_store(at_printful("W-2", 7002), 22, 22))["state"] == "failed"
    assert hub.get("/printful/stores")["body"] == {
        "ours": ["11"],
        "foreign": [{"id": "22", "seen_at": "2026-09-01T14:10:00.000Z"}],
    }
    hub.cloud.parameters["PrintfulStores"] = "22"  # the first one was the wrong one
    assert hub.get("/printful/stores")["body"] == {"ours": ["22"], "foreign": []}
    assert printful(hub, of_store(at_printful("W-3", 7003), 22, 22))["state"] == "processed"


def test_an_accepted_store_is_ours_and_what_was_parked_for_it_is_applied(hub: Hub, clock: Clock) -> None:
    pay(hub, "W-1")
    pay(hub, "W-2")
    printful(hub, at_printful("W-1"))
    parked = [
        printful(hub, of_store(message, 22, 0)) for message in (at_printful("W-2", 7002), shipped("W-2", 7002, "T-2"))
    ]
    other = printful(hub, of_store(at_printful("W-1", 7003), 33, 44))
    answer = hub.post("/printful/stores/22/accept")
    hub.settle()
    assert answer["statusCode"] == 202
    assert {hub.event(each["id"])["state"] for each in parked} == {"processed"}
    assert hub.event(other["id"])["state"] == "failed"
    assert (hub.order("W-2")["status"], hub.order("W-1")["status"]) == ("shipped", "accepted")
    assert hub.get("/replays/" + answer["body"]["replay"])["body"]["replayed"] == 2
    assert "accept_store" in [each["action"] for each in hub.get("/actions", target="22")["body"]["actions"]]
    assert printful(hub, of_store(at_printful("W-2", 7002, "order_updated"), 22, 22))["state"] == "processed"
    hub.cloud.call("monitor", {})
    standing = [each["id"] for each in hub.get("/conditions")["body"]["conditions"]]
    assert [each for each in standing if each.startswith("foreign")] == ["foreign_store/33", "foreign_store/44"]
    clock.advance(8 * 24 * 3600)
    hub.cloud.call("monitor", {})
    standing = [each["id"] for each in hub.get("/conditions")["body"]["conditions"]]
    assert not [each for each in standing if each.startswith("foreign")]


def test_a_message_of_a_known_store_costs_no_call(hub: Hub) -> None:
    printful(hub, at_printful("W-1"))
    with aws_calls() as calls:
        printful(hub, at_printful("W-1", topic="order_updated"))
    assert not [call for _, call in calls if "printful_stores" in str(call.get("Key"))]


def test_every_topic_of_printful_looks_at_the_store() -> None:
    handlers = [
        importlib.import_module(f"functions.printful.{topic}.handler").handler
        for provider, topic in template.topics()
        if provider == "printful"
    ]
    assert len(handlers) == 14
    assert {handler.check for handler in handlers} == {stores.check}
