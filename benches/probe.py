"""One cold start, in a process of its own: `probe.py [SERVICE ...]`, run by `init` and never imported.

The runtime client of Lambda (awslambdaric) loads `handler.handler` as it does in Lambda. When it asks for the first
invocation, the clients that this one will need are made, and the process ends. With `--baseline` the handler is
ours: one boto3 DynamoDB client.
"""

import os
import sys
from typing import NoReturn

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient


class Runtime(LambdaRuntimeClient):  # type: ignore[misc]  # awslambdaric has no types
    """The runtime client, but for the two calls to Lambda's runtime API that a start makes."""

    def wait_next_invocation(self) -> NoReturn:
        if BASELINE:
            import boto3

            boto3.client("dynamodb")
        else:
            from pressroom import config

            for service in SERVICES:
                config.client(service)
        os._exit(0)  # an interpreter's end is not part of its start

    def post_init_error(self, error: dict[str, object], *_: object) -> NoReturn:
        sys.stderr.write(f"{error.get('errorType')}: {error.get('errorMessage')}\n")
        os._exit(1)


if __name__ == "__main__":
    SERVICES = sys.argv[1:]
    BASELINE = SERVICES == ["--baseline"]
    if BASELINE:
        sys.modules["handler"] = type(sys)("handler")
        sys.modules["handler"].handler = print  # type: ignore[attr-defined]  # something to load
    # Threads for polling: what the runtime does from Python 3.12 on.
    bootstrap.run("handler.handler", Runtime("127.0.0.1:9", True))
