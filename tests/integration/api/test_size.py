"""With ten thousand orders in the table a list reads no more than with a few hundred: what it reads is bounded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from benches import units
from pressroom.api import overview
from pressroom.api.common import MOST, MOST_READ
from pressroom.inbox import events, refusals
from pressroom.inbox.events import Webhook
from pressroom.order import outbox, repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact
from pressroom.order.model import Status
from pressroom.order.outbox import Delivery
from pressroom.platform import config, table
from tests.support import template
from tests.support.hub import Hub

ORDERS = 10_000
OTHERS = 2_000
"""Received webhooks, and deliveries."""


@dataclass
class Read:
    """What was read of the table: queries, entries of indexes, rows, and the read units of all of it."""

    queries: int = 0
    entries: int = 0
    rows: int = 0
    units: float = 0
    others: set[str] = field(default_factory=set)


@contextmanager
def reading(most: int = MOST) -> Iterator[Read]:
    read, real = Read(), BaseClient._make_api_call  # type: ignore[attr-defined]
    indexes = template.resources("AWS::DynamoDB::Table")["Table"]["Properties"]["GlobalSecondaryIndexes"]
    by_name = {index["IndexName"]: index for index in indexes}

    def note(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        answer = real(client, operation, parameters)
        if operation == "Query":
            assert parameters["Limit"] <= most + 1
            read.queries += 1
            read.entries += answer["Count"]
            read.units += units.query(answer, by_name[parameters["IndexName"]])
        elif operation == "BatchGetItem":
            found = answer["Responses"]["table"]
            read.rows += len(parameters["RequestItems"]["table"]["Keys"])
            read.units += sum(units.read(row, consistent=True) for row in found)
            read.units += len(parameters["RequestItems"]["table"]["Keys"]) - len(found)
        elif operation == "GetItem":
            read.rows += 1
            read.units += units.read(answer.get("Item"), consistent=True)
        else:
            read.others.add(operation)
        return answer

    with mock.patch.object(BaseClient, "_make_api_call", note):
        yield read


@pytest.fixture
def full(hub: Hub) -> Hub:
    """Ten thousand orders, a tenth of a minute apart, and webhooks and deliveries in all states.

    One of each is written as it always is, and copied under other ids.
    """
    at = "2026-08-01T00:00:00.000Z"
    lines = [{"id": "1", "sku": "S", "quantity": 1, "price": "1.0", "destination": None}]
    data = {"ref": "R", "currency": "EUR", "created_at": at, "lines": lines, "deliveries": []}
    fact = Fact(id="paid", kind="paid", source="test", at=at, received_at=at, data=data)
    repository.apply(Decision(order_id="model", facts=(fact,)))
    events.record("camaloon", Webhook(topic="shipment_sent", identity="model", body=b"{}"), now=config.utcnow())
    delivery = Delivery.to("camaloon", "x", order_id="1", body=b"", now=config.utcnow())
    hub.cloud.dynamodb.put_item(TableName="table", Item=delivery.new_row())
    ((model,), (event,)) = hub.cloud.rows("ORDER"), hub.cloud.rows("EVENT")
    rows = list[table.Item]()
    for number in range(ORDERS):
        status, order_id = list(Status)[number % len(Status)], f"o{number:05}"
        created = f"2026-08-{1 + number // 1000:02}T{number // 60 % 24:02}:{number % 60:02}:00.000Z"
        row = model | {**table.pk("ORDER", order_id), "status": {"S": status}, "created_at": {"S": created}}
        row |= {"updated_at": {"S": created}, **table.state_index("ORDER", status, order_id, created)}
        row |= {"created_key": {"S": f"ORDER#{table.shard(order_id)}"}}
        row |= {"attention_key": {"S": f"ORDER#{table.shard(order_id)}"}} if number % 2 else {}
        if not number % 2:
            del row["attention_key"]
            row["attention"] = {"L": []}
        rows.append(row)
    for number in range(OTHERS):
        at = f"2026-08-01T{number // 60 % 24:02}:{number % 60:02}:{number // 1440:02}.000Z"
        provider = ("camaloon", "printful")[number % 2]
        event_id, state = f"{provider}-{number:05}", list(events.State)[number % 4]
        row = event | table.pk("EVENT", event_id) | {"provider": {"S": provider}, "received_at": {"S": at}}
        row |= table.created_index(f"EVENT/{provider}", event_id, at)
        if state in (events.State.FAILED, events.State.UNHANDLED):
            row |= {"state": {"S": state}, **table.state_index("EVENT", state, event_id, at)}
        rows.append(row)
        destination = ("camaloon", "oms")[number // 4 % 2]
        ended = replace(delivery, id=f"{destination}-{number:05}", state=list(outbox.State)[number % 4], created_at=at)
        rows.append(ended.new_row())
    stored = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].get_table("table")
    for row in rows:  # not through the API, which would take a minute and more
        stored.put_item(row, overwrite=True)
    return hub


SHARDS = table.SHARDS
QUESTIONS: list[tuple[str, dict[str, str], int]] = [
    ("/orders", {}, 1),
    ("/orders", {"limit": "100"}, 1),
    ("/orders", {"status": "paid"}, 1),
    ("/orders", {"attention": "any"}, 1),
    ("/orders", {"attention": "unroutable", "limit": "100"}, 1),
    ("/orders", {"attention": "returned"}, 2),
    ("/orders", {"provider": "oms"}, 2),
    ("/orders", {"stalled": "1", "provider": "oms"}, 2 * 6),
    ("/orders", {"id": "o00042"}, 0),
    ("/orders", {"id": "nobody"}, 0),
    ("/orders", {"ref": "R"}, 0),
    ("/orders", {"tracking": "T"}, 0),
    ("/orders", {"email": "ben@shop.example"}, 0),
    ("/events", {"limit": "100"}, 6),
    ("/events", {"provider": "camaloon"}, 1),
    ("/events", {"state": "processed"}, 6),
    ("/events", {"state": "failed"}, 2),  # with those of foreign stores
    ("/events", {"state": "failed", "provider": "camaloon"}, 4),
    ("/events", {"state": "unhandled"}, 1),
    ("/events", {"topic": "order_paid"}, 6),
    *(("/deliveries", {"status": str(state)}, 1) for state in outbox.State),
    ("/deliveries", {"status": "dead", "destination": "storefront"}, 2),
    ("/batches", {}, 1),
    ("/drift", {}, 1),
    ("/products", {}, 2),
    ("/products", {"deleted": "false"}, 1),
    ("/stock", {}, 2),
    ("/stock", {"unavailable": "true"}, 1),
]
"""What is asked, and in how many values of an index that looks, each looked in as often as rows are read together."""


def test_no_list_nor_the_overview_reads_more_than_its_bound_whatever_is_in_the_table(full: Hub) -> None:
    the_lists_are_bounded(full)
    the_overview_is_bounded(full)


def the_lists_are_bounded(full: Hub) -> None:
    for path, query, values in QUESTIONS:
        with reading() as read:
            answer = full.get(path, **query)
        what = (path, query, read)
        assert answer["statusCode"] == 200, what
        limit = int(query.get("limit", "50"))
        assert read.others <= {"GetSecretValue"}, what
        assert read.queries <= values * SHARDS, what
        assert read.entries <= values * SHARDS * (MOST + 1), what
        assert read.rows <= MOST_READ, what
        # An entry has up to 200 bytes, and a query's are rounded up together; of the rows here each is one unit.
        assert read.units <= read.queries * 3 + read.rows, what
        (entries,) = (value for name, value in answer["body"].items() if name != "cursor")
        assert len(entries) <= limit, what
        if query == {"provider": "oms"}:  # which nobody has: the page is empty, and the list goes on
            assert (entries, bool(answer["body"]["cursor"])) == ([], True)


def the_overview_is_bounded(full: Hub) -> None:
    with reading(most=overview.MOST) as read:
        answer = full.get("/overview")
    assert answer["statusCode"] == 200
    # The state of the monitor, and the days of the refusals.
    assert (read.rows, read.others - {"GetSecretValue"}) == (1 + refusals.KEPT_FOR.days, set())
    # Orders by status and attention, webhooks set aside, deliveries waiting and dead, and twice what a provider sent.
    values = len(Status) + 1 + 2 + 2 + 2 * 5
    assert read.queries <= values * SHARDS
    assert read.entries <= values * SHARDS * (overview.MOST + 1)
    assert read.units <= 800
    counted = {each["status"]: (each["count"], each["more"]) for each in answer["body"]["orders"]}
    here = {
        status: sum(1 for number in range(ORDERS) if number % len(Status) == place)
        for place, status in enumerate(Status)
    }
    here[Status.PAID] += 1  # the model
    del here[Status.LINKED]  # which is no order
    assert counted == {status: (min(number, overview.MOST), number > overview.MOST) for status, number in here.items()}
    assert answer["body"]["attention"] == {"count": overview.MOST, "more": True}
    dead = {each["destination"]: each["dead"]["count"] for each in answer["body"]["deliveries"]}
    assert dead == {"camaloon": OTHERS // 8, "oms": OTHERS // 8, "storefront": 0}
