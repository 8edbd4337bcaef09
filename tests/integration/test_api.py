"""The ops API: its door, and what it shows."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from pressroom import record, table
from pressroom.orders import Fact
from pressroom.record import Decision
from tests.support import gateway
from tests.support.cloud import SECRETS, Clock, Cloud
from tests.support.hub import Hub, read
from tests.support.samples import BADGE, order, sample, shipment

TOKEN = SECRETS["OpsTokenSecret"]
ROUTES = [
    ("GET", "/orders"),
    ("GET", "/orders/1001"),
    ("GET", "/events"),
    ("GET", "/events/e"),
    ("POST", "/events/e/replay"),
    ("GET", "/deliveries"),
    ("GET", "/deliveries/d"),
    ("POST", "/deliveries/d/replay"),
]


def ask(cloud: Cloud, authorization: str | None, method: str = "GET", path: str = "/orders") -> dict[str, Any]:
    headers = {} if authorization is None else {"authorization": authorization}
    return read(cloud.call("api", gateway.request(method, path, headers=headers)))


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer  {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        "Bearer ñ",
    ],
)
def test_nobody_comes_in_without_the_token(cloud: Cloud, method: str, path: str, authorization: str | None) -> None:
    answer = ask(cloud, authorization, method, path)
    assert answer["statusCode"] == 401
    assert answer["body"] == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "A valid ops token is required: Authorization: Bearer <token>",
    }


def test_the_token_opens_whatever_the_case_of_the_scheme(cloud: Cloud) -> None:
    assert [ask(cloud, f"{scheme} {TOKEN}")["statusCode"] for scheme in ("Bearer", "bearer")] == [200, 200]


def test_the_previous_token_still_opens(cloud: Cloud) -> None:
    cloud.set_secret("OpsTokenSecret", "the-new-one", previous=TOKEN)
    assert [ask(cloud, f"Bearer {token}")["statusCode"] for token in (TOKEN, "the-new-one")] == [200, 200]


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if len(route[1].split("/")) > 2])
def test_what_does_not_exist_is_not_found(cloud: Cloud, method: str, path: str) -> None:
    answer = ask(cloud, f"Bearer {TOKEN}", method, path)
    assert (answer["statusCode"], answer["body"]["status"]) == (404, 404)


def test_an_order_has_the_keys_of_the_contract(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    hub.receive("camaloon", "shipment_sent", sample("camaloon/shipment_sent"))
    hub.settle()
    shown = hub.order()
    assert set(shown) == {
        *("id", "ref", "status", "on_hold", "attention", "currency", "created_at", "updated_at"),
        *("lines", "shipments", "deliveries", "timeline", "holds", "refunds", "provider_orders"),
    }
    contract = {"id", "sku", "quantity", "destination", "status", "shipped_quantity", "canceled_quantity"}
    assert set(shown["lines"][0]) == contract | {"price", "returned_quantity", "error"}
    assert set(shown["shipments"][0]) == {
        *("id", "provider", "carrier", "tracking_number", "tracking_url", "shipped_at"),
        *("reshipment", "returned", "lines"),
    }
    assert set(shown["shipments"][0]["lines"][0]) == {"line_id", "sku", "quantity"}
    assert set(shown["deliveries"][0]) == {"id", "destination", "operation", "status", "attempts", "last_error"}
    assert set(shown["timeline"][0]) == {"at", "received_at", "source", "event_id", "text"}


def test_an_order_says_what_happened(hub: Hub, clock: Clock) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    clock.advance(60)
    hub.receive("camaloon", "shipment_sent", sample("camaloon/shipment_sent"))
    hub.settle()
    shown = hub.order()
    assert (shown["id"], shown["ref"], shown["currency"]) == ("1001", "20260901003", "EUR")
    assert (shown["created_at"], shown["updated_at"]) == ("2026-09-01T14:09:54.000Z", "2026-09-01T14:11:00.000Z")
    assert shown["lines"][0] == {
        "id": "1",
        "sku": BADGE,
        "quantity": 10,
        "destination": "camaloon",
        "price": "12.5",
        "status": "shipped",
        "shipped_quantity": 10,
        "canceled_quantity": 0,
        "returned_quantity": 0,
        "error": None,
    }
    assert [each["source"] for each in shown["timeline"]] == [
        "storefront.order_paid",
        "deliver.camaloon",
        "camaloon.shipment_sent",
    ]


def test_an_order_shows_nothing_personal(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    assert "Marta" not in str(hub.order())


ODD_IDS = [
    ("A 7", "A 7"),
    ("A 7", "A%207"),
    ("ñ", "%C3%B1"),
    ("#1", "%231"),
    ('a/b?c"', "a%2Fb%3Fc%22"),
    ("5%25", "5%2525"),
]


@pytest.mark.parametrize(("order_id", "path"), ODD_IDS)
def test_an_id_may_hold_what_a_url_must_escape(hub: Hub, order_id: str, path: str) -> None:
    hub.receive("storefront", "order_paid", order(id=order_id))
    hub.settle()
    assert hub.order(path)["id"] == order_id


def fill(count: int) -> list[str]:
    """Write orders, two of them a minute; their ids, newest first."""
    ids = []
    for number in range(count):
        at = f"2026-09-01T10:{number // 2:02}:00.000Z"
        data: dict[str, Any] = {"ref": None, "currency": "EUR", "created_at": at, "deliveries": [], "lines": []}
        kind = "paid" if number % 3 else "shipped"
        if kind == "shipped":
            data = {
                "provider": "camaloon",
                "parcel": "p",
                "carrier": None,
                "tracking_number": None,
                "tracking_url": None,
                "lines": [],
            }
        order_id = f"o{number:03}"
        fact = Fact(id=f"f{number}", kind=kind, source="test", at=at, received_at=at, data=data)
        record.apply(Decision(order_id=order_id, facts=(fact,)))
        ids.append(order_id)
    return ids[::-1]


def pages(get: Callable[..., dict[str, Any]], **query: str) -> list[list[str]]:
    """The ids on each page, from the first to the last."""
    found, cursor = [], ""
    while True:
        answer = get("/orders", **query, **({"cursor": cursor} if cursor else {}))
        assert answer["statusCode"] == 200, answer
        found.append([each["id"] for each in answer["body"]["orders"]])
        cursor = answer["body"]["cursor"]
        if not cursor:
            return found


def listed(pages: list[list[str]]) -> list[str]:
    return [each for page in pages for each in page]


@pytest.mark.parametrize("limit", [1, 7, 11, 100])
def test_the_list_is_newest_first_without_gaps_or_repeats(hub: Hub, limit: int) -> None:
    newest = fill(22)
    found = pages(hub.get, limit=str(limit))
    assert listed(found) == newest
    assert all(len(page) == limit for page in found[:-1])
    assert found[-1], "no page is empty"


def test_a_page_that_one_shard_fills_alone_has_a_next_one(hub: Hub) -> None:
    crowded = [each for each in (f"s{number}" for number in range(40)) if table.shard(each) == 1][:5]
    for number, order_id in enumerate(crowded):
        at = f"2026-09-01T10:{number:02}:00.000Z"
        fact = Fact(id=order_id, kind="paid_again", source="test", at=at, received_at=at)
        record.apply(Decision(order_id=order_id, facts=(fact,)))
    assert listed(pages(hub.get, limit="2")) == crowded[::-1]


def test_the_list_by_status_holds_those_that_stand_there(hub: Hub) -> None:
    newest = fill(22)
    shipped = [each for each in newest if int(each[1:]) % 3 == 0]
    found = {
        status: listed(pages(hub.get, limit="4", status=status)) for status in ("paid", "partially_shipped", "failed")
    }
    assert found == {
        "paid": [each for each in newest if each not in shipped],
        "partially_shipped": shipped,
        "failed": [],
    }


def test_an_order_that_moves_on_leaves_its_status(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    hub.receive("camaloon", "shipment_sent", shipment((BADGE, 1)))
    hub.settle()
    listed = {status: pages(hub.get, status=status) for status in ("paid", "accepted", "partially_shipped")}
    assert listed == {"paid": [[]], "accepted": [[]], "partially_shipped": [["1001"]]}


def test_an_entry_of_the_list_is_a_summary(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    (entry,) = hub.get("/orders")["body"]["orders"]
    shown = hub.order()
    assert entry == {
        name: shown[name] for name in ("id", "ref", "status", "on_hold", "attention", "created_at", "updated_at")
    }


def test_an_empty_list_is_a_list(hub: Hub) -> None:
    assert hub.get("/orders")["body"] == {"orders": [], "cursor": None}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *(("/orders", {"limit": limit}) for limit in ("0", "-1", "101", "ten", "1.5", "²", "9" * 5000)),
        ("/orders", {"status": "lost"}),
        ("/events", {"state": "processed"}),
        ("/events", {"limit": "0"}),
        ("/deliveries", {"status": "pending"}),
    ],
)
def test_a_question_that_makes_no_sense_is_a_bad_request(hub: Hub, path: str, query: dict[str, str]) -> None:
    answer = hub.get(path, **query)
    assert (answer["statusCode"], answer["body"]["title"]) == (400, "Bad Request")


@pytest.mark.parametrize("cursor", ["z", "_w==", "\u00fc", "!!!", "AAAA"])
def test_a_cursor_of_nobody_is_refused(hub: Hub, cursor: str) -> None:
    answer = hub.get("/orders", cursor=cursor)
    assert (answer["statusCode"], answer["body"]["title"]) == (400, "Bad Request")


def test_an_order_that_is_being_written_is_read_a_moment_later(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    real, waited = BaseClient._make_api_call, list[float]()  # type: ignore[attr-defined]

    def busy(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "TransactGetItems" and len(waited) < 2:
            reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
            error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(error, operation)  # type: ignore[arg-type]
        return real(client, operation, parameters)

    monkeypatch.setattr("pressroom.table.time.sleep", waited.append)
    monkeypatch.setattr(BaseClient, "_make_api_call", busy)
    assert hub.order()["status"] == "accepted"
    assert len(waited) == 2


@pytest.mark.parametrize("path", ["orders", "events", "deliveries", "products", "stock"])
def test_an_id_that_no_row_could_have_is_not_found(hub: Hub, path: str) -> None:
    assert hub.get(f"/{path}/{'x' * 3000}")["statusCode"] == 404
    assert hub.get(f"/{path}/{'x' * 3000}", token="wrong")["statusCode"] == 401
