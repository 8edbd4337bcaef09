"""The OMS on the real build and deployment: orders, changes, cancellations, print files, batches, the catalogue."""

import json
import random
import string
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.catalogue import Command, Request
from cli.errors import DONE, INCOMPLETE, NEGATIVE
from cli.invoke import ask
from cli.stacks import Installation
from local.localhost import request
from local.partners import OMS_API_TOKEN
from pressroom.providers.oms import item_ids
from tests.e2e.conftest import ROOT, Shop
from tests.e2e.functions import configured, restart
from tests.e2e.test_command_line import run, run_json
from tests.e2e.test_orders import attempts_ended
from tests.e2e.test_printers import of_order, post, sample
from tests.e2e.waiting import wait_until
from tests.support.samples import PERSONAL

ORDERS, PRINT_FILES = "/api/v1/orders", "/api/v1/order-items"
NO_TOKEN = "what-was-a-token-once"
LATER = "2026-09-03T19:{:02}:00+02:00"


@pytest.fixture(name="oms")
def _oms(shop: Shop) -> Iterator[Shop]:
    """The shop, with the OMS's simulator reset after each test."""
    yield shop
    shop.oms("/_reset", {})


def personalised(**changes: Any) -> dict[str, Any]:
    """Return a new paid order: a mug and a poster, both with a design."""
    return sample("storefront/order_paid__personalized") | {"id": f"e2e-{uuid.uuid4().hex[:12]}"} | changes


def cart() -> dict[str, Any]:
    """Return a new paid order: line 1 for Camaloon, 2 for the OMS, 3 for Printful."""
    return sample("storefront/order_paid__mixed_cart") | {"id": f"e2e-{uuid.uuid4().hex[:12]}"}


def changed(order: dict[str, Any], minute: int, **changes: Any) -> dict[str, Any]:
    return order | {"updated_at": LATER.format(minute)} | changes


def with_mugs(order: dict[str, Any], quantity: int) -> list[dict[str, Any]]:
    """Return the order's lines with another number of mugs."""
    mug, *others = order["line_items"]
    return [mug | {"quantity": quantity}, *others]


def update(shop: Shop, order: dict[str, Any]) -> None:
    assert shop.send("storefront", "order_updated", order).status_code == 202


def cancel(shop: Shop, order: dict[str, Any]) -> None:
    assert shop.send("storefront", "order_canceled", {"id": order["id"]}).status_code == 202


def asked(shop: Shop, order: dict[str, Any], method: str, path: str = ORDERS) -> list[dict[str, Any]]:
    """Return the requests to the OMS about an order: with our id in the body, or an id of the OMS in the path."""
    known = shop.known(order["id"]) or {"provider_orders": []}
    uids = [each["id"] for each in known["provider_orders"]]
    return [
        each
        for each in shop.oms("/_requests")
        if each["method"] == method
        and each["path"].startswith(path)
        and (
            (isinstance(each["body"], dict) and each["body"].get("ecommerce_order_id") == order["id"])
            or any(part in each["path"] for part in (f"{order['id']}:", *uids))
        )
    ]


def at_oms(shop: Shop, order: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the orders at the OMS with this id: none, one or, after an error, several."""
    return [each for each in shop.oms("/_orders") if each["ecommerce_order_id"] == order["id"]]


def printed(shop: Shop, order: dict[str, Any]) -> dict[str, int]:
    """Return how often the OMS would print each line."""
    named = ((item_ids.parse(item), times) for item, times in shop.oms("/_printed").items())
    return {item[1]: times for item, times in named if item and item[0] == order["id"]}


def ended(*operations: str) -> Callable[[dict[str, Any]], bool]:
    """Return a condition: the order has exactly these deliveries, and each has ended."""
    return lambda order: (
        sorted(each["operation"] for each in order["deliveries"]) == sorted(operations) and attempts_ended(order)
    )


def updates(order: dict[str, Any]) -> int:
    """Return how many updates of an order are known."""
    return [each["source"] for each in order["timeline"]].count("storefront.order_updated")


def states(order: dict[str, Any]) -> dict[str, str]:
    return {each["operation"]: each["status"] for each in order["deliveries"]}


def has_print_files(order: dict[str, Any]) -> bool:
    theirs = [line for line in order["lines"] if line["destination"] == "oms"]
    return bool(theirs) and all(line["print_file"] and line["print_file"]["status"] == "ready" for line in theirs)


# --- a mixed cart ---


def test_a_mixed_cart_is_sent_to_its_printers_and_its_print_file_is_polled(oms: Shop) -> None:
    order = cart()
    assert oms.pay(order).status_code == 202
    known = oms.until(order["id"], lambda it: attempts_ended(it) and has_print_files(it))
    assert [line["destination"] for line in known["lines"]] == ["camaloon", "oms", "printful"]
    assert [line["status"] for line in known["lines"]] == ["accepted", "in_production", "paid"]
    assert states(known) == {"order_paid": "delivered", "create_order": "delivered"}
    assert known["attention"] == []

    (at_camaloon,) = oms.arrived(order["id"])
    assert [line["sku"] for line in at_camaloon["body"]["line_items"]] == [order["line_items"][0]["sku"]]
    assert "personalization" not in at_camaloon["body"]["line_items"][0]
    (there,) = at_oms(oms, order)
    (item,) = there["items"]
    design = order["line_items"][1]["personalization"]
    assert item["template_config"] == design["template_config"]
    assert (item["ecommerce_variant_id"], item["quantity"], item["price"]) == ("5510", 3, 14.9)
    assert known["lines"][1]["uid"] == item["uid"]
    assert known["lines"][1]["print_file"]["url"].endswith(f"{item['uid']}.pdf")
    assert printed(oms, order) == {"2": 1}
    followed = [each["text"] for each in known["timeline"] if each["source"] == "oms.print_file"]
    assert [text.rpartition(" ")[2] for text in followed] == ["received", "processing", "ready"]

    assert post(oms, "printful", of_order("printful/package_shipped", order["id"])).status_code == 200
    known = oms.until(order["id"], lambda it: it["shipments"])
    assert [line["status"] for line in known["lines"]] == ["accepted", "in_production", "shipped"]


def test_a_notice_of_the_oms_triggers_a_poll_at_once(oms: Shop) -> None:
    order = cart()
    item = item_ids.item_id(order["id"], "2")
    oms.oms("/_print_files", {item: "processing"})
    oms.pay(order)

    def pauses() -> list[float]:
        asked_at = [datetime.fromisoformat(each["at"]) for each in asked(oms, order, "GET", PRINT_FILES)]
        return [(after - before).total_seconds() for before, after in pairwise(asked_at)]

    # The pauses double: after one of more than six seconds, the next is longer, unless a notice ends it.
    wait_until(lambda: any(pause > 6 for pause in pauses()) or None, "the pause has grown")
    oms.oms("/_print_files", {item: "ready"})
    answer = post(oms, "oms", {"ecommerce_order_item_id": item, "status": "whatever", "at": LATER.format(0)})
    assert answer.status_code == 200
    oms.until(order["id"], has_print_files)
    (*_, before, last) = pauses()
    assert last < before
    assert oms.event_until(answer.json()["event_id"], "processed")["topic"] == "print_file_ready"


def test_a_notice_with_a_wrong_token_is_refused_and_not_stored(oms: Shop) -> None:
    before = oms.kept()
    url = oms.stack.webhooks["oms"]["url"].rpartition("/")[0]
    for token in ("wrong", "local-oms-toke", OMS_API_TOKEN):
        assert request("POST", f"{url}/{token}", body='"1003:70001"', timeout=60).status_code == 401
    assert oms.kept() == before


def test_a_failed_print_file_is_flagged_and_a_notice_triggers_another_poll(oms: Shop) -> None:
    order = personalised()
    mug, poster = (item_ids.item_id(order["id"], line["id"]) for line in order["line_items"])
    oms.oms("/_print_files", {mug: "processingfailed"})
    oms.pay(order)
    known = oms.until(order["id"], lambda it: it["attention"])
    assert known["attention"] == ["print_file_failed"]
    oms.oms("/_print_files", {mug: "ready"})
    assert post(oms, "oms", {"order": {"ecommerce_order_id": order["id"]}, "of": poster}).status_code == 200
    assert oms.until(order["id"], has_print_files)["attention"] == []


# --- changed and canceled by the shop ---


def test_an_update_waits_until_the_order_is_created(oms: Shop) -> None:
    order = personalised()
    oms.oms_will(method="POST", path=ORDERS, retry_after=1, times=2)
    oms.pay(order)
    oms.until(order["id"], lambda it: it["deliveries"])
    update(oms, changed(order, 5, note="Bell 2-1", line_items=with_mugs(order, 3)))
    known = oms.until(order["id"], ended("create_order", "update_order"))
    assert states(known) == {"create_order": "delivered", "update_order": "delivered"}
    (there,) = at_oms(oms, order)
    assert (there["note"], [item["quantity"] for item in there["items"]]) == ("Bell 2-1", [3, 1])
    assert [line["quantity"] for line in known["lines"]] == [3, 1]
    created, sent = asked(oms, order, "POST"), asked(oms, order, "PUT")
    assert [each["answered"] for each in created] == [429, 429, 200]
    assert [each["answered"] for each in sent] == [200]
    assert sent[0]["at"] > created[-1]["at"]
    assert printed(oms, order) == {"70001": 1, "70002": 1}


@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])
def test_a_reversed_change_leaves_the_order_unchanged(oms: Shop, at_once: bool) -> None:
    order = personalised()
    oms.pay(order)
    oms.until(order["id"], ended("create_order"))
    for number, quantity in enumerate((3, 2), start=1):
        update(oms, changed(order, number, line_items=with_mugs(order, quantity)))
        if not at_once:
            oms.until(order["id"], ended("create_order", *["update_order"] * number))
    known = oms.until(order["id"], ended("create_order", "update_order", "update_order"))
    (there,) = at_oms(oms, order)
    assert [item["quantity"] for item in there["items"]] == [2, 1]
    assert [line["quantity"] for line in known["lines"]] == [2, 1]
    assert printed(oms, order) == {"70001": 1, "70002": 1}
    assert known["attention"] == []
    assert {each["status"] for each in known["deliveries"]} == {"delivered"} or at_once
    assert "dead" not in {each["status"] for each in known["deliveries"] if "withdrawn" not in str(each["last_error"])}


def test_an_update_that_arrives_after_a_later_one_changes_nothing(oms: Shop) -> None:
    order = personalised()
    oms.pay(order)
    oms.until(order["id"], ended("create_order"))
    update(oms, changed(order, 9, note="the later one"))
    oms.until(order["id"], ended("create_order", "update_order"))
    update(oms, changed(order, 8, note="the earlier one"))
    oms.until(order["id"], lambda it: updates(it) == 2 and attempts_ended(it))
    (there,) = at_oms(oms, order)
    assert there["note"] == "the later one"


def test_an_order_is_created_with_an_update_received_before_the_payment(oms: Shop) -> None:
    order = personalised()
    update(oms, changed(order, 5, note="from the beginning"))
    oms.pay(order)
    oms.until(order["id"], ended("create_order"))
    (there,) = at_oms(oms, order)
    assert there["note"] == "from the beginning"


def test_a_line_that_the_shop_removes_is_not_printed(oms: Shop) -> None:
    order = personalised()
    oms.pay(order)
    oms.until(order["id"], ended("create_order"))
    update(oms, changed(order, 5, line_items=order["line_items"][:1]))
    known = oms.until(order["id"], ended("create_order", "update_order"))
    assert printed(oms, order) == {"70001": 1}
    assert known["lines"][1]["status"] == "canceled"


def test_an_order_canceled_during_its_creation_is_deleted(oms: Shop) -> None:
    order = personalised()
    oms.oms_will(method="POST", path=ORDERS, hang_s=3)
    oms.pay(order)
    wait_until(lambda: asked(oms, order, "POST") or None, "the order is being sent")
    cancel(oms, order)
    known = oms.until(order["id"], ended("create_order", "delete_order"))
    assert states(known) == {"create_order": "delivered", "delete_order": "delivered"}
    assert (known["status"], at_oms(oms, order), printed(oms, order)) == ("canceled", [], {})
    assert [each["answered"] for each in asked(oms, order, "POST")] == [200]


def test_an_order_canceled_after_its_creation_is_deleted_and_its_lines_at_camaloon_are_flagged(oms: Shop) -> None:
    order = cart()
    oms.pay(order)
    oms.until(order["id"], ended("create_order", "order_paid"))
    cancel(oms, order)
    known = oms.until(order["id"], ended("create_order", "order_paid", "delete_order"))
    assert (at_oms(oms, order), printed(oms, order)) == ([], {})
    assert [line["status"] for line in known["lines"]][:2] == ["accepted", "canceled"]
    assert known["attention"] == ["not_recalled"]


def test_an_order_canceled_before_its_payment_is_never_sent(oms: Shop) -> None:
    order = personalised()
    cancel(oms, order)
    oms.until(order["id"], lambda it: it["timeline"])
    oms.pay(order)
    known = oms.until(order["id"], lambda it: it["lines"] and attempts_ended(it))
    assert [line["status"] for line in known["lines"]] == ["canceled", "canceled"]
    assert (known["status"], known["attention"]) == ("canceled", [])
    assert asked(oms, order, "POST") == []


def test_a_canceled_order_with_an_unknown_uid_is_flagged_for_a_person(oms: Shop) -> None:
    order = personalised()
    oms.oms_will(method="POST", path=ORDERS, lose_answer=True, hang_s=3)
    oms.pay(order)
    wait_until(lambda: asked(oms, order, "POST") or None, "the order is being sent")
    cancel(oms, order)
    known = oms.until(order["id"], ended("create_order", "delete_order"))
    assert states(known) == {"create_order": "delivered", "delete_order": "dead"}
    assert known["attention"] == ["delivery_dead", "not_recalled", "uid_unknown"]
    assert printed(oms, order) == {"70001": 1, "70002": 1}


# --- an order as the OMS has it ---


def test_an_order_is_shown_as_the_oms_has_it(oms: Shop) -> None:
    order = personalised()
    oms.pay(order)
    oms.until(order["id"], ended("create_order"))
    (there,) = at_oms(oms, order)
    shown = oms.api(f"/orders/{order['id']}/at-oms").json()
    assert shown["uid_unknown"] is False
    ((uid, content, problem),) = [(each["uid"], each["order"], each["problem"]) for each in shown["orders"]]
    assert (uid, content["uid"], content["ecommerce_order_id"], problem) == (there["uid"], uid, order["id"], None)
    assert {each["uid"] for each in content["items"]} == {each["uid"] for each in there["items"]}
    (action, *_) = oms.api(f"/actions?target={order['id']}").json()["actions"]
    assert action["action"] == "show_at_oms"
    assert run_json(oms, "order", order["id"], "--at-oms") == shown
    read = run(oms, "order", order["id"], "--at-oms")
    assert (read.returncode, f"At the OMS: {uid}" in read.stdout) == (DONE, True)
    oms.oms("/_reset", {})
    (gone,) = run_json(oms, "order", order["id"], "--at-oms")["orders"]
    assert (gone["order"], gone["problem"]) == (None, "the OMS has no such order")
    assert run(oms, "order", "e2e-nobody", "--at-oms").returncode == NEGATIVE


def test_a_person_names_an_order_whose_uid_is_unknown_and_it_can_be_canceled_again(oms: Shop) -> None:
    order = personalised()
    oms.oms_will(method="POST", path=ORDERS, lose_answer=True)
    oms.pay(order)
    known = oms.until(order["id"], ended("create_order"))
    assert (states(known), known["attention"]) == ({"create_order": "delivered"}, ["uid_unknown"])
    assert run_json(oms, "order", order["id"], "--at-oms") == {"uid_unknown": True, "orders": []}
    (there,) = at_oms(oms, order)

    stranger = run(oms, "oms-uid", order["id"], "no-such-uid")
    assert (stranger.returncode, "The OMS has no order with this uid." in stranger.stderr) == (NEGATIVE, True)
    named = run_json(oms, "oms-uid", order["id"], there["uid"])
    assert named == {"uid": there["uid"], "lines": ["70001", "70002"]}
    known = oms.until(order["id"], lambda it: not it["attention"])
    assert [each["uid"] for each in known["lines"]] == [each["uid"] for each in there["items"]]
    assert run_json(oms, "order", order["id"], "--at-oms")["orders"][0]["uid"] == there["uid"]
    oms.until(order["id"], has_print_files)

    cancel(oms, order)
    known = oms.until(order["id"], ended("create_order", "delete_order"))
    assert (known["status"], states(known)["delete_order"]) == ("canceled", "delivered")
    assert printed(oms, order) == {}


# --- large orders ---


def large(design: Callable[[int], str]) -> dict[str, Any]:
    """Return an order of a hundred lines, each with its own design."""
    order = personalised()
    mug = order["line_items"][0]
    order["line_items"] = [
        mug
        | {"id": str(number)}
        | {"personalization": mug["personalization"] | {"template_config": f"%7B%22d%22%3A%22{design(number)}%22%7D"}}
        for number in range(100)
    ]
    return order


def noise(length: int, seed: int) -> str:
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=length))  # noqa: S311


@pytest.mark.parametrize(
    ("size", "reason"), [(50_000, "larger than 1048576 bytes"), (9_000, "even when it is compressed")]
)
def test_a_hundred_designs_that_are_too_large_are_refused_with_the_reason(oms: Shop, size: int, reason: str) -> None:
    order = large(lambda number: noise(size, number))
    answer = oms.pay(order)
    assert answer.status_code == 413
    assert reason in answer.json()["message"]
    assert oms.known(order["id"]) is None


def test_a_hundred_lines_with_designs_are_each_printed_once_and_polled_until_ready(oms: Shop) -> None:
    order = large(lambda number: (noise(60, number) + "%2C%20") * 140)
    body = json.dumps(order)
    assert 900_000 < len(body) < 1024 * 1024
    assert oms.pay(order).status_code == 202
    known = oms.until(order["id"], has_print_files)
    assert states(known) == {"create_order": "delivered"}
    assert printed(oms, order) == {str(number): 1 for number in range(100)}
    (there,) = at_oms(oms, order)
    assert [item["template_config"] for item in there["items"]] == [
        line["personalization"]["template_config"] for line in order["line_items"]
    ]
    assert len({line["uid"] for line in known["lines"]}) == 100
    assert known["attention"] == []


# --- a refused token ---


def test_deliveries_and_polls_wait_while_the_token_is_refused_and_use_up_no_attempts(oms: Shop) -> None:
    secrets, arn = oms.stack.client("secretsmanager"), oms.stack.outputs()["OmsApiSecretArn"]

    def set_token(token: str) -> None:
        text = json.dumps({"current": token, "previous": ""})
        secrets.put_secret_value(SecretId=arn, SecretString=text)

    followed, order = personalised(), personalised()
    item = item_ids.item_id(followed["id"], "70001")
    oms.oms("/_print_files", {item: "processing"})
    oms.pay(followed)
    oms.until(
        followed["id"], lambda it: it["lines"] and (it["lines"][0]["print_file"] or {}).get("status") == "processing"
    )
    set_token(NO_TOKEN)
    try:
        for function in ("deliver-oms", "print_files"):
            restart(oms, function)  # otherwise it would use the old token for up to five minutes
        oms.pay(order)
        known = oms.until(order["id"], lambda it: it["deliveries"] and it["deliveries"][0]["attempts"] > 2)
        (delivery,) = known["deliveries"]
        assert delivery["status"] == "pending"
        assert delivery["last_error"] == f"the OMS refuses the token in the secret {oms.stack.stack_name}/oms-api"
        assert tries(oms, delivery["id"]) == 0
        assert known["attention"] == []
        post(oms, "oms", {"of": item})
        wait_until(
            lambda: 401 in [each["answered"] for each in asked(oms, followed, "GET", PRINT_FILES)] or None, "", 30
        )
    finally:
        set_token(OMS_API_TOKEN)
    known = oms.until(order["id"], attempts_ended)
    assert states(known) == {"create_order": "delivered"}
    assert printed(oms, order) == {"70001": 1, "70002": 1}
    oms.oms("/_print_files", {item: "ready"})
    post(oms, "oms", {"ready": item})  # it would be polled without the notice, but the pauses have grown
    assert oms.until(followed["id"], has_print_files)["attention"] == []
    assert "OmsTokenRefused" in oms.logs()
    (alarm,) = oms.stack.client("cloudwatch").describe_alarms(AlarmNames=[f"{oms.stack.stack_name}-oms-token-refused"])[
        "MetricAlarms"
    ]
    assert alarm["MetricName"] == "OmsTokenRefused"
    assert f"{oms.stack.stack_name}/oms-api" in alarm["AlarmDescription"]


def tries(shop: Shop, delivery_id: str) -> int:
    """Return how many attempts count against a delivery, which the API does not show."""
    row = shop.stack.client("dynamodb").get_item(
        TableName=shop.stack.outputs()["TableName"], Key={"pk": {"S": f"DELIVERY#{delivery_id}"}}
    )["Item"]
    return int(row["tries"]["N"])


# --- unroutable lines ---


def test_an_unroutable_line_can_be_routed_by_hand(oms: Shop) -> None:
    order = cart()
    with configured(oms, "storefront-order_paid", DEFAULT_DESTINATION="nobody"):
        oms.pay(order)
        known = oms.until(order["id"], lambda it: it["lines"])
    assert [line["destination"] for line in known["lines"]] == [None, "oms", "printful"]
    assert known["attention"] == ["unroutable"]
    path = f"/orders/{order['id']}/lines/1/route"
    assert oms.api(path, "POST", destination="oms").status_code == 400  # it has no design
    assert oms.api(path, "POST", destination="camaloon").status_code == 202
    known = oms.until(order["id"], ended("create_order", "order_paid"))
    assert (known["lines"][0]["destination"], known["attention"]) == ("camaloon", [])
    assert len(oms.arrived(order["id"])) == 1
    assert oms.api(path, "POST", destination="printful").status_code == 409


# --- batches ---


def run_batches(shop: Shop, *variants: str) -> list[str]:
    """Make the due batches, and return those of the variants."""
    answer = shop.stack.client("lambda").invoke(FunctionName=f"{shop.stack.stack_name}-batches")
    made: list[str] = json.loads(answer["Payload"].read())["batches"]
    return [each for each in made if shop.api(f"/batches/{each}").json()["variant"] in variants]


def of_variant(line: dict[str, Any], variant: str, **changes: Any) -> dict[str, Any]:
    return line | {"personalization": line["personalization"] | {"variant_id": variant}} | changes


def test_batches_are_made_by_size_by_age_and_on_demand(oms: Shop) -> None:
    order = personalised()
    first, _ = order["line_items"]
    totes = [of_variant(first, "e2e-tote", id=str(number)) for number in range(8)]
    order["line_items"] = [of_variant(first, "e2e-mug"), *totes]
    with configured(oms, "batches", BATCH_SIZE="5", BATCH_MAX_AGE_MINUTES="600"):
        oms.pay(order)
        oms.until(order["id"], has_print_files)
        (by_size,) = run_batches(oms, "e2e-mug", "e2e-tote")
        assert run_batches(oms, "e2e-mug", "e2e-tote") == []
    assert oms.api("/batches", "POST", variant="nothing").status_code == 400
    (on_demand,) = oms.api("/batches", "POST", variant="e2e-tote").json()["batches"]
    with configured(oms, "batches", BATCH_MAX_AGE_MINUTES="0.01"):
        (by_age,) = wait_until(lambda: run_batches(oms, "e2e-mug") or None, "the mug is old enough", 10)

    batches = [batch_until_sent(oms, each) for each in (by_size, on_demand["id"], by_age)]
    assert [(each["variant"], len(each["items"])) for each in batches] == [
        *(("e2e-tote", 5), ("e2e-tote", 3), ("e2e-mug", 1))
    ]
    assert [each["templates"] for each in batches] == [["tote"], ["tote"], ["mug"]]
    for batch in batches:
        assert batch["uid"]
        assert batch["status"] == "Batching"
    known = oms.until(order["id"], lambda it: all(line["batch"] for line in it["lines"]))
    assert {line["batch"]["id"] for line in known["lines"]} == {each["id"] for each in batches}
    assert {line["batch"]["status"] for line in known["lines"]} == {"Batching"}
    batched = oms.oms("/_batched")
    assert [batched[line["uid"]] for line in known["lines"]] == [1] * 9
    assert {each["id"] for each in batches} <= {each["id"] for each in oms.api("/batches").json()["batches"]}


def test_an_item_without_a_print_file_request_is_batched_as_soon_as_it_is_at_the_oms(oms: Shop) -> None:
    order = cart()
    order["line_items"][1] = of_variant(order["line_items"][1], "e2e-cart")
    none = {"OMS_CREATE_PRINT_FILES": "false"}

    def batched() -> dict[str, Any] | None:
        made: list[dict[str, Any]] = oms.api("/batches", "POST", variant="e2e-cart").json()["batches"]
        return made[0] if made else None

    with configured(oms, "deliver-oms", **none), configured(oms, "print_files", **none):
        oms.pay(order)
        sent = batch_until_sent(oms, wait_until(batched, "there is a batch")["id"])
    (there,) = at_oms(oms, order)
    assert there["create_print_files"] is False
    (uid,) = (item["uid"] for item in sent["items"])
    assert (uid, oms.oms("/_batched")[uid]) == (there["items"][0]["uid"], 1)


def batch_until_sent(shop: Shop, batch_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        batch: dict[str, Any] = shop.api(f"/batches/{batch_id}").json()
        return batch if batch["state"] == "sent" else None

    return wait_until(look, f"batch {batch_id} is sent")


# --- the catalogue ---


def test_the_catalogue_is_compared_pushed_changed_and_pruned(oms: Shop, tmp_path: Path) -> None:
    def do(action: str, content: dict[str, Any] | None = None, **more: Any) -> int:
        file = tmp_path / "catalogue.json" if content else None
        if file:
            file.write_text(json.dumps(content))
        command = Command(
            lambda asked: ask(Installation.local(oms.stack), "catalogue", asked),
            Console(file=StringIO()),
            sleep=lambda _: time.sleep(0.1),
        )
        return command.run(Request(action, file=file, wait_s=60, **more))

    def writes() -> list[dict[str, Any]]:
        """Return all requests so far that change the OMS's catalogue."""
        asked = oms.oms("/_requests")
        return [each for each in asked if each["method"] != "GET" and each["path"].startswith("/api/v1/product")]

    def at(kind: str) -> list[str]:
        """Return the names of the entries created so far."""
        made = [each for each in writes() if (each["method"], each["path"]) == ("POST", f"/api/v1/{kind}")]
        return [each["body"]["name"] for each in made if each["answered"] == 200]

    content = json.loads((ROOT / "docs/catalogue.example.json").read_text())
    assert do("diff", content) == INCOMPLETE
    assert at("products") == []
    assert do("push", content) == DONE
    assert at("product-categories") == ["Drinkware", "Mugs"]
    assert (at("products"), len(at("product-variants"))) == (["Classic mug"], 2)
    assert do("diff", content) == DONE

    before = len(writes())
    content["products"][0]["name"] = "Classic mug, large"
    assert do("diff", content) == INCOMPLETE
    assert do("push", content) == DONE
    assert [(each["method"], each["answered"]) for each in writes()[before:]] == [("PUT", 200)]

    white, *_ = content["variants"]
    content["variants"].append(white | {"key": "mug-classic-red", "name": "Classic mug, red"})
    oms.oms_will(method="POST", path="/api/v1/product-variants", lose_answer=True)
    assert do("push", content) == NEGATIVE  # a person has to find out whether the OMS has it
    assert do("push", content) == NEGATIVE
    assert [each["path"] for each in writes()].count("/api/v1/product-variants") == 3

    assert do("push", delete=("mug-classic-black",)) == DONE
    assert do("show") == NEGATIVE
    assert [each["answered"] for each in writes() if each["method"] == "DELETE"] == [200]


# --- the logs ---


def test_no_log_holds_a_token_personal_data_or_a_design(oms: Shop) -> None:
    order = personalised()
    oms.oms_will(method="POST", path=ORDERS, status=400)
    oms.pay(order)
    oms.until(order["id"], attempts_ended)
    post(oms, "oms", {"nobody": "Marta"})
    secret = oms.stack.webhooks["oms"]["url"].rpartition("/")[2]
    designs = [line["personalization"]["template_config"][:30] for line in order["line_items"]]
    logged = oms.logs()
    for never in (OMS_API_TOKEN, NO_TOKEN, secret, *PERSONAL, *designs, "designs.shop.example"):
        assert never not in logged, f"{never!r} was logged"
