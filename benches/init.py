"""CPU time of a cold start, as a ratio to the minimum of a function with a database.

`<function>.init` is the CPU time (user and system) of a process that starts the interpreter, loads the function with
Lambda's own runtime client, and creates what the first event needs: the AWS clients, and the validator of the topic's
model, which is built on first use. The divisor is the CPU time of a process that creates one boto3 DynamoDB client and
nothing else. A Lambda with 512 MB has 0.29 of a processor, so CPU time dominates a cold start, and unlike elapsed time
it can be measured on a busy machine. All functions take turns, in pairs with a start of the divisor between them; the
value is the median of the ratios over the rounds.

Functions that load the same modules, apart from their handler, and create the same clients form a group. A group has
one turn per round, which its functions take in rotation, and one figure. To find the groups, each function is started
once.

The interpreter has no packages. The layer is the built one with its bytecode, and the runtime client is in a separate
folder, as /opt/python and /var/runtime are in Lambda.

`bytecode.<function>.init` is the same start divided by one from a build without .pyc files, which is the effect of a
plain `sam build` (the dates in its .pyc files never match). Neither may write any: /opt and /var/task are read-only.
"""

import importlib.metadata
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from pathlib import Path
from typing import IO

from benches.metric import Metric, Report
from local.build import read_built
from local.settings import CREDENTIALS, REGION

BUDGET_S, FEWEST_ROUNDS, MOST_ROUNDS = 60, 5, 21
PROBE = Path(__file__).with_name("probe.py")
RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
"""The packages of AWS's /var/runtime that a Python function imports."""

FIRST_EVENT = {
    "receive": ("secretsmanager", "dynamodb"),
    "pump": ("lambda",),
    "deliver": ("dynamodb", "secretsmanager"),
    "print_files": ("dynamodb", "secretsmanager", "sqs"),
    "catalogue": ("dynamodb", "secretsmanager"),
    "oms_order": ("dynamodb", "secretsmanager"),
    "api": ("secretsmanager", "dynamodb"),
    "printful_webhook": ("secretsmanager", "dynamodb"),
}
"""The AWS clients that the first event needs, by the function's name or its first word; by default DynamoDB."""

TARGETS = {"receive_storefront": 1.5, "receive": 1.15, "catalogue": 2.0, "oms_order": 2.0}
"""Targets by the function's name or its first word; 1.5 for all others. The storefront's receiver validates.
`catalogue` and `oms_order` need both pydantic and requests; a person asks them, and waits longer for the OMS."""

WITHOUT_BYTECODE = ("receive_camaloon", "camaloon_shipment_sent")


@dataclass(frozen=True, slots=True)
class Start:
    """A process to start: its name, import path and arguments for the probe."""

    name: str
    path: tuple[Path, ...]
    arguments: tuple[str, ...]


def measure(built: Path) -> Report:
    with tempfile.TemporaryDirectory(prefix="pressroom-bench-") as scratch:
        folder = Path(scratch)
        # A copy, so that a build at the same time does not change what is measured.
        built = Path(shutil.copytree(built.parent, folder / "build")) / built.name
        python, runtime = _interpreter(folder / "venv"), _runtime(folder / "runtime")
        layer = built.parent / "PressroomLayer" / "python"
        bare_layer = _without_bytecode(layer, folder / "layer")
        functions, bare = [], []
        for name, code in _functions(built).items():
            services = _by_name(FIRST_EVENT, name, ("dynamodb",))
            functions.append(Start(name, (code, layer, runtime), services))
            if name in WITHOUT_BYTECODE:
                bare_code = _without_bytecode(code, folder / name)
                bare.append(Start(f"bare.{name}", (bare_code, bare_layer, runtime), services))
        groups = _groups(python, functions)
        baseline = Start("baseline", (layer, runtime), ("--baseline",))
        rounds = _take_turns(python, baseline, [*groups, *([start] for start in bare)])
    metrics = [
        _metric(f"{start.name}.init", [ratios[start.name] for ratios in rounds], _by_name(TARGETS, start.name, 1.5))
        for start in functions
    ]
    metrics += [
        _metric(f"bytecode.{name}.init", [ratios[name] / ratios[f"bare.{name}"] for ratios in rounds], 1.0)
        for name in (start.name.removeprefix("bare.") for start in bare)
    ]
    divisor = statistics.median(ratios["baseline"] for ratios in rounds)
    notes = ["init: CPU time to start a function with its first event's clients and model / that of one boto3 DynamoDB"]
    notes[0] += f" client ({divisor * 1000:.0f} ms on this machine); {len(rounds)} rounds."
    notes += [f"init: one figure for {', '.join(start.name for start in group)}." for group in groups if len(group) > 1]
    notes.append("bytecode: init as built / init without .pyc files, as after a plain `sam build`.")
    return Report(metrics, notes)


def _functions(built: Path) -> dict[str, Path]:
    """Return the folder of every function of the built template, by its name without the stack's (receive_camaloon)."""
    functions = {}
    for resource in read_built(built)["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            name = resource["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
            functions[name.replace("-", "_")] = built.parent / resource["Properties"]["CodeUri"]
    return functions


def _by_name[T](table: Mapping[str, T], name: str, otherwise: T) -> T:
    """Look a function up by its name, then by its first word."""
    return table.get(name, table.get(name.partition("_")[0], otherwise))


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


def _groups(python: Path, starts: Sequence[Start]) -> list[list[Start]]:
    """Group the starts with the same clients and modules. Each function's own module is called `handler`."""
    groups: dict[tuple[object, ...], list[Start]] = {}
    for start in starts:
        listed = replace(start, arguments=("--list", *start.arguments))
        with tempfile.TemporaryFile("w+") as output:
            _cpu_seconds(python, listed, output)
            output.seek(0)
            loaded = frozenset(output.read().splitlines())
        groups.setdefault((start.path[1:], start.arguments, loaded), []).append(start)
    return list(groups.values())


def _take_turns(python: Path, baseline: Start, groups: Sequence[Sequence[Start]]) -> list[dict[str, float]]:
    """Start one of each group per round, every other round in reverse; the first round only warms the disk's cache.

    Return for each round the ratios by name, and the divisor in seconds as "baseline".
    """
    rounds: list[dict[str, float]] = []
    deadline = time.monotonic() + BUDGET_S
    while len(rounds) < FEWEST_ROUNDS + 1 or (len(rounds) < MOST_ROUNDS + 1 and time.monotonic() < deadline):
        number, divisors = len(rounds), list[float]()
        ratios: dict[str, float] = {}
        for pair in batched(groups if number % 2 else groups[::-1], 2, strict=False):
            first, *second = [group[number % len(group)] for group in pair]
            before, divisor, *after = [_cpu_seconds(python, start) for start in (first, baseline, *second)]
            for group, seconds in zip(pair, (before, *after), strict=True):
                ratios |= dict.fromkeys((start.name for start in group), seconds / divisor)
            divisors.append(divisor)
        rounds.append(ratios | {"baseline": statistics.median(divisors)})
    return rounds[1:]


def _cpu_seconds(python: Path, start: Start, output: IO[str] | None = None) -> float:
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
    process = subprocess.Popen([python, "-P", PROBE, *start.arguments], env=environment, stdout=output)
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode:
        raise RuntimeError(f"{start.name} does not start")
    return usage.ru_utime + usage.ru_stime


def _metric(name: str, ratios: list[float], target: float) -> Metric:
    low, middle, high = statistics.quantiles(ratios, n=4)
    return Metric(name=name, value=middle, unit="ratio", target=target, spread=(low, high))
