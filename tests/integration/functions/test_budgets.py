"""The budgets that do not depend on a clock: the counts of the bench."""

import json
import subprocess
import sys

import pytest

from tests.support.template import ROOT

MEASURE = """
import json
from benches import cost
from local.build import build_for_host
built = build_for_host()
print(json.dumps({metric.name: (metric.value, metric.target) for metric in cost.measure(built).metrics}))
"""
STATUS_WEBHOOKS = (
    "camaloon.shipment_sent",
    "cloudprinter.item_shipped",
    "printful.order_updated",
    "printful.package_shipped",
)


@pytest.fixture(scope="module", name="counted")
def _counted() -> dict[str, tuple[float, float | None]]:
    # In its own process, as in the bench, which replaces AWS by moto for all that it imports.
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/pressroom'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counted: dict[str, tuple[float, float | None]] = json.loads(done.stdout.splitlines()[-1])
    return counted


def test_every_count_that_has_a_target_meets_it(counted: dict[str, tuple[float, float | None]]) -> None:
    held = {name: (value, target) for name, (value, target) in counted.items() if target is not None}
    for webhook in STATUS_WEBHOOKS:
        provider = webhook.partition(".")[0]
        assert held[f"{webhook}.usd_per_million"][1] == (9.5 if webhook == "printful.package_shipped" else 8)
        assert held[f"{webhook}.receive_{provider}.calls"][1] == 1
    assert {name: pair for name, pair in held.items() if pair[0] > pair[1]} == {}


@pytest.mark.parametrize(
    ("metric", "most"),
    [
        ("camaloon.shipment_sent.receive_camaloon.write_units", 2),
        ("camaloon.shipment_sent.camaloon_shipment_sent.calls", 5),
        ("camaloon.shipment_sent.camaloon_shipment_sent.write_units", 5),
        ("cloudprinter.item_shipped.receive_cloudprinter.write_units", 2),
        ("cloudprinter.item_shipped.cloudprinter_item_shipped.calls", 5),
        ("cloudprinter.item_shipped.cloudprinter_item_shipped.write_units", 5),
        ("printful.package_shipped.receive_printful.write_units", 4),
        ("printful.package_shipped.printful_package_shipped.calls", 5),
        # Names, costs and items at Printful: with the first parcel, the row of an order in the samples is over 1 KB.
        ("printful.package_shipped.printful_package_shipped.write_units", 6),
        ("printful.order_updated.receive_printful.write_units", 4),
        ("printful.order_updated.printful_order_updated.calls", 5),
        ("printful.order_updated.printful_order_updated.write_units", 2),
        ("printful.order_created.printful_order_created.calls", 11),
        ("printful.order_created.printful_order_created.write_units", 7),
        ("storefront.order_paid.storefront_order_paid.write_units", 10),
        ("storefront.order_paid.deliver_camaloon.calls", 5),
        ("storefront.order_paid.deliver_camaloon.write_units", 9),
        ("storefront.order_updated.storefront_order_updated.write_units", 6),
        ("storefront.order_updated.deliver_oms.calls", 5),
        ("storefront.order_updated.deliver_oms.write_units", 7),
        ("storefront.order_canceled.storefront_order_canceled.write_units", 6),
        ("storefront.order_canceled.deliver_oms.calls", 5),
        ("storefront.order_canceled.deliver_oms.write_units", 9),
        ("oms.print_file_ready.receive_oms.write_units", 2),
        ("oms.print_file_ready.oms_print_file_ready.write_units", 2),
        ("oms.print_file_ready.print_files.calls", 3),
        ("oms.print_file_ready.print_files.requests", 1),
    ],
)
def test_a_webhook_costs_no_more_than_this(
    counted: dict[str, tuple[float, float | None]], metric: str, most: float
) -> None:
    assert counted[metric][0] <= most


@pytest.mark.parametrize(
    ("what", "most"),
    [
        ("order.camaloon_line", {"calls": 15, "write_units": 21, "read_units": 9, "requests": 1}),
        ("order.oms_line", {"calls": 15, "write_units": 24, "read_units": 9, "requests": 1}),
        ("order.mixed_cart_of_ten", {"calls": 21, "write_units": 35, "read_units": 12, "requests": 2}),
        ("print_files.oms_line", {"calls": 12, "write_units": 5, "read_units": 6, "requests": 3}),
        # With the names of the lines, the row of an order with ten lines is over 1 KB.
        ("print_files.mixed_cart_of_ten", {"calls": 12, "write_units": 6, "read_units": 6, "requests": 12}),
        ("delivered", {"calls": 54, "write_units": 50, "read_units": 29}),
        # With names, services and dates, two of the notifications are over 1 KB.
        ("delivered_and_told", {"calls": 81, "write_units": 118, "read_units": 47, "requests": 4}),
        ("batch.item", {"calls": 4, "write_units": 6.8, "read_units": 4.4, "requests": 0.05}),
    ],
)
def test_all_of_an_order_costs_no_more_than_this(
    counted: dict[str, tuple[float, float | None]], what: str, most: dict[str, float]
) -> None:
    found = {name: counted[f"{what}.{name}"][0] for name in most}
    assert {name: value for name, value in found.items() if value > most[name]} == {}
