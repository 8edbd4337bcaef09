"""The ops API put together: authentication, the routes of all areas, and the answer to what no route handles."""

import base64
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import (
    BadRequestError,
    NotFoundError,
    ServiceError,
    UnauthorizedError,
)
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from pressroom import console
from pressroom.api import (
    at_oms,
    batches,
    catalogue,
    deliveries,
    events,
    orders,
    overview,
    printful_stores,
    recipients,
    repair,
)
from pressroom.api.common import LONGEST_ID, PROBLEM, credentials, new_router, problem
from pressroom.api.document import describe
from pressroom.platform import config, paths, wire
from pressroom.platform.observe import logger
from pressroom.platform.signing import is_token

_ONE_OF = "must be one of: "
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of every answer except the console's page, since it may contain personal data."""

router = new_router()


@router.get("/openapi.json", tags=["document"], operation_id="getDocument", summary="Get this document")
def get_document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of this API."""
    return document()


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document; it is made once."""
    return describe(app())


@cache
def app() -> APIGatewayHttpResolver:
    """Return the API with all routes."""
    api = APIGatewayHttpResolver(enable_validation=True, response_validation_error_http_code=500)
    areas = (overview, orders, recipients, at_oms, events, deliveries, repair, printful_stores, batches, catalogue)
    for each in (*(area.router for area in areas), router):
        api.include_router(each)
    api.exception_handler(ServiceError)(_refusal)
    api.exception_handler(RequestValidationError)(_misfit)
    api.exception_handler(Exception)(_failure)
    return api


def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway event.

    The token is checked before anything else: Powertools validates a request before its middlewares run, and would
    show its errors to a stranger. The console's page contains no data and is public.
    """
    if event["routeKey"] == console.ROUTE:
        return console.answer(event)
    answered = _answer(event, context)
    return answered | {"headers": answered["headers"] | PRIVATE}


def _answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    try:
        _authenticate(event)
        return app().resolve(_normalized(event), context)
    except ServiceError as error:
        refused = _refusal(error)
    except Exception as error:  # noqa: BLE001 - logged there
        refused = _failure(error)
    headers = {"Content-Type": PROBLEM, **{name: str(value) for name, value in refused.headers.items()}}
    return {"statusCode": refused.status_code, "headers": headers, "body": refused.body, "isBase64Encoded": False}


def _authenticate(event: dict[str, Any]) -> None:
    scheme, token = credentials({name.lower(): value for name, value in event["headers"].items()})
    genuine = config.secret("OPS_TOKEN_SECRET_ARN").matches(lambda tokens: is_token(token, tokens))
    if scheme != "bearer" or not genuine:
        raise UnauthorizedError("A valid ops token is required: Authorization: Bearer <token>")


def _normalized(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event in the form that Powertools can route and validate.

    The gateway decodes the path (see `platform.paths`), and Powertools does not match a decoded path with a # or a
    quotation mark in an id. So the path is rebuilt from the matched route and its parameters. The content type is
    dropped: a body is always JSON, though curl declares it as a form.
    """
    path = event["routeKey"].partition(" ")[2]
    for name, value in (event.get("pathParameters") or {}).items():
        decoded = paths.unquoted(value)
        if len(decoded) > LONGEST_ID:
            raise NotFoundError(f"No id has more than {LONGEST_ID} characters.")
        path = path.replace(f"{{{name}}}", quote(decoded, safe="", errors="replace"))
    given = event.get("queryStringParameters") or {}
    query = {name: value for name, value in given.items() if value}
    for name in given.keys() & orders.EXACT - query.keys():  # or one customer's list would be that of all
        raise BadRequestError(f"{name} is empty.")
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
    headers = {"WWW-Authenticate": "Bearer"} if error.status_code == HTTPStatus.UNAUTHORIZED else {}
    return problem(error.status_code, str(error.msg), headers)


def _misfit(error: RequestValidationError) -> Response[Any]:
    """Answer a request that fails validation: list each field and its error, but never its value."""
    faults: dict[str, str] = {}
    for each in error.errors():
        field, wrong = _field(each), _error_text(each)
        if wrong.startswith(_ONE_OF) and field in faults:  # the field may have one of several types
            wrong = f"{faults[field]}, {wrong.removeprefix(_ONE_OF)}"
        faults[field] = wrong
    errors = [{"field": field, "message": wrong} for field, wrong in faults.items()]
    detail = "; ".join(f"{each['field'] or 'The body'} {each['message']}" for each in errors)
    return problem(HTTPStatus.BAD_REQUEST, detail, errors=errors)


def _field(error: Mapping[str, Any]) -> str:
    """Return the name of the field. For a field with several types, pydantic appends the type."""
    parts = [str(part) for part in error["loc"][1:]]
    return ".".join(parts[:-1] if _is_choice(error) and parts[-1].endswith("]") else parts)


def _is_choice(error: Mapping[str, Any]) -> bool:
    return error["type"] in ("enum", "literal_error")


def _error_text(error: Mapping[str, Any]) -> str:
    given = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a known field"
        case "enum" | "literal_error":
            return f"{_ONE_OF}{given['expected'].replace(' or ', ', ').replace("'", '')}"
        case "value_error":
            return str(given.get("error", error["msg"]))
        case _:
            return f"is invalid: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _failure(error: Exception) -> Response[Any]:
    """Answer an unexpected error without its text, which could contain anything."""
    logger().error("request_failed", exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "An error inside Pressroom. Its log has the details.")
