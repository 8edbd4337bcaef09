"""One cold start, in a process of its own: `probe.py [--list] [SERVICE ...]`, run by `init` and never imported.

The runtime client of Lambda (awslambdaric) loads `handler.handler` as it does in Lambda. When it asks for the first
invocation, what this one will need is made, and the process ends: the AWS clients, and the validators of the models
that the handler names (theirs are not built before they are used). With `--baseline` the handler is ours: one boto3
DynamoDB client. With `--list` the names of all modules that were loaded are printed.
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
            from pressroom.platform import config

            for service in SERVICES:
                config.client(service)
            for named in list(vars(sys.modules["handler"]).values()):
                if getattr(named, "__pydantic_complete__", None) is False:
                    named.model_rebuild()
        if LISTED:
            sys.stdout.write("\n".join(sys.modules))
            sys.stdout.flush()
        os._exit(0)  # an interpreter's end is not part of its start

    def post_init_error(self, error: dict[str, object], *_: object) -> NoReturn:
        sys.stderr.write(f"{error.get('errorType')}: {error.get('errorMessage')}\n")
        os._exit(1)


if __name__ == "__main__":
    LISTED, BASELINE = "--list" in sys.argv, "--baseline" in sys.argv
    SERVICES = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if BASELINE:
        sys.modules["handler"] = type(sys)("handler")
        sys.modules["handler"].handler = print  # type: ignore[attr-defined]  # something to load
    # Threads for polling: what the runtime does from Python 3.12 on.
    bootstrap.run("handler.handler", Runtime("127.0.0.1:9", True))
