"""The API's description of itself is true: schemathesis makes requests of it, and holds the answers against it."""

import re
import zlib
from collections import Counter
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode

from pressroom import partners
from pressroom.api import app
from pressroom.order.reasons import Attention
from pressroom.platform.paths import quoted
from tests.support import template
from tests.support.cloud import SECRETS, Cloud
from tests.support.hub import Hub
from tests.support.samples import order, sample
from tests.support.wsgi import application

TOKEN = SECRETS["OpsTokenSecret"]
CALLS = [
    (path, method) for path, operations in sorted(app.document()["paths"].items()) for method in sorted(operations)
]
EACH_CALL = pytest.mark.parametrize(("path", "method"), CALLS, ids=lambda each: str(each))
HELD = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
"""What an answer is held against. (That a request which doesn't fit is refused is not: an empty parameter is none.)"""
EXAMPLES = settings(
    max_examples=20,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_the_document_names_every_route_of_the_ops_api_and_no_other() -> None:
    api = [
        event for each in ("ApiFunction", "OmsOrderFunction") for event in template.functions()[each]["Events"].values()
    ]
    routes = {(each["Properties"]["Method"].lower(), each["Properties"]["Path"]) for each in api}
    routes.remove(("get", "/console"))  # a page, not a call
    named = {(method, path) for path, method in CALLS}
    assert {(method, re.sub(r"{\w+}", "{}", path)) for method, path in named} == {
        (method, re.sub(r"{\w+}", "{}", path)) for method, path in routes
    }


def test_the_document_is_open_api_3_1_with_a_bearer_token_and_problems() -> None:
    made = app.document()
    assert made["openapi"].startswith("3.1")
    assert made["info"]["title"] == "Pressroom"
    assert made["components"]["securitySchemes"] == {"opsToken": {"type": "http", "scheme": "bearer"}}
    assert made["security"] == [{"opsToken": []}]
    for path, method in CALLS:
        operation = made["paths"][path][method]
        assert operation["tags"], path
        assert operation["operationId"].isidentifier()
        assert {"400", "401", "500"} < set(operation["responses"])
        for status, response in operation["responses"].items():
            kind = "application/json" if status.startswith("2") else "application/problem+json"
            assert list(response["content"]) == [kind]
            jsonschema.Draft202012Validator.check_schema(response["content"][kind]["schema"])


def test_the_document_explains_each_reason_for_attention() -> None:
    described = app.document()["components"]["schemas"]["Attention"]["description"].splitlines()
    assert described[2:] == [f"- `{each}`: {each.sentence}" for each in Attention]


def test_schemas_keep_their_published_names() -> None:
    schemas = app.document()["components"]["schemas"]
    assert {"EventState", "DeliveryState", "Attention", "Heard"} <= set(schemas)
    assert [name for name in schemas if name.endswith("__State")] == []


def test_lists_of_partners_in_the_document_are_those_of_the_code() -> None:
    made = app.document()
    parameters = {
        (path, each["name"]): each["schema"].get("enum")
        for path in ("/orders", "/events", "/deliveries")
        for each in made["paths"][path]["get"]["parameters"]
    }
    assert parameters["/orders", "provider"] == sorted(partners.PRINTERS)
    assert parameters["/events", "provider"] == sorted(partners.SOURCES)
    assert parameters["/deliveries", "destination"] == sorted(partners.DESTINATIONS)
    assert made["components"]["schemas"]["Route"]["properties"]["destination"]["enum"] == sorted(partners.PRINTERS)


def test_operations_have_names_of_their_own() -> None:
    paths = app.document()["paths"]
    names = [paths[path][method]["operationId"] for path, method in CALLS]
    assert len(set(names)) == len(names)


def test_the_document_is_served(hub: Hub) -> None:
    answer = hub.get("/openapi.json")
    assert (answer["statusCode"], answer["body"]) == (200, app.document())


@pytest.fixture(name="known")
def _known(hub: Hub) -> dict[str, list[str]]:
    """A hub that has something of everything; ids that exist, by the beginning of the path."""
    hub.receive("storefront", "order_paid", order())
    hub.settle()
    hub.receive("camaloon", "shipment_sent", sample("camaloon/shipment_sent"))
    failed = hub.receive("camaloon", "shipment_sent", b"[]")["body"]["event_id"]
    hub.settle()
    deliveries = [row["delivery_id"]["S"] for row in hub.cloud.rows("DELIVERY")]
    return {"/orders": ["1001"], "/events": [failed], "/deliveries": deliveries}


def _cases(path: str, method: str, cloud: Cloud) -> Any:
    """Requests that fit the document, and such as don't where there is something to get wrong."""
    at_the_root = {"servers": [{"url": "/"}]}  # a document that was not fetched has no place to be relative to
    schema = schemathesis.openapi.from_dict(app.document() | at_the_root)
    schema.app = application(cloud)
    call = schema[path][method]
    fitting = call.as_strategy(generation_mode=GenerationMode.POSITIVE)
    has_something = call.query or call.body or call.path_parameters
    cases = (fitting | call.as_strategy(generation_mode=GenerationMode.NEGATIVE)) if has_something else fitting
    return cases.map(_with_ids_as_the_document_says)


def _with_ids_as_the_document_says(case: Any) -> Any:
    for name, value in (case.path_parameters or {}).items():
        case.path_parameters[name] = quoted(unquote(str(value)))
    return case


@EACH_CALL
def test_every_request_gets_a_response_that_the_document_describes(
    cloud: Cloud, known: dict[str, list[str]], path: str, method: str
) -> None:
    existing, seen = known.get(f"/{path.split('/')[1]}", []), Counter[int]()

    @EXAMPLES
    @given(case=_cases(path, method, cloud))
    def ask(case: Any) -> None:
        if existing and case.path_parameters and zlib.crc32(str(case.path_parameters).encode()) % 2:
            case.path_parameters[next(iter(case.path_parameters))] = existing[0]
        answer = case.call(headers={"Authorization": f"Bearer {TOKEN}"})
        case.validate_response(answer, checks=[CHECKS.get_one(name) for name in HELD])
        assert TOKEN not in answer.text
        assert "Traceback" not in answer.text
        seen[answer.status_code] += 1

    ask()
    assert set(seen) - {401}, "the token was in most of them"


@EACH_CALL
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {TOKEN}"])
def test_without_the_token_every_request_is_answered_401(
    cloud: Cloud, path: str, method: str, authorization: str | None
) -> None:
    @EXAMPLES
    @given(case=_cases(path, method, cloud))
    def ask(case: Any) -> None:
        answer = case.call(headers={"Authorization": authorization} if authorization else {})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == ["application/problem+json"]

    ask()
