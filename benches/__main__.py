"""`make bench`: measure, print a table, write `.local/bench.json`.

To add a figure, add a `Metric` to the report of a part; to add a part, add a function to PARTS. Each part receives the
built template, and runs in a process of its own because each replaces AWS with something else.
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benches import api, console, cost, deliver, fold, idle, init, throughput, warm
from benches.metric import Metric, Report
from local.build import build_for_host
from local.progress import LocalCloudError
from local.settings import STATE_DIR

PARTS: tuple[Callable[[Path], Report], ...] = (
    init.measure,
    warm.measure,
    cost.measure,
    idle.measure,
    fold.measure,
    deliver.measure,
    throughput.measure,
    api.measure,
    console.measure,
)
RESULT = STATE_DIR / "bench.json"


def main() -> int:
    terminal = Console(width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()
    built = build_for_host()
    reports = []
    for part in PARTS:
        name = part.__module__.rpartition(".")[2]
        begun = time.monotonic()
        with terminal.status(f"measuring: {name}"), multiprocessing.get_context("spawn").Pool(1) as alone:
            reports.append(alone.apply(part, (built,)))
        terminal.print(f"  measured: {name} ... {time.monotonic() - begun:.1f} s")
    metrics = [metric for report in reports for metric in report.metrics]
    RESULT.write_text(json.dumps({"metrics": [metric.to_json() for metric in metrics]}, indent=1) + "\n")
    terminal.print(_table(metrics))
    for note in (note for report in reports for note in report.notes):
        terminal.print(note, markup=False, highlight=False)
    missed = [metric.name for metric in metrics if not metric.met]
    terminal.print(f"\n{RESULT.relative_to(STATE_DIR.parent)} written, {time.monotonic() - started:.0f} s in total")
    terminal.print(f"[red]targets missed: {', '.join(missed)}[/]" if missed else "[green]every target is met[/]")
    return 0


def _table(metrics: list[Metric]) -> Table:
    table = Table("metric", "unit", title="Pressroom's bench (lower is better)")
    for heading in ("value", "middle half", "target"):
        table.add_column(heading, justify="right")
    for metric in metrics:
        table.add_row(
            metric.name,
            metric.unit,
            f"[{'green' if metric.met else 'red'}]{metric.value:.2f}[/]",
            f"{metric.spread[0]:.2f} - {metric.spread[1]:.2f}" if metric.spread else "",
            "" if metric.target is None else f"{metric.target:g}",
        )
    return table


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LocalCloudError as error:
        sys.exit(error.report())
