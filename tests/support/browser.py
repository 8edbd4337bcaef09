"""The console as a person has it: in a real browser, with everything noted that should never happen there."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, Route, expect

from local import chromium
from pressroom.orders import Status
from pressroom.times import iso
from tests.support import template

WIDE, NARROW = (1280, 860), (390, 844)
REFUSED = "Failed to load resource: the server responded with a status of 4"
"""What Chromium itself writes of an answer that a test asked for."""


@contextmanager
def browser() -> Iterator[Browser]:
    """The machine's Chromium. Without one its tests are skipped, but not in CI, where it belongs to the gate."""
    found = chromium.path()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium: install Debian's, or set PRESSROOM_CHROMIUM.")
        pytest.skip("There is no Chromium on this machine; PRESSROOM_CHROMIUM says where another one is.")
    expect.set_options(timeout=20_000)  # a machine of two cores, with a whole cloud on it, may be slow
    with chromium.running(found) as started:
        yield started


class Visitor:
    """A person in front of the console of the API at `url`. `trouble` is what should never happen to them."""

    def __init__(self, started: Browser, url: str, token: str, *, size: tuple[int, int] = WIDE, dark: bool = False):
        self.url, self.token = url, token
        self.context = started.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            timezone_id="Europe/Madrid",
            locale="en-GB",
        )
        self.page: Page = self.context.new_page()
        self.trouble: list[str] = []
        self.requests: list[Request] = []
        self.page.on("console", self._on_message)
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("dialog", self._on_dialog)
        self.page.on("popup", lambda popup: self.trouble.append(f"popup: {popup.url}"))
        self.page.on("request", lambda request: self.requests.append(request))  # it sets attributes on it
        stand_in(self.page, token)

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def _on_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(REFUSED):
            self.trouble.append(f"{message.type}: {message.text}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, place: str = "") -> None:
        self.page.goto(f"{self.url}/console{place}")

    def sign_in(self, token: str | None = None) -> None:
        self.page.get_by_label("Ops token").fill(self.token if token is None else token)
        self.page.get_by_role("button", name="Sign in").click()

    def enter(self, place: str = "#/overview", heading: str = "Overview") -> None:
        """Open the console, sign in, and wait until the place is shown."""
        self.open(place)
        self.sign_in()
        self.sees(heading)

    def go(self, place: str, heading: str) -> None:
        self.page.evaluate("place => { location.hash = place }", place)
        self.sees(heading)

    def sees(self, heading: str) -> None:
        expect(self.page.locator("h1")).to_have_text(heading)

    def find(self, text: str) -> None:
        self.page.get_by_role("searchbox").fill(text)
        self.page.get_by_role("searchbox").press("Enter")

    def overflow(self) -> int:
        """How many pixels the page is wider than its window."""
        found: int = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return found

    def links(self) -> list[str]:
        found: list[str] = self.page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        return found

    def elsewhere(self) -> list[str]:
        """What was asked of another host; the page's own picture is no request."""
        own = urlsplit(self.url).netloc
        return [
            each.url for each in self.requests if urlsplit(each.url).netloc != own and not each.url.startswith("data:")
        ]


def stand_in(page: Page, token: str) -> None:
    """Answer what this API does not have yet."""
    here = {each["Properties"]["Path"] for each in template.functions()["ApiFunction"]["Events"].values()}
    for path, content in (("/overview", overview()), ("/conditions", CONDITIONS)):
        if path not in here:
            page.route(f"**{path}", _answering(token, content))


def _answering(token: str, content: Any) -> Callable[[Route], None]:
    def answer(route: Route) -> None:
        genuine = route.request.headers.get("authorization") == f"Bearer {token}"
        route.fulfill(status=200 if genuine else 401, json=content if genuine else {"detail": "There is no token."})

    return answer


CONDITIONS: dict[str, Any] = {"conditions": [], "looked_at": None}


def overview(**counts: int) -> dict[str, Any]:
    """An overview as the API gives it, with so many orders in some states."""
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    none = {"count": 0, "more": False}
    return {
        "at": iso(now),
        "orders": [{"status": each.value, "count": counts.get(each.value, 0), "more": False} for each in Status],
        "attention": none,
        "deliveries": [
            {"destination": each, "pending": none, "dead": none} for each in ("camaloon", "oms", "storefront")
        ],
        "webhooks": {"failed": none, "unhandled": none},
        "hours": [iso(hour - timedelta(hours=ago)) for ago in range(23, -1, -1)],
        "providers": [
            {"provider": each, "last_heard_at": None, "received": [0] * 24, "more": False}
            for each in ("storefront", "camaloon", "cloudprinter", "printful", "oms")
        ],
    }
