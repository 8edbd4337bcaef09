"""Calls the OMS: orders, print files, catalogue and batch orders (OMS API v1). Without models, for a quick start.

A request has succeeded if its response is 2xx and JSON. After a 5xx, a 408, an unreadable response or none, the OMS may
have acted: on a write these raise Retry with `answer_lost`. The body of a refusal is undocumented. For an order it may
repeat personal data, so only the names of documented fields are passed on: `HTTP 400: items.0.template_config`. The
catalogue holds nothing personal, so for an entry the OMS's own text is: `HTTP 400: The team is unknown`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from pressroom.platform import config, error_bodies, http, wire
from pressroom.platform.errors import Blocked, Dead, Retry
from pressroom.platform.observe import count

PATH = "/api/v1"
ANSWER_BYTES = 64 * 1024
LARGEST_ORDER = 8 * 1024 * 1024
"""The most bytes that are read of an order from the OMS: a hundred items with their designs."""
LONGEST_WORD = 200
LONGEST_URL = 4096

type Id = str | int
"""A UID or an integer: the OMS's documentation has both for the same id. It is stored and sent back unchanged."""


class Kind(StrEnum):
    """A part of the catalogue, with its name in a path."""

    CATEGORY = "product-categories"
    PRODUCT = "products"
    VARIANT = "product-variants"


_ORDERS = "orders"
_ITEMS = "order-items"
_BATCHES = "batch-orders"
_REFUSALS = frozenset(range(400, 500)) - http.RETRYABLE
_MAYBE_DONE = frozenset({302, 303})
"""Redirects that some frameworks send after a successful write."""

_UIDS = ("uid", "uuid", "id")
_NUMBERS = ("id", "uid", "uuid")
_ID_FIELDS = {Kind.CATEGORY: _UIDS, Kind.PRODUCT: _NUMBERS, Kind.VARIANT: _NUMBERS}
"""The fields of an entry's id, by kind. If it has several, the first is the one that the kind's path takes."""

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
}
"""The field names of a refusal that are passed on, by resource: those of its requests, which may hold personal data.
`code` is also the name of an error's number, so it counts only within a path."""
_IN_PATHS = ("code",)


@dataclass(frozen=True)
class Created:
    """An order that the OMS has accepted. Items that its response does not list are missing in `items`."""

    http_status: int
    uid: str
    items: dict[str, str]
    """The OMS's uid of each item, by our item id."""


@dataclass(frozen=True)
class PrintFile:
    """The status of an item's print file: `received`, `processing`, `processingfailed`, `ready` or an unknown one."""

    status: str
    url: str | None


@dataclass(frozen=True)
class BatchOrder:
    """A batch order that the OMS has accepted. The only known status is `Batching`."""

    http_status: int
    uid: str | None
    status: str | None


def create_order(order: dict[str, Any]) -> Created:
    """Create an order in the configured store. The OMS does not detect duplicates: it would print a second one too."""
    if not (store := config.setting("OMS_STORE_ID")):
        raise _blocked("the OMS's store id is not set")
    settings = {"store_id": store, "create_print_files": config.setting("OMS_CREATE_PRINT_FILES") == "true"}
    response = _call("POST", _ORDERS, content=order | settings)
    created = _object(response, write=True)
    if (uid := _id(created)) is None:  # no order: the response may be an error message
        raise _unreadable(response, write=True)
    return Created(response.status, str(uid), items_of(created))


def get_order(uid: Id) -> dict[str, Any] | None:
    """Return an order from the OMS, or None if the OMS responds that there is none."""
    response = _call("GET", _ORDERS, uid, read=LARGEST_ORDER, may_be_missing=True)
    return None if response.status == HTTPStatus.NOT_FOUND else _object(response)


def items_of(order: dict[str, Any]) -> dict[str, str]:
    """Return the OMS's uid of each item that an order from the OMS lists, by our item id."""
    items = order.get("items")
    each = items.values() if isinstance(items, dict) else items if isinstance(items, list) else ()
    named = ((item.get("ecommerce_order_item_id"), _id(item)) for item in each if isinstance(item, dict))
    return {str(ours): str(uid) for ours, uid in named if ours is not None and uid is not None}


def update_order(uid: Id, changes: dict[str, Any]) -> int:
    """Replace the given fields; return the HTTP status. Repeating it changes nothing."""
    return _status_of_write(_call("PUT", _ORDERS, uid, content=changes))


def delete_order(uid: Id) -> int:
    """Delete an order; return the HTTP status, 404 if the OMS responds that it has no such order."""
    return _status_of_write(_call("DELETE", _ORDERS, uid, may_be_missing=True))


def print_file(item_id: str) -> PrintFile | None:
    """Return the print file of an item, by our item id. None if the OMS itself responds that it has no such item."""
    response = _call("GET", _ITEMS, item_id, "print", may_be_missing=True)
    if response.status == HTTPStatus.NOT_FOUND:
        return None
    found = _object(response)
    status, url = _text(found.get("status"), LONGEST_WORD), found.get("url") or None
    # The id in the response has to match: another item's status would be taken as proof that ours exists.
    if status and url == _text(url, LONGEST_URL) and found.get("ecommerce_order_item_id", item_id) == item_id:
        return PrintFile(status, url)
    raise _unreadable(response)


def create_batch(order_items: list[str], print_templates: list[str]) -> BatchOrder:
    """Create one print file of items, given by their uids at the OMS. The OMS has no request that looks up a batch."""
    response = _call("POST", _BATCHES, content={"order_items": order_items, "print_templates": print_templates})
    batch = _object(response, write=True)
    uid = _id(batch)
    return BatchOrder(response.status, None if uid is None else str(uid), _text(batch.get("status"), LONGEST_WORD))


def create_entry(kind: Kind, content: dict[str, Any]) -> Id:
    """Add an entry to the catalogue. A response without its id counts as lost: the entry may exist."""
    response = _call("POST", kind, content=content)
    if (entry := _id(_object(response, write=True), _ID_FIELDS[kind])) is None:
        raise _unreadable(response, write=True)
    return entry


def get_entry(kind: Kind, entry: Id) -> dict[str, Any] | None:
    """Return an entry from the OMS, or None if the OMS responds that there is none."""
    response = _call("GET", kind, entry, may_be_missing=True)
    return None if response.status == HTTPStatus.NOT_FOUND else _object(response)


def update_entry(kind: Kind, entry: Id, content: dict[str, Any]) -> None:
    """Replace the given fields of an entry."""
    _status_of_write(_call("PUT", kind, entry, content=content))


def delete_entry(kind: Kind, entry: Id) -> bool:
    """Delete an entry; return False if the OMS responds that there is none."""
    return _status_of_write(_call("DELETE", kind, entry, may_be_missing=True)) != HTTPStatus.NOT_FOUND


def _call(
    method: str,
    resource: str,
    *ids: Id,
    content: dict[str, Any] | None = None,
    read: int = ANSWER_BYTES,
    may_be_missing: bool = False,
) -> http.Response:
    """Make one call and return its 2xx response or, if the resource `may_be_missing`, a 404 of the OMS itself.

    A proxy or a wrong base URL also responds with 404. The OMS's own errors are JSON; any other 404 raises Retry.
    """
    url = "/".join((_base_url() + PATH, resource, *map(_path_part, ids)))
    body = None if content is None else wire.write(content)
    read = max(read, ANSWER_BYTES + 2 * len(body or b""))  # the response to an order may repeat all that was sent
    secret = config.secret("OMS_API_SECRET_ARN")
    response = _once(method, url, _token(secret), body, read)
    if response.status == HTTPStatus.UNAUTHORIZED and secret.changed():
        response = _once(method, url, _token(secret), body, read)
    if response.status == HTTPStatus.UNAUTHORIZED:
        raise _blocked(f"the OMS refuses the token in the secret {_secret_name()}", status=response.status)
    if response.status == HTTPStatus.NOT_FOUND and may_be_missing:
        if not isinstance(_parsed(response), dict):
            raise Retry("HTTP 404, but not from the OMS: it is not JSON", status=response.status)
    elif response.status in _REFUSALS:
        raise http.Refusal(response.status, response.body).because(_reason(response, resource, secret))
    return response


def _once(method: str, url: str, token: str, body: bytes | None, read: int) -> http.Response:
    # Without Accept, some frameworks redirect a refusal to an HTML page.
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        return http.request(method, url, body=body, headers=headers, read=read, accept=_REFUSALS)
    except Dead as error:
        if error.status in _MAYBE_DONE and method != "GET":
            raise Retry(error.reason, status=error.status, answer_lost=True) from error
        raise
    except Retry as error:
        received = error.answer_lost or error.status not in (None, HTTPStatus.TOO_MANY_REQUESTS)
        lost = received and method != "GET"
        raise Retry(error.reason, status=error.status, after=error.after, answer_lost=lost) from error


def _base_url() -> str:
    base = config.setting("OMS_BASE_URL").strip().rstrip("/").removesuffix(PATH)
    try:
        http.require_https(base)
        usable = bool(urlsplit(base).hostname)
    except (Retry, ValueError):
        usable = False
    if not usable:
        raise _blocked("the OMS's base URL is not set, or is not an https URL")
    return base


def _path_part(name: Id) -> str:
    # These would change the path: to its parent, or to the whole collection.
    if name in ("", ".", ".."):
        raise Dead("the id can't be used in a path")
    return quote(str(name), safe="")


def _token(secret: config.Secret) -> str:
    values = secret.values()
    if not values and secret.changed():
        values = secret.values()
    token = values[0].strip() if values else ""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise _blocked(f"the OMS's token in the secret {_secret_name()} is not set, or is invalid")
    return token


def _secret_name() -> str:
    """Return the secret's name, from its ARN, which ends with the name and six random characters."""
    return re.sub("-[A-Za-z0-9]{6}$", "", config.setting("OMS_API_SECRET_ARN").rpartition(":")[2])


def _blocked(reason: str, status: int | None = None) -> Blocked:
    count("OmsTokenRefused", reason=reason)
    return Blocked(reason, status=status)


def _reason(response: http.Response, resource: str, secret: config.Secret) -> str:
    """Return what may be passed on of a refusal: the documented fields that it names; for the catalogue its text."""
    body = response.body[:ANSWER_BYTES]
    if resource in FIELDS:
        return error_bodies.field_names(body, FIELDS[resource], inner=_IN_PATHS)
    return error_bodies.text(body, secret.values())


def _unreadable(response: http.Response, *, write: bool = False) -> Retry:
    return Retry(f"HTTP {response.status}, but the response can't be read", status=response.status, answer_lost=write)


def _parsed(response: http.Response) -> Any:
    """Return the JSON of a response, or None if it is not JSON."""
    try:
        return wire.parse(response.body)
    except ValueError:
        return None


def _object(response: http.Response, *, write: bool = False) -> dict[str, Any]:
    match _parsed(response):
        case {"data": dict() as content, **others} if not set(_UIDS) & set(others):
            return content  # the envelope that many APIs have
        case dict() as content:
            return content
    raise _unreadable(response, write=write)


def _status_of_write(response: http.Response) -> int:
    """Return the status of a write whose response is JSON or empty (204). Raises Retry for any other response."""
    try:
        wire.parse(response.body.strip() or b"null")
    except ValueError as error:
        raise _unreadable(response, write=True) from error
    return response.status


def _id(content: dict[str, Any], names: tuple[str, ...] = _UIDS) -> Id | None:
    for name in names:
        value = content.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and _text(str(value), LONGEST_WORD):
            return value
    return None


def _text(value: object, most: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= most and value.isprintable() else None
