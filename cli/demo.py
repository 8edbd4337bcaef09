"""`make demo` (`python -m cli.demo`): one paid order on a local cloud of its own, from the payment to the parcels.

Camaloon and the OMS receive their lines from Pressroom. Cloudprinter and Printful report on theirs by webhooks.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from cli import printful_webhook
from cli.errors import INTERRUPTED, NEGATIVE, Failed
from cli.invoke import ask
from cli.output import SENTENCES
from cli.stacks import Installation
from local import cloud
from local.cloud import Stack
from local.localhost import request
from local.progress import LocalCloudError, say
from local.settings import ROOT, STATE_DIR
from local.simulators import camaloon
from pressroom.platform.words import counted

DEMO_STATE_DIR = STATE_DIR / "demo"
EMULATOR_LOG = DEMO_STATE_DIR / "ministack.log"
DEADLINE_SECONDS = 60.0

SAMPLES_END = datetime(2026, 9, 6, 14, 0, tzinfo=UTC)
"""When the last sample happens. The demo shifts all times so that this is now."""
TIMES = ("created", "updated", "shipped_at")
"""The fields with unix times in Printful's messages."""

console = Console(width=None if sys.stdout.isatty() else 120, highlight=False, soft_wrap=True)


def run() -> int:
    """Run the demo on a local cloud, and stop the local cloud at the end, also after an error."""
    started = time.monotonic()
    cloud.down(state_dir=DEMO_STATE_DIR)  # that of a demo that was killed
    try:
        console.print("\n[bold]1. Start a local cloud and deploy Pressroom to it[/bold]")
        stack = cloud.up(state_dir=DEMO_STATE_DIR, parameters={"NotifyTrackingWaitMinutes": "0"})
        shift = datetime.now(UTC) - SAMPLES_END
        order = _order_paid(shift)
        _pay(stack, order)
        _show_arrival(stack)
        _personalised(stack, order)
        _register(stack)
        _produce(stack, order, shift)
        _ship(stack, order)
        _show_order(_wait_for(stack, order, "shipped with all trackings", _is_tracked))
        _fail_and_replay(stack, order)
        _show_notifications(stack, order)
    finally:
        cloud.down(state_dir=DEMO_STATE_DIR)
    say(f"\nDone in {time.monotonic() - started:.0f} s; nothing is left running.")
    return 0


def _sample(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return content


def _order_paid(shift: timedelta) -> dict[str, Any]:
    order = _sample("storefront/order_paid__several_printers")
    (personalised,) = (
        line for line in _sample("storefront/order_paid__mixed_cart")["line_items"] if line.get("personalization")
    )
    order["line_items"].append(personalised)
    times = {name: _moved(order[name], shift) for name in ("created_at", "processed_at")}
    return order | times


def _moved(text: str, shift: timedelta) -> str:
    return (datetime.fromisoformat(text) + shift).isoformat(timespec="seconds")


def _moved_within(node: Any, shift: timedelta) -> Any:
    """Return a message of Printful with all its unix times shifted."""
    if isinstance(node, list):
        return [_moved_within(each, shift) for each in node]
    if not isinstance(node, dict):
        return node
    seconds = int(shift.total_seconds())
    return {
        name: value + seconds if name in TIMES and isinstance(value, int) else _moved_within(value, shift)
        for name, value in node.items()
    }


def _pay(stack: Stack, order: dict[str, Any], *, quiet: bool = False) -> None:
    webhook = stack.webhooks["storefront"]
    if not quiet:
        console.print(f"\n[bold]2. The shop sends a signed order_paid webhook to[/bold] {webhook['url']}")
    body = json.dumps(order).encode()
    headers = {
        "Content-Type": "application/json",
        "X-CAMALOON-TOPIC": "order_paid",
        "X-CAMALOON-HMAC-SHA256": camaloon.signature(webhook["secret"], body),
    }
    response = request("POST", webhook["url"], body=body, headers=headers, timeout=30)
    console.print(
        f"   order {order['id']}, {counted(len(order['line_items']), 'line')} -> {response.status_code} {response.text}"
    )
    _expect(response.status_code == 202, "Pressroom responds to the shop's webhook with 202")


def _show_arrival(stack: Stack) -> None:
    console.print("\n[bold]3. Pressroom sends Camaloon's line to Camaloon, in a signed webhook[/bold]")
    address = stack.simulators["camaloon"] + "/_requests"
    received = _wait_until(
        "Camaloon receives the order",
        lambda: next((r for r in request("GET", address, timeout=10).json() if r["answered"] is not None), None),
    )
    console.print(f"   {received['method']} {received['path']}")
    for name in ("Content-Type", "X-Camaloon-Source-Domain", "X-Camaloon-Topic", "X-Camaloon-Hmac-Sha256"):
        console.print(f"   {name}: {received['headers'].get(name, '-')}")
    lines = counted(len(received["body"]["line_items"]), "line")
    console.print(f"   body: {lines} for {received['body']['shipping_info']['city']}")
    _expect(received["answered"] == 200, f"Camaloon accepts the order (it responded with {received['answered']})")
    console.print("   The simulator of Camaloon verified the signature, validated every field, and responded with 200.")


def _personalised(stack: Stack, order: dict[str, Any]) -> None:
    console.print(
        "\n[bold]4. The OMS receives the personalised line, makes its print file, and receives a batch[/bold]"
    )

    def is_ready(known: dict[str, Any]) -> bool:
        line = known["lines"][-1]
        return bool(line["print_file"] and line["print_file"]["status"] == "ready")

    ready = _wait_for(stack, order, "ready for printing at the OMS", is_ready)
    line, (at_oms,) = ready["lines"][-1], ready["provider_orders"]
    console.print(f"   order {at_oms['id']}, item {line['uid']}")
    console.print(f"   print file {line['print_file']['status']}: {line['print_file']['url']}")
    printed = request("GET", stack.simulators["oms"] + "/_printed", timeout=10).json()
    _expect(list(printed.values()) == [1], "the OMS prints the line once")
    headers = {"Authorization": f"Bearer {stack.ops_token}", "Content-Type": "application/json"}
    response = request("POST", f"{stack.api_url}/batches", body="{}", headers=headers, timeout=30)
    console.print(f"   POST /batches -> {response.status_code}, {len(response.json()['batches'])} batch")
    batched = _wait_for(stack, order, "in a batch", lambda known: known["lines"][-1]["batch"] is not None)
    batch = batched["lines"][-1]["batch"]
    console.print(f"   batch {batch['uid']}: [green]{batch['status']}[/green]")


def _is_shipped(known: dict[str, Any]) -> bool:
    statuses = {line["status"] for line in known["lines"] if line["destination"] != "oms"}
    return statuses == {"shipped", "delivered"} and len(known["shipments"]) == 5


def _is_tracked(known: dict[str, Any]) -> bool:
    return _is_shipped(known) and all(parcel["tracking_number"] for parcel in known["shipments"])


def _register(stack: Stack) -> None:
    console.print("\n[bold]5. Pressroom registers its webhook at Printful[/bold]")
    payload = {"action": "register", "product_ids": [19, 71]}
    response = ask(Installation.local(stack), printful_webhook.FUNCTION, payload)
    _expect(response["ok"], "the webhook is registered")
    console.print(f"   {printful_webhook.readable(response)}".replace("\n", "\n   "))


def _produce(stack: Stack, order: dict[str, Any], shift: timedelta) -> None:
    console.print(
        "\n[bold]6. Cloudprinter and Printful produce their lines; Printful puts its part on hold for a day[/bold]"
    )
    for name in ("order_validated", "item_validated", "item_produce"):
        _signal(stack, name, shift)
    for name in ("order_created", "order_updated", "order_put_hold"):
        _fire(stack, name, shift)
    held = _wait_for(stack, order, "on hold", lambda known: known["on_hold"])
    (hold,) = held["holds"]
    console.print(f"   [yellow]on hold[/yellow] at {hold['provider']} since {hold['since']}: {hold['reason']}")
    _print_attention(held)
    console.print(f"   the order is {held['status']}")
    _fire(stack, "order_remove_hold", shift)
    released = _wait_for(stack, order, "released", lambda known: not known["on_hold"])
    console.print(f"   [green]released[/green] at {released['holds'][0]['until']}")
    for name in ("item_produced", "item_packed", "item_shipped"):
        _signal(stack, name, shift)
    _signal(stack, "item_shipped", shift, expected="duplicate")
    for name in ("package_shipped", "package_shipped__second_parcel"):
        _fire(stack, name, shift)
    for name in ("item_delivery_started", "item_delivery_completed"):
        _signal(stack, name, shift)


def _signal(stack: Stack, name: str, shift: timedelta, expected: str = "accepted") -> None:
    """Send a signal of Cloudprinter; its key is part of the body."""
    webhook = stack.webhooks["cloudprinter"]
    signal = _sample(f"cloudprinter/{name}") | {"apikey": webhook["apikey"]}
    signal["datetime"] = _moved(signal["datetime"], shift)
    body, headers = json.dumps(signal), {"Content-Type": "application/json"}
    response = request("POST", webhook["url"], body=body, headers=headers, timeout=30)
    console.print(f"   Cloudprinter: {signal['type']} -> {response.status_code} {response.text}")
    _expect(response.status_code == 200 and response.json()["status"] == expected, f"the signal is {expected}")


def _fire(stack: Stack, name: str, shift: timedelta) -> None:
    """Make the simulator of Printful send an event to the registered URL."""
    event = _moved_within(_sample(f"printful/{name}"), shift)
    simulator, headers = stack.simulators["printful"], {"Content-Type": "application/json"}
    response = request("POST", f"{simulator}/_fire", body=json.dumps(event), headers=headers, timeout=30)
    _expect(response.status_code == 202, f"Printful sends {event['type']} ({response.text})")

    def delivered() -> int | None:
        last = request("GET", f"{simulator}/_fired", timeout=10).json()[-1]
        return int(last["attempts"][-1]["status"]) if last["state"] == "delivered" else None

    console.print(f"   Printful: {event['type']} -> {_wait_until(f'{event["type"]} is delivered', delivered)}")


def _ship(stack: Stack, order: dict[str, Any]) -> None:
    webhook = stack.webhooks["camaloon"]
    console.print(f"\n[bold]7. Camaloon ships two parcels, to[/bold] {webhook['url']}")
    console.print("   It reports one twice. The tracking of the other comes after the shop was notified of the parcel.")
    first, second = _parcels(order)
    untracked = {name: value for name, value in second.items() if not name.startswith("tracking")}
    for parcel, expected in ((first, "accepted"), (first, "duplicate"), (untracked, "accepted")):
        _report(webhook, parcel, expected)
    installation = Installation.local(stack)  # not by its schedule, which runs every five minutes
    _wait_until("the wait for the tracking is over", lambda: ask(installation, "untracked", {})["told"] or None)
    _wait_for(stack, order, "shipped, except for the OMS's line", _is_shipped)  # and its notifications are sent
    _report(webhook, second, "accepted")


def _report(webhook: dict[str, str], parcel: dict[str, Any], expected: str) -> None:
    """Send a parcel as Camaloon does."""
    body, headers = camaloon.shipment_sent(webhook["secret"], parcel)
    response = request("POST", webhook["url"], body=body, headers=headers, timeout=30)
    number = parcel.get("tracking_number", "without tracking")
    console.print(f"   parcel {number} -> {response.status_code} {response.text}")
    _expect(response.status_code == 200, "Pressroom responds to Camaloon's webhook with 200")
    _expect(response.json()["status"] == expected, f"this parcel is {expected}")


def _parcels(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Return Camaloon's line as two parcels; the first has more pieces, or the two could be one."""
    line = order["line_items"][0]
    head = line["quantity"] // 2 + 1
    return [
        {
            "order_id": order["id"],
            "tracking_number": number,
            "tracking_url": f"https://carrier.example/{number.replace(' ', '')}",
            "notify_customer": True,
            "line_items": [{"sku": line["sku"], "quantity": pieces}],
        }
        for number, pieces in (
            ("9414 1058 1746 0398 1325 11", head),
            ("9414 1058 1746 0398 1325 28", line["quantity"] - head),
        )
    ]


def _wait_for(
    stack: Stack, order: dict[str, Any], what: str, is_expected: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Wait until the order is in the expected state and no delivery is pending."""
    headers = {"Authorization": f"Bearer {stack.ops_token}"}
    url = f"{stack.api_url}/orders/{order['id']}"

    def settled() -> dict[str, Any] | None:
        response = request("GET", url, headers=headers, timeout=30)
        known: dict[str, Any] = response.json() if response.status_code == 200 else {}
        waiting = [each for each in known.get("deliveries", []) if each["status"] == "pending"]
        return known if known and not waiting and is_expected(known) else None

    return _wait_until(f"the order is {what}", settled)


def _show_order(order: dict[str, Any]) -> None:
    printers = [each for each in order["deliveries"] if each["destination"] != "storefront"]
    _expect(
        [each["status"] for each in printers] == ["delivered"] * 2,
        "each printer that Pressroom orders from has one delivery, with status delivered",
    )
    _expect(len(order["shipments"]) == 5, "the order has five parcels")
    _expect(not order["attention"], "the order has no reason for attention")
    console.print(f"\n[bold]8. GET /orders/{order['id']}[/bold]: [green]{order['status']}[/green]\n")
    _table(
        "Lines",
        {
            "line": "id",
            "sku": "sku",
            "printed by": "destination",
            "ordered": "quantity",
            "shipped": "shipped_quantity",
            "status": "status",
        },
        order["lines"],
    )
    console.print("   (the OMS does not report parcels, so its line stays in production)\n")
    parcels = [
        {**parcel, "content": ", ".join(f"{line['quantity']} x {line['sku']}" for line in parcel["lines"])}
        for parcel in order["shipments"]
    ]
    _table("Parcels", {"provider": "provider", "tracking number": "tracking_number", "content": "content"}, parcels)
    _table("Holds", {"provider": "provider", "since": "since", "until": "until", "reason": "reason"}, order["holds"])
    _table(
        "Deliveries",
        {"to": "destination", "what": "operation", "status": "status", "attempts": "attempts", "error": "last_error"},
        order["deliveries"],
    )
    _table("Timeline", {"at": "at", "received": "received_at", "source": "source", "what": "text"}, order["timeline"])


def _fail_and_replay(stack: Stack, order: dict[str, Any]) -> None:
    console.print(
        "\n[bold]9. Camaloon rejects the next order; after the cause is fixed, a person replays the delivery[/bold]"
    )
    broken = order | {"id": 1003, "ref": None, "line_items": order["line_items"][:1]}
    headers = {"Content-Type": "application/json"}
    behave = stack.simulators["camaloon"] + "/_behave"
    request("POST", behave, body=json.dumps({"status": 422}), headers=headers, timeout=10)
    _pay(stack, broken, quiet=True)
    flagged = _wait_for(stack, broken, "dead", lambda known: "delivery_dead" in known["attention"])
    (listed,) = _ops(stack, "GET", "/deliveries?status=dead")["deliveries"]
    what = f"{listed['operation']} of order {listed['order_id']} to {listed['destination']}"
    console.print(f"   GET /deliveries?status=dead: {what}")
    console.print(f"   [red]{listed['status']}[/red] after {listed['attempts']} attempt: {listed['last_error']}")
    _print_attention(flagged)
    counted = _ops(stack, "POST", "/replays", {"what": "deliveries", "state": "dead"})
    console.print(f"   POST /replays, dry run: {counted['matching']} would be replayed")
    replayed = _ops(stack, "POST", f"/deliveries/{listed['id']}/replay", {})
    _expect(replayed["replayed"], "the delivery is replayed")
    accepted = _wait_for(stack, broken, "accepted", lambda known: known["status"] == "accepted")
    console.print(
        f"   replayed: [green]{accepted['deliveries'][0]['status']}[/green], the order is {accepted['status']}"
    )
    (action,) = _ops(stack, "GET", f"/actions?target={listed['id']}")["actions"]
    console.print(f"   GET /actions: {action['action']} by {action['by']} at {action['at']}")


def _ops(stack: Stack, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
    headers = {"Authorization": f"Bearer {stack.ops_token}", "Content-Type": "application/json"}
    body = None if content is None else json.dumps(content)
    response = request(method, stack.api_url + path, body=body, headers=headers, timeout=30)
    _expect(response.status_code in (200, 202), f"{method} {path} succeeds ({response.status_code} {response.text})")
    return response.json()


def _show_notifications(stack: Stack, order: dict[str, Any]) -> None:
    console.print("\n[bold]10. Meanwhile Pressroom has notified the shop: signed webhooks, in order, each once[/bold]")

    def received() -> list[dict[str, Any]] | None:
        by_order = request("GET", stack.simulators["storefront"] + "/_told", timeout=10).json()
        types = Counter(each["type"] for each in by_order.get(str(order["id"]), []))
        if (
            types["order.shipped"] < 5
            or not types["order.tracking"]
            or not any(each["type"] == "order.accepted" for each in by_order.get("1003", []))
        ):
            return None
        return [each | {"order": name} for name in (str(order["id"]), "1003") for each in by_order[name]]

    notifications = _wait_until("the shop has received all notifications", received)
    _table(
        "Notifications to the shop",
        {
            "order": "order",
            "#": "sequence",
            "event": "type",
            "the order is": "status",
            "tracking": "tracking_number",
            "reasons": "reasons",
        },
        [each | {"reasons": ", ".join(each["reasons"])} for each in notifications],
    )
    for name in (str(order["id"]), "1003"):
        numbers = [each["sequence"] for each in notifications if each["order"] == name]
        _expect(numbers == list(range(1, len(numbers) + 1)), "the shop receives each notification once, in order")
    console.print(
        "   The simulator of the shop verified each with the public standardwebhooks package, and responded with 200."
    )


def _print_attention(order: dict[str, Any]) -> None:
    for reason in order["attention"]:
        console.print(f"   attention, {reason}: {SENTENCES[reason]}")


def _table(title: str, columns: dict[str, str], rows: list[dict[str, Any]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in columns:
        table.add_column(heading)
    for row in rows:
        table.add_row(*("" if row.get(key) is None else str(row[key]) for key in columns.values()))
    console.print(table)


def _wait_until[Found](what: str, poll: Callable[[], Found | None]) -> Found:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = poll()
        if found is not None:
            return found
        time.sleep(0.1)
    raise LocalCloudError(f"Timed out: after {DEADLINE_SECONDS:.0f} s, not yet true: {what}.", EMULATOR_LOG)


def _expect(is_true: bool, what: str) -> None:
    if not is_true:
        raise LocalCloudError(f"The demo expected that {what}.", EMULATOR_LOG)


if __name__ == "__main__":
    try:
        sys.exit(run())
    except (LocalCloudError, Failed) as error:
        sys.stdout.flush()
        sys.stderr.write(error.report() + "\n")
        sys.exit(NEGATIVE)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        sys.exit(INTERRUPTED)
