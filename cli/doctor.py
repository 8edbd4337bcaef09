"""Check an installation: its settings, whether everything responds, and whether anything needs a person.

A check that the user has no permission for, or that the local cloud does not support, is reported as skipped. No value
of a secret is printed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from itertools import batched
from typing import Any, Literal

import click

from cli.api import OpsApi, exchange
from cli.commands import Command
from cli.errors import DONE, NEGATIVE, Failed, Gone, NotFound, Unreachable
from cli.invoke import ask
from cli.output import Cell, table
from cli.printful_webhook import FUNCTION, STATES
from cli.session import Session
from cli.stacks import Installation, Secret, aws_errors
from local.partners import SENDERS, api_secret_output
from pressroom.order import routing
from pressroom.partners import PARTNERS
from pressroom.platform.signing import standard_signature
from pressroom.platform.words import counted

type Status = Literal["ok", "warn", "fail", "skipped"]

SECRETS = {
    **{sender.secret_output: sender.id for sender in SENDERS},
    **{api_secret_output(partner.id): f"{partner.id}-api" for partner in PARTNERS if partner.has_api_token},
    "StorefrontNotificationsSecretArn": "storefront-notifications",
    "OpsTokenSecretArn": "ops-token",
    "SearchSecretArn": "search",
}
"""By the output that holds the ARN of a secret, the name of the secret without the stack's name."""
ISSUED_BY_PARTNER = {
    **{partner.id: partner.id for partner in PARTNERS if partner.issues_credential},
    **{f"{partner.id}-api": partner.id for partner in PARTNERS if partner.has_api_token},
}
"""The secrets that the merchant copies from a partner, and that partner."""
IN_A_PATH = frozenset(partner.id for partner in PARTNERS if partner.credential == "token")
"""The secrets that are a segment of the webhook's URL."""
RESTORE = "This resource was deleted by hand: restore it, or deploy the stack again."
HARMLESS = frozenset({"payload_drift", "old_secret"})
"""Health conditions under which everything still works."""
SHOWN_LIVE = "genuine_refused"
"""The health condition whose reasons the overview has, as they are now: `open_work` shows them."""
CLOCK_WARN_S, CLOCK_FAIL_S = 60, 300
MONITOR_LATE = timedelta(hours=1)
"""The monitor runs every 15 minutes. After this time without a run, it has stopped."""
FEW_FUNCTIONS, TOO_FEW_FUNCTIONS = 100, 10
"""Limits for the account's quota of concurrent executions. A new account starts with ten."""


@dataclass(frozen=True)
class Finding:
    """The result of a check, and what to do about a problem."""

    name: str
    status: Status
    text: str
    todo: str = ""


class Inspection:
    """The installation that is being checked. Data that several checks need is read once."""

    def __init__(self, installation: Installation, *, probe: bool, now: Callable[[], datetime]) -> None:
        self.installation = installation
        self.probe = probe
        self.now = now

    @cached_property
    def api(self) -> OpsApi:
        return OpsApi(self.installation.api_url, self.installation.token)

    @cached_property
    def resources(self) -> list[Mapping[str, Any]]:
        """Every resource of the stack: its logical id, physical id and type."""
        client = self.installation.client("cloudformation")
        with aws_errors("The stack's resources"):
            pages = client.get_paginator("list_stack_resources").paginate(StackName=self.installation.stack_name)
            return [row for page in pages for row in page["StackResourceSummaries"]]

    def resources_of_type(self, kind: str) -> dict[str, str]:
        """The physical ids of the resources of a type, by their logical id."""
        return {
            row["LogicalResourceId"]: row["PhysicalResourceId"] for row in self.resources if row["ResourceType"] == kind
        }

    @cached_property
    def routed(self) -> set[str]:
        """The destinations that the routing names. A missing setting is a fault for these, otherwise a warning."""
        parameters = self.installation.parameters
        rules, default = parameters.get("RoutingRules", ""), parameters.get("DefaultDestination", "nobody")
        try:
            parsed = routing.parse(rules, default)
        except ValueError as error:
            raise Failed(str(error)) from error
        return {rule.destination for rule in parsed.rules} | {default}


@click.command("doctor", cls=Command)
@click.option("--no-probe", is_flag=True, help="Don't send requests to the webhook URLs.")
@click.pass_obj
def doctor(session: Session, /, no_probe: bool) -> int:
    """Check an installation: secrets, URLs, queues, alarms, clock, quotas. Exit code 1 on a failure, not on a warning.

    The doctor sends an unsigned request to each webhook URL. The receiver must refuse it, and counts it as a refused
    webhook: three runs within an hour trigger WebhooksRefusedAlarm, and after 20 refused requests in a row Pressroom
    assumes that Camaloon has disabled its webhook. In scheduled runs, use --no-probe.
    """
    inspection = Inspection(session.installation, probe=not no_probe, now=lambda: datetime.now(UTC))
    if inspection.installation.stack_name:
        _ = inspection.installation.description  # without a stack, no check is possible
    findings: list[Finding] = []
    with session.progress("checking", len(CHECKS)) as progress:
        for done, (name, check) in enumerate(CHECKS.items(), start=1):
            findings += run_check(name, check, inspection)
            progress(done)
    counts = {status: sum(each.status == status for each in findings) for status in ("ok", "warn", "fail", "skipped")}
    columns: dict[str, Cell] = {"": "status", "check": "name", "what": "text", "what to do": "todo"}
    checks = [asdict(each) for each in findings]
    content = {"installation": inspection.installation.title, "checks": checks, "counts": counts}
    summary = ", ".join(f"{number} {status}" for status, number in counts.items() if number)
    session.show(content, table(f"{inspection.installation.title}: {summary}", columns, checks))
    return NEGATIVE if counts["fail"] else DONE


type Check = Callable[[Inspection], Iterable[Finding]]


def run_check(name: str, check: Check, inspection: Inspection) -> list[Finding]:
    """Run a check. If it can't be completed, add a finding that says why; earlier findings are kept."""
    findings: list[Finding] = []
    try:
        findings.extend(check(inspection))
    except Gone as error:
        findings.append(Finding(name, "fail", str(error), RESTORE))
    except Unreachable as error:
        findings.append(Finding(name, "skipped", str(error)))
    except Failed as error:
        findings.append(Finding(name, "fail", str(error)))
    return findings


def stack(inspection: Inspection) -> Iterator[Finding]:
    status = str(inspection.installation.description["StackStatus"])
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        yield Finding("stack", "ok", f"Deployed ({status}).")
    elif status.endswith("_IN_PROGRESS"):
        yield Finding(
            "stack",
            "warn",
            f"A deployment is running ({status}).",
            "Run the doctor again when the deployment has ended.",
        )
    elif status == "UPDATE_ROLLBACK_COMPLETE":
        todo = "See the reason in CloudFormation, and deploy again."
        yield Finding("stack", "warn", "The last deployment failed. The previous version is running.", todo)
    else:
        todo = "See the reason in CloudFormation, and deploy again."
        yield Finding("stack", "fail", f"The deployment failed ({status}).", todo)


def secrets(inspection: Inspection) -> Iterator[Finding]:
    outputs = inspection.installation.outputs
    for output, suffix in SECRETS.items():
        name = f"secret {suffix}"
        if output not in outputs:
            yield Finding(name, "skipped", f"The stack has no output {output}. Is this an older version of Pressroom?")
            continue
        try:
            secret = inspection.installation.secret(output)
        except Gone as error:
            yield Finding(name, "fail", str(error), RESTORE)
            continue
        except Unreachable as error:
            yield Finding(name, "skipped", str(error))
            continue
        yield from secret_findings(suffix, secret, inspection)


def secret_findings(suffix: str, secret: Secret, inspection: Inspection) -> Iterator[Finding]:
    """Check that a secret is well-formed, and that it is set if it is needed."""
    name = f"secret {suffix}"
    put = f"Set {inspection.installation.stack_name}/{suffix} (docs/deploy.md, Set the secrets)."
    partner = ISSUED_BY_PARTNER.get(suffix)
    if not secret.well_formed:
        yield Finding(
            name,
            "fail",
            'The secret does not have the format {"current": "…", "previous": "…"}, so it is ignored.',
            put,
        )
    elif not secret.current and partner is None:
        yield Finding(name, "fail", "Not set.", put)
    elif not secret.current and partner in inspection.routed:
        yield Finding(name, "fail", f"Not set, although the routing uses {partner}.", put)
    elif not secret.current:
        yield Finding(name, "warn", "Not set.", put)
    elif error := _format_error(suffix, secret.current):
        yield Finding(name, "fail", error, put)
    elif secret.previous and suffix != "search":  # older digests are made with the previous key
        yield Finding(
            name,
            "warn",
            "The previous value of the secret is still accepted.",
            "Empty `previous` when no sender uses it any more.",
        )
    else:
        yield Finding(name, "ok", "Set.")


def _format_error(suffix: str, values: tuple[str, ...]) -> str:
    if any(each != each.strip() for each in values):
        return "The secret starts or ends with white space."
    if suffix in IN_A_PATH and not re.fullmatch(r"[A-Za-z0-9_-]+", values[0]):
        return "The secret is part of a URL's path, but contains characters other than letters, digits, - and _."
    if suffix == "storefront-notifications":
        try:
            standard_signature(values[0], "id", "0", b"")
        except ValueError:
            return "The secret is not base64, so no notification to the shop can be signed."
    return ""


def parameters(inspection: Inspection) -> Iterator[Finding]:
    given = inspection.installation.parameters
    required = [(partner, name) for partner in PARTNERS for name in partner.required_parameters]
    for partner, name in required:
        if given.get(name):
            yield Finding(name, "ok", "Set.")
        elif partner.id in inspection.routed:
            text = f"Empty, although the routing uses {partner.id}: orders can't be delivered to {partner.name}."
            yield Finding(name, "fail", text, f"Set the parameter {name}, and deploy.")
        elif partner.needs_design:
            text = "Empty: deliveries of personalised lines wait."
            yield Finding(
                name, "warn", text, f"If you sell personalised products, set the parameter {name}, and deploy."
            )
        else:
            yield Finding(name, "ok", f"Empty. The routing does not use {partner.id}.")


def api_answers(inspection: Inspection) -> Iterator[Finding]:
    url = inspection.installation.api_url
    try:
        response = exchange("GET", f"{url}/orders?limit=1")
    except Unreachable as error:
        yield Finding("ops API", "fail", str(error), "Check the stack's output ApiUrl, and this machine's network.")
        return
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        yield Finding("ops API", "ok", "The API responds, and refuses requests without a token.")
    else:
        text = f"A request without a token gets {response.status_code} instead of 401."
        yield Finding("ops API", "fail", text, "See the log of the API's function.")
    yield clock_finding(response.headers.get("Date"), inspection.now())
    api = inspection.api  # outside of the try: without permission to read the token, the check is skipped
    try:
        api.get("/orders", limit=1)
    except Unreachable as error:
        yield Finding(
            "ops token",
            "fail",
            str(error),
            f"Compare the token with the secret {inspection.installation.stack_name}/ops-token.",
        )
    except Failed as error:
        yield Finding("ops token", "fail", str(error), "See the log of the API's function.")
    else:
        yield Finding("ops token", "ok", "The ops API accepts the token.")


def clock_finding(date: str | None, now: datetime) -> Finding:
    """Compare this machine's clock with the Date header of the API's response."""
    try:
        there = parsedate_to_datetime(date or "")
    except ValueError:
        return Finding("clock", "skipped", "The API's response has no date.")
    off = abs((now - there).total_seconds())
    text = f"This machine's clock and the API's differ by {off:.0f} s."
    if off <= CLOCK_WARN_S:
        return Finding("clock", "ok", text)
    todo = "Set this machine's clock. AWS refuses requests whose time differs by more than five minutes."
    return Finding("clock", "fail" if off > CLOCK_FAIL_S else "warn", text, todo)


def webhooks(inspection: Inspection) -> Iterator[Finding]:
    if not inspection.probe:
        yield Finding("webhooks", "skipped", "Not checked because of --no-probe.")
        return
    for sender in SENDERS:
        name = f"webhook {sender.id}"
        # Where the credential is in the path, this is a wrong token.
        url = inspection.installation.webhook_url(sender) + ("/unsigned" if sender.credential == "token" else "")
        try:
            status = exchange("POST", url, body=b"{}", headers={"Content-Type": "application/json"}).status_code
        except Unreachable as error:
            yield Finding(name, "fail", str(error), "See the log of its receiver.")
            continue
        if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
            yield Finding(name, "ok", f"The receiver responds, and refuses unsigned requests ({status}).")
        else:
            is_missing = status == HTTPStatus.NOT_FOUND
            todo = "The route is missing: deploy again." if is_missing else "See the log of its receiver."
            yield Finding(name, "fail", f"An unsigned request gets {status} instead of 400 or 401.", todo)


def printful(inspection: Inspection) -> Iterator[Finding]:
    is_used = "printful" in inspection.routed
    response = ask(inspection.installation, FUNCTION, {"action": "show"})
    register = f"Run {inspection.installation.typed('printful-webhook show')}, then `register`."
    if not response["ok"]:
        text = f"{response['problem']}."
        yield Finding("printful", "fail" if is_used else "skipped", text, register if is_used else "")
        return
    state = response["state"]
    text = STATES.get(state, state)
    if state == "fine":
        yield Finding("printful", "ok", text)
    elif state == "not_wanted":
        yield Finding("printful", "warn" if is_used else "ok", text, register if is_used else "")
    else:
        more = " To overwrite the other URL, give it with --replace." if state == "replaced" else ""
        yield Finding("printful", "fail", text, register + more)


def shop(inspection: Inspection) -> Iterator[Finding]:
    notifications = inspection.api.get("/notifications")
    if notifications["disabled_at"]:
        text = (
            f"The shop responded with 410, so Pressroom has sent no notifications since {notifications['disabled_at']}."
        )
        todo = "Fix the shop, then POST /notifications/enable (docs/runbook.md, StorefrontDisabledAlarm)."
        yield Finding("shop", "fail", text, todo)
    elif notifications["url_set"]:
        yield Finding("shop", "ok", "Notifications are sent.")
    else:
        yield Finding("shop", "ok", "No notifications are sent, because StorefrontUrl is empty.")


def queues(inspection: Inspection) -> Iterator[Finding]:
    client = inspection.installation.client("sqs")
    empty = 0
    for name, url in inspection.resources_of_type("AWS::SQS::Queue").items():
        count = "ApproximateNumberOfMessages"
        try:
            with aws_errors(f"The queue {name}"):
                response = client.get_queue_attributes(QueueUrl=url, AttributeNames=[count])
        except Gone as error:
            yield Finding(name, "fail", str(error), RESTORE)
            continue
        messages = int(response["Attributes"][count])
        if not messages:
            empty += 1
        elif name.endswith("DeadLetterQueue"):
            alarm = f"{name.removesuffix('Queue')}sAlarm"
            yield Finding(
                name,
                "fail",
                f"{counted(messages, 'message')} in the dead-letter queue.",
                f"See docs/runbook.md, {alarm}.",
            )
        else:
            yield Finding(
                name,
                "warn",
                f"{counted(messages, 'message')} waiting.",
                "Run the doctor again. If the number grows, see the alarms and the log.",
            )
    yield Finding("queues", "ok", f"{counted(empty, 'queue is', 'queues are')} empty.")


def functions(inspection: Inspection) -> Iterator[Finding]:
    """Check that every function exists. A missing one would be noticed only when its next webhook becomes unhandled."""
    names = set(inspection.resources_of_type("AWS::Lambda::Function").values())
    client = inspection.installation.client("lambda")
    with aws_errors("Lambda"):
        pages = client.get_paginator("list_functions").paginate()
        gone = names - {each["FunctionName"] for page in pages for each in page["Functions"]}
    for name in sorted(gone):
        yield Finding(f"function {name}", "fail", "The function does not exist.", RESTORE)
    if not gone:
        yield Finding("functions", "ok", f"All {len(names)} functions exist.")


def alarms(inspection: Inspection) -> Iterator[Finding]:
    names = list(inspection.resources_of_type("AWS::CloudWatch::Alarm").values())
    client = inspection.installation.client("cloudwatch")
    found: list[Any] = []
    for some in batched(names, 100, strict=False):
        with aws_errors("CloudWatch"):
            found += client.describe_alarms(AlarmNames=list(some), MaxRecords=100)["MetricAlarms"]
    active = [each for each in found if each["StateValue"] == "ALARM"]
    for each in active:
        todo = "See the section of this alarm in docs/runbook.md."
        yield Finding(f"alarm {each['AlarmName']}", "fail", each.get("AlarmDescription", "Active."), todo)
    if not found:
        yield Finding("alarms", "skipped", "CloudWatch returned no alarms of the stack.")
    elif not active:
        yield Finding("alarms", "ok", f"None of {len(found)} alarms is active.")


def mail(inspection: Inspection) -> Iterator[Finding]:
    if not inspection.installation.parameters.get("AlarmEmail"):
        text = "AlarmEmail is empty, so alarms are not sent to anyone."
        yield Finding("alarm mail", "warn", text, "Set the parameter AlarmEmail, and deploy.")
        return
    client = inspection.installation.client("sns")
    topics = inspection.resources_of_type("AWS::SNS::Topic").values()
    with aws_errors("SNS"):
        arns = [
            subscription["SubscriptionArn"]
            for topic in topics
            for page in client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
            for subscription in page["Subscriptions"]
        ]
    if any(each.startswith("arn:") for each in arns):
        yield Finding("alarm mail", "ok", "A subscription to the alarms is confirmed.")
    else:
        todo = "Confirm the subscription in the email from AWS to AlarmEmail. Check the spam folder too."
        yield Finding("alarm mail", "fail", "No subscription to the alarms is confirmed.", todo)


def quotas(inspection: Inspection) -> Iterator[Finding]:
    client = inspection.installation.client("lambda")
    with aws_errors("Lambda"):
        most = int(client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    text = f"The account can run {most} functions at the same time."
    todo = "Request an increase in Service Quotas: Lambda, Concurrent executions."
    if most <= TOO_FEW_FUNCTIONS:
        yield Finding("quota", "fail", text, todo)
    else:
        yield Finding("quota", *(("warn", text, todo) if most < FEW_FUNCTIONS else ("ok", text)))


def conditions(inspection: Inspection) -> Iterator[Finding]:
    try:
        found = inspection.api.get("/conditions")
    except NotFound:
        yield Finding("conditions", "skipped", "This version of Pressroom has no health conditions.")
        return
    true = [each for each in found["conditions"] if each["name"] != SHOWN_LIVE]
    for each in true:
        status: Status = "warn" if each["name"] in HARMLESS else "fail"
        todo = f"Active since {each['since']}. See docs/runbook.md."
        yield Finding(f"condition {each['id']}", status, each["text"], todo)
    checked_at = found["looked_at"]
    if not checked_at:
        yield Finding("conditions", "skipped", "The monitor has not run yet.", "Run the doctor again in 15 minutes.")
    elif inspection.now() - datetime.fromisoformat(checked_at) > MONITOR_LATE:
        todo = "See the log of the monitor's function."
        yield Finding("conditions", "fail", f"The monitor has not run since {checked_at}.", todo)
    elif not true:
        other = "other " if found["conditions"] else ""
        yield Finding("conditions", "ok", f"No {other}condition is true. Last checked at {checked_at}.")


def open_work(inspection: Inspection) -> Iterator[Finding]:
    """Count what needs a person. That is no fault of the installation and has its own alarms, so it only warns.

    A message that was refused is lost, so it is a failure.
    """
    try:
        overview = inspection.api.get("/overview")
    except NotFound:
        yield Finding("to do", "skipped", "This version of Pressroom has no overview.")
        return
    for each in overview.get("refused", ()):
        todo = "Correct the sender, then send again what was refused. See docs/runbook.md, GenuineRefusedAlarm."
        yield Finding("refused", "fail", f"In the last week: {each['text']}", todo)
    dead = [each["dead"] for each in overview["deliveries"]]
    webhooks = overview["webhooks"]
    waiting = (
        ("order needs attention", "orders need attention", [overview["attention"]], "orders --attention"),
        ("delivery is dead", "deliveries are dead", dead, "deliveries"),
        ("webhook failed", "webhooks failed", [webhooks["failed"]], "webhooks --state failed"),
        ("webhook is unhandled", "webhooks are unhandled", [webhooks["unhandled"]], "webhooks --state unhandled"),
    )
    nothing = True
    for one, many, counts, command in waiting:
        if number := sum(each["count"] for each in counts):
            nothing = False
            text = counted(number, one, many, more=any(each["more"] for each in counts))
            yield Finding("to do", "warn", f"{text[:1].upper()}{text[1:]}.", inspection.installation.typed(command))
    if nothing:
        yield Finding("to do", "ok", "No order, webhook or delivery needs a person.")


CHECKS: dict[str, Check] = {
    "stack": stack,
    "secrets": secrets,
    "parameters": parameters,
    "ops API": api_answers,
    "webhooks": webhooks,
    "printful": printful,
    "shop": shop,
    "functions": functions,
    "queues": queues,
    "alarms": alarms,
    "alarm mail": mail,
    "quota": quotas,
    "conditions": conditions,
    "to do": open_work,
}
