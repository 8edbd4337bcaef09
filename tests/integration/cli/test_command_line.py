"""The command line against the front door over HTTP: what scripts and people are told, and how each command ends."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from cli.errors import DONE, NOT_SO, UNREACHED, USAGE
from cli.main import main
from pressroom.platform.errors import Dead
from tests.support import template
from tests.support.account import Account, Door, opened
from tests.support.cloud import SECRETS, Clock, Cloud
from tests.support.hub import Hub
from tests.support.samples import PERSONAL, order, sample, shipment

LOGGED = ('{"level"', '{"_aws"')


class Desk:
    """Somebody who types commands, and what they read."""

    def __init__(self, capsys: pytest.CaptureFixture[str], door: Door) -> None:
        self._capsys = capsys
        self.door = door
        self.out = self.err = ""

    def types(self, *typed: str) -> int:
        self._capsys.readouterr()
        code = main(typed)
        out, self.err = self._capsys.readouterr()
        # The functions answer in this same process, and what they log is not the command's.
        self.out = "".join(line for line in out.splitlines(keepends=True) if not line.startswith(LOGGED))
        assert not [each for each in SECRETS.values() if each in self.out + self.err], "a secret is shown"
        return code

    def json(self, *typed: str, code: int = DONE) -> Any:
        assert self.types(*typed, "--json") == code, self.err
        return json.loads(self.out)

    @property
    def read(self) -> str:
        """What was printed, on one line."""
        return " ".join(self.out.split())


@pytest.fixture
def door(hub: Hub) -> Iterator[Door]:
    with opened(Door(hub.cloud)) as door:
        yield door


@pytest.fixture
def desk(door: Door, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Somebody who has the ops token, and nothing else."""
    monkeypatch.delenv("PRESSROOM_STACK", raising=False)
    monkeypatch.setenv("PRESSROOM_API_URL", door.url)
    monkeypatch.setenv("PRESSROOM_TOKEN", SECRETS["OpsTokenSecret"])
    monkeypatch.setattr("getpass.getuser", lambda: "marta")
    return Desk(capsys, door)


@pytest.fixture
def account(desk: Desk, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The stack of an AWS account that the desk has rights to, named by a variable."""
    account = Account(cloud, desk.door.url)
    account.make_alarms()
    monkeypatch.delenv("PRESSROOM_API_URL")
    monkeypatch.setenv("PRESSROOM_STACK", template.STACK)
    monkeypatch.setattr("boto3.client", account.client)
    return account


def dead(hub: Hub, *order_ids: int) -> list[str]:
    """Pay orders that Camaloon refuses; the ids of their deliveries."""
    for each in order_ids:
        hub.camaloon.answers = [Dead("HTTP 422", status=422)]
        hub.receive("storefront", "order_paid", order(id=each))
        hub.settle()
    return [each["id"] for each in hub.get("/deliveries")["body"]["deliveries"]]


# --- looking ---


def test_orders_are_listed_by_what_is_asked_for(desk: Desk, hub: Hub) -> None:
    dead(hub, 7)
    hub.receive("storefront", "order_paid", order(id=8))
    hub.settle()
    assert [each["id"] for each in desk.json("orders")["orders"]] == ["8", "7"]
    assert [each["id"] for each in desk.json("orders", "--attention")["orders"]] == ["7"]
    assert [each["id"] for each in desk.json("orders", "--attention", "delivery_dead")["orders"]] == ["7"]
    assert [each["id"] for each in desk.json("orders", "--status", "accepted")["orders"]] == ["8"]
    assert [each["id"] for each in desk.json("orders", "--id", "7", "--provider", "camaloon")["orders"]] == ["7"]
    assert desk.json("orders", "--stalled") == {"orders": [], "more": False}
    assert desk.json("orders", "--limit", "1") == {
        "orders": [hub.get("/orders", limit="1")["body"]["orders"][0]],
        "more": True,
    }
    assert desk.types("orders", "--limit", "1") == DONE
    assert desk.read.endswith("There are more: --limit, or --all.")


def test_all_orders_are_read_page_by_page(desk: Desk, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in range(5):
        hub.receive("storefront", "order_paid", order(id=each))
    hub.settle()
    monkeypatch.setattr("cli.hub.PAGE", 2)
    assert len(desk.json("orders", "--all")["orders"]) == 5
    assert desk.door.asked.count(("GET", "/orders")) == 3
    found = desk.json("orders", "--limit", "3")
    assert (len(found["orders"]), found["more"]) == (3, True)


def test_an_order_is_shown_with_all_that_is_known_of_it(desk: Desk, hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    hub.receive("camaloon", "shipment_sent", shipment(("063e8da93379f8c1aee0", 4), tracking="T1"))
    hub.settle()
    assert desk.json("order", "1001") == hub.order()
    assert desk.types("order", "1001") == DONE
    for part in (
        "Order 1001",
        "partially_shipped",
        "4 x 063e8da93379f8c1aee0",
        "T1",
        "order_paid delivered 1",
        "Timeline",
    ):
        assert part in desk.read
    assert not [each for each in PERSONAL if each in desk.out]


@pytest.mark.parametrize("order_id", ["W/1", "W?1", "W%2F1", "#1 ñ%41", ".."])
def test_an_order_is_shown_whatever_its_id_holds(desk: Desk, hub: Hub, order_id: str) -> None:
    hub.receive("storefront", "order_paid", order(id=order_id))
    hub.settle()
    assert desk.json("order", order_id)["id"] == order_id


def test_what_is_not_there_ends_with_1_and_a_sentence(desk: Desk) -> None:
    for typed in (["order", "none"], ["webhook", "none"], ["delivery", "none"], ["replay", "show", "none"]):
        assert desk.types(*typed, "--json") == NOT_SO
        assert desk.out == ""
        assert desk.err.startswith("error: There is no such ")


def test_webhooks_are_listed_and_one_is_shown_with_its_body(desk: Desk, hub: Hub) -> None:
    hub.tell("cloudprinter/item_shipped")
    hub.receive("camaloon", "mug_dropped", {"order_id": 1, "note": "\x1b[2J"})
    hub.settle()
    (listed,) = desk.json("webhooks", "--state", "unhandled")["events"]
    assert (listed["provider"], listed["topic"]) == ("camaloon", "mug_dropped")
    assert len(desk.json("webhooks")["events"]) == 2
    assert desk.types("webhooks", "--provider", "camaloon") == DONE
    assert f"camaloon mug_dropped unhandled {listed['id']}" in desk.read
    assert desk.types("webhook", listed["id"]) == DONE
    assert r'"note": "\u001b[2J"}' in desk.out
    shown = desk.json("webhook", listed["id"])
    assert json.loads(shown["body"])["order_id"] == 1


def test_deliveries_are_listed_and_one_is_shown_with_each_attempt(desk: Desk, hub: Hub) -> None:
    (delivery,) = dead(hub, 7)
    assert [each["id"] for each in desk.json("deliveries")["deliveries"]] == [delivery]
    assert desk.json("deliveries", "--status", "delivered")["deliveries"] == []
    assert desk.types("deliveries", "--destination", "camaloon") == DONE
    assert "camaloon order_paid 7 dead 1" in desk.read
    assert desk.types("delivery", delivery) == DONE
    assert "Attempts at HTTP status error 2026-09-01T14:10:00Z 422" in desk.read
    assert [each["status"] for each in desk.json("delivery", delivery)["history"]] == [422]


def test_the_overview_and_what_stands_are_shown(desk: Desk) -> None:
    some = {"count": 2, "more": False}
    hours = [0] * 20 + [1, 0, 3, 8]
    overview = {
        "at": "2026-11-28T03:00:00.000Z",
        "orders": [{"status": "paid", "count": 1000, "more": True}, {"status": "shipped", "count": 0, "more": False}],
        "attention": some,
        "deliveries": [{"destination": "oms", "pending": some, "dead": {"count": 1, "more": False}}],
        "webhooks": {"failed": some, "unhandled": some},
        "hours": [],
        "providers": [{"provider": "printful", "last_heard_at": None, "received": hours, "more": False}],
    }
    text = "Printful has sent nothing for a day."
    condition = {
        "id": "provider_silent/printful",
        "name": "provider_silent",
        "about": "printful",
        "since": "x",
        "text": text,
    }
    desk.door.instead = {
        "/overview": (200, overview),
        "/conditions": (200, {"conditions": [condition], "looked_at": "2026-11-28T03:00:00.000Z"}),
    }
    assert desk.json("overview") == overview
    assert desk.types("overview") == DONE
    assert "paid 1000+ 2 need a person." in desk.read
    assert "printful ▁ ▃█ 12 never" in desk.read
    assert desk.types("conditions") == NOT_SO
    assert text in desk.read
    assert desk.json("conditions", code=NOT_SO)["conditions"] == [condition]
    desk.door.instead["/conditions"] = (200, {"conditions": [], "looked_at": None})
    assert desk.types("conditions") == DONE
    assert "Conditions: none" in desk.read


def test_the_overview_counts_what_there_is(desk: Desk, hub: Hub) -> None:
    dead(hub, 7)
    assert desk.json("overview") == hub.get("/overview")["body"]
    assert desk.types("overview") == DONE
    assert "paid 1 1 need a person. Deliveries to pending dead camaloon 0 1 oms 0 0" in desk.read


# --- putting right ---


def test_a_dead_delivery_is_replayed_in_the_name_of_who_typed_it(desk: Desk, hub: Hub) -> None:
    (delivery,) = dead(hub, 7)
    assert desk.json("replay", "delivery", delivery) == {"id": delivery, "replayed": True}
    hub.settle()
    assert hub.order("7")["status"] == "accepted"
    (action,) = hub.get("/actions", target=delivery)["body"]["actions"]
    assert action["by"] == "cli:marta"
    assert desk.types("replay", "delivery", delivery) == NOT_SO
    assert desk.read == f"{delivery} needs no replay, and is left as it is."


def test_a_webhook_is_replayed(desk: Desk, hub: Hub) -> None:
    hub.receive("camaloon", "mug_dropped", {"order_id": 1})
    hub.settle()
    (event,) = desk.json("webhooks", "--state", "unhandled")["events"]
    assert desk.types("replay", "webhook", event["id"]) == DONE
    assert desk.json("webhook", event["id"])["replays"] == 1


def test_many_are_counted_replayed_and_watched_until_the_end(desk: Desk, hub: Hub) -> None:
    dead(hub, 7, 8, 9)
    job = desk.json("replay", "deliveries", "--destination", "camaloon", "--limit", "2", "--yes")
    assert (job["status"], job["replayed"], job["limit"], job["by"]) == ("finished", 2, 2, "cli:marta")
    hub.settle()
    assert len(desk.json("deliveries")["deliveries"]) == 1
    assert desk.types("replay", "deliveries", "--since", "2026-09-02", "--yes") == DONE
    assert desk.read == "There are no dead deliveries that match: nothing to replay."
    assert desk.types("replay", "webhooks", "--state", "failed", "--yes") == DONE
    assert desk.read == "There are no failed webhooks that match: nothing to replay."
    assert desk.types("replay", "webhooks", "--state", "failed", "--yes", "--json") == DONE
    assert json.loads(desk.out) == {"matching": 0, "complete": True}


def test_a_slow_replay_is_waited_for(desk: Desk, hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    dead(hub, 7, 8, 9)
    waited = []

    def a_minute(seconds: float) -> None:
        waited.append(seconds)
        clock.advance(60)
        hub.cloud.call("replays", {})

    monkeypatch.setattr("time.sleep", a_minute)
    job = desk.json("replay", "deliveries", "--per-minute", "1", "--yes")
    assert (job["status"], job["replayed"]) == ("finished", 3)
    assert len(waited) >= 2


def test_who_interrupts_a_replay_is_told_how_to_end_it(desk: Desk, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    dead(hub, 7, 8)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    assert desk.types("replay", "deliveries", "--per-minute", "1", "--yes") == 130
    (job,) = hub.get("/replays")["body"]["replays"]
    assert f"`pressroom replay cancel {job['id']}` ends it." in desk.err
    assert desk.json("replay", "show", job["id"])["status"] == "running"
    assert desk.types("replay", "cancel", job["id"]) == DONE
    assert desk.json("replay", "cancel", job["id"])["status"] == "canceled"


def test_a_replay_that_is_lost_sight_of_goes_on(desk: Desk, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    dead(hub, 7, 8)

    def broken(_: float) -> None:
        (job,) = hub.get("/replays")["body"]["replays"]
        desk.door.instead[f"/replays/{job['id']}"] = (503, {"message": "Service Unavailable"})

    monkeypatch.setattr("time.sleep", broken)
    assert desk.types("replay", "deliveries", "--per-minute", "1", "--yes") == NOT_SO
    assert "The replay goes on without you" in desk.err
    assert desk.err.endswith("error: Refused (503): Service Unavailable\n")


def test_a_replay_is_started_without_waiting(desk: Desk, hub: Hub) -> None:
    dead(hub, 7, 8)
    assert desk.types("replay", "deliveries", "--per-minute", "1", "--yes", "--no-wait") == DONE
    assert "The replay is running: 1 replayed" in desk.read


def test_nothing_is_replayed_or_erased_without_a_yes(desk: Desk, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    dead(hub, 7)
    for typed in (["replay", "deliveries"], ["erase", "order", "7"], ["erase", "webhook", "any"]):
        assert desk.types(*typed) == USAGE
        assert "give --yes" in desk.err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda question, err: False)
    assert desk.types("replay", "deliveries") == NOT_SO
    assert desk.err == "error: Nothing was done.\n"
    monkeypatch.setattr(
        "click.confirm", lambda question, err: question == "Replay 1, 60 a minute, at " + desk.door.url + "?"
    )
    assert desk.types("replay", "deliveries") == DONE


def test_a_dead_delivery_is_settled(desk: Desk, hub: Hub) -> None:
    (delivery,) = dead(hub, 7)
    assert desk.json("settle", delivery, "done") == {"id": delivery, "status": "delivered"}
    assert desk.types("settle", delivery, "dropped") == NOT_SO
    assert desk.err == "error: Refused (409): Only a dead delivery can be settled.\n"


def test_a_line_is_given_to_a_printer(desk: Desk, hub: Hub) -> None:
    hub.cloud.parameters["DefaultDestination"] = "nobody"
    hub.receive("storefront", "order_paid", order(id=7))
    hub.settle()
    assert desk.json("route", "7", "1", "camaloon")["status"] == "accepted"
    hub.settle()
    assert desk.types("route", "7", "1", "printful") == NOT_SO
    assert "The line has a printer: camaloon." in desk.err


def test_a_person_is_erased(desk: Desk, hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order(id=7))
    hub.settle()
    assert desk.json("erase", "order", "7", "--yes")["id"] == "7"
    (event,) = desk.json("webhooks")["events"]
    assert desk.types("webhook", event["id"]) == DONE
    assert desk.out.endswith("(erased)\n")


# --- sending ---


def test_a_sample_is_signed_sent_and_followed_to_its_order(
    desk: Desk, hub: Hub, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: hub.settle())
    told = desk.json("send", "storefront.order_paid", "--set", "id=2001", "--wait", "--times", "2", "--yes")
    assert (told["statuses"], told["answer"]["status"]) == ({"202": 2}, "duplicate")
    assert (told["event"]["state"], told["event"]["order_id"]) == ("processed", "2001")
    assert "body" not in told["event"]
    for topic in (
        "camaloon.shipment_sent",
        "cloudprinter.item_shipped",
        "printful.package_shipped",
        "oms.print_file_ready",
    ):
        assert desk.json("send", topic, "--yes", "--wait")["event"]["topic"] == topic.partition(".")[2]
    assert desk.types("send", "printful.package_shipped", "--case", "reshipment", "--yes") == DONE
    assert "status accepted" in desk.read


def test_a_parcel_that_nobody_told_of_is_told_by_hand_and_is_the_same_when_it_comes_after_all(
    desk: Desk, hub: Hub, account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: hub.settle())
    badges, bag = order()["line_items"]
    lines = [badges, bag | {"id": "bag", "sku": "CP-1"}]
    hub.cloud.parameters["RoutingRules"] = "CP-*=cloudprinter"
    hub.receive("storefront", "order_paid", order(line_items=lines))
    hub.settle()
    parcel = shipment((badges["sku"], badges["quantity"]), tracking="T1")
    (tmp_path / "parcel.json").write_text(json.dumps(parcel))
    wanted = {"order_reference": "1001", "item_reference": "bag", "tracking": "T2", "order": "21", "item": "211"}
    changes = [word for name, value in wanted.items() for word in ("--set", f"{name}={value}")]
    desk.json("send", "camaloon.shipment_sent", "--body", str(tmp_path / "parcel.json"), "--yes", "--wait")
    said = desk.json("send", "cloudprinter.item_shipped", *changes, "--yes", "--wait")
    assert said["order"] == {"id": "1001", "status": "shipped", "attention": []}
    told = hub.order()
    assert (told["status"], [each["tracking_number"] for each in told["shipments"]]) == ("shipped", ["T1", "T2"])

    hub.receive("camaloon", "shipment_sent", parcel)
    signal = sample("cloudprinter/item_shipped") | {
        "order_reference": "1001",
        "item_reference": "bag",
        "tracking": "T2",
    }
    hub.receive("cloudprinter", "", signal | {"order": "21", "item": "211", "datetime": "2026-09-04T12:20:31+00:00"})
    hub.settle()
    after = hub.order()
    assert (after["shipments"], after["attention"]) == (told["shipments"], [])


def test_the_runbooks_parcels_are_taken(
    desk: Desk, hub: Hub, account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: hub.settle())
    hub.cloud.parameters["RoutingRules"] = "PF-*=printful"
    first, _ = order()["line_items"]
    for order_id, sku, quantity in (("1001", first["sku"], 10), ("1004", "PF-1", 3)):
        line = first | {"id": "1", "sku": sku, "quantity": quantity}
        hub.receive("storefront", "order_paid", order(id=order_id, line_items=[line]))
    hub.settle()
    written = re.findall("echo '(.+?)' >", (template.ROOT / "docs/runbook.md").read_text(), re.DOTALL)
    for topic, text in zip(("camaloon.shipment_sent", "printful.package_shipped"), written, strict=True):
        (tmp_path / "parcel.json").write_text(text)
        said = desk.json("send", topic, "--body", str(tmp_path / "parcel.json"), "--yes", "--wait")
        assert (said["order"]["status"], said["order"]["attention"]) == ("shipped", [])
        (parcel,) = hub.order(said["order"]["id"])["shipments"]
        assert parcel["tracking_number"] in text


def test_a_message_that_is_refused_or_parked_ends_with_1(
    desk: Desk, hub: Hub, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: hub.settle())
    assert desk.types("send", "storefront.order_paid", "--set", "currency=eur", "--yes", "--wait") == NOT_SO
    assert "currency must be an ISO 4217 currency code" in desk.read
    told = desk.json(
        "send",
        "camaloon.mug_dropped",
        "--body",
        str(template.ROOT / "events/camaloon/shipment_sent.json"),
        "--yes",
        "--wait",
        code=NOT_SO,
    )
    assert told["event"]["state"] == "unhandled"


def test_a_real_stack_is_sent_nothing_unasked_or_unsigned(desk: Desk, hub: Hub, account: Account) -> None:
    assert desk.types("send", "storefront.order_paid") == USAGE
    assert "give --yes" in desk.err
    hub.cloud.set_secret("CamaloonSecret", "")
    assert desk.types("send", "camaloon.shipment_sent", "--yes") == NOT_SO
    assert "The secret pressroom/camaloon is not set" in desk.err
    assert desk.door.asked == []


def test_who_has_only_the_token_can_sign_nothing(desk: Desk) -> None:
    for typed in (["send", "storefront.order_paid", "--yes"], ["printful-webhook", "show"], ["catalogue", "show"]):
        assert desk.types(*typed) == UNREACHED
        assert "give --stack NAME" in desk.err


def test_what_cannot_be_sent_is_wrong_usage(desk: Desk, account: Account) -> None:
    for typed, said in {
        ("ops.line_routed",): "has to be one of storefront.<topic>",
        ("storefront",): "has to be one of",
        ("storefront.order_lost",): "There is no events/storefront/order_lost.json",
        ("storefront.order_paid", "--case", "none"): "order_paid__none.json",
        ("storefront.order_paid", "--set", "id"): "is not path=value",
        ("storefront.order_paid", "--set", "line_items.7.sku=X"): "The body has no place line_items.7.sku",
        ("storefront.order_paid", "--set", "id.x=1"): "The body has no place id.x",
        (): "--list shows them all",
    }.items():
        assert desk.types("send", *typed, "--yes") == USAGE
        assert said in " ".join(desk.err.split())


def test_the_topics_and_their_cases_are_listed(desk: Desk) -> None:
    topics = {each["topic"]: each["cases"] for each in desk.json("send", "--list")["topics"]}
    assert set(topics) == {".".join(each) for each in template.topics() if each[0] != "ops"}
    assert "several_printers" in topics["storefront.order_paid"]


# --- what an installation refuses ---


def test_a_refused_token_and_a_dead_address_end_with_4(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSROOM_TOKEN", "another")
    assert desk.types("orders") == UNREACHED
    assert desk.err.startswith("error: The ops token is refused by http://127.0.0.1:")
    monkeypatch.setenv("PRESSROOM_TOKEN", "")
    assert desk.types("orders") == UNREACHED
    assert desk.types("orders", "--api-url", "http://127.0.0.1:1") == UNREACHED
    monkeypatch.setenv("PRESSROOM_TOKEN", "any")
    assert desk.types("orders", "--api-url", "http://127.0.0.1:1") == UNREACHED
    assert desk.err == "error: http://127.0.0.1:1 does not answer (ConnectionError).\n"


@pytest.mark.parametrize(
    ("status", "content", "code", "said"),
    [
        (500, {"detail": "Something went wrong."}, NOT_SO, "Refused (500): Something went wrong."),
        (503, {"message": "Service Unavailable"}, NOT_SO, "Refused (503): Service Unavailable"),
        (404, {"message": "Not Found"}, NOT_SO, "has no such route: an older version"),
        (302, {}, UNREACHED, "is not Pressroom's ops API (HTTP 302)"),
        (200, [], UNREACHED, "is not Pressroom's ops API (HTTP 200)"),
        (200, {}, UNREACHED, "is not Pressroom's ops API (HTTP 200)"),
    ],
)
def test_what_the_api_refuses_is_a_sentence(desk: Desk, status: int, content: Any, code: int, said: str) -> None:
    desk.door.instead["/orders"] = (status, content)
    assert desk.types("orders") == code
    assert said in desk.err


def test_a_stack_that_is_not_there_ends_with_4(desk: Desk, account: Account) -> None:
    for command in (["orders"], ["doctor"], ["send", "storefront.order_paid", "--yes"]):
        assert desk.types(*command, "--stack", "shop") == UNREACHED
        assert desk.err == "error: AWS refuses: Stack with id shop does not exist\n"
    account.denied = {"secretsmanager"}
    assert desk.types("orders") == UNREACHED
    assert desk.err == "error: AWS refuses: you may not use secretsmanager\n"


# --- the doctor ---


def checked(desk: Desk, *typed: str, code: int = DONE) -> dict[str, tuple[str, str]]:
    """What the doctor says: by check, the status and the text."""
    answer = desk.json("doctor", *typed, code=code)
    assert answer["counts"]["fail"] == sum(each["status"] == "fail" for each in answer["checks"])
    return {each["name"]: (each["status"], each["text"]) for each in answer["checks"]}


def test_a_stack_that_is_well_passes_every_check(desk: Desk, account: Account) -> None:
    account.parameters |= {"AlarmEmail": "owner@shop.example"}
    confirmed(account)
    found = checked(desk)
    assert {name: status for name, status in found.items() if status[0] not in ("ok", "skipped")} == {}
    assert {name for name, (status, _) in found.items() if status == "skipped"} <= {"conditions", "to do"}
    assert {"stack", "ops API", "ops token", "clock", "queues", "alarms", "alarm mail", "quota", "shop"} <= set(found)
    assert {f"secret {each}" for each in ("camaloon", "oms-api", "storefront-notifications")} <= set(found)
    asked = [path for method, path in desk.door.asked if method == "POST"]
    assert sorted(asked) == [
        *("/webhooks/camaloon", "/webhooks/cloudprinter", "/webhooks/oms/unsigned"),
        *("/webhooks/printful/unsigned", "/webhooks/storefront"),
    ]
    assert desk.types("doctor", "--no-probe") == DONE
    assert "skipped webhooks" in desk.read


def confirmed(account: Account) -> None:
    boto3.session.Session().client("sns").subscribe(
        TopicArn=account.topic, Protocol="email", Endpoint="owner@shop.example"
    )


def test_what_is_wrong_is_found_and_ends_with_1(desk: Desk, account: Account, hub: Hub) -> None:
    dead(hub, 7)
    real = boto3.session.Session()
    real.client("cloudwatch").set_alarm_state(
        AlarmName="pressroom-camaloon-dead-letters", StateValue="ALARM", StateReason="x"
    )
    hub.cloud.set_secret("StorefrontSecret", "")
    hub.cloud.set_secret("PrintfulApiSecret", "")
    hub.cloud.set_secret("CamaloonSecret", " key\n")
    hub.cloud.set_secret("CloudprinterSecret", ["a", "b"], "old")
    hub.cloud.set_secret("OmsSecret", "a/b")
    hub.cloud.set_secret("StorefrontNotificationsSecret", "no base64")
    real.client("secretsmanager").put_secret_value(SecretId=hub.cloud.arn("OmsApiSecret"), SecretString="the key")
    account.parameters |= {"CamaloonSourceDomain": "", "OmsBaseUrl": "", "AlarmEmail": "owner@shop.example"}
    account.status, account.concurrency = "UPDATE_ROLLBACK_COMPLETE", 10
    account.printful.handler = lambda *_: {"ok": True, "state": "replaced"}
    desk.door.instead = {
        "/webhooks/camaloon": (502, {}),
        "/webhooks/oms/unsigned": (404, {"message": "Not Found"}),
        "/notifications": (200, {"url_set": True, "disabled_at": "2026-09-01T14:10:00.000Z"}),
        "/conditions": (
            200,
            {
                "conditions": [{"id": "a/b", "name": "a", "text": "It is silent.", "since": "x"}],
                "looked_at": datetime.now(UTC).isoformat(),
            },
        ),
    }
    found = checked(desk, code=NOT_SO)
    expected = {
        "stack": ("warn", "The last deployment failed; the one before runs."),
        "secret storefront": ("fail", "It is not set."),
        "secret printful-api": ("warn", "It is not set."),
        "secret camaloon": ("fail", "It begins or ends with white space."),
        "secret cloudprinter": ("warn", "A previous value is still accepted."),
        "secret oms": ("fail", "It is part of a path, and holds more than letters, digits, - and _."),
        "secret storefront-notifications": ("fail", "It is not base64: the shop can't be told anything."),
        "secret oms-api": ("fail", 'It is not {"current": "…", "previous": "…"}: nothing in it counts.'),
        "CamaloonSourceDomain": ("fail", "It is empty, and camaloon is in the routing: its orders are not taken."),
        "OmsBaseUrl": ("warn", "It is empty: personalised lines wait."),
        "webhook camaloon": ("fail", "It answers 502 to a message without a signature."),
        "webhook oms": ("fail", "It answers 404 to a message without a signature."),
        "printful": ("fail", "Printful sends its webhooks to somebody else."),
        "shop": ("fail", "It answered 410 and is told nothing since 2026-09-01T14:10:00.000Z."),
        "CamaloonDeadLetterQueue": ("fail", "1 dead letters."),
        "alarm pressroom-camaloon-dead-letters": (
            "fail",
            template.properties("CamaloonDeadLettersAlarm")["AlarmDescription"],
        ),
        "alarm mail": ("fail", "Nobody has confirmed to be told of alarms."),
        "quota": ("fail", "The account may run 10 functions at a time."),
        "condition a/b": ("fail", "It is silent."),
    }
    assert {name: found.get(name) for name in expected} == expected
    assert "If that URL may yield: with --replace and it." in desk.out
    for private in (" key", "a/b:", "no base64", "the key"):
        assert private not in desk.out.replace("condition a/b", "")


def test_a_check_that_cannot_be_made_is_skipped_and_says_why(desk: Desk, account: Account) -> None:
    account.denied = {"sqs", "cloudwatch", "lambda"}
    account.parameters |= {"AlarmEmail": "owner@shop.example"}
    confirmed(account)
    found = checked(desk)
    assert found["queues"] == ("skipped", "AWS refuses: you may not use sqs")
    assert found["alarms"] == ("skipped", "AWS refuses: you may not use cloudwatch")
    assert found["quota"] == found["printful"] == ("skipped", "AWS refuses: you may not use lambda")
    assert found["ops token"] == ("ok", "It opens the ops API.")


def test_an_api_that_is_open_to_everybody_fails(desk: Desk) -> None:
    desk.door.instead["/orders"] = (200, {"orders": [], "cursor": None})
    found = checked(desk, code=NOT_SO)
    assert found["ops API"] == ("fail", "Without a token it answers 200 instead of 401.")
    assert found["stack"][0] == found["secrets"][0] == found["queues"][0] == "skipped"


def test_a_monitor_that_looks_no_more_is_found(desk: Desk) -> None:
    now = datetime.now(UTC)
    for looked_at, status in {
        None: "skipped",
        (now - timedelta(minutes=50)).isoformat(): "ok",
        (now - timedelta(minutes=70)).isoformat(): "fail",
    }.items():
        desk.door.instead["/conditions"] = (200, {"conditions": [], "looked_at": looked_at})
        found = checked(desk, "--no-probe", code=NOT_SO if status == "fail" else DONE)
        assert found["conditions"][0] == status


def test_what_waits_for_a_person_is_a_warning(desk: Desk) -> None:
    none, two = {"count": 0, "more": False}, {"count": 2, "more": True}
    overview = {
        "deliveries": [{"dead": two}, {"dead": none}],
        "attention": none,
        "webhooks": {"failed": two, "unhandled": none},
    }
    desk.door.instead["/overview"] = (200, overview)
    answer = desk.json("doctor")
    told = [(each["status"], each["text"], each["todo"]) for each in answer["checks"] if each["name"] == "to do"]
    assert told == [
        ("warn", "2+ deliveries are dead.", "`pressroom deliveries`"),
        ("warn", "2+ webhooks failed.", "`pressroom webhooks --state failed`"),
    ]
