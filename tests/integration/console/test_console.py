"""The console in a real browser, on the API in this process."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Route, expect

from pressroom.order.reasons import Attention
from pressroom.platform.errors import Dead
from pressroom.platform.times import iso
from tests.support import gateway
from tests.support.browser import NARROW, WIDE, Visitor, browser
from tests.support.cloud import SECRETS
from tests.support.hub import Hub
from tests.support.samples import SEVERAL, order, sample, shipment
from tests.support.website import website

TOKEN = SECRETS["OpsTokenSecret"]
TABLET = (768, 1024)
SIZES = pytest.mark.parametrize("size", [WIDE, (360, 740)], ids=["wide", "phone"])


@pytest.fixture(scope="module", name="chromium")
def _chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


class Desk:
    """The hub, its website, and the visitors of its console."""

    def __init__(self, hub: Hub, url: str, turn: threading.Lock, chromium: Browser) -> None:
        self.hub, self.url, self._turn, self._chromium = hub, url, turn, chromium

    def visitor(self, **how: Any) -> Visitor:
        return Visitor(self._chromium, self.url, TOKEN, **how)

    def settle(self) -> None:
        """Process everything that is pending, while no request is being processed."""
        with self._turn:
            self.hub.settle()


@pytest.fixture(name="desk")
def _desk(hub: Hub, chromium: Browser) -> Iterator[Desk]:
    hub.cloud.parameters |= {"RoutingRules": "CP-*=cloudprinter,PF-*=printful"}
    with website(hub.cloud) as (url, turn):
        yield Desk(hub, url, turn, chromium)


def a_busy_week(hub: Hub) -> tuple[str, str]:
    """Receive webhooks of all kinds; return the ids of a failed webhook and of a dead delivery."""
    for name in (
        SEVERAL,
        "cloudprinter/order_validated",
        "cloudprinter/item_validated",
        "cloudprinter/item_produce",
        "printful/order_created",
        "printful/order_put_hold",
        "cloudprinter/item_shipped",
        "cloudprinter/item_delivery_failed",
        "printful/product_synced",
        "printful/stock_updated",
    ):
        hub.send_sample(name)
    hub.camaloon.answers = [Dead("HTTP 422")]
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    failed: str = hub.receive("camaloon", "shipment_sent", b"[]")["body"]["event_id"]
    hub.receive("camaloon", "mug_dropped", b"{}")
    hub.settle()
    (dead,) = hub.get("/deliveries")["body"]["deliveries"]
    return failed, dead["id"]


def places(failed: str, dead: str) -> dict[str, str]:
    """Return the path of every view, with its heading."""
    return {
        "#/overview": "Overview",
        "#/orders": "Orders",
        "#/orders?q=nowhere": "Nothing found",
        "#/orders/1002": "Order 1002",
        "#/inbox": "Inbox",
        "#/products": "Products at Printful",
        f"#/webhooks/{failed}": "Webhook",
        f"#/deliveries/{dead}": "Delivery",
        "#/orders/nobody": "Not shown",
    }


# --- signing in ---


def test_the_page_is_public_and_its_data_is_not(hub: Hub) -> None:
    page = hub.cloud.call("api", gateway.request("GET", "/console"))
    assert (page["statusCode"], page["headers"]["Content-Type"]) == (200, "text/html; charset=utf-8")
    for path in ("/orders", "/orders/1001", "/orders/1001/history"):
        assert hub.cloud.call("api", gateway.request("GET", path))["statusCode"] == 401


def test_the_token_opens_the_console_and_another_one_does_not(desk: Desk) -> None:
    with desk.visitor() as visitor:
        visitor.open()
        visitor.sign_in("wrong")
        expect(visitor.page.get_by_role("alert")).to_have_text("This ops token isn't valid.")
        visitor.sign_in("ñ 1")
        expect(visitor.page.get_by_role("alert")).to_have_text("This ops token isn't valid.")
        expect(visitor.page.get_by_role("navigation")).to_be_hidden()
        visitor.sign_in()
        visitor.expect_heading("Overview")
        expect(visitor.page.get_by_role("navigation")).to_be_visible()
        assert visitor.problems == []


def test_the_token_is_only_in_the_memory_of_the_page(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid")
    with desk.visitor() as visitor:
        visitor.enter()
        visitor.go("#/orders/1001", "Order 1001")
        kept = visitor.page.evaluate(
            "async () => JSON.stringify([localStorage, sessionStorage, document.cookie, location.href, history.state,"
            " await indexedDB.databases(), await caches.keys().catch(() => [])])"
        )
        assert TOKEN not in kept
        assert json.loads(kept)[:3] == [{}, {}, ""]
        assert TOKEN not in visitor.page.content()
        assert visitor.context.cookies() == []
        assert not [each.url for each in visitor.requests if TOKEN in each.url]
        assert {each.headers.get("x-actor") for each in visitor.requests if "authorization" in each.headers} == {
            "console"
        }
        visitor.page.reload()
        expect(visitor.page.get_by_label("Ops token")).to_have_value("")


def test_an_expired_token_leads_to_the_form_and_back_to_the_same_view(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid")
    with desk.visitor() as visitor:
        visitor.enter("#/orders", "Orders")
        visitor.page.route(re.compile(r"/orders/1001$"), lambda route: route.fulfill(status=401, json={"detail": "no"}))
        visitor.page.get_by_role("link", name="1001").click()
        expect(visitor.page.get_by_role("alert")).to_contain_text("isn't valid any more")
        expect(visitor.page.get_by_role("navigation")).to_be_hidden()
        assert "20260901003" not in visitor.page.content(), "the old view is still shown"
        visitor.page.unroute(re.compile(r"/orders/1001$"))
        visitor.sign_in()
        visitor.expect_heading("Order 1001")


def test_signing_out_forgets_the_token(desk: Desk) -> None:
    with desk.visitor() as visitor:
        visitor.enter()
        visitor.page.get_by_role("button", name="Sign out").click()
        expect(visitor.page.get_by_role("alert")).to_have_text("You are signed out.")
        asked = len(visitor.requests)
        visitor.page.evaluate("() => { location.hash = '#/inbox' }")
        expect(visitor.page.get_by_label("Ops token")).to_be_visible()
        assert len(visitor.requests) == asked


def test_a_visitor_who_changes_the_view_during_sign_in_gets_that_view(desk: Desk) -> None:
    with desk.visitor() as visitor:
        waiting: list[Route] = []
        visitor.open()
        visitor.page.route("**/overview", lambda route: waiting.append(route))
        with visitor.page.expect_request("**/overview"):
            visitor.sign_in()
        visitor.page.evaluate(
            "() => new Promise(done => {"
            " addEventListener('hashchange', () => done(), { once: true }); location.hash = '#/inbox' })"
        )
        visitor.expect_heading("Pressroom")
        waiting[0].continue_()
        visitor.expect_heading("Inbox")
        expect(visitor.page.get_by_role("navigation")).to_be_visible()
        visitor.go("#/orders", "Orders")
        assert visitor.problems == []


@pytest.mark.parametrize("place", ["#/nowhere", "#/constructor", "#/__proto__/x", "#/webhooks", "#//", "#%E0"])
def test_an_unknown_path_shows_the_overview(desk: Desk, place: str) -> None:
    with desk.visitor() as visitor:
        visitor.enter(place)
        assert visitor.problems == []


# --- hostile texts ---

SCRIPT = "<script>window.pwned=1</script><img src=x onerror=alert(1)>"
BIDI = "\u202egnp.exe\u2066"
LONG = "x" * 900
HOSTILE_ID = "1/\"><svg onload=alert(1)>#?%2e%2F&'`"


def hostile(hub: Hub) -> list[str]:
    """Create orders whose every text is an attack; return their ids."""
    skus = [SCRIPT[:190], f"{BIDI}</bdi></td>", "W" * 200]
    lines = [
        {"id": f"{number}{SCRIPT}", "sku": sku, "quantity": 1, "price": 1.0, "name": SCRIPT, "vat_percentage": 0}
        for number, sku in enumerate(skus)
    ]
    template_line = sample("storefront/order_paid")["line_items"][0]
    for order_id in (HOSTILE_ID, "2"):
        lines_of = [template_line | line for line in lines]
        hub.receive("storefront", "order_paid", order(id=order_id, ref=f'{SCRIPT}"{LONG}', line_items=lines_of))
        hub.settle()
        urls = (
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            " //x",
            "vbscript:x",
        )
        for number, url in enumerate(urls):
            parcel = shipment((skus[number % 3], 1), order_id=order_id, tracking=f"{number}{SCRIPT}{BIDI}{LONG}")
            hub.receive("camaloon", "shipment_sent", parcel | {"tracking_url": url})
        hub.settle()
    held = sample("printful/order_put_hold")
    held["data"]["reason"] = f"{SCRIPT}{BIDI}{LONG * 5}"
    held["data"]["order"] |= {"external_id": "2", "notes": SCRIPT, "status": SCRIPT}
    item = held["data"]["order"]["items"][0]
    item |= {"name": SCRIPT + LONG, "price": "1", "files": [{"type": "front", "status": SCRIPT}]}
    held["data"]["order"] |= {
        "incomplete_items": [{"name": f"{BIDI}{LONG}", "quantity": 1}],
        "costs": {"currency": SCRIPT, "total": "9"},
        "gift": {"subject": SCRIPT, "message": f"{BIDI}{LONG * 3}"},
        "packing_slip": {"message": SCRIPT, "logo_url": "javascript:alert(3)", "store_name": LONG},
    }
    held["data"]["approval_files"] = [
        {"submitted_design": "javascript:alert(4)", "approval_sheet": " data:text/html,x"}
    ]
    hub.receive("printful", "order_put_hold", held)
    hub.receive("printful", "order_put_hold_approval", held | {"type": "order_put_hold_approval"})
    parcel = sample("printful/package_shipped")
    parcel["data"]["order"]["external_id"] = "2"
    parcel["data"]["shipment"] |= {"carrier": SCRIPT, "tracking_url": "javascript:alert(2)", "tracking_number": BIDI}
    hub.receive("printful", "package_shipped", parcel)
    error = sample("cloudprinter/item_error") | {
        "order_reference": "2",
        "cause": SCRIPT + LONG,
        "item_reference": SCRIPT,
    }
    hub.receive("cloudprinter", "item_error", error | {"delay": SCRIPT})
    hub.settle()
    return [HOSTILE_ID, "2"]


@pytest.mark.parametrize("size", [WIDE, TABLET, (360, 740)], ids=["wide", "tablet", "phone"])
def test_a_hostile_text_is_shown_as_text_and_stays_in_its_place(desk: Desk, size: tuple[int, int]) -> None:
    ids = hostile(desk.hub)
    raw = json.dumps({"order_id": SCRIPT, "note": BIDI}).encode()
    failed = desk.hub.receive("camaloon", "shipment_sent", raw)["body"]["event_id"]
    desk.hub.receive("camaloon", SCRIPT[:60], b"{}")
    desk.settle()
    orders = desk.hub.get("/orders")["body"]["orders"]
    assert {each["id"] for each in orders} >= set(ids)
    with desk.visitor(size=size) as visitor:
        visitor.enter("#/orders", "Orders")

        def holds(where: str) -> None:
            assert visitor.problems == [], where
            assert visitor.page.evaluate("() => window.pwned") is None, where
            planted = "#view script, #view img, #view iframe, #view [onload], #view [onerror]"
            assert visitor.page.locator(planted).count() == 0, where
            assert {link.partition(":")[0] for link in visitor.links()} <= {"http", "https"}, where
            assert visitor.overflow() <= 0, where
            shown = visitor.page.locator("body").inner_text()
            assert "\u202e" not in shown, where

        holds("orders")
        for order_id in ids:
            before = visitor.page.url
            visitor.page.get_by_role("link", name=order_id, exact=True).click()
            expect(visitor.page.locator("h1")).to_have_text(f"Order {order_id}")
            visitor.unfold()
            expect(visitor.page.locator("#view .messages > li").first).to_be_visible()
            for mark in visitor.page.locator("g.mark").all()[:12]:
                mark.dispatch_event("click")
            holds(order_id)
            expect(visitor.page.locator("#view")).to_contain_text("<script>window.pwned=1</script>")
            visitor.back()
            visitor.expect_heading("Orders")
            assert visitor.page.url == before
        for place, heading in (("#/inbox", "Inbox"), (f"#/webhooks/{failed}", "Webhook"), ("#/overview", "Overview")):
            visitor.go(place, heading)
            holds(place)
        visitor.search(SCRIPT)
        visitor.expect_heading("Nothing found")
        holds("search")


def test_only_a_web_address_is_a_link(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid")
    desk.hub.receive("camaloon", "shipment_sent", shipment(("063e8da93379f8c1aee0", 1), tracking="GOOD"))
    bad = shipment(("063e8da93379f8c1aee0", 1), tracking="BAD") | {"tracking_url": "javascript:alert(1)"}
    desk.hub.receive("camaloon", "shipment_sent", bad)
    desk.settle()
    with desk.visitor() as visitor:
        visitor.enter("#/orders/1001", "Order 1001")
        good = visitor.page.get_by_role("link", name="GOOD")
        expect(good).to_have_attribute("href", "https://track.carrier.example/GOOD")
        expect(good).to_have_attribute("rel", "noopener noreferrer")
        expect(good).to_have_attribute("target", "_blank")
        expect(visitor.page.get_by_role("cell", name="BAD", exact=True)).to_be_visible()
        expect(visitor.page.get_by_role("link", name="BAD")).to_have_count(0)


def test_a_customers_orders_are_found_and_the_address_stays_out_of_the_page_s_own(desk: Desk) -> None:
    email = order()["shipping_info"]["email"]
    desk.hub.send_sample("storefront/order_paid")
    with desk.visitor() as visitor:
        visitor.enter()
        field = visitor.page.get_by_role("searchbox")
        field.fill(f" {email.upper()}")
        field.press("Enter")
        visitor.expect_heading("Order 1001")
        assert "@" not in visitor.page.url
        desk.hub.send_sample("storefront/order_paid", id=1002)
        field.fill(email)
        field.press("Enter")
        expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("Found")
        assert "@" not in visitor.page.url
        for number in ("1001", "1002"):
            expect(visitor.page.get_by_role("link", name=number, exact=True)).to_be_visible()
        field.fill("nobody@shop.example")
        field.press("Enter")
        visitor.expect_heading("Nothing found")
        assert visitor.problems == []


def test_the_recipient_is_shown_on_request(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid")
    with desk.visitor() as visitor:
        visitor.enter("#/orders/1001", "Order 1001")
        assert "Soler" not in visitor.page.content()
        assert desk.hub.get("/actions", target="1001")["body"]["actions"] == []
        visitor.page.get_by_role("button", name="Show the recipient").click()
        expect(visitor.page.get_by_text("Marta Soler")).to_be_visible()
        (action,) = desk.hub.get("/actions", target="1001")["body"]["actions"]
        assert (action["action"], action["by"]) == ("show_recipient", "console")
        desk.hub.post("/orders/1001/erase")
        visitor.go("#/overview", "Overview")
        visitor.go("#/orders/1001", "Order 1001")
        visitor.page.get_by_role("button", name="Show the recipient").click()
        expect(visitor.page.get_by_text("No stored webhook names the recipient")).to_be_visible()


def test_a_record_that_looks_alike_is_linked_and_parted_again(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid")
    desk.hub.send_sample("camaloon/shipment_sent", order_id="1001-R1")
    with desk.visitor() as visitor:
        visitor.enter("#/orders/1001", "Order 1001")
        link, ask = visitor.page.get_by_role("button", name="Link: 1001-R1"), visitor.page.locator(".asked")
        link.click()
        expect(ask).to_contain_text("What a printer reported on 1001-R1, and will report, then counts in this order")
        visitor.page.get_by_role("button", name="Cancel").click()
        expect(link).to_be_focused()
        link.click()
        visitor.page.keyboard.press("Escape")
        expect(link).to_be_focused()
        assert (desk.hub.order("1001")["linked"], desk.hub.get("/actions")["body"]["actions"]) == ([], [])
        link.click()
        expect(ask.get_by_role("button", name="Link")).to_be_focused()
        visitor.page.keyboard.press("Enter")
        expect(visitor.page.get_by_role("button", name="Unlink: 1001-R1")).to_be_visible()
        assert desk.hub.order("1001")["linked"] == ["1001-R1"]
        visitor.go("#/orders/1001-R1", "Order 1001-R1")
        visitor.page.get_by_role("link", name="1001", exact=True).first.click()
        visitor.expect_heading("Order 1001")
        visitor.page.get_by_role("button", name="Unlink: 1001-R1").click()
        expect(ask).to_contain_text("then count in 1001-R1 again")
        assert desk.hub.order("1001")["linked"] == ["1001-R1"]
        ask.get_by_role("button", name="Unlink").click()
        expect(visitor.page.get_by_role("button", name="Unlink")).to_have_count(0)
        assert desk.hub.order("1001")["linked"] == []
        assert visitor.problems == []


def test_what_a_printer_says_of_its_order_is_shown_with_names_and_money(desk: Desk) -> None:
    content = sample("printful/order_put_hold_approval")
    content["data"]["order"]["items"][0]["files"][0]["status"] = "failed"
    content["data"]["order"]["incomplete_items"] = [{"name": "Night press poster", "quantity": 1}]
    content["data"]["order"]["costs"] |= {"currency": "JPY", "total": "4321.00"}
    desk.hub.receive("printful", "order_put_hold_approval", content)
    desk.settle()
    with desk.visitor() as visitor:
        visitor.enter("#/orders/1002", "Order 1002")
        notice = visitor.page.locator(".notice")
        expect(notice).to_contain_text("item file failed: Printful could not process a print file of an item.")
        for text in ("Night press tee - Black / M", "Night press poster"):
            expect(notice).to_contain_text(text)
        shown = visitor.page.locator("#view").inner_text().replace("\u00a0", " ")
        assert "total JPY 4,321\n" in shown
        assert "EUR 84.25" in shown
        assert "Grattis på födelsedagen!" in shown
        sheet = visitor.page.get_by_role("link", name="approval sheet")
        expect(sheet).to_have_attribute("href", "https://dashboard.printful.example/approval-sheets/98765432.pdf")
        assert visitor.problems == []


def test_products_and_variants_that_can_not_be_ordered_are_shown(desk: Desk) -> None:
    desk.hub.send_sample("printful/product_synced")
    with desk.visitor() as visitor:
        visitor.enter()
        visitor.page.get_by_role("link", name="Products").click()
        visitor.expect_heading("Products at Printful")
        expect(visitor.page.get_by_text("All variants can be ordered")).to_be_visible()
        desk.hub.send_sample("printful/stock_updated")
        visitor.page.reload()
        visitor.sign_in()
        for text in ("4017, 4018", "4021", "Night press tee", "night-press-tee", "3 of 4"):
            expect(visitor.page.get_by_role("cell").filter(has_text=text).first).to_be_visible()
        assert visitor.problems == []


# --- accessibility and navigation ---


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "phone"])
def test_every_view_is_accessible(desk: Desk, size: tuple[int, int], dark: bool) -> None:
    failed, dead = a_busy_week(desk.hub)
    axe = Axe()
    with desk.visitor(size=size, dark=dark) as visitor:

        def holds(where: str) -> None:
            found = axe.run(visitor.page).response["violations"]
            grave = [each for each in found if each["impact"] in ("serious", "critical")]
            assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in grave] == [], where
            assert visitor.overflow() <= 0, where

        visitor.open()
        expect(visitor.page.get_by_label("Ops token")).to_be_focused()
        holds("sign in")
        visitor.sign_in()
        visitor.expect_heading("Overview")
        for place, heading in places(failed, dead).items():
            visitor.go(place, heading)
            visitor.unfold()
            holds(place)
        assert visitor.problems == []
        assert visitor.foreign_requests() == []


def test_everything_can_be_done_with_the_keyboard(desk: Desk) -> None:
    a_busy_week(desk.hub)
    with desk.visitor() as visitor:
        page, keys = visitor.page, visitor.page.keyboard

        def tab_to(name: str, most: int = 60) -> None:
            for _ in range(most):
                keys.press("Tab")
                if page.evaluate("() => document.activeElement.ariaLabel || document.activeElement.innerText") == name:
                    return
            pytest.fail(f"{name} can't be reached with Tab")

        visitor.open()
        keys.type(TOKEN)
        keys.press("Enter")
        visitor.expect_heading("Overview")
        expect(page.locator("h1")).to_be_focused()
        keys.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        keys.type("1002")
        keys.press("Enter")
        visitor.expect_heading("Order 1002")
        expect(page.locator("h1")).to_be_focused()
        tab_to("Timeline as a picture")
        keys.press("Tab")
        expect(page.locator("g.mark").first).to_be_focused()
        expect(page.locator(".readout")).to_contain_text("Order: paid")
        for key in ("ArrowDown", "ArrowRight", "ArrowDown", "End", "Home", "ArrowUp"):
            keys.press(key)
            expect(page.locator("g.mark:focus")).to_have_count(1)
        expect(page.locator(".readout")).to_contain_text("Line 1")
        keys.press("Tab")
        expect(page.locator("g.mark:focus")).to_have_count(0)
        tab_to("Pressroom")
        keys.press("Shift+Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        keys.press("Enter")
        expect(page.locator("main")).to_be_focused()
        visitor.go("#/inbox", "Inbox")
        tab_to("Replay order_paid to Camaloon")
        keys.press("Enter")
        expect(page.get_by_role("status").filter(has_text="Waiting")).to_be_visible()
        desk.settle()
        expect(page.get_by_role("status").filter(has_text="Delivered.")).to_be_visible()
        expect(page.locator("h1")).to_be_focused()
        keys.press("/")
        keys.type("something")
        keys.press("Escape")
        expect(page.get_by_role("searchbox")).to_have_value("")
        expect(page.locator("h1")).to_be_focused()
        assert visitor.problems == []


def test_back_and_forward_lead_through_the_views(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid")
    with desk.visitor() as visitor:
        visitor.enter()
        visitor.page.get_by_role("link", name="Orders", exact=True).click()
        visitor.expect_heading("Orders")
        visitor.page.get_by_label("Status").select_option("accepted")
        expect(visitor.page.get_by_role("row")).to_have_count(2)
        assert visitor.page.url.endswith("#/orders?status=accepted")
        visitor.page.get_by_role("link", name="1001").click()
        visitor.expect_heading("Order 1001")
        visitor.back()
        visitor.expect_heading("Orders")
        expect(visitor.page.get_by_label("Status")).to_have_value("accepted")
        visitor.forward()
        visitor.expect_heading("Order 1001")


def test_two_records_that_look_alike_are_said_to_be_two(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid")
    desk.hub.send_sample("camaloon/shipment_sent", order_id="1001-R1")
    with desk.visitor() as visitor:
        visitor.enter("#/orders/1001", "Order 1001")
        visitor.page.get_by_role("button", name="Not the same: 1001-R1").click()
        assert desk.hub.order("1001")["maybe_same"] == ["1001-R1"]
        visitor.page.locator(".asked").get_by_role("button", name="Not the same").click()
        expect(visitor.page.get_by_role("button", name="Not the same")).to_have_count(0)
        assert desk.hub.order("1001")["maybe_same"] == []


def test_an_order_is_shown_as_the_oms_has_it_on_request(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid__personalized")
    (there,) = desk.hub.oms.orders()
    with desk.visitor() as visitor:
        visitor.enter("#/orders/1003", "Order 1003")
        assert desk.hub.get("/actions")["body"]["actions"] == []
        visitor.page.get_by_role("button", name="Show the order as the OMS has it").click()
        expect(visitor.page.get_by_role("region", name=f"At the OMS: {there['uid']}")).to_contain_text(
            '"ecommerce_order_item_id": "1003:70002"'
        )
        assert desk.hub.get("/actions")["body"]["actions"][0]["action"] == "show_at_oms"
        assert visitor.overflow() <= 0
        assert visitor.problems == []


# --- search, views, replays ---


@pytest.mark.parametrize("text", ["1001", "20260901003", "9414 1058 1746 0398 1325 11", " 1001 "])
def test_an_order_is_found_by_its_id_its_reference_and_its_tracking_number(desk: Desk, text: str) -> None:
    desk.hub.send_sample("storefront/order_paid")
    desk.hub.send_sample("camaloon/shipment_sent")
    with desk.visitor() as visitor:
        visitor.enter()
        visitor.search(text)
        visitor.expect_heading("Order 1001")
        visitor.search("no such thing")
        visitor.expect_heading("Nothing found")


@pytest.mark.parametrize("by", ["ref", "tracking", "email"])
def test_all_orders_that_a_search_finds_are_reached_page_by_page(desk: Desk, by: str) -> None:
    desk.hub.send_sample("storefront/order_paid")
    (like,) = desk.hub.get("/orders")["body"]["orders"]

    def some(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        began = int(asked.get("cursor", ["0"])[0])
        rows = [like | {"id": f"W-{number}"} for number in range(began, began + 50)] if began != 50 else []
        found = {"orders": rows, "cursor": str(began + 50) if began < 100 else None}  # its second page is empty
        route.fulfill(json=found if by in asked else {"orders": [], "cursor": None})

    with desk.visitor() as visitor:
        visitor.page.route(re.compile(r"/orders(\?|$)"), some)
        visitor.enter()
        visitor.search("marta@shop.example")
        expect(visitor.page.locator("tbody tr")).to_have_count(50)
        visitor.page.get_by_role("button", name="More").click()
        expect(visitor.page.locator("tbody tr")).to_have_count(100)
        expect(visitor.page.get_by_role("button", name="More")).to_have_count(0)
        assert visitor.problems == []


def test_a_list_of_ten_thousand_orders_is_loaded_page_by_page(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid")
    (like,) = desk.hub.get("/orders")["body"]["orders"]

    def some(route: Route) -> None:
        began = int(parse_qs(urlsplit(route.request.url).query).get("cursor", ["0"])[0])
        rows = [like | {"id": f"W-{number}"} for number in range(began, min(began + 50, 10_000))]
        route.fulfill(json={"orders": rows, "cursor": str(began + 50) if began + 50 < 10_000 else None})

    with desk.visitor() as visitor:
        visitor.page.route(re.compile(r"/orders(\?|$)"), some)
        visitor.enter("#/orders", "Orders")
        expect(visitor.page.locator("tbody tr")).to_have_count(50)
        for pages in (2, 3):
            visitor.page.get_by_role("button", name="More").click()
            expect(visitor.page.locator("tbody tr")).to_have_count(50 * pages)
        expect(visitor.page.get_by_role("link", name="W-100", exact=True)).to_be_focused()
        expect(visitor.page.get_by_role("button", name="More")).to_have_count(1)
        assert len([each for each in visitor.requests if "/orders" in urlsplit(each.url).path]) == 3


def test_the_timeline_is_shown_in_lanes_and_as_a_list(desk: Desk) -> None:
    a_busy_week(desk.hub)
    with desk.visitor() as visitor:
        visitor.enter("#/orders/1002", "Order 1002")
        page = visitor.page
        assert page.locator(".lane span").all_inner_texts() == [
            *("Order", "Line 1", "Line 2", "Line 3", "Line 4"),
            *("Shop", "Camaloon", "Cloudprinter", "Printful"),
            "Parcel 3SCP00…117790",
        ]
        stages = [each.get_attribute("aria-label") or "" for each in page.locator("g.mark:has(.stage)").all()]
        of_line = [each.rpartition(": ")[2] for each in stages if each.startswith("Line 2")]
        assert of_line == ["paid", "accepted", "in production", "shipped"]
        hold = page.locator("g.mark:has(.hold)")
        expect(hold).to_have_count(1)
        hold.hover()
        expect(page.locator(".readout")).to_contain_text("on hold still: The front print is wider")
        page.get_by_text("Show as a list").click()
        known = desk.hub.order("1002")
        messages = page.locator("ol.messages > li")
        expect(messages).to_have_count(len(known["timeline"]))
        for number, entry in enumerate(known["timeline"]):
            expect(messages.nth(number)).to_contain_text(entry["text"])
        messages.filter(has_text="on hold").get_by_role("link", name="webhook").click()
        visitor.expect_heading("Webhook")
        expect(page.locator("pre")).to_contain_text('"order_put_hold"')


def test_a_delay_found_by_pressroom_has_its_own_lane_and_no_dot(desk: Desk) -> None:
    known = an_order_with(desk)
    noticed = {"source": "monitor", "event_id": "overdue/camaloon/x", "text": "camaloon has not shipped 1 line"}
    known["timeline"] = [known["timeline"][0] | noticed, *known["timeline"]]
    with desk.visitor() as visitor:
        show_order(visitor, known, [])
        lanes = visitor.page.locator(".lane").all_inner_texts()
        assert [each.split("\n") for each in lanes][-2] == ["Pressroom", "1 delay found"]
        mark = visitor.page.locator("g.mark[aria-label^=Pressroom]")
        expect(mark.locator(".noticed")).to_have_count(1)
        expect(mark.locator(".dot")).to_have_count(0)
        expect(visitor.page.locator(".legend")).to_contain_text("delay found by Pressroom")
        mark.hover()
        expect(visitor.page.locator(".readout")).to_contain_text("camaloon has not shipped 1 line")


@SIZES
@pytest.mark.parametrize(
    ("minutes", "is_labelled"), [((5,), True), (tuple(range(1, 40)), False)], ids=["room", "no room"]
)
def test_no_dot_covers_the_label_of_a_hold(
    desk: Desk, size: tuple[int, int], minutes: tuple[int, ...], is_labelled: bool
) -> None:
    known = an_order_with(desk)
    start = datetime.now(UTC) - timedelta(days=3)
    end = start + timedelta(minutes=max(minutes)) if not is_labelled else None
    hold = {"provider": "printful", "since": iso(start), "until": end and iso(end), "reason": None}
    known["holds"] = [hold | {"approval_needed": False, "approval_files": []}]
    entry = known["timeline"][0] | {"source": "printful.order_put_hold"}
    known["timeline"] = [entry | {"at": iso(start + timedelta(minutes=each))} for each in (0, *minutes)]
    box = "nodes => nodes.map(node => node.getBoundingClientRect()).map(({ left, right }) => [left, right])"
    with desk.visitor(size=size) as visitor:
        show_order(visitor, known, [])
        words = visitor.page.locator(".hold-plate").evaluate_all(box)
        dots = visitor.page.locator("circle.dot").evaluate_all(box)
        assert (len(words), len(dots)) == (int(is_labelled), len(minutes) + 1)
        assert [dot for dot in dots for word in words if dot[0] < word[1] and word[0] < dot[1]] == []


def test_a_timeline_opens_at_its_newest_end_with_the_current_status(desk: Desk) -> None:
    a_busy_week(desk.hub)
    with desk.visitor(size=NARROW) as visitor:
        visitor.enter("#/orders/1002", "Order 1002")
        scroll = visitor.page.locator(".scroll")
        assert scroll.evaluate("node => node.scrollWidth > node.clientWidth")
        scroll.evaluate("node => node.scrollIntoView({ block: 'end' })")  # up and down only
        expect(scroll.locator("text", has_text="now")).to_be_in_viewport(ratio=1)
        expect(scroll.locator("g.mark[aria-label^='Line 4'] text").first).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("size", [WIDE, TABLET], ids=["wide", "tablet"])
def test_a_table_does_not_break_words(desk: Desk, size: tuple[int, int]) -> None:
    failed, _ = a_busy_week(desk.hub)
    long = "9400111899223344556677" * 4
    for number in (1, 2):
        parcel = shipment(("CP-BOOK-A5", 1), order_id="1002", tracking=f"{long}{number}")
        desk.hub.receive("camaloon", "shipment_sent", parcel)
    desk.settle()
    broken = """cells => cells.flatMap(cell => {
        const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), found = [];
        for (let text; (text = texts.nextNode());)
            for (const { index, 0: word } of text.data.matchAll(/[A-Z]?[a-z_]{3,}/g)) {
                const range = document.createRange();
                range.setStart(text, index);
                range.setEnd(text, index + word.length);
                if (range.getClientRects().length > 1) found.push(word);
            }
        return found;
    })"""
    with desk.visitor(size=size) as visitor:
        visitor.enter()
        for place, heading in places(failed, "-").items():
            if heading in ("Order 1002", "Inbox", "Orders"):
                visitor.go(place, heading)
                assert visitor.page.locator("td").filter(has_text="Cloudprinter").count() or heading == "Inbox"
                assert visitor.page.locator("td").evaluate_all(broken) == [], place
                assert visitor.overflow() <= 0, place


def test_the_header_is_one_row_on_wider_screens(desk: Desk) -> None:
    with desk.visitor() as visitor:
        visitor.enter()
        middle = "node => { const box = node.getBoundingClientRect(); return box.top + box.height / 2 }"
        for width in (737, 768, 1024):
            visitor.page.set_viewport_size({"width": width, "height": 800})
            mark, out = (visitor.page.locator(each).evaluate(middle) for each in ("header .mark", "#out"))
            assert abs(mark - out) < 5, width
            assert visitor.overflow() <= 0, width


def test_an_order_with_path_characters_in_its_id_is_shown(desk: Desk) -> None:
    known = an_order_with(desk)
    (row,) = desk.hub.get("/orders")["body"]["orders"]
    ids = {
        "..": ("..", "%252E%252E"),
        ".": (".", "%252E"),
        "...": ("...", "..."),
        "%2E": ("%252E", "%25252E"),
        "%252e": ("%25252e", "%2525252e"),
        "a/.?": ("a%2F.%3F", "a%252F.%253F"),
        "a%2F": ("a%252F", "a%25252F"),
    }
    rows = [row | {"id": each} for each in ids]
    with desk.visitor() as visitor:
        visitor.page.route(re.compile(r"/orders$"), answer_with({"orders": rows, "cursor": None}))
        visitor.enter("#/orders", "Orders")
        for order_id, (place, asked) in ids.items():
            visitor.page.route(f"**/orders/{asked}", answer_with(known | {"id": order_id}))
            visitor.page.route(f"**/orders/{asked}/history", answer_with({"history": []}))
            visitor.page.get_by_role("link", name=order_id, exact=True).click()
            visitor.expect_heading(f"Order {order_id}")
            assert visitor.page.url.endswith(f"#/orders/{place}")
            visitor.back()
            visitor.expect_heading("Orders")
        assert visitor.problems == []


def test_an_order_shows_the_sentence_of_each_reason_for_attention(desk: Desk) -> None:
    a_busy_week(desk.hub)
    with desk.visitor() as visitor:
        visitor.enter("#/orders/1002", "Order 1002")
        notice = visitor.page.locator(".notice")
        assert len(notice.locator("li").all()) == len(desk.hub.order("1002")["attention"])
        expect(notice).to_contain_text(Attention.NOT_DELIVERED.sentence)
        expect(notice).to_contain_text(Attention.ON_HOLD.sentence)


@pytest.mark.parametrize("place", ["#/inbox", "#/orders/1001", "a delivery"])
def test_a_dead_delivery_is_replayed_and_its_result_is_shown(desk: Desk, place: str) -> None:
    _, dead = a_busy_week(desk.hub)
    desk.hub.camaloon.answers = [Dead("HTTP 422")]
    where = f"#/deliveries/{dead}" if place == "a delivery" else place
    heading = {"#/inbox": "Inbox", "#/orders/1001": "Order 1001"}.get(place, "Delivery")
    with desk.visitor() as visitor:
        visitor.enter(where, heading)
        replay = visitor.page.get_by_role("button", name="Replay order_paid to Camaloon")
        replay.click()
        expect(visitor.page.get_by_role("status").filter(has_text="Waiting for the result")).to_be_visible()
        desk.settle()
        expect(visitor.page.get_by_role("status").filter(has_text="dead again: HTTP 422")).to_be_visible()
        if place != "a delivery":
            row = visitor.page.get_by_role("row").filter(has=replay)
            expect(row.locator("[data-label=Attempts]")).to_have_text("2")
        replay.click()
        expect(visitor.page.get_by_role("status").filter(has_text="Waiting for the result")).to_be_visible()
        desk.settle()
        expect(visitor.page.get_by_role("status").filter(has_text="Delivered.")).to_have_count(1)
        expect(replay).to_have_count(0)
        assert visitor.problems == []
    (action, _) = desk.hub.get("/actions", target=dead)["body"]["actions"]
    assert action["by"] == "console"


def test_a_failed_webhook_is_replayed_and_its_result_is_shown(desk: Desk) -> None:
    failed, _ = a_busy_week(desk.hub)
    with desk.visitor() as visitor:
        visitor.enter(f"#/webhooks/{failed}", "Webhook")
        visitor.page.get_by_role("button", name="Replay shipment_sent from Camaloon").click()
        expect(visitor.page.get_by_role("status").filter(has_text="Waiting for the result")).to_be_visible()
        desk.settle()
        expect(visitor.page.get_by_role("status").filter(has_text="failed again")).to_be_visible()


def test_the_replay_of_an_unhandled_webhook_shows_that_it_has_no_function(desk: Desk) -> None:
    event = desk.hub.receive("camaloon", "mug_dropped", b"{}")["body"]["event_id"]
    desk.settle()
    with desk.visitor() as visitor:
        visitor.enter(f"#/webhooks/{event}", "Webhook")
        visitor.page.get_by_role("button", name="Replay").click()
        expect(visitor.page.get_by_role("status").filter(has_text="Waiting for the result")).to_be_visible()
        desk.settle()
        result = visitor.page.get_by_role("status").filter(has_text="unhandled again")
        expect(result).to_have_text("unhandled again: Pressroom has no function for this topic")


def test_a_slow_replay_shows_that_it_is_still_waiting(desk: Desk) -> None:
    _, dead = a_busy_week(desk.hub)
    with desk.visitor() as visitor:
        visitor.page.clock.install()
        visitor.enter(f"#/deliveries/{dead}", "Delivery")
        visitor.page.get_by_role("button", name="Replay").click()
        still = visitor.page.get_by_role("status").filter(has_text="Still waiting after a minute.")
        for _ in range(60):
            visitor.page.clock.run_for(5_000)
            if still.count():
                break
        expect(still).to_be_visible()


def answer_with(content: Any, status: int = 200) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, json=content)


def test_an_error_of_the_api_is_shown_with_a_button_to_try_again(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid")
    with desk.visitor() as visitor:
        visitor.enter()
        visitor.page.route(re.compile(r"/orders/1001$"), answer_with({"detail": "Something <b>went</b> wrong."}, 500))
        visitor.go("#/orders/1001", "Not shown")
        expect(visitor.page.get_by_role("alert")).to_have_text("Something <b>went</b> wrong.")
        visitor.page.unroute(re.compile(r"/orders/1001$"))
        visitor.page.route(re.compile(r"/orders/1001$"), lambda route: route.abort())
        visitor.page.get_by_role("button", name="Try again").click()
        expect(visitor.page.get_by_role("alert")).to_contain_text("can't be reached")
        visitor.page.unroute(re.compile(r"/orders/1001$"))
        visitor.page.get_by_role("button", name="Try again").click()
        visitor.expect_heading("Order 1001")


def test_a_failed_refresh_is_shown_and_repeated(desk: Desk) -> None:
    """A merchant who reads the numbers has to see that they are out of date."""
    with desk.visitor() as visitor:
        page = visitor.page
        page.clock.install()
        visitor.enter()
        page.route("**/overview", answer_with({"detail": "Something went wrong."}, 500))
        page.get_by_role("button", name="Refresh").click()
        expect(page.locator("#view").get_by_role("alert")).to_have_text(
            "This page may be out of date. Something went wrong."
        )
        expect(page.locator("#view").get_by_role("alert")).to_be_in_viewport()
        visitor.expect_heading("Overview")
        page.get_by_role("button", name="Refresh").click()
        expect(page.locator("main:not([aria-busy])")).to_be_visible()
        expect(page.locator("#view").get_by_role("alert")).to_have_count(1)
        page.unroute("**/overview")
        with page.expect_response("**/overview"):
            page.clock.run_for(30_000)
        expect(page.locator("#view").get_by_role("alert")).to_have_count(0)


def test_an_overview_that_was_left_sends_no_requests(desk: Desk) -> None:
    with desk.visitor() as visitor:
        visitor.page.clock.install()
        visitor.enter()
        visitor.page.route("**/overview", answer_with({}, 401))
        visitor.page.get_by_role("button", name="Refresh").click()
        expect(visitor.page.get_by_role("alert")).to_contain_text("isn't valid any more")
        asked = len(visitor.requests)
        visitor.page.clock.run_for(120_000)
        assert len(visitor.requests) == asked


def test_an_error_of_the_next_page_is_shown_below_the_list(desk: Desk) -> None:
    desk.hub.send_sample("storefront/order_paid")
    (like,) = desk.hub.get("/orders")["body"]["orders"]
    with desk.visitor() as visitor:
        page = visitor.page
        page.route(re.compile(r"/orders$"), answer_with({"orders": [like], "cursor": "next"}))
        page.route(re.compile(r"/orders\?"), lambda route: route.abort())
        visitor.enter("#/orders", "Orders")
        page.get_by_role("button", name="More").click()
        expect(page.locator(".more + [role=alert]")).to_contain_text("can't be reached")
        expect(page.locator(".more + [role=alert]")).to_be_visible()
        page.unroute(re.compile(r"/orders\?"))
        page.route(re.compile(r"/orders\?"), answer_with({"orders": [like | {"id": "W-2"}], "cursor": None}))
        page.get_by_role("button", name="More").click()
        expect(page.get_by_role("link", name="W-2", exact=True)).to_be_focused()
        expect(page.get_by_role("button", name="More")).to_have_count(0)


def test_a_slow_page_shows_that_it_is_loading(desk: Desk) -> None:
    with desk.visitor() as visitor:
        waiting: list[Route] = []
        visitor.enter()
        visitor.page.route(re.compile(r"/orders$"), lambda route: waiting.append(route))
        bar = "getComputedStyle(document.querySelector('main'), '::before')"
        assert visitor.page.evaluate(f"() => {bar}.content") == "none"
        visitor.page.evaluate("() => { location.hash = '#/orders' }")
        visitor.page.wait_for_function(f"() => {bar}.content !== 'none' && {bar}.opacity === '1'")
        waiting[0].continue_()
        visitor.expect_heading("Orders")
        expect(visitor.page.locator("main.leaving")).to_have_count(0)


# --- many orders, lines and messages ---


def test_a_filter_with_few_matches_searches_beyond_the_newest_orders(desk: Desk) -> None:
    """The API limits the rows that it reads per request: a page may be empty although there are matches."""
    desk.hub.send_sample("storefront/order_paid")
    (like,) = desk.hub.get("/orders")["body"]["orders"]

    def some(route: Route) -> None:
        at = int(parse_qs(urlsplit(route.request.url).query).get("cursor", ["0"])[0])
        found = [like | {"id": "far"}] if at == 3 else [like | {"id": "farther"}] if at == 30 else []
        route.fulfill(json={"orders": found, "cursor": str(at + 1) if at < 30 else None})

    with desk.visitor() as visitor:
        page, more = visitor.page, visitor.page.get_by_role("button", name="More")
        page.route(re.compile(r"/orders\?"), some)
        visitor.enter("#/orders?provider=oms", "Orders")
        expect(page.get_by_role("link", name="far", exact=True)).to_be_visible()
        page.unroute(re.compile(r"/orders\?"))
        page.route(re.compile(r"/orders\?"), answer_with({"orders": [], "cursor": "5"}))
        visitor.go("#/overview", "Overview")
        before = len(visitor.requests)
        visitor.go("#/orders?provider=oms", "Orders")
        expect(page.get_by_text("None of the newest match. There are older ones.")).to_be_visible()
        assert len(visitor.requests) - before <= 8, "it does not load all of them by itself"
        page.unroute(re.compile(r"/orders\?"))
        page.route(re.compile(r"/orders\?"), some)
        for _ in range(9):
            if page.get_by_role("link", name="farther", exact=True).count():
                break
            more.click()
            expect(page.locator("button[aria-disabled]")).to_have_count(0)
        expect(page.get_by_role("link", name="farther", exact=True)).to_be_focused()
        expect(page.get_by_text("There is none among the newest")).to_have_count(0)
        expect(more).to_have_count(0)


def an_order_with(desk: Desk, **changes: Any) -> dict[str, Any]:
    desk.hub.send_sample("storefront/order_paid")
    desk.hub.send_sample("camaloon/shipment_sent")
    return desk.hub.order("1001") | changes


def show_order(visitor: Visitor, known: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    visitor.page.route(re.compile(r"/orders/1001$"), answer_with(known))
    visitor.page.route("**/orders/1001/history", answer_with({"history": steps}))
    visitor.enter("#/orders/1001", "Order 1001")


@SIZES
def test_an_order_of_sixty_parcels_labels_them_differently_and_counts_the_rest(
    desk: Desk, size: tuple[int, int]
) -> None:
    known = an_order_with(desk)
    (parcel,) = known["shipments"]
    known["shipments"] = [parcel | {"id": f"p{n}", "tracking_number": f"1Z999AA1012345{n:04}"} for n in range(60)]
    with desk.visitor(size=size) as visitor:
        show_order(visitor, known, [])
        expect(visitor.page.locator(".legend")).to_contain_text("20 further parcels not drawn.")
        lanes = visitor.page.locator(".lane:has-text('Parcel') span")
        assert len(set(lanes.all_inner_texts())) == 40
        cut = "nodes => nodes.filter(node => node.scrollWidth > node.clientWidth).length"
        assert lanes.evaluate_all(cut) == 0, "the labels are cut off"


@SIZES
@pytest.mark.parametrize("minutes", [1, 60 * 24 * 5, 60 * 24 * 90])
def test_the_times_above_a_timeline_do_not_overlap(desk: Desk, size: tuple[int, int], minutes: int) -> None:
    known = an_order_with(desk)
    start = datetime.now(UTC) - timedelta(days=100)
    first, *_ = known["timeline"]
    times = [start, *(start + timedelta(minutes=minutes, seconds=20 * n) for n in range(60))]
    known["timeline"] = [first | {"at": iso(each)} for each in times]
    with desk.visitor(size=size) as visitor:
        show_order(visitor, known, [])
        spans = visitor.page.eval_on_selector_all(
            ".tick-text",
            "texts => texts.map(text => text.getBoundingClientRect()).map(({ left, right }) => [left, right])",
        )
        ordered = sorted(spans)
        assert len(ordered) >= 3
        assert [pair for pair in pairwise(ordered) if pair[0][1] > pair[1][0]] == []


def test_now_is_at_the_present_even_if_a_printers_clock_is_ahead(desk: Desk) -> None:
    known = an_order_with(desk)
    now = datetime.now(UTC)
    first, *_ = known["timeline"]
    known["timeline"] = [first | {"at": iso(now + timedelta(days=days))} for days in (-4, 4)]
    with desk.visitor() as visitor:
        show_order(visitor, known, [])
        place = "nodes => nodes.map(node => node.getBoundingClientRect()).map(box => box.left + box.width / 2)"
        early, late = visitor.page.locator("circle.dot").evaluate_all(place)
        (at,) = visitor.page.locator(".tick.now").evaluate_all(place)
        assert early < at < late


def test_an_order_of_a_thousand_messages_and_lines_is_drawn_within_bounds(desk: Desk) -> None:
    desk.hub.send_sample(SEVERAL)
    known = desk.hub.order("1002")
    line, entry = known["lines"][0], known["timeline"][0]
    known["lines"] = [line | {"id": str(number)} for number in range(1000)]
    known["timeline"] = [entry | {"at": f"2026-09-{1 + n // 50:02}T10:{n % 50:02}:00.000Z"} for n in range(1000)]
    steps = [
        {
            "at": f"2026-09-01T10:{number % 50:02}:00.000Z",
            "what": "line",
            "provider": "",
            "id": str(number),
            "status": "paid",
        }
        for number in range(1000)
    ]
    with desk.visitor() as visitor:
        visitor.page.route(re.compile(r"/orders/1002$"), answer_with(known))
        visitor.page.route("**/orders/1002/history", answer_with({"history": steps}))
        visitor.enter("#/orders/1002", "Order 1002")
        assert visitor.page.locator("g.mark").count() <= 500
        expect(visitor.page.locator(".legend")).to_contain_text("960 further lines not drawn.")
        expect(visitor.page.locator(".legend")).to_contain_text("The 600 oldest messages not drawn.")
        visitor.page.get_by_text("Show as a list").click()
        expect(visitor.page.locator("ol.messages > li")).to_have_count(1000)
        assert visitor.overflow() <= 0


def test_the_overview_shows_conditions_and_charts_as_text(desk: Desk) -> None:
    with desk.visitor() as visitor:
        shown = {
            "conditions": [
                {
                    "id": "provider_silent/printful",
                    "name": "provider_silent",
                    "about": "printful",
                    "since": "2026-09-01T10:00:00.000Z",
                    "text": "No webhook from Printful <i>for days</i>.",
                }
            ],
            "looked_at": None,
        }
        visitor.page.route("**/conditions", answer_with(shown))
        visitor.enter()
        expect(visitor.page.locator(".notice")).to_contain_text("No webhook from Printful <i>for days</i>.")
        expect(visitor.page.locator(".notice")).to_contain_text("There has been no health check yet.")
        charts = [each.get_attribute("aria-label") or "" for each in visitor.page.locator("svg[role=img]").all()]
        assert [each.partition(":")[0] for each in charts] == [*("Shop", "Camaloon", "Cloudprinter", "Printful", "OMS")]
        assert all("webhooks in the last 24 hours" in each for each in charts)


def test_the_overview_shows_why_genuine_webhooks_were_refused(desk: Desk) -> None:
    with desk.visitor() as visitor:
        visitor.enter()
        notice = visitor.page.locator(".notice")
        expect(visitor.page.get_by_text("There has been no health check yet")).to_be_visible()
        expect(notice).to_have_count(0)
        desk.hub.receive("storefront", "order_paid", {})
        desk.hub.receive("storefront", "order_canceled", {})
        visitor.page.get_by_role("button", name="Refresh").click()
        text = "1 paid order from the shop was refused: created_at is missing."
        expect(notice).to_contain_text(text)
        expect(notice.locator("code").first).to_have_text("id")
        expect(notice.get_by_text("currency")).to_be_visible()
        expect(notice.get_by_text("processed_at")).to_be_hidden()  # the most frequent ones come first
        notice.get_by_text("1 further reason").click()
        expect(notice.get_by_text("processed_at")).to_be_visible()
        desk.hub.cloud.call("monitor", {})
        visitor.page.get_by_role("button", name="Refresh").click()
        expect(visitor.page.get_by_text("There has been no health check yet")).to_have_count(0)
        expect(notice).to_contain_text(text)
        expect(notice).not_to_contain_text("although the credentials were right")  # its condition
        assert visitor.problems == []


def test_the_overview_has_room_for_large_counts(desk: Desk) -> None:
    known = desk.hub.get("/overview")["body"]
    many = {"count": 1000, "more": True}
    known["deliveries"] = [each | {"pending": many, "dead": many} for each in known["deliveries"]]
    with desk.visitor() as visitor:
        visitor.page.route("**/overview", answer_with(known))
        visitor.enter()
        expect(visitor.page.get_by_text("1,000+ dead").first).to_be_visible()
        for width in (737, 768, 900):
            visitor.page.set_viewport_size({"width": width, "height": 800})
            assert visitor.overflow() <= 0, width


def test_conditions_show_the_time_of_the_check_and_all_times_in_one_format(desk: Desk) -> None:
    shown = {
        "conditions": [
            {
                "id": "provider_silent/printful",
                "name": "provider_silent",
                "about": "printful",
                "since": "2026-09-01T10:15:00.000Z",
                "text": "Nothing has come from Printful since 2026-09-01 08:05 UTC, although it has orders.",
            }
        ],
        "looked_at": iso(datetime.now(UTC) - timedelta(minutes=5)),
    }
    with desk.visitor() as visitor:
        visitor.page.route("**/conditions", answer_with(shown))
        for place, heading in (("#/overview", "Overview"), ("#/inbox", "Inbox")):
            visitor.enter(place, heading)
            notice = visitor.page.locator(".notice")
            expect(notice).to_contain_text("Checked 5 minutes ago")
            expect(notice).to_contain_text("from Printful since 1 Sept, 10:05, although it has orders.")
            expect(notice).to_contain_text("since 1 Sept, 12:15")
            visitor.page.reload()


@pytest.mark.parametrize(("minutes", "is_late"), [(20, False), (90, True)])
def test_a_late_health_check_is_reported(desk: Desk, minutes: int, is_late: bool) -> None:
    with desk.visitor() as visitor:
        looked = iso(datetime.now(UTC) - timedelta(minutes=minutes))
        visitor.page.route("**/conditions", answer_with({"conditions": [], "looked_at": looked}))
        visitor.enter()
        late = visitor.page.get_by_text("The last health check was at")
        expect(late).to_have_count(int(is_late))


def test_the_overview_is_refreshed_while_it_is_shown(desk: Desk) -> None:
    with desk.visitor() as visitor:
        visitor.page.clock.install()
        visitor.enter()
        link = visitor.page.get_by_role("link", name="paid", exact=False).first
        link.focus()
        held = link.get_attribute("href")
        with visitor.page.expect_response("**/overview"):
            visitor.page.clock.run_for(30_000)
        expect(visitor.page.locator("main:not([aria-busy])")).to_be_visible()
        assert visitor.page.evaluate("() => document.activeElement.getAttribute('href')") == held
