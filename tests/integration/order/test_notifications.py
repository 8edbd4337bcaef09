"""The shop hears what becomes of its orders: once, in order, signed, whatever the shop answers."""

import json
from typing import Any

import pytest

from pressroom.order import notifications, repository
from pressroom.platform.errors import Dead, Retry
from tests.support.cloud import Clock, aws_calls
from tests.support.hub import FakeShop, Hub
from tests.support.samples import sample


@pytest.fixture(autouse=True)
def a_shop_that_listens(hub: Hub) -> None:
    hub.cloud.parameters["StorefrontUrl"] = FakeShop.URL


def rows(hub: Hub) -> list[dict[str, Any]]:
    return [row for row in hub.cloud.rows("DELIVERY") if row["destination"]["S"] == "storefront"]


def pay(hub: Hub, *skus: str, order_id: int = 1001) -> None:
    lines = [{"id": str(n), "sku": sku, "description": sku, "quantity": 1, "price": 1} for n, sku in enumerate(skus, 1)]
    hub.send_sample("storefront/order_paid", id=order_id, **({"line_items": lines} if lines else {}))


def followed(hub: Hub, *skus: str) -> None:
    """An order that Cloudprinter prints, line by line."""
    hub.cloud.parameters["RoutingRules"] = "CP*=cloudprinter,PF*=printful"
    pay(hub, *skus, order_id=1002)


def signal(hub: Hub, name: str, line: int, **changes: Any) -> None:
    about = {"item": f"2103490104000{line}", "item_reference": str(line), "order_reference": "1002"}
    hub.send_sample(f"cloudprinter/{name}", **about, **changes)


def wait_for_tracking(hub: Hub, clock: Clock, minutes: float = 61) -> int:
    assert hub.cloud.call("untracked", {}) == {"told": 0}  # not yet
    clock.advance(minutes * 60)
    told: int = hub.cloud.call("untracked", {})["told"]
    hub.settle()
    return told


def test_an_order_is_followed_from_its_payment_to_its_parcels(hub: Hub) -> None:
    pay(hub)
    assert hub.shop.types() == ["order.accepted"]
    hub.send_sample("camaloon/shipment_sent")
    (accepted, shipped) = hub.shop.notifications()
    assert [accepted["data"]["sequence"], shipped["data"]["sequence"]] == [1, 2]
    assert accepted["data"]["order"]["status"] == "accepted"
    assert shipped["type"] == "order.shipped"
    assert shipped["data"]["order"]["status"] == "partially_shipped"
    assert shipped["data"]["shipment"] in shipped["data"]["order"]["shipments"]
    assert shipped["data"]["shipment"]["tracking_number"] == "9414 1058 1746 0398 1325 11"
    assert {row["state"]["S"] for row in rows(hub)} == {"delivered"}


def test_what_is_told_is_the_order_as_it_is_shown(hub: Hub) -> None:
    pay(hub)
    shown = hub.order()
    told = hub.shop.notifications()[0]["data"]["order"]
    assert told.keys() == shown.keys()
    later = {"deliveries", "timeline"}  # which have heard of the telling since
    assert {name: told[name] for name in told.keys() - later} == {name: shown[name] for name in told.keys() - later}
    assert told["deliveries"] == [each for each in shown["deliveries"] if each["destination"] == "camaloon"]
    assert told["deliveries"][0]["status"] == "delivered"
    assert told["deliveries"][0]["attempts"] == 1


def test_an_order_is_not_heard_of_by_telling_the_shop(hub: Hub, clock: Clock) -> None:
    followed(hub, "CP-1")
    signal(hub, "item_shipped__no_tracking", 1)
    heard, before = hub.order("1002")["updated_at"], len(hub.shop.notifications("1002"))
    assert wait_for_tracking(hub, clock) == 1
    assert len(hub.shop.notifications("1002")) == before + 1
    assert hub.order("1002")["updated_at"] == heard


def test_without_a_url_nothing_is_queued(hub: Hub) -> None:
    hub.cloud.parameters["StorefrontUrl"] = ""
    pay(hub)
    hub.send_sample("camaloon/shipment_sent")
    assert rows(hub) == []
    assert hub.shop.requests == []


def test_a_message_that_comes_again_tells_nothing_again(hub: Hub) -> None:
    pay(hub)
    for _ in range(3):
        hub.send_sample("camaloon/shipment_sent")
    hub.send_sample("storefront/order_paid")
    assert hub.shop.types() == ["order.accepted", "order.shipped"]


def test_what_a_printer_told_before_the_payment_is_told_after_it(hub: Hub) -> None:
    hub.send_sample("camaloon/shipment_sent")
    assert hub.shop.requests == []
    pay(hub)
    assert "order.shipped" in hub.shop.types()
    assert [notice["data"]["sequence"] for notice in hub.shop.notifications()] == list(
        range(1, len(hub.shop.notifications()) + 1)
    )


def test_nothing_is_told_of_an_order_that_the_shop_does_not_have(hub: Hub) -> None:
    hub.send_sample("printful/order_created__dashboard")
    assert hub.shop.requests == []


def test_three_items_in_one_parcel_are_one_notification(hub: Hub) -> None:
    followed(hub, "CP-1", "CP-2", "CP-3")
    for line in (1, 2, 3):
        signal(hub, "item_shipped", line)
    shipped = [notice for notice in hub.shop.notifications("1002") if notice["type"] == "order.shipped"]
    assert len(shipped) == 1
    assert len(hub.order("1002")["shipments"]) == 1


def test_a_reshipment_is_a_parcel_of_its_own_and_a_late_duplicate_is_none(hub: Hub) -> None:
    followed(hub, "CP-1")
    signal(hub, "item_shipped", 1)
    signal(hub, "item_shipped", 1, tracking="3SCP9999", datetime="2026-09-09T12:20:31+00:00")
    signal(hub, "item_shipped", 1, message="told again")
    told = [
        notice["data"]["shipment"] for notice in hub.shop.notifications("1002") if notice["type"] == "order.shipped"
    ]
    assert [each["reshipment"] for each in told] == [False, True]
    assert len({each["id"] for each in told}) == 2


def test_a_parcel_waits_for_its_tracking(hub: Hub, clock: Clock) -> None:
    followed(hub, "CP-1")
    signal(hub, "item_shipped__no_tracking", 1)
    assert "order.shipped" not in hub.shop.types("1002")
    signal(hub, "item_shipped", 1)
    shipped = [notice for notice in hub.shop.notifications("1002") if notice["type"] == "order.shipped"]
    assert [notice["data"]["shipment"]["tracking_number"] for notice in shipped] == ["3SCP0042117790"]
    wait_for_tracking(hub, clock)
    assert hub.shop.types("1002").count("order.shipped") == 1


def test_a_parcel_whose_tracking_does_not_come_is_told_without_it_and_not_again_with_it(hub: Hub, clock: Clock) -> None:
    followed(hub, "CP-1")
    signal(hub, "item_shipped__no_tracking", 1)
    assert wait_for_tracking(hub, clock) == 1
    assert hub.shop.types("1002").count("order.shipped") == 1
    signal(hub, "item_shipped", 1)
    assert hub.order("1002")["shipments"][0]["tracking_number"] == "3SCP0042117790"
    assert hub.shop.types("1002").count("order.shipped") == 1
    assert hub.cloud.call("untracked", {}) == {"told": 0}


def test_the_wait_can_be_set_to_nothing(hub: Hub) -> None:
    hub.cloud.parameters["NotifyTrackingWaitMinutes"] = "0"
    followed(hub, "CP-1")
    signal(hub, "item_shipped__no_tracking", 1)
    assert hub.cloud.call("untracked", {}) == {"told": 1}


def test_a_hold_its_end_a_failure_and_a_return_are_told(hub: Hub) -> None:
    hub.cloud.parameters["RoutingRules"] = "*=printful"
    lines = sample("printful/order_put_hold")["data"]["order"]["items"]
    pay(hub, *(str(each.get("sku") or each["id"]) for each in lines), order_id=1002)
    hub.send_sample("printful/order_put_hold")
    hub.send_sample("printful/order_remove_hold")
    hub.send_sample("printful/package_shipped")
    hub.send_sample("printful/package_returned")
    types = hub.shop.types("1002")
    assert types.index("order.on_hold") < types.index("order.released") < types.index("order.shipped")
    assert types.index("order.shipped") < types.index("order.returned")
    hub.send_sample("printful/package_returned")
    assert hub.shop.types("1002") == types


def test_a_canceled_order_is_told_once_and_is_no_attention_besides(hub: Hub) -> None:
    followed(hub, "CP-1")
    hub.send_sample("cloudprinter/order_canceled", order_reference="1002")
    assert hub.shop.types("1002") == ["order.canceled"]


def test_a_part_that_is_canceled_is_a_matter_of_attention(hub: Hub) -> None:
    followed(hub, "CP-1", "CP-2")
    signal(hub, "item_canceled", 1)
    (notice,) = hub.shop.notifications("1002")
    assert (notice["type"], notice["data"]["reasons"]) == ("order.attention", ["canceled"])


def test_a_reason_is_told_when_it_comes_and_again_when_it_comes_back(hub: Hub) -> None:
    hub.cloud.parameters["DefaultDestination"] = "nobody"
    pay(hub)
    (notice,) = hub.shop.notifications()
    assert (notice["type"], notice["data"]["reasons"]) == ("order.attention", ["unroutable"])
    hub.send_sample("camaloon/shipment_sent")
    assert hub.shop.types().count("order.attention") == 1


def test_a_failing_shop_is_told_all_in_order_once_it_works(hub: Hub) -> None:
    hub.shop.answers = [Retry("HTTP 500", status=500)] * 8
    pay(hub)
    hub.send_sample("camaloon/shipment_sent")
    hub.send_sample("camaloon/shipment_sent__second_parcel")
    assert {row["state"]["S"] for row in rows(hub)} == {"pending"}
    while hub.retained:
        hub.deliver_again()
        hub.settle()
    taken = [notice["data"]["sequence"] for notice in hub.shop.notifications()][8:]
    assert taken == list(range(1, len(taken) + 1))
    assert len(taken) == len(rows(hub)) >= 3
    ids = [headers["webhook-id"] for _, _, headers in hub.shop.requests]
    assert len(set(ids[:9])) == 1  # the first stood in front all the time, with one id


def test_a_dead_notification_lets_the_next_pass_and_flags_the_order(hub: Hub) -> None:
    hub.shop.answers = [Dead("HTTP 422", status=422)]
    pay(hub)
    assert hub.order()["attention"] == ["shop_not_told"]
    hub.send_sample("camaloon/shipment_sent")
    assert hub.shop.types() == ["order.accepted", "order.shipped"]
    (dead,) = [row for row in rows(hub) if row["state"]["S"] == "dead"]
    hub.post(f"/deliveries/{dead['pk']['S'].partition('#')[2]}/replay")
    hub.settle()
    assert hub.shop.types() == ["order.accepted", "order.shipped", "order.accepted"]
    assert hub.order()["attention"] == []
    first, _, again = (headers["webhook-id"] for _, _, headers in hub.shop.requests)
    assert first == again


def test_410_disables_until_a_person_enables(hub: Hub, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    hub.shop.answers = [Dead("HTTP 410", status=410)]
    pay(hub)
    assert '"StorefrontDisabled"' in capsys.readouterr().out
    hub.send_sample("camaloon/shipment_sent")
    assert len(hub.shop.requests) == 1
    assert {row["state"]["S"] for row in rows(hub)} == {"dead"}
    with hub.cloud.as_function("deliver/storefront"):
        assert notifications.status()["disabled_at"]
        notifications.enable(clock())
        assert notifications.status() == {"url_set": True, "disabled_at": None}
    for row in rows(hub):
        hub.post(f"/deliveries/{row['pk']['S'].partition('#')[2]}/replay")
    hub.settle()
    assert sorted(hub.shop.types()[1:]) == ["order.accepted", "order.shipped"]


def test_another_url_is_enabled(hub: Hub) -> None:
    hub.shop.answers = [Dead("HTTP 410", status=410)]
    pay(hub)
    hub.cloud.parameters["StorefrontUrl"] = "https://other.example/"
    with hub.cloud.as_function("deliver/storefront"):
        assert notifications.status()["disabled_at"] is None


def test_both_active_secrets_sign(hub: Hub) -> None:
    hub.cloud.set_secret("StorefrontNotificationsSecret", "whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyE=", FakeShop.SECRET)
    pay(hub)
    (_, _, headers) = hub.shop.requests[0]
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert hub.shop.types() == ["order.accepted"]  # verified with the previous one


def test_a_secret_that_is_no_base64_waits_for_a_person(hub: Hub) -> None:
    hub.cloud.set_secret("StorefrontNotificationsSecret", "no base64!")
    pay(hub)
    assert hub.shop.requests == []
    assert len(hub.retained) == 1
    assert rows(hub)[0]["tries"]["N"] == "0"


def test_an_order_is_found_by_its_reference_and_its_tracking(hub: Hub) -> None:
    pay(hub)
    hub.send_sample("camaloon/shipment_sent")
    assert repository.find("ref", "20260901003") == ["1001"]
    assert repository.find("tracking", "9414 1058 1746 0398 1325 11") == ["1001"]
    assert repository.find("tracking", "1001") == []


def test_nothing_of_a_customer_is_in_a_notification(hub: Hub) -> None:
    pay(hub)
    text = json.dumps(hub.shop.notifications())
    assert "Soler" not in text
    assert "Carrer" not in text


def test_what_a_notification_costs(hub: Hub) -> None:
    pay(hub)
    with aws_calls() as calls:
        hub.send_sample("camaloon/shipment_sent")
    made = [operation for operation, _ in calls]
    assert made.count("TransactWriteItems") == 2  # the parcel with its notification; the notification's end
