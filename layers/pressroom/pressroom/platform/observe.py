"""Logs and metrics (Powertools).

A log line is a constant event word with fields: never a payload, a person's name or a secret.
"""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from pressroom.platform.errors import PressroomError
from pressroom.platform.times import iso

NAMESPACE = "Pressroom"


@cache
def logger() -> Logger:
    """Return the function's logger; `service` is the stack (POWERTOOLS_SERVICE_NAME)."""
    return Logger()


def log_line(event: str, now: datetime, **fields: str) -> None:
    """Write one line as the logger would, but faster, for the receivers.

    Powertools' formatter would take a fifth of the time of receiving a webhook (`make bench`, `*.warm`).
    """
    line = {"level": "INFO", "message": event, "timestamp": iso(now), "service": logger().service, **fields}
    sys.stdout.write(json.dumps(line) + "\n")


def count(name: str, number: int = 1, **fields: str) -> None:
    """Count occurrences under the stack's name. `fields` can be searched in the log, but are not dimensions."""
    # Imported here, since most functions never count anything, and the import would slow every start.
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    with single_metric(name=name, unit=MetricUnit.Count, value=number, namespace=NAMESPACE) as metric:
        metric.add_dimension(name="service", value=logger().service)
        for key, value in fields.items():
            metric.add_metadata(key=key, value=value)


def logged(handle: Callable[[Any], None]) -> Callable[[Any], None]:
    """Log the unexpected errors of a record handler: the batch processor reports only that the record failed."""

    def wrapper(record: Any) -> None:
        try:
            handle(record)
        except PressroomError:
            raise
        except Exception:
            logger().exception("record_failed")
            raise

    return wrapper
