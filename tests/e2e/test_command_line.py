"""The installed command line with a local cloud: launcher, output and exit codes."""

import json
import os
import subprocess
import uuid
from typing import Any

from cli.errors import DONE, NEGATIVE, UNREACHABLE
from pressroom.partners import SENDERS
from tests.e2e.conftest import ROOT, Shop
from tests.support import template


def run(shop: Shop, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in another directory, without an AWS account in the environment."""
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


def run_json(shop: Shop, *words: str, code: int = DONE) -> Any:
    """Run a command with --json, and return its output."""
    ended = run(shop, *words, "--json")
    assert ended.returncode == code, ended.stderr
    return json.loads(ended.stdout)


def name() -> str:
    return f"typed-{uuid.uuid4().hex[:12]}"


def test_an_order_is_sent_listed_and_shown(shop: Shop) -> None:
    order_id = name()
    sent = run_json(shop, "send", "storefront.order_paid", "--set", f"id={order_id}", "--times", "2", "--wait")
    assert (sent["statuses"], sent["answer"]["status"]) == ({"202": 2}, "duplicate")
    assert (sent["event"]["state"], sent["event"]["order_id"]) == ("processed", order_id)
    shop.until(order_id, lambda order: order["status"] == "accepted")

    changes = ("--set", f"order_id={order_id}", "--set", f"tracking_number={order_id}-T")
    assert run_json(shop, "send", "camaloon.shipment_sent", *changes, "--wait")["event"]["order_id"] == order_id
    assert [each["id"] for each in run_json(shop, "orders", "--tracking", f"{order_id}-T")["orders"]] == [order_id]
    assert run_json(shop, "order", order_id)["shipments"][0]["tracking_number"] == f"{order_id}-T"
    read = run(shop, "order", order_id)
    assert read.returncode == DONE
    assert f"Order {order_id}" in read.stdout
    (body,) = [json.loads(run_json(shop, "webhook", sent["event"]["id"])["body"])]
    assert body["id"] == order_id


def test_the_samples_of_all_providers_are_accepted(shop: Shop) -> None:
    for topic in ("cloudprinter.item_shipped", "printful.package_shipped", "oms.print_file_ready"):
        assert run_json(shop, "send", topic)["statuses"] == {"200": 1}, topic


def test_a_dead_delivery_can_be_found_and_replayed(shop: Shop) -> None:
    order_id = name()
    shop.camaloon_will(status=422)
    run_json(shop, "send", "storefront.order_paid", "--set", f"id={order_id}", "--wait")
    shop.until(order_id, lambda order: "delivery_dead" in order["attention"])
    dead = run_json(shop, "deliveries", "--destination", "camaloon", "--all")["deliveries"]
    (delivery,) = [each["id"] for each in dead if each["order_id"] == order_id]
    assert [each["status"] for each in run_json(shop, "delivery", delivery)["history"]] == [422]
    assert order_id in [each["id"] for each in run_json(shop, "orders", "--attention", "delivery_dead")["orders"]]
    assert run(shop, "replay", "deliveries").returncode == 2  # it can't ask for a confirmation
    assert run_json(shop, "replay", "delivery", delivery) == {"id": delivery, "replayed": True}
    shop.until(order_id, lambda order: order["status"] == "accepted")
    assert run_json(shop, "replay", "delivery", delivery, code=NEGATIVE)["replayed"] is False


def test_many_webhooks_are_replayed(shop: Shop) -> None:
    topic = f"mug_dropped_{uuid.uuid4().hex[:8]}"
    sample = str(ROOT / "events/camaloon/shipment_sent.json")
    for number in ("1", "2"):
        changes = ("--body", sample, "--set", f"order_id={number}", "--wait")
        assert run_json(shop, "send", f"camaloon.{topic}", *changes, code=NEGATIVE)["event"]["state"] == "unhandled"
    job = run_json(shop, "replay", "webhooks", "--state", "unhandled", "--topic", topic, "--yes")
    assert (job["status"], job["replayed"]) == ("finished", 2)


def test_the_doctor_passes_on_the_local_cloud(shop: Shop) -> None:
    ended = run(shop, "doctor", "--json")
    answer = json.loads(ended.stdout)
    assert ended.returncode == (NEGATIVE if answer["counts"]["fail"] else DONE)  # other tests leave dead deliveries
    found = {each["name"]: each["status"] for each in answer["checks"]}
    fine = ["stack", "ops API", "ops token", "clock", "quota", "CamaloonSourceDomain", "OmsBaseUrl", "OmsStoreId"]
    fine += [f"webhook {each}" for each in SENDERS]
    fine += [each for each in found if each.startswith("secret ")]
    assert {each: found.get(each) for each in fine} == dict.fromkeys(fine, "ok")
    assert len([each for each in fine if each.startswith("secret ")]) == len(
        template.resources("AWS::SecretsManager::Secret")
    )
    assert "local-" not in ended.stdout


def test_every_kind_of_failure_has_its_exit_code(shop: Shop) -> None:
    missing = run(shop, "order", name(), "--json")
    assert (missing.returncode, missing.stdout, missing.stderr) == (NEGATIVE, "", "error: There is no such order.\n")
    url = shop.stack.api_url
    refused = run(shop, "orders", PRESSROOM_API_URL=url, PRESSROOM_TOKEN="another")
    assert (refused.returncode, refused.stderr) == (UNREACHABLE, f"error: {url} refuses the ops token.\n")
    assert run(shop, "orders", PRESSROOM_API_URL=url, PRESSROOM_TOKEN=shop.stack.ops_token).returncode == DONE
    assert run(shop, "orders", "--stack", "shop", AWS_EC2_METADATA_DISABLED="true").returncode == UNREACHABLE
    assert run(shop, "explain", str(ROOT / "events/storefront/order_paid__mixed_cart.json")).returncode == DONE
    assert run(shop, "printful-webhook", "show").returncode == DONE
