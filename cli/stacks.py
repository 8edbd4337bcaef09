"""The installation of a command: a stack in the user's AWS account, the local cloud, or an ops API alone.

For a stack, credentials and region are those of the AWS CLI. Secrets are read only when a command needs them to sign a
webhook or to call the ops API, and are never printed.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import Failed, Gone, Unreachable
from local.cloud import Stack
from local.partners import Sender
from local.progress import LocalCloudError
from local.settings import STATE_DIR

TIMEOUTS = {"connect_timeout": 5, "read_timeout": 30}
GONE = {
    *("ResourceNotFoundException", "InvalidRequestException"),  # the latter: a secret that is scheduled for deletion
    *("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
}
"""AWS's error codes for a resource that was deleted."""
STATE_DIR_VARIABLE = "PRESSROOM_STATE_DIR"


@dataclass(frozen=True)
class Secret:
    """A credential in Secrets Manager.

    `well_formed` if it is {"current": "…", "previous": "…"}, where each value is a text or a list of texts.
    """

    current: tuple[str, ...]
    previous: tuple[str, ...]
    well_formed: bool

    @classmethod
    def of(cls, text: str) -> "Secret":
        """Parse the text of a secret."""
        try:
            content = json.loads(text)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            return cls((), (), well_formed=False)
        current, previous = (_values(content.get(key, "")) for key in ("current", "previous"))
        return cls(current or (), previous or (), well_formed=current is not None and previous is not None)


def _values(given: object) -> tuple[str, ...] | None:
    each = given if isinstance(given, list) else [given]
    texts = tuple(one for one in each if isinstance(one, str))
    return tuple(filter(None, texts)) if len(texts) == len(each) else None


class NoLocalCloud(Unreachable):
    """No installation was named, and no local cloud is running."""


class Installation:
    """A deployed Pressroom."""

    def __init__(
        self, title: str, *, stack_name: str = "", local_stack: Stack | None = None, api_url: str = "", token: str = ""
    ) -> None:
        self.title = title
        self.stack_name = stack_name
        self._local_stack = local_stack
        self._api_url, self._token = api_url, token

    @classmethod
    def local(cls, stack: Stack | None = None) -> "Installation":
        """Return a local cloud; by default that of `make up`."""
        if stack is None:
            try:
                stack = Stack.read(Path(os.environ.get(STATE_DIR_VARIABLE) or STATE_DIR))
            except LocalCloudError as error:
                raise NoLocalCloud(
                    "No local cloud is running, and no stack is given. Start one with `make up`, or give --stack NAME."
                ) from error
        title = "the local cloud"
        return cls(title, stack_name=stack.stack_name, local_stack=stack, api_url=stack.api_url, token=stack.ops_token)

    @classmethod
    def deployed(cls, name: str) -> "Installation":
        """Return a stack in the user's AWS account."""
        return cls(f"the stack {name}", stack_name=name)

    @classmethod
    def of_api(cls, url: str, token: str) -> "Installation":
        """Return an installation that is reached only through its ops API."""
        if not token:
            raise Unreachable("The API needs a token: set PRESSROOM_TOKEN to the ops token.")
        return cls(url, api_url=url.rstrip("/"), token=token)

    @property
    def is_local(self) -> bool:
        return self._local_stack is not None

    def typed(self, command: str) -> str:
        """Return a command in backticks, with the option that selects this installation."""
        deployed = self.stack_name and not self.is_local
        return f"`pressroom {command} --stack {self.stack_name}`" if deployed else f"`pressroom {command}`"

    @property
    def api_url(self) -> str:
        return self._api_url or self.output("ApiUrl")

    @cached_property
    def token(self) -> str:
        if self._token:
            return self._token
        secret = self.secret("OpsTokenSecretArn")
        if not secret.current:
            raise Unreachable(f"The ops token of {self.title} is not set: see the secret {self.stack_name}/ops-token.")
        return secret.current[0]

    def client(self, service: str, **config: Any) -> Any:
        """Return a client of an AWS service, with the user's credentials."""
        if not self.stack_name:
            raise Unreachable("This command needs access to the AWS account, not only to the API: give --stack NAME.")
        if self._local_stack:
            return self._local_stack.client(service)
        with aws_errors("The AWS account"):
            return boto3.client(service, config=Config(**TIMEOUTS | config))  # type: ignore[call-overload]

    @cached_property
    def description(self) -> dict[str, Any]:
        """The stack's description from CloudFormation."""
        client = self.client("cloudformation")
        with aws_errors(f"The stack {self.stack_name}"):
            (found,) = client.describe_stacks(StackName=self.stack_name)["Stacks"]
        return dict(found)

    @property
    def outputs(self) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self.description.get("Outputs", ())}

    @property
    def parameters(self) -> dict[str, str]:
        return {each["ParameterKey"]: each["ParameterValue"] for each in self.description.get("Parameters", ())}

    def output(self, name: str) -> str:
        """Return one output of the stack."""
        try:
            return self.outputs[name]
        except KeyError:
            raise Unreachable(f"{self.title} has no output {name}. Is it a complete deployment of Pressroom?") from None

    def secret(self, output: str) -> Secret:
        """Read the secret whose ARN is in an output."""
        arn = self.output(output)
        with aws_errors(f"The secret of {output}"):
            return Secret.of(self.client("secretsmanager").get_secret_value(SecretId=arn).get("SecretString", ""))

    def webhook_url(self, sender: Sender) -> str:
        """Return the URL for a sender's webhooks, without the token in its path."""
        if self._local_stack:
            url = self._local_stack.webhooks[sender.id]["url"]
            return url.rpartition("/")[0] if sender.credential == "token" else url
        if not self.stack_name:
            return f"{self.api_url}/webhooks/{sender.id}"
        return self.output(sender.url_output).removesuffix("/{token}")

    def credential(self, sender: Sender) -> str:
        """Return the credential that authenticates a sender's webhooks."""
        if self._local_stack:
            webhook = self._local_stack.webhooks[sender.id]
            return webhook["url"].rpartition("/")[2] if sender.credential == "token" else webhook[sender.credential]
        secret = self.secret(sender.secret_output)
        if not secret.current:
            raise Failed(f"The secret {self.stack_name}/{sender.id} is not set, so no webhook can be signed.")
        return secret.current[0]


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Raise AWS's errors as errors of a command."""
    try:
        yield
    except ClientError as error:
        problem = error.response.get("Error", {})
        kind = Gone if problem.get("Code") in GONE else Unreachable
        raise kind(f"AWS refuses: {problem.get('Message') or problem.get('Code') or error}") from error
    except BotoCoreError as error:
        raise Unreachable(f"{what} could not be reached: {error}") from error
