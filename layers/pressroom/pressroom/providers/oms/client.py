"""Calling the OMS: orders, print files, catalogue and batch orders (OMS API v1). No models: it has to start quickly.

Done is a 2xx answer in JSON. Whether the OMS has acted can't be told from a 5xx, a 408, an answer that can't be read or
one that never came: on a write they are Retry with `answer_lost`. What a refusal says is not documented and may repeat
personal data, so that only the names of documented fields are passed on: `HTTP 400: template_config`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from pressroom.platform import config, http, wire
from pressroom.platform.errors import Blocked, Dead, Retry
from pressroom.platform.observe import count

PATH = "/api/v1"
ANSWER_BYTES = 64 * 1024
LARGEST_ORDER = 8 * 1024 * 1024
"""The most bytes that are read of an order as the OMS has it: a hundred items with their designs."""
LONGEST_WORD = 200
LONGEST_URL = 4096

type Id = str | int
"""A UID or an integer: the document says both of the same thing. It is kept, and sent back, as it came."""


class Kind(StrEnum):
    """A part of the catalogue, under the name it has in a path."""

    CATEGORY = "product-categories"
    PRODUCT = "products"
    VARIANT = "product-variants"


_ORDERS = "orders"
_ITEMS = "order-items"
_BATCHES = "batch-orders"
_REFUSALS = frozenset(range(400, 500)) - http.RETRYABLE
_DONE_PERHAPS = frozenset({302, 303})
"""Redirects with which many a framework answers a write that it has done."""

_UIDS = ("uid", "uuid", "id")
_NUMBERS = ("id", "uid", "uuid")
_OWN_ID = {Kind.CATEGORY: _UIDS, Kind.PRODUCT: _NUMBERS, Kind.VARIANT: _NUMBERS}
"""Where an entry has several ids: the one that the document wants in the path of its kind."""

FIELDS: dict[str, frozenset[str]] = {
    _ORDERS: frozenset(
        {
            *("store_id", "create_print_files", "ecommerce_order_id", "ecommerce_order_number", "items", "customer"),
            *("total_price", "subtotal_price", "currency_code", "note", "addresses", "shippings"),
            *("email", "ecommerce_customer_id", "name", "surname", "phone"),
            *("ecommerce_order_item_id", "ecommerce_variant_id", "quantity", "price", "properties"),
            *("template_config", "thumbnails", "design_version_id"),
            *("type_id", "address_1", "address_2", "post_code", "city", "county", "country_code", "country_id"),
            "shipping_price",
        }
    ),
    _ITEMS: frozenset({"ecommerce_order_item_id"}),
    _BATCHES: frozenset({"order_items", "print_templates"}),
    Kind.CATEGORY: frozenset(
        {"name", "parent_id", "description", "default_dpi", "editor_category_id", "default_location_id"}
    ),
    Kind.PRODUCT: frozenset(
        {
            *("category_id", "name", "order_column", "active", "description", "default_dpi", "team_id"),
            *("editor_category_id", "default_location_id"),
        }
    ),
    Kind.VARIANT: frozenset(
        {
            *("uuid", "name", "product_variant_category_id", "product_id", "price_id", "editor_product_id"),
            *("weight", "length", "width", "height", "description", "country_id"),
            *("customs_code", "customs_description", "long_customs_description"),
            *("default_dpi", "seo_details", "ecommerce_tags", "default_location_id"),
        }
    ),
}
"""What a refusal may name: the fields of a resource's requests. Not `code`, which errors call their own number."""


@dataclass(frozen=True)
class Created:
    """An order that the OMS has taken. What its answer does not tell is missing in `items`."""

    http_status: int
    uid: str
    items: dict[str, str]
    """The OMS's uid of each item by our own id for it."""


@dataclass(frozen=True)
class PrintFile:
    """How far the print file of an item is: `received`, `processing`, `processingfailed`, `ready` or another word."""

    status: str
    url: str | None


@dataclass(frozen=True)
class BatchOrder:
    """A batch order that the OMS has taken. Of its statuses only `Batching` is known."""

    http_status: int
    uid: str | None
    status: str | None


def create_order(order: dict[str, Any]) -> Created:
    """Create an order in the configured store. The OMS takes it again, and prints it again, if it is sent again."""
    if not (store := config.setting("OMS_STORE_ID")):
        raise _blocked("the OMS's store id is not set")
    settings = {"store_id": store, "create_print_files": config.setting("OMS_CREATE_PRINT_FILES") == "true"}
    answer = _call("POST", _ORDERS, content=order | settings)
    created = _object(answer, write=True)
    if (uid := _id(created)) is None:  # no created order: it says something else, perhaps that there is none
        raise _not_understood(answer, write=True)
    return Created(answer.status, str(uid), _items(created))


def get_order(uid: Id) -> dict[str, Any]:
    """Return an order as the OMS has it."""
    return _object(_call("GET", _ORDERS, uid, read=LARGEST_ORDER))


def update_order(uid: Id, changes: dict[str, Any]) -> int:
    """Replace the fields that are given; returns the HTTP status. Twice is the same as once."""
    return _done(_call("PUT", _ORDERS, uid, content=changes))


def delete_order(uid: Id) -> int:
    """Delete an order; returns the HTTP status, 404 if the OMS says that it has no such order."""
    return _done(_call("DELETE", _ORDERS, uid, may_miss=True))


def print_file(item_id: str) -> PrintFile | None:
    """Ask for an item by our own id for it. None means that the OMS itself has said that it has no such item."""
    answer = _call("GET", _ITEMS, item_id, "print", may_miss=True)
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    found = _object(answer)
    status, url = _text(found.get("status"), LONGEST_WORD), found.get("url") or None
    # The state of another item would say that ours had been created.
    if status and url == _text(url, LONGEST_URL) and found.get("ecommerce_order_item_id", item_id) == item_id:
        return PrintFile(status, url)
    raise _not_understood(answer)


def create_batch(order_items: list[str], print_templates: list[str]) -> BatchOrder:
    """Make one print file of items, given by their uids at the OMS. It can't be asked whether it has a batch."""
    answer = _call("POST", _BATCHES, content={"order_items": order_items, "print_templates": print_templates})
    batch = _object(answer, write=True)
    uid = _id(batch)
    return BatchOrder(answer.status, None if uid is None else str(uid), _text(batch.get("status"), LONGEST_WORD))


def create_entry(kind: Kind, content: dict[str, Any]) -> Id:
    """Add an entry to the catalogue. An answer without its id is a lost one: the entry may be there."""
    answer = _call("POST", kind, content=content)
    if (entry := _id(_object(answer, write=True), _OWN_ID[kind])) is None:
        raise _not_understood(answer, write=True)
    return entry


def get_entry(kind: Kind, entry: Id) -> dict[str, Any] | None:
    """Return an entry as the OMS has it, or None if it has said that there is none."""
    answer = _call("GET", kind, entry, may_miss=True)
    return None if answer.status == HTTPStatus.NOT_FOUND else _object(answer)


def update_entry(kind: Kind, entry: Id, content: dict[str, Any]) -> None:
    """Replace the fields that are given."""
    _done(_call("PUT", kind, entry, content=content))


def delete_entry(kind: Kind, entry: Id) -> bool:
    """Delete an entry; False if the OMS says that there is none."""
    return _done(_call("DELETE", kind, entry, may_miss=True)) != HTTPStatus.NOT_FOUND


def _call(
    method: str,
    resource: str,
    *ids: Id,
    content: dict[str, Any] | None = None,
    read: int = ANSWER_BYTES,
    may_miss: bool = False,
) -> http.Answer:
    """Make one call and return its 2xx answer or, if it `may_miss` what it names, a 404 of the OMS's own.

    A proxy or a wrong base URL answers with 404, too. The OMS's errors are in JSON; any other 404 says nothing.
    """
    url = "/".join((_base() + PATH, resource, *map(_step, ids)))
    body = None if content is None else wire.write(content)
    read = max(read, ANSWER_BYTES + 2 * len(body or b""))  # an order may come back with all that was sent
    secret = config.secret("OMS_API_SECRET_ARN")
    answer = _once(method, url, _token(secret), body, read)
    if answer.status == HTTPStatus.UNAUTHORIZED and secret.changed():
        answer = _once(method, url, _token(secret), body, read)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise _blocked(f"the OMS refuses the token in the secret {_secret_name()}", status=answer.status)
    if answer.status == HTTPStatus.NOT_FOUND and may_miss:
        if not isinstance(_parsed(answer), dict):
            raise Retry("HTTP 404, but not from the OMS: it is not JSON", status=answer.status)
    elif answer.status in _REFUSALS:
        raise Dead(": ".join(filter(None, (f"HTTP {answer.status}", _named(answer, resource)))), status=answer.status)
    return answer


def _once(method: str, url: str, token: str, body: bytes | None, read: int) -> http.Answer:
    # Without Accept, some frameworks answer a refusal with a redirect to a page for people.
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        return http.request(method, url, body=body, headers=headers, read=read, also=_REFUSALS)
    except Dead as error:
        if error.status in _DONE_PERHAPS and method != "GET":
            raise Retry(error.reason, status=error.status, answer_lost=True) from error
        raise
    except Retry as error:
        heard = error.answer_lost or error.status not in (None, HTTPStatus.TOO_MANY_REQUESTS)
        lost = heard and method != "GET"
        raise Retry(error.reason, status=error.status, after=error.after, answer_lost=lost) from error


def _base() -> str:
    base = config.setting("OMS_BASE_URL").strip().rstrip("/").removesuffix(PATH)
    try:
        http.require_https(base)
        usable = bool(urlsplit(base).hostname)
    except (Retry, ValueError):
        usable = False
    if not usable:
        raise _blocked("the OMS's base URL is not set, or is no https URL")
    return base


def _step(name: Id) -> str:
    # These would lead elsewhere: to the parent, or to all.
    if name in ("", ".", ".."):
        raise Dead("an id that can't stand in a path")
    return quote(str(name), safe="")


def _token(secret: config.Secret) -> str:
    values = secret.values()
    if not values and secret.changed():
        values = secret.values()
    token = values[0].strip() if values else ""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise _blocked(f"the OMS's token in the secret {_secret_name()} is not set, or can't be one")
    return token


def _secret_name() -> str:
    """Return how a person knows the secret: an ARN ends with its name and six random characters."""
    return re.sub("-[A-Za-z0-9]{6}$", "", config.setting("OMS_API_SECRET_ARN").rpartition(":")[2])


def _blocked(reason: str, status: int | None = None) -> Blocked:
    count("OmsTokenRefused", reason=reason)
    return Blocked(reason, status=status)


def _named(answer: http.Answer, resource: str) -> str:
    """Return the documented fields that a refusal names, in its order; a page for people names none."""
    text = answer.body[:ANSWER_BYTES].decode(errors="replace").lstrip()
    words = dict.fromkeys(re.findall("[a-z0-9_]+", text)) if text.startswith(("{", "[")) else ()
    return ", ".join(word for word in words if word in FIELDS[resource])


def _not_understood(answer: http.Answer, *, write: bool = False) -> Retry:
    return Retry(f"HTTP {answer.status}, but the answer is not understood", status=answer.status, answer_lost=write)


def _parsed(answer: http.Answer) -> Any:
    """Return the JSON of an answer, None for what is none."""
    try:
        return wire.parse(answer.body)
    except ValueError:
        return None


def _object(answer: http.Answer, *, write: bool = False) -> dict[str, Any]:
    match _parsed(answer):
        case {"data": dict() as content, **others} if not set(_UIDS) & set(others):
            return content  # the envelope that many an API has
        case dict() as content:
            return content
    raise _not_understood(answer, write=write)


def _done(answer: http.Answer) -> int:
    """Take a write for done if it was answered in JSON, or with nothing (204); its status."""
    try:
        wire.parse(answer.body.strip() or b"null")
    except ValueError as error:
        raise _not_understood(answer, write=True) from error
    return answer.status


def _id(content: dict[str, Any], names: tuple[str, ...] = _UIDS) -> Id | None:
    for name in names:
        value = content.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and _text(str(value), LONGEST_WORD):
            return value
    return None


def _text(value: object, most: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= most and value.isprintable() else None


def _items(created: dict[str, Any]) -> dict[str, str]:
    items = created.get("items")
    each = items.values() if isinstance(items, dict) else items if isinstance(items, list) else ()
    named = ((item.get("ecommerce_order_item_id"), _id(item)) for item in each if isinstance(item, dict))
    return {str(ours): str(uid) for ours, uid in named if ours is not None and uid is not None}
