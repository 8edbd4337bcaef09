"""The console in a real browser on the local cloud: a typical visit from sign-in to repair."""

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from pressroom.order.reasons import Attention
from tests.e2e.conftest import ROOT, Shop
from tests.e2e.test_printers import of_order, post, sample
from tests.support.browser import NARROW, WIDE, Visitor, browser

PICTURE = ROOT / "docs" / "console.png"
LAST_SAMPLE = datetime(2026, 9, 6, 14, 0, tzinfo=UTC)
"""The last time in the samples, which are of September 2026; the test moves it to now."""
EVENTS = (
    *("cloudprinter/order_validated", "cloudprinter/item_validated", "printful/order_created"),
    *("printful/order_updated", "printful/order_put_hold", "cloudprinter/item_produce", "printful/order_remove_hold"),
    *("cloudprinter/item_produced", "cloudprinter/item_packed", "cloudprinter/item_shipped"),
    *("printful/package_shipped", "printful/package_shipped__second_parcel", "cloudprinter/item_delivery_completed"),
)


@pytest.fixture(scope="module", name="chromium")
def _chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def _as_of_now(node: Any, shift: timedelta) -> Any:
    """Return a sample with its times moved, both in Unix seconds and in ISO 8601."""
    if isinstance(node, list):
        return [_as_of_now(each, shift) for each in node]
    if isinstance(node, dict):
        return {name: _as_of_now(value, shift) for name, value in node.items()}
    if isinstance(node, int) and 1_700_000_000 < node < 1_900_000_000:
        return node + int(shift.total_seconds())
    if isinstance(node, str) and node.startswith("2026-09-"):
        return (datetime.fromisoformat(node) + shift).isoformat(timespec="seconds")
    return node


@pytest.fixture(name="order")
def _order(shop: Shop) -> dict[str, Any]:
    """An order at three printers, partly shipped, which Camaloon has refused."""
    shift = datetime.now(UTC) - LAST_SAMPLE
    number = uuid.uuid4().int % 10**8
    order: dict[str, Any] = _as_of_now(sample("storefront/order_paid__several_printers"), shift)
    order |= {"id": f"{number}", "ref": f"W-{number}"}
    shop.camaloon_will(status=422)
    assert shop.pay(order).status_code == 202
    shop.until(order["id"], lambda known: [each["status"] for each in known["deliveries"]] == ["dead"])
    for name in EVENTS:
        content = _as_of_now(of_order(name, order["id"]), shift)
        if name.startswith("cloudprinter"):
            content["apikey"] = shop.stack.webhooks["cloudprinter"]["apikey"]
        assert post(shop, name.partition("/")[0], content).json()["status"] == "accepted"
    shop.until(order["id"], lambda known: len(known["shipments"]) == 3 and not known["on_hold"])
    return order


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_person_signs_in_finds_an_order_reads_it_and_repairs_it(
    shop: Shop, order: dict[str, Any], chromium: Browser, size: tuple[int, int]
) -> None:
    with Visitor(chromium, shop.stack.api_url, shop.stack.ops_token, size=size) as visitor:
        page = visitor.page
        visitor.open()
        visitor.sign_in("not-the-token")
        expect(page.get_by_role("alert")).to_have_text("This ops token isn't valid.")
        visitor.sign_in()
        visitor.expect_heading("Overview")

        visitor.search(order["ref"])
        visitor.expect_heading(f"Order {order['id']}")
        expect(page.locator(".notice")).to_contain_text(Attention.DELIVERY_DEAD.sentence)
        assert [each.split("\n")[0] for each in page.locator(".lane").all_inner_texts()][:5] == [
            *("Order", "Line 1", "Line 2", "Line 3", "Line 4")
        ]
        hold = page.locator("g.mark:has(.hold)")
        hold.focus()
        expect(page.locator(".readout")).to_contain_text("The front print is wider than the print area")
        page.get_by_text("Show as a list").click()
        expect(page.locator("ol.messages")).to_contain_text("order_paid could not be sent to camaloon: HTTP 422")
        page.get_by_text("Show as a list").click()

        page.get_by_role("button", name="Replay order_paid to Camaloon").click()
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name="order_paid"))
        expect(row).to_contain_text("delivered", timeout=30_000)
        expect(page.get_by_role("button", name="Replay order_paid to Camaloon")).to_have_count(0)
        assert [each["answered"] for each in shop.arrived(order["id"])] == [422, 200]
        visitor.go("#/inbox", "Inbox")
        expect(page.get_by_role("link", name=order["id"], exact=True)).to_have_count(0)

        visitor.go(f"#/orders/{order['id']}", f"Order {order['id']}")
        assert visitor.overflow() <= 0
        assert visitor.problems == []
        assert visitor.foreign_requests() == []
        if size == WIDE and os.environ.get("PRESSROOM_SCREENSHOTS"):
            hold.hover()
            page.screenshot(path=PICTURE)


def test_the_page_is_served_with_its_headers(shop: Shop) -> None:
    first = shop.api("/console", token="none")
    assert first.status_code == 200
    assert "script-src 'sha256-" in first.headers["Content-Security-Policy"]
    assert "<title>Pressroom</title>" in first.text
    assert shop.stack.outputs()["ConsoleUrl"].endswith("/console")
