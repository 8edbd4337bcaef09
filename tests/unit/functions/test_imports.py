"""The start of a function: what it imports, and that it needs nothing."""

import json
import os
import subprocess
import sys
from functools import cache

import pytest

from pressroom.partners import ORDERED, SENDERS, SHOP
from tests.support.template import ROOT, folders, topics

COSTLY = ("boto3", "pydantic", "requests", "aws_lambda_powertools.event_handler", "aws_xray_sdk")
LOADS = {
    **{f"receive/{sender}": set[str]() for sender in SENDERS},
    "receive/storefront": {"pydantic"},
    "pump": set[str](),
    "park": set[str](),
    "api": {"aws_lambda_powertools.event_handler", "pydantic"},
    "printful_webhook": {"requests"},
    "deliver/camaloon": {"requests"},
    "deliver/oms": {"requests"},
    "deliver/storefront": {"requests"},
    "untracked": set[str](),
    "monitor": set[str](),
    "replays": set[str](),
    "print_files": {"requests"},
    "batches": set[str](),
    "catalogue": {"pydantic", "requests"},
    "oms_order": {"aws_lambda_powertools.event_handler", "pydantic", "requests"},
    **{f"{provider}/{topic}": {"pydantic"} for provider, topic in topics()},
}
"""The costly packages that each function loads before its first event; a provider's receiver loads none."""


@cache
def modules(folder: str) -> frozenset[str]:
    """Import a function in its own process, without an environment; return the loaded modules."""
    code = f"import functions.{folder.replace('/', '.')}.handler, json, sys; print(json.dumps(list(sys.modules)))"
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "pressroom")])
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True, timeout=60
    )
    return frozenset(json.loads(run.stdout))


@pytest.mark.parametrize("folder", folders())
def test_a_function_loads_no_costly_package_that_it_does_not_need(folder: str) -> None:
    assert {name for name in COSTLY if name in modules(folder)} == LOADS[folder]


@pytest.mark.parametrize("folder", [each for each in folders() if each.startswith("receive/")])
def test_a_receiver_imports_no_orders_and_no_deliveries(folder: str) -> None:
    assert not {
        "pressroom.order.fold",
        "pressroom.order.repository",
        "pressroom.order.outbox",
        "pressroom.inbox.topic",
    } & modules(folder)


@pytest.mark.parametrize("printer", [*ORDERED, SHOP])
def test_a_deliverer_loads_no_other_partner(printer: str) -> None:
    others = {name.split(".")[2] for name in modules(f"deliver/{printer}") if name.startswith("pressroom.providers.")}
    assert others - {"follow_ups"} == {printer}
