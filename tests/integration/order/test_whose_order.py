"""Whose order a printer's message is about: references, records of printers, stores, links. The whole path."""

from typing import Any

import pytest

from tests.support.hub import Hub
from tests.support.samples import RULES, body, order, sample

PRINTFUL = "printful/order_created"


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
