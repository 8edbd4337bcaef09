"""`make demo`, the first command of the README."""

import subprocess
import sys

from cli.demo import DEMO_STATE_DIR
from local import processes
from tests.e2e.conftest import ROOT


def test_the_demo_succeeds_and_leaves_nothing_running() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cli.demo"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "order.tracking" in ended.stdout
    assert "nothing is left running" in ended.stdout
    assert processes.servers(DEMO_STATE_DIR) == {}
