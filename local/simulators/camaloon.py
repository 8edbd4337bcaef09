"""Simulates Camaloon's webhook endpoint: its document (API v1), and the newer one that requires `shipping_info.email`.

The signature is implemented a second time here on purpose, so that a mistake in ours is found.
"""

import argparse
import base64
import hashlib
import hmac
import json
from typing import Any

from flask import Flask, Response, request
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from local.partners import SHOP_DOMAIN, local_secret
from local.simulators.base import serve

ENDPOINT = "/print_on_demand/generic/webhooks/receive"

TEXT = {"type": "string", "minLength": 1}
OPTIONAL_TEXT = {"type": "string"}
AMOUNT = {"type": "number", "minimum": 0}
# ISO 8601 with date, time and offset; the document's examples have seconds, fractions are allowed.
TIME = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$",
}


def _record(required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with exactly these properties: a test must notice unknown ones that we send."""
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


ADDRESS_REQUIRED = {
    "first_name": OPTIONAL_TEXT,
    "last_name": OPTIONAL_TEXT,  # required, but may be empty; so may postal codes and provinces
    "address": TEXT,
    "zip": OPTIONAL_TEXT,
    "city": TEXT,
    "province": OPTIONAL_TEXT,
    "country_code": {"type": "string", "pattern": "^[A-Z]{2}$"},
}
ADDRESS_OPTIONAL = {
    "company_name": OPTIONAL_TEXT,
    "telephone": {"type": "string", "maxLength": 15},
    "address2": OPTIONAL_TEXT,
}
EMAIL = {"type": "string", "pattern": r"^[^@\s]+@[^@\s]+$"}

ORDER_PAID = _record(
    {
        "id": {"type": ["integer", "string"], "minLength": 1},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "tax_rate": AMOUNT,
        "created_at": TIME,
        "processed_at": TIME,
        "shipping_price": AMOUNT,
        "shipping_info": _record({**ADDRESS_REQUIRED, "email": EMAIL}, ADDRESS_OPTIONAL),
        "line_items": {
            "type": "array",
            "minItems": 1,
            "items": _record(
                {"sku": TEXT, "quantity": {"type": "integer", "minimum": 1}, "price": AMOUNT},
                {"description": OPTIONAL_TEXT},
            ),
        },
    },
    {"ref": OPTIONAL_TEXT, "billing_info": _record(ADDRESS_REQUIRED, ADDRESS_OPTIONAL)},
)
TOPICS = {"order_paid": Draft202012Validator(ORDER_PAID)}


def signature(secret: str, body: bytes) -> str:
    """Return the Base64 HMAC-SHA256 of the request body with the API secret."""
    mac = hmac.new(secret.encode("utf-8"), msg=body, digestmod=hashlib.sha256)
    return base64.standard_b64encode(mac.digest()).decode("ascii")


def shipment_sent(secret: str, shipment: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Return the body and headers of the webhook that Camaloon sends when a carrier has collected a parcel."""
    body = json.dumps(shipment).encode()
    headers = {
        "Content-Type": "application/json",
        "X-CAMALOON-TOPIC": "shipment_sent",
        "X-CAMALOON-HMAC-SHA256": signature(secret, body),
    }
    return body, headers


def make_app(secret: str, domain: str) -> Flask:
    app = Flask(__name__)

    @app.post(ENDPOINT)
    def receive() -> Response:
        if not _is_authentic(secret, domain):
            return Response(status=401)
        topic = request.headers.get("X-CAMALOON-TOPIC", "")
        if topic not in TOPICS:
            return _errors([f"unknown topic {topic!r}"])
        try:
            body = json.loads(request.get_data())
        except (ValueError, RecursionError):
            return _errors(["not JSON"])
        errors = [_readable(error) for error in TOPICS[topic].iter_errors(body)]
        return _errors(errors) if errors else Response(status=200)

    return app


def _is_authentic(secret: str, domain: str) -> bool:
    given = request.headers.get("X-CAMALOON-HMAC-SHA256", "")
    expected = signature(secret, request.get_data())
    return request.headers.get("X-CAMALOON-SOURCE-DOMAIN") == domain and hmac.compare_digest(
        given.encode("utf-8", "surrogateescape"), expected.encode("utf-8")
    )


def _readable(error: ValidationError) -> str:
    return f"{error.json_path}: {error.message}"


def _errors(errors: list[str]) -> Response:
    return Response(json.dumps(errors), 400, mimetype="application/json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.simulators.camaloon")
    parser.add_argument("--secret", default=local_secret("camaloon"))
    parser.add_argument("--domain", default=SHOP_DOMAIN)
    serve(lambda arguments: make_app(arguments.secret, arguments.domain), parser)


if __name__ == "__main__":
    main()
