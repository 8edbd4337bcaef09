"""Runs the Chromium of this machine with Playwright: the browser of the console's tests and benchmarks."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",  # root in a container can't have one; the browser only opens pages of ours
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def path() -> str | None:
    """Return the path of Chromium: PRESSROOM_CHROMIUM, or the first on the PATH; None if there is none."""
    return os.environ.get("PRESSROOM_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running(executable: str) -> Iterator[Browser]:
    """Run Chromium without a window, until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()
