"""Size of the console's page, and load times in Chromium on a local cloud.

- `console.page`, `console.page_packed`: the size, plain and compressed as a browser receives it.
- `console.interactive`: the time from the request for the page until the token can be typed, divided by the time until
  its last byte has arrived. It shows what style and script add to the network time.
- `console.overview`: the time from signing in until the overview is painted, divided by that of the slowest request
  it waits for. It shows what the page adds to the API's time.

Each round is a browser's first visit, with an empty cache. Without Chromium, only the size is measured.
"""

import statistics
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from benches.api import pay
from benches.metric import Metric, Report
from benches.throughput import running
from local import chromium
from local.cloud import Stack
from pressroom import console

ROUNDS, WARM = 15, 3
MAX_BYTES, MAX_PACKED_BYTES = 100_000, 30_000
WATCH = """
addEventListener("focusin", ({ target }) => {
  if (target.id === "token") window.typedFrom ??= performance.now();
});
addEventListener("submit", () => { window.sentAt = performance.now(); }, true);
new MutationObserver(() => {
  if (window.drawnAt || document.querySelector("h1")?.textContent !== "Overview") return;
  window.drawnAt = 0.1;
  requestAnimationFrame(() => setTimeout(() => { window.drawnAt = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
READ_TIMES = """() => ({
  page: performance.getEntriesByType("navigation")[0].responseEnd,
  typedFrom: window.typedFrom,
  drawn: window.drawnAt - window.sentAt,
  asked: Math.max(...performance.getEntriesByType("resource").map(({ duration }) => duration)),
})"""


def measure(_: Path) -> Report:
    page = console.page()
    weight = [
        Metric(name="console.page", value=len(page.raw), unit="bytes", target=MAX_BYTES),
        Metric(name="console.page_packed", value=len(page.packed), unit="bytes", target=MAX_PACKED_BYTES),
    ]
    found = chromium.path()
    if found is None:
        return Report(weight, ["console: no Chromium was found, so only the size of the page was measured."])
    with running() as stack, chromium.running(found) as browser:
        pay(stack)
        visits = [_visit(browser, stack) for _round in range(WARM + ROUNDS)][WARM:]
    typed, drawn = ([visit[name] for visit in visits] for name in ("typedFrom", "drawn"))
    note = (
        f"console: on this machine, the token can be typed after {statistics.median(typed):.0f} ms, and the overview is"
        f" painted {statistics.median(drawn):.0f} ms after signing in; Chromium {browser.version}."
    )
    return Report(
        [
            *weight,
            _ratio("console.interactive", [visit["typedFrom"] / visit["page"] for visit in visits]),
            _ratio("console.overview", [visit["drawn"] / visit["asked"] for visit in visits]),
        ],
        [note],
    )


def _visit(browser: Browser, stack: Stack) -> dict[str, Any]:
    context = browser.new_context()
    try:
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(f"{stack.api_url}/console")
        page.get_by_label("Ops token").fill(stack.ops_token)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_function("() => window.drawnAt > 1")
        found: dict[str, Any] = page.evaluate(READ_TIMES)
        return found
    finally:
        context.close()


def _ratio(name: str, ratios: list[float]) -> Metric:
    low, middle, high = statistics.quantiles(ratios, n=4)
    return Metric(name=name, value=middle, unit="ratio", spread=(low, high))
