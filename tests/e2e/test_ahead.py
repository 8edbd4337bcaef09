"""`make test AHEAD=400` moves the clock of every process."""

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from local import cloud, processes
from local.cloud import Stack
from local.settings import child_environment
from tests.e2e.conftest import ROOT

DAYS = 400
A_MINUTE = 60.0

CLOCKS = """
import json, sys, time
from datetime import UTC, date, datetime
before = time.monotonic()
time.sleep(0.2)
clocks = [time.time(), time.time_ns() / 1e9, datetime.now().timestamp(), datetime.now(UTC).timestamp()]
clocks += [time.mktime(time.localtime()), datetime.combine(date.today(), datetime.now().time()).timestamp()]
imported = sorted({"dateutil", "pytest", "time_machine"} & sys.modules.keys())
print(json.dumps([clocks, time.monotonic() - before, imported]))
"""
FUNCTION = "import time\ndef handler(event, context): return time.time()\n"


@pytest.fixture(autouse=True)
def moved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clocks of child processes ahead of this process by so many days."""
    monkeypatch.setenv("PRESSROOM_AHEAD", str(float(os.environ.get("PRESSROOM_AHEAD", "0")) + DAYS))


def is_moved(seconds: float) -> bool:
    return abs(seconds - time.time() - timedelta(days=DAYS).total_seconds()) < A_MINUTE


@pytest.mark.parametrize("environment", [".venv", ".venv-sam"])
def test_every_clock_of_a_child_is_moved_but_not_its_pauses(environment: str) -> None:
    command = [str(ROOT / environment / "bin/python"), "-c", CLOCKS]
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=True)
    assert done.stderr == ""
    clocks, pause, imported = json.loads(done.stdout)
    assert [each for each in clocks if not is_moved(each)] == []
    assert 0.2 <= pause < A_MINUTE
    assert imported == ["time_machine"]  # a function imports these from its layer


def test_a_child_has_the_real_time_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRESSROOM_AHEAD")
    done = subprocess.run(
        [sys.executable, "-c", CLOCKS], env=child_environment(), capture_output=True, text=True, check=True
    )
    clocks, _, imported = json.loads(done.stdout)
    assert imported == []
    assert not any(map(is_moved, clocks))


@pytest.fixture
def state_dir() -> Iterator[Path]:
    folder = ROOT / ".local" / f"e2e-{os.getpid()}-ahead"
    try:
        yield folder
    finally:
        cloud.down(state_dir=folder)


def test_the_moved_clock_reaches_the_emulator_and_its_functions(state_dir: Path) -> None:
    state_dir.mkdir(parents=True)
    server = cloud.start_emulator(state_dir, processes.any_port())
    emulator = Stack("", f"http://127.0.0.1:{server.port}", "", "", {}, {}, {})
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = emulator.client("iam").create_role(
        RoleName="clock", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("clock.py", FUNCTION)
    functions = emulator.client("lambda")
    functions.create_function(
        FunctionName="clock",
        Runtime="python3.13",
        Handler="clock.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": code.getvalue()},
    )
    answer = functions.invoke(FunctionName="clock")
    assert is_moved(json.loads(answer["Payload"].read()))
    created = emulator.client("iam").get_role(RoleName="clock")["Role"]["CreateDate"]
    assert is_moved(created.timestamp())
