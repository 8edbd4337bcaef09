"""How long a function takes to start, compared with the least that a function with a database needs.

`<function>.init` is the CPU time (user and system) of a process that starts the interpreter, loads the function with
Lambda's own runtime client and makes the AWS clients that the first event needs; divided by that of one which makes
one boto3 DynamoDB client and nothing else. A Lambda with 512 MB has 0.29 of a processor, so CPU time is what a cold
start consists of; unlike time by the clock it can be measured on a busy machine. All candidates take turns, round
after round; the value is the median over the rounds of the ratio within a round.

The interpreter has no packages of its own: the layer is the built one with its bytecode, and the runtime client stands
in a folder beside it, as /opt/python and /var/runtime do in Lambda.

`bytecode.<function>.init` is the same start divided by one from a build without any .pyc, which is what plain
`sam build` ships (its .pyc carry dates that never match). Neither may write any: /opt and /var/task are read-only.
"""

import importlib.metadata
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benches.metric import Metric, Report
from local.build import read_built
from local.settings import CREDENTIALS, REGION

BUDGET_S, FEWEST_ROUNDS, MOST_ROUNDS = 80, 5, 21
PROBE = Path(__file__).with_name("probe.py")
RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
"""What AWS puts into /var/runtime for a Python function, as far as it is imported."""

FIRST_EVENT = {
    "receive": ("secretsmanager", "dynamodb"),
    "pump": ("lambda",),
    "deliver": ("dynamodb", "secretsmanager"),
    "api": ("secretsmanager", "dynamodb"),
}
"""The AWS clients that a function's first event makes, by the first word of its name; the others: DynamoDB alone."""

TARGETS = {"receive_storefront": 1.5, "receive": 1.15}
"""By name, then by its first word; 1.5 for all others. The storefront's receiver validates."""

WITHOUT_BYTECODE = ("receive_camaloon", "camaloon_shipment_sent")


@dataclass(frozen=True, slots=True)
class Start:
    """Something that is started again and again."""

    name: str
    path: tuple[Path, ...]
    arguments: tuple[str, ...]


def measure(built: Path) -> Report:
    with tempfile.TemporaryDirectory(prefix="pressroom-bench-") as scratch:
        folder = Path(scratch)
        # A copy: whoever builds while we measure does not change what is measured.
        built = Path(shutil.copytree(built.parent, folder / "build")) / built.name
        python, runtime = _interpreter(folder / "venv"), _runtime(folder / "runtime")
        layer = built.parent / "PressroomLayer" / "python"
        bare_layer = _without_bytecode(layer, folder / "layer")
        starts = [Start("baseline", (layer, runtime), ("--baseline",))]
        functions = _functions(built)
        for name, code in functions.items():
            services = FIRST_EVENT.get(name.partition("_")[0], ("dynamodb",))
            starts.append(Start(name, (code, layer, runtime), services))
            if name in WITHOUT_BYTECODE:
                bare_code = _without_bytecode(code, folder / name)
                starts.append(Start(f"bare.{name}", (bare_code, bare_layer, runtime), services))
        rounds = _take_turns(python, starts)
    metrics = [_ratio(f"{name}.init", rounds, name, "baseline", target=_target(name)) for name in functions]
    metrics += [
        _ratio(f"bytecode.{name}.init", rounds, name, f"bare.{name}", target=1.0)
        for name in WITHOUT_BYTECODE
        if name in functions
    ]
    baseline = statistics.median(taken["baseline"] for taken in rounds)
    notes = ["init: CPU time to start a function and make its first event's clients / the same for one boto3 DynamoDB"]
    notes[0] += f" client ({baseline * 1000:.0f} ms here); {len(rounds)} rounds."
    notes.append("bytecode: init as built / init of the same without .pyc, as plain `sam build` leaves it.")
    return Report(metrics, notes)


def _functions(built: Path) -> dict[str, Path]:
    """Every function of the built template: its name without the stack's (receive_camaloon), and its folder."""
    functions = {}
    for resource in read_built(built)["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            name = resource["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
            functions[name.replace("-", "_")] = built.parent / resource["Properties"]["CodeUri"]
    return functions


def _target(name: str) -> float:
    return TARGETS.get(name) or TARGETS.get(name.partition("_")[0], 1.5)


def _interpreter(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def _runtime(folder: Path) -> Path:
    for package in RUNTIME:
        for file in importlib.metadata.files(package) or ():
            source, target = Path(str(file.locate())), folder / file
            if ".." not in file.parts and source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
    return folder


def _without_bytecode(source: Path, folder: Path) -> Path:
    return Path(shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__")))


def _take_turns(python: Path, starts: Sequence[Start]) -> list[dict[str, float]]:
    """Start everything once per round, every other round backwards; the first round only warms the disk's cache."""
    rounds: list[dict[str, float]] = []
    deadline = time.monotonic() + BUDGET_S
    while len(rounds) < FEWEST_ROUNDS + 1 or (len(rounds) < MOST_ROUNDS + 1 and time.monotonic() < deadline):
        turn = starts if len(rounds) % 2 else starts[::-1]
        rounds.append({start.name: _cpu_seconds(python, start) for start in turn})
    return rounds[1:]


def _cpu_seconds(python: Path, start: Start) -> float:
    environment = {
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "LAMBDA_TASK_ROOT": str(start.path[0]),
        "PYTHONPATH": os.pathsep.join(map(str, start.path)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # -P: the probe's own folder is not on the path.
    process = subprocess.Popen([python, "-P", PROBE, *start.arguments], env=environment)
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode:
        raise RuntimeError(f"{start.name} does not start")
    return usage.ru_utime + usage.ru_stime


def _ratio(name: str, rounds: list[dict[str, float]], what: str, to: str, *, target: float) -> Metric:
    ratios = [taken[what] / taken[to] for taken in rounds]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return Metric(name=name, value=middle, unit="ratio", target=target, spread=(low, high))
