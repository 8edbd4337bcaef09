"""Orders at the OMS: created once whatever gets lost, then changed, then deleted, always in this order."""

from typing import Any

import pytest
from requests.exceptions import ConnectionError as Dropped
from requests.exceptions import ReadTimeout

from tests.support.cloud import SECRETS, Clock
from tests.support.hub import Hub
from tests.support.samples import sample

PERSONAL = "storefront/order_paid__personalized"
ITEMS = ("1003:70001", "1003:70002")


@pytest.fixture(name="hub")
def _hub(hub: Hub) -> Hub:
    hub.cloud.parameters["DeliveryMaxAttempts"] = "5"
    return hub


def pay(hub: Hub, **changes: Any) -> None:
    hub.send_sample(PERSONAL, **changes)


def delivery(hub: Hub, operation: str = "create_order", order_id: str = "1003") -> dict[str, Any]:
    shown: list[dict[str, Any]] = hub.order(order_id)["deliveries"]
    (found,) = (each for each in shown if each["operation"] == operation)
    return found


def wait_for_the_end(hub: Hub, clock: Clock, *, rounds: int = 10, seconds: float = 3600) -> None:
    for _ in range(rounds):
        if not hub.retained:
            return
        clock.advance(seconds)
        hub.deliver_again()
        hub.settle()


def test_a_personalised_order_is_created_with_all_values_of_the_shop(hub: Hub) -> None:
    pay(hub)
    (created,) = hub.oms.orders()
    assert created["ecommerce_order_id"] == "1003"
    assert [item["ecommerce_order_item_id"] for item in created["items"]] == list(ITEMS)
    assert hub.oms.printed() == dict.fromkeys(ITEMS, 1)
    shown = hub.order("1003")
    assert [line["status"] for line in shown["lines"]] == ["accepted", "accepted"]
    assert [line["uid"] for line in shown["lines"]] == [item["uid"] for item in created["items"]]
    (there,) = shown["provider_orders"]
    assert (there["provider"], there["id"], there["status"]) == ("oms", created["uid"], None)
    assert (delivery(hub)["status"], shown["attention"]) == ("delivered", [])


def test_a_mixed_cart_goes_three_ways(hub: Hub) -> None:
    hub.cloud.parameters["RoutingRules"] = "PF-*=printful"
    hub.send_sample("storefront/order_paid__mixed_cart")
    shown = hub.order("1002")
    assert [line["destination"] for line in shown["lines"]] == ["camaloon", "oms", "printful"]
    assert [(each["destination"], each["status"]) for each in shown["deliveries"]] == [
        ("camaloon", "delivered"),
        ("oms", "delivered"),
    ]
    assert list(hub.oms.printed()) == ["1002:2"]
    assert "personal" not in hub.camaloon.requests[0][1].decode()


@pytest.mark.parametrize("fault", ["lost", ReadTimeout(), Dropped("Connection aborted."), 500, 502, 503, 504, 408])
def test_an_order_is_printed_once_whatever_happens_to_the_first_response(hub: Hub, clock: Clock, fault: Any) -> None:
    hub.oms.faults = [fault]
    pay(hub)
    assert delivery(hub)["status"] == "pending"
    wait_for_the_end(hub, clock)
    assert delivery(hub)["status"] == "delivered"
    assert hub.oms.printed() == dict.fromkeys(ITEMS, 1)
    assert hub.order("1003")["attention"] == (["uid_unknown"] if fault == "lost" else [])


def test_a_request_that_may_still_arrive_is_not_sent_again_before_it_has_settled(hub: Hub, clock: Clock) -> None:
    hub.oms.faults = [ReadTimeout()]
    pay(hub)
    clock.advance(60)
    hub.deliver_again()
    assert delivery(hub)["last_error"] == "the OMS does not have the order yet, but the request may still arrive"
    assert hub.oms.printed() == {}
    clock.advance(241)
    hub.deliver_again()
    assert delivery(hub)["status"] == "delivered"


def test_a_response_of_the_oms_itself_settles_at_once(hub: Hub, clock: Clock) -> None:
    hub.oms.faults = [500]
    pay(hub)
    clock.advance(30)
    hub.deliver_again()
    assert delivery(hub)["status"] == "delivered"
    assert hub.oms.printed() == dict.fromkeys(ITEMS, 1)


def test_while_the_lookup_fails_nothing_is_sent_and_in_the_end_the_order_is_flagged(hub: Hub, clock: Clock) -> None:
    hub.oms.faults = ["lost", 500, ReadTimeout(), 503, 429]
    pay(hub)
    wait_for_the_end(hub, clock)
    assert delivery(hub)["status"] == "dead"
    assert delivery(hub)["last_error"] == "the OMS may have the order, but the lookup failed: HTTP 429"
    assert [call for call in hub.oms.calls if call[0] == "POST"] == [("POST", "/api/v1/orders")]
    assert {"delivery_dead", "answer_lost"} <= set(hub.order("1003")["attention"])


def test_a_replay_after_a_lost_answer_looks_up_first(hub: Hub, clock: Clock) -> None:
    hub.oms.faults = ["lost", 500, 500, 500, 500]
    pay(hub)
    wait_for_the_end(hub, clock)
    assert hub.post(f"/deliveries/{delivery(hub)['id']}/replay")["body"]["replayed"] is True
    hub.settle()
    assert delivery(hub)["status"] == "delivered"
    assert hub.oms.printed() == dict.fromkeys(ITEMS, 1)
    assert hub.order("1003")["attention"] == ["uid_unknown"]


def test_a_deliverer_that_is_killed_after_the_oms_received_the_order_prints_once(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("pressroom.delivery.worker._record_sent", killed)
        with pytest.raises(Killed):
            pay(hub)
    assert hub.oms.printed() == dict.fromkeys(ITEMS, 1)
    (row,) = hub.cloud.rows("DELIVERY")
    message = {"Body": f'{{"delivery_id": "{row["delivery_id"]["S"]}", "replays": 0}}', "queue": "OmsQueue", "count": 1}
    hub.retained = [message | {"ReceiptHandle": "gone"}]
    clock.advance(360)
    with monkeypatch.context() as patched:
        patched.setattr(hub.cloud.sqs, "delete_message", lambda **_: None)
        hub.deliver_again()
    assert delivery(hub)["status"] == "delivered"
    assert hub.oms.printed() == dict.fromkeys(ITEMS, 1)


def test_a_refused_token_uses_up_no_try(hub: Hub, clock: Clock) -> None:
    hub.cloud.set_secret("OmsApiSecret", "expired")
    pay(hub)
    wait_for_the_end(hub, clock, rounds=12)
    shown = delivery(hub)
    assert (shown["status"], shown["attempts"]) == ("pending", 13)
    assert "pressroom/oms-api" in shown["last_error"]
    hub.cloud.set_secret("OmsApiSecret", SECRETS["OmsApiSecret"])
    wait_for_the_end(hub, clock, rounds=1)
    assert delivery(hub)["status"] == "delivered"
    assert hub.oms.printed() == dict.fromkeys(ITEMS, 1)


def test_a_delivery_blocked_for_twelve_days_is_dead_before_the_queue_drops_it(hub: Hub, clock: Clock) -> None:
    hub.cloud.set_secret("OmsApiSecret", "expired")
    pay(hub)
    hub.retained[0]["sent"] = int(clock.now.timestamp() * 1000)
    clock.advance(12 * 24 * 3600 + 1)
    hub.deliver_again()
    assert delivery(hub)["status"] == "dead"


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refusal_is_dead_at_once(hub: Hub, status: int) -> None:
    hub.oms.faults = [status]
    pay(hub)
    assert (delivery(hub)["status"], delivery(hub)["last_error"]) == ("dead", f"HTTP {status}")
    assert hub.order("1003")["attention"] == ["delivery_dead"]


def test_a_conflict_is_delivered_if_the_oms_has_the_order_and_dead_if_not(hub: Hub) -> None:
    hub.oms.faults = [409]
    pay(hub)
    assert delivery(hub)["status"] == "dead"
    pay(hub, id=1004)
    assert delivery(hub, order_id="1004")["status"] == "delivered"


# --- what comes after the payment ---


def test_an_update_changes_the_order_at_the_oms(hub: Hub) -> None:
    pay(hub)
    hub.send_sample("storefront/order_updated")
    (there,) = hub.oms.orders()
    assert there["note"].endswith("Bell 2-1.")
    assert hub.oms.printed() == dict.fromkeys(ITEMS, 1)
    assert delivery(hub, "update_order")["status"] == "delivered"
    assert hub.order("1003")["attention"] == []


def test_items_that_have_not_changed_are_not_sent_again(hub: Hub) -> None:
    pay(hub)
    hub.send_sample("storefront/order_updated__without_designs")
    update = next(each for each in hub.oms.ask("/_requests") if each["method"] == "PUT")
    assert "items" not in update["body"]


def test_an_update_waits_for_the_create_and_is_sent_by_itself(hub: Hub, clock: Clock) -> None:
    hub.oms.faults = [429, 429]
    pay(hub)
    hub.send_sample("storefront/order_updated")
    assert [each["status"] for each in hub.order("1003")["deliveries"]] == ["pending", "pending"]
    wait_for_the_end(hub, clock)
    assert [each["status"] for each in hub.order("1003")["deliveries"]] == ["delivered", "delivered"]
    assert [call[0] for call in hub.oms.calls] == ["POST", "POST", "POST", "PUT"]


def test_an_update_behind_a_dead_create_is_sent_once_that_was_replayed(hub: Hub) -> None:
    hub.oms.faults = [400]
    pay(hub)
    hub.send_sample("storefront/order_updated")
    assert delivery(hub, "update_order")["status"] == "pending"
    hub.post(f"/deliveries/{delivery(hub)['id']}/replay")
    hub.settle()
    assert [each["status"] for each in hub.order("1003")["deliveries"]] == ["delivered", "delivered"]


def test_an_update_that_arrives_before_the_payment_is_created(hub: Hub) -> None:
    hub.send_sample("storefront/order_updated")
    pay(hub)
    (there,) = hub.oms.orders()
    assert there["note"].endswith("Bell 2-1.")
    assert [each["operation"] for each in hub.order("1003")["deliveries"]] == ["create_order"]


def test_an_order_changed_and_changed_back_ends_as_it_was(hub: Hub) -> None:
    pay(hub)
    for hour, note in ((17, "A"), (18, "B"), (19, "A")):
        hub.send_sample("storefront/order_updated", note=note, updated_at=f"2026-09-03T{hour}:00:00Z")
    assert hub.oms.orders()[0]["note"] == "A"


def test_a_late_earlier_update_changes_nothing(hub: Hub) -> None:
    pay(hub)
    hub.send_sample("storefront/order_updated", note="later", updated_at="2026-09-03T20:00:00Z")
    hub.send_sample("storefront/order_updated", note="earlier", updated_at="2026-09-03T19:00:00Z")
    assert hub.oms.orders()[0]["note"] == "later"
    assert [each["status"] for each in hub.order("1003")["deliveries"]] == ["delivered", "delivered"]
    assert hub.order("1003")["attention"] == []
    assert hub.get("/deliveries")["body"]["deliveries"] == []


def test_a_canceled_order_is_deleted(hub: Hub) -> None:
    pay(hub)
    hub.send_sample("storefront/order_canceled")
    assert hub.oms.orders() == []
    shown = hub.order("1003")
    assert (shown["status"], shown["attention"]) == ("canceled", [])
    assert delivery(hub, "delete_order")["status"] == "delivered"


def test_an_order_canceled_while_its_create_is_in_flight_is_flagged(hub: Hub, clock: Clock) -> None:
    hub.oms.faults = ["lost"]
    pay(hub)
    hub.send_sample("storefront/order_canceled")
    wait_for_the_end(hub, clock)
    assert delivery(hub)["status"] == "delivered"
    assert delivery(hub, "delete_order")["status"] == "dead"
    assert "uid" in delivery(hub, "delete_order")["last_error"]
    assert {"delivery_dead", "uid_unknown"} <= set(hub.order("1003")["attention"])


def test_an_order_canceled_while_its_create_may_still_arrive_is_not_created(hub: Hub, clock: Clock) -> None:
    hub.oms.faults = [ReadTimeout()]
    pay(hub)
    hub.send_sample("storefront/order_canceled")
    wait_for_the_end(hub, clock)
    assert hub.oms.printed() == {}
    shown = hub.order("1003")
    assert (shown["status"], shown["attention"]) == ("canceled", [])
    assert {each["status"] for each in shown["deliveries"]} == {"dead"}
    assert hub.cloud.messages("OmsDeadLetterQueue") == []


def test_an_order_canceled_before_it_was_sent_is_not_sent(hub: Hub, clock: Clock) -> None:
    hub.oms.faults = [429]
    pay(hub)
    hub.send_sample("storefront/order_canceled")
    wait_for_the_end(hub, clock)
    assert (hub.oms.printed(), hub.order("1003")["status"]) == ({}, "canceled")
    assert hub.order("1003")["attention"] == []


def test_an_order_canceled_before_its_payment_is_not_sent(hub: Hub) -> None:
    hub.send_sample("storefront/order_canceled", id=1002)
    hub.send_sample("storefront/order_paid__mixed_cart")
    assert (hub.oms.printed(), hub.camaloon.requests) == ({}, [])
    assert [line["status"] for line in hub.order("1002")["lines"]] == ["canceled", "canceled", "canceled"]


def test_an_order_that_camaloon_has_can_not_be_canceled(hub: Hub) -> None:
    hub.send_sample("storefront/order_paid__mixed_cart")
    hub.send_sample("storefront/order_canceled", id=1002)
    shown = hub.order("1002")
    assert shown["attention"] == ["not_recalled"]
    assert [line["status"] for line in shown["lines"]] == ["accepted", "canceled", "accepted"]


def test_a_change_for_camaloon_is_flagged(hub: Hub) -> None:
    hub.send_sample("storefront/order_paid__mixed_cart")
    changed = sample("storefront/order_paid__mixed_cart") | {"updated_at": "2026-09-03T10:00:00Z", "note": "Hello"}
    changed["line_items"] = [line | {"id": place} for place, line in enumerate(changed["line_items"], start=1)]
    hub.receive("storefront", "order_updated", changed)
    hub.settle()
    assert hub.order("1002")["attention"] == []
    changed["shipping_info"] = changed["shipping_info"] | {"address": "Elsewhere 1"}
    hub.receive("storefront", "order_updated", changed | {"updated_at": "2026-09-03T11:00:00Z"})
    hub.settle()
    assert hub.order("1002")["attention"] == ["change_not_sent"]


def test_a_line_that_no_rule_matched_is_routed_by_hand(hub: Hub) -> None:
    hub.cloud.parameters |= {"DefaultDestination": "nobody", "RoutingRules": "TOTE-*=printful"}
    hub.send_sample("storefront/order_paid__mixed_cart")
    assert hub.order("1002")["attention"] == ["unroutable"]
    answer = hub.post("/orders/1002/lines/1/route", {"destination": "camaloon"})
    assert answer["statusCode"] == 202, answer
    hub.post("/orders/1002/lines/3/route", {"destination": "printful"})
    hub.settle()
    shown = hub.order("1002")
    assert [line["destination"] for line in shown["lines"]] == ["camaloon", "printful", "printful"]
    assert (shown["attention"], len(hub.camaloon.requests)) == ([], 1)


def test_a_line_without_a_design_is_not_routed_to_the_oms(hub: Hub) -> None:
    hub.cloud.parameters |= {"DefaultDestination": "nobody", "RoutingRules": "06*=oms,PF-*=printful"}
    hub.send_sample("storefront/order_paid__mixed_cart")
    assert hub.order("1002")["attention"] == ["unroutable"]
    assert hub.oms.printed() == {"1002:2": 1}
    assert hub.post("/orders/1002/lines/1/route", {"destination": "oms"})["statusCode"] == 400


def test_where_only_batches_make_print_files_items_are_ready_for_one_at_once(hub: Hub) -> None:
    hub.cloud.parameters |= {"OmsCreatePrintFiles": "false", "PrintTemplates": "5501=mug,poster-a3-matt=poster"}
    pay(hub)
    hub.work("PrintFilesQueue")
    assert (hub.retained, len(hub.cloud.rows("READY"))) == ([], 2)
    assert [call for call in hub.oms.calls if call[0] == "GET"] == []
    hub.post("/batches", {})
    hub.settle()
    shown = hub.order("1003")
    assert [line["status"] for line in shown["lines"]] == ["in_production", "in_production"]
    assert {line["batch"]["status"] for line in shown["lines"]} == {"Batching"}
    assert set(hub.oms.ask("/_batched").values()) == {1}


def test_a_replay_creates_the_order_with_the_shops_corrections(hub: Hub) -> None:
    hub.oms.faults = [400]
    pay(hub)
    hub.send_sample("storefront/order_updated")
    hub.post(f"/deliveries/{delivery(hub)['id']}/replay")
    hub.settle()
    creations = [each for each in hub.oms.ask("/_requests") if each["method"] == "POST"]
    assert [each["body"]["note"].endswith("Bell 2-1.") for each in creations] == [True]
    assert {each["status"] for each in hub.order("1003")["deliveries"]} == {"delivered"}


def test_a_line_that_the_shop_took_out_is_not_created_by_a_replay(hub: Hub) -> None:
    hub.oms.faults = [400]
    pay(hub)
    content = sample("storefront/order_updated")
    hub.receive("storefront", "order_updated", content | {"line_items": content["line_items"][:1]})
    hub.settle()
    hub.post(f"/deliveries/{delivery(hub)['id']}/replay")
    hub.settle()
    assert hub.oms.printed() == {ITEMS[0]: 1}


def test_a_design_that_has_changed_gets_a_new_print_file(hub: Hub, clock: Clock) -> None:
    hub.oms.ask("/_print_files", **{ITEMS[0]: "processingfailed"})
    pay(hub)
    hub.work("PrintFilesQueue")
    wait_for_the_end(hub, clock)
    assert hub.order("1003")["attention"] == ["print_file_failed"]
    content = sample("storefront/order_updated")
    content["line_items"][0]["personalization"]["template_config"] = "%7B%22new%22%3A1%7D"
    hub.oms.ask("/_print_files", **{ITEMS[0]: "ready"})
    clock.advance(1)
    hub.receive("storefront", "order_updated", content)
    hub.settle()
    assert hub.order("1003")["lines"][0]["print_file"] is None
    hub.work("PrintFilesQueue")
    wait_for_the_end(hub, clock)
    assert [line["print_file"]["status"] for line in hub.order("1003")["lines"]] == ["ready", "ready"]
    assert hub.order("1003")["attention"] == []


def test_an_order_is_flagged_while_its_variant_has_no_template(hub: Hub) -> None:
    hub.cloud.parameters |= {"OmsCreatePrintFiles": "false", "PrintTemplates": "5501=mug"}
    pay(hub)
    hub.work("PrintFilesQueue")
    assert hub.order("1003")["attention"] == ["no_template"]
    hub.cloud.parameters["PrintTemplates"] = "5501=mug,poster-a3-matt=poster"
    hub.receive("oms", "", {"ecommerce_order_id": "1003"})
    hub.settle()
    hub.work("PrintFilesQueue")
    assert hub.order("1003")["attention"] == []
    assert len(hub.cloud.rows("READY")) == 2


def test_an_order_with_a_lost_answer_is_deleted_by_a_person(hub: Hub, clock: Clock) -> None:
    hub.oms.faults = ["lost"]
    pay(hub)
    wait_for_the_end(hub, clock)
    hub.send_sample("storefront/order_canceled")
    assert hub.order("1003")["attention"] == ["delivery_dead", "not_recalled", "uid_unknown"]
    hub.oms.app.extensions["forget"]()  # by hand
    hub.post(f"/deliveries/{delivery(hub, 'delete_order')['id']}/replay")
    hub.settle()
    shown = hub.order("1003")
    assert (shown["status"], shown["attention"]) == ("canceled", [])
