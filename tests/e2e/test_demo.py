"""The README's first command, as it is typed."""

import subprocess
import sys

from local import processes
from local.demo import DEMO_STATE_DIR
from tests.e2e.conftest import ROOT


def test_the_demo_shows_the_main_job_and_leaves_nothing_running() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "local", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "nothing is left running" in ended.stdout
    assert processes.servers(DEMO_STATE_DIR) == {}
