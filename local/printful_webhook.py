"""`python -m local printful-webhook`: invoke the Lambda that manages Printful's webhook, and say what it answered.

Without a stack's name the local cloud is meant. With one, this is the only command that uses the caller's own AWS
account: the region and the credentials are whatever the AWS CLI would take.
"""

import json
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.cloud import Stack
from local.progress import LocalCloudError, say

LONGEST_S = 300
"""The function waits where Printful asks it to."""
STATES = {
    "fine": "Printful sends its webhooks to Pressroom.",
    "lost": "Printful has no webhook, although Pressroom wants one.",
    "replaced": "Printful sends its webhooks to somebody else.",
    "changed": "Printful's webhook is Pressroom's, but not as it should be.",
    "not_wanted": "Pressroom wants no webhook of Printful.",
}


def run(action: str, *, products: list[int] | None, replace: str | None, stack: str | None) -> int:
    """Return the exit code: 0 only if the function says that all went well."""
    asked: dict[str, Any] = {"action": action}
    if products is not None:
        asked["product_ids"] = products
    if replace is not None:
        asked["replace"] = replace
    answer = ask(asked, stack=stack)
    say(readable(answer))
    return 0 if answer["ok"] else 1


def readable(answer: dict[str, Any]) -> str:
    lines = [f"Not done: {answer['problem']}." if "problem" in answer else STATES.get(answer["state"], answer["state"])]
    if registered := answer.get("registered"):
        products = ", ".join(map(str, registered["product_ids"])) or "none"
        types = ", ".join(registered["types"]) or "none"
        lines += [f"  URL       {registered['url'] or 'none'}", f"  types     {types}", f"  products  {products}"]
    return "\n".join([*lines, *(f"  differs   {each}" for each in answer.get("differences", ()))])


def ask(asked: dict[str, Any], *, stack: str | None, local: Stack | None = None) -> dict[str, Any]:
    """Invoke the function of a stack deployed to AWS, or of a local cloud: the one of `make up` unless it is given."""
    here = None if stack else local or Stack.read()
    name, where = (here.stack_name, "the local cloud") if here else (stack, "this account and region")
    function = f"{name}-printful_webhook"
    try:
        client = here.client("lambda") if here else _client()
        answer = client.invoke(FunctionName=function, Payload=json.dumps(asked).encode())
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise LocalCloudError(f"There is no function {function} in {where}. Is the stack deployed?") from error
        raise LocalCloudError(f"AWS refuses: {error.response['Error'].get('Message', error)}") from error
    except BotoCoreError as error:
        raise LocalCloudError(f"{where} could not be asked: {error}") from error
    if "FunctionError" in answer:
        # The class only: the text of an error that nobody foresaw may hold anything.
        kind = payload.get("errorType", "unknown")
        raise LocalCloudError(f"{function} failed ({kind}); its log says why. `show` tells what is registered now.")
    return payload


def _client() -> Any:
    return boto3.client("lambda", config=Config(read_timeout=LONGEST_S, retries={"total_max_attempts": 1}))
