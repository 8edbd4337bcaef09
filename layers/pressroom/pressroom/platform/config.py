"""Settings, clients and secrets: built on first use, and only here. Importing this module imports botocore.

The clients are botocore's own. `boto3.client()` returns the same objects, but importing boto3 makes every function
start a tenth slower (docs/decisions/0003-receivers-import-as-little-as-possible.md).
"""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pressroom.platform.observe import logger

SECRET_TTL_S = 300
"""How many seconds a function uses a secret before it reads it again: the longest that a rotation goes unnoticed."""
SECRET_REFRESH_S = 10
"""Seconds between two reads of a secret when signatures do not match. Each read costs money, and anyone can send a
request with a wrong signature."""


def setting(name: str) -> str:
    """Return a required environment variable; raises KeyError if the template does not set it."""
    return os.environ[name]


def local_endpoint() -> str | None:
    """Return the URL of the local cloud, or None in AWS.

    There are two variables: ministack sets the SDK's own; `sam local` passes only those that the template declares.
    """
    return os.environ.get("LOCAL_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL") or None


def utcnow() -> datetime:
    """Return the current time, with its time zone. Only this function reads the clock."""
    return datetime.now(UTC)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def client(service: str) -> Any:
    """Return the function's one client of an AWS service, with time-outs shorter than a function's own.

    botocore does not validate parameters: the service does, and botocore's check would be a tenth of a receiver's work.
    """
    return _session().create_client(
        service,
        endpoint_url=local_endpoint(),
        config=Config(
            connect_timeout=1,
            read_timeout=3,
            retries={"mode": "standard", "total_max_attempts": 3},
            parameter_validation=False,
        ),
    )


class Secret:
    """A credential with up to two active values, `{"current": "…", "previous": "…"}` in Secrets Manager.

    Either may be a list: a Cloudprinter account can have several configurations, each with its own key.
    A secret of another form has no values, so nothing is accepted. If a read fails, the last values stay in use.
    """

    def __init__(self, arn: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._arn = arn
        self._clock = clock
        self._values: tuple[str, ...] = ()
        self._current: tuple[str, ...] = ()
        self._read_at: float | None = None

    def values(self) -> tuple[str, ...]:
        """Return the active values, current first. They are read again every SECRET_TTL_S seconds."""
        self._read_if_older_than(SECRET_TTL_S)
        return self._values

    def fresh(self) -> tuple[str, ...]:
        """Return the active values as they are now, for rare actions with a lasting effect."""
        self._read_if_older_than(0)
        return self._values

    def matches(self, check: Callable[[tuple[str, ...]], bool]) -> bool:
        """Run `check` over the active values; if it fails, read them once more in case they were just rotated."""
        return check(self.values()) or (self.changed() and check(self._values))

    def is_outdated(self, check: Callable[[tuple[str, ...]], bool]) -> bool:
        """Return whether only a previous value passes `check`: the sender does not use the current value yet."""
        return self._values != self._current and not check(self._current)

    def changed(self) -> bool:
        """Read the secret again, at most every SECRET_REFRESH_S seconds; return whether its values changed."""
        before = self._values
        self._read_if_older_than(SECRET_REFRESH_S)
        return self._values != before

    def _read_if_older_than(self, seconds: float) -> None:
        now, before = self._clock(), self._read_at
        if before is not None and now - before < seconds:
            return
        self._read_at = now
        try:
            text = client("secretsmanager").get_secret_value(SecretId=self._arn)["SecretString"]
        except (BotoCoreError, ClientError):
            if before is None:
                self._read_at = None
                raise
            logger().exception("secret_not_read")
            return
        self._current, previous = _parsed(text)
        self._values = self._current + previous
        if not self._values:
            logger().error("secret_not_set", secret=self._arn)


def _parsed(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the current values and the previous values in the text of a secret."""
    try:
        secret = json.loads(text)
    except ValueError:
        secret = None
    if not isinstance(secret, dict):
        return (), ()
    values = [secret.get(key) for key in ("current", "previous")]
    current, previous = (value if isinstance(value, list) else [value] for value in values)
    return _non_empty(current), _non_empty(previous)


def _non_empty(values: list[Any]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str) and value)


@cache
def secret(variable: str) -> Secret:
    """Return the secret whose ARN is in the environment variable `variable`."""
    return Secret(setting(variable))
