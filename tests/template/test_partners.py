"""What template.yaml and the folders write out about partners is what `pressroom.partners` says, and nothing else.

YAML can't derive these places from the rows of `PARTNERS`. A message names the place, and what is missing or left over
there. `test_rights.py` and `test_resources.py` do the same for rights and variables.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from pressroom import partners
from pressroom.ops import conditions
from pressroom.partners import BY_ID, DEFAULTS, DESTINATIONS, ORDERED, PARTNERS, PRINTERS, SENDERS, SHOP, SOURCES
from pressroom.providers.storefront import decisions
from tests.support import template
from tests.support.template import ROOT, camel, functions, named, properties, resources, variables

OWN_SECRETS = {
    "OpsTokenSecret": ("ops-token", "generated"),
    "SearchSecret": ("search", "generated"),
    "StorefrontNotificationsSecret": ("storefront-notifications", "generated"),
}
"""The secrets that no sender and no partner's API needs: their names, and where their values come from."""
HOURS = ("AcceptWithinHours", "ShipWithinHours", "SilentAfterHours")
REPORTS_NO_PARCELS = {"oms"}
"""The printers without a default in ShipWithinHours and SilentAfterHours."""
OWN_QUEUES = set(conditions.QUEUES) - set(DESTINATIONS)
"""The dead-letter queues of no destination."""


def compare(place: str, written: Iterable[str] | Mapping[str, Any], wanted: Iterable[str] | Mapping[str, Any]) -> None:
    """Compare what is written at a place with what the partners need there: names, or names and their values."""
    missing, left_over = sorted(set(wanted) - set(written)), sorted(set(written) - set(wanted))
    assert not missing, f"{place}: missing {missing}, which pressroom.partners needs"
    assert not left_over, f"{place}: {left_over} belongs to no row of pressroom.partners"
    if isinstance(written, Mapping) and isinstance(wanted, Mapping):
        wrong = {name: (written[name], "should be", wanted[name]) for name in wanted if written[name] != wanted[name]}
        assert not wrong, f"{place}: {wrong}"


def starting_with(prefix: str) -> dict[str, dict[str, Any]]:
    """The functions whose logical id starts so."""
    return {name: function for name, function in functions().items() if name.startswith(prefix)}


def attribute(name: str) -> dict[str, str]:
    return {"Fn::GetAtt": name}


def test_every_sender_has_a_receiver_at_its_route() -> None:
    receivers = starting_with("Receive")
    compare("template.yaml, receivers", receivers, [f"Receive{camel(sender)}Function" for sender in SENDERS])
    written = {
        name: [(event["Properties"]["Method"], event["Properties"]["Path"]) for event in function["Events"].values()]
        for name, function in receivers.items()
    }
    token = {each.id: "/{token}" if each.credential == "token" else "" for each in PARTNERS}
    wanted = {f"Receive{camel(sender)}Function": [("POST", f"/webhooks/{sender}{token[sender]}")] for sender in SENDERS}
    compare("template.yaml, routes of receivers", written, wanted)


FOLDERS = {
    "functions/receive": ([each.parent.name for each in (ROOT / "functions/receive").glob("*/handler.py")], SENDERS),
    "functions, topics": ({provider for provider, _ in template.topics()}, SOURCES),
    "functions/deliver": (
        [each.parent.name for each in (ROOT / "functions/deliver").glob("*/handler.py")],
        DESTINATIONS,
    ),
    "events/receive": ([each.stem for each in (ROOT / "events/receive").iterdir()], SENDERS),
    "events, samples": ([each.parent.name for each in (ROOT / "events").glob("*/*.json")], (*SOURCES, "receive")),
}
"""By folder: the partners that it has, and the partners that it needs."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_partner_has_its_folders(folder: str) -> None:
    compare(folder, *FOLDERS[folder])


def test_every_partner_has_its_secrets() -> None:
    wanted = dict(OWN_SECRETS)
    for each in PARTNERS:
        wanted[f"{camel(each.id)}Secret"] = (each.id, "set by hand" if each.issues_credential else "generated")
        if each.has_api_token:
            wanted[f"{camel(each.id)}ApiSecret"] = (f"{each.id}-api", "set by hand")
    written = {
        name: (
            named(secret["Properties"]["Name"]).removeprefix(f"{template.STACK}/"),
            "generated" if "GenerateSecretString" in secret["Properties"] else "set by hand",
        )
        for name, secret in resources("AWS::SecretsManager::Secret").items()
    }
    compare("template.yaml, secrets", written, wanted)


def test_every_partner_has_its_outputs() -> None:
    host = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    token = {each.id: "/{token}" if each.credential == "token" else "" for each in PARTNERS}
    wanted: dict[str, Any] = {
        "ApiUrl": {"Fn::Sub": host},
        "ConsoleUrl": {"Fn::Sub": f"{host}/console"},
        "TableName": {"Ref": "Table"},
        "TopicFailuresQueueUrl": {"Ref": "TopicFailuresQueue"},
    }
    for sender in SENDERS:
        wanted[f"{camel(sender)}WebhookUrl"] = {"Fn::Sub": f"{host}/webhooks/{sender}{token[sender]}"}
    for secret in resources("AWS::SecretsManager::Secret"):
        wanted[f"{secret}Arn"] = attribute(f"{secret}.Id")
    for destination in DESTINATIONS:
        for queue in (f"{camel(destination)}Queue", f"{camel(destination)}DeadLetterQueue"):
            wanted[f"{queue}Url"] = {"Ref": queue}
    written = {name: output["Value"] for name, output in template.template()["Outputs"].items()}
    compare("template.yaml, Outputs", written, wanted)


def test_every_destination_has_its_queues() -> None:
    fifo = {
        name: named(queue["Properties"]["QueueName"])
        for name, queue in resources("AWS::SQS::Queue").items()
        if queue["Properties"].get("FifoQueue")
    }
    wanted = {f"{camel(each)}Queue": f"{template.STACK}-{each}.fifo" for each in DESTINATIONS}
    wanted |= {f"{camel(each)}DeadLetterQueue": f"{template.STACK}-{each}-dead-letters.fifo" for each in DESTINATIONS}
    compare("template.yaml, FIFO queues", fifo, wanted)
    written = {name: properties(name).get("RedrivePolicy", {}).get("deadLetterTargetArn") for name in fifo}
    targets = {f"{camel(each)}Queue": attribute(f"{camel(each)}DeadLetterQueue.Arn") for each in DESTINATIONS}
    compare("template.yaml, RedrivePolicy", {name: target for name, target in written.items() if target}, targets)


def test_every_destination_has_a_function_that_reads_its_queue() -> None:
    deliverers = starting_with("Deliver")
    wanted = {
        f"Deliver{camel(each)}Function": {
            "Queue": attribute(f"{camel(each)}Queue.Arn"),
            "QUEUE_URL": {"Ref": f"{camel(each)}Queue"},
            "DEAD_LETTER_QUEUE_URL": {"Ref": f"{camel(each)}DeadLetterQueue"},
            "Role": attribute(f"Deliver{camel(each)}Role.Arn"),
        }
        for each in DESTINATIONS
    }
    compare("template.yaml, deliverers", deliverers, wanted.keys())
    for name, function in deliverers.items():
        (source,) = (event["Properties"] for event in function["Events"].values())
        written = {"Queue": source["Queue"], "Role": function["Role"]}
        written |= {key: variables(function)[key] for key in ("QUEUE_URL", "DEAD_LETTER_QUEUE_URL")}
        compare(f"template.yaml, {name}", written, wanted[name])


@pytest.mark.parametrize("function", ["PumpFunction", "MonitorFunction", "ApiFunction", "ReplaysFunction"])
def test_the_variables_that_name_queues_name_those_of_each_destination(function: str) -> None:
    queue, others = {
        "PumpFunction": ("Queue", {"print_files"}),
        "MonitorFunction": ("DeadLetterQueue", OWN_QUEUES),
        "ApiFunction": ("DeadLetterQueue", set[str]()),
        "ReplaysFunction": ("DeadLetterQueue", set[str]()),
    }[function]
    suffix = "_QUEUE_URL" if queue == "Queue" else "_DEAD_LETTER_QUEUE_URL"
    wanted = {f"{each.upper()}{suffix}": {"Ref": f"{camel(each)}{queue}"} for each in {*DESTINATIONS, *others}}
    given = variables(functions()[function])
    compare(f"template.yaml, {function}", {key: given[key] for key in given if key.endswith("_QUEUE_URL")}, wanted)


@pytest.mark.parametrize("name", functions())
def test_a_variable_that_is_named_after_a_resource_has_it_as_value(name: str) -> None:
    kinds = {  # the longest ending first
        "_DEAD_LETTER_QUEUE_URL": lambda name: {"Ref": f"{name}DeadLetterQueue"},
        "_QUEUE_URL": lambda name: {"Ref": f"{name}Queue"},
        "_SECRET_ARN": lambda name: attribute(f"{name}Secret.Id"),
        "_BASE_URL": lambda name: {"Ref": f"{name}BaseUrl"},
    }
    given, wanted = variables(functions()[name]), dict[str, Any]()
    for key in given.keys() - {"DEAD_LETTER_QUEUE_URL"}:  # a deliverer's own
        ending = next((each for each in kinds if key.endswith(each)), None)
        if ending:
            wanted[key] = kinds[ending](camel(key.removesuffix(ending).lower()))
    compare(f"template.yaml, {name}, Variables", {key: given[key] for key in wanted}, wanted)


def test_every_destination_has_an_alarm_for_its_dead_letters() -> None:
    alarms = resources("AWS::CloudWatch::Alarm")
    written = {name: named(each["Properties"]["AlarmName"]) for name, each in alarms.items() if "DeadLetters" in name}
    wanted = {
        f"{camel(each)}DeadLettersAlarm": f"{template.STACK}-{each.replace('_', '-')}-dead-letters"
        for each in conditions.QUEUES
    }
    compare("template.yaml, alarms", written, wanted)
    watched = {name: properties(name)["Dimensions"][0]["Value"] for name in wanted}
    queues = {
        f"{camel(each)}DeadLettersAlarm": attribute(f"{camel(each)}DeadLetterQueue.QueueName")
        for each in conditions.QUEUES
    }
    compare("template.yaml, Dimensions of alarms", watched, queues)


def test_the_dashboard_shows_the_queues_of_every_destination() -> None:
    body = template.read("dashboard.yaml")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = [each["properties"]["metrics"] for each in json.loads(body)["widgets"]]
    (metrics,) = (each for each in widgets if each[0][0] == "AWS/SQS")
    wanted = {f"${{Stack}}-{each}.fifo" for each in DESTINATIONS}
    wanted |= {f"${{Stack}}-{each}-dead-letters.fifo" for each in DESTINATIONS}
    wanted |= {f"${{Stack}}-{each.replace('_', '-')}-dead-letters" for each in OWN_QUEUES}
    compare("dashboard.yaml, queues", [metric[-1] for metric in metrics], wanted)


# --- parameters ---


def parameter(name: str) -> dict[str, Any]:
    found: dict[str, Any] = template.template()["Parameters"][name]
    return found


def mentioned(text: str) -> set[str]:
    return set(re.findall(r"\w+", text)) & set(BY_ID)


@pytest.mark.parametrize("name", ["RoutingRules", *HOURS])
def test_a_parameter_accepts_every_printer(name: str) -> None:
    alternatives = re.findall(r"\(([a-z_]+(?:\|[a-z_]+)+)\)", parameter(name)["AllowedPattern"])
    assert len(alternatives) == 2  # of the first entry, and of those behind a comma
    for each in alternatives:
        compare(f"template.yaml, {name}, AllowedPattern", each.split("|"), PRINTERS)


@pytest.mark.parametrize("name", ["RoutingRules", *HOURS])
def test_a_parameter_lists_the_printers_that_it_accepts(name: str) -> None:
    listed = re.search(r"the printers are (.+)\.$", parameter(name)["ConstraintDescription"])
    assert listed
    compare(f"template.yaml, {name}, ConstraintDescription", re.split(", | and ", listed[1]), PRINTERS)


def test_the_description_of_the_routing_rules_names_every_printer() -> None:
    text = parameter("RoutingRules")["Description"]
    sent, _, followed = text.partition("it only follows")
    compare("template.yaml, RoutingRules, Description, sends", mentioned(sent), ORDERED)
    compare("template.yaml, RoutingRules, Description, follows", mentioned(followed), partners.FOLLOWED)


def test_the_default_destination_may_be_every_printer_that_needs_no_design() -> None:
    allowed = parameter("DefaultDestination")["AllowedValues"]
    compare("template.yaml, DefaultDestination, AllowedValues", allowed, (*DEFAULTS, "nobody"))


@pytest.mark.parametrize("name", HOURS)
def test_a_time_limit_has_a_default_for_every_printer(name: str) -> None:
    exempt = set[str]() if name == "AcceptWithinHours" else REPORTS_NO_PARCELS
    written = [each.partition("=")[0] for each in parameter(name)["Default"].split(",")]
    compare(f"template.yaml, {name}, Default", written, set(PRINTERS) - exempt)


def test_every_partner_that_pressroom_calls_has_an_address() -> None:
    called = [each.id for each in PARTNERS if each.has_api_token or (each.prints and each.create)]
    addresses = [name for name in template.template()["Parameters"] if name.endswith("BaseUrl")]
    compare("template.yaml, Parameters", addresses, [f"{camel(each)}BaseUrl" for each in called])


def test_every_printer_that_is_ordered_from_has_its_decisions() -> None:
    compare("providers/storefront/decisions.py, PRINTERS", decisions.PRINTERS, ORDERED)


def test_no_two_partners_share_the_name_of_an_operation() -> None:
    operations = [each for row in PARTNERS for each in (row.create, row.change, row.cancel) if each]
    assert len(operations) == len(set(operations)), "partners.CREATES, CANCELS and PROBED hold names without a partner"


def test_the_schema_of_notifications_names_every_destination_and_every_printer() -> None:
    schema = json.loads((ROOT / "docs/notifications/order.schema.json").read_text())
    written = [set(each["enum"]) - {None} for each in _objects(schema) if set(each.get("enum", ())) & BY_ID.keys()]
    assert set(DESTINATIONS) in written
    for names in written:
        wanted = DESTINATIONS if SHOP in names else PRINTERS
        compare("docs/notifications/order.schema.json, a list of partners", names, wanted)


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a JSON document."""
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _objects(each)
