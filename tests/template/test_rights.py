"""What each function may do, written out: moto never answers AccessDenied, so this is where rights are tested."""

from typing import Any

import pytest

from tests.support import template
from tests.support.template import folder, functions, resources

EVENT, DONE, ORDER, DELIVERY = "EVENT#*", "DONE#*", "ORDER#*", "DELIVERY#*"
ACTION, JOB = "ACTION#*", "JOB#*"
WATCH, DRIFT, PRODUCT, STOCK, SETTING = "WATCH#*", "DRIFT#*", "PRODUCT#*", "STOCK#*", "SETTING#*"
TURN, POLL, READY, BATCHED, CATALOGUE = "TURN#*", "POLL#*", "READY#*", "BATCH#*", "CATALOGUE#*"
UNTRACKED, FIND = "UNTRACKED#*", "FIND#*"
ANY = "any row"
TABLE, INDEX, STREAM = "Table", "Table/index/*", "Table's stream"
GET, PUT, UPDATE = "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"
BATCH = "dynamodb:BatchGetItem"
SECRET, SEND, HIDE = "secretsmanager:GetSecretValue", "sqs:SendMessage", "sqs:ChangeMessageVisibility"

LOGS = {("logs:CreateLogStream", "Logs", ""), ("logs:PutLogEvents", "Logs", "")}
FAIL = (SEND, "TopicFailuresQueue", "")


def consume(queue: str) -> set[tuple[str, str, str]]:
    """What Lambda does to a queue in the function's name."""
    return {(f"sqs:{each}", queue, "") for each in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}


FOUND_AND_TOLD = {(UPDATE, TABLE, FIND), (BATCH, TABLE, DELIVERY)}
"""Whoever writes an order lets it be found, and shows the shop its deliveries."""
READ_EVENT = {(BATCH, TABLE, EVENT), (BATCH, TABLE, DONE)}
ANY_TOPIC = READ_EVENT | {
    (UPDATE, TABLE, EVENT),
    (PUT, TABLE, DONE),
    (GET, TABLE, DRIFT),
    (UPDATE, TABLE, DRIFT),
    FAIL,
}
TOPIC = (
    ANY_TOPIC
    | FOUND_AND_TOLD
    | {
        (PUT, TABLE, WATCH),
        (GET, TABLE, STOCK),
        *((action, TABLE, rows) for action in (GET, PUT) for rows in (ORDER, DELIVERY, UNTRACKED)),
    }
)
PRODUCT_TOPIC = ANY_TOPIC | {(PUT, TABLE, PRODUCT)}
STOCK_TOPIC = (
    ANY_TOPIC
    | FOUND_AND_TOLD
    | {
        ("dynamodb:Query", "Table/index/by_state", WATCH),
        (BATCH, TABLE, ORDER),
        *((action, TABLE, rows) for action in (GET, PUT) for rows in (ORDER, STOCK, DELIVERY, UNTRACKED)),
    }
)
OF_PRODUCTS = {"printful/product_synced", "printful/product_updated", "printful/product_deleted"}
RIGHTS: dict[str, set[tuple[str, str, str]]] = {
    "receive/storefront": {(PUT, TABLE, EVENT), (SECRET, "StorefrontSecret", "")},
    "receive/camaloon": {(PUT, TABLE, EVENT), (PUT, TABLE, "REFUSED#*"), (SECRET, "CamaloonSecret", "")},
    "receive/cloudprinter": {(PUT, TABLE, EVENT), (SECRET, "CloudprinterSecret", "")},
    "receive/printful": {(PUT, TABLE, EVENT), (SECRET, "PrintfulSecret", "")},
    "receive/oms": {(PUT, TABLE, EVENT), (SECRET, "OmsSecret", "")},
    "pump": {
        *READ_EVENT,
        (UPDATE, TABLE, EVENT),
        *(
            ("lambda:InvokeFunction", f"{each}-*", "")
            for each in ("storefront", "camaloon", "cloudprinter", "printful", "oms", "ops")
        ),
        *((SEND, queue, "") for queue in ("CamaloonQueue", "OmsQueue", "StorefrontQueue", "PrintFilesQueue")),
        ("dynamodb:DescribeStream", STREAM, ""),
        ("dynamodb:GetShardIterator", STREAM, ""),
        ("dynamodb:GetRecords", STREAM, ""),
        ("dynamodb:ListStreams", "*", ""),
        FAIL,
    },
    **{f"{provider}/{topic}": TOPIC for provider, topic in template.topics()},
    **dict.fromkeys(OF_PRODUCTS, PRODUCT_TOPIC),
    "printful/stock_updated": STOCK_TOPIC,
    "oms/print_file_ready": ANY_TOPIC | {(BATCH, TABLE, ORDER), (PUT, TABLE, POLL)},
    "printful_webhook": {
        (GET, TABLE, SETTING),
        (PUT, TABLE, SETTING),
        (SECRET, "PrintfulSecret", ""),
        (SECRET, "PrintfulApiSecret", ""),
        ("sns:Publish", "AlarmTopic", ""),
    },
    "park": {
        *READ_EVENT,
        *FOUND_AND_TOLD,
        (UPDATE, TABLE, EVENT),
        *(
            (action, TABLE, rows)
            for action in (GET, PUT, UPDATE)
            for rows in (ORDER, DELIVERY, UNTRACKED, TURN, BATCHED)
        ),
        ("dynamodb:GetShardIterator", STREAM, ""),
        ("dynamodb:GetRecords", STREAM, ""),
        *consume("TopicFailuresQueue"),
    },
    "deliver/storefront": {
        *FOUND_AND_TOLD,
        *((action, TABLE, rows) for action in (GET, PUT, UPDATE) for rows in (ORDER, DELIVERY, UNTRACKED, TURN)),
        *((action, TABLE, "SETTING#storefront") for action in (GET, PUT)),
        *consume("StorefrontQueue"),
        (SEND, "StorefrontDeadLetterQueue", ""),
        (HIDE, "StorefrontQueue", ""),
        (SECRET, "StorefrontNotificationsSecret", ""),
    },
    "untracked": {
        (BATCH, TABLE, DELIVERY),
        *((action, TABLE, rows) for action in (GET, PUT, UPDATE) for rows in (ORDER, DELIVERY, UNTRACKED)),
        (BATCH, TABLE, UNTRACKED),
        ("dynamodb:Query", "Table/index/by_state", UNTRACKED),
        ("sns:Publish", "AlarmTopic", ""),
    },
    "deliver/camaloon": {
        *FOUND_AND_TOLD,
        *((action, TABLE, rows) for action in (GET, PUT, UPDATE) for rows in (ORDER, DELIVERY, UNTRACKED)),
        *consume("CamaloonQueue"),
        (SEND, "CamaloonDeadLetterQueue", ""),
        (HIDE, "CamaloonQueue", ""),
        (SECRET, "CamaloonSecret", ""),
    },
    "deliver/oms": {
        *FOUND_AND_TOLD,
        *(
            (action, TABLE, rows)
            for action in (GET, PUT, UPDATE)
            for rows in (ORDER, DELIVERY, UNTRACKED, TURN, POLL, BATCHED, CATALOGUE)
        ),
        (BATCH, TABLE, ORDER),
        (BATCH, TABLE, CATALOGUE),
        *consume("OmsQueue"),
        (SEND, "OmsDeadLetterQueue", ""),
        (HIDE, "OmsQueue", ""),
        (SECRET, "OmsApiSecret", ""),
    },
    "print_files": {
        *FOUND_AND_TOLD,
        *((action, TABLE, rows) for action in (GET, PUT) for rows in (ORDER, POLL, READY, DELIVERY, UNTRACKED)),
        *consume("PrintFilesQueue"),
        (HIDE, "PrintFilesQueue", ""),
        (SECRET, "OmsApiSecret", ""),
    },
    "batches": {
        *((action, TABLE, rows) for action in (PUT, UPDATE) for rows in (READY, BATCHED, DELIVERY)),
        (BATCH, TABLE, READY),
        (BATCH, TABLE, ORDER),
        ("dynamodb:Query", "Table/index/by_state", READY),
        ("sns:Publish", "AlarmTopic", ""),
    },
    "monitor": {
        *(("dynamodb:Query", "Table/index/by_state", rows) for rows in (ORDER, EVENT, DELIVERY, DRIFT)),
        *(("dynamodb:Query", "Table/index/by_created", rows) for rows in ("EVENT/*", "REFUSED/*")),
        ("dynamodb:Query", "Table/index/by_attention", "OUTDATED/*"),
        *((BATCH, TABLE, rows) for rows in (ORDER, DELIVERY)),
        *((GET, TABLE, rows) for rows in (ORDER, SETTING)),
        *((action, TABLE, rows) for action in (PUT, UPDATE) for rows in (ORDER, DELIVERY, "SETTING#monitor")),
        *(
            ("sqs:GetQueueAttributes", f"{each}DeadLetterQueue", "")
            for each in ("Camaloon", "Oms", "Storefront", "PrintFiles", "Park")
        ),
        ("sns:Publish", "AlarmTopic", ""),
    },
    "catalogue": {
        *((action, TABLE, rows) for action in (GET, BATCH, PUT) for rows in (CATALOGUE, DELIVERY)),
        ("dynamodb:Query", "Table/index/by_state", CATALOGUE),
        (SECRET, "OmsApiSecret", ""),
    },
    "replays": {
        ("dynamodb:Query", "Table/index/by_state", JOB),
        ("dynamodb:Query", "Table/index/by_state", EVENT),
        ("dynamodb:Query", "Table/index/by_state", DELIVERY),
        *((action, TABLE, rows) for action in (GET, BATCH) for rows in (JOB, EVENT, DELIVERY)),
        *((action, TABLE, rows) for action in (PUT, UPDATE) for rows in (JOB, EVENT, DELIVERY, ACTION)),
        *(
            (action, f"{each}DeadLetterQueue", "")
            for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", HIDE)
            for each in ("Camaloon", "Oms", "Storefront")
        ),
        ("sns:Publish", "AlarmTopic", ""),
    },
    "api": {
        (GET, TABLE, ANY),
        (BATCH, TABLE, ANY),
        ("dynamodb:Query", INDEX, ""),
        *(
            (action, TABLE, rows)
            for action in (PUT, UPDATE)
            for rows in (
                *(EVENT, ACTION, JOB, ORDER, DELIVERY, UNTRACKED, TURN, POLL, READY, BATCHED, CATALOGUE, FIND),
                "SETTING#storefront",
            )
        ),
        *(
            (action, f"{each}DeadLetterQueue", "")
            for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", HIDE)
            for each in ("Camaloon", "Oms", "Storefront")
        ),
        (SECRET, "OpsTokenSecret", ""),
    },
}

INVOKE = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-"


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def resource(value: Any) -> str:
    if isinstance(value, str):
        return value
    if "Fn::Sub" in value:
        text = str(value["Fn::Sub"])
        return text.removeprefix(INVOKE) if text.startswith(INVOKE) else text.replace("${Table.Arn}", "Table")
    name = value.get("Ref") or value["Fn::GetAtt"]
    return {"Table.StreamArn": STREAM}.get(name, str(name).removesuffix(".Arn").removesuffix(".Id"))


def expand(statement: dict[str, Any]) -> set[tuple[str, str, str]]:
    assert statement["Effect"] == "Allow"
    condition = statement.get("Condition", {})
    assert set(condition) <= {"ForAllValues:StringLike"}
    rows = listed(condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]) if condition else [None]
    return {
        (action, resource(target), row or (ANY if resource(target) == TABLE else ""))
        for action in listed(statement["Action"])
        for target in listed(statement["Resource"])
        for row in rows
    }


def rights(function: dict[str, Any]) -> set[tuple[str, str, str]]:
    """(action, resource, rows) for everything that a function may do by its role."""
    role = template.template()["Resources"][function["Role"]["Fn::GetAtt"].removesuffix(".Arn")]["Properties"]
    policies = [policy["PolicyDocument"] for policy in role["Policies"]]
    return set[tuple[str, str, str]]().union(*(expand(each) for policy in policies for each in policy["Statement"]))


BY_FOLDER = {folder(function): function for function in functions().values()}


def test_the_table_of_rights_names_every_function() -> None:
    assert set(RIGHTS) == set(BY_FOLDER)


@pytest.mark.parametrize("name", sorted(BY_FOLDER))
def test_a_function_may_do_this_and_nothing_else(name: str) -> None:
    assert rights(BY_FOLDER[name]) == RIGHTS[name] | LOGS


def everything() -> set[tuple[str, str, str]]:
    return set[tuple[str, str, str]]().union(*(rights(function) for function in BY_FOLDER.values()))


def test_nobody_has_a_wildcard_among_the_actions() -> None:
    assert not [right for right in everything() if "*" in right[0]]


def test_nobody_reads_the_whole_table_or_deletes_a_row() -> None:
    assert not {"dynamodb:Scan", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"} & {
        right[0] for right in everything()
    }


@pytest.mark.parametrize(
    ("secret", "readers"),
    [
        ("StorefrontSecret", {"receive/storefront"}),
        ("CamaloonSecret", {"receive/camaloon", "deliver/camaloon"}),
        ("CloudprinterSecret", {"receive/cloudprinter"}),
        # The webhook's path is its secret: who registers it has to know it.
        ("PrintfulSecret", {"receive/printful", "printful_webhook"}),
        ("PrintfulApiSecret", {"printful_webhook"}),
        ("StorefrontNotificationsSecret", {"deliver/storefront"}),
        ("OmsSecret", {"receive/oms"}),
        ("OmsApiSecret", {"deliver/oms", "print_files", "catalogue"}),
        ("OpsTokenSecret", {"api"}),
    ],
)
def test_a_secret_is_read_by_these_only(secret: str, readers: set[str]) -> None:
    assert {name for name, function in BY_FOLDER.items() if (SECRET, secret, "") in rights(function)} == readers


def test_every_secret_has_its_readers() -> None:
    read = {right[1] for right in everything() if right[0] == SECRET}
    assert read == set(resources("AWS::SecretsManager::Secret"))


@pytest.mark.parametrize("name", sorted(each for each in BY_FOLDER if each.startswith("receive/")))
def test_a_receiver_writes_events_and_reads_one_secret(name: str) -> None:
    found = rights(BY_FOLDER[name])
    tally = {(PUT, TABLE, "REFUSED#*")}  # of a provider that switches a webhook off after so many
    assert {right for right in found if right[0] != SECRET} - tally == {(PUT, TABLE, EVENT)} | LOGS
    assert len([right for right in found if right[0] == SECRET]) == 1


def test_all_topics_about_orders_share_one_role() -> None:
    topics = {f"{provider}/{topic}" for provider, topic in template.topics()}
    others = OF_PRODUCTS | {"printful/stock_updated", "oms/print_file_ready"}
    roles = {str(BY_FOLDER[each]["Role"]) for each in topics - others}
    assert roles == {str({"Fn::GetAtt": "TopicRole.Arn"})}


def test_a_role_is_for_lambda_and_has_no_rights_that_are_not_written_here() -> None:
    for role in resources("AWS::IAM::Role").values():
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", {"Service": "lambda.amazonaws.com"})
        assert "ManagedPolicyArns" not in role["Properties"]
    assert not [name for name, function in functions().items() if "Policies" in function]


def test_rows_of_one_transaction_are_in_one_statement() -> None:
    # Whether a condition on leading keys is held against one row of a transaction or all of them is nowhere written.
    for name in (
        "deliver/camaloon",
        "deliver/storefront",
        "untracked",
        "monitor",
        "deliver/oms",
        "print_files",
        "batches",
        "api",
        "storefront/order_paid",
        "park",
    ):
        written = {(action, rows) for action, table, rows in rights(BY_FOLDER[name]) if table == TABLE}
        alone = {
            EVENT,
            DONE,
            WATCH,
            DRIFT,
            FIND,
            "SETTING#storefront",
            "SETTING#monitor",
            ANY,
        }  # never written in a transaction, or only by api
        groups = [{rows for action, rows in written if action == each} - alone for each in (PUT, UPDATE)]
        assert groups[0] == groups[1] or not groups[1], name
