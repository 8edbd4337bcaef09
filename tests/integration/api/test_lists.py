"""What the ops API's lists can be asked for, and that a page says where the next one begins."""

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pressroom.inbox import events
from pressroom.inbox.events import Webhook
from pressroom.order import outbox, repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact
from pressroom.order.outbox import Delivery
from pressroom.platform import config, table
from pressroom.platform.times import iso
from tests.support.cloud import Clock
from tests.support.hub import Hub
from tests.support.samples import order, sample


def write(order_id: str, *, destination: str | None = "camaloon", ref: str | None = None, tracking: str = "") -> None:
    """Let an order be paid now, and a parcel of it leave if there is tracking. Without destination it needs you."""
    at = iso(config.utcnow())
    lines = [{"id": "1", "sku": "S", "quantity": 1, "price": "1.0", "destination": destination}]
    data: dict[str, Any] = {"ref": ref, "currency": "EUR", "created_at": at, "lines": lines, "deliveries": []}
    facts = [Fact(id=f"{order_id}-paid", kind="paid", source="test", at=at, received_at=at, data=data)]
    if tracking:
        parcel = {"provider": "camaloon", "parcel": "p", "carrier": None, "tracking_number": tracking}
        data = parcel | {"tracking_url": None, "lines": [{"sku": "S", "quantity": 1}]}
        facts.append(Fact(id=f"{order_id}-left", kind="shipped", source="test", at=at, received_at=at, data=data))
    repository.apply(Decision(order_id=order_id, facts=tuple(facts)))


def ids(hub: Hub, path: str, **query: str) -> list[str]:
    """The ids of a whole list, page by page."""
    found, cursor = list[str](), ""
    while True:
        answer = hub.get(path, limit="2", **query, **({"cursor": cursor} if cursor else {}))
        assert answer["statusCode"] == 200, answer
        (entries,) = (value for name, value in answer["body"].items() if name != "cursor")
        found += [each["id"] for each in entries]
        cursor = answer["body"]["cursor"]
        if not cursor:
            return found


@pytest.fixture(name="shop")
def _shop(hub: Hub, clock: Clock) -> Hub:
    """Orders o1 … o6, an hour apart, and half an hour more."""
    for number, (destination, tracking) in enumerate(
        [("camaloon", ""), (None, ""), ("printful", ""), (None, "T"), ("camaloon", "T/1"), ("printful", "")], 1
    ):
        write(f"o{number}", destination=destination, ref=f"R{number % 2}", tracking=tracking)
        clock.advance(3600)
    clock.advance(1800)
    return hub


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["o6", "o5", "o4", "o3", "o2", "o1"]),
        ({"status": "paid"}, ["o6", "o3", "o2", "o1"]),
        ({"status": ""}, ["o6", "o5", "o4", "o3", "o2", "o1"]),
        ({"provider": "camaloon"}, ["o5", "o4", "o1"]),
        ({"provider": "camaloon", "status": "paid"}, ["o1"]),
        ({"provider": "cloudprinter"}, []),
        ({"attention": "any"}, ["o4", "o2"]),
        ({"attention": "unroutable", "status": "paid"}, ["o2"]),
        ({"attention": "returned"}, []),
        ({"attention": "any", "status": "paid"}, ["o2"]),
        ({"attention": "any", "provider": "camaloon"}, ["o4"]),
        ({"stalled": "1"}, ["o1", "o2", "o3", "o6"]),
        ({"stalled": "2"}, ["o1", "o2", "o3"]),
        ({"stalled": "2", "provider": "printful"}, ["o3"]),
        ({"stalled": "2", "status": "paid", "attention": "any"}, ["o2"]),
        ({"stalled": "24"}, []),
        ({"id": "o3"}, ["o3"]),
        ({"id": "o3", "status": "shipped"}, []),
        ({"id": "o"}, []),
        ({"ref": "R0"}, ["o6", "o4", "o2"]),
        ({"ref": "R0", "attention": "any"}, ["o4", "o2"]),
        ({"ref": "R"}, []),
        ({"tracking": "T/1"}, ["o5"]),
        ({"tracking": "T/1", "stalled": "1"}, []),
    ],
)
def test_orders_are_found_by_what_is_asked(shop: Hub, query: dict[str, str], found: list[str]) -> None:
    assert ids(shop, "/orders", **query) == found


def test_an_order_whose_id_no_path_can_hold_is_found_by_it(hub: Hub) -> None:
    write("a/b,c")
    assert ids(hub, "/orders", id="a/b,c") == ["a/b,c"]


def test_an_order_that_is_heard_of_again_is_stalled_no_more(shop: Hub) -> None:
    at = iso(config.utcnow())
    fact = Fact(id="again", kind="paid_again", source="test", at=at, received_at=at)
    repository.apply(Decision(order_id="o1", facts=(fact,)))
    assert ids(shop, "/orders", stalled="2") == ["o2", "o3"]


def test_an_order_whose_reason_has_ended_is_no_longer_listed_for_it(shop: Hub) -> None:
    assert shop.post("/orders/o2/lines/1/route", {"destination": "printful"})["statusCode"] == 202
    shop.settle()
    assert "o2" not in ids(shop, "/orders", attention="any")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/orders", {"status": "paid"}),
        ("/orders", {"provider": "printful"}),
        ("/orders", {"attention": "any"}),
        ("/orders", {"ref": "R1"}),
        ("/orders", {"stalled": "1"}),
        ("/events", {}),
        ("/deliveries", {}),
        ("/batches", {}),
        ("/drift", {}),
        ("/products", {}),
        ("/products", {"deleted": "true"}),
        ("/stock", {"unavailable": "false"}),
    ],
)
def test_a_cursor_is_accepted_only_by_the_list_that_returned_it(shop: Hub, path: str, query: dict[str, str]) -> None:
    cursor = shop.get("/orders", limit="1")["body"]["cursor"]
    answer = shop.get(path, cursor=cursor, **query)
    assert (answer["statusCode"], answer["body"]["title"]) == (400, "Bad Request")
    assert "cursor" in answer["body"]["detail"]


def test_the_number_of_entries_may_change_between_two_pages(shop: Hub) -> None:
    cursor = shop.get("/orders", limit="1")["body"]["cursor"]
    page = shop.get("/orders", limit="3", cursor=cursor)["body"]
    assert [each["id"] for each in page["orders"]] == ["o5", "o4", "o3"]


# --- received webhooks ---


@pytest.fixture(name="heard")
def _heard(hub: Hub, clock: Clock) -> dict[str, str]:
    """Webhooks a minute apart; their ids by what has become of each."""
    told = {
        "paid": ("storefront", "order_paid", order()),
        "left": ("camaloon", "shipment_sent", sample("camaloon/shipment_sent")),
        "odd": ("camaloon", "shipment_lost", {"order_id": 1}),
        "bad": ("camaloon", "shipment_sent", b"[]"),
        "new": ("storefront", "order_paid", order(id=1002)),
    }
    found = {}
    for name, (provider, topic, content) in told.items():
        found[name] = hub.receive(provider, topic, content)["body"]["event_id"]
        if name != "new":
            hub.settle()
        clock.advance(60)
    return found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["new", "bad", "odd", "left", "paid"]),
        ({"state": "received"}, ["new"]),
        ({"state": "processed"}, ["left", "paid"]),
        ({"state": "failed"}, ["bad"]),
        ({"state": "unhandled"}, ["odd"]),
        ({"provider": "camaloon"}, ["bad", "odd", "left"]),
        ({"provider": "camaloon", "state": "processed"}, ["left"]),
        ({"provider": "storefront", "state": "failed"}, []),
        ({"provider": "camaloon", "state": "failed"}, ["bad"]),
        ({"topic": "order_paid"}, ["new", "paid"]),
        ({"topic": "order_paid", "provider": "storefront", "state": "processed"}, ["paid"]),
        ({"topic": "shipment_sent", "state": "failed"}, ["bad"]),
        ({"topic": "order_updated"}, []),
        ({"provider": "oms"}, []),
    ],
)
def test_webhooks_are_found_by_what_is_asked(
    hub: Hub, heard: dict[str, str], query: dict[str, str], found: list[str]
) -> None:
    assert ids(hub, "/events", **query) == [heard[each] for each in found]


def test_a_list_of_webhooks_holds_no_bodies_and_nothing_personal(hub: Hub, heard: dict[str, str]) -> None:
    answer = hub.get("/events")
    assert "Marta" not in str(answer)
    assert not [name for each in answer["body"]["events"] for name in each if name.startswith("body")]


def test_one_webhook_has_the_body_that_was_sent(hub: Hub) -> None:
    content = b'{"order_id": 1,\n "x": "\xc3\xa9"}'
    event = hub.event(hub.receive("camaloon", "shipment_sent", content)["body"]["event_id"])
    assert (event["body"], event["body_base64"], event["body_erased"]) == (content.decode(), None, False)


def test_a_body_that_is_no_text_is_shown_in_base64(hub: Hub) -> None:
    event_id, _ = events.record(
        "camaloon", Webhook(topic="shipment_sent", identity="x", body=b"\xff"), now=config.utcnow()
    )
    event = hub.event(event_id)
    assert event["body"] is None
    assert base64.b64decode(event["body_base64"]) == b"\xff"


def test_credentials_in_a_body_are_not_shown(hub: Hub) -> None:
    answer = hub.receive("cloudprinter", "", sample("cloudprinter/item_shipped"))
    event = hub.event(answer["body"]["event_id"])
    assert '"tracking"' in event["body"]
    assert "apikey" not in event["body"]


def test_a_body_that_was_erased_is_said_to_be(hub: Hub) -> None:
    event_id = hub.receive("storefront", "order_paid", order())["body"]["event_id"]
    hub.cloud.dynamodb.update_item(
        TableName="table",
        Key={"pk": {"S": f"EVENT#{event_id}"}},
        UpdateExpression="SET erased = :erased, body = :body",
        ExpressionAttributeValues={":erased": {"BOOL": True}, ":body": table.pack(b"")},
    )
    event = hub.event(event_id)
    assert (event["body"], event["body_base64"], event["body_erased"]) == (None, None, True)


def test_a_parked_webhook_that_is_processed_after_all_stays_in_the_list_of_all(hub: Hub) -> None:
    event_id = hub.receive("storefront", "order_paid", order())["body"]["event_id"]
    event = events.get(event_id)
    assert event is not None
    events.park(event, "Crash")
    events.unlist(event)
    assert ids(hub, "/events", state="failed") == []
    assert ids(hub, "/events", provider="storefront") == [event_id]


# --- deliveries ---


def test_deliveries_are_found_by_state_and_destination(hub: Hub, clock: Clock) -> None:
    made: dict[tuple[str, str], str] = {}
    for state in outbox.State:
        for destination in ("camaloon", "oms", "storefront"):
            delivery = Delivery.to(destination, "x", order_id="1", body=b"", now=config.utcnow(), key=state)
            hub.cloud.dynamodb.put_item(TableName="table", Item=delivery.new_row())
            replace(delivery, state=state).save()
            made[state, destination] = delivery.id
            clock.advance(1)
    for state in outbox.State:
        of_state = [made[state, each] for each in ("storefront", "oms", "camaloon")]
        assert ids(hub, "/deliveries", status=state) == of_state
        assert ids(hub, "/deliveries", status=state, destination="oms") == [made[state, "oms"]]
    assert ids(hub, "/deliveries") == [made["dead", each] for each in ("storefront", "oms", "camaloon")]
    withdrawn = hub.get(f"/deliveries/{made['withdrawn', 'oms']}")["body"]
    assert (withdrawn["status"], withdrawn["state"]) == ("dead", "withdrawn")


def test_a_delivery_expires_some_time_after_its_end_and_not_before(hub: Hub, clock: Clock) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.pump()
    hub.run_topics()
    assert "expires_at" not in hub.cloud.rows("DELIVERY")[0]
    hub.settle()
    (row,) = hub.cloud.rows("DELIVERY")
    assert int(row["expires_at"]["N"]) == int((clock.now + timedelta(days=400)).timestamp())


# --- products and stock ---


def told_of_product(hub: Hub, number: int, topic: str = "product_synced") -> None:
    product = {"id": number, "external_id": f"shop-{number}", "name": f"Poster {number}", "variants": 2, "synced": 1}
    hub.receive("printful", topic, printful(topic, {"sync_product": product}))
    hub.settle()


def told_of_stock(hub: Hub, product: int, *out: int) -> None:
    content = {"product_id": product, "variant_stock": {"out": out, "discontinued": []}}
    hub.receive("printful", "stock_updated", printful("stock_updated", content))
    hub.settle()


def printful(topic: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"type": topic, "created": int(config.utcnow().timestamp()), "retries": 0, "store": 1, "data": content}


def test_products_are_listed_by_their_last_change(hub: Hub, clock: Clock) -> None:
    for number in (1, 2, 3, 4):
        told_of_product(hub, number)
        clock.advance(60)
    told_of_product(hub, 2, "product_updated")
    clock.advance(60)
    told_of_product(hub, 3, "product_deleted")
    assert ids(hub, "/products") == ["3", "2", "4", "1"]
    assert ids(hub, "/products", deleted="false") == ["2", "4", "1"]
    assert ids(hub, "/products", deleted="true") == ["3"]
    (listed,) = hub.get("/products", deleted="true")["body"]["products"]
    assert listed == hub.get("/products/3")["body"]


def test_stock_is_listed_by_its_last_change(hub: Hub, clock: Clock) -> None:
    for product, out in ((71, [4017]), (72, []), (73, [1]), (71, [])):
        told_of_stock(hub, product, *out)
        clock.advance(60)

    def listed(**query: str) -> list[str]:
        first = hub.get("/stock", limit="1", **query)["body"]
        rest = hub.get("/stock", cursor=first["cursor"], **query)["body"]["stock"] if first["cursor"] else []
        return [each["product_id"] for each in [*first["stock"], *rest]]

    assert listed() == ["71", "73", "72"]
    assert listed(unavailable="true") == ["73"]
    assert listed(unavailable="false") == ["71", "72"]
    assert hub.get("/stock", unavailable="true")["body"]["stock"] == [hub.get("/stock/73")["body"]]
    assert hub.get("/stock", unavailable="perhaps")["statusCode"] == 400
