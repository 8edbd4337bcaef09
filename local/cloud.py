"""Start, deploy to and end a local cloud.

>>> stack = up(state_dir=Path("/some/where"))
>>> stack.webhooks["storefront"]["url"]
>>> down(state_dir=Path("/some/where"))

Several can stand side by side, each with its own state directory and port; they share the build.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from local import gateway, listening, processes
from local.build import SAM_CONFIG, build_for_host, read_built
from local.guard import API_PATH, CONTAINERS_NAME, LOOPBACK, is_tunnel_name
from local.partners import (
    NOTIFICATIONS_PATH,
    NOTIFICATIONS_SECRET,
    OMS_STORE_ID,
    OPS_TOKEN,
    OUR_SECRETS,
    SENDERS,
    SHOP_DOMAIN,
    SIMULATORS,
)
from local.progress import LocalCloudError, say, step
from local.settings import (
    CREDENTIALS,
    PORT,
    REGION,
    ROOT,
    SAM,
    STACK_NAME,
    STATE_DIR,
    child_environment,
    host_architecture,
)

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

MINISTACK = "ministack"
TMP = "tmp"
"""The folder of the emulator's files, in the state directory."""
HEALTH = "/_ministack/ready"

# The emulator enforces each function's role, retries an asynchronous invocation at once instead of after a minute, and
# keeps its hands off a Docker that the developer may have.
EMULATOR = {
    "AUTH": "true",
    "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",
    "LAMBDA_ASYNC_RETRY_MAX_SECONDS": "1",
    "LAMBDA_WARM_TTL_SECONDS": "3600",
    "PERSIST_STATE": "0",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "DOCKER_HOST": "unix:///nonexistent/pressroom-uses-no-docker",
    "LOG_LEVEL": "INFO",
}

# Every parameter that the local cloud sets, where the template has it; the simulators' URLs come on top.
PARAMETERS = {
    "Architecture": host_architecture(),
    "CamaloonSourceDomain": SHOP_DOMAIN,
    "DeliveryBackoffSeconds": "1",
    "DeliveryMaxAttempts": "5",
    "RoutingRules": "CP-*=cloudprinter,PF-*=printful",
    "OmsStoreId": OMS_STORE_ID,
    "OmsSettleSeconds": "35",  # longer than a simulator hangs
    "PrintFilePollSeconds": "1",
    "PrintTemplates": "5501=template-mug,5510=template-tote",
    "BatchMaxAgeMinutes": "1",
    "NotifyTrackingWaitMinutes": "1",
}


@dataclass(frozen=True)
class Stack:
    """A deployed local stack: exactly what stack.json says."""

    api_url: str
    endpoint_url: str
    stack_name: str
    ops_token: str
    webhooks: dict[str, dict[str, str]]
    simulators: dict[str, str]
    notifications: dict[str, str]
    """Where the shop receives notifications, and the secret that it verifies them with."""

    @classmethod
    def read(cls, state_dir: Path = STATE_DIR) -> "Stack":
        try:
            return cls(**json.loads((state_dir / "stack.json").read_text()))
        except FileNotFoundError:
            raise LocalCloudError("No local cloud runs. Start it with `make up`.") from None
        except (ValueError, TypeError) as error:
            raise LocalCloudError(
                "stack.json can't be read: it is damaged, or of another version. `make up`."
            ) from error

    @property
    def api_id(self) -> str:
        return self.api_url.rpartition("/")[2]

    def client(self, service: str) -> Any:
        """A boto3 client of the local cloud, with root's rights."""
        return _client(service, self.endpoint_url)

    def outputs(self) -> dict[str, str]:
        return _outputs(self.client("cloudformation"), self.stack_name)

    def tunnel_urls(self, host: str) -> dict[str, str]:
        """Where each partner sends its webhooks to, seen from outside a tunnel with this name."""
        return {
            name: urlunsplit(("https", host, each["url"].removeprefix(self.api_url), "", ""))
            for name, each in self.webhooks.items()
        }


def up(
    *,
    port: int | None = None,
    state_dir: Path = STATE_DIR,
    bind: str | None = None,
    allow_host: str | None = None,
    stack_name: str = STACK_NAME,
    parameters: dict[str, str] | None = None,
) -> Stack:
    """Start what does not run yet, deploy the template as it is now, and write stack.json.

    `bind` is "0.0.0.0" where containers of `sam local` have to reach the emulator; else 127.0.0.1. `allow_host` is the
    name of a tunnel that may reach the webhook routes. Without a `port` it is the first free from 4566 on. What runs
    already keeps all three, and refuses others.
    """
    if allow_host and not is_tunnel_name(allow_host := allow_host.lower()):
        raise LocalCloudError(
            f"ALLOW_HOST has to be the tunnel's host name, such as shop.example.com, and not {allow_host!r}."
        )
    with _alone(state_dir):
        built = build_for_host()
        template = read_built(built)
        emulator = start_emulator(state_dir, port, bind, allow_host)
        endpoint_url = f"http://{LOOPBACK}:{emulator.port}"
        cloudformation = _client("cloudformation", endpoint_url)
        if _is_beyond_repair(cloudformation, stack_name):
            say("  the last deployment left the stack unusable: starting afresh")
            processes.stop_all(state_dir)
            emulator = start_emulator(state_dir, emulator.port, emulator.bind, emulator.allow_host)
        simulators = _start_simulators(state_dir, template, emulator.listen)
        urls = {row.parameter: simulators[row.id] + row.path for row in SIMULATORS if row.id in simulators}
        _deploy(state_dir, built, stack_name, endpoint_url, {**PARAMETERS, **urls, **(parameters or {})})
        with step("routes and secrets"):
            stack = _finish(template, stack_name, endpoint_url, simulators)
            processes.api_id_file(state_dir / TMP).write_text(stack.api_id)
        (state_dir / "stack.json").write_text(json.dumps(asdict(stack), indent=2) + "\n")
        (state_dir / "sam-local.json").write_text(json.dumps(_sam_local(stack, template), indent=2) + "\n")
        return stack


def down(*, state_dir: Path = STATE_DIR) -> int:
    """End everything of this local cloud, whatever state it is in; the number of processes that ran.

    The logs and the build stay.
    """
    if not state_dir.is_dir():
        return 0
    with _alone(state_dir):
        ended = processes.stop_all(state_dir)
        (state_dir / "stack.json").unlink(missing_ok=True)
        shutil.rmtree(state_dir / TMP, ignore_errors=True)
        return ended


def emulator(*, state_dir: Path = STATE_DIR) -> processes.Server:
    """Return the emulator that runs for a state directory."""
    try:
        return processes.servers(state_dir)[MINISTACK]
    except KeyError:
        raise LocalCloudError("No local cloud runs. Start it with `make up`.") from None


def start_emulator(
    state_dir: Path, port: int | None, bind: str | None = None, allow_host: str | None = None
) -> processes.Server:
    """Start ministack, or find the one that runs."""
    running = processes.servers(state_dir).get(MINISTACK)
    # One without `listen` was started by an older version, which had no guard.
    if running and running.listen and processes.is_answering(running.port, HEALTH):
        if port not in {None, running.port}:
            raise LocalCloudError(f"This local cloud already runs on port {running.port}. Run `make down` first.")
        if bind not in {None, running.bind or LOOPBACK, running.bind}:
            raise LocalCloudError(f"This local cloud already runs {_asked('BIND', running.bind)}")
        if allow_host not in {None, running.allow_host}:
            raise LocalCloudError(f"This local cloud already runs {_asked('ALLOW_HOST', running.allow_host)}")
        say(f"  ministack runs on port {running.port}")
        return running
    processes.stop_all(state_dir)  # what a crash may have left
    listen = listening.addresses(bind or "")
    if port is None:
        port = processes.free_port(PORT, hosts=listen)
        if port != PORT:
            say(f"  port {PORT} is in use by something else: taking {port}")
    elif not 0 < port < 2**16:
        raise LocalCloudError(f"PORT={port} is not a port: choose a number from 1 to 65535.")
    elif not processes.is_free(port, hosts=listen):
        raise LocalCloudError(f"Port {port} is in use. End what occupies it, or choose another with PORT=.")
    tmp = state_dir / TMP
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir(mode=0o700)
    environment = child_environment(imports_from=(ROOT,)) | EMULATOR
    environment |= {"GATEWAY_PORT": str(port), "BIND_HOST": LOOPBACK, "MINISTACK_REGION": REGION}
    environment |= {processes.BIND: bind or "", processes.LISTEN: ",".join(listen)}
    environment |= {processes.ALLOW_HOST: allow_host or ""}
    environment |= {"TMPDIR": str(tmp), "STATE_DIR": str(tmp / "state")}
    del environment["AWS_ENDPOINT_URL"]  # the functions inherit it; without it the emulator names itself
    with step(f"ministack on port {port}"):
        return processes.start(
            MINISTACK,
            [sys.executable, "-m", "local.emulator"],
            port=port,
            environment=environment,
            state_dir=state_dir,
            health=HEALTH,
        )


def _asked(variable: str, value: str) -> str:
    return f"{'with' if value else 'without'} {f'{variable}={value}' if value else variable}. Run `make down` first."


def _start_simulators(state_dir: Path, template: dict[str, Any], listen: tuple[str, ...]) -> dict[str, str]:
    running = processes.servers(state_dir)
    urls = {}
    for row in SIMULATORS:
        if row.parameter not in template.get("Parameters", {}):
            continue
        name = f"simulator-{row.id}"
        server = running.get(name)
        if server is None:
            port = processes.any_port()
            hosts = [word for address in listen for word in ("--host", address)]
            with step(f"simulator of {row.id} on port {port}"):
                server = processes.start(
                    name,
                    [sys.executable, "-m", f"local.simulators.{row.id}", "--port", str(port), *hosts],
                    port=port,
                    environment=child_environment(imports_from=(ROOT,)),
                    state_dir=state_dir,
                    health="/_requests",
                )
        urls[row.id] = f"http://{LOOPBACK}:{server.port}"
    return urls


def _deploy(state_dir: Path, built: Path, stack_name: str, endpoint_url: str, parameters: dict[str, str]) -> None:
    declared = read_built(built).get("Parameters", {})
    overrides = [f"{name}={value}" for name, value in parameters.items() if name in declared]
    command = [str(SAM), "deploy", "--config-file", str(SAM_CONFIG), "--template-file", str(built)]
    command += ["--stack-name", stack_name, "--region", REGION, "--parameter-overrides", *overrides]
    log = processes.log_file(state_dir, "deploy")
    with step("sam deploy"), log.open("wb") as output:
        code = subprocess.run(
            command, cwd=ROOT, env=child_environment(endpoint_url), stdout=output, stderr=subprocess.STDOUT
        ).returncode
        if code:
            raise LocalCloudError(
                f"`sam deploy` failed; the emulator's side is in {processes.log_file(state_dir, MINISTACK)}.", log
            )


def _finish(template: dict[str, Any], stack_name: str, endpoint_url: str, simulators: dict[str, str]) -> Stack:
    cloudformation = _client("cloudformation", endpoint_url)
    outputs = _outputs(cloudformation, stack_name)
    names = {
        row["LogicalResourceId"]: row["PhysicalResourceId"]
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
        for row in page["StackResourceSummaries"]
    }
    functions = _client("lambda", endpoint_url)
    arns = {
        logical_id: functions.get_function_configuration(FunctionName=names[logical_id])["FunctionArn"]
        for _, logical_id in gateway.routes(template)
    }
    api = next(
        name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::Serverless::HttpApi"
    )
    gateway.create_routes(_client("apigatewayv2", endpoint_url), names[api], template, arns)

    secrets = _client("secretsmanager", endpoint_url)
    values = {row.secret_output: row.value for row in SENDERS} | OUR_SECRETS
    for output, value in values.items():
        if output in outputs:
            text = json.dumps({"current": value, "previous": ""})
            secrets.put_secret_value(SecretId=outputs[output], SecretString=text)

    api_url = f"{endpoint_url}{API_PATH}/{names[api]}"
    _set_variable(functions, f"{stack_name}-printful_webhook", "PUBLIC_API_URL", api_url)
    webhooks = {
        row.id: row.webhook(api_url + urlsplit(outputs[row.url_output]).path)
        for row in SENDERS
        if row.url_output in outputs
    }
    shop = simulators.get("storefront")
    notifications = {"url": shop + NOTIFICATIONS_PATH, "secret": NOTIFICATIONS_SECRET} if shop else {}
    return Stack(api_url, endpoint_url, stack_name, OPS_TOKEN, webhooks, simulators, notifications)


def _set_variable(functions: Any, name: str, variable: str, value: str) -> None:
    """Tell a function what only a deployed API knows: its address here is not the one that the template writes."""
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables | {variable: value}})


def _sam_local(stack: Stack, template: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What `sam local --env-vars` wants: each function's variables as deployed, seen from within a container."""
    functions = {name: row for name, row in template["Resources"].items() if row["Type"] == "AWS::Serverless::Function"}
    deployed = {}
    for logical_id, resource in functions.items():
        name = resource["Properties"]["FunctionName"]["Fn::Sub"].replace("${AWS::StackName}", stack.stack_name)
        configuration = stack.client("lambda").get_function_configuration(FunctionName=name)
        variables = configuration["Environment"]["Variables"] | {"LOCAL_ENDPOINT_URL": stack.endpoint_url}
        deployed[logical_id] = {
            key: re.sub(r"^http://(localhost|127\.0\.0\.1):", f"http://{CONTAINERS_NAME}:", value)
            for key, value in variables.items()
        }
    return deployed


def _is_beyond_repair(client: "CloudFormationClient", stack_name: str) -> bool:
    """Tell whether the last deployment left a stack that CloudFormation refuses to update."""
    try:
        status = client.describe_stacks(StackName=stack_name)["Stacks"][0]["StackStatus"]
    except ClientError:
        return False
    return status.endswith(("_IN_PROGRESS", "FAILED")) or status == "ROLLBACK_COMPLETE"


def _outputs(client: "CloudFormationClient", stack_name: str) -> dict[str, str]:
    rows = client.describe_stacks(StackName=stack_name)["Stacks"][0].get("Outputs", [])
    return {row["OutputKey"]: row["OutputValue"] for row in rows}


@cache
def _client(service: str, endpoint_url: str) -> Any:
    nowhere = (None, None, os.devnull, None)
    ignoring_profiles = botocore.session.Session(
        {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    )
    session = boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
        botocore_session=ignoring_profiles,
    )
    config = Config(connect_timeout=5, read_timeout=60, proxies={}, retries={"mode": "standard"})
    return session.client(service, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload]


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    """Only one `up` or `down` at a time for a state directory; a crash frees it."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("  waiting for another `make up` or `make down` to finish ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
