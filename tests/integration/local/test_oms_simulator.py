"""The simulator of the OMS refuses what the OMS may refuse, repeats work, and loses responses after the work."""

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from local import localhost
from local.simulators.base import observed
from local.simulators.oms import make_app

GENUINE = {"Authorization": "Bearer token"}
CONFIG = quote(json.dumps({"text": "Zoë & co", "layers": [1]}))
NOWHERE = "00000000-0000-4000-8000-000000000000"
ITEM = {
    "ecommerce_order_item_id": "1001:1",
    "ecommerce_variant_id": "MUG-RED",
    "quantity": 2,
    "price": 12.5,
    "properties": {"engraving": "Zoë"},
    "template_config": CONFIG,
    "thumbnails": ["https://shop.example/1.png"],
    "design_version_id": "dv-1",
}
ADDRESS = {
    "type_id": "shipping",
    "address_1": "Street 1",
    "address_2": "2nd floor",
    "post_code": "08001",
    "city": "Barcelona",
    "county": "Barcelona",
    "country_code": "ES",
    "country_id": 34,
}
ORDER = {
    "store_id": "store",
    "items": [ITEM],
    "ecommerce_order_id": "1001",
    "ecommerce_order_number": "#1001",
    "total_price": 29.99,
    "subtotal_price": 25,
    "currency_code": "EUR",
    "customer": {
        "email": "zoe@example.com",
        "ecommerce_customer_id": "7",
        "name": "Zoë",
        "surname": "Example",
        "phone": "+34 600",
    },
    "note": "ring twice",
    "addresses": [ADDRESS],
    "shippings": [{"code": "STANDARD", "shipping_price": 4.99}],
    "create_print_files": True,
}
CATEGORY = {"name": "Mugs", "description": "All mugs", "default_dpi": 300, "editor_category_id": "e1"}
PRODUCT = {"name": "Mug", "code": "MUG", "order_column": 1, "active": True, "team_id": 5}
VARIANT = {"name": "Mug, red", "country_id": 1, "weight": 300, "length": 10, "ecommerce_tags": "mug,red"}


class Caller:
    """A client of the simulator without a network."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def __call__(self, method: str, path: str, body: Any = None) -> TestResponse:
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers=GENUINE)

    def accepted(self, method: str, path: str, body: Any = None) -> Any:
        answer = self(method, path, body)
        assert (answer.status_code, answer.mimetype) == (200, "application/json"), answer.text
        return answer.get_json()

    def create(self, **changes: Any) -> Any:
        return self.accepted("POST", "/orders", {**ORDER, **changes})

    def refused(self, method: str, path: str, body: Any = None, status: int = 400) -> list[str]:
        """Check the form of a refusal, and return the fields that it names."""
        answer = self(method, path, body)
        assert (answer.status_code, answer.mimetype) == (status, "application/json"), answer.text
        refusal = answer.get_json()
        assert refusal["message"]
        assert set(refusal) == {"message", "errors"}
        return [each["field"] for each in refusal["errors"]]

    def print_file(self, item: str = "1001:1") -> Any:
        return self.accepted("GET", f"/order-items/{quote(item, safe='')}/print")

    def statuses(self, times: int = 4, item: str = "1001:1") -> list[str]:
        return [self.print_file(item)["status"] for _ in range(times)]

    def recorded(self, what: str) -> Any:
        return self.client.get(f"/_{what}").get_json()

    def control(self, what: str, body: Any = None) -> TestResponse:
        return self.client.post(f"/_{what}", json=body)

    def plan(self, **behaviour: Any) -> None:
        assert self.control("behave", behaviour).status_code == 200

    @property
    def answered(self) -> list[int | None]:
        return [each["answered"] for each in self.recorded("requests")]


@pytest.fixture
def oms() -> Caller:
    return Caller(observed(make_app("token", "store")))


def item(number: int, **changes: Any) -> dict[str, Any]:
    return {**ITEM, "ecommerce_order_item_id": f"1001:{number}", **changes}


# --- orders


def test_it_accepts_an_order_and_assigns_uids(oms: Caller) -> None:
    created = oms.create(items=[item(1), item(2)])
    assert created["ecommerce_order_id"] == "1001"
    assert [each["ecommerce_order_item_id"] for each in created["items"]] == ["1001:1", "1001:2"]
    uids = [created["uid"], *(each["uid"] for each in created["items"])]
    assert [str(uuid.UUID(uid)) for uid in uids] == uids
    assert len(set(uids)) == 3
    assert oms.accepted("GET", f"/orders/{created['uid']}") == created


def test_the_required_fields_are_enough(oms: Caller) -> None:
    required = ("ecommerce_order_item_id", "ecommerce_variant_id", "quantity", "template_config", "thumbnails")
    order = {"store_id": "store", "ecommerce_order_id": "1001", "items": [{name: ITEM[name] for name in required}]}
    oms.accepted("POST", "/orders", order)


def test_it_lists_the_orders_in_full(oms: Caller) -> None:
    first, second = oms.create(), oms.create(ecommerce_order_id="1002")
    assert [each["uid"] for each in oms.recorded("orders")] == [first["uid"], second["uid"]]
    (only,) = oms.recorded("orders")[0].pop("items")
    assert only == {"uid": first["items"][0]["uid"], **ITEM}


def test_an_order_that_is_created_twice_is_printed_twice(oms: Caller) -> None:
    first, second = oms.create(), oms.create()
    assert first["uid"] != second["uid"]
    assert first["items"][0]["uid"] != second["items"][0]["uid"]
    assert oms.recorded("printed") == {"1001:1": 2}
    assert len(oms.recorded("orders")) == 2


def test_an_order_that_is_deleted_is_not_printed(oms: Caller) -> None:
    first, _ = oms.create(items=[item(1), item(2)]), oms.create(items=[item(2)])
    answer = oms.accepted("DELETE", f"/orders/{first['uid']}")
    assert answer["order_uid"] == first["uid"]
    assert answer["message"]
    assert oms.recorded("printed") == {"1001:2": 1}
    assert oms.refused("DELETE", f"/orders/{first['uid']}", status=404) == []
    assert oms.refused("GET", "/order-items/1001:1/print", status=404) == []


def test_an_update_replaces_the_given_fields(oms: Caller) -> None:
    created = oms.create()
    assert oms.accepted("PUT", f"/orders/{created['uid']}", {"note": "new", "total_price": 3}) == created
    (order,) = oms.recorded("orders")
    assert (order["note"], order["total_price"], order["currency_code"]) == ("new", 3, "EUR")
    assert oms.accepted("PUT", f"/orders/{created['uid']}", {}) == created


def test_an_update_prints_only_new_items(oms: Caller) -> None:
    created = oms.create(items=[item(1), item(2)])
    (one, two) = created["items"]
    changed = oms.accepted("PUT", f"/orders/{created['uid']}", {"items": [item(2, quantity=9), item(1), item(3)]})
    assert changed["items"][:2] == [two, one]
    assert changed["items"][2]["ecommerce_order_item_id"] == "1001:3"
    assert oms.recorded("printed") == {"1001:1": 1, "1001:2": 1, "1001:3": 1}
    assert [each["quantity"] for each in oms.recorded("orders")[0]["items"]] == [9, 2, 2]


def test_an_update_removes_the_items_that_it_leaves_out(oms: Caller) -> None:
    created = oms.create(items=[item(1), item(2)])
    oms.accepted("PUT", f"/orders/{created['uid']}", {"items": [item(2)]})
    assert oms.recorded("printed") == {"1001:2": 1}
    oms.refused("GET", "/order-items/1001:1/print", status=404)


def test_an_item_twice_in_a_request_is_printed_twice(oms: Caller) -> None:
    created = oms.create(items=[item(1), item(1)])
    assert oms.recorded("printed") == {"1001:1": 2}
    oms.accepted("PUT", f"/orders/{created['uid']}", {"items": [item(1), item(1), item(1)]})
    assert oms.recorded("printed") == {"1001:1": 3}


def test_fifty_orders_at_once_are_all_counted(oms: Caller) -> None:
    with served(oms.client.application) as url, ThreadPoolExecutor(50) as pool:
        orders = [{**ORDER, "items": [item(1), item(100 + number)]} for number in range(50)]
        answers = list(pool.map(lambda order: create_at(url, order), orders))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["uid"] for answer in answers}) == 50
    assert oms.recorded("printed") == {"1001:1": 50} | {f"1001:{100 + number}": 1 for number in range(50)}
    assert oms.answered == [200] * 50


# --- refusals


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "token"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/orders"),
        *((method, f"/orders/{NOWHERE}") for method in ("GET", "PUT", "DELETE")),
        ("GET", "/order-items/1001:1/print"),
        ("POST", "/batch-orders"),
        *(("POST", f"/{kind}") for kind in ("product-categories", "products", "product-variants")),
        ("GET", "/products/1"),
    ],
)
def test_it_refuses_a_request_without_the_token(oms: Caller, method: str, path: str, headers: dict[str, str]) -> None:
    answer = oms.client.open(f"/api/v1{path}", method=method, headers=headers)
    assert (answer.status_code, answer.mimetype) == (401, "application/json")
    assert answer.get_json()["message"]
    assert oms.answered == [401]


def test_it_refuses_another_store(oms: Caller) -> None:
    assert oms.refused("POST", "/orders", {**ORDER, "store_id": "another"}, status=403) == ["store_id"]
    assert oms.recorded("printed") == {}


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda record: record.pop(name)


def with_(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda record: record.update(changes)


BAD_ITEMS = [
    *(without(name) for name in ITEM if name not in {"price", "properties", "design_version_id"}),
    *(with_(ecommerce_order_item_id=value) for value in (1, "", None)),
    *(with_(ecommerce_variant_id=value) for value in (1, "")),
    *(with_(quantity=value) for value in (0, 1.5, "2", True)),
    *(with_(price=value) for value in ("12.50", -1)),
    *(with_(thumbnails=value) for value in ("https://shop.example/1.png", [1])),
    with_(properties=[]),
    with_(design_version_id=3),
    with_(sku="MUG"),
]


@pytest.mark.parametrize("spoil", BAD_ITEMS)
def test_it_refuses_an_item_that_is_not_as_documented(oms: Caller, spoil: Callable[[dict[str, Any]], None]) -> None:
    known = oms.create()
    wrong = item(2)
    spoil(wrong)
    for method, path, body in (
        ("POST", "/orders", {**ORDER, "items": [item(3), wrong]}),
        ("PUT", f"/orders/{known['uid']}", {"items": [item(3), wrong]}),
    ):
        (field,) = oms.refused(method, path, body)
        assert field.startswith("$.items[1]")
    assert oms.recorded("printed") == {"1001:1": 1}


@pytest.mark.parametrize(
    "config",
    ["", json.dumps({"text": "x"}), "%7B%22text%22", "%zz", "%7B%22a%22%3ANaN%7D", "%22%FF%22", "Zoë", None, {"a": 1}],
)
def test_a_template_config_has_to_be_url_encoded_json(oms: Caller, config: Any) -> None:
    assert oms.refused("POST", "/orders", {**ORDER, "items": [item(1, template_config=config)]}) == [
        "$.items[0].template_config"
    ]


@pytest.mark.parametrize("config", ["%7B%22a%22:1%7D", "%7b%22a+b%22%3a+1%7d", "%5B%22%C3%AB!~*'()%22%5D"])
def test_it_accepts_url_encoded_json_of_any_encoder(oms: Caller, config: str) -> None:
    oms.create(items=[item(1, template_config=config)])


@pytest.mark.parametrize(
    "spoil",
    [
        *(without(name) for name in ("store_id", "items", "ecommerce_order_id")),
        with_(store_id=3),
        with_(ecommerce_order_id=1001),
        with_(items=[]),
        with_(items={}),
        with_(items=[3]),
        *(with_(total_price=value) for value in ("29.99", None)),
        with_(currency_code=978),
        with_(customer=[]),
        with_(customer={"email": 3}),
        with_(customer={"first_name": "Zoë"}),
        with_(note=None),
        with_(addresses=ADDRESS),
        *(
            with_(addresses=[{**ADDRESS, **change}])
            for change in ({"type_id": "home"}, {"country_id": "34"}, {"company": "x"}, {"city": ""}, {"post_code": 8})
        ),
        with_(addresses=[{"type_id": "billing"}]),
        *(
            with_(shippings=[value])
            for value in ({"code": "S"}, {"shipping_price": 1}, {"code": 1, "shipping_price": 1})
        ),
        with_(create_print_files="true"),
        with_(order_uid="x"),
    ],
)
def test_it_refuses_an_order_that_is_not_as_documented(oms: Caller, spoil: Callable[[dict[str, Any]], None]) -> None:
    order: dict[str, Any] = dict(ORDER)
    spoil(order)
    assert oms.refused("POST", "/orders", order)
    assert oms.recorded("orders") == []


@pytest.mark.parametrize("name", ["store_id", "ecommerce_order_id", "create_print_files", "order_uid"])
def test_an_update_can_not_change_a_field_of_the_creation_only(oms: Caller, name: str) -> None:
    created = oms.create()
    assert oms.refused("PUT", f"/orders/{created['uid']}", {name: ORDER.get(name, "x")}) == ["$"]


def test_it_names_all_errors_and_shortens_the_quoted_values(oms: Caller) -> None:
    answer = oms("POST", "/orders", {**ORDER, "note": ["x" * 5000], "total_price": "1"})
    assert {each["field"] for each in answer.get_json()["errors"]} == {"$.note", "$.total_price"}
    assert len(answer.data) < 1000


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"{", "application/json"), (b"", "application/json"), (json.dumps(ORDER).encode(), "text/plain"), (b"{}", "")],
)
def test_it_accepts_json_only(oms: Caller, body: bytes, content_type: str) -> None:
    answer = oms.client.post("/api/v1/orders", data=body, content_type=content_type, headers=GENUINE)
    assert (answer.status_code, answer.mimetype) == (400, "application/json")


@pytest.mark.parametrize("body", [[], "x", None, 3])
def test_it_accepts_objects_only(oms: Caller, body: Any) -> None:
    answer = oms.client.post("/api/v1/orders", data=json.dumps(body), content_type="application/json", headers=GENUINE)
    assert answer.status_code == 400
    assert [each["field"] for each in answer.get_json()["errors"]] == ["$"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, f"/orders/{NOWHERE}") for method in ("GET", "PUT", "DELETE")),
        ("GET", "/order-items/1001%3A1/print"),
        *(
            (method, f"/{kind}/1")
            for kind in ("product-categories", "products", "product-variants")
            for method in ("GET", "PUT", "DELETE")
        ),
    ],
)
def test_it_responds_to_an_unknown_id_with_404_as_json(oms: Caller, method: str, path: str) -> None:
    assert oms.refused(method, path, {} if method == "PUT" else None, status=404) == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/order"), ("GET", "/products"), ("PATCH", f"/orders/{NOWHERE}")])
def test_a_path_that_is_not_documented_responds_with_html(oms: Caller, method: str, path: str) -> None:
    answer = oms(method, path)
    assert (answer.status_code in {404, 405}, answer.mimetype) == (True, "text/html")


# --- print files


def test_a_print_file_passes_its_statuses(oms: Caller) -> None:
    oms.create()
    assert [oms.print_file() for _ in range(2)] == [
        {"ecommerce_order_item_id": "1001:1", "status": status, "url": None} for status in ("received", "processing")
    ]
    first, again = oms.print_file(), oms.print_file()
    assert first == again
    assert (first["status"], first["url"][:8]) == ("ready", "https://")


@pytest.mark.parametrize(
    ("end", "statuses"),
    [
        ("received", ["received"] * 4),
        ("processing", ["received", "processing", "processing", "processing"]),
        ("processingfailed", ["received", "processing", "processingfailed", "processingfailed"]),
        ("Archived", ["received", "processing", "Archived", "Archived"]),
        ("ready", ["received", "processing", "ready", "ready"]),
    ],
)
@pytest.mark.parametrize("which", ["1001:1", "*"])
def test_a_print_file_ends_with_the_configured_status(oms: Caller, which: str, end: str, statuses: list[str]) -> None:
    assert oms.control("print_files", {which: end}).status_code == 200
    oms.create()
    assert oms.statuses() == statuses


def test_one_item_may_end_differently_from_all_others(oms: Caller) -> None:
    oms.create(items=[item(1), item(2)])
    oms.control("print_files", {"1001:1": "ready"})
    oms.control("print_files", {"*": "processingfailed"})
    assert oms.statuses(3, "1001:1")[-1] == "ready"
    assert oms.statuses(3, "1001:2")[-1] == "processingfailed"


def test_a_failed_or_stopped_print_file_can_become_ready(oms: Caller) -> None:
    oms.create(items=[item(1), item(2)])
    oms.control("print_files", {"1001:1": "processingfailed", "1001:2": "received"})
    assert oms.statuses(5, "1001:1")[-1] == "processingfailed"
    assert oms.statuses(5, "1001:2")[-1] == "received"
    oms.control("print_files", {"1001:1": "ready", "1001:2": "ready"})
    assert oms.statuses(1, "1001:1") == ["ready"]
    assert oms.statuses(2, "1001:2") == ["processing", "ready"]


@pytest.mark.parametrize("changes", [{"create_print_files": False}, {"create_print_files": None}])
def test_without_create_print_files_an_item_waits_for_its_batch(oms: Caller, changes: dict[str, Any]) -> None:
    order = {name: value for name, value in {**ORDER, **changes}.items() if value is not None}
    created = oms.accepted("POST", "/orders", order)
    assert oms.statuses(3) == ["received"] * 3
    oms.accepted("POST", "/batch-orders", {"order_items": [created["items"][0]["uid"]], "print_templates": ["t"]})
    assert oms.statuses() == ["received", "processing", "ready", "ready"]


def test_the_newer_order_counts_for_two_items_of_one_id(oms: Caller) -> None:
    oms.create()
    assert oms.statuses(3)[-1] == "ready"
    newer = oms.create()
    assert oms.statuses(1) == ["received"]
    oms.accepted("DELETE", f"/orders/{newer['uid']}")
    assert oms.statuses(1) == ["ready"]


def test_an_update_does_not_reset_a_print_file(oms: Caller) -> None:
    created = oms.create()
    assert oms.statuses(3)[-1] == "ready"
    oms.accepted("PUT", f"/orders/{created['uid']}", {"items": [item(1, quantity=5)]})
    assert oms.statuses(1) == ["ready"]


@pytest.mark.parametrize("body", [[], {"1001:1": None}, {"1001:1": ""}, {"1001:1": 3}])
def test_a_final_status_is_a_text(oms: Caller, body: Any) -> None:
    assert oms.control("print_files", body).status_code == 400


# --- batch orders


def test_each_batch_order_counts_for_each_item(oms: Caller) -> None:
    one, two = (each["uid"] for each in oms.create(items=[item(1), item(2)])["items"])
    wanted = {"order_items": [one, two], "print_templates": ["t1", "t2"]}
    first = oms.accepted("POST", "/batch-orders", wanted)
    assert (set(first), first["status"]) == ({"uid", "status"}, "Batching")
    assert oms.accepted("POST", "/batch-orders", {**wanted, "order_items": [two]})["uid"] != first["uid"]
    assert oms.recorded("batched") == {one: 1, two: 2}
    assert oms.recorded("printed") == {"1001:1": 1, "1001:2": 1}


def test_a_batch_order_with_an_unknown_item_is_refused_completely(oms: Caller) -> None:
    created = oms.create()
    gone = oms.create()
    oms.accepted("DELETE", f"/orders/{gone['uid']}")
    known = created["items"][0]["uid"]
    for unknown in (NOWHERE, "1001:1", created["uid"], gone["items"][0]["uid"]):
        wanted = {"order_items": [known, unknown], "print_templates": ["t"]}
        assert oms.refused("POST", "/batch-orders", wanted) == ["order_items"]
    assert oms.recorded("batched") == {}


@pytest.mark.parametrize(
    "changes",
    [
        *({"order_items": value} for value in ([], "uid", [3], None)),
        *({"print_templates": value} for value in ([], "t", [3], None)),
        {"store_id": "store"},
    ],
)
def test_it_refuses_a_batch_order_that_is_not_as_documented(oms: Caller, changes: dict[str, Any]) -> None:
    wanted = {"order_items": [oms.create()["items"][0]["uid"]], "print_templates": ["t"], **changes}
    assert oms.refused("POST", "/batch-orders", {name: value for name, value in wanted.items() if value is not None})


# --- the catalogue


type Catalogue = dict[str, tuple[Any, dict[str, Any]]]
KINDS = ["product-categories", "products", "product-variants"]


@pytest.fixture
def catalogue(oms: Caller) -> Catalogue:
    """One entry of each kind: its id, and its request."""
    sent: dict[str, dict[str, Any]] = {"product-categories": CATEGORY}
    category = oms.accepted("POST", "/product-categories", CATEGORY)["uid"]
    sent["products"] = {**PRODUCT, "category_id": category}
    product = oms.accepted("POST", "/products", sent["products"])["id"]
    sent["product-variants"] = {**VARIANT, "product_id": product}
    variant = oms.accepted("POST", "/product-variants", sent["product-variants"])["id"]
    return {kind: (known, sent[kind]) for kind, known in zip(KINDS, (category, product, variant), strict=True)}


def test_ids_are_uids_or_integers_and_never_the_same_twice(oms: Caller, catalogue: Catalogue) -> None:
    category, product, variant = (known for known, _ in catalogue.values())
    assert str(uuid.UUID(category)) == category
    assert isinstance(product, int)
    assert isinstance(variant, int)
    assert product != variant
    oms.control("reset")
    again = oms.accepted("POST", "/product-categories", CATEGORY)["uid"]
    assert oms.accepted("POST", "/products", {**PRODUCT, "category_id": again})["id"] not in {product, variant}


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_can_be_read_changed_and_deleted(oms: Caller, catalogue: Catalogue, kind: str) -> None:
    known, sent = catalogue[kind]
    entry = oms.accepted("GET", f"/{kind}/{known}")
    assert entry.items() >= sent.items()
    changed = {**entry, "name": "Another", "default_dpi": 600}
    assert oms.accepted("PUT", f"/{kind}/{known}", {"name": "Another", "default_dpi": 600}) == changed
    assert oms.accepted("PUT", f"/{kind}/{known}", {}) == changed
    for child in KINDS[: KINDS.index(kind) : -1]:
        oms.accepted("DELETE", f"/{child}/{catalogue[child][0]}")
    answer = oms.accepted("DELETE", f"/{kind}/{known}")
    field = {"product-categories": "category_id", "products": "product_id", "product-variants": "variant_id"}[kind]
    assert (set(answer), answer[field]) == ({"message", field}, known)
    assert oms.refused("DELETE", f"/{kind}/{known}", status=404) == []


def test_a_numbered_entry_is_also_found_by_its_uid(oms: Caller, catalogue: Catalogue) -> None:
    for kind in ("products", "product-variants"):
        entry = oms.accepted("GET", f"/{kind}/{catalogue[kind][0]}")
        assert oms.accepted("GET", f"/{kind}/{entry['uuid']}") == entry
    product = oms.accepted("GET", f"/products/{catalogue['products'][0]}")
    oms.accepted("POST", "/product-variants", {**VARIANT, "product_id": product["uuid"]})
    oms.accepted("POST", "/product-variants", {**VARIANT, "product_id": str(product["id"])})


def test_a_variant_may_have_a_given_uuid_once(oms: Caller, catalogue: Catalogue) -> None:
    wanted = {**catalogue["product-variants"][1], "uuid": NOWHERE}
    entry = oms.accepted("POST", "/product-variants", wanted)
    assert entry["uuid"] == NOWHERE
    assert oms.refused("POST", "/product-variants", wanted) == ["uuid"]
    assert oms.refused("POST", "/product-variants", {**wanted, "uuid": "short"}) == ["$.uuid"]
    assert oms.refused("PUT", f"/product-variants/{entry['id']}", {"uuid": NOWHERE}) == ["$"]


def test_the_same_entry_can_be_created_again(oms: Caller, catalogue: Catalogue) -> None:
    for kind in KINDS:
        known, sent = catalogue[kind]
        another = oms.accepted("POST", f"/{kind}", sent)
        assert known not in (another.get("id"), another.get("uid"))


@pytest.mark.parametrize("reference", [999, "999", NOWHERE])
@pytest.mark.parametrize(
    ("kind", "field"),
    [("product-categories", "parent_id"), ("products", "category_id"), ("product-variants", "product_id")],
)
def test_a_reference_to_an_unknown_entry_is_refused(
    oms: Caller, catalogue: Catalogue, kind: str, field: str, reference: Any
) -> None:
    known, sent = catalogue[kind]
    assert oms.refused("POST", f"/{kind}", {**sent, field: reference}) == [field]
    assert oms.refused("PUT", f"/{kind}/{known}", {field: reference}) == [field]


def test_a_reference_to_another_kind_is_refused(oms: Caller, catalogue: Catalogue) -> None:
    variant, _ = catalogue["product-variants"]
    assert oms.refused("POST", "/product-variants", {**VARIANT, "product_id": variant}) == ["product_id"]


def test_a_category_keeps_its_parent(oms: Caller, catalogue: Catalogue) -> None:
    parent, _ = catalogue["product-categories"]
    child = oms.accepted("POST", "/product-categories", {**CATEGORY, "parent_id": parent})
    assert child["parent_id"] == parent


@pytest.mark.parametrize("kind", ["product-categories", "products"])
def test_an_entry_that_others_refer_to_is_not_deleted(oms: Caller, catalogue: Catalogue, kind: str) -> None:
    assert len(oms.refused("DELETE", f"/{kind}/{catalogue[kind][0]}")) == 1
    oms.accepted("GET", f"/{kind}/{catalogue[kind][0]}")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("product-categories", "name"),
        *(("products", name) for name in ("category_id", "name", "order_column", "active", "team_id")),
        *(("product-variants", name) for name in ("name", "product_id", "country_id")),
    ],
)
def test_a_missing_required_field_is_refused(oms: Caller, catalogue: Catalogue, kind: str, name: str) -> None:
    _, sent = catalogue[kind]
    assert oms.refused("POST", f"/{kind}", {**sent, name: None}) == [f"$.{name}"]
    assert oms.refused("POST", f"/{kind}", {key: value for key, value in sent.items() if key != name}) == ["$"]


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("product-categories", {"default_dpi": "300"}),
        ("product-categories", {"editor_category_id": 8}),
        ("product-categories", {"default_location_id": True}),
        ("products", {"active": "yes"}),
        ("products", {"team_id": "5"}),
        ("products", {"order_column": 1.5}),
        ("products", {"code": 1}),
        ("product-variants", {"weight": -1}),
        ("product-variants", {"default_dpi": -1}),
        ("product-variants", {"country_id": "1"}),
        ("product-variants", {"price_id": "1"}),
        ("product-variants", {"seo_details": {}}),
        ("product-variants", {"ecommerce_tags": ["mug"]}),
        *((kind, {"key": "x"}) for kind in KINDS),
    ],
)
def test_it_refuses_an_entry_that_is_not_as_documented(
    oms: Caller, catalogue: Catalogue, kind: str, wrong: dict[str, Any]
) -> None:
    known, sent = catalogue[kind]
    assert len(oms.refused("POST", f"/{kind}", {**sent, **wrong})) == 1
    assert len(oms.refused("PUT", f"/{kind}/{known}", wrong)) == 1
    assert oms.accepted("GET", f"/{kind}/{known}").items() >= sent.items()


# --- behaviours, which all simulators share


def test_a_lost_answer_comes_after_the_work(oms: Caller) -> None:
    oms.plan(lose_answer=True)
    with pytest.raises(ConnectionResetError):
        oms.create()
    assert (oms.recorded("printed"), oms.answered) == ({"1001:1": 1}, [None])
    oms.create()
    assert oms.recorded("printed") == {"1001:1": 2}


@pytest.mark.parametrize(
    ("behaviour", "status"), [({"status": 502}, 502), ({"retry_after": 5}, 429), ({"answer_bytes": 10}, 200)]
)
def test_the_work_may_be_done_with_any_response(oms: Caller, behaviour: dict[str, Any], status: int) -> None:
    oms.plan(lose_answer=True, **behaviour)
    answer = oms("POST", "/orders", ORDER)
    assert (answer.status_code, answer.data) == (status, b"x" * behaviour.get("answer_bytes", 0))
    assert (oms.recorded("printed"), oms.answered) == ({"1001:1": 1}, [status])
    oms.plan(**behaviour)
    assert oms("POST", "/orders", ORDER).status_code == status
    assert oms.recorded("printed") == {"1001:1": 1}


def test_a_dropped_connection_means_no_work(oms: Caller) -> None:
    oms.plan(drop=True)
    with pytest.raises(ConnectionResetError):
        oms.create()
    assert (oms.recorded("printed"), oms.answered) == ({}, [None])


@pytest.mark.parametrize("status", [200, 404])
def test_a_garbage_response_comes_after_the_work(oms: Caller, status: int) -> None:
    oms.plan(garbage=True, **({} if status == 200 else {"status": status}))
    answer = oms("POST", "/orders", ORDER)
    assert (answer.status_code, answer.mimetype, answer.text[:15]) == (status, "text/html", "<!DOCTYPE html>")
    assert (oms.recorded("printed"), oms.answered) == ({"1001:1": 1}, [status])


def test_a_behaviour_waits_for_its_method_and_path(oms: Caller) -> None:
    created = oms.create()
    oms.plan(status=503, method="POST", path="/api/v1/orders")
    oms.plan(status=500, path="/api/v1/order-items/1001:1")
    oms.plan(status=502, method="DELETE")
    oms.accepted("GET", f"/orders/{created['uid']}")
    assert oms("GET", "/order-items/1001%3A1/print").status_code == 500
    assert oms("POST", "/orders", ORDER).status_code == 503
    assert oms("DELETE", f"/orders/{created['uid']}").status_code == 502
    oms.create()
    assert oms.recorded("printed") == {"1001:1": 2}


def test_behaviours_keep_their_order_and_times(oms: Caller) -> None:
    oms.plan(times=2)
    oms.plan(status=503, times=2)
    oms.plan(status=500)
    assert [oms("POST", "/orders", ORDER).status_code for _ in range(6)] == [200, 200, 503, 503, 500, 200]


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"drop": True, "lose_answer": True},
        {"drop": True, "status": 500},
        {"drop": "yes"},
        {"garbage": 1},
        {"status": 500, "method": "post"},
        {"status": 500, "path": "api"},
        {"status": 500, "times": 0},
    ],
)
def test_it_refuses_an_invalid_behaviour(oms: Caller, behaviour: dict[str, Any]) -> None:
    answer = oms.control("behave", behaviour)
    assert (answer.status_code, bool(answer.get_json()["errors"])) == (400, True)
    oms.create()


def test_a_behaviour_that_is_switched_off_has_no_effect(oms: Caller) -> None:
    oms.plan(lose_answer=False, drop=False, garbage=False)
    oms.create()


def test_a_reset_clears_everything(oms: Caller) -> None:
    created = oms.create()
    oms.accepted("POST", "/batch-orders", {"order_items": [created["items"][0]["uid"]], "print_templates": ["t"]})
    category = oms.accepted("POST", "/product-categories", CATEGORY)["uid"]
    oms.control("print_files", {"*": "received"})
    oms.plan(status=500)
    oms.control("reset")
    assert [oms.recorded(what) for what in ("orders", "printed", "batched", "requests")] == [[], {}, {}, []]
    oms.refused("GET", f"/product-categories/{category}", status=404)
    oms.create()
    assert oms.statuses(3)[-1] == "ready"


# --- on a real connection


def create_at(url: str, order: dict[str, Any]) -> requests.Response:
    headers = {**GENUINE, "Content-Type": "application/json"}
    return localhost.request("POST", f"{url}/api/v1/orders", body=json.dumps(order), headers=headers, timeout=20)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def url(oms: Caller) -> Iterator[str]:
    with served(oms.client.application) as url:
        yield url


@pytest.mark.parametrize(("behaviour", "printed"), [({"lose_answer": True}, {"1001:1": 1}), ({"drop": True}, {})])
def test_the_client_only_sees_that_the_connection_ends(
    oms: Caller, url: str, behaviour: dict[str, Any], printed: dict[str, int]
) -> None:
    oms.plan(**behaviour)
    with pytest.raises(requests.ConnectionError):
        create_at(url, ORDER)
    assert (oms.recorded("printed"), oms.answered) == (printed, [None])
    assert create_at(url, ORDER).status_code == 200


def test_a_delayed_request_is_processed_even_if_the_client_has_left(oms: Caller, url: str) -> None:
    oms.plan(hang_s=0.5)
    body = json.dumps(ORDER).encode()
    head = (
        f"POST /api/v1/orders HTTP/1.1\r\nHost: oms\r\nAuthorization: Bearer token\r\nContent-Length: {len(body)}\r\n"
    )
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as connection:
        connection.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        until(lambda: oms.answered == [None])
        assert oms.recorded("printed") == {}
    until(lambda: oms.answered == [200])
    assert oms.recorded("printed") == {"1001:1": 1}


@pytest.mark.parametrize(
    ("behaviour", "there"),
    [({"hang_s": 30}, "requests"), ({"hang_s": 30, "lose_answer": True, "status": 502}, "printed")],
)
def test_a_reset_cuts_delayed_requests_and_clears_them(
    oms: Caller, url: str, behaviour: dict[str, Any], there: str
) -> None:
    oms.plan(**behaviour)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(create_at, url, ORDER)
        until(lambda: oms.recorded(there))
        assert oms.answered == [None]
        oms.control("reset")
        assert isinstance(waiting.exception(), requests.ConnectionError)
    assert (oms.recorded("printed"), oms.recorded("requests")) == ({}, [])


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
