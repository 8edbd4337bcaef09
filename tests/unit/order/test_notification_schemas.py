"""The published schemas and samples in docs/notifications match the notifications that are sent."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from local.simulators.storefront import SCHEMAS, validators
from pressroom.order import notifications
from tests.support.histories import History, each_history
from tests.unit.order.test_notifications import received

SPOILT: tuple[Callable[[Any], object], ...] = (
    lambda notification: notification["data"].pop("sequence"),
    lambda notification: notification["data"]["order"].pop("lines"),
    lambda notification: notification["data"]["order"].update(status="lost"),
    lambda notification: notification.update(type="order.other"),
    lambda notification: notification.update(timestamp=1),
)


@pytest.fixture(autouse=True)
def shop_with_a_url(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREFRONT_URL", "https://shop.example/")
    monkeypatch.setenv("TABLE_NAME", "table")
    monkeypatch.setattr(notifications, "_deliveries", lambda known, changed: [])


def sample(type_: str) -> Any:
    return json.loads((SCHEMAS / f"{type_}.json").read_text())


def test_every_type_has_a_schema_a_sample_and_a_row_in_the_readme() -> None:
    types = {*notifications.TYPES, *notifications.PRODUCT_TYPES}
    assert set(validators()) == types
    samples = {path.stem for path in SCHEMAS.glob("*.json") if not path.name.endswith(".schema.json")}
    assert samples == types
    readme = (SCHEMAS / "README.md").read_text()
    for type_ in types:
        assert f"| [`{type_}`]({type_}.json) | [schema]({type_}.schema.json) |" in readme


@pytest.mark.parametrize("type_", notifications.TYPES)
def test_every_sample_matches_its_schema(type_: str) -> None:
    validator = validators()[type_]
    assert [error.message for error in validator.iter_errors(sample(type_))] == []
    for spoil in SPOILT:
        spoiled = deepcopy(sample(type_))
        spoil(spoiled)
        assert list(validator.iter_errors(spoiled))


SPOILT_PRODUCTS: tuple[Callable[[Any], object], ...] = (
    lambda notification: notification["data"].pop("unavailable"),
    lambda notification: notification["data"]["product"].update(id=71),
    lambda notification: notification["data"].update(variants=[]),
    lambda notification: notification["data"]["variants"][0].update(status="lost"),
    lambda notification: notification["data"]["variants"][0].pop("skus"),
    lambda notification: notification.update(type="product.other"),
)


@pytest.mark.parametrize("type_", notifications.PRODUCT_TYPES)
def test_every_sample_about_a_product_matches_its_schema(type_: str) -> None:
    validator = validators()[type_]
    assert [error.message for error in validator.iter_errors(sample(type_))] == []
    for spoil in SPOILT_PRODUCTS:
        spoiled = deepcopy(sample(type_))
        spoil(spoiled)
        assert list(validator.iter_errors(spoiled))


@each_history(150)
def test_every_notification_matches_its_schema(history: History) -> None:
    notified = received(history)
    notified.stop_waiting()
    for notification in notified.notifications:
        assert [error.message for error in validators()[notification["type"]].iter_errors(notification)] == []
