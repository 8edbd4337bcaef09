"""A table written by an earlier version is read without a migration.

`rows_of_3644d2d.json.gz` holds the whole table as the code at commit 3644d2d wrote it (`rows`, binaries in base64),
the messages in its queues (`queued`, `dead_letters`), the parameters, the time (`at`), and the responses of the API and
the catalogue's function at that commit (`answers`, `catalogue`). `gzip -dc` shows it with one row on each line.

How it was made: a test with the fixtures `hub` and `clock` ran at that commit, one message after another, a minute
apart, with `uuid.uuid4`, `secrets.token_hex` and `random.random` counted up or fixed. Orders 1001 to 1014 are
Camaloon's (shipped in parts, refused, answer lost, settled, erased, paid twice, canceled before and after it was sent,
never paid, replayed, changed too late), 1020 and 1021 are routed by hand or are to be, 1030 has three printers, 1039
to 1049 and `printful:90000044` are Printful's (returned, reshipped, refunded, failed, canceled, held, a draft again,
made in the dashboard, out of stock), 1050 to 1053 are Cloudprinter's (error, canceled, not delivered, no tracking),
1060 to 1069 and 1101 are at the OMS (print files of every end, updates, a deletion, a uid that is not known, batches
that are sent, dead and pending, updates that wait), 1080 and many others are overdue, 1090 to 1096 were refused and are
in the middle of a bulk replay, 1098 and 1099 had a shop that responded with 410, 1100 is being retried, and 1102 was
received and not yet processed. Between them came webhooks that were parked, unhandled, erased, refused or signed with a
previous secret, products, stock, a push of the catalogue with a lost answer, and two runs of the monitor.

The file is never made again: a later version that writes other rows adds another file.
"""

import base64
import gzip
import json
import re
from datetime import datetime
from functools import cache
from itertools import batched
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pressroom.order.facts import pack, unpack
from pressroom.order.fold import RULES, fold
from pressroom.order.model import Status
from pressroom.order.outbox import State
from pressroom.order.reasons import Attention
from pressroom.platform import table
from pressroom.providers.oms import client
from pressroom.providers.oms.client import BatchOrder, PrintFile
from pressroom.providers.printful import registration_state
from tests.support.cloud import Clock
from tests.support.hub import Hub
from tests.support.samples import BADGE, TOTE, sample, shipment

FILE = Path(__file__).with_name("rows_of_3644d2d.json.gz")
SINCE: frozenset[str] = frozenset(
    {"STORE", "linked", "unlinked", "resembles", "distinct", "maybe_same_order", "made_twice", "no_sku", "uid_found"}
    | {"item_file_failed", "item_incomplete", "line_unusable"}
)
"""Kinds of rows, kinds of facts and reasons for attention that were added after that version."""

MISSING = "1039"
"""The order with `line_missing`."""


@cache
def kept() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(gzip.decompress(FILE.read_bytes()))
    return content


def attribute(value: Any) -> Any:
    """Return an attribute's value as DynamoDB takes it."""
    if isinstance(value, list):
        return [attribute(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: base64.b64decode(each) if name == "B" else attribute(each) for name, each in value.items()}


def rows(kind: str = "") -> list[dict[str, Any]]:
    return [attribute(row) for row in kept()["rows"] if row["pk"]["S"].startswith(kind)]


@pytest.fixture(name="old")
def _old(hub: Hub, clock: Clock) -> Hub:
    """A hub with the old table, at the time of the file."""
    clock.now = datetime.fromisoformat(kept()["at"])
    hub.cloud.parameters |= kept()["parameters"]
    for some in batched(rows(), 25, strict=False):
        hub.cloud.dynamodb.batch_write_item(RequestItems={"table": [{"PutRequest": {"Item": row}} for row in some]})
    hub.unseen()  # pump has already processed them
    for queue, messages in kept()["dead_letters"].items():
        for number, message in enumerate(messages):
            send(hub, queue, json.dumps(message), str(number))
    return hub


def send(hub: Hub, queue: str, body: str, identity: str) -> None:
    hub.cloud.sqs.send_message(
        QueueUrl=hub.cloud.url(queue), MessageBody=body, MessageGroupId=identity, MessageDeduplicationId=identity
    )


def resume(hub: Hub) -> None:
    """Send and process the messages that were in the queues."""
    for number, message in enumerate(kept()["queued"]):
        send(hub, message["queue"], message["body"], str(number))
    hub.settle()


def differences(before: Any, now: Any, path: str = "") -> list[str]:
    """Return the differences between two responses; added fields and reworded texts are allowed."""
    if isinstance(before, dict) and isinstance(now, dict):
        missing = [f"{path}/{name} is gone" for name in before.keys() - now.keys()]
        both = [name for name in before if name in now]
        return missing + [each for name in both for each in differences(before[name], now[name], f"{path}/{name}")]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = enumerate(zip(before, now, strict=True))
        return [each for number, pair in pairs for each in differences(*pair, f"{path}/{number}")]
    if path.endswith("/text") and now and isinstance(now, str):
        return []
    return [] if before == now else [f"{path}: {before!r} is now {now!r}"]


def refused_by_camaloon(hub: Hub) -> list[str]:
    found = hub.get("/deliveries", status="dead", destination="camaloon", limit="100")["body"]["deliveries"]
    return [each["order_id"] for each in found]


def sent_to(shown: dict[str, Any], destination: str) -> dict[str, str]:
    """Return the operations of an order's deliveries to a destination, with their states."""
    return {each["operation"]: each["status"] for each in shown["deliveries"] if each["destination"] == destination}


# --- the contents of the file ---


def test_the_file_has_rows_of_every_kind() -> None:
    named = set(re.findall(r"\| ([A-Z]+)#", table.__doc__ or ""))
    assert len(named) > 15
    assert {row["pk"]["S"].partition("#")[0] for row in rows()} == named - SINCE
    settings = {row["pk"]["S"] for row in rows("SETTING#")}
    assert settings == {
        f"SETTING#{name}" for name in ("monitor", "printful_webhook", "printful_webhook_seen", "storefront")
    }


def test_the_file_has_facts_of_every_kind_and_orders_with_every_reason_for_attention() -> None:
    facts = {row["pk"]["S"]: unpack(row["facts"]["B"]) for row in rows("ORDER#")}
    assert {fact.kind for each in facts.values() for fact in each} == RULES.keys() - SINCE
    reasons = {reason["S"] for row in rows("ORDER#") for reason in row["attention"]["L"]}
    assert reasons == set(Attention) - SINCE
    assert {row["status"]["S"] for row in rows("ORDER#")} >= set(Status) - {
        "produced",
        "packed",
        "delivered",
        "returned",
        "linked",
    }


def test_the_file_has_deliveries_of_every_state_and_rows_in_every_index() -> None:
    deliveries = rows("DELIVERY#")
    assert {row["state"]["S"] for row in deliveries} == set(State)
    assert {row["operation"]["S"] for row in deliveries if row["destination"]["S"] != "storefront"} == {
        *("order_paid", "create_order", "update_order", "delete_order", "create_batch", "push_catalogue")
    }
    assert all(any(key in row for row in rows()) for key in table.INDEXES.values())
    assert {row["state"]["S"] for row in rows("JOB#")} == {"running", "finished", "canceled"}


# --- the rows are read ---


def test_every_response_is_unchanged(old: Hub) -> None:
    wrong = dict[str, list[str]]()
    for path, query, before in kept()["answers"]:
        answer = old.get(path, **query)
        found = differences(before, answer["body"]) if answer["statusCode"] == 200 else [str(answer["statusCode"])]
        # The status in each of Printful's events counts now: a hold or a parcel may say that the order is being made.
        found = [each for each in found if not each.endswith("'accepted' is now 'in_production'")]
        if path.startswith(f"/orders/{MISSING}"):  # a line that Printful does not list is not accepted there any more
            found = [each for each in found if "'accepted'" not in each]
        if path.endswith("/history") and all(step in answer["body"]["history"] for step in before["history"]):
            continue
        if found:
            wrong[f"{path} {query or ''}"] = found
    assert wrong == {}
    assert differences(kept()["catalogue"], old.cloud.call("catalogue", {"action": "show"})) == []
    assert registration_state.wanted().wanted
    assert registration_state.latest() is registration_state.State.REPLACED


def test_the_indexed_attributes_of_an_order_match_its_facts(old: Hub) -> None:
    for row in rows("ORDER#"):
        made = fold(table.identity_of(row), unpack(row["facts"]["B"]))
        status = "paid" if made.id == MISSING else row["status"]["S"]
        assert (status, row["on_hold"]["BOOL"]) == (made.status, made.on_hold), made.id
        assert [each["S"] for each in row["attention"]["L"]] == list(made.attention), made.id
        assert (row["created_at"]["S"], row["updated_at"]["S"]) == (made.created_at, made.updated_at), made.id


def test_the_earlier_version_can_read_packed_facts() -> None:
    for row in rows("ORDER#"):
        facts = unpack(row["facts"]["B"])
        packed = pack(facts)
        assert unpack(packed) == facts
        assert packed[2:6] == row["facts"]["B"][2:6]  # the id of the preset dictionary


# --- the work on them continues ---


def test_messages_about_old_orders_are_duplicates_or_change_them(old: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    again = shipment((BADGE, 10), order_id=1001, tracking="T1001-1")
    assert old.receive("camaloon", "shipment_sent", again)["body"]["status"] == "duplicate"
    old.post("/notifications/enable")
    old.receive("camaloon", "shipment_sent", shipment((BADGE, 10), (TOTE, 2), order_id=1080, tracking="T1080"))
    old.settle()
    shown = old.order("1080")
    assert (shown["status"], shown["attention"]) == ("shipped", [])
    assert [each["tracking_number"] for each in shown["shipments"]] == ["T1080"]
    # An update of an order at the OMS is sent to its uid, which an old fact holds.
    update = mock.Mock(return_value=200)
    monkeypatch.setattr(client, "update_order", update)
    before = old.order("1060")
    old.send_sample("storefront/order_updated", id=1060, updated_at=kept()["at"])
    assert [call.args[0] for call in update.call_args_list] == [each["id"] for each in before["provider_orders"]]
    assert sent_to(old.order("1060"), "oms") == {"create_order": "delivered", "update_order": "delivered"}
    # An order at Camaloon can't be changed.
    lines = [{"id": "1", "sku": BADGE, "description": "Badge", "quantity": 1, "price": 1}]
    old.send_sample("storefront/order_updated", id=1002, updated_at=kept()["at"], line_items=lines)
    assert "change_not_sent" in old.order("1002")["attention"]
    # A printer's hold ends.
    assert old.order("1043")["on_hold"]
    text = json.dumps(sample("printful/order_remove_hold")).replace("98765432", "90000043").replace('"1002"', '"1043"')
    created = int(datetime.fromisoformat(kept()["at"]).timestamp())
    old.receive("printful", "order_remove_hold", json.loads(text) | {"created": created})
    old.settle()
    assert not old.order("1043")["on_hold"]
    assert old.order("1043")["attention"] == ["out_of_stock"]
    # The product of those orders is in stock again: they are found by the product.
    old.send_sample("printful/stock_updated__empty", created=created)
    assert {each for each in ("1039", "1043", "1049") if "out_of_stock" in old.order(each)["attention"]} == set()


def test_a_replayed_dead_delivery_is_sent(old: Hub) -> None:
    (delivery,) = (each["id"] for each in old.order("1096")["deliveries"] if each["destination"] == "camaloon")
    assert old.post(f"/deliveries/{delivery}/replay")["body"]["replayed"] is True
    old.settle()
    assert old.order("1096")["status"] == "accepted"
    messages = [json.loads(body["Body"]) for body in all_messages(old, "CamaloonDeadLetterQueue")]
    assert delivery not in {message["delivery_id"] for message in messages}
    assert len(messages) == len(kept()["dead_letters"]["CamaloonDeadLetterQueue"]) - 1
    # The shop works again, and receives the missed notifications.
    assert old.post("/notifications/enable")["body"]["disabled_at"] is None
    for each in old.order("1099")["deliveries"]:
        if each["destination"] == "storefront":
            old.post(f"/deliveries/{each['id']}/replay")
            old.settle()
    assert old.shop.types("1099") == ["order.accepted"]
    assert old.order("1099")["attention"] == []
    # A person settles a create at the OMS.
    (create,) = (each for each in old.order("1069")["deliveries"] if each["operation"] == "create_order")
    old.post(f"/deliveries/{create['id']}/settle", {"outcome": "dropped"})
    old.settle()
    assert old.order("1069")["status"] == "canceled"


def all_messages(hub: Hub, queue: str) -> list[dict[str, Any]]:
    found = list[dict[str, Any]]()
    while more := hub.cloud.sqs.receive_message(QueueUrl=hub.cloud.url(queue), MaxNumberOfMessages=10).get("Messages"):
        found += more
    return found


def test_a_running_bulk_replay_continues(old: Hub, clock: Clock) -> None:
    (job,) = (each for each in old.get("/replays")["body"]["replays"] if each["status"] == "running")
    assert (job["matched"], job["replayed"]) == (2, 2)
    before = refused_by_camaloon(old)
    for _ in range(4):
        clock.advance(60)
        old.cloud.call("replays", {})
        old.settle()
    shown = old.get(f"/replays/{job['id']}")["body"]
    # The job does not send again a delivery that was refused again during the job.
    assert (shown["status"], shown["replayed"]) == ("finished", 2 + len(before) - 1)
    assert refused_by_camaloon(old) == ["1090"]


def test_the_messages_in_the_queues_are_delivered_in_turn(old: Hub, clock: Clock) -> None:
    pending = {row["pk"]["S"] for row in rows("DELIVERY#") if row["state"]["S"] == State.PENDING}
    assert len(pending) > len(kept()["queued"])  # an update waits for its create
    resume(old)
    clock.advance(3600)
    old.deliver_again()
    old.settle()
    assert sent_to(old.order("1100"), "camaloon") == {"order_paid": "delivered"}
    assert sent_to(old.order("1101"), "oms") == {"create_order": "delivered", "update_order": "delivered"}
    assert old.oms.printed() == {"1101:70001": 1, "1101:70002": 1}


def test_a_webhook_that_was_received_and_not_processed_is_processed(old: Hub) -> None:
    (event,) = (each for each in old.get("/events", state="received")["body"]["events"])
    assert old.get("/orders/1102")["statusCode"] == 404
    old.pump_again(
        each for each in old.cloud.changes() if each["dynamodb"]["Keys"]["pk"]["S"] == f"EVENT#{event['id']}"
    )
    old.settle()
    assert old.order("1102")["status"] == "accepted"
    assert old.event(event["id"])["state"] == "processed"


def test_a_person_can_repair_old_rows(old: Hub) -> None:
    parked = old.get("/events", state="failed")["body"]["events"]
    assert old.post(f"/events/{parked[0]['id']}/replay")["body"]["replayed"] is True
    assert old.event(parked[0]["id"])["state"] == "received"
    old.settle()
    assert old.event(parked[0]["id"])["state"] == "failed"  # nothing was fixed
    assert old.post("/orders/1030/erase")["statusCode"] == 200
    assert {each["tracking_number"] for each in old.order("1030")["shipments"]} == {"erased"}
    assert old.get("/orders", tracking="T1030")["body"]["orders"] == []
    assert old.post("/orders/1020/lines/1/route", {"destination": "camaloon"})["statusCode"] < 300
    old.settle()
    assert old.order("1020")["lines"][0]["status"] == "accepted"


def test_the_scheduled_functions_continue(old: Hub) -> None:
    before = {each["id"]: each["since"] for each in old.get("/conditions")["body"]["conditions"]}
    old.cloud.call("monitor", {})
    now = {each["id"]: each["since"] for each in old.get("/conditions")["body"]["conditions"]}
    assert {each: now.get(each) for each in before} == before
    # A parcel without tracking.
    old.post("/notifications/enable")
    assert [each["tracking_number"] for each in old.order("1053")["shipments"]] == [None]
    assert old.cloud.call("untracked", {}) == {"told": 1}
    old.settle()
    assert old.shop.types("1053") == ["order.shipped"]


def test_batches_and_print_files_continue(old: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    create = mock.Mock(return_value=BatchOrder(201, "B1", "Batching"))
    monkeypatch.setattr(client, "create_batch", create)
    dead = next(each for each in old.get("/batches")["body"]["batches"] if each["state"] == "dead")
    uids = [each["uid"] for each in old.get(f"/batches/{dead['id']}")["body"]["items"]]
    assert old.post(f"/deliveries/{dead['delivery_id']}/replay")["body"]["replayed"] is True
    old.settle()
    assert [call.args[0] for call in create.call_args_list] == [uids]
    assert old.order("1067")["lines"][0]["batch"] == {"id": dead["id"], "uid": "B1", "status": "Batching"}
    assert "batch_dead" not in old.order("1067")["attention"]
    # A print file that had failed is ready, and can be batched.
    monkeypatch.setattr(client, "print_file", lambda _: PrintFile("ready", "https://oms.example/1.pdf"))
    hint = sample("oms/print_file_ready") | {"ecommerce_order_item_id": "1065:70001", "again": 1}
    old.receive("oms", "", hint)
    old.settle()
    old.work("PrintFilesQueue")
    assert [each["print_file"]["status"] for each in old.order("1065")["lines"]] == ["ready", "given_up"]
    assert old.order("1065")["attention"] == ["print_file_late"]
    assert "READY#1065:70001" in {row["pk"]["S"] for row in old.cloud.rows("READY")}


def test_a_push_of_the_catalogue_knows_earlier_pushes(old: Hub) -> None:
    shown = {each["entry"]: each for each in old.cloud.call("catalogue", {"action": "show"})["entries"]}
    (lost,) = (entry for entry, each in shown.items() if each["state"] == "unknown")
    assert old.cloud.call("catalogue", {"action": "absent", "entries": [lost]}) == {"ok": True, "absent": [lost]}
    content = {"categories": [{"key": "caps", "name": "Caps", "parent": "mugs"}]}  # the parent is only in the old rows
    assert old.cloud.call("catalogue", {"action": "push", "catalogue": content})["ok"] is True
