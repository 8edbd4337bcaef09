"""Fixtures of the unit and integration tests, and the distribution of all tests over the workers."""

import functools
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from moto import mock_aws
from xdist.scheduler import LoadScopeScheduling

from pressroom.platform import config, observe
from tests.support.cloud import Clock, Cloud, forget
from tests.support.hub import FakeCamaloon, FakeShop, Hub
from tests.support.oms import FakeOms

# Examples are the same in every run: a failing test fails on every machine until it is fixed.
settings.register_profile("seeded", derandomize=True)
settings.load_profile("seeded")
# Nor do they depend on the modules that a worker has imported: Hypothesis would use their constants.
providers._get_local_constants = lambda: providers._local_constants  # there is no setting for it


class _Workers(LoadScopeScheduling):  # type: ignore[misc]  # untyped
    """Run the tests that share a local cloud in one worker, and all others file by file.

    `--dist loadgroup` would do this, but pytest 9.2 does not recognise the group names of xdist 3.8.0.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        has_its_own = file == "tests/e2e/test_oms_under_faults.py"
        return "tests/e2e" if file.startswith("tests/e2e/") and not has_its_own else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Workers:
    return _Workers(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give priority to the local cloud of another worker: its timeouts are real."""
    if "PYTEST_XDIST_WORKER" in os.environ and not item.get_closest_marker("e2e") and not os.nice(0):
        os.nice(10)


class _Stdout(io.StringIO):
    """Writes to the current `sys.stdout`: pytest replaces it for each phase of a test."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment of a function that has just started, without an AWS account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "pressroom")
    monkeypatch.setenv("STOREFRONT_URL", "")
    monkeypatch.setenv("TRACKING_WAIT_MINUTES", "60")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "LOCAL_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(observe, "Logger", functools.partial(Logger, stream=_Stdout()))
    forget()
    yield
    forget()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock, in the place of `config.utcnow`."""
    clock = Clock()
    monkeypatch.setattr(config, "utcnow", clock)
    return clock


@pytest.fixture
def cloud(fresh: None, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The stack in moto, with a fake of Lambda; cached secrets expire by `clock`."""
    with mock_aws():
        cloud = Cloud()
        real, known = config.client, dict[str, config.Secret]()
        monkeypatch.setattr(config, "client", lambda service: cloud.lambda_ if service == "lambda" else real(service))
        monkeypatch.setattr(
            config,
            "secret",
            lambda variable: known.setdefault(variable, config.Secret(config.setting(variable), clock.monotonic)),
        )
        monkeypatch.setenv("TABLE_NAME", "table")
        yield cloud


@pytest.fixture
def hub(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The whole path of a webhook in one process, with fakes of Camaloon and the shop, and the OMS's simulator."""
    camaloon, shop, oms = FakeCamaloon(), FakeShop(), FakeOms()
    monkeypatch.setattr(
        "pressroom.platform.http.post",
        lambda url, content, headers: (shop if url == shop.URL else camaloon).post(url, content, headers),
    )
    monkeypatch.setattr("pressroom.platform.http._Session.send", lambda session, *call, **how: oms.send(*call, **how))
    return Hub(cloud, camaloon, shop, oms)
