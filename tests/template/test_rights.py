"""The rights of each function, written out. moto never answers AccessDenied, so rights are tested here.

What follows from `pressroom.partners` (receivers, queues of destinations) is derived from it.
"""

from typing import Any

import pytest

from pressroom.ops import conditions
from pressroom.partners import DESTINATIONS, DISABLED_AFTER, SENDERS, SOURCES
from tests.support import template
from tests.support.template import camel, folder, functions, resources

EVENT, DONE, ORDER, DELIVERY = "EVENT#*", "DONE#*", "ORDER#*", "DELIVERY#*"
ACTION, JOB = "ACTION#*", "JOB#*"
WATCH, DRIFT, PRODUCT, STOCK, SETTING = "WATCH#*", "DRIFT#*", "PRODUCT#*", "STOCK#*", "SETTING#*"
TURN, POLL, READY, BATCHED, CATALOGUE = "TURN#*", "POLL#*", "READY#*", "BATCH#*", "CATALOGUE#*"
UNTRACKED, FIND = "UNTRACKED#*", "FIND#*"
STORE, STORES = "STORE#*", "SETTING#printful_stores"
GENUINE = "REFUSED#genuine/*"
ANY = "any row"
TABLE, INDEX, STREAM = "Table", "Table/index/*", "Table's stream"
GET, PUT, UPDATE = "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"
BATCH = "dynamodb:BatchGetItem"
SECRET, SEND, HIDE = "secretsmanager:GetSecretValue", "sqs:SendMessage", "sqs:ChangeMessageVisibility"

LOGS = {("logs:CreateLogStream", "Logs", ""), ("logs:PutLogEvents", "Logs", "")}
FAIL = (SEND, "TopicFailuresQueue", "")


def consume(queue: str) -> set[tuple[str, str, str]]:
    """The rights that Lambda needs to feed a function from a queue."""
    return {(f"sqs:{each}", queue, "") for each in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}


TAKE_DEAD_LETTERS = {
    (action, f"{camel(destination)}DeadLetterQueue", "")
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", HIDE)
    for destination in DESTINATIONS
}
"""A replay removes the delivery's message from the dead-letter queue."""
WRITES_ORDERS = {(UPDATE, TABLE, FIND), (BATCH, TABLE, DELIVERY)}
"""A function that writes orders also writes the search index, and reads the deliveries that a notification shows."""


def deliver(destination: str) -> set[tuple[str, str, str]]:
    """The rights that every deliverer has: its queue, its dead-letter queue, and what an order needs."""
    queue, dead_letters = f"{camel(destination)}Queue", f"{camel(destination)}DeadLetterQueue"
    return WRITES_ORDERS | consume(queue) | {(SEND, dead_letters, ""), (HIDE, queue, "")}


READ_EVENT = {(BATCH, TABLE, EVENT), (BATCH, TABLE, DONE)}
ANY_TOPIC = READ_EVENT | {
    (UPDATE, TABLE, EVENT),
    (PUT, TABLE, DONE),
    (GET, TABLE, DRIFT),
    (UPDATE, TABLE, DRIFT),
    FAIL,
}
KNOWS_STORES = {(GET, TABLE, STORES), (UPDATE, TABLE, STORES), (PUT, TABLE, STORE)}
TOPIC = (
    ANY_TOPIC
    | WRITES_ORDERS
    | {
        *((BATCH, TABLE, rows) for rows in (ORDER, FIND)),
        (PUT, TABLE, WATCH),
        (GET, TABLE, STOCK),
        *((action, TABLE, rows) for action in (GET, PUT) for rows in (ORDER, DELIVERY, UNTRACKED)),
    }
)
CUSTOMER_TOPIC = TOPIC | {(SECRET, "SearchSecret", "")}
"""A topic that learns e-mail addresses, which it writes as keyed digests."""
PRODUCT_TOPIC = ANY_TOPIC | KNOWS_STORES | {(PUT, TABLE, PRODUCT)}
STOCK_TOPIC = (
    ANY_TOPIC
    | WRITES_ORDERS
    | KNOWS_STORES
    | {
        ("dynamodb:Query", "Table/index/by_state", WATCH),
        (BATCH, TABLE, ORDER),
        *((action, TABLE, rows) for action in (GET, PUT) for rows in (ORDER, STOCK, DELIVERY, UNTRACKED)),
    }
)
OF_PRODUCTS = {"printful/product_synced", "printful/product_updated", "printful/product_deleted"}
OF_PRINTFUL = {f"printful/{topic}" for topic in template.printful_topics_about_orders()}
OF_CUSTOMERS = {"storefront/order_paid", "storefront/order_updated"}
RIGHTS: dict[str, set[tuple[str, str, str]]] = {
    **{
        f"receive/{sender}": {
            (PUT, TABLE, EVENT),
            (UPDATE, TABLE, GENUINE),
            (SECRET, f"{camel(sender)}Secret", ""),
            # The refused requests are counted if the sender disables its webhook after too many.
            *({(PUT, TABLE, "REFUSED#*")} if sender in DISABLED_AFTER else set()),
        }
        for sender in SENDERS
    },
    "pump": {
        *READ_EVENT,
        (UPDATE, TABLE, EVENT),
        *(("lambda:InvokeFunction", f"{source}-*", "") for source in SOURCES),
        *((SEND, f"{camel(destination)}Queue", "") for destination in DESTINATIONS),
        (SEND, "PrintFilesQueue", ""),
        ("dynamodb:DescribeStream", STREAM, ""),
        ("dynamodb:GetShardIterator", STREAM, ""),
        ("dynamodb:GetRecords", STREAM, ""),
        ("dynamodb:ListStreams", "*", ""),
        FAIL,
    },
    **{f"{provider}/{topic}": TOPIC for provider, topic in template.topics()},
    **dict.fromkeys(OF_CUSTOMERS, CUSTOMER_TOPIC),
    **dict.fromkeys(OF_PRINTFUL, CUSTOMER_TOPIC | KNOWS_STORES),
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
        *WRITES_ORDERS,
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
        *deliver("storefront"),
        *((action, TABLE, rows) for action in (GET, PUT, UPDATE) for rows in (ORDER, DELIVERY, UNTRACKED, TURN)),
        *((action, TABLE, "SETTING#storefront") for action in (GET, PUT)),
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
        *deliver("camaloon"),
        *((action, TABLE, rows) for action in (GET, PUT, UPDATE) for rows in (ORDER, DELIVERY, UNTRACKED)),
        (SECRET, "CamaloonSecret", ""),
    },
    "deliver/oms": {
        *deliver("oms"),
        *(
            (action, TABLE, rows)
            for action in (GET, PUT, UPDATE)
            for rows in (ORDER, DELIVERY, UNTRACKED, TURN, POLL, BATCHED, CATALOGUE)
        ),
        (BATCH, TABLE, ORDER),
        (BATCH, TABLE, CATALOGUE),
        (SECRET, "OmsApiSecret", ""),
    },
    "print_files": {
        *WRITES_ORDERS,
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
        *(("dynamodb:Query", "Table/index/by_state", rows) for rows in (ORDER, EVENT, DELIVERY, DRIFT, STORE)),
        *(("dynamodb:Query", "Table/index/by_created", rows) for rows in ("EVENT/*", "REFUSED/*")),
        ("dynamodb:Query", "Table/index/by_attention", "OUTDATED/*"),
        *((BATCH, TABLE, rows) for rows in (ORDER, DELIVERY, GENUINE)),
        *((GET, TABLE, rows) for rows in (ORDER, SETTING)),
        *((action, TABLE, rows) for action in (PUT, UPDATE) for rows in (ORDER, DELIVERY, "SETTING#monitor")),
        *(("sqs:GetQueueAttributes", f"{camel(queue)}DeadLetterQueue", "") for queue in conditions.QUEUES),
        ("sns:Publish", "AlarmTopic", ""),
    },
    "catalogue": {
        *((action, TABLE, rows) for action in (GET, BATCH, PUT) for rows in (CATALOGUE, DELIVERY)),
        ("dynamodb:Query", "Table/index/by_state", CATALOGUE),
        (SECRET, "OmsApiSecret", ""),
    },
    "oms_order": {
        *WRITES_ORDERS,
        *(
            (action, TABLE, rows)
            for action in (GET, PUT, UPDATE)
            for rows in (ORDER, DELIVERY, UNTRACKED, POLL, READY, ACTION)
        ),
        (SECRET, "OmsApiSecret", ""),
        (SECRET, "OpsTokenSecret", ""),
    },
    "replays": {
        ("dynamodb:Query", "Table/index/by_state", JOB),
        ("dynamodb:Query", "Table/index/by_state", EVENT),
        ("dynamodb:Query", "Table/index/by_state", DELIVERY),
        *((action, TABLE, rows) for action in (GET, BATCH) for rows in (JOB, EVENT, DELIVERY)),
        *((action, TABLE, rows) for action in (PUT, UPDATE) for rows in (JOB, EVENT, DELIVERY, ACTION)),
        *TAKE_DEAD_LETTERS,
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
                *("SETTING#storefront", STORES, STORE),
            )
        ),
        *TAKE_DEAD_LETTERS,
        (SECRET, "OpsTokenSecret", ""),
        (SECRET, "SearchSecret", ""),
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
    """Every right that a function has by its role, as (action, resource, rows)."""
    role = template.template()["Resources"][function["Role"]["Fn::GetAtt"].removesuffix(".Arn")]["Properties"]
    policies = [policy["PolicyDocument"] for policy in role["Policies"]]
    return set[tuple[str, str, str]]().union(*(expand(each) for policy in policies for each in policy["Statement"]))


BY_FOLDER = {folder(function): function for function in functions().values()}


def test_the_table_of_rights_names_every_function() -> None:
    missing, unlisted = sorted(RIGHTS.keys() - BY_FOLDER.keys()), sorted(BY_FOLDER.keys() - RIGHTS.keys())
    assert not missing, f"template.yaml, functions: missing {missing}"
    assert not unlisted, f"RIGHTS in this file: missing {unlisted}"


@pytest.mark.parametrize("name", sorted(BY_FOLDER))
def test_a_function_has_these_rights_and_no_others(name: str) -> None:
    given, needed = rights(BY_FOLDER[name]), RIGHTS[name] | LOGS
    role = BY_FOLDER[name]["Role"]["Fn::GetAtt"].removesuffix(".Arn")
    assert not needed - given, f"template.yaml, {role}: missing {sorted(needed - given)}"
    assert not given - needed, f"template.yaml, {role}: {sorted(given - needed)} is too much"


def everything() -> set[tuple[str, str, str]]:
    return set[tuple[str, str, str]]().union(*(rights(function) for function in BY_FOLDER.values()))


def test_no_action_has_a_wildcard() -> None:
    assert not [right for right in everything() if "*" in right[0]]


def test_no_function_scans_the_table_or_deletes_a_row() -> None:
    assert not {"dynamodb:Scan", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"} & {
        right[0] for right in everything()
    }


READERS = {
    **{f"{camel(sender)}Secret": {f"receive/{sender}"} for sender in SENDERS},
    # Camaloon's secret signs in both directions.
    "CamaloonSecret": {"receive/camaloon", "deliver/camaloon"},
    # The webhook's path contains its secret, so the function that registers it reads it, too.
    "PrintfulSecret": {"receive/printful", "printful_webhook"},
    "PrintfulApiSecret": {"printful_webhook"},
    "StorefrontNotificationsSecret": {"deliver/storefront"},
    "OmsApiSecret": {"deliver/oms", "print_files", "catalogue", "oms_order"},
    "OpsTokenSecret": {"api", "oms_order"},
    "SearchSecret": {"api", *OF_CUSTOMERS, *OF_PRINTFUL},
}


@pytest.mark.parametrize(("secret", "readers"), READERS.items())
def test_a_secret_is_read_by_these_functions_only(secret: str, readers: set[str]) -> None:
    found = {name for name, function in BY_FOLDER.items() if (SECRET, secret, "") in rights(function)}
    assert found == readers, f"template.yaml: {secret} is read by {sorted(found)}, not by {sorted(readers)}"


def test_every_secret_is_read() -> None:
    read, made = {right[1] for right in everything() if right[0] == SECRET}, resources("AWS::SecretsManager::Secret")
    assert sorted(made) == sorted(read), f"template.yaml: no function reads {sorted(made.keys() - read)}"
    assert sorted(made) == sorted(READERS), f"READERS and template.yaml differ: {sorted(made.keys() ^ READERS.keys())}"


@pytest.mark.parametrize("name", sorted(each for each in BY_FOLDER if each.startswith("receive/")))
def test_a_receiver_writes_events_and_reads_one_secret(name: str) -> None:
    found = rights(BY_FOLDER[name])
    refused = {(PUT, TABLE, "REFUSED#*")}  # the count for a provider that disables its webhook after too many
    assert {right for right in found if right[0] != SECRET} - refused == {
        (PUT, TABLE, EVENT),
        (UPDATE, TABLE, GENUINE),
    } | LOGS
    assert len([right for right in found if right[0] == SECRET]) == 1


def test_all_topics_about_orders_share_one_of_three_roles() -> None:
    topics = {f"{provider}/{topic}" for provider, topic in template.topics()}
    others = OF_PRODUCTS | {"printful/stock_updated", "oms/print_file_ready"}
    for role, members in (
        ("TopicRole", topics - others - OF_CUSTOMERS - OF_PRINTFUL),
        ("CustomerTopicRole", OF_CUSTOMERS),
        ("PrintfulTopicRole", OF_PRINTFUL),
    ):
        assert {str(BY_FOLDER[each]["Role"]) for each in members} == {str({"Fn::GetAtt": f"{role}.Arn"})}


def test_a_role_is_for_lambda_and_has_only_its_inline_policies() -> None:
    for role in resources("AWS::IAM::Role").values():
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", {"Service": "lambda.amazonaws.com"})
        assert "ManagedPolicyArns" not in role["Properties"]
    assert not [name for name, function in functions().items() if "Policies" in function]


def test_rows_of_one_transaction_have_the_same_rights() -> None:
    # AWS does not document whether a condition on leading keys is checked per row of a transaction or for all rows.
    for name in (
        *(name for name in BY_FOLDER if name.startswith("deliver/")),
        "untracked",
        "monitor",
        "print_files",
        "batches",
        "api",
        "storefront/order_paid",
        "park",
    ):
        written = {(action, rows) for action, table, rows in rights(BY_FOLDER[name]) if table == TABLE}
        # Never written in a transaction, or only by api.
        alone = {EVENT, DONE, WATCH, DRIFT, FIND, "SETTING#storefront", "SETTING#monitor", STORES, STORE, ANY}
        groups = [{rows for action, rows in written if action == each} - alone for each in (PUT, UPDATE)]
        assert groups[0] == groups[1] or not groups[1], name
