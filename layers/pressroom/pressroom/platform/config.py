"""Settings, clients and secrets: built on first use, here and nowhere else. Importing this module costs botocore.

The clients are botocore's own. `boto3.client()` returns the same objects, but importing boto3 adds a tenth to the
start of every function (docs/decisions/0003-receivers-import-as-little-as-possible.md).
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
"""How long a function may use a secret without looking again: the longest a rotation can go unnoticed."""
SECRET_REFRESH_S = 10
"""How soon a secret may be read again when a signature did not match: strangers must not make us pay per request."""


def setting(name: str) -> str:
    """Return a required environment variable; a missing one is a fault of the template and raises KeyError."""
    return os.environ[name]


def local_endpoint() -> str | None:
    """Return the URL of the local cloud, or None in AWS.

    Two names: ministack sets the SDK's own variable; `sam local` passes only what the template declares.
    """
    return os.environ.get("LOCAL_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL") or None


def utcnow() -> datetime:
    """Return the current time, aware. The one place that reads the clock; everything else is given the time."""
    return datetime.now(UTC)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def client(service: str) -> Any:
    """Return the function's one client of an AWS service, with time-outs that fit inside a function's own.

    The service checks what it is sent; botocore's own check before that would be a tenth of a receiver's work.
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

    Either may be a list: a Cloudprinter account can have several configurations, each with a key of its own.
    A text of another form counts as no value, so nothing gets in; a look that fails leaves the values as they were.
    """

    def __init__(self, arn: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._arn = arn
        self._clock = clock
        self._values: tuple[str, ...] = ()
        self._current: tuple[str, ...] = ()
        self._looked_at: float | None = None

    def values(self) -> tuple[str, ...]:
        """Return the active values that are set, current first; looked up again every SECRET_TTL_S seconds."""
        self._look_if_older_than(SECRET_TTL_S)
        return self._values

    def fresh(self) -> tuple[str, ...]:
        """Return the active values as they are now, for who acts on them rarely and for good."""
        self._look_if_older_than(0)
        return self._values

    def matches(self, check: Callable[[tuple[str, ...]], bool]) -> bool:
        """Run `check` over the active values; if it fails, look once more in case they were rotated just now."""
        return check(self.values()) or (self.changed() and check(self._values))

    def is_outdated(self, check: Callable[[tuple[str, ...]], bool]) -> bool:
        """Tell whether what has just matched is no current value: who used it has yet to hear of the rotation."""
        return self._values != self._current and not check(self._current)

    def changed(self) -> bool:
        """Look again, at most every SECRET_REFRESH_S seconds; return whether the values are others now."""
        before = self._values
        self._look_if_older_than(SECRET_REFRESH_S)
        return self._values != before

    def _look_if_older_than(self, seconds: float) -> None:
        now, before = self._clock(), self._looked_at
        if before is not None and now - before < seconds:
            return
        self._looked_at = now
        try:
            text = client("secretsmanager").get_secret_value(SecretId=self._arn)["SecretString"]
        except (BotoCoreError, ClientError):
            if before is None:
                self._looked_at = None
                raise
            logger().exception("secret_not_read")
            return
        self._current, previous = _active(text)
        self._values = self._current + previous
        if not self._values:
            logger().error("secret_not_set", secret=self._arn)


def _active(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the current values and the previous ones."""
    try:
        secret = json.loads(text)
    except ValueError:
        secret = None
    if not isinstance(secret, dict):
        return (), ()
    values = [secret.get(key) for key in ("current", "previous")]
    current, previous = (value if isinstance(value, list) else [value] for value in values)
    return _set(current), _set(previous)


def _set(values: list[Any]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str) and value)


@cache
def secret(variable: str) -> Secret:
    """Return the secret whose ARN stands in the environment variable `variable`."""
    return Secret(setting(variable))
