"""Support finds orders by e-mail address, and sees who an order goes to: on record, and nowhere else."""

import base64
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from pressroom.inbox import events
from pressroom.order import customers, repository
from pressroom.order.repository import MOST_FOUND
from pressroom.platform import table, wire
from tests.support.cloud import SECRETS, Clock, aws_calls
from tests.support.hub import Hub
from tests.support.samples import sample

SHIPPED_TO, BOUGHT_BY = "ben@receives.example", "ana@pays.example"
DAY = 24 * 3600


def pay(hub: Hub, order_id: int = 1001, *, to: str = SHIPPED_TO, by: str | None = None, **changes: Any) -> None:
    shipping = sample("storefront/order_paid")["shipping_info"] | {"email": to}
    customer = {"customer": {"email": by}} if by else {}
    hub.send_sample("storefront/order_paid", id=order_id, shipping_info=shipping, **customer, **changes)


def printful(hub: Hub, name: str, *, email: str | None, external_id: str | None) -> None:
    content = sample(f"printful/{name}")
    content["data"]["order"] |= {"external_id": external_id}
    content["data"]["order"]["recipient"]["email"] = email
    hub.receive("printful", "", content)
    hub.settle()


def found(hub: Hub, email: str, **query: str) -> list[str]:
    answer = hub.get("/orders", email=email, **query)
    assert answer["statusCode"] == 200, answer
    return [each["id"] for each in answer["body"]["orders"]]


def search_rows(hub: Hub) -> list[dict[str, Any]]:
    return [row for row in hub.cloud.rows("FIND") if row["pk"]["S"].startswith("FIND#email/")]


# --- finding ---


def test_an_order_is_found_by_the_address_of_the_recipient_and_of_the_buyer(hub: Hub) -> None:
    pay(hub, by=BOUGHT_BY)
    assert found(hub, SHIPPED_TO) == found(hub, BOUGHT_BY) == ["1001"]
    assert found(hub, f"  {SHIPPED_TO.upper()} ") == ["1001"]
    assert found(hub, "somebody@else.example") == found(hub, "no address") == []


def test_all_orders_of_a_customer_are_found_and_filtered(hub: Hub, clock: Clock) -> None:
    for order_id in (1, 2, 3):
        pay(hub, order_id)
        clock.advance(40 * DAY)
    pay(hub, 4, to=BOUGHT_BY)
    hub.send_sample("storefront/order_canceled", id=2)
    assert found(hub, SHIPPED_TO) == ["3", "2", "1"]
    assert found(hub, SHIPPED_TO, attention="any") == ["2"]
    first = hub.get("/orders", email=SHIPPED_TO, limit="2")["body"]
    assert [each["id"] for each in first["orders"]] == ["3", "2"]
    assert found(hub, SHIPPED_TO, cursor=first["cursor"]) == ["1"]
    assert hub.get("/orders", email=BOUGHT_BY, cursor=first["cursor"])["statusCode"] == 400
    assert hub.get("/orders", email=BOUGHT_BY, ref="R")["statusCode"] == 400
    assert hub.get("/orders", email="x" * 400)["statusCode"] == 400
    for name in ("id", "ref", "tracking", "email"):
        answer = hub.get("/orders", **{name: ""})
        assert (answer["statusCode"], answer["body"]["detail"]) == (400, f"{name} is empty.")


def test_an_order_is_found_for_four_hundred_days(hub: Hub, clock: Clock) -> None:
    pay(hub)
    (row,) = search_rows(hub)
    assert int(row["expires_at"]["N"]) == int(clock.now.timestamp()) + 400 * DAY
    clock.advance(399 * DAY)
    assert found(hub, SHIPPED_TO) == ["1001"]


def test_a_changed_address_finds_the_order_too_and_an_unchanged_one_writes_nothing(hub: Hub) -> None:
    pay(hub)
    paid = sample("storefront/order_paid")
    lines = [line | {"id": str(n)} for n, line in enumerate(paid["line_items"], 1)]

    def changed(email: str, minute: int) -> int:
        at = {"updated_at": f"2026-09-02T10:{minute:02}:00Z", "line_items": lines}
        hub.receive(
            "storefront", "order_updated", paid | at | {"shipping_info": paid["shipping_info"] | {"email": email}}
        )
        with aws_calls() as calls:
            hub.settle()
        return sum(name == "UpdateItem" and "FIND#" in str(call) for name, call in calls)

    assert changed(SHIPPED_TO, 1) == 0
    assert changed(BOUGHT_BY, 2) == 1
    assert changed(BOUGHT_BY, 3) == 0
    assert found(hub, SHIPPED_TO) == found(hub, BOUGHT_BY) == ["1001"]


def test_a_message_that_comes_again_writes_no_row(hub: Hub) -> None:
    pay(hub)
    before = search_rows(hub)
    pay(hub)
    assert search_rows(hub) == before


@pytest.mark.parametrize("name", ["order_created", "package_shipped", "order_put_hold"])
def test_an_order_that_only_printful_knows_is_found_by_its_recipient(hub: Hub, name: str) -> None:
    printful(hub, name, email=SHIPPED_TO, external_id=None)
    assert found(hub, SHIPPED_TO) == ["printful:98765432"]


def test_the_shops_address_counts_once_it_is_known_and_printfuls_is_not_written(hub: Hub) -> None:
    hub.cloud.parameters["RoutingRules"] = "*=printful"
    pay(hub, 1002)
    with aws_calls() as calls:
        printful(hub, "order_created", email="orders@merchant.example", external_id="1002")
    assert found(hub, "orders@merchant.example") == []
    assert not [call for name, call in calls if name == "UpdateItem" and "FIND#email" in str(call)]


def test_an_order_without_an_address_is_processed(hub: Hub) -> None:
    printful(hub, "order_created", email=None, external_id=None)
    assert search_rows(hub) == []
    assert hub.order("printful:98765432")["status"] == "accepted"


def test_the_table_holds_no_address_outside_the_bodies_and_no_digest_without_the_key(hub: Hub) -> None:
    pay(hub, by=BOUGHT_BY)
    row = repository.get("1001")
    assert row is not None
    plain = [{name: value for name, value in each.items() if name != "body"} for each in hub.cloud.rows()]
    for address in (SHIPPED_TO, BOUGHT_BY):
        assert address not in str(plain) + str(row.facts)
        assert table.digest(address) not in str(plain) + str(row.facts)
    assert len(search_rows(hub)) == 2


def test_a_cursor_is_not_made_from_the_address_itself(hub: Hub) -> None:
    for order_id in (1, 2):
        pay(hub, order_id)
    cursor = hub.get("/orders", email=SHIPPED_TO, limit="1")["body"]["cursor"]
    place = base64.urlsafe_b64decode(cursor).decode()
    assert not place.startswith(table.digest("orders", wire.canonical({"email": SHIPPED_TO}))[:8])
    assert SHIPPED_TO not in place


def test_with_a_new_key_the_older_orders_are_found_by_the_previous_one(hub: Hub, clock: Clock) -> None:
    pay(hub, 1)
    hub.cloud.set_secret("SearchSecret", "another key", SECRETS["SearchSecret"])
    clock.advance(301)
    pay(hub, 2)
    assert found(hub, SHIPPED_TO) == ["2", "1"]
    hub.cloud.set_secret("SearchSecret", "another key")
    clock.advance(301)
    assert found(hub, SHIPPED_TO) == ["2"]


def test_without_a_key_orders_are_processed_and_not_found(hub: Hub) -> None:
    hub.cloud.set_secret("SearchSecret", "")
    pay(hub)
    assert hub.order()["status"] == "accepted"
    assert found(hub, SHIPPED_TO) == []


def test_a_search_reads_a_bounded_number_of_rows(hub: Hub) -> None:
    pay(hub)
    with aws_calls() as calls:
        assert found(hub, SHIPPED_TO) == ["1001"]
    reads = [call for name, call in calls if name == "BatchGetItem"]
    assert len(reads) == 2
    assert len(reads[0]["RequestItems"]["table"]["Keys"]) <= 16
    assert not [name for name, _ in calls if name in ("Query", "Scan")]


def test_a_row_of_an_address_that_is_on_every_order_does_not_grow_for_ever(hub: Hub) -> None:
    pay(hub)
    (row,) = search_rows(hub)
    many = {f"o{number}" for number in range(MOST_FOUND)}
    hub.cloud.dynamodb.put_item(TableName="table", Item=row | {"orders": {"SS": sorted(many)}})
    pay(hub, 1002)
    assert hub.order("1002")["status"] == "accepted"
    (row,) = search_rows(hub)
    assert set(row["orders"]["SS"]) == many


def test_blanks_and_upper_case_do_not_count(hub: Hub) -> None:
    with hub.cloud.as_function("api"):
        assert customers.digests(" Ben@Receives.example\t") == customers.digests(SHIPPED_TO)
        assert customers.digests(SHIPPED_TO) != customers.digests(BOUGHT_BY)


# --- the recipient ---


def shown(hub: Hub, order_id: str = "1001") -> dict[str, Any]:
    answer = hub.post(f"/orders/{order_id}/recipient")
    assert answer["statusCode"] == 200, answer
    body: dict[str, Any] = answer["body"]
    return body


def actions(hub: Hub, target: str = "1001") -> list[str]:
    return [each["action"] for each in hub.get("/actions", target=target)["body"]["actions"]]


def test_the_recipient_is_shown_and_each_time_is_recorded(hub: Hub) -> None:
    pay(hub)
    to = sample("storefront/order_paid")["shipping_info"]
    found = shown(hub)
    assert found["recipient"] == {
        "name": f"{to['first_name']} {to['last_name']}",
        "company": to.get("company_name") or None,
        "address1": to["address"],
        "address2": to.get("address2") or None,
        "zip": to["zip"],
        "city": to["city"],
        "province": to["province"] or None,
        "country_code": to["country_code"],
        "email": SHIPPED_TO,
        "telephone": to["telephone"],
    }
    assert (found["provider"], hub.event(found["event_id"])["topic"]) == ("storefront", "order_paid")
    assert actions(hub) == ["show_recipient"]
    shown(hub)
    assert actions(hub) == ["show_recipient", "show_recipient"], "two at the same time are two"
    (first, _) = hub.get("/actions", target="1001")["body"]["actions"]
    assert first["by"].startswith("token:")


def test_what_is_not_recorded_is_not_shown(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    pay(hub)
    real = BaseClient._make_api_call  # type: ignore[attr-defined]

    def throttled(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "PutItem" and parameters["Item"]["pk"]["S"].startswith("ACTION#"):
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)
        return real(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", throttled)
    answer = hub.post("/orders/1001/recipient")
    assert (answer["statusCode"], "Soler" in str(answer)) == (500, False)


def test_the_latest_address_of_the_shop_is_shown(hub: Hub) -> None:
    pay(hub)
    paid = sample("storefront/order_paid")
    lines = [line | {"id": str(n)} for n, line in enumerate(paid["line_items"], 1)]
    update = {"updated_at": "2026-09-03T10:00:00Z", "line_items": lines}
    moved = paid["shipping_info"] | {"address": "Harbour 1", "city": "Rotterdam"}
    hub.receive("storefront", "order_updated", paid | update | {"shipping_info": moved})
    hub.send_sample("storefront/order_canceled", id=1001)
    assert shown(hub)["recipient"]["city"] == "Rotterdam"


def test_the_shops_recipient_counts_and_printfuls_if_there_is_none(hub: Hub) -> None:
    hub.cloud.parameters["RoutingRules"] = "*=printful"
    printful(hub, "package_shipped", email=SHIPPED_TO, external_id="1002")
    found = shown(hub, "1002")
    to = sample("printful/package_shipped")["data"]["order"]["recipient"]
    assert (found["provider"], found["recipient"]["name"]) == ("printful", to["name"])
    assert (found["recipient"]["zip"], found["recipient"]["email"]) == (to["zip"], SHIPPED_TO)
    pay(hub, 1002)
    assert shown(hub, "1002")["provider"] == "storefront"


def test_there_is_no_recipient_without_an_order_or_a_stored_webhook(hub: Hub) -> None:
    assert hub.post("/orders/1001/recipient")["statusCode"] == 404
    pay(hub)
    for row in hub.cloud.rows(events.KIND):
        hub.cloud.dynamodb.delete_item(TableName="table", Key={"pk": row["pk"]})
    answer = hub.post("/orders/1001/recipient")
    assert (answer["statusCode"], answer["body"]["detail"][:17]) == (404, "No stored webhook")
    assert actions(hub) == []


# --- erased ---


def test_erasing_removes_the_digests_and_the_recipient(hub: Hub, clock: Clock) -> None:
    pay(hub, by=BOUGHT_BY)
    pay(hub, 1002)
    assert hub.post("/orders/1001/erase")["statusCode"] == 200
    assert found(hub, SHIPPED_TO) == ["1002"]
    assert found(hub, BOUGHT_BY) == []
    row = repository.get("1001")
    assert row is not None
    assert customers.of(row.facts) == set()
    assert hub.post("/orders/1001/recipient")["statusCode"] == 404
    (empty,) = [each for each in search_rows(hub) if "orders" not in each]
    assert int(empty["expires_at"]["N"]) <= int(clock.now.timestamp()), "an empty row expires at once"
    pay(hub, by=BOUGHT_BY)  # a duplicate
    assert found(hub, BOUGHT_BY) == []


# --- linked records ---

RECORD = "printful:98765432"


def linked(hub: Hub) -> None:
    """A record of Printful's own, and a paid order of another customer, to which a person links it."""
    printful(hub, "order_put_hold", email=SHIPPED_TO, external_id=None)
    pay(hub, to=BOUGHT_BY)
    assert hub.post("/orders/1001/link", {"record": RECORD})["statusCode"] == 200


def test_a_link_does_not_find_the_order_by_the_address_of_the_record(hub: Hub) -> None:
    linked(hub)
    assert (found(hub, SHIPPED_TO), found(hub, BOUGHT_BY)) == ([RECORD], ["1001"])
    assert shown(hub)["recipient"]["email"] == BOUGHT_BY


def test_erasing_an_order_removes_the_address_of_its_linked_record(hub: Hub) -> None:
    linked(hub)
    assert hub.post("/orders/1001/erase")["statusCode"] == 200
    assert found(hub, SHIPPED_TO) == found(hub, BOUGHT_BY) == []
    for order_id in ("1001", RECORD):
        assert hub.post(f"/orders/{order_id}/recipient")["statusCode"] == 404


def test_after_a_link_is_undone_the_recipient_is_the_records_only(hub: Hub) -> None:
    printful(hub, "order_put_hold", email=SHIPPED_TO, external_id=None)
    printful(hub, "package_shipped", email=BOUGHT_BY, external_id="1001")
    # Both have Printful's number 98765432, so the record is the order's by an exact rule.
    assert hub.order("1001")["linked"] == [RECORD]
    assert hub.post("/orders/1001/unlink", {"record": RECORD})["statusCode"] == 200
    for row in hub.cloud.rows(events.KIND):
        if row["topic"]["S"] == "package_shipped":
            hub.cloud.dynamodb.delete_item(TableName="table", Key={"pk": row["pk"]})
    assert hub.post("/orders/1001/recipient")["statusCode"] == 404
    assert shown(hub, RECORD)["recipient"]["email"] == SHIPPED_TO


def test_erasing_an_order_leaves_what_belongs_to_a_record_that_is_parted_from_it(hub: Hub) -> None:
    linked(hub)
    assert hub.post("/orders/1001/unlink", {"record": RECORD})["statusCode"] == 200
    assert hub.post("/orders/1001/erase")["statusCode"] == 200
    assert (found(hub, SHIPPED_TO), found(hub, BOUGHT_BY)) == ([RECORD], [])
    assert shown(hub, RECORD)["recipient"]["email"] == SHIPPED_TO
