"""The resources of the template: variables, encryption, retention, dead-letter queues, alarms, no secret in a log."""

import json
import re
from functools import cache
from typing import Any

import pytest

from pressroom.ops import conditions, monitor
from pressroom.partners import DESTINATIONS, SENDERS
from pressroom.platform import table
from pressroom.providers.printful import registration_state
from tests.support import template
from tests.support.template import ROOT, camel, folder, functions, properties, resources, variables

QUEUES = resources("AWS::SQS::Queue")
ALARMS = resources("AWS::CloudWatch::Alarm")
SHARED = {
    *("TABLE_NAME", "POWERTOOLS_SERVICE_NAME", "LOCAL_ENDPOINT_URL"),
    *("STOREFRONT_URL", "TRACKING_WAIT_MINUTES"),
}
DEAD_LETTER_QUEUES = {f"{destination.upper()}_DEAD_LETTER_QUEUE_URL" for destination in DESTINATIONS}
DELIVERERS = [f"deliver/{destination}" for destination in DESTINATIONS]
DELIVER = {"QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "MAX_ATTEMPTS", "LAST_RECEIVE", "BACKOFF_SECONDS"}
SEARCH = "SEARCH_SECRET_ARN"
ROUTING = {"ROUTING_RULES", "DEFAULT_DESTINATION"}
STORES = {"PRINTFUL_STORES", "PRINTFUL_STORE_ID"}
VARIABLES = {
    **{f"receive/{sender}": {f"{sender.upper()}_SECRET_ARN"} for sender in SENDERS},
    "receive/storefront": {"STOREFRONT_SECRET_ARN", *ROUTING},
    "pump": {
        *("STACK_NAME", "PRINT_FILES_QUEUE_URL"),
        *(f"{destination.upper()}_QUEUE_URL" for destination in DESTINATIONS),
    },
    **{f"{provider}/{topic}": set[str]() for provider, topic in template.topics()},
    **{f"printful/{topic}": STORES for provider, topic in template.topics() if provider == "printful"},
    **{f"printful/{topic}": {*STORES, SEARCH} for topic in template.printful_topics_about_orders()},
    "storefront/order_paid": {*ROUTING, SEARCH},
    "storefront/order_updated": {*ROUTING, SEARCH},
    "park": set[str](),
    "deliver/camaloon": {
        *DELIVER,
        *("CAMALOON_BASE_URL", "CAMALOON_SOURCE_DOMAIN", "CAMALOON_SECRET_ARN", "FALLBACK_EMAIL"),
    },
    "deliver/storefront": {
        *DELIVER,
        "STOREFRONT_NOTIFICATIONS_SECRET_ARN",
    },
    "untracked": set[str](),
    "monitor": {
        *("ACCEPT_WITHIN_HOURS", "SHIP_WITHIN_HOURS", "SILENT_AFTER_HOURS", "HOLD_OLD_DAYS"),
        *STORES,
        *(f"{queue.upper()}_DEAD_LETTER_QUEUE_URL" for queue in conditions.QUEUES),
    },
    "deliver/oms": {
        *DELIVER,
        *("OMS_BASE_URL", "OMS_STORE_ID", "OMS_CREATE_PRINT_FILES", "OMS_SETTLE_SECONDS", "OMS_API_SECRET_ARN"),
    },
    "print_files": {
        *("PRINT_FILES_QUEUE_URL", "PRINT_FILE_POLL_SECONDS", "PRINT_FILE_GIVE_UP_HOURS", "PRINT_TEMPLATES"),
        *("OMS_BASE_URL", "OMS_API_SECRET_ARN", "OMS_CREATE_PRINT_FILES"),
    },
    "batches": {"PRINT_TEMPLATES", "BATCH_SIZE", "BATCH_MAX_AGE_MINUTES"},
    "catalogue": {"OMS_BASE_URL", "OMS_API_SECRET_ARN"},
    "oms_order": {"OPS_TOKEN_SECRET_ARN", "PRINT_TEMPLATES", "OMS_BASE_URL", "OMS_API_SECRET_ARN"},
    "printful_webhook": {
        *("PUBLIC_API_URL", "PRINTFUL_BASE_URL", "PRINTFUL_STORE_ID", "PRINTFUL_REPAIR"),
        *("PRINTFUL_API_SECRET_ARN", "PRINTFUL_SECRET_ARN"),
    },
    "replays": DEAD_LETTER_QUEUES,
    "api": {
        *("OPS_TOKEN_SECRET_ARN", SEARCH, "PRINT_TEMPLATES", "BATCH_SIZE", "BATCH_MAX_AGE_MINUTES"),
        *DEAD_LETTER_QUEUES,
        *STORES,
    },
}


def dead_letter_queues() -> set[str]:
    policies = [queue["Properties"].get("RedrivePolicy") for queue in QUEUES.values()]
    return {policy["deadLetterTargetArn"]["Fn::GetAtt"].removesuffix(".Arn") for policy in policies if policy}


def sources(kind: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(function, event source) for every event source of a kind."""
    return [
        (function, event["Properties"])
        for function in functions().values()
        for event in function.get("Events", {}).values()
        if event["Type"] == kind
    ]


@pytest.mark.parametrize("function", functions().values(), ids=folder)
def test_a_function_has_the_variables_that_its_code_reads(function: dict[str, Any]) -> None:
    given, needed = set(variables(function)), SHARED | VARIABLES[folder(function)]
    place = f"template.yaml, functions/{folder(function)}"
    assert not needed - given, f"{place}: missing {sorted(needed - given)}"
    assert not given - needed, f"{place}: {sorted(given - needed)} is too much"


def test_only_globals_has_handler_runtime_layer_and_logs() -> None:
    shared = template.template()["Globals"]["Function"]
    assert (shared["Runtime"], shared["Handler"]) == ("python3.13", "handler.handler")
    assert shared["Architectures"] == [{"Ref": "Architecture"}]
    assert shared["Layers"] == [{"Ref": "PressroomLayer"}]
    assert (shared["LoggingConfig"]["LogFormat"], shared["LoggingConfig"]["LogGroup"]) == ("JSON", {"Ref": "Logs"})
    own = set[str]().union(*functions().values())
    assert not own & {"Runtime", "Handler", "Layers", "Architectures", "LoggingConfig"}


def test_arm64_is_the_default() -> None:
    assert template.template()["Parameters"]["Architecture"]["Default"] == "arm64"


def test_logs_are_deleted_after_the_retention() -> None:
    for group in resources("AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_table_is_kept_when_the_stack_is_deleted_and_can_be_restored() -> None:
    resource = template.template()["Resources"]["Table"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    wanted = resource["Properties"]
    assert wanted["BillingMode"] == "PAY_PER_REQUEST"
    assert wanted["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert wanted["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert wanted["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert wanted["SSESpecification"] == {"SSEEnabled": True}


def test_the_indexes_are_those_that_the_code_reads_and_have_only_keys() -> None:
    indexes = properties("Table")["GlobalSecondaryIndexes"]
    assert {index["IndexName"]: index["KeySchema"][0]["AttributeName"] for index in indexes} == table.INDEXES
    assert {index["KeySchema"][1]["AttributeName"] for index in indexes} == {"state_at"}
    assert all(index["Projection"] == {"ProjectionType": "KEYS_ONLY"} for index in indexes)


def test_the_pump_receives_only_new_rows_with_a_dispatch() -> None:
    ((function, stream),) = sources("DynamoDB")
    assert folder(function) == "pump"
    (pattern,) = stream["FilterCriteria"]["Filters"]
    assert pattern["Pattern"] == (
        '{"eventName": ["INSERT"], "dynamodb": {"NewImage": {"dispatch": {"S": [{"exists": true}]}}}}'
    )
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["MaximumRetryAttempts"] > 0
    assert stream["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": "TopicFailuresQueue.Arn"}


@pytest.mark.parametrize(("provider", "topic"), template.topics())
def test_a_topic_is_tried_three_times_and_then_parked(provider: str, topic: str) -> None:
    invoked = properties(f"{template.camel(provider)}{template.camel(topic)}Function")["EventInvokeConfig"]
    assert invoked["MaximumRetryAttempts"] == 2
    assert invoked["DestinationConfig"]["OnFailure"] == {
        "Type": "SQS",
        "Destination": {"Fn::GetAtt": "TopicFailuresQueue.Arn"},
    }


@cache
def runbook() -> dict[str, str]:
    """The runbook's sections by their headings."""
    sections = (ROOT / "docs" / "runbook.md").read_text().split("\n## ")[1:]
    return {heading: text.strip() for heading, _, text in (each.partition("\n") for each in sections)}


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_and_has_a_dead_letter_queue_unless_it_is_one(name: str) -> None:
    assert properties(name)["SqsManagedSseEnabled"] is True
    assert ("RedrivePolicy" in properties(name)) != (name in dead_letter_queues())
    assert properties(name)["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize("name", sorted(dead_letter_queues()))
def test_a_dead_letter_queue_has_an_alarm(name: str) -> None:
    watched = {"Name": "QueueName", "Value": {"Fn::GetAtt": f"{name}.QueueName"}}
    (alarm,) = (
        alarm["Properties"] for alarm in ALARMS.values() if watched in alarm["Properties"].get("Dimensions", [])
    )
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


def test_fifo_queues_have_fifo_dead_letter_queues() -> None:
    for queue in QUEUES.values():
        if "RedrivePolicy" in queue["Properties"]:
            target = queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"].removesuffix(".Arn")
            assert properties(target).get("FifoQueue") == queue["Properties"].get("FifoQueue")


def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_run() -> None:
    read = sources("SQS")
    assert {folder(function) for function, _ in read} == {"park", "print_files", *DELIVERERS}
    for function, source in read:
        queue = properties(source["Queue"]["Fn::GetAtt"].removesuffix(".Arn"))
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_deliverers_take_one_message_at_a_time_and_know_the_last_receive() -> None:
    delivering = {folder(function): source for function, source in sources("SQS") if folder(function) in DELIVERERS}
    assert {name: source["BatchSize"] for name, source in delivering.items()} == dict.fromkeys(DELIVERERS, 1)
    for destination in DESTINATIONS:
        last = int(variables(functions()[f"Deliver{camel(destination)}Function"])["LAST_RECEIVE"])
        assert properties(f"{camel(destination)}Queue")["RedrivePolicy"]["maxReceiveCount"] == last


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_sent_and_names_its_section_of_the_runbook(name: str) -> None:
    assert properties(name)["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    if name == "MonitorMissingAlarm":  # no data is the problem, but not before the first data
        assert properties(name)["TreatMissingData"] == "missing"
        assert properties(name)["InsufficientDataActions"] == [{"Ref": "AlarmTopic"}]
    else:
        assert properties(name)["TreatMissingData"] == "notBreaching"
    description = properties(name)["AlarmDescription"]
    text = description["Fn::Sub"] if isinstance(description, dict) else description
    assert text.endswith(f". See {name} in docs/runbook.md."), text
    assert len(text) <= 1024  # CloudWatch's limit
    assert runbook()[name]
    for part in ("Look", "Do", "Don't"):
        assert re.search(rf"^- \*\*{part}\*\*", runbook()[name], re.MULTILINE), f"{name} lacks {part}"
    assert len(runbook()[name].partition("\n- **")[0]) > 40, f"{name} lacks what it means"


def test_the_runbook_has_no_alarm_that_does_not_exist() -> None:
    assert sorted(name for name in runbook() if name.endswith("Alarm")) == sorted(ALARMS)


def test_the_text_of_a_condition_is_a_sentence() -> None:
    for sentence in conditions.SENTENCES.values():
        texts = registration_state.PROBLEMS.values() if sentence == "{problem}" else (sentence,)
        assert all(each.endswith(".") for each in texts)


@pytest.mark.parametrize(
    "name", [name for name, alarm in ALARMS.items() if alarm["Properties"]["Namespace"] == "Pressroom"]
)
def test_an_alarm_watches_a_metric_that_the_code_counts(name: str) -> None:
    sources_of_layer = (ROOT / "layers" / "pressroom" / "pressroom").rglob("*.py")
    code = "".join(each.read_text() for each in (*sources_of_layer, *(ROOT / "functions").rglob("handler.py")))
    standing = {*conditions.METRICS.values(), *monitor.STANDING.values()}
    assert properties(name)["MetricName"] in {*re.findall(r'count\("(\w+)"', code), *standing}
    assert properties(name)["Dimensions"] == [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]


def test_the_access_log_contains_no_path_and_no_address() -> None:
    fields = set(re.findall(r"\$context\.([\w.]+)", properties("Api")["AccessLogSettings"]["Format"]))
    assert fields == {"requestTime", "requestId", "routeKey", "status", "responseLatency", "integrationErrorMessage"}


def test_the_api_is_throttled() -> None:
    settings = properties("Api")["DefaultRouteSettings"]
    assert settings["ThrottlingRateLimit"] > 0
    assert settings["ThrottlingBurstLimit"] > 0


def test_a_schedule_checks_the_webhook_at_printful() -> None:
    (schedule,) = (schedule for function, schedule in sources("Schedule") if folder(function) == "printful_webhook")
    assert json.loads(schedule["Input"]) == {"action": "check"}


def test_a_failed_run_of_a_schedule_is_reported_by_mail() -> None:
    scheduled = [function for function, _ in sources("Schedule")]
    assert {folder(function) for function in scheduled} == {
        *("printful_webhook", "batches", "untracked", "replays", "monitor")
    }
    for function in scheduled:
        destination = function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
        assert destination == {"Type": "SNS", "Destination": {"Ref": "AlarmTopic"}}


@pytest.mark.parametrize("parameter", [name for name in template.template()["Parameters"] if name.endswith("Url")])
def test_a_url_must_be_https_except_on_this_machine(parameter: str) -> None:
    pattern = template.template()["Parameters"][parameter]["AllowedPattern"]
    accepted = ("https://camaloon.com", "https://camaloon.com/x", "http://127.0.0.1:9000", "http://localhost")
    refused = (
        "http://camaloon.com",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "ftp://x",
        "camaloon.com",
    )
    assert [bool(re.fullmatch(pattern, url)) for url in (*accepted, *refused)] == [True] * 4 + [False] * 5
    assert bool(re.fullmatch(pattern, "")) == (template.template()["Parameters"][parameter]["Default"] == "")


def test_a_parameter_that_refuses_a_value_says_what_it_accepts() -> None:
    for name, parameter in template.template()["Parameters"].items():
        assert parameter["Description"].strip().endswith("."), name
        assert ("ConstraintDescription" in parameter) == ("AllowedPattern" in parameter), name


def test_the_packages_of_the_layer_are_pinned_exactly() -> None:
    lines = (ROOT / "layers" / "pressroom" / "requirements.txt").read_text().splitlines()
    assert lines
    assert all(re.fullmatch(r"[a-z0-9-]+(\[[a-z,]+\])?==\d+(\.\d+)+", line) for line in lines)


def test_no_file_names_a_package_registry() -> None:
    settings = (
        "layers/pressroom/requirements.txt",
        "pyproject.toml",
        "Makefile",
        ".ci/run",
        "samconfig.toml",
        "local/build.py",
    )
    for name in settings:
        assert not re.search(r"index-url|extra-index|find-links|pypi\.org|/simple\b", (ROOT / name).read_text()), name


def test_the_dashboard_shows_every_metric_of_an_alarm_and_only_queues_that_exist() -> None:
    body = template.read("dashboard.yaml")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown = json.loads(body.replace("${Stack}", template.STACK))
    ours, queues = set[str](), set[str]()
    for widget in shown["widgets"]:
        before: list[Any] = []
        for metric in widget["properties"]["metrics"]:
            name = [each for each in metric if isinstance(each, str)]
            if name[:1] == ["..."]:
                name = [*before[:-1], *name[1:]]
            name = [before[place] if each == "." else each for place, each in enumerate(name)]
            before = name or before
            ours |= {name[1]} if name[:1] == ["Pressroom"] else set()
            queues |= {name[3]} if name[:1] == ["AWS/SQS"] else set()
    alarms = [alarm["Properties"] for alarm in ALARMS.values()]
    assert ours == {alarm["MetricName"] for alarm in alarms if alarm["Namespace"] == "Pressroom"}
    assert queues <= {template.named(queue["Properties"]["QueueName"]) for queue in QUEUES.values()}
