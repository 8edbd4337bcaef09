"""Which installation a command is about: a stack of the caller's AWS account, the local cloud, or an ops API alone.

With a stack's name, credentials and region are what the AWS CLI would take. Secrets are read when a command needs them
to sign or to ask, and are never shown.
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

from cli.errors import Failed, Gone, NotReached
from local.cloud import Stack
from local.partners import Partner
from local.progress import LocalCloudError
from local.settings import STATE_DIR

TIMEOUTS = {"connect_timeout": 5, "read_timeout": 30}
GONE = {
    *("ResourceNotFoundException", "InvalidRequestException"),  # a secret that waits for its deletion is the latter
    *("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
}
"""How AWS says that something of the stack was deleted."""
STATE_DIR_VARIABLE = "PRESSROOM_STATE_DIR"


@dataclass(frozen=True)
class Secret:
    """A credential as Secrets Manager has it; `shaped` if it is {"current": "…", "previous": "…"}, texts or lists."""

    current: tuple[str, ...]
    previous: tuple[str, ...]
    shaped: bool

    @classmethod
    def of(cls, text: str) -> "Secret":
        """Read a secret's text."""
        try:
            content = json.loads(text)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            return cls((), (), shaped=False)
        current, previous = (_values(content.get(key, "")) for key in ("current", "previous"))
        return cls(current or (), previous or (), shaped=current is not None and previous is not None)


def _values(given: object) -> tuple[str, ...] | None:
    each = given if isinstance(given, list) else [given]
    texts = tuple(one for one in each if isinstance(one, str))
    return tuple(filter(None, texts)) if len(texts) == len(each) else None


class NoLocalCloud(NotReached):
    """Nothing was named, and there is no local cloud either."""


class Installation:
    """One Pressroom, as far as the caller can reach it."""

    def __init__(
        self, title: str, *, stack_name: str = "", here: Stack | None = None, api_url: str = "", token: str = ""
    ) -> None:
        self.title = title
        self.stack_name = stack_name
        self._here = here
        self._api_url, self._token = api_url, token

    @classmethod
    def local(cls, stack: Stack | None = None) -> "Installation":
        """The local cloud of `make up`, unless another is given."""
        if stack is None:
            try:
                stack = Stack.read(Path(os.environ.get(STATE_DIR_VARIABLE) or STATE_DIR))
            except LocalCloudError as error:
                raise NoLocalCloud(
                    "No local cloud runs, and no stack is named. Start one with `make up`, or give --stack NAME."
                ) from error
        title = "the local cloud"
        return cls(title, stack_name=stack.stack_name, here=stack, api_url=stack.api_url, token=stack.ops_token)

    @classmethod
    def deployed(cls, name: str) -> "Installation":
        """A stack of the caller's AWS account."""
        return cls(f"the stack {name}", stack_name=name)

    @classmethod
    def of_api(cls, url: str, token: str) -> "Installation":
        """An ops API, of whose AWS account nothing is known."""
        if not token:
            raise NotReached("There is no token for this API: set PRESSROOM_TOKEN to the ops token.")
        return cls(url, api_url=url.rstrip("/"), token=token)

    @property
    def is_local(self) -> bool:
        return self._here is not None

    def typed(self, command: str) -> str:
        """Return a command as it is typed to be about this installation."""
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
            raise NotReached(f"The ops token of {self.title} is not set: see its secret {self.stack_name}/ops-token.")
        return secret.current[0]

    def client(self, service: str, **config: Any) -> Any:
        """Return a client of an AWS service, with this caller's rights."""
        if not self.stack_name:
            raise NotReached("This needs the AWS account, of which an API's URL says nothing: give --stack NAME.")
        if self._here:
            return self._here.client(service)
        with asking("The AWS account"):
            return boto3.client(service, config=Config(**TIMEOUTS | config))  # type: ignore[call-overload]

    @cached_property
    def description(self) -> dict[str, Any]:
        """What CloudFormation says of the stack."""
        client = self.client("cloudformation")
        with asking(f"The stack {self.stack_name}"):
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
            raise NotReached(f"{self.title} has no output {name}. Is it Pressroom, and deployed to the end?") from None

    def secret(self, output: str) -> Secret:
        """Read the secret that an output names."""
        arn = self.output(output)
        with asking(f"The secret of {output}"):
            return Secret.of(self.client("secretsmanager").get_secret_value(SecretId=arn).get("SecretString", ""))

    def webhook_url(self, partner: Partner) -> str:
        """Return where a partner sends its webhooks, without the token that may be the last part of it."""
        if self._here:
            url = self._here.webhooks[partner.name]["url"]
            return url.rpartition("/")[0] if partner.credential == "token" else url
        if not self.stack_name:
            return f"{self.api_url}/webhooks/{partner.name}"
        return self.output(partner.url_output).removesuffix("/{token}")

    def credential(self, partner: Partner) -> str:
        """Return what makes a partner's webhooks genuine."""
        if self._here:
            told = self._here.webhooks[partner.name]
            return told["url"].rpartition("/")[2] if partner.credential == "token" else told[partner.credential]
        secret = self.secret(partner.secret_output)
        if not secret.current:
            raise Failed(f"The secret {self.stack_name}/{partner.name} is not set: nothing could be signed with it.")
        return secret.current[0]


@contextmanager
def asking(whom: str) -> Iterator[None]:
    """Say it in words if AWS refuses, or can't be asked."""
    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        kind = Gone if told.get("Code") in GONE else NotReached
        raise kind(f"AWS refuses: {told.get('Message') or told.get('Code') or error}") from error
    except BotoCoreError as error:
        raise NotReached(f"{whom} could not be asked: {error}") from error
