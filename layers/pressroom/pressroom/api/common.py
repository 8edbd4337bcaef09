"""What the areas of the ops API share: ids, pages of lists, problems, who asks.

An area is a module of this package with a `router`, which `app` includes:

    router = new_router()

    @router.post("/things/<thing_id>/fix", tags=["things"], operation_id="fixThing", summary="Fix a thing")
    def fix(thing_id: Id, wanted: Fix) -> Fixed:
        ...

- A path parameter is an `Id`: it arrives decoded. Query parameters are scalars with a default (`Annotated[str,
  Query(…)]`). A body is one pydantic model (a `Body`: no other fields; a request without a body is an empty object). An
  empty query parameter counts as missing. What does not fit is answered with 400 before the function runs.
- The result is validated against the annotation, and documented by it: a dataclass, a TypedDict or a model; other
  fields are dropped. `status_code=202` on the route sets another success than 200.
- A refusal is raised: `BadRequestError`, `NotFoundError` of Powertools, or `ServiceError(409, "…")`. All are problems.
- A list uses `page()` with `rows(KIND)`, and has `limit: Limit = LIMIT, cursor: Cursor = ""`. `actor()` is who asks.
- The route in the template may name path parameters differently; their number and places must be the same.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from aws_lambda_powertools.event_handler.exceptions import BadRequestError
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict

from pressroom.partners import DESTINATIONS, PRINTERS, SOURCES
from pressroom.platform import table, wire

LIMIT = 50
"""How many entries a page of a list has, unless the request asks for another number, up to MOST."""
MOST = 100
MOST_READ = 200
"""How many rows one request for a list reads at most."""
LONGEST_ID = 500
"""No id is longer: DynamoDB rejects a key of more than 2,048 bytes."""
LONGEST_ACTOR = 100
PROBLEM = "application/problem+json"

Id = Annotated[str, Path(min_length=1, max_length=LONGEST_ID), BeforeValidator(unquote)]
Limit = Annotated[int, Query(ge=1, le=MOST, description="The maximum number of entries on the page.")]
Cursor = Annotated[
    str, Query(max_length=1400, description="The `cursor` of the page before, to get the page that follows it.")
]

if TYPE_CHECKING:  # mypy knows no Literal that is computed
    type Destination = str
    type Printer = str
    type Source = str
else:
    Destination = Literal[tuple(sorted(DESTINATIONS))]
    Printer = Literal[tuple(sorted(PRINTERS))]
    Source = Literal[SOURCES]


class Body(BaseModel):
    """The body of a request: a JSON object without any other fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def new_router() -> APIGatewayHttpRouter:
    """Return the router of an area."""
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


def header(name: str) -> str | None:
    """Return a header of the request that is being answered; `name` is in lower case."""
    value: str | None = BaseRouter.current_event.headers.get(name)
    return value


def credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the scheme, in lower case, and the token of the Authorization header."""
    scheme, _, token = (headers.get("authorization") or "").partition(" ")
    return scheme.lower(), token


def actor() -> str:
    """Return who asks: the header `X-Actor`, or the beginning of the token's hash."""
    given = header("x-actor")
    if given is None:
        token = credentials(BaseRouter.current_event.headers)[1]
        return f"token:{hashlib.sha256(token.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
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
    id_matches: Callable[[str], bool] | None = None,
    matches: Callable[[Row], bool] | None = None,
    newest_first: bool = True,
    until: str = "",
    most: int = MOST_READ,
) -> tuple[list[Shown], str | None]:
    """Return a page of a list, and the cursor of the next page: None at the end of the list.

    The list holds the entries of `partitions` of an index (as in `table.positions`) that `id_matches`, which costs no
    read, and `matches` accept. `read` (such as `rows(KIND)`) returns the rows of up to 100 ids that exist. `filters`
    are the filters of the request: a cursor is valid only for its list and the same filters. A page may be short, or
    empty, before the end of the list: it reads `most` entries at most. Oldest first, the list ends at the time `until`.
    """
    place = _Place(name, filters or {})
    beyond, shown, seen = place.of(cursor), list[Shown](), 0
    while True:
        chunk = min(MOST if id_matches or matches else limit, most - seen)
        positions, more = table.positions(index, partitions, limit=chunk, beyond=beyond, newest_first=newest_first)
        if until and positions and positions[-1] > until:
            positions, more = [each for each in positions if each <= until], False
        seen += len(positions)
        ids = [table.id_at(each) for each in positions]
        found = read([each for each in ids if id_matches is None or id_matches(each)])
        for identity, beyond in zip(ids, positions, strict=True):
            row = found.get(identity)
            if row is not None and (matches is None or matches(row)):
                shown.append(show(row))
            if len(shown) == limit:
                return shown, place.cursor(beyond) if more or beyond != positions[-1] else None
        if not more:
            return shown, None
        if seen >= most:
            return shown, place.cursor(beyond)


def rows(kind: str) -> Callable[[list[str]], Mapping[str, table.Item]]:
    """Return the `read` of a list of rows of a kind."""
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
    """Return a page of a few rows that were found without an index, newest first by `state_at`."""
    place = _Place(name, filters)
    before = place.of(cursor)
    in_order = sorted(found, key=lambda row: str(row["state_at"]["S"]), reverse=True)
    left = [row for row in in_order if not before or row["state_at"]["S"] < before]
    last = place.cursor(left[limit - 1]["state_at"]["S"]) if len(left) > limit else None
    return [show(row) for row in left[:limit]], last


class _Place:
    """Where a page begins, encoded for the caller and bound to the list and its filters."""

    def __init__(self, name: str, filters: Mapping[str, object]) -> None:
        given = {key: value for key, value in filters.items() if value not in (None, "")}
        self._tag = table.digest(name, wire.canonical(given))[:8]

    def cursor(self, position: str) -> str:
        return base64.urlsafe_b64encode(f"{self._tag}{position}".encode("utf-8", "surrogatepass")).decode()

    def of(self, cursor: str) -> str:
        try:
            text = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
        except ValueError as error:
            raise BadRequestError("cursor must be one that this list has returned") from error
        if text and (not text.startswith(self._tag) or "#" not in text):
            raise BadRequestError("cursor must be one that this list has returned for the same filters")
        return text.removeprefix(self._tag)


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: object) -> Response[Any]:
    """Return an error answer in the format of RFC 9457."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "detail": detail, "status": status, **more}
    return Response(status_code=status, content_type=PROBLEM, body=json.dumps(body), headers={**(headers or {})})
