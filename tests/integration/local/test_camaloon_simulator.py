"""The simulator of Camaloon refuses what Camaloon would refuse, so the demo proves something."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from local.simulators.base import observed
from local.simulators.camaloon import ENDPOINT, make_app, signature
from pressroom.platform import error_bodies
from pressroom.providers.camaloon import client
from tests.support.template import ROOT

SAMPLE = json.loads((ROOT / "events/storefront/order_paid.json").read_text())


@pytest.fixture
def camaloon() -> FlaskClient:
    return observed(make_app("secret", "shop.example")).test_client()


def post(camaloon: FlaskClient, body: dict[str, Any], **changes: str) -> TestResponse:
    raw = json.dumps(body).encode()
    headers = {
        "X-CAMALOON-SOURCE-DOMAIN": "shop.example",
        "X-CAMALOON-TOPIC": "order_paid",
        "X-CAMALOON-HMAC-SHA256": signature("secret", raw),
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    return camaloon.post(ENDPOINT, data=raw, headers=headers)


def test_it_accepts_a_signed_order_and_lists_it(camaloon: FlaskClient) -> None:
    assert post(camaloon, SAMPLE).status_code == 200
    (listed,) = camaloon.get("/_requests").get_json()
    assert (listed["body"], listed["answered"]) == (SAMPLE, 200)
    camaloon.post("/_reset")
    assert camaloon.get("/_requests").get_json() == []


@pytest.mark.parametrize("header", ["X_CAMALOON_HMAC_SHA256", "X_CAMALOON_SOURCE_DOMAIN"])
def test_it_refuses_a_sender_that_can_not_be_authenticated(camaloon: FlaskClient, header: str) -> None:
    assert post(camaloon, SAMPLE, **{header: "wrong"}).status_code == 401


def without_email(order: dict[str, Any]) -> None:
    del order["shipping_info"]["email"]


def with_an_unknown_field(order: dict[str, Any]) -> None:
    order["line_items"][0]["id"] = "1"


def with_a_price_as_text(order: dict[str, Any]) -> None:
    order["line_items"][0]["price"] = "12.5"


def without_lines(order: dict[str, Any]) -> None:
    order["line_items"] = []


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (without_email, "shipping_info.email"),
        (with_an_unknown_field, "line_items.0, id"),
        (with_a_price_as_text, "line_items.0.price"),
        (without_lines, "line_items"),
    ],
)
def test_it_responds_to_an_invalid_order_with_400_and_the_errors_which_name_the_fields(
    camaloon: FlaskClient, spoil: Callable[[dict[str, Any]], None], named: str
) -> None:
    order = json.loads(json.dumps(SAMPLE))
    spoil(order)
    answer = post(camaloon, order)
    assert answer.status_code == 400
    assert len(answer.get_json()) == 1
    assert error_bodies.field_names(answer.data, client.FIELDS) == named


def test_it_follows_each_behaviour_as_often_as_planned(camaloon: FlaskClient) -> None:
    camaloon.post("/_behave", json={"status": 503, "times": 2})
    camaloon.post("/_behave", json={"retry_after": 5})
    answers = [post(camaloon, SAMPLE) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 429, 200]
    assert answers[2].headers["Retry-After"] == "5"


def test_it_refuses_an_unknown_behaviour(camaloon: FlaskClient) -> None:
    assert camaloon.post("/_behave", json={"explode": True}).status_code == 400
