"""The browser in which the console is tested and measured: the Chromium of this machine, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",  # a container's root can't have one; it only ever sees pages of our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def path() -> str | None:
    """Where Chromium is: what PRESSROOM_CHROMIUM says, or one on the PATH; None if there is none."""
    return os.environ.get("PRESSROOM_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running(executable: str) -> Iterator[Browser]:
    """Run it without a window, until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()
