"""Invoke a function of an installation by hand, for the commands that only a deployed function may answer."""

import json
from typing import Any

from cli.errors import Failed, Gone
from cli.stacks import Installation, asking

LONGEST_S = 300
"""The functions wait where a partner asks them to."""
LARGEST = 6 * 1024 * 1024
"""What Lambda takes of a synchronous invocation, in bytes."""


def ask(installation: Installation, function: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Invoke a function and return its answer."""
    payload = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(payload) > LARGEST:
        raise Failed(
            f"This has {len(payload) / 2**20:.1f} MB, and Lambda takes {LARGEST // 2**20}. Split the file: of a"
            " catalogue, one part can refer to what another has pushed."
        )
    # A second try could do twice what was only slow to answer.
    client = installation.client("lambda", read_timeout=LONGEST_S, retries={"total_max_attempts": 1})
    name = f"{installation.stack_name}-{function}"
    where = installation.title if installation.is_local else "this account and region"
    try:
        with asking(where):
            answer = client.invoke(FunctionName=name, Payload=payload)
            content: dict[str, Any] = json.loads(answer["Payload"].read())
    except Gone as error:
        raise Gone(f"There is no function {name} in {where}. Is the stack deployed?") from error
    if "FunctionError" in answer:
        # The class only: the text of an error that nobody foresaw may hold anything.
        raise Failed(f"{name} failed ({content.get('errorType', 'unknown')}); its log says why.")
    return content
