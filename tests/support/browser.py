"""The console as a person has it: in a real browser, with everything noted that should never happen there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, expect

from local import chromium

WIDE, NARROW = (1280, 860), (390, 844)
REFUSED = "Failed to load resource: the server responded with a status of 4"
"""What Chromium itself writes of an answer that a test asked for."""

_AHEAD = """const Unmoved = Date, ahead = %d;
globalThis.Date = class extends Unmoved {
  constructor(...given) {
    given.length ? super(...given) : super(Unmoved.now() + ahead);
  }
  static now() {
    return Unmoved.now() + ahead;
  }
};"""
"""What the clock of a page is moved with, by milliseconds; its timers go on as they are."""

_UNFOLD = """async () => {
  const opened = (each) => new Promise((done) => {
    each.addEventListener("toggle", done, { once: true });
    each.open = true;
  });
  for (;;) {
    const closed = [...document.querySelectorAll("#view details:not([open])")];
    if (!closed.length) return;
    await Promise.all(closed.map(opened));
  }
}"""


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
        if days := os.environ.get("PRESSROOM_AHEAD"):  # the clocks of the test and of the API are moved by it
            self.context.add_init_script(_AHEAD % (float(days) * 24 * 3600 * 1000))
        self.page: Page = self.context.new_page()
        self.trouble: list[str] = []
        self.requests: list[Request] = []
        self.page.on("console", self._on_message)
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("dialog", self._on_dialog)
        self.page.on("popup", lambda popup: self.trouble.append(f"popup: {popup.url}"))
        self.page.on("request", lambda request: self.requests.append(request))  # it sets attributes on it

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

    def back(self) -> None:
        """As the browser's own button does; Playwright's waits for a load that may not come within one document."""
        self.page.evaluate("history.back()")

    def forward(self) -> None:
        self.page.evaluate("history.forward()")

    def unfold(self) -> None:
        """Open all that can be opened, and what it then holds. A click could miss: what opens moves the rest."""
        self.page.evaluate(_UNFOLD)

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
