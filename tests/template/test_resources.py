"""What the template promises: encryption, retention, dead letters with alarms, nothing secret in a log."""

import json
import re
from functools import cache
from typing import Any

import pytest
import yaml

from pressroom.ops import conditions, monitor
from pressroom.platform import table
from pressroom.providers.printful import registration_state
from tests.support import template
from tests.support.template import ROOT, folder, functions, resources, variables

QUEUES = resources("AWS::SQS::Queue")
ALARMS = resources("AWS::CloudWatch::Alarm")
SHARED = {
    *("TABLE_NAME", "POWERTOOLS_SERVICE_NAME", "LOCAL_ENDPOINT_URL"),
    *("STOREFRONT_URL", "TRACKING_WAIT_MINUTES"),
}
VARIABLES = {
    "receive/storefront": {"STOREFRONT_SECRET_ARN"},
    "receive/camaloon": {"CAMALOON_SECRET_ARN"},
    "receive/cloudprinter": {"CLOUDPRINTER_SECRET_ARN"},
    "receive/printful": {"PRINTFUL_SECRET_ARN"},
    "receive/oms": {"OMS_SECRET_ARN"},
    "pump": {"STACK_NAME", "CAMALOON_QUEUE_URL", "OMS_QUEUE_URL", "STOREFRONT_QUEUE_URL", "PRINT_FILES_QUEUE_URL"},
    **{f"{provider}/{topic}": set[str]() for provider, topic in template.topics()},
    "storefront/order_paid": {"ROUTING_RULES", "DEFAULT_DESTINATION"},
    "park": set[str](),
    "deliver/camaloon": {
        *("QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "MAX_ATTEMPTS", "LAST_RECEIVE", "BACKOFF_SECONDS"),
        *("CAMALOON_BASE_URL", "CAMALOON_SOURCE_DOMAIN", "CAMALOON_SECRET_ARN"),
    },
    "deliver/storefront": {
        *("QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "MAX_ATTEMPTS", "LAST_RECEIVE", "BACKOFF_SECONDS"),
        "STOREFRONT_NOTIFICATIONS_SECRET_ARN",
    },
    "untracked": set[str](),
    "monitor": {
        *("ACCEPT_WITHIN_HOURS", "SHIP_WITHIN_HOURS", "SILENT_AFTER_HOURS", "HOLD_OLD_DAYS"),
        *(f"{queue}_DEAD_LETTER_QUEUE_URL" for queue in ("CAMALOON", "OMS", "STOREFRONT", "PRINT_FILES", "PARK")),
    },
    "deliver/oms": {
        *("QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "MAX_ATTEMPTS", "LAST_RECEIVE", "BACKOFF_SECONDS"),
        *("OMS_BASE_URL", "OMS_STORE_ID", "OMS_CREATE_PRINT_FILES", "OMS_SETTLE_SECONDS", "OMS_API_SECRET_ARN"),
    },
    "print_files": {
        *("PRINT_FILES_QUEUE_URL", "PRINT_FILE_POLL_SECONDS", "PRINT_FILE_GIVE_UP_HOURS", "PRINT_TEMPLATES"),
        *("OMS_BASE_URL", "OMS_API_SECRET_ARN", "OMS_CREATE_PRINT_FILES"),
    },
    "batches": {"PRINT_TEMPLATES", "BATCH_SIZE", "BATCH_MAX_AGE_MINUTES"},
    "catalogue": {"OMS_BASE_URL", "OMS_API_SECRET_ARN"},
    "printful_webhook": {
        *("PUBLIC_API_URL", "PRINTFUL_BASE_URL", "PRINTFUL_STORE_ID", "PRINTFUL_REPAIR"),
        *("PRINTFUL_API_SECRET_ARN", "PRINTFUL_SECRET_ARN"),
    },
    "replays": {
        *("CAMALOON_DEAD_LETTER_QUEUE_URL", "OMS_DEAD_LETTER_QUEUE_URL", "STOREFRONT_DEAD_LETTER_QUEUE_URL"),
    },
    "api": {
        *("OPS_TOKEN_SECRET_ARN", "CAMALOON_DEAD_LETTER_QUEUE_URL", "OMS_DEAD_LETTER_QUEUE_URL"),
        "STOREFRONT_DEAD_LETTER_QUEUE_URL",
        *("PRINT_TEMPLATES", "BATCH_SIZE", "BATCH_MAX_AGE_MINUTES"),
    },
}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = template.template()["Resources"][name]["Properties"]
    return found


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
def test_a_function_has_the_variables_that_its_code_asks_for(function: dict[str, Any]) -> None:
    assert set(template.variables(function)) == SHARED | VARIABLES[folder(function)]


def test_handler_runtime_layer_and_logs_stand_in_globals_alone() -> None:
    shared = template.template()["Globals"]["Function"]
    assert (shared["Runtime"], shared["Handler"]) == ("python3.13", "handler.handler")
    assert shared["Architectures"] == [{"Ref": "Architecture"}]
    assert shared["Layers"] == [{"Ref": "PressroomLayer"}]
    assert (shared["LoggingConfig"]["LogFormat"], shared["LoggingConfig"]["LogGroup"]) == ("JSON", {"Ref": "Logs"})
    own = set[str]().union(*functions().values())
    assert not own & {"Runtime", "Handler", "Layers", "Architectures", "LoggingConfig"}


def test_arm64_is_the_default() -> None:
    assert template.template()["Parameters"]["Architecture"]["Default"] == "arm64"


def test_logs_are_kept_for_a_while_only() -> None:
    for group in resources("AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_table_outlives_the_stack_and_can_be_taken_back() -> None:
    resource = template.template()["Resources"]["Table"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    wanted = resource["Properties"]
    assert wanted["BillingMode"] == "PAY_PER_REQUEST"
    assert wanted["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert wanted["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert wanted["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert wanted["SSESpecification"] == {"SSEEnabled": True}


def test_the_indexes_are_those_that_the_code_reads_and_hold_keys_only() -> None:
    indexes = properties("Table")["GlobalSecondaryIndexes"]
    assert {index["IndexName"]: index["KeySchema"][0]["AttributeName"] for index in indexes} == table.INDEXES
    assert {index["KeySchema"][1]["AttributeName"] for index in indexes} == {"state_at"}
    assert all(index["Projection"] == {"ProjectionType": "KEYS_ONLY"} for index in indexes)


def test_pump_sees_new_rows_with_a_dispatch_and_nothing_else() -> None:
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
def test_a_queue_is_encrypted_and_has_dead_letters_unless_it_holds_them(name: str) -> None:
    assert properties(name)["SqsManagedSseEnabled"] is True
    assert ("RedrivePolicy" in properties(name)) != (name in dead_letter_queues())
    assert properties(name)["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize("name", sorted(dead_letter_queues()))
def test_dead_letters_raise_an_alarm(name: str) -> None:
    watched = {"Name": "QueueName", "Value": {"Fn::GetAtt": f"{name}.QueueName"}}
    (alarm,) = (
        alarm["Properties"] for alarm in ALARMS.values() if watched in alarm["Properties"].get("Dimensions", [])
    )
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


def test_fifo_queues_have_fifo_dead_letters() -> None:
    for queue in QUEUES.values():
        if "RedrivePolicy" in queue["Properties"]:
            target = queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"].removesuffix(".Arn")
            assert properties(target).get("FifoQueue") == queue["Properties"].get("FifoQueue")


def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_run() -> None:
    read = sources("SQS")
    assert len(read) == 5
    for function, source in read:
        queue = properties(source["Queue"]["Fn::GetAtt"].removesuffix(".Arn"))
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_deliveries_go_one_at_a_time_and_end_where_the_code_says() -> None:
    delivering = [source for function, source in sources("SQS") if folder(function).startswith("deliver/")]
    assert [source["BatchSize"] for source in delivering] == [1, 1, 1]
    for destination in ("Camaloon", "Oms", "Storefront"):
        last = int(variables(functions()[f"Deliver{destination}Function"])["LAST_RECEIVE"])
        assert properties(f"{destination}Queue")["RedrivePolicy"]["maxReceiveCount"] == last


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_somebody_and_is_in_the_runbook(name: str) -> None:
    assert properties(name)["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    if name == "MonitorMissingAlarm":  # that there is nothing is what is wrong, but not before there was something
        assert properties(name)["TreatMissingData"] == "missing"
        assert properties(name)["InsufficientDataActions"] == [{"Ref": "AlarmTopic"}]
    else:
        assert properties(name)["TreatMissingData"] == "notBreaching"
    description = properties(name)["AlarmDescription"]
    assert (description["Fn::Sub"] if isinstance(description, dict) else description).endswith(".")
    assert runbook()[name]
    for part in ("Look", "Do", "Don't"):
        assert re.search(rf"^- \*\*{part}\*\*", runbook()[name], re.MULTILINE), f"{name} lacks {part}"
    assert len(runbook()[name].partition("\n- **")[0]) > 40, f"{name} lacks what it means"


def test_the_runbook_has_no_alarm_that_does_not_exist() -> None:
    assert sorted(name for name in runbook() if name.endswith("Alarm")) == sorted(ALARMS)


def test_a_condition_says_a_sentence() -> None:
    for sentence in conditions.SENTENCES.values():
        told = registration_state.PROBLEMS.values() if sentence == "{problem}" else (sentence,)
        assert all(each.endswith(".") for each in told)


@pytest.mark.parametrize(
    "name", [name for name, alarm in ALARMS.items() if alarm["Properties"]["Namespace"] == "Pressroom"]
)
def test_an_alarm_watches_a_metric_that_is_counted(name: str) -> None:
    sources_of_layer = (ROOT / "layers" / "pressroom" / "pressroom").rglob("*.py")
    code = "".join(each.read_text() for each in (*sources_of_layer, *(ROOT / "functions").rglob("handler.py")))
    standing = {*conditions.METRICS.values(), *monitor.STANDING.values()}
    assert properties(name)["MetricName"] in {*re.findall(r'count\("(\w+)"', code), *standing}
    assert properties(name)["Dimensions"] == [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]


def test_the_access_log_holds_no_path_and_no_address() -> None:
    fields = set(re.findall(r"\$context\.([\w.]+)", properties("Api")["AccessLogSettings"]["Format"]))
    assert fields == {"requestTime", "requestId", "routeKey", "status", "responseLatency", "integrationErrorMessage"}


def test_the_api_is_throttled() -> None:
    settings = properties("Api")["DefaultRouteSettings"]
    assert settings["ThrottlingRateLimit"] > 0
    assert settings["ThrottlingBurstLimit"] > 0


def test_printful_is_looked_at_by_a_schedule() -> None:
    (schedule,) = (schedule for function, schedule in sources("Schedule") if folder(function) == "printful_webhook")
    assert json.loads(schedule["Input"]) == {"action": "check"}


def test_what_runs_by_a_schedule_tells_of_a_run_that_fails() -> None:
    scheduled = [function for function, _ in sources("Schedule")]
    assert {folder(function) for function in scheduled} == {
        *("printful_webhook", "batches", "untracked", "replays", "monitor")
    }
    for function in scheduled:
        told = function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
        assert told == {"Type": "SNS", "Destination": {"Ref": "AlarmTopic"}}


def test_every_url_is_an_output() -> None:
    outputs = template.template()["Outputs"]
    host = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    assert outputs["ApiUrl"]["Value"] == {"Fn::Sub": host}
    webhooks = [source["Path"] for _, source in sources("HttpApi") if source["Path"].startswith("/webhooks/")]
    assert webhooks
    for path in webhooks:
        provider = path.split("/")[2]
        assert outputs[f"{template.camel(provider)}WebhookUrl"]["Value"] == {"Fn::Sub": host + path}
    for name in (*resources("AWS::SecretsManager::Secret"),):
        assert f"{name}Arn" in outputs


@pytest.mark.parametrize("parameter", ["CamaloonBaseUrl", "PrintfulBaseUrl", "OmsBaseUrl"])
def test_only_https_is_accepted_for_a_printer_but_on_this_machine(parameter: str) -> None:
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
    assert bool(re.fullmatch(pattern, "")) == (parameter == "OmsBaseUrl")  # which not everybody has


def test_the_layers_packages_are_pinned_exactly() -> None:
    lines = (ROOT / "layers" / "pressroom" / "requirements.txt").read_text().splitlines()
    assert lines
    assert all(re.fullmatch(r"[a-z0-9-]+(\[[a-z,]+\])?==\d+(\.\d+)+", line) for line in lines)


def test_no_file_names_a_registry() -> None:
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


def test_the_dashboard_shows_metrics_that_are_counted_and_queues_that_exist() -> None:
    document = yaml.load((ROOT / "dashboard.yaml").read_text(), template._Loader)  # noqa: S506 - a SafeLoader
    body = document["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
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
