"""The API's description of itself (OpenAPI 3.1), made from the routes."""

import json
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from pressroom.api import app as door

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

VERSION = "1.0.0"
DESCRIPTION = """What Pressroom knows of orders, received webhooks and deliveries, and sending again what went wrong.

Every request needs the ops token: `Authorization: Bearer <token>`. Lists are cut into pages: ask again with `cursor`
while there is one; a page may be short before the end. `X-Actor` (1 to 100 ASCII characters) tells who asks, and is
recorded with what is changed.

In a path, `/` and `?` of an id are escaped twice (`W/1` is `W%252F1`), since the gateway undoes an escape before it
looks for the route; what looks like their escape gets another `%25` (`W%2F1` is `W%25252F1`)."""
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What is wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "examples": [
        {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is no such order."},
    ],
}
_PROBLEMS = {
    "400": "The request makes no sense; `errors` says which field is wrong, if one is.",
    "401": "There is no valid token.",
    "404": "There is no such thing.",
    "409": "It can't be done as things stand; `detail` says why.",
    "500": "Something went wrong in Pressroom itself.",
}
_NAMES = {"pressroom__inbox__State": "EventState", "pressroom__outbox__State": "DeliveryState"}
_NOT_OURS = ("ValidationError", "HTTPValidationError", "ResponseValidationError")
"""Schemas of answers that Powertools would give, and we don't."""


@router.get("/openapi.json", tags=["document"], operation_id="getDocument", summary="Show this document")
def get_document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    return document()


@cache
def document() -> dict[str, Any]:
    """Return the document; it is made once."""
    text = door.app().get_openapi_json_schema(
        title="Pressroom", version=VERSION, openapi_version="3.1.0", description=DESCRIPTION
    )
    for told, name in _NAMES.items():
        text = text.replace(told, name)
    made: dict[str, Any] = json.loads(text)
    schemas = made["components"]["schemas"]
    for name in _NOT_OURS:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    made["servers"] = [{"url": "."}]  # beside this document, wherever the API stands
    made["components"]["securitySchemes"] = {"opsToken": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"opsToken": []}]
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _given(parameter["schema"])
            if body := operation.get("requestBody"):
                reference = body["content"]["application/json"]["schema"]["$ref"]
                body["required"] = bool(schemas[reference.rpartition("/")[2]].get("required"))
            operation["responses"] = {
                status: response for status, response in operation["responses"].items() if status not in ("422", "500")
            } | {
                status: {"description": text, "content": {door.PROBLEM: {"schema": {"$ref": _PROBLEM_REF}}}}
                for status, text in _PROBLEMS.items()
                if (status != "404" or "{" in path) and (status != "409" or method == "post")
            }
    return made


_PROBLEM_REF = "#/components/schemas/Problem"


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema without null, which only says that the parameter may be left out."""
    options = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "title", "description")}
    return rest | (options[0] if len(options) == 1 else {"anyOf": options} if options else {})
