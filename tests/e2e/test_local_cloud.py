"""`make up` and `make down`: twice in a row, with a busy port, after a crash."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from local import cloud, processes
from local.cloud import Stack
from local.progress import LocalCloudError
from tests.e2e.conftest import PARAMETERS, ROOT, Shop


@pytest.fixture
def state_dir() -> Iterator[Path]:
    folder = ROOT / ".local" / f"e2e-{os.getpid()}-own"
    try:
        yield folder
    finally:
        cloud.down(state_dir=folder)


def test_a_second_up_deploys_again_and_keeps_what_runs(shop: Shop) -> None:
    order = shop.order()
    shop.pay(order)
    shop.until(order["id"], lambda it: it["status"] == "accepted")
    before = processes.servers(shop.state_dir)
    assert cloud.up(state_dir=shop.state_dir, parameters=PARAMETERS) == shop.stack
    assert processes.servers(shop.state_dir) == before
    assert shop.known(order["id"])


def test_what_runs_refuses_another_address(shop: Shop) -> None:
    with pytest.raises(LocalCloudError, match="already listens on"):
        cloud.up(state_dir=shop.state_dir, bind="0.0.0.0")  # noqa: S104 - refused
    with pytest.raises(LocalCloudError, match="already runs on port"):
        cloud.up(state_dir=shop.state_dir, port=1)


def test_stack_json_holds_what_scripts_rely_on(shop: Shop) -> None:
    told = json.loads((shop.state_dir / "stack.json").read_text())
    assert told == asdict(shop.stack)
    port = told["endpoint_url"].rpartition(":")[2]
    assert told["api_url"].endswith(f".execute-api.localhost:{port}")
    assert (told["stack_name"], told["ops_token"]) == ("pressroom", "local-ops-token")
    assert told["webhooks"]["storefront"] == {
        "url": told["api_url"] + "/webhooks/storefront",
        "secret": "local-storefront-secret",
    }
    assert told["webhooks"]["camaloon"]["url"] == told["api_url"] + "/webhooks/camaloon"
    assert told["simulators"]["camaloon"].startswith("http://127.0.0.1:")


def test_a_busy_port_is_named_and_the_next_one_taken(state_dir: Path) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        with pytest.raises(LocalCloudError, match=f"Port {port} is in use"):
            cloud.up(port=port, state_dir=state_dir)
        assert processes.free_port(port, host="127.0.0.1") > port


def test_after_a_crash_up_starts_afresh_and_down_leaves_nothing(state_dir: Path) -> None:
    first = cloud.up(state_dir=state_dir)
    os.kill(processes.servers(state_dir)["ministack"].pid, signal.SIGKILL)
    second = cloud.up(state_dir=state_dir)
    assert Stack.read(state_dir) == second
    assert second.api_url != first.api_url
    assert cloud.down(state_dir=state_dir) > 0
    assert cloud.down(state_dir=state_dir) == 0
    assert processes.servers(state_dir) == {}
    with pytest.raises(LocalCloudError, match="make up"):
        Stack.read(state_dir)
