"""What stands in the place of AWS while a function runs inside the bench."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.awsrequest import AWSResponse

from local.partners import PARTNERS, SHOP_DOMAIN
from local.settings import CREDENTIALS, REGION, STACK_NAME

TABLE = "pressroom"


def settings() -> dict[str, str]:
    """Return the environment that all functions share here; secrets are named after whose they are."""
    secrets = {f"{partner.name.upper()}_SECRET_ARN": partner.name for partner in PARTNERS}
    return {
        **CREDENTIALS,
        **secrets,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TABLE_NAME": TABLE,
        "STACK_NAME": STACK_NAME,
        "POWERTOOLS_SERVICE_NAME": STACK_NAME,
        "ROUTING_RULES": "*=camaloon",
        "CAMALOON_BASE_URL": "https://camaloon.example",
        "CAMALOON_SOURCE_DOMAIN": SHOP_DOMAIN,
        "MAX_ATTEMPTS": "10",
        "BACKOFF_SECONDS": "30",
    }


class _Raw(io.BytesIO):
    """A body as botocore reads it from urllib3."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def answer(client: Any, operation: str, respond: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer an operation of a client with what `respond` makes of the request's JSON, instead of sending it."""

    def before_send(request: Any, **_: object) -> AWSResponse:
        body = json.dumps(respond(json.loads(request.body or "{}"))).encode()
        headers: Any = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, _Raw(body))

    client.meta.events.register_first(
        f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}", before_send
    )


def secret(request: dict[str, Any]) -> dict[str, Any]:
    """Answer GetSecretValue with the local secret of whom it belongs to."""
    value = next(partner.value for partner in PARTNERS if partner.name == request["SecretId"])
    return {"SecretString": json.dumps({"current": value, "previous": ""})}
