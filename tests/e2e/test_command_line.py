"""The command line as it is started, against a local cloud: its launcher, its output and its exit codes."""

import json
import os
import subprocess
import uuid
from typing import Any

from cli.errors import DONE, NOT_SO, UNREACHED
from tests.e2e.conftest import ROOT, Shop


def typed(shop: Shop, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Type a command in another folder, in an environment that holds nothing of an AWS account."""
    inherited = {name: os.environ[name] for name in ("PATH", "PRESSROOM_AHEAD") if name in os.environ}
    environment = {**inherited, "PRESSROOM_STATE_DIR": str(shop.state_dir), **variables}
    return subprocess.run(
        [ROOT / ".venv/bin/pressroom", *words],
        cwd=shop.state_dir,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def told(shop: Shop, *words: str, code: int = DONE) -> Any:
    """Type a command with --json, and read what it says."""
    ended = typed(shop, *words, "--json")
    assert ended.returncode == code, ended.stderr
    return json.loads(ended.stdout)


def name() -> str:
    return f"typed-{uuid.uuid4().hex[:12]}"


def test_an_order_is_sent_found_and_read(shop: Shop) -> None:
    order_id = name()
    sent = told(shop, "send", "storefront.order_paid", "--set", f"id={order_id}", "--times", "2", "--wait")
    assert (sent["statuses"], sent["answer"]["status"]) == ({"202": 2}, "duplicate")
    assert (sent["event"]["state"], sent["event"]["order_id"]) == ("processed", order_id)
    shop.until(order_id, lambda order: order["status"] == "accepted")

    changes = ("--set", f"order_id={order_id}", "--set", f"tracking_number={order_id}-T")
    assert told(shop, "send", "camaloon.shipment_sent", *changes, "--wait")["event"]["order_id"] == order_id
    assert [each["id"] for each in told(shop, "orders", "--tracking", f"{order_id}-T")["orders"]] == [order_id]
    assert told(shop, "order", order_id)["shipments"][0]["tracking_number"] == f"{order_id}-T"
    read = typed(shop, "order", order_id)
    assert read.returncode == DONE
    assert f"Order {order_id}" in read.stdout
    (body,) = [json.loads(told(shop, "webhook", sent["event"]["id"])["body"])]
    assert body["id"] == order_id


def test_each_providers_sample_is_genuine(shop: Shop) -> None:
    for topic in ("cloudprinter.item_shipped", "printful.package_shipped", "oms.print_file_ready"):
        assert told(shop, "send", topic)["statuses"] == {"200": 1}, topic


def test_a_dead_delivery_is_found_and_replayed(shop: Shop) -> None:
    order_id = name()
    shop.camaloon_will(status=422)
    told(shop, "send", "storefront.order_paid", "--set", f"id={order_id}", "--wait")
    shop.until(order_id, lambda order: "delivery_dead" in order["attention"])
    dead = told(shop, "deliveries", "--destination", "camaloon", "--all")["deliveries"]
    (delivery,) = [each["id"] for each in dead if each["order_id"] == order_id]
    assert [each["status"] for each in told(shop, "delivery", delivery)["history"]] == [422]
    assert order_id in [each["id"] for each in told(shop, "orders", "--attention", "delivery_dead")["orders"]]
    assert typed(shop, "replay", "deliveries").returncode == 2  # nobody is there to say yes
    assert told(shop, "replay", "delivery", delivery) == {"id": delivery, "replayed": True}
    shop.until(order_id, lambda order: order["status"] == "accepted")
    assert told(shop, "replay", "delivery", delivery, code=NOT_SO)["replayed"] is False


def test_many_are_replayed_and_watched(shop: Shop) -> None:
    topic = f"mug_dropped_{uuid.uuid4().hex[:8]}"
    sample = str(ROOT / "events/camaloon/shipment_sent.json")
    for number in ("1", "2"):
        changes = ("--body", sample, "--set", f"order_id={number}", "--wait")
        assert told(shop, "send", f"camaloon.{topic}", *changes, code=NOT_SO)["event"]["state"] == "unhandled"
    job = told(shop, "replay", "webhooks", "--state", "unhandled", "--topic", topic, "--yes")
    assert (job["status"], job["replayed"]) == ("finished", 2)


def test_the_doctor_finds_the_local_cloud_as_it_should_be(shop: Shop) -> None:
    ended = typed(shop, "doctor", "--json")
    answer = json.loads(ended.stdout)
    assert ended.returncode == (NOT_SO if answer["counts"]["fail"] else DONE)  # what other tests leave dead is found
    found = {each["name"]: each["status"] for each in answer["checks"]}
    fine = ["stack", "ops API", "ops token", "clock", "quota", "CamaloonSourceDomain", "OmsBaseUrl", "OmsStoreId"]
    fine += [f"webhook {each}" for each in ("storefront", "camaloon", "cloudprinter", "printful", "oms")]
    fine += [each for each in found if each.startswith("secret ")]
    assert {each: found.get(each) for each in fine} == dict.fromkeys(fine, "ok")
    assert len([each for each in fine if each.startswith("secret ")]) == 9
    assert "local-" not in ended.stdout


def test_what_cannot_be_has_its_exit_code(shop: Shop) -> None:
    missing = typed(shop, "order", name(), "--json")
    assert (missing.returncode, missing.stdout, missing.stderr) == (NOT_SO, "", "error: There is no such order.\n")
    url = shop.stack.api_url
    refused = typed(shop, "orders", PRESSROOM_API_URL=url, PRESSROOM_TOKEN="another")
    assert (refused.returncode, refused.stderr) == (UNREACHED, f"error: The ops token is refused by {url}.\n")
    assert typed(shop, "orders", PRESSROOM_API_URL=url, PRESSROOM_TOKEN=shop.stack.ops_token).returncode == DONE
    assert typed(shop, "orders", "--stack", "shop", AWS_EC2_METADATA_DISABLED="true").returncode == UNREACHED
    assert typed(shop, "explain", str(ROOT / "events/storefront/order_paid__mixed_cart.json")).returncode == DONE
    assert typed(shop, "printful-webhook", "show").returncode == DONE
