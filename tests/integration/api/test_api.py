"""The ops API: its door, and what it shows."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from pressroom.api import common
from pressroom.inbox import events
from pressroom.order import repository
from pressroom.order.decision import Decision
from pressroom.order.facts import Fact
from pressroom.partners import PRINTERS
from pressroom.platform import table
from tests.support import gateway
from tests.support.cloud import SECRETS, Clock, Cloud
from tests.support.hub import Hub, read
from tests.support.samples import BADGE, order, sample, shipment

TOKEN = SECRETS["OpsTokenSecret"]
ROUTES = [
    ("GET", "/orders"),
    ("GET", "/orders/1001"),
    ("GET", "/orders/1001/history"),
    ("GET", "/events"),
    ("GET", "/events/e"),
    ("POST", "/events/e/replay"),
    ("GET", "/deliveries"),
    ("GET", "/deliveries/d"),
    ("POST", "/deliveries/d/replay"),
    ("POST", "/orders/1001/lines/1/route"),
    ("GET", "/batches"),
    ("GET", "/batches/b"),
    ("POST", "/batches"),
    ("GET", "/openapi.json"),
]


def ask(
    cloud: Cloud, authorization: str | None, method: str = "GET", path: str = "/orders", content: bytes = b""
) -> dict[str, Any]:
    headers = {} if authorization is None else {"authorization": authorization}
    return read(cloud.call("api", gateway.request(method, path, headers=headers, body=content)))


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
    answer = ask(cloud, f"Bearer {TOKEN}", method, path, b'{"destination": "camaloon"}')
    assert (answer["statusCode"], answer["body"]["status"]) == (404, 404)


def test_an_order_has_the_keys_of_the_contract(hub: Hub) -> None:
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    hub.receive("camaloon", "shipment_sent", sample("camaloon/shipment_sent"))
    hub.settle()
    shown = hub.order()
    assert set(shown) == {
        *("id", "ref", "status", "on_hold", "attention", "currency", "created_at", "updated_at"),
        *("lines", "shipments", "deliveries", "timeline", "holds", "refunds", "provider_orders", "erased_at"),
        *("linked_to", "linked", "maybe_same"),
    }
    contract = {"id", "sku", "quantity", "destination", "status", "shipped_quantity", "canceled_quantity"}
    ours = {"price", "returned_quantity", "error", "variant", "uid", "print_file", "batch", "name", "unusable"}
    assert set(shown["lines"][0]) == contract | ours
    assert set(shown["shipments"][0]) == {
        *("id", "provider", "carrier", "service", "ship_date", "tracking_number", "tracking_url", "shipped_at"),
        *("reshipment", "returned", "lines", "merged", "notify_customer"),
    }
    assert set(shown["shipments"][0]["lines"][0]) == {"line_id", "sku", "quantity"}
    assert set(shown["deliveries"][0]) == {"id", "destination", "operation", "status", "attempts", "last_error"}
    assert set(shown["timeline"][0]) == {"at", "received_at", "source", "event_id", "text"}


def test_the_history_shows_since_when_each_line_and_parcel_has_its_status(hub: Hub, clock: Clock) -> None:
    hub.send_sample("storefront/order_paid")
    clock.advance(60)
    hub.send_sample("camaloon/shipment_sent")
    shown, steps = hub.order(), hub.get("/orders/1001/history")["body"]["history"]
    line = [(step["at"], step["status"]) for step in steps if (step["what"], step["id"]) == ("line", "1")]
    assert [status for _, status in line] == ["paid", "accepted", "shipped"]
    assert line == sorted(line, key=lambda step: step[0])
    (parcel,) = (step for step in steps if step["what"] == "parcel")
    assert parcel["provider"] == "camaloon"
    assert (parcel["id"], parcel["at"]) == (shown["shipments"][0]["id"], shown["timeline"][-1]["at"])
    assert set(parcel) == {"at", "what", "provider", "id", "status"}


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
        "variant": None,
        "name": "Button badge, 38 mm",
        "unusable": None,
        "uid": None,
        "print_file": None,
        "batch": None,
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


def test_the_gift_and_the_slip_are_shown_from_the_latest_webhook_until_it_is_erased(hub: Hub) -> None:
    first = sample("printful/order_created")
    first["data"]["order"]["gift"] = {"subject": "Old", "message": "Old"}
    hub.receive("printful", "order_created", first)
    later = sample("printful/package_shipped")
    later["data"]["order"]["packing_slip"]["logo_url"] = "javascript:alert(1)"
    hub.receive("printful", "package_shipped", later)
    hub.settle()
    (known,) = hub.order("1002")["provider_orders"]
    assert known["gift"] == {"subject": "Till Nora", "message": "Grattis på födelsedagen!"}
    slip = {name: known["packing_slip"][name] for name in ("message", "logo_url", "custom_order_id")}
    assert slip == {"message": "Thank you for your order.", "logo_url": None, "custom_order_id": "1002"}
    assert events.get(known["described_by"]).topic == "package_shipped"  # type: ignore[union-attr]
    stored = [fact.data for fact in repository.get("1002").facts]  # type: ignore[union-attr]
    assert "Nora" not in str(stored)
    assert hub.post("/orders/1002/erase")["statusCode"] == 200
    (known,) = hub.order("1002")["provider_orders"]
    assert (known["gift"], known["packing_slip"]) == (None, None)
    assert [item["name"] for item in known["items"]] == [None, None]
    assert known["costs"]["total"] == "38.43"


ODD_IDS = [
    ("A 7", "A 7"),
    ("A 7", "A%207"),
    ("ñ", "%C3%B1"),
    ("#1", "%231"),
    ('a/b?c"', "a%252Fb%253Fc%22"),
    ("5%25", "5%2525"),
    ("5%2F/", "5%25252F%252F"),
    ("..", "%252E%252E"),
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
        repository.apply(Decision(order_id=order_id, facts=(fact,)))
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
        repository.apply(Decision(order_id=order_id, facts=(fact,)))
    assert listed(pages(hub.get, limit="2")) == crowded[::-1]


def test_the_list_by_status_holds_the_orders_of_that_status(hub: Hub) -> None:
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
    same = ("id", "ref", "status", "on_hold", "attention", "created_at", "updated_at")
    assert entry == {name: shown[name] for name in same} | {"providers": ["camaloon"]}


def test_an_empty_list_is_a_list(hub: Hub) -> None:
    assert hub.get("/orders")["body"] == {"orders": [], "cursor": None}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *(("/orders", {"limit": limit}) for limit in ("0", "-1", "101", "ten", "1.5", "²", "9" * 5000)),
        ("/orders", {"status": "lost"}),
        ("/orders", {"attention": "boredom"}),
        ("/orders", {"provider": "nobody"}),
        *(("/orders", {"stalled": hours}) for hours in ("0", "soon", "1e9")),
        ("/orders", {"stalled": "1", "status": "delivered"}),
        ("/orders", {"id": "1001", "ref": "20260901003"}),
        ("/events", {"state": "lost"}),
        ("/events", {"provider": "nobody"}),
        ("/events", {"limit": "0"}),
        ("/deliveries", {"status": "lost"}),
        ("/deliveries", {"destination": "nobody"}),
        ("/batches", {"limit": "0"}),
    ],
)
def test_a_question_that_makes_no_sense_is_a_bad_request(hub: Hub, path: str, query: dict[str, str]) -> None:
    answer = hub.get(path, **query)
    assert (answer["statusCode"], answer["body"]["title"]) == (400, "Bad Request")


@pytest.mark.parametrize("path", ["/orders", "/batches"])
@pytest.mark.parametrize("cursor", ["z", "_w==", "\u00fc", "!!!", "AAAA", "AAAA" * 1000])
def test_a_cursor_of_nobody_is_refused(hub: Hub, path: str, cursor: str) -> None:
    answer = hub.get(path, cursor=cursor)
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

    monkeypatch.setattr("pressroom.platform.table.time.sleep", waited.append)
    monkeypatch.setattr(BaseClient, "_make_api_call", busy)
    assert hub.order()["status"] == "accepted"
    assert len(waited) == 2


@pytest.mark.parametrize("path", ["orders", "events", "deliveries", "products", "stock", "batches"])
def test_an_id_that_no_row_could_have_is_not_found(hub: Hub, path: str) -> None:
    assert hub.get(f"/{path}/{'x' * 3000}")["statusCode"] == 404
    assert hub.get(f"/{path}/{'x' * 3000}", token="wrong")["statusCode"] == 401


# --- what a person asks for ---


@pytest.mark.parametrize(
    ("path", "content", "detail"),
    [
        ("/batches", b"{", "not JSON"),
        ("/batches", b"\xff", "not JSON"),
        ("/batches", b"[" * 100_000, "not JSON"),
        ("/batches", b" ", "not JSON"),
        ("/batches", b"[]", "must be a JSON object"),
        ("/batches", b'{"variants": "mug"}', "variants is not a known field"),
        ("/batches", b'{"variant": "poster"}', "PrintTemplates"),
        ("/batches", b'{"variant": ["mug"]}', "variant is invalid: input should be a valid string"),
        ("/batches", b'{"variant": true}', "variant is invalid: input should be a valid string"),
        ("/orders/1001/lines/1/route", b"", "destination is required"),
        (
            "/orders/1001/lines/1/route",
            b'{"destination": "nobody"}',
            f"destination must be one of: {', '.join(sorted(PRINTERS))}",
        ),
        ("/orders/1001/lines/1/route", b'{"destination": ["oms"]}', "destination must be one of"),
        ("/orders/1001/lines/1/route", b'{"destination": {}}', "destination must be one of"),
        ("/orders/1001/lines/1/route", b'{"destination": "oms", "sku": "S"}', "sku is not a known field"),
        ("/orders/1001/lines/1/route", b"camaloon", "not JSON"),
    ],
)
def test_a_body_that_makes_no_sense_is_a_bad_request(cloud: Cloud, path: str, content: bytes, detail: str) -> None:
    cloud.parameters["PrintTemplates"] = "mug=t1,5510=t1"
    event = gateway.request("POST", path, headers={"authorization": f"Bearer {TOKEN}"}, body=content, as_base64=True)
    answer = read(cloud.call("api", event))
    assert (answer["statusCode"], answer["body"]["title"]) == (400, "Bad Request")
    assert detail in answer["body"]["detail"]


def test_a_body_that_is_not_valid_base64_is_a_bad_request(cloud: Cloud) -> None:
    event = gateway.request("POST", "/batches", headers={"authorization": f"Bearer {TOKEN}"}, as_base64=True)
    assert cloud.call("api", event | {"body": "abc"})["statusCode"] == 400


def unwanted(order_id: str = "1001", line_id: str = "1", **line: Any) -> None:
    """Write an order with a line that no rule wanted."""
    at = "2026-09-01T10:00:00.000Z"
    lines = [
        {"id": line_id, "sku": "S", "quantity": 1, "price": "1.0", "destination": None} | line,
        {"id": "made", "sku": "S", "quantity": 1, "price": "1.0", "destination": "camaloon"},
    ]
    data: dict[str, Any] = {"ref": None, "currency": "EUR", "created_at": at, "lines": lines, "deliveries": []}
    fact = Fact(id=f"{order_id}-paid", kind="paid", source="test", at=at, received_at=at, data=data)
    repository.apply(Decision(order_id=order_id, facts=(fact,)))


def route(hub: Hub, destination: str, path: str = "/orders/1001/lines/1/route") -> tuple[int, dict[str, Any]]:
    answer = hub.post(path, {"destination": destination})
    return answer["statusCode"], answer["body"]


def test_a_line_that_no_rule_wanted_is_given_to_a_printer(hub: Hub) -> None:
    unwanted()
    status, answer = route(hub, "printful")
    assert (status, answer["status"]) == (202, "accepted")
    event = hub.event(answer["event_id"])
    assert (event["provider"], event["topic"], event["state"]) == ("ops", "line_routed", "received")
    hub.settle()
    assert hub.event(answer["event_id"])["state"] == "processed"
    shown = hub.order()
    assert (shown["lines"][0]["destination"], shown["attention"]) == ("printful", [])


@pytest.mark.parametrize(("line_id", "path"), ODD_IDS)
def test_a_line_may_be_called_what_a_url_must_escape(hub: Hub, line_id: str, path: str) -> None:
    unwanted("A/7", line_id)
    assert route(hub, "printful", f"/orders/A%252F7/lines/{path}/route")[0] == 202
    hub.settle()
    assert hub.order("A%252F7")["lines"][0]["destination"] == "printful"


def test_asked_twice_it_is_done_once(hub: Hub) -> None:
    unwanted()
    first, second = route(hub, "printful")[1], route(hub, "printful")[1]
    assert second == {"event_id": first["event_id"], "status": "duplicate"}
    hub.settle()
    assert route(hub, "printful") == (
        409,
        {
            "type": "about:blank",
            "title": "Conflict",
            "detail": "The line already has a printer: printful.",
            "status": 409,
        },
    )
    assert len(hub.cloud.rows("EVENT")) == 1


def test_while_one_printer_is_being_sent_a_line_another_printer_is_refused(hub: Hub) -> None:
    unwanted()
    event_id = route(hub, "printful")[1]["event_id"]
    status, answer = route(hub, "cloudprinter")
    assert (status, answer["detail"]) == (
        409,
        f"The event {event_id} already routes the line to printful.",
    )
    hub.settle()
    assert hub.order()["lines"][0]["destination"] == "printful"


def park(hub: Hub, event_id: str) -> None:
    event = events.get(event_id)
    assert event
    with hub.cloud.as_function("park"):
        events.park(event, "it could not be done")
    hub.unseen()


def test_a_line_that_could_not_be_sent_can_be_replayed_or_routed_to_another_printer(hub: Hub) -> None:
    unwanted()
    first = route(hub, "cloudprinter")[1]["event_id"]
    park(hub, first)
    status, answer = route(hub, "cloudprinter")
    assert (status, answer["detail"]) == (409, f"The same request failed before: replay the event {first}.")
    status, other = route(hub, "printful")
    assert (status, other["status"]) == (202, "accepted")
    assert route(hub, "printful") == (202, other | {"status": "duplicate"})
    hub.settle()
    assert hub.order()["lines"][0]["destination"] == "printful"


def test_a_request_that_failed_succeeds_when_it_is_replayed(hub: Hub) -> None:
    unwanted()
    event_id = route(hub, "cloudprinter")[1]["event_id"]
    park(hub, event_id)
    hub.post(f"/events/{event_id}/replay")
    assert route(hub, "printful")[0] == 409
    hub.settle()
    assert hub.order()["lines"][0]["destination"] == "cloudprinter"


def test_the_oms_is_given_personalised_lines_only(hub: Hub) -> None:
    unwanted()
    unwanted("1002", variant="mug")
    status, answer = route(hub, "oms")
    assert (status, answer["detail"]) == (
        400,
        "The line has no personalization, and the OMS prints personalized lines only.",
    )
    assert route(hub, "oms", "/orders/1002/lines/1/route")[0] == 202


def test_a_line_that_has_a_printer_or_is_canceled_or_missing_cannot_be_routed(hub: Hub) -> None:
    unwanted()
    assert route(hub, "printful", "/orders/1001/lines/made/route")[0] == 409
    assert route(hub, "printful", "/orders/1001/lines/2/route")[0] == 404
    assert route(hub, "printful", "/orders/1002/lines/1/route")[0] == 404
    at = "2026-09-01T11:00:00.000Z"
    data: dict[str, Any] = {"reason": None, "deliveries": []}
    fact = Fact(id="revoked", kind="revoked", source="test", at=at, received_at=at, data=data)
    repository.apply(Decision(order_id="1001", facts=(fact,)))
    assert route(hub, "printful")[1]["detail"] == "The line is canceled."
    assert hub.cloud.rows("EVENT") == []


# --- problems, and who asks ---


def test_an_unexpected_exception_is_answered_without_its_text(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(order_id: str) -> None:
        raise ZeroDivisionError("the-text-of-it")

    monkeypatch.setattr(repository, "get_with_deliveries", fail)
    answer = hub.get("/orders/1001")
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (500, "application/problem+json")
    assert answer["body"]["title"] == "Internal Server Error"
    assert "the-text-of-it" not in str(answer)
    assert "request_failed" in capsys.readouterr().out


def test_a_secret_that_cannot_be_read_is_reported_as_a_problem(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.cloud.secrets.delete_secret(SecretId=hub.cloud.arn("OpsTokenSecret"), ForceDeleteWithoutRecovery=True)
    answer = hub.get("/orders")
    assert (answer["statusCode"], answer["body"]["status"]) == (500, 500)


def test_what_is_wrong_is_said_field_by_field_and_never_what_it_held(hub: Hub) -> None:
    answer = hub.get("/orders", status="Marta", limit="zero")
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (400, "application/problem+json")
    assert {each["field"] for each in answer["body"]["errors"]} == {"status", "limit"}
    assert "status must be one of: paid, accepted, in_production" in answer["body"]["detail"]
    assert "Marta" not in str(answer)
    (wrong,) = hub.get("/orders", attention="lost")["body"]["errors"]
    assert wrong["field"] == "attention"
    assert wrong["message"].startswith("must be one of: unpaid, paid_twice, ")
    assert wrong["message"].endswith(", any")


def test_a_request_without_a_token_gets_no_details_of_its_errors(hub: Hub) -> None:
    assert hub.get("/orders", token="wrong", status="lost")["statusCode"] == 401
    assert hub.post("/batches", [], token="wrong")["statusCode"] == 401


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""])
def test_a_body_is_json_whatever_its_type_is_said_to_be(cloud: Cloud, kind: str) -> None:
    cloud.parameters["PrintTemplates"] = "mug=t1"
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": kind}
    answer = read(cloud.call("api", gateway.request("POST", "/batches", headers=headers, body=b'{"variant": "mug"}')))
    assert (answer["statusCode"], answer["body"]) == (200, {"batches": [], "complete": True})


@pytest.mark.parametrize(
    ("given", "who"),
    [
        (None, f"token:{hashlib.sha256(TOKEN.encode()).hexdigest()[:8]}"),
        ("Ada Lovelace, support", "Ada Lovelace, support"),
        ("x" * 100, "x" * 100),
        ("x" * 101, 400),
        ("", 400),
        ("Zoë", 400),
        ("a\x07b", 400),
    ],
)
def test_who_asks_says_so_or_is_known_by_the_token(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, given: str | None, who: str | int
) -> None:
    told = list[str]()
    monkeypatch.setattr(repository, "get_with_deliveries", lambda _: told.append(common.actor()))
    headers = {"authorization": f"Bearer {TOKEN}"} | ({} if given is None else {"x-actor": given})
    status = cloud.call("api", gateway.request("GET", "/orders/1001", headers=headers))["statusCode"]
    assert (told, status) == (([who], 404) if isinstance(who, str) else ([], who))


@pytest.mark.parametrize(("path", "token"), [("/orders", TOKEN), ("/orders/none", TOKEN), ("/orders", "wrong")])
def test_no_answer_is_kept_by_anybody_on_the_way(cloud: Cloud, path: str, token: str) -> None:
    answer = cloud.call("api", gateway.request("GET", path, headers={"authorization": f"Bearer {token}"}))
    assert answer["headers"]["Cache-Control"] == "no-store"
    assert answer["headers"]["X-Content-Type-Options"] == "nosniff"
