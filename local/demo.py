"""`make demo`: one paid order goes out to Camaloon and comes back shipped, on a local cloud of its own."""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from local import cloud
from local.cloud import Stack
from local.localhost import request
from local.progress import LocalCloudError, say
from local.settings import ROOT, STATE_DIR
from local.simulators import camaloon

DEMO_STATE_DIR = STATE_DIR / "demo"
EMULATOR_LOG = DEMO_STATE_DIR / "ministack.log"
DEADLINE_SECONDS = 60.0

console = Console(width=None if sys.stdout.isatty() else 120, highlight=False, soft_wrap=True)


def run() -> int:
    """Show it; the local cloud ends with it, whatever happens."""
    started = time.monotonic()
    cloud.down(state_dir=DEMO_STATE_DIR)  # a demo that was killed
    try:
        console.print("\n[bold]1. Start a local cloud and deploy Pressroom to it[/bold]")
        stack = cloud.up(state_dir=DEMO_STATE_DIR)
        order = _order_paid_now()
        _pay(stack, order)
        _show_arrival(stack)
        _ship(stack, order)
        _show_order(_wait_for_shipped(stack, str(order["id"])))
    finally:
        cloud.down(state_dir=DEMO_STATE_DIR)
    say(f"\nDone in {time.monotonic() - started:.0f} s; nothing is left running.")
    return 0


def _order_paid_now() -> dict[str, Any]:
    order: dict[str, Any] = json.loads((ROOT / "events" / "storefront" / "order_paid.json").read_text())
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {**order, "created_at": now, "processed_at": now}


def _pay(stack: Stack, order: dict[str, Any]) -> None:
    webhook = stack.webhooks["storefront"]
    console.print(f"\n[bold]2. The shop's signed order_paid goes to[/bold] {webhook['url']}")
    body = json.dumps(order).encode()
    headers = {
        "Content-Type": "application/json",
        "X-CAMALOON-TOPIC": "order_paid",
        "X-CAMALOON-HMAC-SHA256": camaloon.signature(webhook["secret"], body),
    }
    answer = request("POST", webhook["url"], body=body, headers=headers, timeout=30)
    console.print(f"   order {order['id']}, {len(order['line_items'])} lines -> {answer.status_code} {answer.text}")
    _expect(answer.status_code == 202, "the storefront's webhook is answered 202")


def _show_arrival(stack: Stack) -> None:
    console.print("\n[bold]3. Pressroom's signed webhook arrives at Camaloon[/bold]")
    address = stack.simulators["camaloon"] + "/_requests"
    got = _wait_for(
        "Camaloon gets the order",
        lambda: next((r for r in request("GET", address, timeout=10).json() if r["answered"] is not None), None),
    )
    console.print(f"   {got['method']} {got['path']}")
    for name in ("Content-Type", "X-Camaloon-Source-Domain", "X-Camaloon-Topic", "X-Camaloon-Hmac-Sha256"):
        console.print(f"   {name}: {got['headers'].get(name, '-')}")
    console.print(f"   body: {len(got['body']['line_items'])} lines for {got['body']['shipping_info']['city']}")
    _expect(got["answered"] == 200, f"Camaloon takes the order (it answered {got['answered']})")
    console.print("   Camaloon computed the signature itself, compared, checked every field, and answered 200.")


def _ship(stack: Stack, order: dict[str, Any]) -> None:
    webhook = stack.webhooks["camaloon"]
    console.print(f"\n[bold]4. Camaloon ships two parcels and says one of them twice, to[/bold] {webhook['url']}")
    first, second = _parcels(order)
    for parcel, expected in ((first, "accepted"), (second, "accepted"), (first, "duplicate")):
        body, headers = camaloon.shipment_sent(webhook["secret"], parcel)
        answer = request("POST", webhook["url"], body=body, headers=headers, timeout=30)
        console.print(f"   parcel {parcel['tracking_number']} -> {answer.status_code} {answer.text}")
        _expect(answer.status_code == 200, "Camaloon's webhook is answered 200")
        _expect(answer.json()["status"] == expected, f"this parcel is {expected}")


def _parcels(order: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the order: half of its first line (rounded up) travels first, everything else second."""
    lines = [{"sku": line["sku"], "quantity": line["quantity"]} for line in order["line_items"]]
    head = (lines[0]["quantity"] + 1) // 2
    rest = [{**lines[0], "quantity": lines[0]["quantity"] - head}, *lines[1:]]

    def parcel(number: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "order_id": order["id"],
            "tracking_number": number,
            "tracking_url": f"https://carrier.example/{number.replace(' ', '')}",
            "notify_customer": True,
            "line_items": [line for line in content if line["quantity"]],
        }

    return (
        parcel("9414 1058 1746 0398 1325 11", [{**lines[0], "quantity": head}]),
        parcel("9414 1058 1746 0398 1325 28", rest),
    )


def _wait_for_shipped(stack: Stack, order_id: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {stack.ops_token}"}
    url = f"{stack.api_url}/orders/{order_id}"

    def settled() -> dict[str, Any] | None:
        answer = request("GET", url, headers=headers, timeout=30)
        order: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        deliveries = [delivery["status"] for delivery in order.get("deliveries", [])]
        return order if order.get("status") == "shipped" and "pending" not in deliveries else None

    order = _wait_for("the order is shipped", settled)
    _expect([d["status"] for d in order["deliveries"]] == ["delivered"], "one webhook to Camaloon, delivered")
    _expect(len(order["shipments"]) == 2, "two parcels on the order")
    _expect(not order["attention"], "nothing that a person has to look at")
    return order


def _show_order(order: dict[str, Any]) -> None:
    console.print(f"\n[bold]5. GET /orders/{order['id']}[/bold]: [green]{order['status']}[/green]\n")
    _table(
        "Lines",
        {"line": "id", "sku": "sku", "ordered": "quantity", "shipped": "shipped_quantity", "status": "status"},
        order["lines"],
    )
    parcels = [
        {**parcel, "content": ", ".join(f"{line['quantity']} x {line['sku']}" for line in parcel["lines"])}
        for parcel in order["shipments"]
    ]
    _table("Parcels", {"provider": "provider", "tracking number": "tracking_number", "content": "content"}, parcels)
    _table(
        "Deliveries",
        {"to": "destination", "what": "operation", "status": "status", "attempts": "attempts", "error": "last_error"},
        order["deliveries"],
    )
    _table("Timeline", {"at": "at", "received": "received_at", "source": "source", "what": "text"}, order["timeline"])


def _table(title: str, columns: dict[str, str], rows: list[dict[str, Any]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in columns:
        table.add_column(heading)
    for row in rows:
        table.add_row(*("" if row.get(key) is None else str(row[key]) for key in columns.values()))
    console.print(table)


def _wait_for[Found](what: str, look: Callable[[], Found | None]) -> Found:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise LocalCloudError(f"Waited {DEADLINE_SECONDS:.0f} s in vain until {what}.", EMULATOR_LOG)


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise LocalCloudError(f"Not as it should be: {what}.", EMULATOR_LOG)
