"""Whose order a printer's message is about: references, records of printers, stores, links. The whole path."""

import importlib
import itertools
import json
from typing import Any
from urllib.parse import quote

import pytest

from pressroom.order import joining
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


@pytest.mark.parametrize("store", ["0", "abc", "-1", "22 "])
def test_what_is_no_stores_id_is_not_accepted(hub: Hub, store: str) -> None:
    assert hub.post(f"/printful/stores/{quote(store)}/accept")["statusCode"] == 400
    assert hub.get("/printful/stores")["body"]["ours"] == []


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


def conditions(hub: Hub) -> set[str]:
    hub.cloud.call("monitor", {})
    return {each["id"] for each in hub.get("/conditions")["body"]["conditions"]}


def test_parked_webhooks_of_another_store_are_one_condition_and_stay_in_the_list(hub: Hub, clock: Clock) -> None:
    printful(hub, at_printful("W-1"))
    parked = printful(hub, of_store(at_printful("W-2", 7002), 22, 22))
    assert conditions(hub) == {"foreign_store/22"}
    assert [each["id"] for each in hub.get("/events", state="failed")["body"]["events"]] == [parked["id"]]
    assert hub.get("/overview")["body"]["webhooks"]["failed"]["count"] == 0
    clock.advance(8 * 24 * 3600)
    assert "foreign_store/22" not in conditions(hub)
    broken = printful(hub, at_printful("printful:7001"))
    assert {"webhooks_parked"} <= {each.partition("/")[0] for each in conditions(hub)}
    listed = [each["id"] for each in hub.get("/events", state="failed", provider="printful")["body"]["events"]]
    assert listed == [broken["id"], parked["id"]]
    hub.post(f"/events/{parked['id']}/replay")
    hub.settle()
    assert hub.event(parked["id"])["state"] == "failed"
    assert hub.get("/overview")["body"]["webhooks"]["failed"]["count"] == 1


def test_a_store_that_was_accepted_can_be_removed(hub: Hub, clock: Clock) -> None:
    printful(hub, at_printful("W-1"))
    assert hub.post("/printful/stores/22/accept")["statusCode"] == 202
    assert printful(hub, of_store(at_printful("W-2", 7002), 22, 22))["state"] == "processed"
    assert hub.post("/printful/stores/22/remove")["body"] == {"store": "22"}
    assert hub.get("/printful/stores")["body"]["ours"] == ["11"]
    update = of_store(at_printful("W-2", 7002, "order_updated"), 22, 22)
    assert printful(hub, update)["state"] == "failed"
    assert hub.order("W-2")["provider_orders"][0]["id"] == "7002"  # what was applied stays
    assert "remove_store" in [each["action"] for each in hub.get("/actions", target="22")["body"]["actions"]]
    assert conditions(hub) == {"foreign_store/22"}
    clock.advance(1)
    hub.post("/printful/stores/22/accept")
    hub.settle()
    assert not hub.get("/events", state="failed")["body"]["events"]


def test_only_an_accepted_store_can_be_removed(hub: Hub) -> None:
    def remove(store: str) -> int:
        code: int = hub.post(f"/printful/stores/{store}/remove")["statusCode"]
        return code

    hub.post("/printful/stores/22/accept")
    assert remove("22") == 409  # the next message would make its store ours
    printful(hub, of_store(at_printful("W-1"), 22, 22))
    hub.post("/printful/stores/33/accept")
    assert (remove("44"), remove("0"), remove("33"), remove("33")) == (409, 400, 200, 409)
    hub.cloud.parameters["PrintfulStores"] = "22"
    assert remove("22") == 409
    assert hub.get("/printful/stores")["body"]["ours"] == ["22"]


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


# --- what is joined by itself ---

GUID = "0B7d1c52-3c1e-4a6e-9b0a-4a7f1f2f3d20"
DIGITS = GUID.replace("-", "").lower()


def seen(order: dict[str, Any]) -> dict[str, Any]:
    """The order without what depends on the time of arrival."""
    entries = sorted((each["at"], each["source"], each["text"]) for each in order["timeline"])
    described = [each | {"described_by": ""} for each in order["provider_orders"]]
    return order | {"timeline": entries, "updated_at": "", "deliveries": [], "provider_orders": described}


def test_an_order_that_gets_its_reference_later_is_one_in_any_order_of_arrival(hub: Hub) -> None:
    held = at_printful(None, topic="order_put_hold", created=1788336005, reason="address")
    released = at_printful("W-24", topic="order_remove_hold", created=1788336010, reason="fixed")
    lives = list(itertools.permutations([at_printful(None), held, released, shipped("W-24"), "paid"]))
    found = []
    for number, life in enumerate(lives[::7]):
        ours, theirs = f"W-24-{number}x", 8800100 + number
        for message in life:
            if message == "paid":
                pay(hub, ours)
            else:
                text = json.dumps(message).replace("W-24", ours).replace("7001", str(theirs))
                printful(hub, json.loads(text))
        order, record = hub.order(ours), hub.order(f"printful:{theirs}")
        assert (order["status"], order["on_hold"], order["attention"]) == ("shipped", False, []), life
        assert (record["status"], record["linked_to"], record["attention"]) == ("linked", ours, []), life
        assert (record["lines"], record["holds"], record["on_hold"]) == ([], [], False)
        assert len(order["holds"]) == 1
        assert order["linked"] == [f"printful:{theirs}"]
        found.append(json.dumps(seen(order)).replace(ours, "W-24").replace(str(theirs), "7001"))
    assert len(set(found)) == 1


def test_later_reports_on_a_linked_record_go_to_the_order(hub: Hub) -> None:
    pay(hub, "W-24")
    printful(hub, at_printful("W-24"))
    event = printful(hub, at_printful(None, topic="order_put_hold", created=1788336005))
    assert event["order_id"] == "W-24"
    assert (hub.order("W-24")["on_hold"], hub.order("printful:7001")["on_hold"]) == (True, False)
    printful(hub, at_printful(None, topic="order_remove_hold", created=1788336006))
    assert not hub.order("W-24")["on_hold"]


def test_a_linked_record_is_never_late(hub: Hub, clock: Clock) -> None:
    printful(hub, at_printful(None, topic="order_put_hold"))
    printful(hub, at_printful("W-24", topic="order_updated", created=1788336010))
    clock.advance(40 * 24 * 3600)
    hub.cloud.call("monitor", {})
    assert hub.order("printful:7001")["attention"] == []
    assert "hold_old" in hub.order("W-24")["attention"] or not hub.order("W-24")["on_hold"]


@pytest.mark.parametrize("ours", [GUID, GUID.upper(), GUID.lower(), DIGITS])
@pytest.mark.parametrize("theirs", [DIGITS, DIGITS.upper(), GUID.lower()])
@pytest.mark.parametrize("paid_first", [True, False])
def test_a_guid_is_one_order_however_it_is_written(hub: Hub, ours: str, theirs: str, *, paid_first: bool) -> None:
    if paid_first:
        pay(hub, ours)
    printful(hub, at_printful(theirs))
    printful(hub, shipped(theirs))
    if not paid_first:
        pay(hub, ours)
    order = hub.order(ours)
    assert (order["status"], order["attention"], len(order["shipments"])) == ("shipped", [], 1)
    if ours != theirs:
        assert (hub.order(theirs)["status"], hub.order(theirs)["linked_to"]) == ("linked", ours)
        assert hub.order(theirs)["attention"] == []


# --- what looks alike ---


@pytest.mark.parametrize(
    ("ours", "ref", "theirs"),
    [
        *[("5678", "#W21", "W21"), ("W21", None, "#W21")],
        *[("W22", None, "W22-1"), ("5678", "#W22", "W22_2"), ("W46", None, "W46-R1")],
    ],
)
@pytest.mark.parametrize("paid_first", [True, False])
def test_records_that_may_be_one_name_each_other(
    hub: Hub, ours: str, ref: str | None, theirs: str, *, paid_first: bool
) -> None:
    steps = [lambda: pay(hub, ours, ref=ref), lambda: printful(hub, at_printful(theirs))]
    for step in steps if paid_first else reversed(steps):
        step()
    order, record = hub.order(ours), hub.order(quote(theirs))
    assert (order["attention"], order["maybe_same"]) == (["maybe_same_order"], [theirs])
    assert (record["attention"], record["maybe_same"]) == (["maybe_same_order", "unpaid"], [ours])
    pay(hub, theirs)  # another order of the shop's, after all
    assert (hub.order(ours)["attention"], hub.order(quote(theirs))["attention"]) == ([], [])


def test_orders_that_look_like_nothing_are_left_alone(hub: Hub) -> None:
    pay(hub, "W-1", ref="1001")
    pay(hub, "W-2", ref="1002")
    for theirs in ("X-1", "W", "10011"):
        printful(hub, at_printful(theirs, 7000 + len(theirs)))
    assert {each["id"]: each["attention"] for each in hub.get("/orders")["body"]["orders"]} == {
        "W-1": [],
        "W-2": [],
        **{each: ["unpaid"] for each in ("X-1", "W", "10011")},
    }


def test_a_long_reference_is_no_key(hub: Hub) -> None:
    with aws_calls() as calls:
        pay(hub, "W-1", ref="\N{EURO SIGN}" * 1000)  # more bytes than a key may have
    keys = [
        key["pk"]["S"] for _, call in calls if "RequestItems" in call for key in call["RequestItems"]["table"]["Keys"]
    ]
    assert keys
    assert max(len(key.encode()) for key in keys) <= 2048
    assert hub.order("W-1")["ref"] == "\N{EURO SIGN}" * 1000


@pytest.mark.parametrize("paid_first", [True, False])
def test_a_printers_number_that_can_mean_two_orders_is_flagged_until_both_are_heard_of(
    hub: Hub, *, paid_first: bool
) -> None:
    steps = [
        lambda: pay(hub, "89005", ref="89002"),
        lambda: pay(hub, "89002", ref="88999"),
        lambda: printful(hub, shipped("89002")),
    ]
    for step in steps if paid_first else reversed(steps):
        step()
    assert (hub.order("89002")["status"], hub.order("89005")["status"]) == ("shipped", "paid")
    assert hub.order("89002")["maybe_same"] == ["89005"]
    assert hub.order("89005")["attention"] == hub.order("89002")["attention"] == ["maybe_same_order"]
    printful(hub, at_printful("89005", 7002))
    assert hub.order("89005")["attention"] == hub.order("89002")["attention"] == []


# --- links by hand ---


def link(hub: Hub, order_id: str, record: str, action: str = "link") -> int:
    code: int = hub.post(f"/orders/{order_id}/{action}", {"record": record})["statusCode"]
    return code


@pytest.mark.parametrize("paid_first", [True, False])
def test_two_printers_orders_of_one_order_are_linked_by_a_person(hub: Hub, *, paid_first: bool) -> None:
    hub.cloud.parameters["StorefrontUrl"] = hub.shop.URL
    first = at_printful("W-22-1"), shipped("W-22-1", 7001, "T-1")
    second = (shipped("W-22-2", 7002, "T-2"),)
    if paid_first:
        pay(hub, "W-22", "PF-TEE", "PF-TEE")
    for message in (*first, *second):
        printful(hub, message)
    if not paid_first:
        pay(hub, "W-22", "PF-TEE", "PF-TEE")
    assert hub.order("W-22")["maybe_same"] == ["W-22-1", "W-22-2"]
    assert link(hub, "W-22", "W-22-1") == 200
    assert (hub.order("W-22")["status"], hub.order("W-22")["maybe_same"]) == ("partially_shipped", ["W-22-2"])
    assert link(hub, "W-22", "W-22-2") == link(hub, "W-22", "W-22-2") == 200
    hub.settle()
    order, record = hub.order("W-22"), hub.order("W-22-1")
    assert (order["status"], order["attention"], order["linked"]) == ("shipped", [], ["W-22-1", "W-22-2"])
    assert (record["status"], record["linked_to"], record["attention"]) == ("linked", "W-22", [])
    assert hub.shop.types("W-22").count("order.shipped") == 2
    assert {each["tracking_number"] for each in order["shipments"]} == {"T-1", "T-2"}
    assert [each["action"] for each in hub.get("/actions", target="W-22-1")["body"]["actions"]] == ["link"]
    assert [each["id"] for each in hub.get("/orders", tracking="T-1")["body"]["orders"]].count("W-22") == 1


def test_a_link_is_undone_and_later_reports_follow(hub: Hub, clock: Clock) -> None:
    pay(hub, "W-46", "PF-TEE")
    printful(hub, at_printful("W-46-R1"))
    before = hub.order("W-46"), hub.order("W-46-R1")
    assert link(hub, "W-46", "W-46-R1") == 200
    printful(hub, shipped("W-46-R1"))
    assert hub.order("W-46")["status"] == "shipped"
    assert link(hub, "W-46", "W-46-R1", "unlink") == 200
    after = hub.order("W-46"), hub.order("W-46-R1")
    assert (after[0]["status"], after[0]["shipments"], after[0]["linked"]) == ("paid", [], [])
    assert (after[1]["status"], len(after[1]["shipments"]), after[1]["linked_to"]) == ("partially_shipped", 1, None)
    assert (after[0]["lines"], after[0]["attention"]) == (before[0]["lines"], [])  # a person has said that it is not
    printful(hub, at_printful("W-46-R1", topic="order_canceled", created=1788360000))
    assert hub.order("W-46")["attention"] == []
    clock.advance(1)
    assert link(hub, "W-46", "W-46-R1") == 200
    assert hub.order("W-46")["status"] == "shipped"


def test_a_linked_record_that_the_shop_reports_as_an_order_is_linked_no_more(hub: Hub) -> None:
    hub.cloud.parameters["StorefrontUrl"] = hub.shop.URL
    pay(hub, "W-46")
    printful(hub, at_printful("W-46-R1"))
    assert link(hub, "W-46", "W-46-R1") == 200
    pay(hub, "W-46-R1")
    printful(hub, shipped("W-46-R1"))
    assert [hub.order(each)["status"] for each in ("W-46", "W-46-R1")] == ["paid", "shipped"]
    assert [hub.order(each)["attention"] for each in ("W-46", "W-46-R1")] == [[], []]
    assert "order.shipped" not in hub.shop.types("W-46")
    assert "order.shipped" in hub.shop.types("W-46-R1")


@pytest.mark.parametrize("printer_first", [True, False])
def test_two_orders_of_the_shop_with_one_guid_are_two(hub: Hub, *, printer_first: bool) -> None:
    pay(hub, GUID)
    steps = [lambda: printful(hub, at_printful(DIGITS)), lambda: pay(hub, DIGITS)]
    for step in steps if printer_first else reversed(steps):
        step()
    printful(hub, shipped(DIGITS))
    assert [hub.order(each)["status"] for each in (GUID, DIGITS)] == ["paid", "shipped"]
    assert (hub.order(GUID)["linked"], hub.order(DIGITS)["linked_to"]) == ([], None)


def test_a_payment_at_the_time_of_a_link_ends_it(hub: Hub) -> None:
    pay(hub, "W-46")
    pay(hub, "W-46-R1")
    printful(hub, at_printful("W-46-R1"))
    assert joining.link("W-46-R1", "W-46") is None  # the API had read the record before it was paid
    assert [hub.order(each)["status"] for each in ("W-46", "W-46-R1")] == ["paid", "accepted"]


def test_a_person_says_that_two_records_are_not_one(hub: Hub) -> None:
    pay(hub, "W-46")
    printful(hub, at_printful("W-46-R1"))
    assert link(hub, "W-46", "W-46-R1", "unlink") == 200
    assert (hub.order("W-46")["attention"], hub.order("W-46-R1")["attention"]) == ([], ["unpaid"])
    printful(hub, shipped("W-46-R1"))
    assert hub.order("W-46")["attention"] == []


def test_a_link_that_makes_no_sense_is_refused(hub: Hub) -> None:
    for order_id in ("W-1", "W-2"):
        pay(hub, order_id)
    printful(hub, at_printful(None))
    printful(hub, at_printful("X-1", 7002))
    assert link(hub, "W-1", "W-404") == link(hub, "W-404", "W-1") == 404
    assert link(hub, "W-1", "") == 400
    for order_id, record in (("W-1", "W-1"), ("W-1", "W-2"), ("printful:7001", "X-1")):
        assert link(hub, order_id, record) == 409
    assert link(hub, "W-1", "X-1", "unlink") == 409
    assert link(hub, "W-1", "printful:7001") == 200
    assert link(hub, "W-2", "printful:7001") == 409
    assert link(hub, "printful:7001", "X-1") == 409


def counts(hub: Hub, record: str) -> list[str]:
    """Return the topics whose facts count in a record."""
    return [
        each["source"].partition(".")[2]
        for each in hub.order(quote(record))["timeline"]
        if "printful" in each["source"]
    ]


@pytest.mark.parametrize("orphan_first", [True, False])
def test_an_orphan_of_a_linked_record_goes_to_its_order_and_back(hub: Hub, clock: Clock, *, orphan_first: bool) -> None:
    pay(hub, "W-46", "PF-TEE")
    orphan = at_printful(None, topic="order_put_hold", created=1788336005)
    if orphan_first:
        printful(hub, orphan)
        printful(hub, at_printful("W-46-R1"))
        assert hub.order("W-46-R1")["linked"] == ["printful:7001"]
        assert link(hub, "W-46", "W-46-R1") == 200
    else:
        printful(hub, at_printful("W-46-R1"))
        assert link(hub, "W-46", "W-46-R1") == 200
        assert printful(hub, orphan)["order_id"] == "W-46"
    order = hub.order("W-46")
    assert (order["on_hold"], order["status"], order["linked"]) == (True, "accepted", ["W-46-R1", "printful:7001"])
    assert (counts(hub, "W-46-R1"), counts(hub, "printful:7001")) == ([], [])
    printful(hub, at_printful(None, topic="order_remove_hold", created=1788336010))
    assert not hub.order("W-46")["on_hold"]
    assert link(hub, "W-46", "printful:7001", "unlink") == 409  # it is linked to the record
    clock.advance(1)
    assert link(hub, "W-46", "W-46-R1", "unlink") == 200
    assert (counts(hub, "W-46"), hub.order("W-46")["linked"]) == ([], [])
    assert counts(hub, "W-46-R1") == ["order_created", "order_put_hold", "order_remove_hold"]
    clock.advance(1)
    assert link(hub, "W-46", "W-46-R1") == 200
    assert len(counts(hub, "W-46")) == 3
    clock.advance(1)
    assert link(hub, "W-46-R1", "printful:7001", "unlink") == 200
    assert counts(hub, "W-46") == ["order_created"]
    assert counts(hub, "printful:7001") == ["order_put_hold", "order_remove_hold"]
    clock.advance(1)
    assert link(hub, "W-46", "printful:7001") == 200
    assert len(counts(hub, "W-46")) == 3


def test_an_orphan_that_a_linked_record_names_later_is_joined(hub: Hub) -> None:
    pay(hub, "W-46", "PF-TEE", "PF-TEE")
    printful(hub, at_printful("W-46-R1"))
    assert link(hub, "W-46", "W-46-R1") == 200
    printful(hub, at_printful(None, 7002, "order_put_hold"))
    event = printful(hub, at_printful("W-46-R1", 7002, "order_updated"))
    assert event["order_id"] == "W-46"
    assert (hub.order("W-46")["linked"], hub.order("W-46")["on_hold"]) == (["W-46-R1", "printful:7002"], True)


def test_an_orphan_of_a_record_and_of_its_order_goes_to_the_order(hub: Hub) -> None:
    pay(hub, "W-46", "PF-TEE")
    printful(hub, at_printful("W-46-R1"))
    printful(hub, at_printful("W-46", topic="order_updated"))  # somebody corrected the reference
    assert link(hub, "W-46", "W-46-R1") == 200
    printful(hub, at_printful(None, topic="order_put_hold", created=1788336005))
    assert hub.order("printful:7001")["linked_to"] == "W-46"
    assert hub.order("W-46")["on_hold"]


@pytest.mark.parametrize("paid_first", [True, False])
def test_an_orphan_of_a_guid_without_hyphens_goes_to_the_order(hub: Hub, *, paid_first: bool) -> None:
    if paid_first:
        pay(hub, GUID)
    for message in (at_printful(None, topic="order_put_hold"), at_printful(DIGITS)):
        printful(hub, message)
    if not paid_first:
        pay(hub, GUID)
    assert (hub.order(GUID)["linked"], hub.order(GUID)["on_hold"]) == ([DIGITS, "printful:7001"], True)
    printful(hub, at_printful(None, topic="order_remove_hold", created=1788336010))
    assert not hub.order(GUID)["on_hold"]


def test_two_links_at_once_to_each_other_are_none(hub: Hub) -> None:
    printful(hub, at_printful("X-1"))
    printful(hub, at_printful("X-2", 7002))
    assert joining.link("X-1", "X-2") is not None
    assert joining.link("X-2", "X-1") is None  # the API had read the records before
    assert [hub.order(each)["linked_to"] for each in ("X-1", "X-2")] == ["X-2", None]
    assert len(counts(hub, "X-2")) == 2


@pytest.mark.parametrize("how", ["by hand", "guid"])
def test_a_linked_order_is_told_what_is_out_of_stock_until_it_is_unlinked(hub: Hub, clock: Clock, how: str) -> None:
    ours, theirs = ("W-46", "W-46-R1") if how == "by hand" else (GUID, DIGITS)
    message = at_printful(theirs)
    message["data"]["order"]["items"][0] |= {"product": {"product_id": 71, "variant_id": 4011}}

    def stock(*out: int, created: int) -> None:
        content = {"product_id": 71, "variant_stock": {"out": list(out), "discontinued": []}}
        printful(hub, {"type": "stock_updated", "created": created, "store": 11, "data": content})

    stock(4011, created=1788330000)
    printful(hub, message)
    pay(hub, ours, "PF-TEE")
    if how == "by hand":
        assert link(hub, ours, theirs) == 200
    assert hub.order(ours)["attention"] == ["out_of_stock"]
    stock(created=1788330001)
    assert hub.order(ours)["attention"] == []
    stock(4011, created=1788330002)
    assert hub.order(ours)["attention"] == ["out_of_stock"]
    clock.advance(1)
    assert link(hub, ours, theirs, "unlink") == 200
    assert hub.order(ours)["attention"] == []
    assert "out_of_stock" in hub.order(theirs)["attention"]
    stock(created=1788330003)
    assert "out_of_stock" not in hub.order(theirs)["attention"]


def test_erasing_an_order_erases_what_was_linked(hub: Hub) -> None:
    pay(hub, "W-46", "PF-TEE")
    printful(hub, shipped("W-46-R1", tracking="T-SECRET"))
    link(hub, "W-46", "W-46-R1")
    assert hub.post("/orders/W-46/erase")["statusCode"] == 200
    assert hub.get("/orders", tracking="T-SECRET")["body"]["orders"] == []
    link(hub, "W-46", "W-46-R1", "unlink")
    assert {each["tracking_number"] for each in hub.order("W-46-R1")["shipments"]} == {"erased"}


# --- made twice ---


@pytest.mark.parametrize("second", ["pending", "draft", "canceled", "fulfilled"])
def test_a_line_in_two_open_orders_of_a_printer_is_made_twice(hub: Hub, second: str) -> None:
    pay(hub, "W-7", "PF-TEE")
    printful(hub, at_printful("W-7"))
    other = at_printful("W-7", 7002)
    other["data"]["order"]["status"] = second
    printful(hub, other)
    assert hub.order("W-7")["attention"] == (["made_twice"] if second == "pending" else [])
    printful(hub, at_printful("W-7", 7001, "order_canceled", created=1788360000))
    assert "made_twice" not in hub.order("W-7")["attention"]


def test_a_line_that_two_orders_of_a_printer_share_is_made_once(hub: Hub) -> None:
    pay(hub, "W-7", line_items=[{"id": "1", "sku": "PF-TEE", "quantity": 2, "price": 9}])
    printful(hub, at_printful("W-7"))
    printful(hub, at_printful("W-7", 7002))
    assert hub.order("W-7")["attention"] == []


def test_a_record_that_looks_like_two_orders_is_only_the_one_that_it_is_linked_to(hub: Hub) -> None:
    pay(hub, "W-8")
    pay(hub, "W-9", ref="W-8-1")
    printful(hub, at_printful("W-8-1"))
    assert hub.order("W-8-1")["maybe_same"] == ["W-8", "W-9"]
    assert link(hub, "W-9", "W-8-1") == 200
    assert [hub.order(each)["attention"] for each in ("W-8", "W-9", "W-8-1")] == [[], [], []]


def test_an_order_that_the_shop_changed_before_it_was_paid_looks_like_nothing(hub: Hub) -> None:
    pay(hub, "W-8")
    lines = [{"id": "1", "sku": "PF-TEE", "quantity": 1, "price": 9}]
    update = order(id="W-8-1", updated_at="2026-09-01T14:10:00Z", line_items=lines)
    hub.receive("storefront", "order_updated", update)
    hub.settle()
    assert hub.order("W-8")["attention"] == []
