"""The OpenAPI 3.1 document of the API, made from its routes."""

import json
from enum import Enum
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from pressroom.api.common import PROBLEM as PROBLEM_TYPE
from pressroom.inbox import events
from pressroom.order import outbox
from pressroom.order.reasons import Attention

VERSION = "1.0.0"
DESCRIPTION = """Read orders, received webhooks and deliveries, and replay what failed.

Every request needs the ops token: `Authorization: Bearer <token>`. Lists have pages: repeat the request with `cursor`
as long as the answer contains one. A page may be short before the end of the list. The header `X-Actor` (1 to 100
ASCII characters) names who makes the request; it is recorded with every change.

In a path, escape `/` and `?` of an id twice (`W/1` is `W%252F1`): the gateway decodes the path once before it matches
the route. Where an id already contains such an escape, add another `%25` (`W%2F1` is `W%25252F1`)."""
_PROBLEM_REF = "#/components/schemas/Problem"
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "An error (RFC 9457).",
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
    "400": "The request is invalid. `errors` lists the invalid fields, if there are any.",
    "401": "The ops token is missing or invalid.",
    "404": "Nothing with this id exists.",
    "409": "The current state does not allow the request. `detail` gives the reason.",
    "500": "An error inside Pressroom.",
}
_NAMES: dict[type[Enum], str] = {events.State: "EventState", outbox.State: "DeliveryState"}
"""The published names of two schemas that pydantic would name after their modules."""
_NOT_OURS = ("ValidationError", "HTTPValidationError", "ResponseValidationError")
"""Schemas of answers that Powertools would give, and Pressroom does not."""


def describe(api: APIGatewayHttpResolver) -> dict[str, Any]:
    """Return the document of an API."""
    text = api.get_openapi_json_schema(
        title="Pressroom", version=VERSION, openapi_version="3.1.0", description=DESCRIPTION
    )
    for kind, name in _NAMES.items():
        text = text.replace(f"{kind.__module__}.{kind.__qualname__}".replace(".", "__"), name)
    made: dict[str, Any] = json.loads(text)
    schemas = made["components"]["schemas"]
    for name in _NOT_OURS:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    made["servers"] = [{"url": "."}]  # beside this document, wherever the API stands
    schemas["Attention"]["description"] = "\n".join(
        ["Why a person should look at an order.", "", *(f"- `{each}`: {each.sentence}" for each in Attention)]
    )
    made["components"]["securitySchemes"] = {"opsToken": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"opsToken": []}]
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])
            if body := operation.get("requestBody"):
                reference = body["content"]["application/json"]["schema"]["$ref"]
                body["required"] = bool(schemas[reference.rpartition("/")[2]].get("required"))
            operation["responses"] = {
                status: response for status, response in operation["responses"].items() if status not in ("422", "500")
            } | {
                status: {"description": text, "content": {PROBLEM_TYPE: {"schema": {"$ref": _PROBLEM_REF}}}}
                for status, text in _PROBLEMS.items()
                if (status != "404" or "{" in path) and (status != "409" or method == "post")
            }
    return made


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter without null, which only means that the parameter is optional."""
    options = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "title", "description")}
    return rest | (options[0] if len(options) == 1 else {"anyOf": options} if options else {})
