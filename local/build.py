"""Runs `sam build`, then adds the bytecode that SAM leaves out."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from local.progress import LocalCloudError, step
from local.settings import ROOT, SAM, STATE_DIR, TEMPLATE, child_environment, host_architecture

CLOUD_BUILD_DIR = ROOT / ".aws-sam" / "build"  # the default of `sam deploy`
LOCAL_BUILD_DIR = STATE_DIR / "build"
SERVICES = frozenset({"dynamodb", "dynamodbstreams", "lambda", "secretsmanager", "sqs"})
"""The AWS services that the functions call with `config.client(…)`."""
SAM_CONFIG = Path(__file__).with_name("samconfig.toml")


def build_for_cloud(architecture: str) -> Path:
    """Build for `arm64` or `x86_64`."""
    return _build(CLOUD_BUILD_DIR, architecture)


def build_for_host() -> Path:
    """Build for this machine's processor, unless the inputs are unchanged."""
    return _build(LOCAL_BUILD_DIR, host_architecture())


def read_built(template: Path) -> dict[str, Any]:
    """Read a built template: SAM writes intrinsic functions in their long form, so it is plain YAML."""
    document: dict[str, Any] = yaml.safe_load(template.read_text())
    return document


def _build(build_dir: Path, architecture: str) -> Path:
    built, stamp = build_dir / "template.yaml", build_dir / ".inputs"
    if not TEMPLATE.is_file():
        raise LocalCloudError(f"There is no {TEMPLATE.name} at {ROOT}.")
    if not SAM.is_file():
        raise LocalCloudError("The SAM CLI is not installed. Run `make install`.")
    STATE_DIR.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(STATE_DIR / "build.lock"):
        inputs = _fingerprint(architecture)
        if built.is_file() and stamp.is_file() and stamp.read_text() == inputs:
            with step("build: nothing changed"):
                return built
        stamp.unlink(missing_ok=True)
        with step(f"sam build for {architecture}"):
            _sam_build(build_dir, architecture)
        with step("leave out unused AWS services, compile to bytecode"):
            _pin_architecture(built, architecture)
            _trim(built)
            _compile(built)
        stamp.write_text(inputs)
    return built


def _sam_build(build_dir: Path, architecture: str) -> None:
    command = [str(SAM), "build", "--config-file", str(SAM_CONFIG), "--template", str(TEMPLATE)]
    command += ["--build-dir", str(build_dir), "--cache-dir", str(build_dir.with_name("cache"))]
    command += ["--parameter-overrides", f"Architecture={architecture}"]
    log = STATE_DIR / "build.log"
    with log.open("wb") as output:
        code = subprocess.run(
            command, cwd=ROOT, env=child_environment(), stdout=output, stderr=subprocess.STDOUT
        ).returncode
    if code:
        raise LocalCloudError("`sam build` failed.", log)


def _pin_architecture(built: Path, architecture: str) -> None:
    """Allow only the architecture of this build: `sam deploy --guided` asks for the parameter again."""
    document = read_built(built)
    document["Parameters"]["Architecture"] |= {"AllowedValues": [architecture], "Default": architecture}
    built.write_text(yaml.safe_dump(document, sort_keys=False, width=1000))


def _trim(built: Path) -> None:
    """Remove the descriptions of the 400 AWS services that no function calls from the layer.

    They make up more than half of it, and every new execution environment loads the layer first. SERVICES lists the
    services to keep; a unit test compares it with the code.
    """
    for name, resource in read_built(built)["Resources"].items():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            for service in (built.parent / name / "python" / "botocore" / "data").iterdir():
                if service.is_dir() and service.name not in SERVICES:
                    shutil.rmtree(service)


def _compile(built: Path) -> None:
    """Compile every module to a .pyc that Python uses without comparing dates.

    SAM dates all files of a zip 1980, so Python rejects a .pyc that depends on its source's date, and each cold start
    compiles the layer again. The paths inside are those of the Lambda runtime: tracebacks show them, and the same
    source gives the same bytes on every machine.
    """
    for name, resource in read_built(built)["Resources"].items():
        is_layer = resource["Type"] == "AWS::Serverless::LayerVersion"
        content = resource.get("Properties", {}).get("ContentUri" if is_layer else "CodeUri")
        if not isinstance(content, str) or not (folder := built.parent / content).is_dir():
            continue
        command = [sys.executable, "-m", "compileall", "-q", "-f", "-j", "0", "--invalidation-mode", "unchecked-hash"]
        command += ["-s", str(folder), "-p", "/opt" if is_layer else "/var/task", str(folder)]
        done = subprocess.run(command, env=child_environment(), capture_output=True, text=True)
        if done.returncode:
            raise LocalCloudError(f"{name} holds a module that does not compile:\n{done.stdout}{done.stderr}")


def _fingerprint(architecture: str) -> str:
    digest = hashlib.sha256(f"{architecture} {sys.version}".encode())
    sources = [TEMPLATE, ROOT / "dashboard.yaml", ROOT / "pyproject.toml", SAM_CONFIG, Path(__file__)]
    for folder in ("functions", "layers"):
        sources += sorted(p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    for source in sources:
        content = source.read_bytes()
        digest.update(f"\n{source.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
