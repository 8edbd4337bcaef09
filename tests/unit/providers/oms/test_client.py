"""The result of each response of the OMS, with a fake in place of the network, and with a server on this machine."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pressroom.platform import config, http, wire
from pressroom.platform.errors import Blocked, Dead, DeliveryError, Retry
from pressroom.providers.oms import client
from pressroom.providers.oms.client import ANSWER_BYTES, BatchOrder, Created, Kind, PrintFile
from tests.support.partner import Partner, give_up_soon, partner

TOKEN = "the-api-token"
PERSON = "Marta Soler, Carrer de la Llum 12"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pressroom/oms-api-AbC123"
ORDER = {"ecommerce_order_id": "1001", "items": [{"ecommerce_order_item_id": "1001:1"}]}
CREATED = {
    "uid": "order-uid",
    "ecommerce_order_id": "1001",
    "items": [
        {"uid": "item-1", "ecommerce_order_item_id": "1001:1"},
        {"uid": "item-2", "ecommerce_order_item_id": "1001:2"},
    ],
}
READY = {"ecommerce_order_item_id": "1001:1", "status": "ready", "url": "https://oms.example/print-files/1.pdf"}
BATCH = {"uid": "batch-uid", "status": "Batching"}

type Call = Callable[[], object]

READS: dict[str, Call] = {
    "get_order": lambda: client.get_order("order-uid"),
    "print_file": lambda: client.print_file("1001:1"),
    "get_entry": lambda: client.get_entry(Kind.PRODUCT, 1),
}
WRITES: dict[str, Call] = {
    "create_order": lambda: client.create_order(ORDER),
    "update_order": lambda: client.update_order("order-uid", {"note": "n"}),
    "delete_order": lambda: client.delete_order("order-uid"),
    "create_batch": lambda: client.create_batch(["item-1"], ["template-1"]),
    "create_entry": lambda: client.create_entry(Kind.CATEGORY, {"name": "Badges"}),
    "update_entry": lambda: client.update_entry(Kind.PRODUCT, 1, {"name": "Badges"}),
    "delete_entry": lambda: client.delete_entry(Kind.VARIANT, 1),
}
CALLS = READS | WRITES
MAY_MISS = ("get_order", "print_file", "get_entry", "delete_order", "delete_entry")
"""The calls that report a missing resource; for all others a 404 is a refusal."""


class FakeOms:
    """Stands in for `http.request`. Responds with `answers` in turn, and repeats the last one."""

    def __init__(self) -> None:
        self.answers: list[http.Response | DeliveryError] = [http.Response(200, b"{}")]
        self.requests: list[tuple[str, str, Any, dict[str, str]]] = []
        self.read: list[int] = []

    def says(self, content: object, status: int = 200) -> None:
        self.answers = [http.Response(status, content if isinstance(content, bytes) else json.dumps(content).encode())]

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        read: int,
        accept: frozenset[int],
    ) -> http.Response:
        assert not accept & {408, 429}, "these are Retry, with their Retry-After"
        self.requests.append((method, url, None if body is None else json.loads(body), dict(headers)))
        self.read.append(read)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, DeliveryError):
            raise answer
        assert answer.status < 300 or answer.status in accept
        return answer


class Vault:
    """Secrets Manager, with one secret."""

    def __init__(self) -> None:
        self.has(TOKEN)
        self.now = 1000.0
        self.looks = 0

    def has(self, *values: str) -> None:
        self.text = json.dumps(dict(zip(("current", "previous"), values, strict=False)))

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        assert SecretId == ARN
        self.looks += 1
        return {"SecretString": self.text}


@pytest.fixture(name="vault", autouse=True)
def _vault(monkeypatch: pytest.MonkeyPatch) -> Vault:
    vault = Vault()
    secret = config.Secret(ARN, lambda: vault.now)
    monkeypatch.setattr(config, "client", lambda _: vault)
    monkeypatch.setattr(config, "secret", lambda name: {"OMS_API_SECRET_ARN": secret}[name])
    monkeypatch.setenv("OMS_API_SECRET_ARN", ARN)
    monkeypatch.setenv("OMS_BASE_URL", "https://oms.example")
    monkeypatch.setenv("OMS_STORE_ID", "store-1")
    monkeypatch.setenv("OMS_CREATE_PRINT_FILES", "true")
    return vault


@pytest.fixture(name="other")
def _other(monkeypatch: pytest.MonkeyPatch) -> FakeOms:
    other = FakeOms()
    monkeypatch.setattr(http, "request", other.request)
    return other


def refused(call: Call) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        call()
    assert TOKEN not in repr(caught.value)
    assert "Marta" not in repr(caught.value)
    return caught.value


# What is asked


@pytest.mark.parametrize(
    ("name", "method", "path", "content"),
    [
        ("create_order", "POST", "orders", ORDER | {"store_id": "store-1", "create_print_files": True}),
        ("get_order", "GET", "orders/order-uid", None),
        ("update_order", "PUT", "orders/order-uid", {"note": "n"}),
        ("delete_order", "DELETE", "orders/order-uid", None),
        ("print_file", "GET", "order-items/1001%3A1/print", None),
        ("create_batch", "POST", "batch-orders", {"order_items": ["item-1"], "print_templates": ["template-1"]}),
        ("create_entry", "POST", "product-categories", {"name": "Badges"}),
        ("get_entry", "GET", "products/1", None),
        ("update_entry", "PUT", "products/1", {"name": "Badges"}),
        ("delete_entry", "DELETE", "product-variants/1", None),
    ],
)
def test_each_call_is_one_request(other: FakeOms, name: str, method: str, path: str, content: object) -> None:
    other.says({"uid": "uid", "status": "ready"})
    CALLS[name]()
    ((asked, url, body, headers),) = other.requests
    assert (asked, url, body) == (method, f"https://oms.example/api/v1/{path}", content)
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Accept"] == "application/json", "else a refusal may be a redirect to a page"
    assert headers.get("Content-Type") == (None if content is None else "application/json")


@pytest.mark.parametrize(("text", "flag"), [("true", True), ("false", False), ("", False)])
def test_the_settings_are_added_to_an_order(
    other: FakeOms, monkeypatch: pytest.MonkeyPatch, text: str, flag: bool
) -> None:
    monkeypatch.setenv("OMS_CREATE_PRINT_FILES", text)
    other.says({"uid": "u"})
    client.create_order(ORDER | {"store_id": "another", "create_print_files": None})
    assert other.requests[0][2] == ORDER | {"store_id": "store-1", "create_print_files": flag}
    assert "store_id" not in ORDER


@pytest.mark.parametrize(
    "base", ["https://oms.example/", "https://oms.example/api/v1", " https://oms.example/api/v1/\n"]
)
def test_the_base_url_may_be_written_in_several_ways(
    other: FakeOms, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("OMS_BASE_URL", base)
    client.get_order("1")
    assert other.requests[0][1] == "https://oms.example/api/v1/orders/1"


@pytest.mark.parametrize(
    ("name", "step"),
    [(17, "17"), ("a/b", "a%2Fb"), ("a?b#c", "a%3Fb%23c"), ("../orders", "..%2Forders"), ("é%2F", "%C3%A9%252F")],
)
def test_an_id_is_one_part_of_the_path(other: FakeOms, name: client.Id, step: str) -> None:
    client.get_entry(Kind.PRODUCT, name)
    assert other.requests[0][1] == f"https://oms.example/api/v1/products/{step}"


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_an_id_that_would_change_the_path_is_not_sent(other: FakeOms, name: str) -> None:
    assert isinstance(refused(lambda: client.delete_order(name)), Dead)
    assert not other.requests


def test_numbers_are_written_as_numbers(other: FakeOms) -> None:
    client.update_order("uid", {"total_price": wire.parse(b"69.98"), "items": []})
    assert other.requests[0][2] == {"total_price": 69.98, "items": []}


def test_the_response_to_an_order_may_repeat_the_order(other: FakeOms) -> None:
    for _ in range(2):
        other.says({"uid": "u"})
    client.create_order(ORDER)
    client.create_order(ORDER | {"note": "x" * 1_000_000})
    small, large = other.read
    assert ANSWER_BYTES < small < ANSWER_BYTES + 1000
    assert 2_000_000 < large < 2_200_000
    other.says(READY)
    client.print_file("1001:1")
    assert other.read[-1] == ANSWER_BYTES


# Done


def test_a_created_order_has_the_uids_of_its_items(other: FakeOms) -> None:
    other.says(CREATED, 201)
    assert client.create_order(ORDER) == Created(201, "order-uid", {"1001:1": "item-1", "1001:2": "item-2"})


@pytest.mark.parametrize(
    ("answer", "uid", "items"),
    [
        ({"id": 17, "items": [{"id": 5, "ecommerce_order_item_id": "1001:1"}]}, "17", {"1001:1": "5"}),
        ({"uuid": "u", "items": [{"uuid": "i", "ecommerce_order_item_id": 1}]}, "u", {"1": "i"}),
        ({"uid": "u", "id": 3}, "u", {}),
        ({"id": 3, "uuid": "u"}, "u", {}),
        ({"uid": None, "id": 3, "items": None}, "3", {}),
        ({"uid": "", "items": {}}, None, {}),
        ({"uid": True, "items": {"0": {"uid": "i", "ecommerce_order_item_id": "1001:1"}}}, None, {"1001:1": "i"}),
        ({"uid": {"a": 1}, "items": "none"}, None, {}),
        ({"uid": "u", "items": [None, 5, [], {}, {"uid": "i"}, {"ecommerce_order_item_id": "1001:1"}]}, "u", {}),
        ({"uid": "u" * 201}, None, {}),
        ({"uid": "two\nlines"}, None, {}),
        ({"data": CREATED}, "order-uid", {"1001:1": "item-1", "1001:2": "item-2"}),
        ({"data": CREATED, "message": "created"}, "order-uid", {"1001:1": "item-1", "1001:2": "item-2"}),
        ({"data": {"uid": "another"}, "uid": "u"}, "u", {}),
        ({"data": []}, None, {}),
        ({"message": "created", "new": 1.5}, None, {}),
        ({}, None, {}),
    ],
)
def test_a_created_order_is_read_tolerantly(
    other: FakeOms, answer: object, uid: str | None, items: dict[str, str]
) -> None:
    other.says(answer)
    if uid is None:  # not an order: it may be an error message
        with pytest.raises(Retry, match=r"can.t be read") as caught:
            client.create_order(ORDER)
        assert caught.value.answer_lost
        return
    assert client.create_order(ORDER) == Created(200, uid, items)


def test_an_order_is_returned_as_it_is(other: FakeOms) -> None:
    other.says(CREATED)
    assert client.get_order("order-uid") == CREATED
    assert other.read[0] > 5_000_000, "a hundred items of 50 KB"


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b"null", b"[]", b'"done"', b'{"message": "x", "order_uid": 1}'])
@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_change_succeeds_with_any_json_or_an_empty_body(other: FakeOms, body: bytes, status: int) -> None:
    other.says(body, status)
    assert client.update_order("order-uid", {}) == status
    assert client.delete_order("order-uid") == status
    client.update_entry(Kind.PRODUCT, 1, {})
    assert client.delete_entry(Kind.PRODUCT, 1) is True


def test_a_missing_resource_counts_as_deleted(other: FakeOms) -> None:
    other.says({"message": "Not found"}, 404)
    assert client.delete_order("order-uid") == 404
    assert client.delete_entry(Kind.PRODUCT, 1) is False
    assert client.get_entry(Kind.PRODUCT, 1) is None
    assert client.print_file("1001:1") is None


@pytest.mark.parametrize(
    ("answer", "file"),
    [
        (READY, PrintFile("ready", "https://oms.example/print-files/1.pdf")),
        ({"status": "processing", "url": None}, PrintFile("processing", None)),
        ({"ecommerce_order_item_id": "1001:1", "status": "processingfailed"}, PrintFile("processingfailed", None)),
        ({"status": "received", "url": ""}, PrintFile("received", None)),
        ({"status": "received", "url": []}, PrintFile("received", None)),
        ({"status": "Quite new", "id": 7, "url": None}, PrintFile("Quite new", None)),
        ({"data": {"status": "ready", "url": "u"}}, PrintFile("ready", "u")),
    ],
)
def test_a_print_file_has_a_status_and_perhaps_an_url(other: FakeOms, answer: object, file: PrintFile) -> None:
    other.says(answer)
    assert client.print_file("1001:1") == file


@pytest.mark.parametrize(
    "answer",
    [
        *({}, [], None, "ready", 5, [READY]),
        *({"status": None}, {"status": ""}, {"status": 5}, {"status": ["ready"]}, {"status": "r" * 201}),
        *({"state": "ready"}, {"status": "ready", "url": 5}, {"status": "ready", "url": "u" * 4097}),
        READY | {"ecommerce_order_item_id": "1001:2"},
    ],
)
def test_an_unknown_shape_is_an_unreadable_response(other: FakeOms, answer: object) -> None:
    other.says(answer)
    error = refused(lambda: client.print_file("1001:1"))
    assert isinstance(error, Retry)
    assert (error.status, error.answer_lost) == (200, False)


@pytest.mark.parametrize(
    ("answer", "batch"),
    [
        (BATCH, BatchOrder(201, "batch-uid", "Batching")),
        ({"id": 9, "status": "Something else"}, BatchOrder(201, "9", "Something else")),
        ({"uuid": "u", "status": None}, BatchOrder(201, "u", None)),
        ({"status": 5}, BatchOrder(201, None, None)),
        ({"uid": "", "status": ""}, BatchOrder(201, None, None)),
        ({"uid": 0, "status": "s" * 201}, BatchOrder(201, "0", None)),
    ],
)
def test_a_batch_order_is_read_tolerantly(other: FakeOms, answer: object, batch: BatchOrder) -> None:
    other.says(answer, 201)
    assert client.create_batch(["item-1"], ["template-1"]) == batch


@pytest.mark.parametrize(
    ("kind", "answer", "entry"),
    [
        (Kind.CATEGORY, {"uid": "aef6d9d6", "id": 1}, "aef6d9d6"),
        (Kind.CATEGORY, {"uuid": "aef6d9d6", "id": 1}, "aef6d9d6"),
        (Kind.CATEGORY, {"id": 1}, 1),
        (Kind.CATEGORY, {"id": "1"}, "1"),
        (Kind.PRODUCT, {"uuid": "3bb7725c", "id": 1}, 1),
        (Kind.PRODUCT, {"uid": "3bb7725c", "id": 1}, 1),
        (Kind.PRODUCT, {"uuid": "3bb7725c"}, "3bb7725c"),
        (Kind.VARIANT, {"uid": "3bb7725c", "id": 1}, 1),
        (Kind.VARIANT, {"data": {"uuid": "3bb7725c", "id": 0}}, 0),
    ],
)
def test_an_entry_has_the_id_of_its_kinds_path_as_it_came(
    other: FakeOms, kind: Kind, answer: object, entry: client.Id
) -> None:
    other.says(answer)
    got = client.create_entry(kind, {"name": "n"})
    assert (got, type(got)) == (entry, type(entry))


@pytest.mark.parametrize("answer", [{}, {"message": "created"}, {"id": None}, {"id": 1.5}, {"id": False}])
def test_an_entry_without_an_id_may_exist(other: FakeOms, answer: object) -> None:
    other.says(answer)
    error = refused(WRITES["create_entry"])
    assert isinstance(error, Retry)
    assert error.answer_lost


# Not understood

UNREADABLE = [
    b"<!doctype html><title>Sign in, Marta</title>",
    b"\xff\xfe",
    b'{"uid": "order',
    b"[" * 100_000,
    b"NaN",
    b"ok",
]


@pytest.mark.parametrize("body", UNREADABLE)
@pytest.mark.parametrize("name", CALLS)
def test_a_success_that_is_not_json_is_a_lost_answer(other: FakeOms, name: str, body: bytes) -> None:
    other.says(body)
    error = refused(CALLS[name])
    assert isinstance(error, Retry)
    assert (error.status, error.answer_lost) == (200, name in WRITES)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"created"', b"5", b'[{"uid": "order-uid"}]'])
@pytest.mark.parametrize("name", ["create_order", "create_batch", "create_entry", *READS])
def test_a_success_that_is_not_an_object_is_a_lost_answer(other: FakeOms, name: str, body: bytes) -> None:
    other.says(body, 201)
    error = refused(CALLS[name])
    assert isinstance(error, Retry)
    assert (error.status, error.answer_lost) == (201, name in WRITES)


@pytest.mark.parametrize(
    "body", [b"", b"<html>Marta</html>", b"Not Found", b"[]", b"null", b'"no"', b'{"message": "cut']
)
@pytest.mark.parametrize("name", MAY_MISS)
def test_a_404_that_is_not_from_the_oms_is_a_temporary_failure(other: FakeOms, name: str, body: bytes) -> None:
    other.says(body, 404)
    error = refused(CALLS[name])
    assert isinstance(error, Retry)
    assert not isinstance(error, Blocked)
    assert (error.status, error.answer_lost) == (404, False)


# Refused


CATALOGUE = ("get_entry", "create_entry", "update_entry", "delete_entry")


@pytest.mark.parametrize("status", [400, 402, 403, 405, 406, 409, 410, 413, 415, 418, 422, 451, 499])
@pytest.mark.parametrize("name", CALLS)
def test_a_refusal_is_dead(other: FakeOms, name: str, status: int) -> None:
    other.says({"message": f"{TOKEN} of {'a team' if name in CATALOGUE else PERSON}"}, status)
    error = refused(CALLS[name])
    assert isinstance(error, Dead)
    said = ": *** of a team" if name in CATALOGUE else ""
    assert (error.reason, error.status) == (f"HTTP {status}{said}", status)


@pytest.mark.parametrize("name", sorted(CALLS.keys() - set(MAY_MISS)))
@pytest.mark.parametrize("body", [b'{"message": "none"}', b"<html>"])
def test_a_404_is_a_refusal_of_the_other_calls(other: FakeOms, name: str, body: bytes) -> None:
    other.says(body, 404)
    error = refused(CALLS[name])
    said = ": none" if name in CATALOGUE and body.startswith(b"{") else ""
    assert (type(error), error.reason, error.status) == (Dead, f"HTTP 404{said}", 404)


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (
            {"errors": {"items.0.template_config": ["The items.0.template_config field is required."]}},
            "items.0.template_config",
        ),
        ({"error": f"template_config of {PERSON} is wrong", "detail": ["thumbnails"]}, "template_config, thumbnails"),
        (
            {"errors": [{"field": "/items/3/thumbnails"}, {"field": "customer.email"}]},
            "items.3.thumbnails, customer.email",
        ),
        ([{"loc": ["body", "addresses", 0, "post_code"], "input": PERSON}], "addresses, post_code"),
        ({"thumbnails": ["required"], "template_config": ["required"]}, "thumbnails, template_config"),
        ({"store_id": "unknown store"}, "store_id"),
        ({"errors": [{"field": "$.shippings[0].code", "message": f"{PERSON} is no code"}]}, "shippings.0.code"),
        ({"message": PERSON, "code": 400, "team_id": 5, "status": "error"}, ""),
        ({"message": "Items TEMPLATE_CONFIG my_template_config template_configs"}, ""),
        ({"message": "thumbnails, thumbnails and thumbnails"}, "thumbnails"),
        (b'  {"message": "items are cut off: thumb', "items"),
        (b'{"message": "\xff items"}', "items"),
        (b'<html><meta name="viewport"><p>items, customer</p>', ""),
        (b"items", ""),
        (b"", ""),
    ],
)
def test_only_the_documented_fields_of_a_refusal_are_passed_on(other: FakeOms, answer: object, names: str) -> None:
    other.says(answer, 400)
    assert refused(WRITES["create_order"]).reason == (f"HTTP 400: {names}" if names else "HTTP 400")


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("create_batch", "order_items"),
        ("create_entry", "order_items; parent_id; team_id; name; template_config"),
        ("update_order", "name, template_config"),
        ("print_file", ""),
    ],
)
def test_the_fields_are_those_of_the_requested_resource(other: FakeOms, name: str, names: str) -> None:
    other.says({"errors": ["order_items", "parent_id", "team_id", "name", "template_config"]}, 422)
    assert refused(CALLS[name]).reason == (f"HTTP 422: {names}" if names else "HTTP 422")


def test_a_refused_entry_of_the_catalogue_comes_with_the_omss_own_text(other: FakeOms) -> None:
    other.says({"message": "Not valid.", "errors": [{"field": "team_id", "message": "5 is no team"}]}, 422)
    for name in CATALOGUE:
        assert refused(CALLS[name]).reason == "HTTP 422: Not valid; field: team_id; 5 is no team"


def test_only_the_beginning_of_a_refusal_is_read(other: FakeOms) -> None:
    other.says({"items": "x" * ANSWER_BYTES, "customer": 1}, 400)
    assert refused(WRITES["create_order"]).reason == "HTTP 400: items"


# Later


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("error", "lost"),
    [
        *((Retry(f"HTTP {status}", status=status), True) for status in (408, 500, 501, 503, 520)),
        (Retry("HTTP 502", status=502, answer_lost=True), True),
        (Retry("HTTP 429", status=429, after=7), False),
        (Retry("no connection"), False),
        (Retry("not sent: InvalidHeader"), False),
        (Retry("no answer: ReadTimeout", answer_lost=True), True),
        (Retry("the response is too long", status=200, answer_lost=True), True),
    ],
)
def test_a_failure_is_a_lost_answer_unless_the_request_was_certainly_not_received(
    other: FakeOms, name: str, error: Retry, lost: bool
) -> None:
    other.answers = [error]
    got = refused(CALLS[name])
    assert isinstance(got, Retry)
    assert not isinstance(got, Blocked)
    assert (got.reason, got.status, got.after) == (error.reason, error.status, error.after)
    assert got.answer_lost == (lost and name in WRITES)
    assert len(other.requests) == 1, "who asks decides when to ask again"


def test_a_dead_error_stays_dead(other: FakeOms) -> None:
    other.answers = [Dead("HTTP 302", status=302)]
    assert refused(WRITES["create_order"]).reason == "HTTP 302"


# Blocked


def blocked(call: Call, other: FakeOms, requests: int, capsys: pytest.CaptureFixture[str]) -> str:
    error = refused(call)
    assert isinstance(error, Blocked)
    assert not error.answer_lost
    assert len(other.requests) == requests
    printed = capsys.readouterr().out
    assert '"OmsTokenRefused"' in printed
    assert TOKEN not in printed
    return error.reason


@pytest.mark.parametrize("name", CALLS)
def test_a_refused_token_is_blocked(other: FakeOms, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    other.says({"message": f"{TOKEN} has expired"}, 401)
    reason = blocked(CALLS[name], other, 1, capsys)
    assert reason == "the OMS refuses the token in the secret pressroom/oms-api"
    assert refused(CALLS[name]).status == 401


def test_a_token_that_has_just_changed_is_tried_once(
    other: FakeOms, vault: Vault, capsys: pytest.CaptureFixture[str]
) -> None:
    client.get_order("1")
    vault.has("the-next-token", TOKEN)
    vault.now += config.SECRET_REFRESH_S
    other.answers = [http.Response(401), http.Response(201, json.dumps(CREATED).encode())]
    assert client.create_order(ORDER).uid == "order-uid"
    tokens = [headers["Authorization"] for _, _, _, headers in other.requests]
    assert tokens == [f"Bearer {TOKEN}", f"Bearer {TOKEN}", "Bearer the-next-token"]
    assert other.requests[1][:3] == other.requests[2][:3]
    assert "OmsTokenRefused" not in capsys.readouterr().out


def test_the_changed_token_is_tried_once_only(other: FakeOms, vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    client.get_order("1")
    vault.has("the-next-token")
    vault.now += config.SECRET_REFRESH_S
    other.answers = [http.Response(401)]
    blocked(WRITES["create_order"], other, 3, capsys)
    vault.now += config.SECRET_REFRESH_S
    blocked(WRITES["create_order"], other, 4, capsys)


def test_a_changed_token_is_looked_for_every_ten_seconds_at_most(
    other: FakeOms, vault: Vault, capsys: pytest.CaptureFixture[str]
) -> None:
    other.answers = [http.Response(401)]
    for requests in range(1, 6):
        blocked(READS["print_file"], other, requests, capsys)
    assert vault.looks == 1


def test_a_failure_after_a_change_of_the_token_is_reported_as_that_failure(other: FakeOms, vault: Vault) -> None:
    client.get_order("1")
    vault.has("the-next-token")
    vault.now += config.SECRET_REFRESH_S
    other.answers = [http.Response(401), Retry("HTTP 503", status=503)]
    error = refused(WRITES["create_order"])
    assert isinstance(error, Retry)
    assert (error.reason, error.answer_lost) == ("HTTP 503", True)


@pytest.mark.parametrize("token", ["", " ", "\n", "two tokens", "two\nlines", "tökén"])
def test_an_invalid_token_is_blocked(
    other: FakeOms, vault: Vault, capsys: pytest.CaptureFixture[str], token: str
) -> None:
    vault.has(token)
    assert "token in the secret pressroom/oms-api is not set" in blocked(WRITES["create_order"], other, 0, capsys)


def test_a_token_with_a_line_end_is_stripped(other: FakeOms, vault: Vault) -> None:
    vault.has(f"{TOKEN}\n")
    client.get_order("1")
    assert other.requests[0][3]["Authorization"] == f"Bearer {TOKEN}"


def test_a_token_is_used_soon_after_it_was_set(
    other: FakeOms, vault: Vault, capsys: pytest.CaptureFixture[str]
) -> None:
    vault.has()
    blocked(WRITES["create_order"], other, 0, capsys)
    vault.has(TOKEN)
    blocked(WRITES["create_order"], other, 0, capsys)
    vault.now += config.SECRET_REFRESH_S
    other.says({"uid": "u"})
    assert client.create_order(ORDER) == Created(200, "u", {})


@pytest.mark.parametrize(
    "base", ["", " ", "http://oms.example", "ftp://oms.example", "oms.example", "https://", "https://[", "https:///a"]
)
@pytest.mark.parametrize("name", CALLS)
def test_without_an_https_url_it_is_blocked(
    other: FakeOms, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, base: str
) -> None:
    monkeypatch.setenv("OMS_BASE_URL", base)
    assert "base URL" in blocked(CALLS[name], other, 0, capsys)


def test_without_a_store_nothing_is_created(
    other: FakeOms, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMS_STORE_ID", "")
    assert "store id" in blocked(WRITES["create_order"], other, 0, capsys)
    client.get_order("1")  # which names its order by the OMS's own id


# Over the wire


@pytest.fixture(name="server")
def _server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Partner]:
    """An OMS without TLS, as in the local cloud."""
    monkeypatch.setenv("LOCAL_ENDPOINT_URL", "http://localhost:4566")
    with partner() as server:
        monkeypatch.setenv("OMS_BASE_URL", server.url)
        yield server


def answers(server: Partner, status: int, content: object = b"", *headers: str) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}", *headers]
    server.answer = "\r\n".join([*head, "", ""]).encode() + body


def test_an_order_is_created_on_a_real_server(server: Partner) -> None:
    answers(server, 201, CREATED)
    assert client.create_order(ORDER | {"note": "Ring twice, é"}).items == {"1001:1": "item-1", "1001:2": "item-2"}
    ((line, headers, body),) = server.requests
    assert line == "POST /api/v1/orders HTTP/1.1"
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(body)["note"] == "Ring twice, é"


def test_an_item_is_read_from_a_real_server(server: Partner) -> None:
    answers(server, 200, READY | {"ecommerce_order_item_id": "~2310~2f1:1"})
    assert client.print_file("~2310~2f1:1")
    assert server.requests[0][0] == "GET /api/v1/order-items/~2310~2f1%3A1/print HTTP/1.1"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_comes_with_its_body(server: Partner, status: int) -> None:
    answers(server, status, {"errors": {"template_config": [PERSON]}})
    error = refused(WRITES["create_order"])
    assert error.status == status
    assert isinstance(error, Blocked) if status == 401 else error.reason == f"HTTP {status}: template_config"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("name", ["create_order", "print_file"])
def test_retry_after_is_passed_on_as_after(server: Partner, status: int, name: str) -> None:
    answers(server, status, b"", "Retry-After: 120")
    error = refused(CALLS[name])
    assert isinstance(error, Retry)
    assert (error.status, error.after) == (status, 120)
    assert error.answer_lost == (name == "create_order" and status != 429)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{", b"gibberish\r\n\r\n"])
@pytest.mark.parametrize("hold", [False, True], ids=["dropped", "silent"])
@pytest.mark.parametrize("name", ["create_order", "print_file"])
def test_an_incomplete_response_is_a_lost_answer(
    server: Partner, monkeypatch: pytest.MonkeyPatch, name: str, answer: bytes, hold: bool
) -> None:
    give_up_soon(server, monkeypatch)
    server.answer, server.hold = answer, hold
    error = refused(CALLS[name])
    assert isinstance(error, Retry)
    assert error.answer_lost == (name == "create_order")
    assert not isinstance(error, Blocked)


def test_a_failed_connection_to_the_oms_is_not_a_lost_answer(server: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OMS_BASE_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        error = refused(WRITES["create_order"])
    assert isinstance(error, Retry)
    assert (error.reason, error.answer_lost) == ("no connection", False)


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("name", ["create_order", "print_file", "delete_order"])
def test_a_megabyte_is_not_read(server: Partner, status: int, name: str) -> None:
    answers(server, status, READY | {"uid": "u", "message": "x" * 1_000_000})
    error = refused(CALLS[name])
    if name == "create_order" and status == 404:
        assert (type(error), error.reason) == (Dead, "HTTP 404: ecommerce_order_item_id")
    else:
        assert isinstance(error, Retry)
        assert error.answer_lost == (name != "print_file" and status == 200)


def test_a_redirect_is_dead(server: Partner) -> None:
    answers(server, 302, b"", f"Location: {server.url}/login")
    assert refused(WRITES["create_order"]).reason == "HTTP 302"
    assert len(server.requests) == 1


def test_nothing_is_logged(
    server: Partner, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for status in (200, 400, 404, 429, 500):
        answers(server, status, {"uid": PERSON, "message": f"{TOKEN} {PERSON}"})
        for call in CALLS.values():
            try:
                call()
            except DeliveryError:
                continue
    logged = caplog.text + capsys.readouterr().out
    assert not re.search(f"{TOKEN}|Marta|Soler", logged)


def test_the_client_starts_without_pydantic() -> None:
    layer = Path(client.__file__).parents[3]
    code = (
        "import pressroom.providers.oms.client, pressroom.providers.oms.item_ids, sys; print('pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(layer)}, capture_output=True, check=True)
    assert done.stdout == b"False\n"
