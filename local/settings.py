"""Where things are, and the environment every child process gets."""

import os
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE_DIR = ROOT / ".local"
LAYER = ROOT / "layers" / "pressroom"
TEMPLATE = ROOT / "template.yaml"
SAM = ROOT / ".venv-sam" / "bin" / "sam"
AHEAD = ROOT / "local" / "ahead"
"""On the PYTHONPATH of each process that we start while PRESSROOM_AHEAD moves the clock: see its sitecustomize."""

STACK_NAME = "pressroom"
REGION = "us-east-1"
PORT = 4566

# ministack's root credentials. Nothing in this package ever uses, or looks for, others.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def host_architecture() -> str:
    """Lambda's name for this machine's processor: the layer's compiled wheels have to fit it."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def python_path(*folders: Path) -> str:
    """The PYTHONPATH of a child process: these folders, and what moves its clock if ours is moved."""
    return os.pathsep.join(map(str, (*folders, *([AHEAD] if os.environ.get("PRESSROOM_AHEAD") else []))))


def child_environment(endpoint_url: str | None = None, *, imports_from: tuple[Path, ...] = ()) -> dict[str, str]:
    """The caller's environment without any way to a real AWS account.

    Every AWS_* and SAM_CLI_* variable is dropped, the files that hold profiles are pointed away, and the interpreter
    that runs us comes first on the PATH: `sam build` asks it for the layer's wheels. Nothing is left of the caller's
    PYTHONPATH; `imports_from` is the child's.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_CLI_"))}
    return {
        **inherited,
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Where no local endpoint was given, a call must fail here and not reach Amazon.
        "AWS_ENDPOINT_URL": endpoint_url or "http://127.0.0.1:9",
        "NO_PROXY": "localhost,127.0.0.1,.localhost",
        "no_proxy": "localhost,127.0.0.1,.localhost",
        "PYTHONPATH": python_path(*imports_from),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",  # how often `sam deploy` looks; its 5 s are meant for the real CloudFormation
    }
