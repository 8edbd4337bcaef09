"""The command line with the ops API over HTTP: output, JSON and exit codes of each command."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from cli.errors import DONE, NEGATIVE, UNREACHABLE, USAGE
from cli.main import main
from pressroom.order import repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact
from pressroom.order.reasons import Attention
from pressroom.partners import PARTNERS
from pressroom.platform.errors import Dead
from tests.support import template
from tests.support.account import Account, Door, opened
from tests.support.cloud import SECRETS, Clock, Cloud
from tests.support.hub import Hub
from tests.support.samples import BADGE, PERSONAL, order, sample, shipment

LOGGED = ('{"level"', '{"_aws"')


class Terminal:
    """A terminal: runs commands and keeps their output."""

    def __init__(self, capsys: pytest.CaptureFixture[str], door: Door) -> None:
        self._capsys = capsys
        self.door = door
        self.out = self.err = ""

    def run(self, *typed: str) -> int:
        self._capsys.readouterr()
        code = main(typed)
        out, self.err = self._capsys.readouterr()
        # The functions run in this process, so their logs are removed from the output.
        self.out = "".join(line for line in out.splitlines(keepends=True) if not line.startswith(LOGGED))
        assert not [each for each in SECRETS.values() if each in self.out + self.err], "a secret is shown"
        return code

    def json(self, *typed: str, code: int = DONE) -> Any:
        assert self.run(*typed, "--json") == code, self.err
        return json.loads(self.out)

    @property
    def text(self) -> str:
        """The output on one line."""
        return " ".join(self.out.split())


@pytest.fixture
def door(hub: Hub) -> Iterator[Door]:
    with opened(Door(hub.cloud)) as door:
        yield door


@pytest.fixture
def terminal(door: Door, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal with the ops token and without an AWS account."""
    monkeypatch.delenv("PRESSROOM_STACK", raising=False)
    monkeypatch.setenv("PRESSROOM_API_URL", door.url)
    monkeypatch.setenv("PRESSROOM_TOKEN", SECRETS["OpsTokenSecret"])
    monkeypatch.setattr("getpass.getuser", lambda: "marta")
    return Terminal(capsys, door)


@pytest.fixture
def account(terminal: Terminal, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The stack in an AWS account with all permissions, selected by a variable."""
    account = Account(cloud, terminal.door.url)
    account.make_alarms()
    monkeypatch.delenv("PRESSROOM_API_URL")
    monkeypatch.setenv("PRESSROOM_STACK", template.STACK)
    monkeypatch.setattr("boto3.client", account.client)
    return account


def dead(hub: Hub, *order_ids: int) -> list[str]:
    """Pay orders that Camaloon rejects, and return the ids of their deliveries."""
    for each in order_ids:
        hub.camaloon.answers = [Dead("HTTP 422", status=422)]
        hub.receive("storefront", "order_paid", order(id=each))
        hub.settle()
    return [each["id"] for each in hub.get("/deliveries")["body"]["deliveries"]]


# --- reading ---


def test_orders_are_listed_by_filter(terminal: Terminal, hub: Hub) -> None:
    dead(hub, 7)
    hub.receive("storefront", "order_paid", order(id=8))
    hub.settle()
    assert [each["id"] for each in terminal.json("orders")["orders"]] == ["8", "7"]
    assert [each["id"] for each in terminal.json("orders", "--attention")["orders"]] == ["7"]
    assert [each["id"] for each in terminal.json("orders", "--attention", "delivery_dead")["orders"]] == ["7"]
    assert [each["id"] for each in terminal.json("orders", "--status", "accepted")["orders"]] == ["8"]
    assert [each["id"] for each in terminal.json("orders", "--id", "7", "--provider", "camaloon")["orders"]] == ["7"]
    assert terminal.json("orders", "--stalled") == {"orders": [], "more": False}
    assert terminal.json("orders", "--limit", "1") == {
        "orders": [hub.get("/orders", limit="1")["body"]["orders"][0]],
        "more": True,
    }
    assert terminal.run("orders", "--limit", "1") == DONE
    assert terminal.text.endswith("There are more entries: use --limit or --all.")


def test_all_orders_are_read_page_by_page(terminal: Terminal, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in range(5):
        hub.receive("storefront", "order_paid", order(id=each))
    hub.settle()
    monkeypatch.setattr("cli.api.PAGE", 2)
    assert len(terminal.json("orders", "--all")["orders"]) == 5
    assert terminal.door.asked.count(("GET", "/orders")) == 3
    found = terminal.json("orders", "--limit", "3")
    assert (len(found["orders"]), found["more"]) == (3, True)


def test_an_order_is_shown_with_all_its_parts(terminal: Terminal, hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    hub.receive("camaloon", "shipment_sent", shipment(("063e8da93379f8c1aee0", 4), tracking="T1"))
    hub.settle()
    assert terminal.json("order", "1001") == hub.order()
    assert terminal.run("order", "1001") == DONE
    for part in (
        "Order 1001",
        "partially_shipped",
        "4 x 063e8da93379f8c1aee0",
        "T1",
        "order_paid delivered 1",
        "Timeline",
    ):
        assert part in terminal.text
    assert not [each for each in PERSONAL if each in terminal.out]


def test_an_order_is_shown_with_what_its_printer_says(terminal: Terminal, hub: Hub) -> None:
    hub.send_sample("storefront/order_paid__several_printers")
    content = sample("printful/order_put_hold_approval")
    content["data"]["order"]["items"][0]["files"][0]["status"] = "failed"
    content["data"]["order"]["incomplete_items"] = [{"name": "Night press poster", "quantity": 1}]
    content["data"]["order"]["costs"] |= {"currency": "KWD", "total": "38.4"}
    hub.receive("printful", "order_put_hold_approval", content)
    refund = sample("printful/order_refunded")
    refund["data"]["order"] |= {"items": [], "costs": None}  # it describes nothing
    hub.receive("printful", "order_refunded", refund)
    hub.settle()
    assert terminal.run("order", "1002") == DONE
    for part in (  # a table folds its cells, so only the words are compared
        f"item_file_failed {Attention.ITEM_FILE_FAILED.sentence} Night press tee - Black / M",
        f"item_incomplete {Attention.ITEM_INCOMPLETE.sentence} Night press poster",
        "printful 98765432 fulfilled 84.25 38.400 9.250 KWD Grattis failed",
        "Refunds 12.50",
    ):
        assert set(part.split()) <= set(terminal.text.split()), part
    assert "approval-sheets" in terminal.text
    assert "8a801105abd2ccdc53c8d69f69b572d3" not in terminal.text  # what approves the design


def test_the_print_files_url_is_shown(terminal: Terminal, hub: Hub) -> None:
    hub.send_sample("storefront/order_paid__personalized")
    hub.settle()
    shown = hub.get("/orders")["body"]["orders"][0]["id"]
    data = {
        "provider": "oms",
        "ref": hub.order(shown)["lines"][0]["id"],
        "status": "ready",
        "url": "https://f.example/1",
    }
    at = hub.order(shown)["updated_at"]
    fact = Fact(id="print/1", kind="print_file", source="oms.print_file", at=at, received_at=at, data=data)
    repository.apply(Decision(order_id=shown, facts=(fact,)))
    assert terminal.run("order", shown) == DONE
    assert "ready, https://f.example/1" in terminal.text


def test_a_reason_for_attention_is_shown_with_its_sentence(terminal: Terminal, hub: Hub) -> None:
    dead(hub, 7)
    assert terminal.run("order", "7") == DONE
    assert f"Attention reason meaning delivery_dead {Attention.DELIVERY_DEAD.sentence}" in terminal.text


@pytest.mark.parametrize("order_id", ["W/1", "W?1", "W%2F1", "#1 ñ%41", ".."])
def test_an_order_is_shown_whatever_characters_its_id_has(terminal: Terminal, hub: Hub, order_id: str) -> None:
    hub.receive("storefront", "order_paid", order(id=order_id))
    hub.settle()
    assert terminal.json("order", order_id)["id"] == order_id


def test_an_order_is_shown_as_the_oms_has_it(terminal: Terminal, hub: Hub) -> None:
    hub.send_sample("storefront/order_paid__personalized")
    (there,) = hub.oms.orders()
    assert terminal.json("order", "1003", "--at-oms")["orders"][0]["uid"] == there["uid"]
    assert terminal.run("order", "1003", "--at-oms") == DONE
    assert f"At the OMS: {there['uid']}" in terminal.text
    assert '"ecommerce_order_item_id": "1003:70002"' in terminal.text
    hub.oms.faults = [503]
    assert terminal.run("order", "1003", "--at-oms") == DONE
    assert "HTTP 503." in terminal.text


def test_a_missing_id_has_exit_code_1_and_a_readable_error(terminal: Terminal) -> None:
    for typed in (["order", "none"], ["webhook", "none"], ["delivery", "none"], ["replay", "show", "none"]):
        assert terminal.run(*typed, "--json") == NEGATIVE
        assert terminal.out == ""
        assert terminal.err.startswith("error: There is no such ")


def test_webhooks_are_listed_and_one_is_shown_with_its_body(terminal: Terminal, hub: Hub) -> None:
    hub.send_sample("cloudprinter/item_shipped")
    hub.receive("camaloon", "mug_dropped", {"order_id": 1, "note": "\x1b[2J"})
    hub.settle()
    (listed,) = terminal.json("webhooks", "--state", "unhandled")["events"]
    assert (listed["provider"], listed["topic"]) == ("camaloon", "mug_dropped")
    assert len(terminal.json("webhooks")["events"]) == 2
    assert terminal.run("webhooks", "--provider", "camaloon") == DONE
    assert f"camaloon mug_dropped unhandled {listed['id']}" in terminal.text
    assert terminal.run("webhook", listed["id"]) == DONE
    assert r'"note": "\u001b[2J"}' in terminal.out
    shown = terminal.json("webhook", listed["id"])
    assert json.loads(shown["body"])["order_id"] == 1


def test_deliveries_are_listed_and_one_is_shown_with_each_attempt(terminal: Terminal, hub: Hub) -> None:
    (delivery,) = dead(hub, 7)
    assert [each["id"] for each in terminal.json("deliveries")["deliveries"]] == [delivery]
    assert terminal.json("deliveries", "--status", "delivered")["deliveries"] == []
    assert terminal.run("deliveries", "--destination", "camaloon") == DONE
    assert "camaloon order_paid 7 dead 1" in terminal.text
    assert terminal.run("delivery", delivery) == DONE
    assert "Attempts at HTTP status error 2026-09-01T14:10:00Z 422" in terminal.text
    assert [each["status"] for each in terminal.json("delivery", delivery)["history"]] == [422]


def test_an_order_is_found_by_address_and_its_recipient_is_shown_on_record(terminal: Terminal, hub: Hub) -> None:
    hub.send_sample("storefront/order_paid")
    email = order()["shipping_info"]["email"]
    assert [each["id"] for each in terminal.json("orders", "--email", email)["orders"]] == ["1001"]
    assert terminal.json("recipient", "1001")["recipient"]["email"] == email
    assert terminal.run("recipient", "1001") == DONE
    assert "Recipient of order 1001 name Marta Soler" in terminal.text
    assert [each["by"] for each in hub.get("/actions", target="1001")["body"]["actions"]] == ["cli:marta"] * 2
    assert terminal.run("recipient", "none") == NEGATIVE


def test_products_and_stock_are_listed(terminal: Terminal, hub: Hub) -> None:
    for name in ("product_synced", "stock_updated"):
        hub.send_sample(f"printful/{name}")
    assert terminal.json("products") == {"products": [hub.get("/products/210000001")["body"]], "more": False}
    assert terminal.json("products", "--deleted")["products"] == []
    assert terminal.run("products") == DONE
    assert "210000001 night-press-tee Night press tee 4 3" in terminal.text
    assert terminal.json("stock", "--unavailable")["stock"] == [hub.get("/stock/71")["body"]]
    assert terminal.run("stock") == DONE
    assert "71 4017, 4018 4021" in terminal.text
    hub.send_sample("printful/stock_updated__empty")
    assert terminal.json("stock", "--unavailable")["stock"] == []


def test_the_overview_and_the_conditions_are_shown(terminal: Terminal) -> None:
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
    terminal.door.instead = {
        "/overview": (200, overview),
        "/conditions": (200, {"conditions": [condition], "looked_at": "2026-11-28T03:00:00.000Z"}),
    }
    assert terminal.json("overview") == overview
    assert terminal.run("overview") == DONE
    assert "paid 1000+ 2 orders need attention." in terminal.text
    assert "printful ▁ ▃█ 12 never" in terminal.text
    assert "Refused" not in terminal.text
    why = "40 paid orders from the shop were refused: `currency` is missing."
    overview["refused"] = [{"reason": "storefront order_paid currency: missing", "count": 40, "text": why}]
    terminal.run("overview")
    assert f"Refused in the last week what {why}" in terminal.text
    assert terminal.run("conditions") == NEGATIVE
    assert text in terminal.text
    assert terminal.json("conditions", code=NEGATIVE)["conditions"] == [condition]
    terminal.door.instead["/conditions"] = (200, {"conditions": [], "looked_at": None})
    assert terminal.run("conditions") == DONE
    assert "Conditions: none" in terminal.text


def test_the_overview_counts_orders_and_deliveries(terminal: Terminal, hub: Hub) -> None:
    dead(hub, 7)
    assert terminal.json("overview") == hub.get("/overview")["body"]
    assert terminal.run("overview") == DONE
    assert "paid 1 1 order needs attention. Deliveries to pending dead camaloon 0 1 oms 0 0" in terminal.text


# --- changing ---


def test_a_dead_delivery_is_replayed_in_the_name_of_the_user(terminal: Terminal, hub: Hub) -> None:
    (delivery,) = dead(hub, 7)
    assert terminal.json("replay", "delivery", delivery) == {"id": delivery, "replayed": True}
    hub.settle()
    assert hub.order("7")["status"] == "accepted"
    (action,) = hub.get("/actions", target=delivery)["body"]["actions"]
    assert action["by"] == "cli:marta"
    assert terminal.run("replay", "delivery", delivery) == NEGATIVE
    assert terminal.text == f"{delivery} needs no replay; nothing was changed."


def test_a_webhook_is_replayed(terminal: Terminal, hub: Hub) -> None:
    hub.receive("camaloon", "mug_dropped", {"order_id": 1})
    hub.settle()
    (event,) = terminal.json("webhooks", "--state", "unhandled")["events"]
    assert terminal.run("replay", "webhook", event["id"]) == DONE
    assert terminal.json("webhook", event["id"])["replays"] == 1


def test_many_deliveries_are_counted_and_replayed_until_the_job_ends(terminal: Terminal, hub: Hub) -> None:
    dead(hub, 7, 8, 9)
    job = terminal.json("replay", "deliveries", "--destination", "camaloon", "--limit", "2", "--yes")
    assert (job["status"], job["replayed"], job["limit"], job["by"]) == ("finished", 2, 2, "cli:marta")
    hub.settle()
    assert len(terminal.json("deliveries")["deliveries"]) == 1
    assert terminal.run("replay", "deliveries", "--since", "2026-09-02", "--yes") == DONE
    assert terminal.text == "No dead deliveries match: nothing to replay."
    assert terminal.run("replay", "webhooks", "--state", "failed", "--yes") == DONE
    assert terminal.text == "No failed webhooks match: nothing to replay."
    assert terminal.run("replay", "webhooks", "--state", "failed", "--yes", "--json") == DONE
    assert json.loads(terminal.out) == {"matching": 0, "complete": True}


def test_the_command_waits_for_a_slow_replay(
    terminal: Terminal, hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead(hub, 7, 8, 9)
    waited = []

    def a_minute(seconds: float) -> None:
        waited.append(seconds)
        clock.advance(60)
        hub.cloud.call("replays", {})

    monkeypatch.setattr("time.sleep", a_minute)
    job = terminal.json("replay", "deliveries", "--per-minute", "1", "--yes")
    assert (job["status"], job["replayed"]) == ("finished", 3)
    assert len(waited) >= 2


def test_after_an_interruption_the_output_says_how_to_stop_the_replay(
    terminal: Terminal, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead(hub, 7, 8)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    assert terminal.run("replay", "deliveries", "--per-minute", "1", "--yes") == 130
    (job,) = hub.get("/replays")["body"]["replays"]
    assert f"Stop it with `pressroom replay cancel {job['id']}`." in terminal.err
    assert terminal.json("replay", "show", job["id"])["status"] == "running"
    assert terminal.run("replay", "cancel", job["id"]) == DONE
    assert terminal.json("replay", "cancel", job["id"])["status"] == "canceled"


def test_a_replay_continues_when_the_api_fails(terminal: Terminal, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    dead(hub, 7, 8)

    def broken(_: float) -> None:
        (job,) = hub.get("/replays")["body"]["replays"]
        terminal.door.instead[f"/replays/{job['id']}"] = (503, {"message": "Service Unavailable"})

    monkeypatch.setattr("time.sleep", broken)
    assert terminal.run("replay", "deliveries", "--per-minute", "1", "--yes") == NEGATIVE
    assert "The replay continues in the background." in terminal.err
    assert terminal.err.endswith("error: Refused (503): Service Unavailable\n")


def test_a_replay_is_started_without_waiting(terminal: Terminal, hub: Hub) -> None:
    dead(hub, 7, 8)
    assert terminal.run("replay", "deliveries", "--per-minute", "1", "--yes", "--no-wait") == DONE
    assert "The replay is running: 1 replayed" in terminal.text


def test_nothing_is_replayed_or_erased_without_a_confirmation(
    terminal: Terminal, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead(hub, 7)
    for typed in (["replay", "deliveries"], ["erase", "order", "7"], ["erase", "webhook", "any"]):
        assert terminal.run(*typed) == USAGE
        assert "give --yes" in terminal.err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda question, err: False)
    assert terminal.run("replay", "deliveries") == NEGATIVE
    assert terminal.err == "error: Canceled: nothing was changed.\n"
    monkeypatch.setattr(
        "click.confirm", lambda question, err: question == "Replay 1, 60 per minute, at " + terminal.door.url + "?"
    )
    assert terminal.run("replay", "deliveries") == DONE


def test_a_dead_delivery_is_settled(terminal: Terminal, hub: Hub) -> None:
    (delivery,) = dead(hub, 7)
    assert terminal.json("settle", delivery, "done") == {"id": delivery, "status": "delivered"}
    assert terminal.run("settle", delivery, "dropped") == NEGATIVE
    assert terminal.err == "error: Refused (409): Only a dead delivery can be settled.\n"


def test_a_line_is_routed_by_hand(terminal: Terminal, hub: Hub) -> None:
    hub.cloud.parameters["DefaultDestination"] = "nobody"
    hub.receive("storefront", "order_paid", order(id=7))
    hub.settle()
    assert terminal.json("route", "7", "1", "camaloon")["status"] == "accepted"
    hub.settle()
    assert terminal.run("route", "7", "1", "printful") == NEGATIVE
    assert "The line already has a printer: camaloon." in terminal.err


def test_a_record_is_linked_to_an_order_and_parted_again(terminal: Terminal, hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order(id=7))
    hub.receive("camaloon", "shipment_sent", shipment((BADGE, 10), order_id="7-R1"))
    hub.settle()
    assert terminal.run("order", "7") == DONE
    assert "may be the same" in terminal.out
    assert terminal.json("link", "7", "7-R1") == {"id": "7", "linked": ["7-R1"]}
    assert terminal.run("order", "7-R1") == DONE
    assert "linked to" in terminal.out
    assert terminal.run("unlink", "7", "7-R1") == DONE
    assert terminal.run("unlink", "7", "7-R1") == NEGATIVE


def test_a_store_at_printful_is_accepted(terminal: Terminal, hub: Hub) -> None:
    hub.cloud.parameters["PrintfulStores"] = "11"
    hub.send_sample("printful/product_synced", store=22)
    assert [each["id"] for each in terminal.json("printful-store", "list")["foreign"]] == ["22"]
    assert terminal.run("printful-store", "accept", "22") == DONE
    assert "The store 22 is yours too." in terminal.out
    hub.settle()
    assert terminal.json("printful-store", "list") == {"ours": ["11", "22"], "foreign": []}
    assert terminal.json("webhooks", "--state", "failed")["events"] == []
    assert terminal.run("printful-store", "remove", "22") == DONE
    assert "The store 22 is not yours any more." in terminal.out
    assert terminal.json("printful-store", "list")["ours"] == ["11"]
    assert terminal.run("printful-store", "remove", "22") == NEGATIVE


def test_personal_data_is_erased(terminal: Terminal, hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order(id=7))
    hub.settle()
    assert terminal.json("erase", "order", "7", "--yes")["id"] == "7"
    (event,) = terminal.json("webhooks")["events"]
    assert terminal.run("webhook", event["id"]) == DONE
    assert terminal.out.endswith("(erased)\n")


# --- sending ---


def test_a_sample_is_signed_and_sent_and_its_order_is_shown(
    terminal: Terminal, hub: Hub, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: hub.settle())
    sent = terminal.json("send", "storefront.order_paid", "--set", "id=2001", "--wait", "--times", "2", "--yes")
    assert (sent["statuses"], sent["answer"]["status"]) == ({"202": 2}, "duplicate")
    assert (sent["event"]["state"], sent["event"]["order_id"]) == ("processed", "2001")
    assert "body" not in sent["event"]
    for topic in (
        "camaloon.shipment_sent",
        "cloudprinter.item_shipped",
        "printful.package_shipped",
        "oms.print_file_ready",
    ):
        assert terminal.json("send", topic, "--yes", "--wait")["event"]["topic"] == topic.partition(".")[2]
    assert terminal.run("send", "printful.package_shipped", "--case", "reshipment", "--yes") == DONE
    assert "status accepted" in terminal.text


def test_a_parcel_reported_by_hand_is_the_same_parcel_when_its_webhook_arrives_later(
    terminal: Terminal, hub: Hub, account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
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
    terminal.json("send", "camaloon.shipment_sent", "--body", str(tmp_path / "parcel.json"), "--yes", "--wait")
    sent = terminal.json("send", "cloudprinter.item_shipped", *changes, "--yes", "--wait")
    assert sent["order"] == {"id": "1001", "status": "shipped", "attention": []}
    before = hub.order()
    assert (before["status"], [each["tracking_number"] for each in before["shipments"]]) == ("shipped", ["T1", "T2"])

    hub.receive("camaloon", "shipment_sent", parcel)
    signal = sample("cloudprinter/item_shipped") | {
        "order_reference": "1001",
        "item_reference": "bag",
        "tracking": "T2",
    }
    hub.receive("cloudprinter", "", signal | {"order": "21", "item": "211", "datetime": "2026-09-04T12:20:31+00:00"})
    hub.settle()
    after = hub.order()
    assert (after["shipments"], after["attention"]) == (before["shipments"], [])


def test_the_runbooks_examples_of_parcels_are_accepted(
    terminal: Terminal, hub: Hub, account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
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
        sent = terminal.json("send", topic, "--body", str(tmp_path / "parcel.json"), "--yes", "--wait")
        assert (sent["order"]["status"], sent["order"]["attention"]) == ("shipped", [])
        (parcel,) = hub.order(sent["order"]["id"])["shipments"]
        assert parcel["tracking_number"] in text


def test_a_refused_or_parked_webhook_has_exit_code_1(
    terminal: Terminal, hub: Hub, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: hub.settle())
    assert terminal.run("send", "storefront.order_paid", "--set", "currency=euro", "--yes", "--wait") == NEGATIVE
    assert "currency must be an ISO 4217 currency code" in terminal.text
    sent = terminal.json(
        "send",
        "camaloon.mug_dropped",
        "--body",
        str(template.ROOT / "events/camaloon/shipment_sent.json"),
        "--yes",
        "--wait",
        code=NEGATIVE,
    )
    assert sent["event"]["state"] == "unhandled"


def test_nothing_is_sent_to_a_stack_in_aws_unconfirmed_or_unsigned(
    terminal: Terminal, hub: Hub, account: Account
) -> None:
    assert terminal.run("send", "storefront.order_paid") == USAGE
    assert "give --yes" in terminal.err
    hub.cloud.set_secret("CamaloonSecret", "")
    assert terminal.run("send", "camaloon.shipment_sent", "--yes") == NEGATIVE
    assert "The secret pressroom/camaloon is not set" in terminal.err
    assert terminal.door.asked == []


def test_the_ops_token_alone_can_sign_no_webhook(terminal: Terminal) -> None:
    for typed in (["send", "storefront.order_paid", "--yes"], ["printful-webhook", "show"], ["catalogue", "show"]):
        assert terminal.run(*typed) == UNREACHABLE
        assert "give --stack NAME" in terminal.err


def test_an_unsendable_webhook_is_wrong_usage(terminal: Terminal, account: Account) -> None:
    for typed, text in {
        ("ops.line_routed",): "must be one of storefront.<topic>",
        ("storefront",): "must be one of",
        ("storefront.order_lost",): "There is no events/storefront/order_lost.json",
        ("storefront.order_paid", "--case", "none"): "order_paid__none.json",
        ("storefront.order_paid", "--set", "id"): "is not path=value",
        ("storefront.order_paid", "--set", "line_items.7.sku=X"): "The body has no path line_items.7.sku",
        ("storefront.order_paid", "--set", "id.x=1"): "The body has no path id.x",
        (): "--list shows all topics",
    }.items():
        assert terminal.run("send", *typed, "--yes") == USAGE
        assert text in " ".join(terminal.err.split())


def test_the_topics_and_their_cases_are_listed(terminal: Terminal) -> None:
    topics = {each["topic"]: each["cases"] for each in terminal.json("send", "--list")["topics"]}
    assert set(topics) == {".".join(each) for each in template.topics() if each[0] != "ops"}
    assert "several_printers" in topics["storefront.order_paid"]


# --- errors ---


def test_a_rejected_token_and_an_unreachable_api_have_exit_code_4(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESSROOM_TOKEN", "another")
    assert terminal.run("orders") == UNREACHABLE
    assert re.fullmatch(r"error: http://127\.0\.0\.1:\d+ refuses the ops token\.\n", terminal.err)
    monkeypatch.setenv("PRESSROOM_TOKEN", "")
    assert terminal.run("orders") == UNREACHABLE
    assert terminal.run("orders", "--api-url", "http://127.0.0.1:1") == UNREACHABLE
    monkeypatch.setenv("PRESSROOM_TOKEN", "any")
    assert terminal.run("orders", "--api-url", "http://127.0.0.1:1") == UNREACHABLE
    assert terminal.err == "error: http://127.0.0.1:1 does not respond (ConnectionError).\n"


@pytest.mark.parametrize(
    ("status", "content", "code", "text"),
    [
        (500, {"detail": "Something went wrong."}, NEGATIVE, "Refused (500): Something went wrong."),
        (503, {"message": "Service Unavailable"}, NEGATIVE, "Refused (503): Service Unavailable"),
        (404, {"message": "Not Found"}, NEGATIVE, "has no such route: is it an older version"),
        (302, {}, UNREACHABLE, "is not Pressroom's ops API (HTTP 302)"),
        (200, [], UNREACHABLE, "is not Pressroom's ops API (HTTP 200)"),
        (200, {}, UNREACHABLE, "is not Pressroom's ops API (HTTP 200)"),
    ],
)
def test_an_error_of_the_api_is_a_readable_error(
    terminal: Terminal, status: int, content: Any, code: int, text: str
) -> None:
    terminal.door.instead["/orders"] = (status, content)
    assert terminal.run("orders") == code
    assert text in terminal.err


def test_a_missing_stack_has_exit_code_4(terminal: Terminal, account: Account) -> None:
    for command in (["orders"], ["doctor"], ["send", "storefront.order_paid", "--yes"]):
        assert terminal.run(*command, "--stack", "shop") == UNREACHABLE
        assert terminal.err == "error: AWS refuses: Stack with id shop does not exist\n"
    account.denied = {"secretsmanager"}
    assert terminal.run("orders") == UNREACHABLE
    assert terminal.err == "error: AWS refuses: you may not use secretsmanager\n"


# --- the doctor ---


def findings(terminal: Terminal, *typed: str, code: int = DONE) -> dict[str, tuple[str, str]]:
    """Run the doctor; return the status and the text of each finding by its name."""
    answer = terminal.json("doctor", *typed, code=code)
    assert answer["counts"]["fail"] == sum(each["status"] == "fail" for each in answer["checks"])
    return {each["name"]: (each["status"], each["text"]) for each in answer["checks"]}


def test_a_healthy_stack_passes_every_check(terminal: Terminal, account: Account) -> None:
    account.parameters |= {"AlarmEmail": "owner@shop.example"}
    confirm_subscription(account)
    found = findings(terminal)
    assert {name: status for name, status in found.items() if status[0] not in ("ok", "skipped")} == {}
    assert {name for name, (status, _) in found.items() if status == "skipped"} <= {"conditions", "to do"}
    assert {"stack", "ops API", "ops token", "clock", "queues", "alarms", "alarm mail", "quota", "shop"} <= set(found)
    assert {f"secret {each}" for each in ("camaloon", "oms-api", "storefront-notifications")} <= set(found)
    asked = [path for method, path in terminal.door.asked if method == "POST"]
    assert sorted(asked) == sorted(
        f"/webhooks/{each.id}" + ("/unsigned" if each.credential == "token" else "") for each in PARTNERS
    )
    assert terminal.run("doctor", "--no-probe") == DONE
    assert "skipped webhooks" in terminal.text


def confirm_subscription(account: Account) -> None:
    boto3.session.Session().client("sns").subscribe(
        TopicArn=account.topic, Protocol="email", Endpoint="owner@shop.example"
    )


def test_every_problem_is_found_and_has_exit_code_1(terminal: Terminal, account: Account, hub: Hub) -> None:
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
    terminal.door.instead = {
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
    found = findings(terminal, code=NEGATIVE)
    expected = {
        "stack": ("warn", "The last deployment failed. The previous version is running."),
        "secret storefront": ("fail", "Not set."),
        "secret printful-api": ("warn", "Not set."),
        "secret camaloon": ("fail", "The secret starts or ends with white space."),
        "secret cloudprinter": ("warn", "The previous value of the secret is still accepted."),
        "secret oms": (
            "fail",
            "The secret is part of a URL's path, but contains characters other than letters, digits, - and _.",
        ),
        "secret storefront-notifications": (
            "fail",
            "The secret is not base64, so no notification to the shop can be signed.",
        ),
        "secret oms-api": (
            "fail",
            'The secret does not have the format {"current": "…", "previous": "…"}, so it is ignored.',
        ),
        "CamaloonSourceDomain": (
            "fail",
            "Empty, although the routing uses camaloon: orders can't be delivered to Camaloon.",
        ),
        "OmsBaseUrl": ("warn", "Empty: deliveries of personalised lines wait."),
        "webhook camaloon": ("fail", "An unsigned request gets 502 instead of 400 or 401."),
        "webhook oms": ("fail", "An unsigned request gets 404 instead of 400 or 401."),
        "printful": (
            "fail",
            "Another URL has replaced Pressroom's webhook at Printful, so Pressroom misses Printful's events.",
        ),
        "shop": (
            "fail",
            "The shop responded with 410, so Pressroom has sent no notifications since 2026-09-01T14:10:00.000Z.",
        ),
        "CamaloonDeadLetterQueue": ("fail", "1 message in the dead-letter queue."),
        "alarm pressroom-camaloon-dead-letters": (
            "fail",
            template.properties("CamaloonDeadLettersAlarm")["AlarmDescription"],
        ),
        "alarm mail": ("fail", "No subscription to the alarms is confirmed."),
        "quota": ("fail", "The account can run 10 functions at the same time."),
        "condition a/b": ("fail", "It is silent."),
    }
    assert {name: found.get(name) for name in expected} == expected
    assert "To overwrite the other URL, give it with --replace." in terminal.out
    for private in (" key", "a/b:", "no base64", "the key"):
        assert private not in terminal.out.replace("condition a/b", "")


def test_a_check_without_permission_is_skipped_with_the_reason(terminal: Terminal, account: Account) -> None:
    account.denied = {"sqs", "cloudwatch", "lambda"}
    account.parameters |= {"AlarmEmail": "owner@shop.example"}
    confirm_subscription(account)
    found = findings(terminal)
    assert found["queues"] == ("skipped", "AWS refuses: you may not use sqs")
    assert found["alarms"] == ("skipped", "AWS refuses: you may not use cloudwatch")
    assert found["quota"] == found["printful"] == ("skipped", "AWS refuses: you may not use lambda")
    assert found["ops token"] == ("ok", "The ops API accepts the token.")


def test_an_api_without_authentication_fails(terminal: Terminal) -> None:
    terminal.door.instead["/orders"] = (200, {"orders": [], "cursor": None})
    found = findings(terminal, code=NEGATIVE)
    assert found["ops API"] == ("fail", "A request without a token gets 200 instead of 401.")
    assert found["stack"][0] == found["secrets"][0] == found["queues"][0] == "skipped"


def test_a_stopped_monitor_fails(terminal: Terminal) -> None:
    now = datetime.now(UTC)
    for looked_at, status in {
        None: "skipped",
        (now - timedelta(minutes=50)).isoformat(): "ok",
        (now - timedelta(minutes=70)).isoformat(): "fail",
    }.items():
        terminal.door.instead["/conditions"] = (200, {"conditions": [], "looked_at": looked_at})
        found = findings(terminal, "--no-probe", code=NEGATIVE if status == "fail" else DONE)
        assert found["conditions"][0] == status


def test_open_work_is_a_warning(terminal: Terminal) -> None:
    none, two = {"count": 0, "more": False}, {"count": 2, "more": True}
    overview = {
        "deliveries": [{"dead": two}, {"dead": none}],
        "attention": none,
        "webhooks": {"failed": two, "unhandled": none},
    }
    terminal.door.instead["/overview"] = (200, overview)
    answer = terminal.json("doctor")
    open_work = [(each["status"], each["text"], each["todo"]) for each in answer["checks"] if each["name"] == "to do"]
    assert open_work == [
        ("warn", "More than 2 deliveries are dead.", "`pressroom deliveries`"),
        ("warn", "More than 2 webhooks failed.", "`pressroom webhooks --state failed`"),
    ]


def test_one_of_a_kind_is_in_the_singular(terminal: Terminal) -> None:
    one = {"count": 1, "more": False}
    webhooks = {"failed": one, "unhandled": one}
    terminal.door.instead["/overview"] = (
        200,
        {"deliveries": [{"dead": one}], "attention": one, "webhooks": webhooks},
    )
    texts = [each["text"] for each in terminal.json("doctor")["checks"] if each["name"] == "to do"]
    assert texts == [
        "1 order needs attention.",
        "1 delivery is dead.",
        "1 webhook failed.",
        "1 webhook is unhandled.",
    ]


def test_the_doctor_shows_refused_webhooks_at_once_and_once(terminal: Terminal, hub: Hub) -> None:
    assert findings(terminal, "--no-probe")["to do"][0] == "ok"
    hub.receive("storefront", "order_paid", order() | {"currency": None})
    expected = "In the last week: 1 paid order from the shop was refused: `currency` is not valid."
    before = findings(terminal, "--no-probe", code=NEGATIVE)
    assert before["refused"] == ("fail", expected)
    hub.cloud.call("monitor", {})
    after = findings(terminal, "--no-probe", code=NEGATIVE)
    assert after["refused"] == before["refused"]
    assert "condition genuine_refused" not in after
