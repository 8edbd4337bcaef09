"""The processes of a local cloud, found by a mark in their environment.

There are no pid files: a file can outlive its process, and its pid may then belong to another process. Every process
that a cloud starts inherits the mark of its state directory, and so do those that ministack starts (the Lambda
workers). So the processes that are left after a crash are found, too.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from local.localhost import request
from local.progress import LocalCloudError

MARK, NAME, PORT = "PRESSROOM_LOCAL_STATE", "PRESSROOM_LOCAL_NAME", "PRESSROOM_LOCAL_PORT"
BIND, LISTEN, ALLOW_HOST = "PRESSROOM_LOCAL_BIND", "PRESSROOM_LOCAL_LISTEN", "PRESSROOM_LOCAL_ALLOW_HOST"
"""Settings of the emulator: the value of BIND=, the addresses that it listens on, and the value of ALLOW_HOST=."""
START_SECONDS = 60.0
STOP_SECONDS = 5.0

# Python warns when a Popen is garbage-collected while its process runs, and our servers outlive their starter.
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Server:
    """One long-running process of a local cloud."""

    name: str
    port: int
    pid: int
    bind: str = ""
    listen: tuple[str, ...] = ()
    allow_host: str = ""


def servers(state_dir: Path) -> dict[str, Server]:
    """Return the servers of this state directory, by name; Lambda workers, which lead no session, are left out."""
    found = {}
    for process, environment in _marked(state_dir):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(process.pid) == process.pid:
                found[environment[NAME]] = _server(environment, process.pid)
    return found


def start(
    name: str, command: Sequence[str], *, port: int, environment: Mapping[str, str], state_dir: Path, health: str
) -> Server:
    """Start a server in a session of its own, and wait until it answers at the path `health`."""
    log = log_file(state_dir, name)
    marked = {**environment, MARK: str(state_dir.resolve()), NAME: name, PORT: str(port)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=marked,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _started.append(process)
    deadline = time.monotonic() + START_SECONDS
    while not is_answering(port, health):
        if process.poll() is not None:
            raise LocalCloudError(f"{name} ended while it started (exit code {process.returncode}).", log)
        if time.monotonic() > deadline:
            raise LocalCloudError(f"{name} did not answer on port {port} within {START_SECONDS:.0f} s.", log)
        time.sleep(0.05)
    return _server(marked, process.pid)


def _server(environment: Mapping[str, str], pid: int) -> Server:
    listen = tuple(filter(None, environment.get(LISTEN, "").split(",")))
    asked = (environment.get(BIND, ""), listen, environment.get(ALLOW_HOST, ""))
    return Server(environment[NAME], int(environment[PORT]), pid, *asked)


def is_answering(port: int, path: str) -> bool:
    try:
        return request("GET", f"http://127.0.0.1:{port}{path}", timeout=5).ok
    except requests.RequestException:
        return False


def stop_all(state_dir: Path) -> int:
    """End every process that carries this state directory's mark; return how many there were."""
    ended: set[int] = set()
    for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):  # the third ends workers started during the second
        left = [process for process, _ in _marked(state_dir)]
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(how)
        psutil.wait_procs(left, timeout=STOP_SECONDS)
        ended.update(process.pid for process in left)
    for child in _started:
        child.poll()
    return len(ended)


def free_port(preferred: int, *, hosts: Sequence[str]) -> int:
    """Return the first port from `preferred` upwards that is free on all addresses in `hosts`."""
    for port in range(preferred, preferred + 100):
        if is_free(port, hosts=hosts):
            return port
    raise LocalCloudError(f"No free port between {preferred} and {preferred + 99}. End what occupies them.")


def any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int, *, hosts: Sequence[str]) -> bool:
    for host in hosts:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def log_file(state_dir: Path, name: str) -> Path:
    return state_dir / f"{name}.log"


def api_id_file(tmp: Path) -> Path:
    """Return the file that names the tunnel's API for the emulator's guard; a restart of the emulator removes it."""
    return tmp / "api-id"


def _marked(state_dir: Path) -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    mark = str(state_dir.resolve())
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if environment.get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                yield process, environment
        except (psutil.Error, OSError):  # of another user, or ended meanwhile
            continue
