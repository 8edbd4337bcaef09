"""Each simulator starts: its routes do not clash with those that all simulators share."""

import subprocess
import sys

import pytest

from local.partners import SIMULATORS
from tests.support.template import ROOT

START = """
import argparse, importlib, sys
from local.simulators import base
simulator = importlib.import_module(f"local.simulators.{sys.argv.pop()}")
def serve(make_app, parser):
    base.observed(make_app(parser.parse_args([])))
    print("ready")
simulator.serve = serve
simulator.main()
"""


@pytest.mark.parametrize("simulator", [each.id for each in SIMULATORS])
def test_a_simulator_starts(simulator: str) -> None:
    command = [sys.executable, "-c", START, simulator]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60)
    assert done.stdout == "ready\n", done.stderr
