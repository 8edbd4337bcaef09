"""Kill deployed functions while they work, or deploy them with other settings.

ministack runs each instance of a function as a child process, with the function's name in its environment. If it is
killed, the invocation fails without an error message, its messages stay hidden for the queue's visibility timeout, and
the next invocation starts a new process, which reads the settings and secrets again.
"""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil

from local import processes
from pressroom.partners import SENDERS
from tests.e2e.conftest import Shop
from tests.e2e.waiting import wait_until


@contextmanager
def configured(shop: Shop, function: str, **settings: str) -> Iterator[None]:
    """Deploy a function with other settings, until the end of the block.

    Unlike AWS, the local cloud ends running invocations when it deploys a function, and an instance that is just
    starting keeps the old settings. So the webhooks of earlier tests are waited for.
    """
    wait_until(lambda: not _being_processed(shop, function) or None, f"{function} is idle")
    functions = shop.stack.client("lambda")
    name = f"{shop.stack.stack_name}-{function}"

    def deploy(variables: dict[str, str]) -> None:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        wait_until(lambda: is_deployed() or None, f"{name} is deployed")

    def is_deployed() -> bool:
        state: str = functions.get_function_configuration(FunctionName=name)["LastUpdateStatus"]
        return state == "Successful"

    before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    deploy(before | settings)
    try:
        yield
    finally:
        deploy(before)


def _being_processed(shop: Shop, function: str) -> bool:
    """Return whether webhooks of a function's topic have been received, but not processed; False if it has no topic."""
    provider, _, topic = function.partition("-")
    if provider not in SENDERS:
        return False
    return bool(shop.api(f"/events?state=received&provider={provider}&topic={topic}").json()["events"])


def instances(shop: Shop, function: str) -> Iterator[psutil.Process]:
    """Yield the processes of a function."""
    name = f"{shop.stack.stack_name}-{function}"
    emulator = psutil.Process(processes.servers(shop.state_dir)["ministack"].pid)
    for process in emulator.children():
        with contextlib.suppress(psutil.Error):  # it has ended
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == name:
                yield process


def restart(shop: Shop, function: str) -> int:
    """Kill all instances of a function, busy or not; return how many there were."""
    killed = list(instances(shop, function))
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=10)
    return len(killed)


def kill_during_request(shop: Shop, function: str, simulator: str, *, delay_s: float, seconds: float) -> bool:
    """Kill an instance `delay_s` after it has connected to a simulator; return False if none connected."""
    port = urlsplit(shop.stack.simulators[simulator]).port
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        known, look_again_at = list(instances(shop, function)), time.monotonic() + 0.5
        while time.monotonic() < look_again_at:
            for process in known:
                if _is_connected(process, port):
                    time.sleep(delay_s)
                    process.kill()
                    return True
            time.sleep(0.02)
    return False


def _is_connected(process: psutil.Process, port: int | None) -> bool:
    try:
        peers = [each.raddr for each in process.net_connections("tcp4")]
    except psutil.Error:
        return False
    return any(tuple(peer)[1:] == (port,) for peer in peers)  # a listening socket has no peer
