"""The monitor, with time moved forward: each thing is raised once, cleared when it is over, never without a cause."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pressroom.inbox import refusals
from pressroom.ops import conditions, monitor
from pressroom.order import notifications, outbox
from pressroom.order.model import Status
from pressroom.order.outbox import Delivery
from pressroom.platform import table
from pressroom.platform.errors import Retry
from pressroom.platform.times import iso
from pressroom.providers.printful import registration_state
from pressroom.providers.printful.registration_state import State, Wanted
from tests.support.cloud import SECRETS, Clock
from tests.support.hub import FakeShop, Hub
from tests.support.samples import sample

HOUR, DAY = 3600, 24 * 3600


def ask(hub: Hub, path: str, **query: str) -> Any:
    answer = hub.get(path, **query)
    assert answer["statusCode"] == 200, answer
    return answer["body"]


def look(hub: Hub) -> dict[str, Any]:
    answer: dict[str, Any] = hub.cloud.call("monitor", {})
    hub.settle()
    return answer


def standing(hub: Hub) -> list[str]:
    """Look, and return what the API then says that stands."""
    look(hub)
    return [each["id"] for each in ask(hub, "/conditions")["conditions"]]


def sentence(hub: Hub, identity: str) -> str:
    return next(str(each["text"]) for each in ask(hub, "/conditions")["conditions"] if each["id"] == identity)


def metrics(text: str) -> dict[str, float]:
    """What was counted, of all that a function wrote: the last value of each."""
    lines = (json.loads(line) for line in re.findall(r"^\{.*\}$", text, re.MULTILINE) if '"_aws"' in line)
    found = dict[str, float]()
    for line in lines:
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            found[metric["Name"]] = line[metric["Name"]][0]
    return found


def pay(hub: Hub, order_id: int = 1001) -> None:
    hub.send_sample("storefront/order_paid", id=order_id)


def attention(hub: Hub, order_id: str = "1001") -> list[str]:
    reasons: list[str] = hub.order(order_id)["attention"]
    return reasons


# --- orders ---


def test_an_order_that_is_not_accepted_in_time_is_raised_once_and_cleared(
    hub: Hub, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.cloud.parameters["StorefrontUrl"] = FakeShop.URL
    hub.camaloon.answers = [Retry("HTTP 503", status=503)]
    pay(hub)
    clock.advance(23 * HOUR)
    assert look(hub)["raised"] == 0
    clock.advance(2 * HOUR)
    capsys.readouterr()
    assert look(hub)["raised"] == 1
    counted = metrics(capsys.readouterr().out)
    assert (counted["OrdersStalled"], counted["OrdersNeedAttention"]) == (1, 1)
    assert attention(hub) == ["stalled"]
    assert ask(hub, "/orders", attention="stalled")["orders"][0]["id"] == "1001"
    assert hub.shop.notifications()[-1]["data"]["reasons"] == ["stalled"]
    told = len(hub.shop.notifications())
    clock.advance(15 * 60)
    assert look(hub)["raised"] == 0
    counted = metrics(capsys.readouterr().out)
    assert counted["OrdersStalled"] == 1  # for as long as it stands: the alarm stays on
    assert "OrdersNeedAttention" not in counted
    assert len(hub.shop.notifications()) == told
    hub.deliver_again()
    hub.settle()
    assert attention(hub) == []
    clock.advance(15 * 60)
    look(hub)
    assert "OrdersStalled" not in metrics(capsys.readouterr().out)


def test_an_order_without_delays_is_never_stalled(hub: Hub, clock: Clock) -> None:
    pay(hub)
    for _ in range(9):
        clock.advance(DAY)
        assert look(hub) == {"orders": 1, "raised": 0, "standing": []}
    order = hub.order()
    lines = [{"sku": line["sku"], "quantity": line["quantity"]} for line in order["lines"]]
    hub.send_sample("camaloon/shipment_sent", order_id=1001, line_items=lines)
    assert hub.order()["status"] == "shipped"
    clock.advance(60 * DAY)
    assert look(hub) == {"orders": 0, "raised": 0, "standing": []}
    assert attention(hub) == []


def test_a_hold_that_grows_old_is_raised_once_and_cleared(
    hub: Hub, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.send_sample("printful/order_put_hold")
    (order,) = ask(hub, "/orders")["orders"]
    since = hub.order(order["id"])["holds"][0]["since"]
    clock.now = datetime.fromisoformat(since)
    clock.advance(7 * DAY - 60)
    look(hub)
    assert "hold_old" not in attention(hub, order["id"])
    clock.advance(60)
    capsys.readouterr()
    look(hub)
    assert metrics(capsys.readouterr().out)["HoldsOld"] == 1
    assert "hold_old" in attention(hub, order["id"])
    clock.advance(DAY)
    assert look(hub)["raised"] == 0
    released = sample("printful/order_remove_hold")
    created = int(clock.now.timestamp())
    hub.send_sample("printful/order_remove_hold", created=created, data=released["data"])
    assert not {"hold_old", "on_hold"} & set(attention(hub, order["id"]))
    capsys.readouterr()
    look(hub)
    assert "HoldsOld" not in metrics(capsys.readouterr().out)


def test_too_many_orders_for_one_run_are_checked_in_parts(hub: Hub, clock: Clock, monkeypatch: Any) -> None:
    monkeypatch.setattr(monitor, "PAGE", 3)
    hub.camaloon.answers = [Retry("HTTP 503", status=503)] * 8
    for order_id in range(1001, 1009):
        pay(hub, order_id=order_id)
    clock.advance(25 * HOUR)
    monkeypatch.setattr(monitor, "BUDGET", timedelta(0))
    looked = [look(hub)["orders"] for _ in range(8)]
    assert looked == [1] * 8  # each begins where the one before has ended
    assert all(attention(hub, str(order_id)) == ["stalled"] for order_id in range(1001, 1009))
    assert look(hub) == {"orders": 0, "raised": 0, "standing": ["deliveries_late/camaloon"]}
    monkeypatch.setattr(monitor, "BUDGET", timedelta(minutes=1))
    assert look(hub)["orders"] == 8


def test_half_days_of_a_hold_are_days_too(hub: Hub) -> None:
    hub.cloud.parameters["HoldOldDays"] = "7.5"  # a Number of CloudFormation's may be one
    look(hub)


def test_hours_without_end_are_none(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["ShipWithinHours"] = "camaloon=99999999"
    pay(hub)
    clock.advance(300 * HOUR)
    assert look(hub)["raised"] == 0


def test_an_order_that_cannot_be_looked_at_hides_no_other(hub: Hub, clock: Clock) -> None:
    hub.camaloon.answers = [Retry("HTTP 503", status=503)] * 2
    for order_id in (1001, 1002):
        pay(hub, order_id=order_id)
    hub.cloud.dynamodb.update_item(
        TableName="table",
        Key={"pk": {"S": "ORDER#1001"}},
        UpdateExpression="SET facts = :bad",
        ExpressionAttributeValues={":bad": {"B": b"not facts"}},
    )
    clock.advance(25 * HOUR)
    with pytest.raises(monitor.NotLookedAt, match=": 1"):
        look(hub)
    hub.settle()
    assert attention(hub, "1002") == ["stalled"]
    shown = ask(hub, "/conditions")  # all the rest was looked at
    assert [each["id"] for each in shown["conditions"]] == ["deliveries_late/camaloon"]
    assert shown["looked_at"] == "2026-09-02T15:10:00.000Z"


def test_conditions_found_in_parts_last_until_all_parts_are_checked_again(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.cloud.parameters["SilentAfterHours"] = "camaloon=1"
    hub.cloud.parameters["ShipWithinHours"] = "camaloon=1"
    pay(hub, order_id=1001)
    clock.advance(2 * HOUR)
    monkeypatch.setattr(monitor, "BUDGET", timedelta(0))
    for order_id in (1002, 1003):  # fine, and looked at later
        hub.send_sample(
            "storefront/order_paid", id=order_id, processed_at="2026-09-01T16:00:00Z", created_at="2026-09-01T15:00:00Z"
        )
    for _ in range(4):
        capsys.readouterr()
        assert standing(hub) == ["provider_silent/camaloon"]
        assert metrics(capsys.readouterr().out)["OrdersStalled"] == 1
    monkeypatch.setattr(monitor, "BUDGET", timedelta(minutes=1))
    hub.cloud.parameters["SilentAfterHours"] = ""
    assert standing(hub) == []
    hub.cloud.parameters["SilentAfterHours"] = "camaloon=1"
    hub.send_sample("storefront/order_canceled", id=1001)
    look(hub)
    assert standing(hub) == []


def test_an_order_that_stays_open_for_ever_is_not_looked_at_for_ever(hub: Hub, clock: Clock) -> None:
    hub.camaloon.answers = [Retry("HTTP 503", status=503)]
    pay(hub)
    clock.advance(89 * DAY)
    assert look(hub)["orders"] == 1
    assert attention(hub) == ["stalled"]
    clock.advance(2 * DAY)
    assert look(hub)["orders"] == 0
    assert attention(hub) == ["stalled"]  # of the order that stays true


def test_an_order_made_long_before_it_is_paid_is_looked_at_for_as_long_as_any_other(hub: Hub, clock: Clock) -> None:
    hub.camaloon.answers = [Retry("HTTP 503", status=503)]
    made = clock.now - timedelta(days=100)  # a pre-order, or a bank transfer
    hub.send_sample("storefront/order_paid", id=1001, created_at=iso(made), processed_at=iso(clock.now))
    clock.advance(23 * HOUR)
    assert look(hub)["orders"] == 0
    clock.advance(2 * HOUR)
    assert look(hub)["raised"] == 1
    assert attention(hub) == ["stalled"]
    clock.advance(88 * DAY)
    assert look(hub)["orders"] == 1
    clock.advance(2 * DAY)
    assert look(hub)["orders"] == 0
    assert hub.order()["created_at"] == iso(made)  # what the shop says is shown as it is


def test_a_payment_that_is_heard_of_long_after_it_was_made_is_looked_at(hub: Hub, clock: Clock) -> None:
    hub.camaloon.answers = [Retry("HTTP 503", status=503)]
    made = iso(clock.now - timedelta(days=100))
    hub.send_sample("storefront/order_paid", id=1001, created_at=made, processed_at=made)
    clock.advance(25 * HOUR)
    assert look(hub)["raised"] == 1


def test_an_order_dated_by_a_shop_whose_clock_is_wrong_is_looked_at(hub: Hub, clock: Clock) -> None:
    hub.camaloon.answers = [Retry("HTTP 503", status=503)]
    made = iso(clock.now + timedelta(days=365))
    hub.send_sample("storefront/order_paid", id=1001, created_at=made, processed_at=made)
    clock.advance(25 * HOUR)
    assert [each["id"] for each in ask(hub, "/orders", stalled="24")["orders"]] == ["1001"]
    assert look(hub)["raised"] == 1
    assert attention(hub) == ["stalled"]


def test_the_age_of_an_order_that_its_printer_had_before_the_payment_counts_from_the_payment(
    hub: Hub, clock: Clock
) -> None:
    about = {"order_reference": "1001", "item_reference": "1"}
    hub.send_sample("cloudprinter/item_validated", **about, datetime=clock.now.isoformat())
    clock.advance(100 * DAY)
    assert look(hub)["orders"] == 0
    hub.camaloon.answers = [Retry("HTTP 503", status=503)]
    pay(hub)
    clock.advance(25 * HOUR)
    assert look(hub)["raised"] == 1
    assert "stalled" in attention(hub)


def test_an_order_that_was_listed_by_the_shops_date_counts_from_the_payment_once_more_is_heard(
    hub: Hub, clock: Clock
) -> None:
    made = iso(clock.now - timedelta(days=100))
    hub.send_sample("storefront/order_paid", id=1001, created_at=made, processed_at=iso(clock.now))
    hub.cloud.dynamodb.update_item(  # as versions before this rule wrote it
        TableName="table",
        Key={"pk": {"S": "ORDER#1001"}},
        UpdateExpression="SET state_at = :at",
        ExpressionAttributeValues={":at": {"S": f"{made}#1001"}},
    )
    assert [each["id"] for each in ask(hub, "/orders")["orders"]] == ["1001"]
    clock.advance(11 * DAY)
    assert look(hub)["orders"] == 0
    assert [each["id"] for each in ask(hub, "/orders", stalled="240")["orders"]] == ["1001"]
    line = hub.order()["lines"][0]
    hub.send_sample("camaloon/shipment_sent", order_id=1001, line_items=[{"sku": line["sku"], "quantity": 1}])
    assert look(hub)["orders"] == 1
    assert attention(hub) == ["stalled"]


# --- providers ---


def test_a_provider_without_webhooks_while_orders_are_open_is_silent_until_its_next_webhook(
    hub: Hub, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.cloud.parameters["RoutingRules"] = "*=cloudprinter"
    pay(hub)
    line = hub.order()["lines"][0]
    about = {"item_reference": line["id"], "order_reference": "1001", "datetime": clock.now.isoformat()}
    hub.send_sample("cloudprinter/item_validated", **about)
    clock.advance(95 * HOUR)
    assert standing(hub) == []
    clock.advance(2 * HOUR)
    capsys.readouterr()
    assert standing(hub) == ["provider_silent/cloudprinter"]
    assert metrics(capsys.readouterr().out)["ProvidersSilent"] == 1
    assert sentence(hub, "provider_silent/cloudprinter").startswith(
        "No webhook from Cloudprinter since 2026-09-01 14:10 UTC, although"
    )
    since = ask(hub, "/conditions")["conditions"][0]["since"]
    clock.advance(HOUR)
    assert standing(hub) == ["provider_silent/cloudprinter"]
    assert ask(hub, "/conditions")["conditions"][0]["since"] == since
    hub.send_sample("cloudprinter/item_produce", **about | {"datetime": clock.now.isoformat()})
    capsys.readouterr()
    assert standing(hub) == []
    written = capsys.readouterr().out
    assert "condition_cleared" in written
    assert "ProvidersSilent" not in metrics(written)


def test_a_provider_without_open_orders_may_be_silent(hub: Hub, clock: Clock) -> None:
    hub.send_sample("cloudprinter/item_shipped")
    clock.advance(40 * DAY)
    assert standing(hub) == []


def test_a_printer_that_never_reported_on_its_orders_is_silent(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["RoutingRules"] = "*=cloudprinter"
    pay(hub)
    clock.advance(95 * HOUR)
    assert standing(hub) == []
    clock.advance(2 * HOUR)
    assert standing(hub) == ["provider_silent/cloudprinter"]
    assert sentence(hub, "provider_silent/cloudprinter").startswith(
        "No webhook from Cloudprinter in the last 45 days, although"
    )


def test_a_printer_that_has_not_received_its_order_is_not_silent(hub: Hub, clock: Clock) -> None:
    hub.camaloon.answers = [Retry("HTTP 503", status=503)]
    pay(hub)
    clock.advance(300 * HOUR)
    assert "provider_silent/camaloon" not in standing(hub)


def refuse(hub: Hub, times: int) -> None:
    for _ in range(times):
        assert hub.receive("camaloon", "shipment_sent", b"{}", secret="wrong")["statusCode"] == 401


def test_twenty_refusals_in_a_row_say_that_camaloon_has_switched_its_webhook_off(
    hub: Hub, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(19):
        refuse(hub, 1)
        clock.advance(60)
    assert standing(hub) == []
    refuse(hub, 1)
    capsys.readouterr()
    assert standing(hub) == ["endpoint_disabled/camaloon"]
    assert metrics(capsys.readouterr().out)["EndpointsDisabled"] == 1
    clock.advance(HOUR)
    hub.send_sample("camaloon/shipment_sent")
    assert standing(hub) == []
    refuse(hub, 19)
    assert standing(hub) == []


def test_a_burst_of_twenty_refusals_is_enough(hub: Hub, clock: Clock) -> None:
    refuse(hub, 20)  # within a second; then Camaloon is silent, since it has switched the webhook off
    clock.advance(DAY)
    assert standing(hub) == ["endpoint_disabled/camaloon"]


def test_a_flood_is_counted_and_written_once_a_second_at_most_on_average(hub: Hub, clock: Clock) -> None:
    for _ in range(100):
        refusals.record("camaloon", now=clock.now)
    assert len(hub.cloud.rows("REFUSED")) == 20
    clock.advance(19)
    refusals.record("camaloon", now=clock.now)
    assert len(hub.cloud.rows("REFUSED")) == 20
    clock.advance(1)
    refusals.record("camaloon", now=clock.now)
    (last,) = (row for row in hub.cloud.rows("REFUSED") if row["state_at"]["S"].startswith("2026-09-01T14:10:20"))
    assert last["pk"]["S"].endswith("/82")  # those in between, too
    assert refusals.in_a_row("camaloon", since="", now=clock.now) == 20  # as many as matter
    clock.advance(8 * DAY)
    assert refusals.in_a_row("camaloon", since="", now=clock.now) == 0


def test_a_refusal_leaves_no_more_than_its_number(hub: Hub) -> None:
    refuse(hub, 1)
    (row,) = hub.cloud.rows()
    assert set(row) == {"pk", "created_key", "state_at", "expires_at"}
    assert re.fullmatch(r"REFUSED#camaloon/[0-9a-f]{16}/1", row["pk"]["S"])


@pytest.mark.parametrize("provider", ["cloudprinter", "printful", "oms", "storefront"])
def test_refusals_are_counted_only_for_providers_that_disable_webhooks(hub: Hub, clock: Clock, provider: str) -> None:
    refusals.record(provider, now=clock.now)
    assert hub.cloud.rows() == []


OLD = {
    "camaloon": ("CamaloonSecret", "camaloon/shipment_sent"),
    "storefront": ("StorefrontSecret", "storefront/order_paid"),
    "cloudprinter": ("CloudprinterSecret", "cloudprinter/item_shipped"),
    "printful": ("PrintfulSecret", "printful/package_shipped"),
    "oms": ("OmsSecret", "oms/print_file_ready"),
}


@pytest.mark.parametrize("provider", OLD)
def test_use_of_a_previous_secret_is_a_condition_until_a_day_after_the_last_use(
    hub: Hub, clock: Clock, provider: str, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, message = OLD[provider]
    hub.cloud.set_secret(secret, "the-new-one", previous=SECRETS[secret])
    hub.send_sample(message)
    capsys.readouterr()
    assert f"old_secret/{provider}" in standing(hub)
    assert metrics(capsys.readouterr().out)["OldSecretsInUse"] == 1
    assert SECRETS[secret] not in json.dumps(ask(hub, "/conditions"))
    clock.advance(DAY + 1)
    assert f"old_secret/{provider}" not in standing(hub)


@pytest.mark.parametrize("provider", OLD)
def test_use_of_the_current_secret_is_not_reported_while_a_previous_one_is_accepted(hub: Hub, provider: str) -> None:
    secret, message = OLD[provider]
    hub.cloud.set_secret(secret, SECRETS[secret], previous="one-before")
    hub.send_sample(message)
    assert f"old_secret/{provider}" not in standing(hub)
    (event,) = (row for row in hub.cloud.rows("EVENT"))
    assert "attention_key" not in event


def test_one_of_several_current_keys_is_current(hub: Hub) -> None:
    hub.cloud.set_secret("CloudprinterSecret", ["another", SECRETS["CloudprinterSecret"]], previous="one-before")
    hub.send_sample("cloudprinter/item_shipped")
    assert standing(hub) == []


def test_a_replaced_url_at_printful_stands_until_it_is_ours_again(hub: Hub, clock: Clock) -> None:
    registration_state.want(Wanted(True), clock.now)
    registration_state.record(State.REPLACED, clock.now)
    assert standing(hub) == ["printful_webhook/printful"]
    assert "Another URL has replaced Pressroom's webhook" in sentence(hub, "printful_webhook/printful")
    registration_state.record(State.NOT_ASKED, clock.now)
    assert standing(hub) == ["printful_webhook/printful"]  # which does not say that anything is wrong there
    assert sentence(hub, "printful_webhook/printful").startswith("Pressroom could not check its webhook at Printful.")
    registration_state.record(State.FINE, clock.now)
    assert standing(hub) == []
    registration_state.record(State.LOST, clock.now)
    registration_state.want(Wanted(False), clock.now)
    assert standing(hub) == []  # nobody wants it


def test_a_store_that_is_not_ours_stands_for_a_week_after_its_last_webhook(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["PrintfulStores"] = "7654321"
    hub.send_sample("printful/product_synced", store=99)
    assert standing(hub) == ["foreign_store/99"]
    clock.advance(7 * 24 * 3600)
    assert standing(hub) == []


# --- what has gone wrong ---


def test_drift_is_news_for_a_week(hub: Hub, clock: Clock) -> None:
    hub.send_sample("printful/package_shipped", brand_new="x")
    assert standing(hub) == ["payload_drift/printful.package_shipped"]
    assert sentence(hub, "payload_drift/printful.package_shipped").startswith(
        "Messages of printful.package_shipped contain fields or values that Pressroom does not know"
    )
    clock.advance(7 * DAY + 1)
    assert not [each for each in standing(hub) if each.startswith("payload_drift")]


def test_parked_and_unhandled_webhooks_are_a_condition_until_they_are_replayed(hub: Hub) -> None:
    for topic, content in (("shipment_sent", b'{"order_id": 1}'), ("something_new", b"{}")):
        assert hub.receive("camaloon", topic, content)["statusCode"] == 200
    assert standing(hub) == []
    hub.settle()
    assert standing(hub) == ["webhooks_parked", "webhooks_unhandled"]
    assert sentence(hub, "webhooks_parked").startswith("1 received webhook could not be processed.")


def test_genuine_refusals_are_a_condition_from_the_first_one_until_a_week_after_the_last(
    hub: Hub, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.receive("storefront", "order_paid", {"note": "Marta"})
    assert metrics(capsys.readouterr().out)["GenuineRefused"] == 1
    assert standing(hub) == ["genuine_refused"]
    assert sentence(hub, "genuine_refused").startswith(
        "1 webhook was refused in the last week although the credentials"
    )
    assert "1 paid order from the shop was refused: `currency` is missing." in sentence(hub, "genuine_refused")
    hub.receive("storefront", "order_canceled", {})
    assert standing(hub) == ["genuine_refused"]
    assert sentence(hub, "genuine_refused").startswith("2 webhooks were refused")
    assert "1 cancellation from the shop was refused: `id` is missing." in sentence(hub, "genuine_refused")
    assert "`pressroom overview` shows 1 further reason." in sentence(hub, "genuine_refused")
    assert "Marta" not in sentence(hub, "genuine_refused")
    assert ask(hub, "/overview")["refused"][1] == {
        "reason": "storefront order_paid created_at: missing",
        "count": 1,
        "text": "1 paid order from the shop was refused: `created_at` is missing.",
    }
    clock.advance(7 * DAY)
    assert standing(hub) == []
    assert ask(hub, "/overview")["refused"] == []


def dead(clock: Clock, destination: str, order_id: str) -> Delivery:
    return Delivery.to(destination, "order_paid", order_id=order_id, body=b"{}", now=clock.now)


def test_dead_and_late_deliveries_are_counted_by_destination(hub: Hub, clock: Clock) -> None:
    for number in range(3):
        row = replace(dead(clock, "camaloon", str(number)), state=outbox.State.DEAD).new_row(queued=False)
        hub.cloud.dynamodb.put_item(TableName="table", Item=row)
    hub.cloud.dynamodb.put_item(TableName="table", Item=dead(clock, "oms", "9").new_row(queued=False))
    assert standing(hub) == ["deliveries_dead/camaloon"]
    assert sentence(hub, "deliveries_dead/camaloon").startswith("3 deliveries to Camaloon failed for good.")
    clock.advance(HOUR + 1)
    assert standing(hub) == ["deliveries_dead/camaloon", "deliveries_late/oms"]


def test_dead_letter_messages_of_dead_deliveries_are_not_reported_twice(hub: Hub, clock: Clock) -> None:
    def dead_letter(queue: str) -> None:
        group = {"MessageGroupId": "g", "MessageDeduplicationId": queue} if queue.startswith(("Cam", "Oms")) else {}
        hub.cloud.sqs.send_message(QueueUrl=hub.cloud.url(queue), MessageBody="{}", **group)

    dead_letter("ParkDeadLetterQueue")
    dead_letter("CamaloonDeadLetterQueue")
    row = replace(dead(clock, "camaloon", "1"), state=outbox.State.DEAD).new_row(queued=False)
    hub.cloud.dynamodb.put_item(TableName="table", Item=row)
    assert standing(hub) == ["deliveries_dead/camaloon", "dead_letters/park"]
    dead_letter("OmsDeadLetterQueue")  # no delivery is dead: the queue itself has moved a message
    assert standing(hub) == ["deliveries_dead/camaloon", "dead_letters/oms", "dead_letters/park"]


def test_many_dead_notifications_do_not_hide_a_printers_delivery(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "PAGE", 2)
    for number in range(5):
        destination = "storefront" if number else "camaloon"
        row = replace(dead(clock, destination, str(number)), state=outbox.State.DEAD).new_row(queued=False)
        hub.cloud.dynamodb.put_item(TableName="table", Item=row)
        queue = {"QueueUrl": hub.cloud.url(f"{destination.capitalize()}DeadLetterQueue"), "MessageBody": str(number)}
        hub.cloud.sqs.send_message(**queue, MessageGroupId="g", MessageDeduplicationId=str(number))
        clock.advance(1)
    assert standing(hub) == ["deliveries_dead/camaloon", "deliveries_dead/storefront"]
    monkeypatch.setattr(conditions, "MOST_DELIVERIES", 3)
    assert not [each for each in standing(hub) if each.startswith("dead_letters")]  # whose they are is not known
    monkeypatch.setattr(conditions, "MOST", 2)
    assert sentence(hub, "deliveries_dead/storefront").endswith(
        " deliveries to the shop failed for good. Fix the cause, then start a replay."
    )
    look(hub)
    assert "ore than 2 deliveries" in sentence(hub, "deliveries_dead/storefront")


def test_many_waiting_notifications_do_not_hide_a_printers_delivery(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "PAGE", 2)
    for number in range(5):
        destination = "storefront" if number < 4 else "camaloon"
        row = dead(clock, destination, str(number)).new_row(queued=False)
        hub.cloud.dynamodb.put_item(TableName="table", Item=row)
        clock.advance(1)
    clock.advance(HOUR)
    assert standing(hub) == ["deliveries_late/camaloon", "deliveries_late/storefront"]


def test_disabled_notifications_are_a_condition_until_they_are_enabled(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["StorefrontUrl"] = FakeShop.URL
    with hub.cloud.as_function("monitor"):
        notifications.disable(clock.now)
    assert standing(hub) == ["storefront_disabled"]
    with hub.cloud.as_function("monitor"):
        notifications.enable(clock.now)
    assert standing(hub) == []


def test_without_problems_only_the_time_of_the_check_is_shown(hub: Hub) -> None:
    assert ask(hub, "/conditions") == {"conditions": [], "looked_at": None}
    look(hub)
    assert ask(hub, "/conditions") == {"conditions": [], "looked_at": "2026-09-01T14:10:00.000Z"}


def test_these_tests_raise_every_condition() -> None:
    text = Path(__file__).read_text()
    assert [name for name in conditions.SENTENCES if f'"{name}' not in text] == []


# --- the overview ---


def test_the_overview_counts_what_there_is(hub: Hub, clock: Clock) -> None:
    pay(hub)
    clock.advance(3 * HOUR)
    hub.send_sample("camaloon/shipment_sent")
    shown = ask(hub, "/overview")
    assert [each["status"] for each in shown["orders"]] == [str(each) for each in Status if each is not Status.LINKED]
    assert {each["status"]: each["count"] for each in shown["orders"] if each["count"]} == {"partially_shipped": 1}
    assert shown["hours"][-1] == "2026-09-01T17:00:00.000Z"
    heard = {each["provider"]: each for each in shown["providers"]}
    assert heard["camaloon"]["last_heard_at"] == "2026-09-01T17:10:00.000Z"
    assert (sum(heard["camaloon"]["received"]), heard["camaloon"]["received"][-1]) == (1, 1)
    assert (heard["storefront"]["received"][-4], heard["storefront"]["more"]) == (1, False)
    assert heard["printful"]["last_heard_at"] is None
    none = {"count": 0, "more": False}
    assert shown["deliveries"][0] == {"destination": "camaloon", "pending": none, "dead": none}
    assert shown["webhooks"] == {"failed": none, "unhandled": none}


def test_hours_that_are_over_are_counted_once_by_the_monitor(hub: Hub, clock: Clock) -> None:
    pay(hub)
    before = ask(hub, "/overview")["providers"]
    clock.advance(HOUR)
    look(hub)
    after = ask(hub, "/overview")["providers"]
    assert after[0]["received"][:-1] == before[0]["received"][1:]
    clock.advance(23 * HOUR)
    assert sum(ask(hub, "/overview")["providers"][0]["received"]) == 0


def test_an_event_written_at_the_end_of_an_hour_is_counted(hub: Hub, clock: Clock) -> None:
    clock.now = datetime.fromisoformat("2026-09-01T14:59:59.900+00:00")
    pay(hub)
    (row,) = hub.cloud.rows("EVENT")
    hub.cloud.dynamodb.delete_item(TableName="table", Key={"pk": row["pk"]})
    clock.advance(5)
    look(hub)
    hub.cloud.dynamodb.put_item(TableName="table", Item=row)  # only now has the index got it
    clock.advance(15 * 60)
    look(hub)
    assert ask(hub, "/overview")["providers"][0]["received"][-2] == 1


def test_a_delivery_behind_a_dead_one_is_not_reported_as_being_tried(hub: Hub, clock: Clock) -> None:
    hub.cloud.dynamodb.put_item(TableName="table", Item=dead(clock, "oms", "9").new_row(queued=False))
    clock.advance(2 * HOUR)
    look(hub)
    assert sentence(hub, "deliveries_late/oms").endswith(
        "Pressroom is still trying to send it, or it waits behind a dead delivery of the same order."
    )
