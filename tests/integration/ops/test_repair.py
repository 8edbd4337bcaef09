"""Putting things right through the API: replays of one and of many, settling by hand, erasing, and who did what."""

import json
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from pressroom.ops import bulk_replay, erasure, replay
from pressroom.order import customers, repository
from pressroom.order.facts import unpack
from pressroom.order.fold import fold
from pressroom.order.outbox import Delivery
from pressroom.platform import table
from pressroom.platform.errors import Dead, Retry
from tests.support import gateway
from tests.support.cloud import SECRETS, Clock
from tests.support.histories import Storyteller
from tests.support.hub import FakeShop, Hub, read
from tests.support.samples import body, sample


def pay(hub: Hub, order_id: int, **changes: Any) -> None:
    hub.send_sample("storefront/order_paid", id=order_id, **changes)


def die(hub: Hub, number: int, first: int = 1) -> list[str]:
    """So many orders that Camaloon has refused; the ids of their deliveries, oldest first."""
    hub.camaloon.answers = [Dead("HTTP 400", status=400)] * number
    for order_id in range(first, first + number):
        pay(hub, order_id)
    return [each["id"] for each in dead(hub)][::-1]


def dead(hub: Hub, status: str = "dead") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hub.get("/deliveries", status=status, limit="100")["body"]["deliveries"]
    return found


def ask(hub: Hub, path: str, content: Any, **headers: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {SECRETS['OpsTokenSecret']}", **headers}
    return read(hub.cloud.call("api", gateway.request("POST", path, headers=headers, body=body(content))))


WANTED = {"what": "deliveries", "state": "dead", "dry_run": False}


def start(hub: Hub, **changes: Any) -> dict[str, Any]:
    answer = hub.post("/replays", WANTED | changes)
    assert answer["statusCode"] == 202, answer
    job: dict[str, Any] = answer["body"]
    return job


def job_of(hub: Hub, job: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = hub.get(f"/replays/{job['id']}")["body"]
    return shown


def next_minute(hub: Hub, clock: Clock) -> None:
    clock.advance(60)
    hub.cloud.call("replays", {})
    hub.settle()


# --- one ---


def test_a_replay_says_who_asked_for_it(hub: Hub) -> None:
    (delivery,) = die(hub, 1)
    ask(hub, f"/deliveries/{delivery}/replay", {}, **{"x-actor": "Ada"})
    hub.settle()
    (action,) = hub.get("/actions", target=delivery)["body"]["actions"]
    assert (action["action"], action["by"], action["target"]) == ("replay", "Ada", delivery)
    assert hub.get("/actions", target="another")["body"]["actions"] == []
    assert len(hub.camaloon.requests) == 2


def test_without_a_name_it_was_the_token(hub: Hub) -> None:
    (delivery,) = die(hub, 1)
    hub.post(f"/deliveries/{delivery}/replay")
    (action,) = hub.get("/actions")["body"]["actions"]
    assert action["by"].startswith("token:")
    assert SECRETS["OpsTokenSecret"] not in action["by"]


def test_a_replay_of_what_is_being_retried_or_has_succeeded_has_no_effect(hub: Hub) -> None:
    (delivery,) = die(hub, 1)
    hub.camaloon.answers = [Retry("HTTP 503", status=503)]
    assert hub.post(f"/deliveries/{delivery}/replay")["body"]["replayed"] is True
    hub.settle()
    assert hub.post(f"/deliveries/{delivery}/replay")["body"]["replayed"] is False  # it is being retried
    hub.deliver_again()
    assert hub.post(f"/deliveries/{delivery}/replay")["body"]["replayed"] is False  # it has succeeded
    hub.settle()
    assert len(hub.camaloon.requests) == 3
    assert len(hub.get("/actions")["body"]["actions"]) == 1


def test_a_webhook_that_was_processed_is_not_processed_again(hub: Hub) -> None:
    event = hub.send_sample("camaloon/shipment_sent")["body"]["event_id"]
    before = hub.order()
    assert hub.post(f"/events/{event}/replay")["body"] == {"id": event, "replayed": False}
    hub.settle()
    assert hub.order() == before


# --- many ---


def test_a_dry_run_counts_and_does_nothing(hub: Hub) -> None:
    die(hub, 3)
    answer = hub.post("/replays", {"what": "deliveries", "state": "dead"})
    assert (answer["statusCode"], answer["body"]) == (202, {"matching": 3, "complete": True})
    hub.settle()
    assert len(dead(hub)) == 3
    assert hub.get("/replays")["body"]["replays"] == []


def test_a_count_is_bounded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_replay, "MOST_COUNTED", 2)
    monkeypatch.setattr(bulk_replay, "PAGE", 1)
    die(hub, 3)
    assert hub.post("/replays", {"what": "deliveries", "state": "dead"})["body"] == {"matching": 2, "complete": False}


def test_many_are_replayed_once_each(hub: Hub) -> None:
    deliveries = die(hub, 5)
    job = start(hub)
    hub.settle()
    assert (job["status"], job["matched"], job["replayed"], job["skipped"]) == ("finished", 5, 5, 0)
    assert {each["id"] for each in dead(hub, "delivered")} == set(deliveries)
    assert len(hub.camaloon.requests) == 10
    assert hub.cloud.messages("CamaloonDeadLetterQueue") == []
    assert {each["by"] for each in hub.get("/actions")["body"]["actions"]} == {f"{job['by']} (replays {job['id']})"}


def test_the_rate_holds_and_the_cap_ends_it(hub: Hub, clock: Clock) -> None:
    die(hub, 7)
    job = start(hub, per_minute=2, limit=5)
    hub.settle()
    assert job["replayed"] == 2
    hub.cloud.call("replays", {})  # in the same minute: it was claimed
    hub.settle()
    assert job_of(hub, job)["replayed"] == 2
    next_minute(hub, clock)
    assert job_of(hub, job)["replayed"] == 4
    next_minute(hub, clock)
    assert (job_of(hub, job)["replayed"], job_of(hub, job)["status"]) == (5, "finished")
    next_minute(hub, clock)
    assert len(dead(hub)) == 2
    assert replays_run(hub) == 0


def replays_run(hub: Hub) -> int:
    running: int = hub.cloud.call("replays", {})["running"]
    return running


def test_a_canceled_job_goes_no_further(hub: Hub, clock: Clock) -> None:
    die(hub, 4)
    job = start(hub, per_minute=1)
    for _ in range(2):
        assert hub.post(f"/replays/{job['id']}/cancel")["body"]["status"] == "canceled"
    next_minute(hub, clock)
    assert (job_of(hub, job)["status"], job_of(hub, job)["replayed"]) == ("canceled", 1)
    assert len(dead(hub)) == 3


def test_a_job_that_is_over_is_not_canceled(hub: Hub) -> None:
    die(hub, 1)
    job = start(hub)
    assert hub.post(f"/replays/{job['id']}/cancel")["body"]["status"] == "finished"


def test_a_job_canceled_while_somebody_works_on_it_stops_after_that_page(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(hub, 4)
    monkeypatch.setattr(bulk_replay, "PAGE", 1)
    job = start(hub, per_minute=1)
    clock.advance(60)
    real = replay.requeue

    def canceled_meanwhile(delivery: Delivery, **how: Any) -> bool:
        found = bulk_replay.get(job["id"])
        assert found
        bulk_replay.cancel(found)
        return real(delivery, **how)

    monkeypatch.setattr(replay, "requeue", canceled_meanwhile)
    hub.cloud.call("replays", {})
    assert job_of(hub, job)["status"] == "canceled"
    assert len(dead(hub)) == 2


def test_two_concurrent_runs_of_a_job_keep_its_rate(hub: Hub, clock: Clock) -> None:
    die(hub, 6)
    job = start(hub, per_minute=1)
    clock.advance(60)
    found = bulk_replay.get(job["id"])
    assert found
    with hub.cloud.as_function("replays"):
        for _ in range(3):  # each has read the job before the others wrote
            bulk_replay.work(found, is_over=lambda: False, now=clock())
    assert len(dead(hub)) == 4


def test_a_job_that_was_killed_goes_on(hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    die(hub, 4)
    real, calls = replay.requeue, list[str]()

    def killed(delivery: Delivery, **how: Any) -> bool:
        calls.append(delivery.id)
        if len(calls) == 3:
            raise SystemExit
        return real(delivery, **how)

    with monkeypatch.context() as patch:
        patch.setattr(replay, "requeue", killed)
        with pytest.raises(SystemExit):
            start(hub)
    (job,) = hub.get("/replays")["body"]["replays"]
    assert job["status"] == "running"
    next_minute(hub, clock)
    assert job_of(hub, job)["status"] == "finished"
    assert dead(hub) == []
    assert len(hub.camaloon.requests) == 8


def test_what_dies_again_is_not_replayed_again_by_the_same_job(hub: Hub, clock: Clock) -> None:
    die(hub, 2)
    hub.camaloon.answers = [Dead("HTTP 400", status=400)] * 10
    job = start(hub, per_minute=1)
    hub.settle()
    for _ in range(4):
        next_minute(hub, clock)
    assert (job_of(hub, job)["status"], job_of(hub, job)["matched"]) == ("finished", 2)
    assert len(dead(hub)) == 2
    assert len(hub.cloud.messages("CamaloonDeadLetterQueue")) == 2  # one each: the old ones are swept


def test_what_came_after_the_job_is_not_meant(hub: Hub, clock: Clock) -> None:
    die(hub, 2)
    job = start(hub, per_minute=1)
    clock.advance(1)
    die(hub, 1, first=50)
    next_minute(hub, clock)
    next_minute(hub, clock)
    assert job_of(hub, job)["status"] == "finished"
    assert len(dead(hub)) == 1


def test_criteria_pick_what_is_meant(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["StorefrontUrl"] = FakeShop.URL
    hub.shop.answers = [Dead("HTTP 422", status=422)] * 2
    pay(hub, 1)
    clock.advance(3600)
    pay(hub, 2)
    counted = [
        hub.post("/replays", {"what": "deliveries", "state": "dead", **criteria})["body"]["matching"]
        for criteria in (
            {"destination": "storefront"},
            {"destination": "camaloon"},
            {"operation": "order.accepted"},
            {"operation": "order.shipped"},
            {"since": (clock() - timedelta(minutes=5)).isoformat()},
            {"until": (clock() - timedelta(minutes=5)).isoformat()},
        )
    ]
    assert counted == [2, 0, 2, 0, 1, 1]


def test_webhooks_are_replayed_in_bulk_too(hub: Hub) -> None:
    for number in range(3):
        hub.receive("camaloon", "brand_new_topic", sample("camaloon/shipment_sent") | {"order_id": number})
        hub.settle()
    answer = hub.post("/replays", {"what": "events", "state": "unhandled", "provider": "camaloon"})
    assert answer["body"]["matching"] == 3
    hub.cloud.lambda_.names.add("pressroom-camaloon-brand_new_topic")
    job = start(hub, what="events", state="unhandled", topic="brand_new_topic")
    hub.pump()
    assert job["replayed"] == 3
    assert len(hub.cloud.lambda_.waiting) == 3


def test_the_same_key_is_the_same_job(hub: Hub) -> None:
    die(hub, 3)
    one = ask(hub, "/replays", WANTED | {"per_minute": 1}, **{"idempotency-key": "k1"})["body"]
    two = ask(hub, "/replays", WANTED | {"per_minute": 1}, **{"idempotency-key": "k1"})["body"]
    assert one["id"] == two["id"]
    assert two["replayed"] == 1
    assert len(dead(hub)) == 2


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"what": "orders", "state": "dead"},
        {"what": "events", "state": "dead"},
        {"what": "deliveries", "state": "failed"},
        {"what": "deliveries", "state": "dead", "provider": "camaloon"},
        {"what": "events", "state": "failed", "destination": "camaloon"},
        {"what": "deliveries", "state": "dead", "limit": 0},
        {"what": "deliveries", "state": "dead", "limit": 10_001},
        {"what": "deliveries", "state": "dead", "per_minute": 601},
        {"what": "deliveries", "state": "dead", "since": "2026-09-01T10:00:00"},
        {"what": "deliveries", "state": "dead", "sincee": "2026-09-01T10:00:00Z"},
    ],
)
def test_what_can_not_be_meant_is_refused(hub: Hub, wanted: dict[str, Any]) -> None:
    answer = hub.post("/replays", wanted)
    assert answer["statusCode"] == 400
    assert answer["body"]["detail"]
    assert hub.cloud.rows("JOB") == []


@pytest.mark.parametrize("path", ["/replays/none", "/replays/none/cancel", "/deliveries/none/settle"])
def test_what_is_not_there_is_not_found(hub: Hub, path: str) -> None:
    answer = (
        hub.get(path) if path == "/replays/none" else hub.post(path, {"outcome": "done"} if "settle" in path else {})
    )
    assert answer["statusCode"] == 404


# --- settled by hand ---


def test_a_dead_order_that_the_printer_has_after_all_is_accepted(hub: Hub) -> None:
    (delivery,) = die(hub, 1)
    assert hub.post(f"/deliveries/{delivery}/settle", {"outcome": "done"})["statusCode"] == 200
    hub.settle()
    order = hub.order("1")
    assert (order["status"], order["attention"]) == ("accepted", [])
    assert order["deliveries"][0]["status"] == "delivered"
    assert hub.cloud.messages("CamaloonDeadLetterQueue") == []
    assert hub.post(f"/deliveries/{delivery}/settle", {"outcome": "done"})["statusCode"] == 409
    assert [each["action"] for each in hub.get("/actions")["body"]["actions"]] == ["settle:done"]
    assert len(hub.camaloon.requests) == 1


def test_a_dead_order_that_nobody_is_to_print_is_canceled(hub: Hub) -> None:
    (delivery,) = die(hub, 1)
    answer = hub.post(f"/deliveries/{delivery}/settle", {"outcome": "dropped"})
    assert answer["body"] == {"id": delivery, "status": "withdrawn"}
    order = hub.order("1")
    assert order["status"] == "canceled"
    assert "delivery_dead" not in order["attention"]
    assert dead(hub) == []
    assert [each["id"] for each in dead(hub, "withdrawn")] == [delivery]


def test_an_order_at_the_oms_that_is_settled_has_no_uid(hub: Hub) -> None:
    hub.oms.faults = [400]
    hub.send_sample("storefront/order_paid__personalized")
    (delivery,) = dead(hub)
    hub.post(f"/deliveries/{delivery['id']}/settle", {"outcome": "done"})
    assert hub.order(delivery["order_id"])["attention"] == ["uid_unknown"]


@pytest.mark.parametrize("content", [{}, {"outcome": "maybe"}, {"outcome": "done", "why": "x"}])
def test_an_outcome_that_is_none_is_refused(hub: Hub, content: dict[str, str]) -> None:
    (delivery,) = die(hub, 1)
    assert hub.post(f"/deliveries/{delivery}/settle", content)["statusCode"] == 400
    assert len(dead(hub)) == 1


# --- erased ---

EMAIL = "marta.soler@shop.example"
PERSONAL = ("Soler", "Marta", "Llum", "08001", "+34 600", "9414 1058", "carrier.example", "Neighbour")


def everything(hub: Hub) -> str:
    """All that stands in the table, unpacked."""
    found = []
    for row in hub.cloud.rows():
        plain = {name: value for name, value in row.items() if name not in ("body", "facts")}
        found.append(json.dumps(plain, default=str))
        if "body" in row:
            found.append(table.unpack(row["body"]).decode())
        if "facts" in row:
            found.append(json.dumps([each.data for each in unpack(row["facts"]["B"])]))
    return "\n".join(found)


def history(hub: Hub) -> None:
    hub.cloud.parameters["StorefrontUrl"] = FakeShop.URL
    hub.send_sample("storefront/order_paid")
    hub.send_sample("camaloon/shipment_sent")
    hub.send_sample("storefront/order_canceled", id=1001, reason="Neighbour Marta Soler has it")


def test_nothing_personal_is_left_and_the_record_stays(hub: Hub) -> None:
    history(hub)
    assert all(each in everything(hub) for each in PERSONAL)
    before = hub.order()
    assert [each["id"] for each in hub.get("/orders", email=EMAIL)["body"]["orders"]] == ["1001"]
    answer = hub.post("/orders/1001/erase")
    assert answer["statusCode"] == 200
    left = everything(hub)
    assert [each for each in PERSONAL if each in left] == []
    after = hub.order()
    assert after["erased_at"] == answer["body"]["erased_at"]
    unnamed = {"price": None, "name": None}
    assert [line | unnamed for line in after["lines"]] == [line | unnamed for line in before["lines"]]
    assert [line["name"] for line in after["lines"]] == [None, None]
    same = ("id", "ref", "status", "on_hold", "attention", "currency", "created_at")
    assert [after[name] for name in same] == [before[name] for name in same]
    assert len(after["shipments"]) == len(before["shipments"])
    assert repository.find("tracking", "9414 1058 1746 0398 1325 11") == []
    assert repository.find("ref", "20260901003") == ["1001"]
    assert hub.get("/orders", email=EMAIL)["body"]["orders"] == []
    assert not [row for row in hub.cloud.rows("FIND") if "/email/" in str(row) and "orders" in row]
    assert hub.post("/orders/1001/recipient")["statusCode"] == 404
    assert [each["action"] for each in hub.get("/actions", target="1001")["body"]["actions"]] == ["erase"]


def test_what_comes_again_is_still_known_and_what_is_new_is_erased_by_asking_again(hub: Hub) -> None:
    history(hub)
    hub.post("/orders/1001/erase")
    for name in ("storefront/order_paid", "camaloon/shipment_sent"):
        assert hub.send_sample(name)["body"]["status"] == "duplicate"
    assert hub.send_sample("storefront/order_paid", note="Marta Soler")["body"]["status"] == "duplicate"
    hub.send_sample("camaloon/shipment_sent__second_parcel")
    hub.post("/orders/1001/erase")
    left = everything(hub)
    assert [each for each in PERSONAL if each in left] == []
    assert sum(fact.kind == "erased" for fact in repository.get("1001").facts) == 1  # type: ignore[union-attr]


def test_an_order_with_something_still_to_be_sent_is_not_erased(hub: Hub) -> None:
    hub.camaloon.answers = [Retry("HTTP 503", status=503)]
    hub.send_sample("storefront/order_paid")
    assert hub.post("/orders/1001/erase")["statusCode"] == 409
    assert "Soler" in everything(hub)
    hub.deliver_again()
    hub.settle()
    assert len(hub.camaloon.requests) == 2
    assert hub.post("/orders/1001/erase")["statusCode"] == 200


def test_a_dead_delivery_is_withdrawn_before_its_body_is_erased(hub: Hub) -> None:
    die(hub, 1)
    hub.post("/orders/1/erase")
    assert dead(hub) == []
    assert hub.cloud.messages("CamaloonDeadLetterQueue") == []
    assert hub.order("1")["status"] == "canceled"


def test_the_shop_is_notified_of_what_an_erasure_ends_before_the_rest_is_erased(hub: Hub) -> None:
    hub.cloud.parameters["StorefrontUrl"] = FakeShop.URL
    die(hub, 1)
    assert hub.post("/orders/1/erase")["statusCode"] == 409
    hub.settle()
    assert hub.shop.types("1")[-1] == "order.canceled"
    assert hub.post("/orders/1/erase")["statusCode"] == 200
    left = everything(hub)
    assert [each for each in PERSONAL if each in left] == []


def test_an_interrupted_erasure_is_finished_by_a_second_request(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    history(hub)

    def killed(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(repository, "rewrite", killed)
        with pytest.raises(SystemExit):
            hub.post("/orders/1001/erase")
    assert hub.order()["erased_at"] is None
    hub.post("/orders/1001/erase")
    left = everything(hub)
    assert [each for each in PERSONAL if each in left] == []
    assert hub.order()["erased_at"]


def test_a_parked_webhook_is_erased_on_its_own(hub: Hub) -> None:
    event = hub.receive("camaloon", "shipment_sent", {"order_id": None, "to": "Marta Soler"})["body"]["event_id"]
    hub.settle()
    assert hub.event(event)["state"] == "failed"
    assert hub.post(f"/events/{event}/erase")["statusCode"] == 200
    shown = hub.event(event)
    assert (shown["body"], shown["body_erased"]) == (None, True)
    assert hub.get("/events", state="failed")["body"]["events"] == []
    assert hub.post(f"/events/{event}/replay")["statusCode"] == 409
    assert "Soler" not in everything(hub)


def test_a_webhook_that_is_still_to_be_processed_or_belongs_to_an_order_is_not_erased_on_its_own(hub: Hub) -> None:
    event = hub.receive("camaloon", "shipment_sent", sample("camaloon/shipment_sent"))["body"]["event_id"]
    early = hub.post(f"/events/{event}/erase")
    assert (early["statusCode"], early["body"]["detail"][:36]) == (409, "The webhook is still to be processed")
    hub.settle()
    assert hub.event(event)["state"] == "processed"
    late = hub.post(f"/events/{event}/erase")
    assert (late["statusCode"], late["body"]["detail"]) == (
        409,
        "The webhook belongs to an order. Erase the order 1001 instead.",
    )
    assert hub.event(event)["body_erased"] is False


def test_an_order_that_is_not_there_is_not_erased(hub: Hub) -> None:
    assert hub.post("/orders/none/erase")["statusCode"] == 404


@pytest.mark.parametrize("seed", range(300))
def test_the_order_is_the_same_but_for_its_texts(seed: int) -> None:
    history = Storyteller(Random(seed)).all()  # noqa: S311 - no secret
    facts = [replace(each, data=each.data | {"emails": [f"digest-{n % 2}"]}) for n, each in enumerate(history.facts)]
    before = fold(history.order_id, facts)
    assert before == fold(history.order_id, history.facts)
    erased = erasure.without_texts(facts)
    assert customers.of(erased) == set()
    after = fold(history.order_id, erased)
    assert blank(before.to_json()) == blank(after.to_json())
    shown = json.dumps(after.to_json())
    named = (fact.data.get(name) for fact in history.facts for name in ("tracking_number", "tracking_url"))
    assert not [text for text in named if text and len(text) > 6 and text in shown]
    assert not [word for word in ("idony", "Idony", "Tee of") if word in shown]


def blank(value: Any, name: str = "") -> Any:
    """A record without the texts that are erased."""
    if isinstance(value, dict):
        return {key: None if key == "approval_files" else blank(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [blank(each) for each in value]
    erased = ("reason", "cause", "tracking_number", "tracking_url", "url", "text", "name")
    return None if name in erased else value


# --- the shop that wants to hear no more ---


def test_notifications_are_enabled_again_and_all_is_replayed(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["StorefrontUrl"] = FakeShop.URL
    hub.shop.answers = [Dead("HTTP 410", status=410)]
    hub.send_sample("storefront/order_paid")
    clock.advance(1)
    hub.send_sample("camaloon/shipment_sent")
    assert hub.get("/notifications")["body"]["disabled_at"]
    for _ in range(2):
        assert hub.post("/notifications/enable")["body"] == {"url_set": True, "disabled_at": None}
    start(hub, destination="storefront")
    hub.settle()
    assert hub.shop.types()[1:] == ["order.accepted", "order.shipped"]
    assert [each["action"] for each in hub.get("/actions", target="notifications")["body"]["actions"]] == ["enable"]
    assert "shop_not_told" not in hub.order()["attention"]
