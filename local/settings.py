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

STACK_NAME = "pressroom"
REGION = "us-east-1"
PORT = 4566

# ministack's root credentials. Nothing in this package ever uses, or looks for, others.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def host_architecture() -> str:
    """Lambda's name for this machine's processor: the layer's compiled wheels have to fit it."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def child_environment(endpoint_url: str | None = None) -> dict[str, str]:
    """The caller's environment without any way to a real AWS account.

    Every AWS_* and SAM_CLI_* variable is dropped, the files that hold profiles are pointed away, and the interpreter
    that runs us comes first on the PATH: `sam build` asks it for the layer's wheels.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_CLI_"))}
    inherited.pop("PYTHONPATH", None)
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
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",  # how often `sam deploy` looks; its 5 s are meant for the real CloudFormation
    }
