"""Check an installation: is everything set, does everything answer, does anything wait for a person.

A check that the caller has no right to, or that the local cloud can't answer, is skipped and says so. No value of a
secret is ever shown.
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

from cli import hub
from cli.commands import Command
from cli.desk import Cell, Desk, table
from cli.errors import DONE, NOT_SO, Failed, Gone, NotReached
from cli.hub import NotThere
from cli.invoke import ask
from cli.printful_webhook import FUNCTION, STATES
from cli.stacks import Installation, Secret, asking
from local.partners import PARTNERS
from pressroom.order import routing
from pressroom.platform.signing import standard_signature

type Status = Literal["ok", "warn", "fail", "skipped"]

SECRETS = {
    "StorefrontSecretArn": "storefront",
    "CamaloonSecretArn": "camaloon",
    "CloudprinterSecretArn": "cloudprinter",
    "PrintfulSecretArn": "printful",
    "PrintfulApiSecretArn": "printful-api",
    "OmsSecretArn": "oms",
    "OmsApiSecretArn": "oms-api",
    "StorefrontNotificationsSecretArn": "storefront-notifications",
    "OpsTokenSecretArn": "ops-token",
}
SET_BY_HAND = {"camaloon": "camaloon", "cloudprinter": "cloudprinter", "printful-api": "printful", "oms-api": "oms"}
"""The secrets that only the merchant can know, and the printer that each is for."""
AGAIN = "It was deleted by hand: bring it back, or deploy the stack anew."
NO_FAULT = frozenset({"payload_drift", "old_secret"})
"""Conditions under which everything works."""
IN_A_PATH = ("printful", "oms")
CLOCK_WARN_S, CLOCK_FAIL_S = 60, 300
LOOKS_STOPPED = timedelta(hours=1)
"""After so long, the look that is made every quarter of an hour is not made any more."""
FEW_FUNCTIONS, TOO_FEW_FUNCTIONS = 100, 10
"""How many functions an account may run at once; a new one begins with ten."""


@dataclass(frozen=True)
class Finding:
    """What a check has found, and what a person should do about it."""

    name: str
    status: Status
    text: str
    todo: str = ""


class Visit:
    """An installation while it is looked at: what several checks need is asked once."""

    def __init__(self, place: Installation, *, probe: bool, now: Callable[[], datetime]) -> None:
        self.place = place
        self.probe = probe
        self.now = now

    @cached_property
    def api(self) -> hub.Hub:
        return hub.Hub(self.place.api_url, self.place.token)

    @cached_property
    def resources(self) -> list[Mapping[str, Any]]:
        """Every resource of the stack: its names in the template and in AWS, and its type."""
        client = self.place.client("cloudformation")
        with asking("The stack's resources"):
            pages = client.get_paginator("list_stack_resources").paginate(StackName=self.place.stack_name)
            return [row for page in pages for row in page["StackResourceSummaries"]]

    def named(self, kind: str) -> dict[str, str]:
        """The resources of a type, by their name in the template."""
        return {
            row["LogicalResourceId"]: row["PhysicalResourceId"] for row in self.resources if row["ResourceType"] == kind
        }

    @cached_property
    def used(self) -> set[str]:
        """Whom the routing names: there, what is not set is a fault, and elsewhere it may be as it should."""
        parameters = self.place.parameters
        rules, default = parameters.get("RoutingRules", ""), parameters.get("DefaultDestination", "nobody")
        try:
            how = routing.parse(rules, default)
        except ValueError as error:
            raise Failed(str(error)) from error
        return {rule.destination for rule in how.rules} | {default}


@click.command("doctor", cls=Command)
@click.option("--no-probe", is_flag=True, help="Don't post to the webhook URLs.")
@click.pass_obj
def doctor(desk: Desk, /, no_probe: bool) -> int:
    """Check an installation: secrets, URLs, queues, alarms, clock, quotas. 1 if something fails; warnings don't count.

    Each webhook URL is sent one message without a signature, which it has to refuse, and which is counted as refused:
    three doctors within an hour set off WebhooksRefusedAlarm. By a schedule, use --no-probe: twenty refusals in a row,
    and Camaloon's webhook is taken to be switched off.
    """
    visit = Visit(desk.installation, probe=not no_probe, now=lambda: datetime.now(UTC))
    if visit.place.stack_name:
        _ = visit.place.description  # without it there is nothing to look at
    findings: list[Finding] = []
    with desk.progress("checking", len(CHECKS)) as progress:
        for done, (name, check) in enumerate(CHECKS.items(), start=1):
            findings += looked(name, check, visit)
            progress(done)
    counts = {status: sum(each.status == status for each in findings) for status in ("ok", "warn", "fail", "skipped")}
    columns: dict[str, Cell] = {"": "status", "check": "name", "what": "text", "what to do": "todo"}
    checks = [asdict(each) for each in findings]
    answer = {"installation": visit.place.title, "checks": checks, "counts": counts}
    summary = ", ".join(f"{number} {status}" for status, number in counts.items() if number)
    desk.show(answer, table(f"{visit.place.title}: {summary}", columns, checks))
    return NOT_SO if counts["fail"] else DONE


type Check = Callable[[Visit], Iterable[Finding]]


def looked(name: str, check: Check, visit: Visit) -> list[Finding]:
    """Make a check; one that can't be made says why, and takes nothing of the others with it."""
    findings: list[Finding] = []
    try:
        findings.extend(check(visit))
    except Gone as error:
        findings.append(Finding(name, "fail", str(error), AGAIN))
    except NotReached as error:
        findings.append(Finding(name, "skipped", str(error)))
    except Failed as error:
        findings.append(Finding(name, "fail", str(error)))
    return findings


def stack(visit: Visit) -> Iterator[Finding]:
    status = str(visit.place.description["StackStatus"])
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        yield Finding("stack", "ok", f"It is deployed ({status}).")
    elif status.endswith("_IN_PROGRESS"):
        yield Finding("stack", "warn", f"It is being deployed ({status}).", "Look again when that is over.")
    elif status == "UPDATE_ROLLBACK_COMPLETE":
        yield Finding("stack", "warn", "The last deployment failed; the one before runs.", "See why, and deploy again.")
    else:
        yield Finding(
            "stack", "fail", f"Its deployment failed ({status}).", "See why in CloudFormation, and deploy again."
        )


def secrets(visit: Visit) -> Iterator[Finding]:
    outputs = visit.place.outputs
    for output, short in SECRETS.items():
        name = f"secret {short}"
        if output not in outputs:
            yield Finding(name, "skipped", f"The stack has no output {output}: an older version?")
            continue
        try:
            secret = visit.place.secret(output)
        except Gone as error:
            yield Finding(name, "fail", str(error), AGAIN)
            continue
        except NotReached as error:
            yield Finding(name, "skipped", str(error))
            continue
        yield from secret_findings(short, secret, visit)


def secret_findings(short: str, secret: Secret, visit: Visit) -> Iterator[Finding]:
    """Judge a secret by its form, and by who needs it."""
    name = f"secret {short}"
    put = f"Set {visit.place.stack_name}/{short} (docs/deploy.md, Set the secrets)."
    if not secret.shaped:
        yield Finding(name, "fail", 'It is not {"current": "…", "previous": "…"}: nothing in it counts.', put)
    elif not secret.current:
        needed = short not in SET_BY_HAND or SET_BY_HAND[short] in visit.used
        said = "It is not set" + (
            f", and {SET_BY_HAND[short]} is in the routing" if short in SET_BY_HAND and needed else ""
        )
        yield Finding(name, "fail" if needed else "warn", f"{said}.", put)
    elif wrong := _wrong(short, secret.current):
        yield Finding(name, "fail", wrong, put)
    elif secret.previous:
        yield Finding(name, "warn", "A previous value is still accepted.", "Empty it when nobody uses it any more.")
    else:
        yield Finding(name, "ok", "It is set.")


def _wrong(short: str, values: tuple[str, ...]) -> str:
    if any(each != each.strip() for each in values):
        return "It begins or ends with white space."
    if short in IN_A_PATH and not re.fullmatch(r"[A-Za-z0-9_-]+", values[0]):
        return "It is part of a path, and holds more than letters, digits, - and _."
    if short == "storefront-notifications":
        try:
            standard_signature(values[0], "id", "0", b"")
        except ValueError:
            return "It is not base64: the shop can't be told anything."
    return ""


def parameters(visit: Visit) -> Iterator[Finding]:
    given = visit.place.parameters
    needs = {"CamaloonSourceDomain": "camaloon", "OmsBaseUrl": "oms", "OmsStoreId": "oms"}
    for name, whose in needs.items():
        if given.get(name):
            yield Finding(name, "ok", "It is set.")
        elif whose in visit.used:
            waits = "its orders are not taken" if whose == "camaloon" else "what is for it waits"
            yield Finding(name, "fail", f"It is empty, and {whose} is in the routing: {waits}.", f"Deploy with {name}.")
        elif whose == "oms":
            yield Finding(
                name, "warn", "It is empty: personalised lines wait.", f"If you sell such, deploy with {name}."
            )
        else:
            yield Finding(name, "ok", f"It is empty; nothing goes to {whose}.")


def api_answers(visit: Visit) -> Iterator[Finding]:
    url = visit.place.api_url
    try:
        closed = hub.exchange("GET", f"{url}/orders?limit=1")
    except NotReached as error:
        yield Finding("ops API", "fail", str(error), "Is ApiUrl the stack's, and this machine online?")
        return
    if closed.status_code == HTTPStatus.UNAUTHORIZED:
        yield Finding("ops API", "ok", "It answers, and refuses who has no token.")
    else:
        yield Finding(
            "ops API", "fail", f"Without a token it answers {closed.status_code} instead of 401.", "See its log."
        )
    yield clock_finding(closed.headers.get("Date"), visit.now())
    api = visit.api  # the token may be one that the caller must not read: that is no fault
    try:
        api.get("/orders", limit=1)
    except NotReached as error:
        yield Finding("ops token", "fail", str(error), f"Is it the secret {visit.place.stack_name}/ops-token?")
    except Failed as error:
        yield Finding("ops token", "fail", str(error), "See the log of the API's function.")
    else:
        yield Finding("ops token", "ok", "It opens the ops API.")


def clock_finding(told: str | None, now: datetime) -> Finding:
    """Compare this machine's clock with the API's answer."""
    try:
        there = parsedate_to_datetime(told or "")
    except ValueError:
        return Finding("clock", "skipped", "The API's answer has no time.")
    off = abs((now - there).total_seconds())
    said = f"This machine's clock and the API's differ by {off:.0f} s."
    if off <= CLOCK_WARN_S:
        return Finding("clock", "ok", said)
    todo = "Set this machine's clock: AWS refuses requests that are five minutes off."
    return Finding("clock", "fail" if off > CLOCK_FAIL_S else "warn", said, todo)


def webhooks(visit: Visit) -> Iterator[Finding]:
    if not visit.probe:
        yield Finding("webhooks", "skipped", "Not asked, as you wish.")
        return
    for partner in PARTNERS:
        name = f"webhook {partner.name}"
        # A path's token that is wrong for sure; what is behind it is not asked.
        url = visit.place.webhook_url(partner) + ("/unsigned" if partner.credential == "token" else "")
        try:
            status = hub.exchange("POST", url, body=b"{}", headers={"Content-Type": "application/json"}).status_code
        except NotReached as error:
            yield Finding(name, "fail", str(error), "See the log of its receiver.")
            continue
        if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
            yield Finding(name, "ok", f"It answers, and refuses what is not signed ({status}).")
        else:
            todo = (
                "It is not there: deploy again." if status == HTTPStatus.NOT_FOUND else "See the log of its receiver."
            )
            yield Finding(name, "fail", f"It answers {status} to a message without a signature.", todo)


def printful(visit: Visit) -> Iterator[Finding]:
    is_used = "printful" in visit.used
    answer = ask(visit.place, FUNCTION, {"action": "show"})
    register = f"{visit.place.typed('printful-webhook show')}, then `register`."
    if not answer["ok"]:
        yield Finding(
            "printful", "fail" if is_used else "skipped", f"{answer['problem']}.", register if is_used else ""
        )
        return
    state = answer["state"]
    text = STATES.get(state, state)
    if state == "fine":
        yield Finding("printful", "ok", text)
    elif state == "not_wanted":
        yield Finding("printful", "warn" if is_used else "ok", text, register if is_used else "")
    else:
        more = " If that URL may yield: with --replace and it." if state == "replaced" else ""
        yield Finding("printful", "fail", text, register + more)


def shop(visit: Visit) -> Iterator[Finding]:
    told = visit.api.get("/notifications")
    if told["disabled_at"]:
        todo = "Mend the shop, then POST /notifications/enable (docs/runbook.md, StorefrontDisabledAlarm)."
        yield Finding("shop", "fail", f"It answered 410 and is told nothing since {told['disabled_at']}.", todo)
    else:
        yield Finding("shop", "ok", "It is told." if told["url_set"] else "StorefrontUrl is empty: it is told nothing.")


def queues(visit: Visit) -> Iterator[Finding]:
    client = visit.place.client("sqs")
    empty = 0
    for name, url in visit.named("AWS::SQS::Queue").items():
        count = "ApproximateNumberOfMessages"
        try:
            with asking(f"The queue {name}"):
                told = client.get_queue_attributes(QueueUrl=url, AttributeNames=[count])
        except Gone as error:
            yield Finding(name, "fail", str(error), AGAIN)
            continue
        messages = int(told["Attributes"][count])
        if not messages:
            empty += 1
        elif name.endswith("DeadLetterQueue"):
            alarm = f"{name.removesuffix('Queue')}sAlarm"
            yield Finding(name, "fail", f"{messages} dead letters.", f"See docs/runbook.md, {alarm}.")
        else:
            yield Finding(name, "warn", f"{messages} wait.", "Look again; if it grows, see the alarms and the log.")
    yield Finding("queues", "ok", f"{empty} are empty.")


def functions(visit: Visit) -> Iterator[Finding]:
    """One that is gone is missed by nobody until its message comes, and is then unhandled."""
    names = set(visit.named("AWS::Lambda::Function").values())
    client = visit.place.client("lambda")
    with asking("Lambda"):
        pages = client.get_paginator("list_functions").paginate()
        gone = names - {each["FunctionName"] for page in pages for each in page["Functions"]}
    for name in sorted(gone):
        yield Finding(f"function {name}", "fail", "It is not there.", AGAIN)
    if not gone:
        yield Finding("functions", "ok", f"All {len(names)} are there.")


def alarms(visit: Visit) -> Iterator[Finding]:
    names = list(visit.named("AWS::CloudWatch::Alarm").values())
    client = visit.place.client("cloudwatch")
    found: list[Any] = []
    for some in batched(names, 100, strict=False):
        with asking("CloudWatch"):
            found += client.describe_alarms(AlarmNames=list(some), MaxRecords=100)["MetricAlarms"]
    ringing = [each for each in found if each["StateValue"] == "ALARM"]
    for each in ringing:
        todo = "See it in docs/runbook.md."
        yield Finding(f"alarm {each['AlarmName']}", "fail", each.get("AlarmDescription", "It has gone off."), todo)
    if not found:
        yield Finding("alarms", "skipped", "CloudWatch shows none of the stack's.")
    elif not ringing:
        yield Finding("alarms", "ok", f"None of {len(found)} has gone off.")


def mail(visit: Visit) -> Iterator[Finding]:
    if not visit.place.parameters.get("AlarmEmail"):
        yield Finding(
            "alarm mail", "warn", "AlarmEmail is empty: nobody is told of an alarm.", "Deploy with AlarmEmail."
        )
        return
    client = visit.place.client("sns")
    topics = visit.named("AWS::SNS::Topic").values()
    with asking("SNS"):
        arns = [
            subscription["SubscriptionArn"]
            for topic in topics
            for page in client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
            for subscription in page["Subscriptions"]
        ]
    if any(each.startswith("arn:") for each in arns):
        yield Finding("alarm mail", "ok", "Somebody has confirmed to be told of alarms.")
    else:
        todo = "Confirm the mail that AWS has sent to AlarmEmail; it may be in the spam."
        yield Finding("alarm mail", "fail", "Nobody has confirmed to be told of alarms.", todo)


def quotas(visit: Visit) -> Iterator[Finding]:
    client = visit.place.client("lambda")
    with asking("Lambda"):
        most = int(client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    text = f"The account may run {most} functions at a time."
    todo = "Ask AWS for more (Service Quotas, Lambda, Concurrent executions)."
    if most <= TOO_FEW_FUNCTIONS:
        yield Finding("quota", "fail", text, todo)
    else:
        yield Finding("quota", *(("warn", text, todo) if most < FEW_FUNCTIONS else ("ok", text)))


def conditions(visit: Visit) -> Iterator[Finding]:
    try:
        found = visit.api.get("/conditions")
    except NotThere:
        yield Finding("conditions", "skipped", "This version does not look for any.")
        return
    for each in found["conditions"]:
        status: Status = "warn" if each["name"] in NO_FAULT else "fail"
        todo = f"It stands since {each['since']}: see docs/runbook.md."
        yield Finding(f"condition {each['id']}", status, each["text"], todo)
    looked_at = found["looked_at"]
    if not looked_at:
        yield Finding("conditions", "skipped", "Nobody has looked yet.", "Look again in a quarter of an hour.")
    elif visit.now() - datetime.fromisoformat(looked_at) > LOOKS_STOPPED:
        todo = "See the log of the monitor's function."
        yield Finding("conditions", "fail", f"Nobody has looked since {looked_at}.", todo)
    elif not found["conditions"]:
        yield Finding("conditions", "ok", f"None stood at {looked_at}.")


def people(visit: Visit) -> Iterator[Finding]:
    """What waits for a person, and has an alarm of its own: no fault of the installation."""
    try:
        seen = visit.api.get("/overview")
    except NotThere:
        yield Finding("to do", "skipped", "This version does not count it.")
        return
    dead = [each["dead"] for each in seen["deliveries"]]
    waiting = {
        "orders need a person": ([seen["attention"]], "orders --attention"),
        "deliveries are dead": (dead, "deliveries"),
        "webhooks failed": ([seen["webhooks"]["failed"]], "webhooks --state failed"),
        "webhooks are unhandled": ([seen["webhooks"]["unhandled"]], "webhooks --state unhandled"),
    }
    nothing = True
    for what, (counts, command) in waiting.items():
        if number := sum(each["count"] for each in counts):
            nothing = False
            more = "+" if any(each["more"] for each in counts) else ""
            yield Finding("to do", "warn", f"{number}{more} {what}.", visit.place.typed(command))
    if nothing:
        yield Finding("to do", "ok", "Nothing waits for a person.")


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
    "to do": people,
}
