"""One cold start in its own process: `probe.py [--list] [SERVICE ...]`. `init` runs it; nothing imports it.

Lambda's runtime client (awslambdaric) loads `handler.handler` as in Lambda. When it requests the first invocation, the
probe creates what that would need, and the process ends: the AWS clients, and the validators of the models in the
handler's module, which are built on first use. With `--baseline` there is no handler, only one boto3 DynamoDB client.
With `--list` the names of all loaded modules are printed.
"""

import os
import sys
from typing import NoReturn

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient


class Runtime(LambdaRuntimeClient):  # type: ignore[misc]  # awslambdaric has no types
    """The runtime client, without the two calls to Lambda's runtime API that a start makes."""

    def wait_next_invocation(self) -> NoReturn:
        if BASELINE:
            import boto3  # here, because this import is what the baseline measures

            boto3.client("dynamodb")
        else:
            from pressroom.platform import config  # here, because the baseline must not load it

            for service in SERVICES:
                config.client(service)
            for named in list(vars(sys.modules["handler"]).values()):
                if getattr(named, "__pydantic_complete__", None) is False:
                    named.model_rebuild()
        if LISTED:
            sys.stdout.write("\n".join(sys.modules))
            sys.stdout.flush()
        os._exit(0)  # the interpreter's shutdown is not part of a start

    def post_init_error(self, error: dict[str, object], *_: object) -> NoReturn:
        sys.stderr.write(f"{error.get('errorType')}: {error.get('errorMessage')}\n")
        os._exit(1)


if __name__ == "__main__":
    LISTED, BASELINE = "--list" in sys.argv, "--baseline" in sys.argv
    SERVICES = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if BASELINE:
        sys.modules["handler"] = type(sys)("handler")
        sys.modules["handler"].handler = print  # type: ignore[attr-defined]  # a module that the runtime client can load
    # True: poll in threads, as the runtime does since Python 3.12.
    bootstrap.run("handler.handler", Runtime("127.0.0.1:9", True))
