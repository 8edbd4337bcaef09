"""The environment of a function that runs in the benchmark's process, and stubs of AWS's responses."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.awsrequest import AWSResponse

from local.partners import (
    API_TOKENS,
    NOTIFICATIONS_SECRET,
    OMS_STORE_ID,
    OPS_TOKEN,
    SEARCH_KEY,
    SHOP_DOMAIN,
    WEBHOOK_CREDENTIALS,
)
from local.settings import CREDENTIALS, REGION, STACK_NAME

TABLE = "pressroom"
SECRETS = {
    **WEBHOOK_CREDENTIALS,
    **{f"{partner_id}_api": token for partner_id, token in API_TOKENS.items()},
    "ops_token": OPS_TOKEN,
    "storefront_notifications": NOTIFICATIONS_SECRET,
    "search": SEARCH_KEY,
}
"""The local secrets by name. Here the name is also the ARN, and the environment variable is derived from it."""


def settings() -> dict[str, str]:
    """Return the environment variables of all functions."""
    return {
        **CREDENTIALS,
        **{f"{name.upper()}_SECRET_ARN": name for name in SECRETS},
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TABLE_NAME": TABLE,
        "STACK_NAME": STACK_NAME,
        "POWERTOOLS_SERVICE_NAME": STACK_NAME,
        "ROUTING_RULES": "CP-*=cloudprinter,PF-*=printful",
        "DEFAULT_DESTINATION": "camaloon",
        "CAMALOON_BASE_URL": "https://camaloon.example",
        "FALLBACK_EMAIL": "",
        "CAMALOON_SOURCE_DOMAIN": SHOP_DOMAIN,
        "OMS_BASE_URL": "https://oms.example",
        "OMS_STORE_ID": OMS_STORE_ID,
        "OMS_CREATE_PRINT_FILES": "true",
        "PRINT_FILE_POLL_SECONDS": "30",
        "PRINT_FILE_GIVE_UP_HOURS": "72",
        "PRINT_TEMPLATES": "",
        "BATCH_SIZE": "20",
        "BATCH_MAX_AGE_MINUTES": "240",
        "MAX_ATTEMPTS": "10",
        "LAST_RECEIVE": "50",
        "BACKOFF_SECONDS": "30",
        "STOREFRONT_URL": "",
        "TRACKING_WAIT_MINUTES": "60",
        "ACCEPT_WITHIN_HOURS": "camaloon=24,oms=24,cloudprinter=48,printful=48",
        "SHIP_WITHIN_HOURS": "camaloon=240,cloudprinter=240,printful=240",
        "SILENT_AFTER_HOURS": "camaloon=240,cloudprinter=96,printful=120",
        "HOLD_OLD_DAYS": "7",
        "PRINTFUL_BASE_URL": "https://printful.example",
        "PRINTFUL_STORE_ID": "",
        "PRINTFUL_STORES": "",
        "PRINTFUL_REPAIR": "false",
        "PUBLIC_API_URL": "https://pressroom.example",
    }


class _Raw(io.BytesIO):
    """A response body with the interface that botocore expects from urllib3."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def answer(client: Any, operation: str, respond: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Stub an operation of a client: `respond` maps the request's JSON to the response's. Nothing is sent."""

    def before_send(request: Any, **_: object) -> AWSResponse:
        body = json.dumps(respond(json.loads(request.body or "{}"))).encode()
        headers: Any = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, _Raw(body))

    client.meta.events.register_first(
        f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}", before_send
    )


def secret(request: dict[str, Any]) -> dict[str, Any]:
    """Return the response of GetSecretValue with the local secret."""
    return {"SecretString": json.dumps({"current": SECRETS[request["SecretId"]], "previous": ""})}
