"""Sends webhooks to Camaloon: one endpoint for all topics, three headers (Camaloon API v1, "Webhooks to Camaloon")."""

from http import HTTPStatus

from pressroom.delivery.outcome import Sent
from pressroom.order.outbox import Delivery
from pressroom.platform import config, error_bodies, http, wire
from pressroom.platform.errors import Dead, Retry
from pressroom.platform.signing import camaloon_signature

PATH = "/print_on_demand/generic/webhooks/receive"
FIELDS = frozenset(
    {
        *("id", "ref", "currency", "tax_rate", "created_at", "processed_at", "shipping_price"),
        *("shipping_info", "billing_info", "line_items", "sku", "description", "quantity", "price"),
        *("first_name", "last_name", "company_name", "email", "telephone"),
        *("address", "address2", "zip", "city", "province", "country_code"),
    }
)
"""The field names that are passed on of a refusal, which is a list of schema errors (field notes)."""


def send(delivery: Delivery) -> Sent:
    """Make one attempt to deliver a webhook to Camaloon; its operation is the topic. See `http.post` for the errors.

    The error of a refused order names the fields: `HTTP 400: shipping_info.email`.

    An order without an e-mail address gets that of the parameter FallbackEmail.

    Camaloon has no request that looks up an order, so after a lost answer the same bytes, with the same order id, are
    sent again, and the order is flagged
    (docs/decisions/0005-camaloon-orders-are-resent-after-a-lost-response.md).
    """
    secret = config.secret("CAMALOON_SECRET_ARN")
    values, domain = secret.values(), config.setting("CAMALOON_SOURCE_DOMAIN")
    if not values or not domain:
        raise Retry("Camaloon's secret or the source domain is not set")
    body = _with_email(delivery.body, config.setting("FALLBACK_EMAIL"))
    headers = {
        "Content-Type": "application/json",
        "X-CAMALOON-SOURCE-DOMAIN": domain,
        "X-CAMALOON-TOPIC": delivery.operation,
        "X-CAMALOON-HMAC-SHA256": camaloon_signature(values[0], body),
    }
    try:
        return Sent(http.post(config.setting("CAMALOON_BASE_URL").rstrip("/") + PATH, body, headers))
    except Dead as error:
        if error.status == HTTPStatus.UNAUTHORIZED and secret.changed():
            raise Retry("HTTP 401, and the secret was just replaced", status=error.status) from error
        if isinstance(error, http.Refusal):
            raise error.because(error_bodies.field_names(error.body, FIELDS)) from error
        raise


def _with_email(body: bytes, fallback: str) -> bytes:
    """Return an order with an e-mail address: its own, or else the fallback; unchanged if there is neither."""
    order = wire.parse(body) if fallback else {}
    address = order.get("shipping_info", {})
    if not fallback or address.get("email"):
        return body
    return wire.write(order | {"shipping_info": address | {"email": fallback}})
