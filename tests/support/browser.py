"""The console in a real browser; every problem that should never occur there is recorded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, expect

from local import chromium

WIDE, NARROW = (1280, 860), (390, 844)
REFUSED = "Failed to load resource: the server responded with a status of 4"
"""Chromium's own console message about an error response that a test caused."""

_AHEAD = """const Unmoved = Date, ahead = %d;
globalThis.Date = class extends Unmoved {
  constructor(...given) {
    given.length ? super(...given) : super(Unmoved.now() + ahead);
  }
  static now() {
    return Unmoved.now() + ahead;
  }
};"""
"""The script that moves the clock of a page, by milliseconds; its timers are not changed."""

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
    """Start this machine's Chromium. Without it, the tests are skipped; in CI they fail."""
    found = chromium.path()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium: install Debian's, or set PRESSROOM_CHROMIUM.")
        pytest.skip("There is no Chromium on this machine; PRESSROOM_CHROMIUM can name another one.")
    expect.set_options(timeout=20_000)  # a machine with two cores and a local cloud may be slow
    with chromium.running(found) as started:
        yield started


class Visitor:
    """A person who uses the console of the API at `url`. `problems` are events that should never occur."""

    def __init__(self, started: Browser, url: str, token: str, *, size: tuple[int, int] = WIDE, dark: bool = False):
        self.url, self.token = url, token
        self.context = started.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            timezone_id="Europe/Madrid",
            locale="en-GB",
        )
        if days := os.environ.get("PRESSROOM_AHEAD"):  # it moves the clocks of the test and of the API
            self.context.add_init_script(_AHEAD % (float(days) * 24 * 3600 * 1000))
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self.requests: list[Request] = []
        self.page.on("console", self._on_message)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("dialog", self._on_dialog)
        self.page.on("popup", lambda popup: self.problems.append(f"popup: {popup.url}"))
        self.page.on(
            "request", lambda request: self.requests.append(request)
        )  # Playwright sets attributes on the handler

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def _on_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(REFUSED):
            self.problems.append(f"{message.type}: {message.text}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, place: str = "") -> None:
        self.page.goto(f"{self.url}/console{place}")

    def sign_in(self, token: str | None = None) -> None:
        self.page.get_by_label("Ops token").fill(self.token if token is None else token)
        self.page.get_by_role("button", name="Sign in").click()

    def enter(self, place: str = "#/overview", heading: str = "Overview") -> None:
        """Open the console, sign in, and wait until the view is shown."""
        self.open(place)
        self.sign_in()
        self.expect_heading(heading)

    def go(self, place: str, heading: str) -> None:
        self.page.evaluate("place => { location.hash = place }", place)
        self.expect_heading(heading)

    def expect_heading(self, heading: str) -> None:
        expect(self.page.locator("h1")).to_have_text(heading)

    def back(self) -> None:
        """Go back like the browser's button; Playwright's `go_back` waits for a page load that may not happen."""
        self.page.evaluate("history.back()")

    def forward(self) -> None:
        self.page.evaluate("history.forward()")

    def unfold(self) -> None:
        """Open all details, and those inside them. Without clicks, which could miss: what opens moves the rest."""
        self.page.evaluate(_UNFOLD)

    def search(self, text: str) -> None:
        self.page.get_by_role("searchbox").fill(text)
        self.page.get_by_role("searchbox").press("Enter")

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        found: int = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return found

    def links(self) -> list[str]:
        found: list[str] = self.page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        return found

    def foreign_requests(self) -> list[str]:
        """Return the URLs requested from other hosts; a `data:` URL is no request."""
        own = urlsplit(self.url).netloc
        return [
            each.url for each in self.requests if urlsplit(each.url).netloc != own and not each.url.startswith("data:")
        ]
