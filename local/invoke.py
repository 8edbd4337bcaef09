"""Invoke a function of the stack by hand, for the commands that only a deployed function may answer.

Without a stack's name the local cloud is meant. With one, the caller's own AWS account is used: the region and the
credentials are whatever the AWS CLI would take.
"""

import json
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.cloud import Stack
from local.progress import LocalCloudError

LONGEST_S = 300
"""The functions wait where a partner asks them to."""
LARGEST = 6 * 1024 * 1024
"""What Lambda takes of a synchronous invocation, in bytes."""


def ask(function: str, asked: dict[str, Any], *, stack: str | None, local: Stack | None = None) -> dict[str, Any]:
    """Invoke a function of a stack deployed to AWS, or of a local cloud: the one of `make up` unless it is given."""
    payload = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(payload) > LARGEST:
        raise LocalCloudError(
            f"This has {len(payload) / 2**20:.1f} MB, and Lambda takes {LARGEST // 2**20}. Split the file: of a"
            " catalogue, one part can refer to what another has pushed."
        )
    here = None if stack else local or Stack.read()
    name = f"{here.stack_name if here else stack}-{function}"
    where = "the local cloud" if here else "this account and region"
    # A second try could do twice what was only slow to answer.
    settings = Config(read_timeout=LONGEST_S, retries={"total_max_attempts": 1})
    try:
        client = here.client("lambda") if here else boto3.client("lambda", config=settings)
        answer = client.invoke(FunctionName=name, Payload=payload)
        content: dict[str, Any] = json.loads(answer["Payload"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise LocalCloudError(f"There is no function {name} in {where}. Is the stack deployed?") from error
        raise LocalCloudError(f"AWS refuses: {error.response['Error'].get('Message', error)}") from error
    except BotoCoreError as error:
        raise LocalCloudError(f"{where} could not be asked: {error}") from error
    if "FunctionError" in answer:
        # The class only: the text of an error that nobody foresaw may hold anything.
        raise LocalCloudError(f"{name} failed ({content.get('errorType', 'unknown')}); its log says why.")
    return content
