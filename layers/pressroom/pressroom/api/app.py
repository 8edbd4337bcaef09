"""The ops API's door, and what its areas share: who asks, pages of lists, answers that are refusals.

An area is a module of this package with a `router`, included in `app()`:

    router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

    @router.post("/things/<thing_id>/mend", tags=["things"], operation_id="mendThing", summary="Mend a thing")
    def mend(thing_id: Id, wanted: Mend) -> Mended:
        ...

- A path's parameter is an `Id`: it arrives decoded. Query parameters are scalars with a default (`Annotated[str,
  Query(…)]`), a body is one pydantic model (a `Body`: no other fields; a request without one is an empty object). An
  empty query parameter is one that was not given. What doesn't fit is answered with 400 before the function runs.
- What is returned is checked against the annotation, and shown by it in the document: a dataclass, a TypedDict or a
  model; other fields are dropped. `status_code=202` on the route for another success than 200.
- A refusal is raised: `BadRequestError`, `NotFoundError` of Powertools, or `ServiceError(409, "…")`. All are problems.
- `page()` with `rows(KIND)` for lists, with `limit: Limit = LIMIT, cursor: Cursor = ""`; `actor()` is who asks.
- What only a rare question needs (the OMS, batches) is imported in the function, not at the start.
- The template's route calls a path's parameters as it likes; their number and places must be the same.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import (
    BadRequestError,
    NotFoundError,
    ServiceError,
    UnauthorizedError,
)
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict

from pressroom import console
from pressroom.platform import config, paths, table, wire
from pressroom.platform.observe import logger
from pressroom.platform.signing import is_token

LIMIT = 50
"""How many entries a page of a list holds, unless the caller asks for fewer or for up to MOST."""
MOST = 100
MOST_READ = 200
"""How many rows one request for a list reads at most to find those that are asked for."""
LONGEST_ID = 500
"""No id is longer: DynamoDB refuses to look for a key of more than 2,048 bytes."""
LONGEST_ACTOR = 100
PROBLEM = "application/problem+json"
_ONE_OF = "must be one of: "
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""What each answer but the console's page says: it may hold a customer's data."""

Id = Annotated[str, Path(min_length=1, max_length=LONGEST_ID), BeforeValidator(unquote)]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many entries a page has at most.")]
Cursor = Annotated[str, Query(max_length=1400, description="Where the page begins: the `cursor` of the page before.")]


class Body(BaseModel):
    """A request's body: a JSON object without any other fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@cache
def app() -> APIGatewayHttpResolver:
    """Put the API together."""
    from pressroom.api import batches, catalogue, deliveries, document, events, orders, overview, repair

    api = APIGatewayHttpResolver(enable_validation=True, response_validation_error_http_code=500)
    for area in (overview, orders, events, deliveries, repair, batches, catalogue, document):
        api.include_router(area.router)
    api.exception_handler(ServiceError)(_refusal)
    api.exception_handler(RequestValidationError)(_misfit)
    api.exception_handler(Exception)(_failure)
    return api


def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway event.

    Whoever has no token is refused before anything else: Powertools checks a request before its middlewares run, and
    would tell a stranger what is wrong with it. The console's page holds nothing, and is shown to everybody.
    """
    if event["routeKey"] == console.ROUTE:
        return console.answer(event)
    answered = _answer(event, context)
    return answered | {"headers": answered["headers"] | PRIVATE}


def _answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    try:
        _authenticate(event)
        return app().resolve(_readable(event), context)
    except ServiceError as error:
        refused = _refusal(error)
    except Exception as error:  # noqa: BLE001 - logged there
        refused = _failure(error)
    headers = {"Content-Type": PROBLEM, **{name: str(value) for name, value in refused.headers.items()}}
    return {"statusCode": refused.status_code, "headers": headers, "body": refused.body, "isBase64Encoded": False}


def actor() -> str:
    """Return who asks: what the header `X-Actor` says, or the beginning of the token's hash."""
    headers = app().current_event.headers
    given = headers.get("x-actor")
    if given is None:
        return f"token:{hashlib.sha256(_token(headers)[1].encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    if not (0 < len(given) <= LONGEST_ACTOR and given.isascii() and given.isprintable()):
        raise BadRequestError(f"X-Actor must have 1 to {LONGEST_ACTOR} printable ASCII characters")
    return given


def page[Row, Shown](
    name: str,
    read: Callable[[list[str]], Mapping[str, Row]],
    show: Callable[[Row], Shown],
    *,
    index: str,
    partitions: Sequence[str],
    limit: int,
    cursor: str,
    filters: Mapping[str, object] | None = None,
    is_named: Callable[[str], bool] | None = None,
    is_meant: Callable[[Row], bool] | None = None,
    newest_first: bool = True,
    until: str = "",
    most: int = MOST_READ,
) -> tuple[list[Shown], str | None]:
    """Return a page of a list, and the cursor of the next one: None at the list's end.

    The list is what stands in `partitions` of an index of the table (as `table.positions` takes them), read by `read`
    (`rows(KIND)`; given up to 100 ids, it returns what is there): those that `is_named` (by their id, which costs no
    read) and `is_meant` want. `filters` are what the caller has asked for, by name: a cursor is good for the list and
    the filters that it was made for. A page may be short, or empty, before the list's end: it looks at `most` entries
    at most to find what is meant. Oldest first, the list ends at the time `until`.
    """
    place = _Place(name, filters or {})
    beyond, shown, seen = place.of(cursor), list[Shown](), 0
    while True:
        chunk = min(MOST if is_named or is_meant else limit, most - seen)
        positions, more = table.positions(index, partitions, limit=chunk, beyond=beyond, newest_first=newest_first)
        if until and positions and positions[-1] > until:
            positions, more = [each for each in positions if each <= until], False
        seen += len(positions)
        ids = [table.id_at(each) for each in positions]
        found = read([each for each in ids if is_named is None or is_named(each)])
        for identity, beyond in zip(ids, positions, strict=True):
            row = found.get(identity)
            if row is not None and (is_meant is None or is_meant(row)):
                shown.append(show(row))
            if len(shown) == limit:
                return shown, place.cursor(beyond) if more or beyond != positions[-1] else None
        if not more:
            return shown, None
        if seen >= most:
            return shown, place.cursor(beyond)


def rows(kind: str) -> Callable[[list[str]], Mapping[str, table.Item]]:
    """Return the reader of a list of rows of this kind."""
    return lambda ids: {table.identity_of(row): row for row in table.get_many([(kind, each) for each in ids])}


def page_of[Shown](
    name: str,
    show: Callable[[table.Item], Shown],
    found: Iterable[table.Item],
    *,
    limit: int,
    cursor: str,
    filters: Mapping[str, object],
) -> tuple[list[Shown], str | None]:
    """Return a page of a few rows that have been found otherwise, newest first; a row's place is its `state_at`."""
    place = _Place(name, filters)
    before = place.of(cursor)
    in_order = sorted(found, key=lambda row: str(row["state_at"]["S"]), reverse=True)
    left = [row for row in in_order if not before or row["state_at"]["S"] < before]
    last = place.cursor(left[limit - 1]["state_at"]["S"]) if len(left) > limit else None
    return [show(row) for row in left[:limit]], last


class _Place:
    """Where a page begins, as a text for the caller: bound to the list, and to what was asked of it."""

    def __init__(self, name: str, filters: Mapping[str, object]) -> None:
        asked = {key: value for key, value in filters.items() if value not in (None, "")}
        self._tag = table.digest(name, wire.canonical(asked))[:8]

    def cursor(self, position: str) -> str:
        return base64.urlsafe_b64encode(f"{self._tag}{position}".encode("utf-8", "surrogatepass")).decode()

    def of(self, cursor: str) -> str:
        try:
            text = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
        except ValueError as error:
            raise BadRequestError("cursor must be one that this list has given") from error
        if text and (not text.startswith(self._tag) or "#" not in text):
            raise BadRequestError("cursor must be one that this list has given, asked for the same")
        return text.removeprefix(self._tag)


def _authenticate(event: dict[str, Any]) -> None:
    scheme, token = _token({name.lower(): value for name, value in event["headers"].items()})
    genuine = config.secret("OPS_TOKEN_SECRET_ARN").matches(lambda tokens: is_token(token, tokens))
    if scheme != "bearer" or not genuine:
        raise UnauthorizedError("A valid ops token is required: Authorization: Bearer <token>")


def _token(headers: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, token = (headers.get("authorization") or "").partition(" ")
    return scheme.lower(), token


def _readable(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event as Powertools can take it, whatever the caller's client makes of a request.

    The gateway gives the path decoded (see paths), which Powertools' routes don't match where an id holds a # or a
    quotation mark. So the path is put together again from the route that matched and the parameters found there. A
    body is JSON, whatever its type is said to be (curl says that it is a form).
    """
    path = event["routeKey"].partition(" ")[2]
    for name, value in (event.get("pathParameters") or {}).items():
        decoded = paths.unquoted(value)
        if len(decoded) > LONGEST_ID:
            raise NotFoundError("There is nothing with an id as long as this.")
        path = path.replace(f"{{{name}}}", quote(decoded, safe="", errors="replace"))
    query = {name: value for name, value in (event.get("queryStringParameters") or {}).items() if value}
    headers = {name: value for name, value in event["headers"].items() if name.lower() != "content-type"}
    return event | {
        "rawPath": path,
        "queryStringParameters": query,
        "headers": headers,
        "body": _body(event),
        "isBase64Encoded": False,
    }


def _body(event: dict[str, Any]) -> str:
    try:
        text = event.get("body") or ""
        raw = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
        content = wire.parse(raw) if raw else {}
    except ValueError as error:
        raise BadRequestError("The body is not JSON in UTF-8.") from error
    if not isinstance(content, dict):
        raise BadRequestError("The body must be a JSON object.")
    return wire.write(content).decode()


def _refusal(error: ServiceError) -> Response[Any]:
    """Answer a refusal as RFC 9457 says."""
    headers = {"WWW-Authenticate": "Bearer"} if error.status_code == HTTPStatus.UNAUTHORIZED else {}
    return _problem(error.status_code, str(error.msg), headers)


def _misfit(error: RequestValidationError) -> Response[Any]:
    """Answer what doesn't fit what a route takes: each field and what is wrong with it, never what it held."""
    faults: dict[str, str] = {}
    for each in error.errors():
        field, wrong = _field(each), _wrong(each)
        if wrong.startswith(_ONE_OF) and field in faults:  # one of several types that it may have
            wrong = f"{faults[field]}, {wrong.removeprefix(_ONE_OF)}"
        faults[field] = wrong
    errors = [{"field": field, "message": wrong} for field, wrong in faults.items()]
    detail = "; ".join(f"{each['field'] or 'The body'} {each['message']}" for each in errors)
    return _problem(HTTPStatus.BAD_REQUEST, detail, errors=errors)


def _field(error: Mapping[str, Any]) -> str:
    """Name the field; where it may have several types, pydantic adds which one is meant."""
    parts = [str(part) for part in error["loc"][1:]]
    return ".".join(parts[:-1] if _is_choice(error) and parts[-1].endswith("]") else parts)


def _is_choice(error: Mapping[str, Any]) -> bool:
    return error["type"] in ("enum", "literal_error")


def _wrong(error: Mapping[str, Any]) -> str:
    given = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not known here"
        case "enum" | "literal_error":
            return f"{_ONE_OF}{given['expected'].replace(' or ', ', ').replace("'", '')}"
        case "value_error":
            return str(given.get("error", error["msg"]))
        case _:
            return f"is wrong: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _failure(error: Exception) -> Response[Any]:
    """Answer what nobody has foreseen, and say nothing about it: its text could hold anything."""
    logger().error("request_failed", exc_info=error)
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong in Pressroom itself; its log says what.")


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: object) -> Response[Any]:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "detail": detail, "status": status, **more}
    return Response(status_code=status, content_type=PROBLEM, body=json.dumps(body), headers={**(headers or {})})
