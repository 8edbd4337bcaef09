"""The shop receives each notification once, in order and signed, whatever it responds."""

import json
from typing import Any

import pytest

from pressroom.order import notifications, repository
from pressroom.platform import http
from pressroom.platform.errors import Dead, Retry
from tests.support.cloud import Clock, aws_calls
from tests.support.hub import FakeShop, Hub
from tests.support.samples import sample


@pytest.fixture(autouse=True)
def shop_with_a_url(hub: Hub) -> None:
    hub.cloud.parameters["StorefrontUrl"] = FakeShop.URL


def rows(hub: Hub) -> list[dict[str, Any]]:
    return [row for row in hub.cloud.rows("DELIVERY") if row["destination"]["S"] == "storefront"]


def pay(hub: Hub, *skus: str, order_id: int = 1001) -> None:
    lines = [{"id": str(n), "sku": sku, "description": sku, "quantity": 1, "price": 1} for n, sku in enumerate(skus, 1)]
    hub.send_sample("storefront/order_paid", id=order_id, **({"line_items": lines} if lines else {}))


def followed(hub: Hub, *skus: str) -> None:
    """Pay an order with lines at Cloudprinter."""
    hub.cloud.parameters["RoutingRules"] = "CP*=cloudprinter,PF*=printful"
    pay(hub, *skus, order_id=1002)


def signal(hub: Hub, name: str, line: int, **changes: Any) -> None:
    about = {"item": f"2103490104000{line}", "item_reference": str(line), "order_reference": "1002"}
    hub.send_sample(f"cloudprinter/{name}", **about, **changes)


def wait_for_tracking(hub: Hub, clock: Clock, minutes: float = 61) -> int:
    assert hub.cloud.call("untracked", {}) == {"told": 0}  # not yet
    clock.advance(minutes * 60)
    notified: int = hub.cloud.call("untracked", {})["told"]
    hub.settle()
    return notified


def test_the_shop_is_notified_from_the_payment_to_the_parcels(hub: Hub) -> None:
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


def test_a_notification_shows_the_order_as_the_api_does(hub: Hub) -> None:
    pay(hub)
    shown = hub.order()
    notified = hub.shop.notifications()[0]["data"]["order"]
    assert notified.keys() == shown.keys()
    for each in shown["lines"]:
        assert each.pop("unusable") is None, "only an unusable line says so in a notification"
    later = {"deliveries", "timeline"}  # they have changed with the notification
    assert {name: notified[name] for name in notified.keys() - later} == {
        name: shown[name] for name in notified.keys() - later
    }
    assert notified["deliveries"] == [each for each in shown["deliveries"] if each["destination"] == "camaloon"]
    assert notified["deliveries"][0]["status"] == "delivered"
    assert notified["deliveries"][0]["attempts"] == 1


def test_a_notification_does_not_change_the_time_of_the_last_update(hub: Hub, clock: Clock) -> None:
    followed(hub, "CP-1")
    signal(hub, "item_shipped__no_tracking", 1)
    updated_at, before = hub.order("1002")["updated_at"], len(hub.shop.notifications("1002"))
    assert wait_for_tracking(hub, clock) == 1
    assert len(hub.shop.notifications("1002")) == before + 1
    assert hub.order("1002")["updated_at"] == updated_at


def test_nothing_is_queued_without_a_url(hub: Hub) -> None:
    hub.cloud.parameters["StorefrontUrl"] = ""
    pay(hub)
    hub.send_sample("camaloon/shipment_sent")
    assert rows(hub) == []
    assert hub.shop.requests == []


def test_a_repeated_message_causes_no_second_notification(hub: Hub) -> None:
    pay(hub)
    for _ in range(3):
        hub.send_sample("camaloon/shipment_sent")
    hub.send_sample("storefront/order_paid")
    assert hub.shop.types() == ["order.accepted", "order.shipped"]


def test_a_parcel_reported_before_the_payment_is_notified_after_it(hub: Hub) -> None:
    hub.send_sample("camaloon/shipment_sent")
    assert hub.shop.requests == []
    pay(hub)
    assert "order.shipped" in hub.shop.types()
    assert [notice["data"]["sequence"] for notice in hub.shop.notifications()] == list(
        range(1, len(hub.shop.notifications()) + 1)
    )


def test_an_order_that_the_shop_does_not_have_is_not_notified(hub: Hub) -> None:
    hub.send_sample("printful/order_created__dashboard")
    assert hub.shop.requests == []


def test_three_items_in_one_parcel_are_one_notification(hub: Hub) -> None:
    followed(hub, "CP-1", "CP-2", "CP-3")
    for line in (1, 2, 3):
        signal(hub, "item_shipped", line)
    shipped = [notice for notice in hub.shop.notifications("1002") if notice["type"] == "order.shipped"]
    assert len(shipped) == 1
    assert len(hub.order("1002")["shipments"]) == 1


def test_a_reshipment_is_notified_and_a_late_duplicate_is_not(hub: Hub) -> None:
    followed(hub, "CP-1")
    signal(hub, "item_shipped", 1)
    signal(hub, "item_shipped", 1, tracking="3SCP9999", datetime="2026-09-09T12:20:31+00:00")
    signal(hub, "item_shipped", 1, message="reported again")
    shipments = [
        notice["data"]["shipment"] for notice in hub.shop.notifications("1002") if notice["type"] == "order.shipped"
    ]
    assert [each["reshipment"] for each in shipments] == [False, True]
    assert len({each["id"] for each in shipments}) == 2


def test_a_parcel_waits_for_its_tracking(hub: Hub, clock: Clock) -> None:
    followed(hub, "CP-1")
    signal(hub, "item_shipped__no_tracking", 1)
    assert "order.shipped" not in hub.shop.types("1002")
    signal(hub, "item_shipped", 1)
    shipped = [notice for notice in hub.shop.notifications("1002") if notice["type"] == "order.shipped"]
    assert [notice["data"]["shipment"]["tracking_number"] for notice in shipped] == ["3SCP0042117790"]
    wait_for_tracking(hub, clock)
    assert hub.shop.types("1002").count("order.shipped") == 1


def test_a_parcel_whose_tracking_is_late_is_notified_without_it_and_then_its_tracking(hub: Hub, clock: Clock) -> None:
    followed(hub, "CP-1")
    signal(hub, "item_shipped__no_tracking", 1)
    assert wait_for_tracking(hub, clock) == 1
    assert hub.shop.types("1002").count("order.shipped") == 1
    for _ in range(2):
        signal(hub, "item_shipped", 1)
    signal(hub, "item_shipped", 1, message="reported again")
    assert hub.order("1002")["shipments"][0]["tracking_number"] == "3SCP0042117790"
    first, second = (notice for notice in hub.shop.notifications("1002") if "shipment" in notice["data"])
    assert [first["type"], second["type"]] == ["order.shipped", "order.tracking"]
    assert first["data"]["shipment"]["id"] in second["data"]["shipment"]["merged"]
    assert second["data"]["shipment"]["tracking_number"] == "3SCP0042117790"
    assert hub.cloud.call("untracked", {}) == {"told": 0}


def test_a_corrected_tracking_is_notified_without_a_second_parcel(hub: Hub) -> None:
    hub.cloud.parameters["RoutingRules"] = "*=printful"
    pay(hub, "PF-TEE-BLK-M", order_id=1002)
    hub.send_sample("printful/package_shipped")
    corrected = sample("printful/package_shipped")
    corrected["created"] += 900
    corrected["data"]["shipment"] |= {"tracking_number": "780000000099", "tracking_url": "javascript:alert(1)"}
    hub.receive("printful", "package_shipped", corrected)
    hub.settle()
    told = [notice for notice in hub.shop.notifications("1002") if "shipment" in notice["data"]]
    assert [notice["type"] for notice in told] == ["order.shipped", "order.tracking"]
    assert len({notice["data"]["shipment"]["id"] for notice in told}) == 1
    assert told[1]["data"]["shipment"]["tracking_number"] == "780000000099"
    assert told[1]["data"]["shipment"]["tracking_url"] is None
    (drift,) = hub.get("/drift")["body"]["drift"]
    assert drift["paths"] == ["data.shipment.tracking_url"]


def test_one_tracking_in_two_messages_is_notified_once(hub: Hub) -> None:
    pay(hub, "063e8da93379f8c1aee0", "5b1f0c77a2d94e60b3c8")
    for sku in ("063e8da93379f8c1aee0", "5b1f0c77a2d94e60b3c8"):
        hub.send_sample("camaloon/shipment_sent", line_items=[{"sku": sku, "quantity": 1}])
    assert hub.order()["status"] == "shipped"
    assert hub.shop.types().count("order.shipped") == 1


def test_the_wait_can_be_set_to_zero(hub: Hub) -> None:
    hub.cloud.parameters["NotifyTrackingWaitMinutes"] = "0"
    followed(hub, "CP-1")
    signal(hub, "item_shipped__no_tracking", 1)
    assert hub.cloud.call("untracked", {}) == {"told": 1}


def test_a_hold_its_release_a_parcel_and_its_return_are_notified(hub: Hub) -> None:
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


def test_a_cancellation_is_notified_once_without_an_attention_notification(hub: Hub) -> None:
    followed(hub, "CP-1")
    hub.send_sample("cloudprinter/order_canceled", order_reference="1002")
    assert hub.shop.types("1002") == ["order.canceled"]


def test_a_partial_cancellation_is_notified_as_attention(hub: Hub) -> None:
    followed(hub, "CP-1", "CP-2")
    signal(hub, "item_canceled", 1)
    (notice,) = hub.shop.notifications("1002")
    assert (notice["type"], notice["data"]["reasons"]) == ("order.attention", ["canceled"])


def test_a_reason_for_attention_is_notified_once_while_it_lasts(hub: Hub) -> None:
    hub.cloud.parameters["DefaultDestination"] = "nobody"
    pay(hub)
    (notice,) = hub.shop.notifications()
    assert (notice["type"], notice["data"]["reasons"]) == ("order.attention", ["unroutable"])
    hub.send_sample("camaloon/shipment_sent")
    assert hub.shop.types().count("order.attention") == 1


def test_a_failing_shop_receives_all_notifications_in_order_when_it_works_again(hub: Hub) -> None:
    hub.shop.answers = [Retry("HTTP 500", status=500)] * 8
    pay(hub)
    hub.send_sample("camaloon/shipment_sent")
    hub.send_sample("camaloon/shipment_sent__second_parcel")
    assert {row["state"]["S"] for row in rows(hub)} == {"pending"}
    while hub.retained:
        hub.deliver_again()
        hub.settle()
    received = [notice["data"]["sequence"] for notice in hub.shop.notifications()][8:]
    assert received == list(range(1, len(received) + 1))
    assert len(received) == len(rows(hub)) >= 3
    ids = [headers["webhook-id"] for _, _, headers in hub.shop.requests]
    assert len(set(ids[:9])) == 1  # all attempts were at the first one, with the same id


def test_a_dead_notification_does_not_block_the_next_and_flags_the_order(hub: Hub) -> None:
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


def test_a_refusal_of_the_shops_names_the_fields_of_the_notification(hub: Hub) -> None:
    said = {"errors": {"data.order.lines.0.sku": ["EL-1 of Marta Soler is unknown"], "marta": "?"}, "status": 422}
    hub.shop.answers = [http.Refusal(422, json.dumps(said).encode())]
    pay(hub)
    (dead,) = [row for row in rows(hub) if row["state"]["S"] == "dead"]
    assert dead["last_error"]["S"] == "HTTP 422: data.order.lines.0.sku"


def test_410_disables_notifications_until_a_person_enables_them(
    hub: Hub, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
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


def test_a_new_url_is_enabled(hub: Hub) -> None:
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


def test_a_notification_waits_while_the_secret_is_not_base64(hub: Hub) -> None:
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


def test_a_notification_holds_no_personal_data(hub: Hub) -> None:
    pay(hub)
    text = json.dumps(hub.shop.notifications())
    assert "Soler" not in text
    assert "Carrer" not in text


def test_a_notification_needs_one_more_transaction(hub: Hub) -> None:
    pay(hub)
    with aws_calls() as calls:
        hub.send_sample("camaloon/shipment_sent")
    made = [operation for operation, _ in calls]
    assert made.count("TransactWriteItems") == 2  # the parcel with its notification; the notification's end
