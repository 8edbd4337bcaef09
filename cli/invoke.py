"""Invoke a Lambda function of an installation, for the commands that have no route in the ops API."""

import json
from typing import Any

from cli.errors import Failed, Gone
from cli.stacks import Installation, aws_errors

LONGEST_S = 300
"""The functions wait when a partner's Retry-After says so."""
LARGEST = 6 * 1024 * 1024
"""Lambda's limit for the payload of a synchronous invocation, in bytes."""


def ask(installation: Installation, function: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Invoke a function and return its response."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(body) > LARGEST:
        raise Failed(
            f"The request has {len(body) / 2**20:.1f} MB; Lambda's limit is {LARGEST // 2**20}. Split the catalogue's"
            " file: a part can refer to entries that an earlier part has pushed."
        )
    # No second attempt: the function may still be working on the first one.
    client = installation.client("lambda", read_timeout=LONGEST_S, retries={"total_max_attempts": 1})
    name = f"{installation.stack_name}-{function}"
    where = installation.title if installation.is_local else "this account and region"
    try:
        with aws_errors(where):
            response = client.invoke(FunctionName=name, Payload=body)
            content: dict[str, Any] = json.loads(response["Payload"].read())
    except Gone as error:
        raise Gone(f"There is no function {name} in {where}. Is the stack deployed?") from error
    if "FunctionError" in response:
        # Only the class: the text of an unexpected error may contain personal data.
        raise Failed(f"{name} failed ({content.get('errorType', 'unknown')}). See its log.")
    return content
