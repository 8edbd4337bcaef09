"""What the receiver accepts of the shop, and what it says of the rest."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from pressroom.order import routing
from pressroom.order.shop_order import (
    PLACE,
    Address,
    Customer,
    LineItem,
    OrderCanceled,
    OrderPaid,
    Personalization,
    ShippingAddress,
)
from pressroom.platform import wire
from pressroom.platform.errors import Refused
from pressroom.providers.storefront.messages import check
from tests.support.samples import body, sample

CAMALOON, FOLLOWED = routing.parse("", "camaloon"), routing.parse("*=printful")
SAMPLES = {"order_paid": "storefront/order_paid__personalized", "order_updated": "storefront/order_updated"}
MONEY = {"shipping_price", "line_items.0.price"}
"""Amounts that are sent on: a shop that sends nonsense for one must know."""
IDENTITY = {"id", "currency", "created_at", "processed_at", "updated_at", "line_items", "line_items.0.quantity"}
"""What makes a message an order."""
NEEDED = {"shipping_info", *(f"shipping_info.{name}" for name in PLACE)}
"""What a line that Pressroom sends to a printer needs."""


def refusal(content: object, how: routing.Routing | None = CAMALOON, topic: str = "order_paid") -> dict[str, str]:
    """Return the message of each field that is refused."""
    try:
        check(topic, wire.parse(body(content)), how)
    except Refused as refused:
        answer: Any = refused.answer
        return {each["field"]: each["message"] for each in answer}
    return {}


def changed(name: str, path: str, value: object) -> Any:
    """A sample with the value at a path replaced; `...` removes it."""
    content = sample(name)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    node: Any = content
    for step in way:
        node = node[step]
    if value is ...:
        node.pop(last, None)
    else:
        node[last] = value
    return content


def fields(prefix: str, model: type[BaseModel]) -> set[str]:
    return {f"{prefix}{name}" for name in model.model_fields}


def optional(topic: str) -> list[str]:
    """Return the paths of all fields that may hold any value if only followed printers make the order."""
    known = fields("", OrderPaid) | fields("shipping_info.", ShippingAddress) | fields("billing_info.", Address)
    known |= fields("customer.", Customer) | fields("line_items.0.", LineItem)
    known |= fields("line_items.0.personalization.", Personalization)
    of_updates = {"line_items.0.id"} if topic == "order_updated" else set()
    return sorted(known - MONEY - IDENTITY - of_updates)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ODD: tuple[Any, ...] = (
    "x" * 30_000,
    10**400,
    "1e999999999",
    "-1",
    "\ud83c",
    {"0": {}},
    [[]],
    {"": {"": None}},
    "javascript:0",
    1e308,
)


@pytest.mark.parametrize("topic", SAMPLES)
@settings(deadline=None)
@given(place=st.integers(0, 1000), value=VALUES | st.sampled_from(ODD))
@example(place=0, value="x" * 30_000)
def test_no_value_of_an_optional_field_refuses_an_order(topic: str, place: int, value: object) -> None:
    paths = optional(topic)
    path = paths[place % len(paths)]
    content = changed(SAMPLES[topic], path, value)
    assert refusal(content, FOLLOWED, topic) == {}
    if path not in NEEDED:
        assert refusal(content, CAMALOON, topic) == {}


@pytest.mark.parametrize("topic", SAMPLES)
@pytest.mark.parametrize("value", [..., None, *ODD], ids=lambda value: str(value)[:12])
def test_no_odd_value_of_any_optional_field_refuses_an_order(topic: str, value: object) -> None:
    for path in optional(topic):
        assert refusal(changed(SAMPLES[topic], path, value), FOLLOWED, topic) == {}, path


@pytest.mark.parametrize("value", [..., None, *ODD], ids=lambda value: str(value)[:12])
def test_no_value_of_an_optional_field_refuses_a_cancellation(value: object) -> None:
    for name in set(OrderCanceled.model_fields) - {"id"}:
        assert refusal(changed("storefront/order_canceled", name, value), CAMALOON, "order_canceled") == {}


@pytest.mark.parametrize("name", PLACE)
@pytest.mark.parametrize("value", [..., None, "", " ", [], {}, True])
def test_an_order_that_is_sent_needs_a_place_to_ship_it_to(name: str, value: object) -> None:
    content = changed("storefront/order_paid", f"shipping_info.{name}", value)
    assert refusal(content).keys() == {f"shipping_info.{name}"}
    assert "Camaloon" in refusal(content)[f"shipping_info.{name}"]
    assert refusal(content, FOLLOWED) == {}
    assert refusal(content, None) == {}


@pytest.mark.parametrize("how", [CAMALOON, routing.parse("*=cloudprinter"), routing.parse("", "nobody")])
def test_only_the_printers_of_the_lines_need_something(how: routing.Routing) -> None:
    content = sample("storefront/order_paid") | {"shipping_info": None}
    del content["line_items"][1]["price"]
    lacking = {*(f"shipping_info.{name}" for name in PLACE), "line_items.1.price"}
    assert refusal(content, how).keys() == (lacking if how is CAMALOON else set())


def test_a_line_for_the_oms_needs_a_place_and_no_price() -> None:
    content = changed(SAMPLES["order_paid"], "shipping_info.city", None)
    del content["line_items"][0]["price"]
    assert refusal(content) == {"shipping_info.city": "must be the name of a city; the OMS can't ship without it"}


def test_a_line_that_is_not_sent_needs_nothing() -> None:
    content = sample("storefront/order_paid") | {"shipping_info": []}
    content["line_items"] = [{"quantity": 1}, {"sku": "S", "quantity": 1, "personalization": "spoiled"}]
    assert refusal(content) == {}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("id", ..., "is required"),
        ("id", True, "must be a whole number, or text of 1 to 128 printable characters"),
        ("currency", ["EUR"], "must be an ISO 4217 currency code, such as EUR"),
        ("created_at", 7, None),
        ("processed_at", {}, None),
        ("line_items", [], "must have one line at least"),
        ("line_items", "MUG", "must be a list"),
        ("line_items", [{"quantity": 1}] * 1001, "must have 1000 lines at most"),
        ("line_items.0", "MUG", "must be an object"),
        ("line_items.0.quantity", ..., "is required"),
        ("line_items.0.quantity", {}, "must be a whole number from 1 to 1000000"),
        ("line_items.0.quantity", -1, "must be a whole number from 1 to 1000000"),
        ("line_items.0.price", [7], "must be a number from 0, of 15 digits at most"),
        ("line_items.0.price", "1e400", "must be a number from 0, of 15 digits at most"),
        ("line_items.0.price", ..., "is required for a line that Camaloon prints"),
        ("shipping_price", -1, "must be a number from 0, of 15 digits at most"),
        ("shipping_price", True, "must be a number from 0, of 15 digits at most"),
    ],
)
def test_an_error_names_the_field_and_says_in_plain_words_what_is_wrong(
    path: str, value: object, message: str | None
) -> None:
    content = changed("storefront/order_paid", path, value)
    instant = "must be an ISO 8601 date and time with its offset from UTC, such as 2026-09-01T16:09:54+02:00"
    assert refusal(content) == {path: message or instant}


def test_no_error_has_pydantics_words() -> None:
    broken: list[object] = [{}, {"line_items": [{}], "id": {}, "currency": 7}, {"line_items": {"a": 1}}]
    broken += [sample("storefront/order_paid") | {name: [7] for name in IDENTITY | MONEY}]
    for content in broken:
        for topic in (*SAMPLES, "order_canceled"):
            for message in refusal(content, topic=topic).values():
                assert "Input" not in message
                assert message.startswith(("is ", "must "))


def test_all_errors_of_an_order_that_can_not_be_read_are_listed_at_once() -> None:
    content = sample("storefront/order_paid") | {"currency": "euro", "shipping_info": {"city": "Lugo"}}
    content["line_items"] = [{"sku": "A", "quantity": 0.5}, 7, {"sku": "B", "quantity": 1, "price": "free"}]
    assert refusal(content).keys() == {
        *("currency", "line_items.0.quantity", "line_items.0.price", "line_items.1", "line_items.2.price"),
        *("shipping_info.address", "shipping_info.country_code"),
    }
