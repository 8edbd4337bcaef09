"""Simulates the OMS as its document describes it: orders, print files, the catalogue and batch orders under `/api/v1`.

Where the document is unclear, the simulator takes the strictest reading, so that our mistakes are found: it refuses
fields that the document does not name, and nothing is idempotent. An order that is created twice is printed twice.

    GET  /_printed      {"<ecommerce_order_item_id>": <times>}: the items to print. Each item of each order counts,
                        unless the order was deleted, or an update left the item out
    GET  /_batched      {"<item's uid>": <times>}: how often batch orders contained the item
    GET  /_orders       all orders in full, oldest first
    POST /_print_files  {"<ecommerce_order_item_id>": "processingfailed", "*": "ready"}: the final status of print
                        files, also of later ones; with "received" or "processing" they never go further

Each request for a print file advances it by one step: received, processing, then its final status. It does not advance
until the order's `create_print_files` or a batch order requests it. A path that is not in the document responds with
HTML, as a wrong base URL would.
"""

import argparse
import hmac
import itertools
import json
import re
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Blueprint, Flask, Response, request
from jsonschema import Draft202012Validator, FormatChecker

from local.partners import OMS_API_TOKEN, OMS_STORE_ID
from local.simulators.base import serve

type Json = dict[str, Any]

FORMATS = FormatChecker(formats=())
READY = "ready"
STAYS = ("received", "processing")
"""The statuses that every print file passes; `/_print_files` can make it stay in one of them."""
EVERY = "*"
LONGEST_ERROR = 300
"""Characters. An error quotes the invalid value, as many servers do."""


@FORMATS.checks("urlencoded-json", raises=(ValueError, RecursionError))
def _is_urlencoded_json(value: object) -> bool:
    if not isinstance(value, str):
        return True  # the schema checks the type separately
    if re.search(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9%;,/?:@&=+$#_.!~*'()-]", value):
        return False
    _strict_json(unquote_to_bytes(value.replace("+", " ")))
    return True


def _strict_json(raw: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(raw, parse_constant=refuse)


def _fields(required: Json, optional: Json) -> Json:
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(each: Json, at_least: int = 0) -> Json:
    return {"type": "array", "items": each, "minItems": at_least}


def _checked(schema: Json) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=FORMATS)


TEXT = {"type": "string"}
NAME = {"type": "string", "minLength": 1}
NUMBER = {"type": "integer"}
UNSIGNED = {"type": "integer", "minimum": 0}
AMOUNT = {"type": "number", "minimum": 0}
FLAG = {"type": "boolean"}
ID = {"type": ["string", "integer"], "minLength": 1}
"""A reference to an entry whose id is a UID in one part of the document and an integer in another."""

ITEM = _fields(
    {
        "ecommerce_order_item_id": NAME,
        "ecommerce_variant_id": NAME,
        "quantity": {"type": "integer", "minimum": 1},
        "template_config": {"type": "string", "format": "urlencoded-json"},
        "thumbnails": _list(NAME),
    },
    {"price": AMOUNT, "properties": {"type": "object"}, "design_version_id": TEXT},
)
ADDRESS = _fields(
    {
        "type_id": {"enum": ["billing", "shipping"]},
        "address_1": NAME,
        "post_code": TEXT,  # required, but may be empty: not every country has them
        "city": NAME,
        "country_code": NAME,
    },
    {"address_2": TEXT, "county": TEXT, "country_id": NUMBER},
)
CUSTOMER = _fields({}, dict.fromkeys(("email", "ecommerce_customer_id", "name", "surname", "phone"), TEXT))
ORDER = {
    "ecommerce_order_number": TEXT,
    "total_price": AMOUNT,
    "subtotal_price": AMOUNT,
    "currency_code": TEXT,
    "customer": CUSTOMER,
    "note": TEXT,
    "addresses": _list(ADDRESS),
    "shippings": _list(_fields({"code": NAME, "shipping_price": AMOUNT}, {})),
}
ITEMS = {"items": _list(ITEM, at_least=1)}
NEW_ORDER = _checked(
    _fields({"store_id": NAME, "ecommerce_order_id": NAME, **ITEMS}, {**ORDER, "create_print_files": FLAG})
)
CHANGED_ORDER = _checked(_fields({}, {**ORDER, **ITEMS}))
BATCH = _checked(_fields({"order_items": _list(NAME, at_least=1), "print_templates": _list(NAME, at_least=1)}, {}))
ENDS = _checked({"type": "object", "additionalProperties": NAME})


@dataclass(frozen=True)
class Kind:
    """A kind of catalogue entry. `only_new`: fields that no update changes. `parents`: the kinds of its references."""

    one: str
    id_field: str
    required: Json
    optional: Json
    parents: dict[str, str]
    only_new: Json
    numbered: bool

    def schema(self, *, new: bool) -> Draft202012Validator:
        if new:
            return _checked(_fields(self.required, {**self.optional, **self.only_new}))
        return _checked(_fields({}, {**self.required, **self.optional}))


KINDS = {
    "product-categories": Kind(
        one="category",
        id_field="category_id",
        required={"name": NAME},
        optional={
            "parent_id": ID,
            "description": TEXT,
            "default_dpi": NUMBER,
            "editor_category_id": TEXT,
            "default_location_id": ID,
        },
        parents={"parent_id": "product-categories"},
        only_new={},
        numbered=False,
    ),
    "products": Kind(
        one="product",
        id_field="product_id",
        required={"category_id": ID, "name": NAME, "order_column": NUMBER, "active": FLAG, "team_id": NUMBER},
        optional={
            "code": TEXT,
            "description": TEXT,
            "default_dpi": NUMBER,
            "editor_category_id": TEXT,
            "default_location_id": ID,
        },
        parents={"category_id": "product-categories"},
        only_new={},
        numbered=True,
    ),
    "product-variants": Kind(
        one="variant",
        id_field="variant_id",
        required={"name": NAME, "product_id": ID, "country_id": NUMBER},
        optional={
            **dict.fromkeys(("product_variant_category_id", "price_id", "length", "width", "height"), NUMBER),
            **dict.fromkeys(("weight", "default_dpi"), UNSIGNED),
            **dict.fromkeys(("editor_product_id", "description", "customs_code", "customs_description"), TEXT),
            **dict.fromkeys(("long_customs_description", "seo_details", "ecommerce_tags"), TEXT),
            "default_location_id": ID,
        },
        parents={"product_id": "products"},
        only_new={"uuid": {"type": "string", "minLength": 36, "maxLength": 36}},
        numbered=True,
    ),
}
SCHEMAS = {(name, new): kind.schema(new=new) for name, kind in KINDS.items() for new in (True, False)}


class Refused(Exception):
    """A response other than 200; `errors` are (field, message)."""

    def __init__(self, status: int, message: str, *errors: tuple[str, str]) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


@dataclass
class Item:
    """An item of an order, and the progress of its print file."""

    uid: str
    content: Json
    batched: bool = False
    steps: int = 0

    @property
    def ours(self) -> str:
        return str(self.content["ecommerce_order_item_id"])


@dataclass
class Order:
    """An order; `content` is the request without its items."""

    uid: str
    content: Json
    items: list[Item]

    def answer(self) -> Json:
        return {
            "uid": self.uid,
            "ecommerce_order_id": self.content["ecommerce_order_id"],
            "items": [{"uid": item.uid, "ecommerce_order_item_id": item.ours} for item in self.items],
        }

    def whole(self) -> Json:
        return {"uid": self.uid, **self.content, "items": [{"uid": item.uid, **item.content} for item in self.items]}


class Oms:
    """The state of the OMS. An id is never used twice, not even after a reset or by another kind of entry."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.forget()

    def forget(self) -> None:
        with self._lock:
            self._orders = dict[str, Order]()
            self._ends = dict[str, str]()
            self._batched = Counter[str]()
            self._catalogue: dict[str, list[Json]] = {name: [] for name in KINDS}

    def create_order(self, wanted: Any) -> Json:
        _check(NEW_ORDER, wanted)
        if wanted["store_id"] != self._store:
            raise Refused(403, "This store is not yours.", ("store_id", "unknown"))
        content = {name: value for name, value in wanted.items() if name != "items"}
        order = Order(_uid(), content, [Item(_uid(), each) for each in wanted["items"]])
        with self._lock:
            self._orders[order.uid] = order
            return order.answer()

    def order(self, uid: str) -> Json:
        with self._lock:
            return self._order(uid).answer()

    def update_order(self, uid: str, wanted: Any) -> Json:
        """Replace the given fields; an item whose `ecommerce_order_item_id` is known keeps its uid."""
        with self._lock:
            order = self._order(uid)
            _check(CHANGED_ORDER, wanted)
            order.content |= {name: value for name, value in wanted.items() if name != "items"}
            if "items" in wanted:
                order.items = list(_merged(order.items, wanted["items"]))
            return order.answer()

    def delete_order(self, uid: str) -> Json:
        with self._lock:
            del self._orders[self._order(uid).uid]
            return {"message": "The order is deleted.", "order_uid": uid}

    def print_file(self, ours: str) -> Json:
        """Return the print file of an item, of the newest order if several have that id. Each request advances it."""
        with self._lock:
            newest = ((order, item) for order in reversed(self._orders.values()) for item in order.items)
            order, item = next((each for each in newest if each[1].ours == ours), (None, None))
            if order is None or item is None:
                raise Refused(404, "There is no such order item.")
            end = self._ends.get(ours, self._ends.get(EVERY, READY))
            way = STAYS[: STAYS.index(end) + 1] if end in STAYS else (*STAYS, end)
            at = min(item.steps, len(way) - 1)
            status = way[at]
            item.steps = at + (order.content.get("create_print_files", False) or item.batched)
            url = f"https://oms.example/print-files/{item.uid}.pdf" if status == READY else None
            return {"ecommerce_order_item_id": ours, "status": status, "url": url}

    def end_print_files(self, ends: Any) -> Json:
        _check(ENDS, ends)
        with self._lock:
            self._ends |= ends
            return dict(self._ends)

    def create_batch(self, wanted: Any) -> Json:
        _check(BATCH, wanted)
        with self._lock:
            items = {item.uid: item for order in self._orders.values() for item in order.items}
            unknown = [uid for uid in wanted["order_items"] if uid not in items]
            if unknown:
                raise _invalid(*(("order_items", f"{uid} is unknown") for uid in unknown))
            for uid in wanted["order_items"]:
                items[uid].batched = True
                self._batched[uid] += 1
            return {"uid": _uid(), "status": "Batching"}

    def create_entry(self, kind: str, wanted: Any) -> Json:
        _check(SCHEMAS[kind, True], wanted)
        with self._lock:
            self._check_parents(kind, wanted)
            if any("uuid" in wanted and each["uuid"] == wanted["uuid"] for each in self._catalogue[kind]):
                raise _invalid(("uuid", "already taken"))
            ids = {"id": next(self._numbers), "uuid": _uid()} if KINDS[kind].numbered else {"uid": _uid()}
            entry = {**ids, **wanted}
            self._catalogue[kind].append(entry)
            return dict(entry)

    def entry(self, kind: str, which: str) -> Json:
        with self._lock:
            return dict(self._entry(kind, which))

    def update_entry(self, kind: str, which: str, wanted: Any) -> Json:
        with self._lock:
            entry = self._entry(kind, which)
            _check(SCHEMAS[kind, False], wanted)
            self._check_parents(kind, wanted)
            entry |= wanted
            return dict(entry)

    def delete_entry(self, kind: str, which: str) -> Json:
        with self._lock:
            entry = self._entry(kind, which)
            for child, rule in KINDS.items():
                for field, parent in rule.parents.items():
                    if parent == kind and any(_is(entry, each.get(field)) for each in self._catalogue[child]):
                        raise _invalid((KINDS[kind].id_field, f"{child} refer to it"))
            self._catalogue[kind].remove(entry)
            given = entry["id"] if KINDS[kind].numbered else entry["uid"]
            return {"message": f"The {KINDS[kind].one} is deleted.", KINDS[kind].id_field: given}

    def printed(self) -> Json:
        with self._lock:
            return Counter(item.ours for order in self._orders.values() for item in order.items)

    def batched(self) -> Json:
        with self._lock:
            return dict(self._batched)

    def orders(self) -> list[Json]:
        with self._lock:
            return [order.whole() for order in self._orders.values()]

    def _order(self, uid: str) -> Order:
        if uid not in self._orders:
            raise Refused(404, "There is no such order.")
        return self._orders[uid]

    def _entry(self, kind: str, which: object) -> Json:
        for entry in self._catalogue[kind]:
            if _is(entry, which):
                return entry
        raise Refused(404, f"There is no such {KINDS[kind].one}.")

    def _check_parents(self, kind: str, wanted: Json) -> None:
        for field, parent in KINDS[kind].parents.items():
            if field in wanted and not any(_is(each, wanted[field]) for each in self._catalogue[parent]):
                raise _invalid((field, f"{wanted[field]} is unknown"))


def make_app(token: str, store: str) -> Flask:
    app = Flask(__name__)
    oms = Oms(store)
    app.extensions["forget"] = oms.forget
    api = Blueprint("api", __name__, url_prefix="/api/v1")

    @api.before_request
    def authenticate() -> None:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, f"Bearer {token}".encode()):
            raise Refused(401, "The token is missing or not valid.")

    @app.errorhandler(Refused)
    def refuse(refused: Refused) -> Response:
        errors = [{"field": field, "message": message} for field, message in refused.errors]
        return _json({"message": refused.message, "errors": errors}, refused.status)

    @api.post("/orders")
    def create_order() -> Response:
        return _json(oms.create_order(_body()))

    @api.get("/orders/<uid>")
    def order(uid: str) -> Response:
        return _json(oms.order(uid))

    @api.put("/orders/<uid>")
    def update_order(uid: str) -> Response:
        return _json(oms.update_order(uid, _body()))

    @api.delete("/orders/<uid>")
    def delete_order(uid: str) -> Response:
        return _json(oms.delete_order(uid))

    @api.get("/order-items/<ours>/print")
    def print_file(ours: str) -> Response:
        return _json(oms.print_file(ours))

    @api.post("/batch-orders")
    def create_batch() -> Response:
        return _json(oms.create_batch(_body()))

    entries = f"/<any({', '.join(map(repr, KINDS))}):kind>"

    @api.post(entries)
    def create_entry(kind: str) -> Response:
        return _json(oms.create_entry(kind, _body()))

    @api.get(f"{entries}/<which>")
    def entry(kind: str, which: str) -> Response:
        return _json(oms.entry(kind, which))

    @api.put(f"{entries}/<which>")
    def update_entry(kind: str, which: str) -> Response:
        return _json(oms.update_entry(kind, which, _body()))

    @api.delete(f"{entries}/<which>")
    def delete_entry(kind: str, which: str) -> Response:
        return _json(oms.delete_entry(kind, which))

    @app.get("/_printed")
    def printed() -> Response:
        return _json(oms.printed())

    @app.get("/_batched")
    def batched() -> Response:
        return _json(oms.batched())

    @app.get("/_orders")
    def orders() -> Response:
        return _json(oms.orders())

    @app.post("/_print_files")
    def print_files() -> Response:
        return _json(oms.end_print_files(_body()))

    app.register_blueprint(api)
    return app


def _body() -> Any:
    if not request.is_json:
        raise Refused(400, "The body and its content type have to be JSON.", ("Content-Type", str(request.mimetype)))
    try:
        return _strict_json(request.get_data())
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The body is not JSON.") from error


def _check(schema: Draft202012Validator, wanted: object) -> None:
    errors = [(error.json_path, error.message[:LONGEST_ERROR]) for error in schema.iter_errors(wanted)]
    if errors:
        raise _invalid(*errors)


def _invalid(*errors: tuple[str, str]) -> Refused:
    return Refused(400, "The request is not valid.", *errors)


def _merged(known: list[Item], wanted: list[Json]) -> Iterator[Item]:
    left = list(known)
    for content in wanted:
        item = next((each for each in left if each.ours == content["ecommerce_order_item_id"]), None)
        if item is None:
            yield Item(_uid(), content)
        else:
            left.remove(item)
            item.content = content
            yield item


def _is(entry: Json, which: object) -> bool:
    """Whether an entry has this id, as its number or as its UID."""
    return which is not None and str(which) in {str(entry[name]) for name in ("id", "uid", "uuid") if name in entry}


def _uid() -> str:
    return str(uuid.uuid4())


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.simulators.oms")
    parser.add_argument("--token", default=OMS_API_TOKEN)
    parser.add_argument("--store", default=OMS_STORE_ID)
    serve(lambda arguments: make_app(arguments.token, arguments.store), parser)


if __name__ == "__main__":
    main()
