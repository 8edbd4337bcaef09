"""The bodies of the OMS's orders, compared with its documentation."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from pressroom.order.shop_order import LineItem, OrderPaid, line_ids
from pressroom.platform import wire
from pressroom.providers.oms import client, messages
from tests.support.samples import body, sample

DESIGN = {
    "variant_id": "badge-38",
    "template_config": "%7B%22text%22%3A%22Marta%22%7D",
    "thumbnails": ["https://cdn.shop.example/t/1.png"],
    "design_version_id": "dv-1",
    "properties": {"size": 1.5, "gift": None, "nested": {"deep": [None, 2]}},
}


def paid(**changes: Any) -> OrderPaid:
    """The sample order, all its lines personalised, with some fields changed."""
    content: dict[str, Any] = sample("storefront/order_paid") | changes
    content["line_items"] = [{"personalization": DESIGN} | line for line in content["line_items"]]
    return OrderPaid.model_validate(wire.parse(body(content)))


def lines(order: OrderPaid) -> list[tuple[str, LineItem]]:
    return list(zip(line_ids(order.line_items), order.line_items, strict=True))


def created(order: OrderPaid) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(messages.Order.of(order, lines(order)).body())
    return content


def updated(order: OrderPaid) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(messages.OrderUpdate.of(order, lines(order)).body())
    return content


def item(line: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = created(paid(line_items=[line]))["items"][0]
    return content


LINE: dict[str, Any] = {"sku": "badge", "quantity": 10, "price": 12.5}


def test_a_new_order_is_written_in_the_documented_format() -> None:
    order = paid(
        line_items=[LINE],
        note="Ring twice",
        shipping_service="STANDARD",
        customer={
            "id": 77,
            "email": "joan@shop.example",
            "first_name": "Marta",
            "last_name": "Soler",
            "telephone": "+34 600",
        },
    )
    assert created(order) == {
        "ecommerce_order_id": "1001",
        "ecommerce_order_number": "20260901003",
        "subtotal_price": 12.5,
        "currency_code": "EUR",
        "note": "Ring twice",
        "customer": {
            "email": "joan@shop.example",
            "ecommerce_customer_id": "77",
            "name": "Marta",
            "surname": "Soler",
            "phone": "+34 600",
        },
        "items": [
            {
                "ecommerce_order_item_id": "1001:1",
                "ecommerce_variant_id": "badge-38",
                "quantity": 10,
                "price": 1.25,
                "properties": DESIGN["properties"],
                "template_config": DESIGN["template_config"],
                "thumbnails": DESIGN["thumbnails"],
                "design_version_id": "dv-1",
            }
        ],
        "addresses": [
            {
                "type_id": "shipping",
                "address_1": "Carrer de la Llum 12",
                "address_2": "2n 1a",
                "post_code": "08001",
                "city": "Barcelona",
                "county": "Barcelona",
                "country_code": "ES",
            },
            {
                "type_id": "billing",
                "address_1": "Carrer de la Llum 12",
                "post_code": "08001",
                "city": "Barcelona",
                "county": "Barcelona",
                "country_code": "ES",
            },
        ],
        "shippings": [{"code": "STANDARD", "shipping_price": 3.2}],
    }


def test_an_update_is_the_same_without_our_id_of_the_order() -> None:
    order = paid(note="Ring twice", shipping_service="STANDARD")
    assert updated(order) == wire.without(created(order), "ecommerce_order_id")


def test_only_the_given_lines_are_in_it_under_their_own_ids() -> None:
    order = paid(line_items=[LINE, LINE | {"id": "b/2", "price": 7}, LINE | {"price": 100}])
    content = json.loads(messages.Order.of(order, lines(order)[:2]).body())
    assert [each["ecommerce_order_item_id"] for each in content["items"]] == ["1001:1", "1001:b~2f2"]
    assert content["subtotal_price"] == 19.5
    assert "total_price" not in content


def test_fields_that_the_shop_left_out_are_missing() -> None:
    order = paid(ref=None, line_items=[LINE | {"personalization": wire.without(DESIGN, "design_version_id")}])
    content = created(order)
    assert not {"ecommerce_order_number", "note", "shippings", "total_price"} & set(content)
    assert "design_version_id" not in content["items"][0]
    assert created(paid(ref="", note="", shipping_service="")) == created(paid(ref=None))
    assert "design_version_id" not in item(LINE | {"personalization": DESIGN | {"design_version_id": ""}})


def test_ids_are_text_whatever_their_json_type() -> None:
    content = created(paid(id=5, line_items=[LINE | {"id": 9, "personalization": DESIGN | {"variant_id": 12}}]))
    assert content["ecommerce_order_id"] == "5"
    assert content["items"][0]["ecommerce_order_item_id"] == "5:9"
    assert content["items"][0]["ecommerce_variant_id"] == "12"


def test_a_design_is_passed_on_unchanged() -> None:
    config = "%7B%22text%22%3A%22caf%C3%A9+%2B%22%7D"
    content = item(LINE | {"personalization": DESIGN | {"template_config": config, "thumbnails": []}})
    assert (content["template_config"], content["thumbnails"]) == (config, [])
    assert content["properties"] == {"size": 1.5, "gift": None, "nested": {"deep": [None, 2]}}


@pytest.mark.parametrize(
    ("price", "quantity", "piece"),
    [
        (12.5, 10, 1.25),
        (10, 3, 3.3333),
        (20, 3, 6.6667),
        (0.0001, 2, 0.0),
        (0.0003, 2, 0.0002),
        (0, 7, 0),
        (999_999_999_999_999, 1, 999_999_999_999_999),
        (0.00005, 1, 0.0),
    ],
)
def test_a_price_of_a_piece_has_four_digits_rounded_half_even(price: float, quantity: int, piece: float) -> None:
    assert item(LINE | {"price": price, "quantity": quantity})["price"] == piece


@given(st.decimals(0, 999_999_999_999, places=3), st.integers(1, 1_000_000))
def test_a_price_of_a_piece_is_off_by_half_a_digit_at_most(price: Decimal, quantity: int) -> None:
    line = paid(line_items=[LINE | {"quantity": quantity}]).line_items[0].model_copy(update={"price": price})
    piece = messages.Item.of("1001", "1", line).price
    assert piece is not None
    assert abs(piece * quantity - price) <= Decimal("0.00005") * quantity


def test_sums_of_money_are_exact() -> None:
    assert created(paid(line_items=[LINE | {"price": 0.1}, LINE | {"price": 0.2}]))["subtotal_price"] == 0.3


def test_without_a_customer_the_recipient_is_the_customer() -> None:
    to = sample("storefront/order_paid")["shipping_info"]
    whom = {
        "email": to["email"],
        "name": to["first_name"],
        "surname": to["last_name"],
        "phone": to["telephone"],
    }
    assert created(paid())["customer"] == whom
    assert created(paid(customer={}))["customer"] == whom
    assert created(paid(customer={"first_name": "", "telephone": ""}))["customer"] == whom


def test_a_customer_is_completed_but_names_are_not_mixed() -> None:
    nameless = sample("storefront/order_paid")["shipping_info"] | {"first_name": "", "last_name": ""}
    customer = created(paid(customer={"id": 0, "last_name": "Puig"}, shipping_info=nameless))["customer"]
    assert customer == {
        "ecommerce_customer_id": "0",
        "surname": "Puig",
        "email": "marta.soler@shop.example",
        "phone": "+34 600 000 001",
    }


ANNA = {
    "id": 41,
    "email": "anna@shop.example",
    "first_name": "Anna",
    "last_name": "Roca Vidal",
    "telephone": "+34 600 000 041",
}


def for_ben(**address: Any) -> OrderPaid:
    """A gift of Anna's for Ben."""
    to = sample("storefront/order_paid")["shipping_info"]
    ben = {"first_name": "Ben", "last_name": "Okoye", "email": "anna@shop.example", "telephone": "+34 600 000 042"}
    return paid(customer=ANNA, shipping_info=to | ben | address)


@pytest.mark.parametrize("write", [created, updated])
def test_a_gift_is_sent_in_the_name_of_its_recipient(write: Any) -> None:
    content = write(for_ben(company_name="Okoye & Sons"))
    assert content["customer"] == {
        "email": "anna@shop.example",
        "ecommerce_customer_id": "41",
        "name": "Ben",
        "surname": "Okoye",
        "phone": "+34 600 000 042",
    }
    assert [each.get("address_2") for each in content["addresses"]] == ["Okoye & Sons, 2n 1a", None]
    assert "Anna" not in json.dumps(content)


def test_a_recipients_missing_telephone_is_the_buyers() -> None:
    assert created(for_ben(telephone=None))["customer"]["phone"] == "+34 600 000 041"


def test_a_recipients_company_is_in_the_address_whoever_bought() -> None:
    to = sample("storefront/order_paid")["shipping_info"] | {"company_name": "Soler i Filles SL", "address2": ""}
    shipping, billing = created(paid(shipping_info=to, billing_info=None))["addresses"]
    assert (shipping["address_2"], billing.get("address_2")) == ("Soler i Filles SL", None)


@pytest.mark.parametrize(
    "named",
    [
        {"first_name": "Anna", "last_name": "Roca Vidal"},
        {"first_name": "ANNA", "last_name": "roca  vidal "},
        {"first_name": "Anna Roca", "last_name": "Vidal"},
        {"first_name": "", "last_name": ""},
    ],
)
def test_a_buyer_who_is_the_recipient_is_sent_as_the_shop_describes_the_customer(named: dict[str, str]) -> None:
    assert created(for_ben(**named))["customer"] == {
        "email": "anna@shop.example",
        "ecommerce_customer_id": "41",
        "name": "Anna",
        "surname": "Roca Vidal",
        "phone": "+34 600 000 041",
    }


def test_the_total_is_sent_with_all_lines_of_the_order_only() -> None:
    order = paid(line_items=[LINE, LINE | {"price": 7}], total_price="27.46")
    assert (created(order)["total_price"], updated(order)["total_price"]) == (27.46, 27.46)
    part = json.loads(messages.Order.of(order, lines(order)[:1]).body())
    assert (part["subtotal_price"], part.get("total_price")) == (12.5, None)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (34, 34),
        ("34", 34),
        (0, None),
        (-1, None),
        (True, None),
        ("ES", None),
        (None, None),
        ("9" * 16, None),
        ([], None),
    ],
)
def test_the_omss_number_of_a_country_is_sent_and_another_value_left_out(given: Any, sent: int | None) -> None:
    order = sample("storefront/order_paid")
    order = paid(
        shipping_info=order["shipping_info"] | {"country_id": given},
        billing_info=order["billing_info"] | {"country_id": given},
    )
    assert [each.get("country_id") for each in created(order)["addresses"]] == [sent, sent]


def test_a_customer_without_a_name_has_none() -> None:
    to = sample("storefront/order_paid")["shipping_info"] | {"first_name": "", "last_name": "", "telephone": ""}
    assert created(paid(shipping_info=to))["customer"] == {"email": "marta.soler@shop.example"}


def test_an_address_lacks_the_fields_that_the_shops_address_lacks() -> None:
    address = sample("storefront/order_paid")["shipping_info"] | {"zip": "", "province": "", "address2": None}
    shipping, billing = created(paid(shipping_info=address, billing_info=None))["addresses"]
    assert shipping == {
        "type_id": "shipping",
        "address_1": "Carrer de la Llum 12",
        "post_code": "",
        "city": "Barcelona",
        "country_code": "ES",
    }
    assert billing == shipping | {"type_id": "billing"}


def test_a_line_that_is_not_personalised_has_no_item() -> None:
    with pytest.raises(ValueError, match="without a personalization"):
        messages.Item.of("1001", "1", LineItem.model_validate(LINE))


MODELS: list[type[BaseModel]] = [
    messages.Customer,
    messages.Item,
    messages.Address,
    messages.Shipping,
    messages.OrderUpdate,
    messages.Order,
]


@pytest.mark.parametrize("model", MODELS)
def test_undocumented_fields_can_not_be_sent(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"unknown": 1})
    assert "unknown" in {fault["loc"][0] for fault in caught.value.errors() if fault["type"] == "extra_forbidden"}


def test_required_fields_are_required() -> None:
    def required(model: type[BaseModel]) -> set[str]:
        return {name for name, field in model.model_fields.items() if field.is_required()}

    assert required(messages.Order) == {"ecommerce_order_id", "items"}
    assert required(messages.OrderUpdate) == required(messages.Customer) == set()
    assert required(messages.Item) == {
        *("ecommerce_order_item_id", "ecommerce_variant_id", "quantity", "template_config", "thumbnails")
    }
    assert required(messages.Address) == {"type_id", "address_1", "post_code", "city", "country_code"}
    assert required(messages.Shipping) == {"code", "shipping_price"}


def test_a_refusal_can_name_every_field_and_no_other() -> None:
    fields = {name for model in MODELS for name in model.model_fields}
    assert client.FIELDS["orders"] == (fields | {"store_id", "create_print_files"}) - {"code"}
