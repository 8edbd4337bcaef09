"""The orders that the shop may send, the orders that Camaloon receives, and the shipments that it reports."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pycountry
import pytest
from pydantic import ValidationError

from pressroom.order import codes
from pressroom.order.shop_order import OrderCanceled, OrderPaid, OrderUpdated, Personalization, line_ids, normal_form
from pressroom.platform import wire
from pressroom.providers.camaloon import messages
from pressroom.providers.camaloon.decisions import create
from pressroom.providers.camaloon.messages import ShipmentSent
from tests.support.samples import body, sample
from tests.support.template import ROOT

PERSONALIZED = "storefront/order_paid__personalized"
DESIGN = "line_items.1.personalization"
CUSTOMER = ("id", "email", "first_name", "last_name", "telephone")
SHOP_SAMPLES = sorted((ROOT / "events/storefront").glob("*.json"))


def read(content: object) -> OrderPaid:
    return OrderPaid.model_validate(wire.parse(body(content)))


def changed(path: str, value: object, of: str = "storefront/order_paid") -> Any:
    """A sample order with the value at a path replaced; `...` removes it."""
    content = sample(of)
    *way, last = path.split(".")
    node = content
    for step in way:
        node = node[int(step) if step.isdigit() else step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return content


def faults(content: object) -> set[str]:
    """Return the invalid fields."""
    try:
        read(content)
    except ValidationError as error:
        return {".".join(map(str, fault["loc"])) for fault in error.errors()}
    return set()


ADDRESS = ("address", "city", "country_code")
BLANK = ("first_name", "last_name", "zip", "province")
REQUIRED = {"id", "currency", "created_at", "processed_at", "line_items.0.quantity"}


def test_all_missing_fields_are_reported_at_once() -> None:
    assert faults({"shipping_info": {}, "billing_info": {}, "line_items": [{}]}) == REQUIRED


@pytest.mark.parametrize("name", ADDRESS)
@pytest.mark.parametrize("value", [..., None, "", " ", [], 1.5, "Nowhere, in no country"])
def test_a_billing_address_that_is_filled_in_half_is_none(name: str, value: object) -> None:
    if name != "country_code" and value in (1.5, "Nowhere, in no country"):
        return
    order = read(changed(f"billing_info.{name}", value))
    assert order.billing_info is None
    assert order.billing == order.shipping_info


def test_an_empty_order_lacks_its_required_parts() -> None:
    assert faults({}) == {name for name in REQUIRED if "." not in name} | {"line_items"}


@pytest.mark.parametrize("path", sorted(REQUIRED))
def test_each_required_field_is_required(path: str) -> None:
    assert faults(changed(path, ...)) == {path}


@pytest.mark.parametrize(
    "path",
    [
        "ref",
        "tax_rate",
        "shipping_price",
        "billing_info",
        *(f"{address}.{name}" for address in ("shipping_info", "billing_info") for name in BLANK),
        "shipping_info.email",
        "line_items.0.sku",
        "shipping_info.company_name",
        "shipping_info.telephone",
        "shipping_info.address2",
        "line_items.0.description",
    ],
)
def test_an_optional_field_may_be_absent_or_null(path: str) -> None:
    assert faults(changed(path, ...)) == set()
    assert read(changed(path, None)) == read(changed(path, ...))


@pytest.mark.parametrize(
    "path", ["tax_rate", "shipping_price", "shipping_info.email", "line_items.0.sku", "billing_info", "line_items.0.id"]
)
@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_text_is_an_absent_value(path: str, empty: str) -> None:
    assert read(changed(path, empty)) == read(changed(path, ...) if path != "line_items.0.id" else changed(path, None))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("currency", "EURO"),
        ("currency", "ABC"),
        ("currency", 978),
        ("created_at", "2026-09-01T16:09:54"),
        ("created_at", "2026-09-01"),
        ("created_at", "yesterday"),
        ("created_at", 1756735794),
        ("created_at", "0001-01-01T00:00:00+01:00"),
        ("processed_at", ""),
        ("line_items", []),
        ("line_items", {}),
        ("line_items.0.quantity", -1),
        ("line_items.0.quantity", 1.5),
        ("line_items.0.quantity", "1.5"),
        ("line_items.0.quantity", "two"),
        ("line_items.0.quantity", ""),
        ("line_items.0.quantity", False),
        ("line_items.0.quantity", True),
        ("line_items.0.quantity", 1_000_001),
        ("line_items.0.price", -0.01),
        ("line_items.0.price", True),
        ("line_items.0.price", "free"),
        ("line_items.0.price", "NaN"),
        ("line_items.0.price", "Infinity"),
        ("line_items.0.price", 1e300),
        ("line_items.0.price", "1e999999999"),
        ("line_items.0.price", "1e400"),
        ("line_items.0.price", "9" * 30 + ".5"),
        ("shipping_price", "1234567890123456.78"),
        ("shipping_price", "-1e-999999999"),
        ("shipping_price", "-0.010000000000000002"),
        ("shipping_price", -1),
        ("shipping_price", False),
        ("id", None),
        ("id", ""),
        ("id", True),
        ("id", 1.5),
        ("id", [1]),
        ("id", "a\nb"),
        ("id", "x" * 129),
    ],
)
def test_an_invalid_value_is_the_only_fault(path: str, value: object) -> None:
    assert faults(changed(path, value)) == {path}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", "A-1001"),
        ("id", 0),
        ("id", "ordre ñ #7/8"),
        ("currency", "JPY"),
        ("created_at", "2026-09-01T14:09:54Z"),
        ("created_at", "2026-09-01T14:09:54.5-04:00"),
        ("shipping_info.telephone", "+1 (555) 010-0142, extension 7"),
        ("shipping_info.country_code", "XK"),
        ("shipping_info.province", ""),
        ("shipping_info.last_name", ""),
        ("line_items.0.price", 0),
        ("line_items.0.price", "12.50"),
        ("tax_rate", 0),
        ("gift_wrap", {"unknown": True}),
        ("note", "x" * 20_000),
        ("line_items.0.description", "x" * 20_000),
    ],
)
def test_a_valid_value_is_accepted(path: str, value: object) -> None:
    assert faults(changed(path, value)) == set()


@pytest.mark.parametrize(
    ("path", "value", "meant"),
    [
        ("shipping_info.country_code", "ESP", None),
        ("shipping_info.country_code", "XX", None),
        ("shipping_info.address", "", None),
        ("shipping_info.city", " ", None),
        ("shipping_info.city", {"name": "Lugo"}, None),
        ("shipping_info.telephone", ["+34"], None),
        ("shipping_info.email", 7, None),
        ("shipping_info.email", [], None),
        ("shipping_info.zip", True, ""),
        ("shipping_info.zip", "x" * 1001, "x" * 1000),
        ("shipping_info.last_name", {}, ""),
        ("note", "x" * 20_001, "x" * 20_000),
        ("note", [], None),
        ("line_items.0.description", "x" * 20_001, "x" * 20_000),
        ("line_items.0.id", {}, None),
        ("line_items.0.id", "x" * 129, None),
        ("line_items.0.price", None, None),
        ("ref", {"number": 7}, None),
        ("ref", "x" * 1001, None),
        ("shipping_service", "x" * 1001, None),
        ("tax_rate", -0.21, None),
        ("tax_rate", "a fifth", None),
        ("total_price", -1, None),
        ("total_price", "free", None),
        ("total_price", "1e999999999", None),
        ("customer", 7, None),
        ("customer", {"id": True, "email": 7, "first_name": []}, dict.fromkeys(CUSTOMER)),
        ("billing_info", "the same", None),
    ],
)
def test_an_optional_value_that_can_not_be_used_is_absent_or_cut(path: str, value: object, meant: object) -> None:
    content = changed(path, value)
    assert faults(content) == set()
    node: Any = read(content).model_dump()
    for step in path.split("."):
        node = node[int(step) if step.isdigit() else step]
    assert node == meant


@pytest.mark.parametrize("value", [None, "Lugo", 7, []])
def test_a_shipping_address_that_is_no_object_is_an_empty_one(value: object) -> None:
    assert read(changed("shipping_info", value)).shipping_info.missing() == list(ADDRESS)


@pytest.mark.parametrize("sku", ["x" * 201, {"code": "MUG"}, True, ["MUG"]])
def test_a_sku_that_can_not_be_used_is_not_cut_and_its_line_is_unusable(sku: object) -> None:
    lines = read(changed("line_items.0.sku", sku)).line_items
    assert [(line.sku, line.unusable) for line in lines] == [("", "sku"), (lines[1].sku, "")]


def design(path: str, value: object) -> set[str]:
    """Return the faults of the personalised sample's second line after a value of its design is replaced."""
    return unusable(changed(f"{DESIGN}.{path}", value, PERSONALIZED))


def unusable(content: object) -> set[str]:
    first, second = read(content).line_items[:2]
    assert first.personalization
    assert not first.unusable
    assert second.is_personalized
    assert (second.personalization is None) == bool(second.unusable)
    return {name.removeprefix("personalization.") for name in second.unusable.split(", ") if name}


@pytest.mark.parametrize("file", SHOP_SAMPLES, ids=lambda file: file.stem)
def test_every_sample_of_the_shop_is_read(file: Path) -> None:
    models: dict[str, type[OrderPaid | OrderCanceled]] = {
        "order_paid": OrderPaid,
        "order_updated": OrderUpdated,
        "order_canceled": OrderCanceled,
    }
    message = models[file.stem.partition("__")[0]].model_validate(wire.parse(file.read_bytes()))
    assert str(message.id) in {"1001", "1002", "1003"}


def test_an_order_is_read_with_all_its_fields() -> None:
    order, given = read(sample(PERSONALIZED)), sample(PERSONALIZED)
    assert (order.note, order.shipping_service) == (given["note"], given["shipping_service"])
    assert order.customer
    assert order.customer.model_dump() == given["customer"]
    mug, poster = (line.personalization for line in order.line_items)
    assert mug
    assert mug.model_dump() == given["line_items"][0]["personalization"]
    assert poster
    assert (poster.variant_id, poster.design_version_id, poster.properties) == ("poster-a3-matt", None, None)


@pytest.mark.parametrize(
    "path",
    [
        *("customer", "note", "shipping_service", "line_items.0.id", "line_items.0.personalization"),
        *(f"customer.{name}" for name in ("id", "email", "first_name", "last_name", "telephone")),
        *(f"line_items.0.personalization.{name}" for name in ("design_version_id", "properties")),
    ],
)
def test_a_field_of_pressrooms_own_may_be_absent_or_null(path: str) -> None:
    absent = read(changed(path, ..., PERSONALIZED))
    assert absent == read(changed(path, None, PERSONALIZED))
    assert absent != read(sample(PERSONALIZED))


def test_a_personalisation_of_null_is_none() -> None:
    assert read(sample("storefront/order_paid__mixed_cart")).line_items[0].personalization is None


@pytest.mark.parametrize("name", ["variant_id", "template_config", "thumbnails"])
def test_a_design_without_a_part_that_the_oms_needs_is_unusable(name: str) -> None:
    assert unusable(changed(f"{DESIGN}.{name}", ..., PERSONALIZED)) == {name}
    assert design(name, None) == {name}


@pytest.mark.parametrize("value", ["design 7", 7, True, ["https://host"], {"layers": [1]}])
def test_a_design_that_is_no_design_is_unusable_and_its_line_stays_personalised(value: object) -> None:
    line = read(changed(DESIGN, value, PERSONALIZED)).line_items[1]
    assert (line.personalization, line.is_personalized) == (None, True)
    assert line.unusable.startswith("personalization")


@pytest.mark.parametrize(
    "value", [None, "", " ", [], {}, {"variant_id": None, "template_config": "", "thumbnails": []}]
)
def test_an_empty_design_is_none(value: object) -> None:
    line = read(changed(DESIGN, value, PERSONALIZED)).line_items[1]
    assert (line.personalization, line.is_personalized, line.unusable) == (None, False, "")


def test_what_the_shop_calls_unusable_is_an_unknown_field() -> None:
    assert read(changed("line_items.0.unusable", "sku")).line_items[0].unusable == ""


NESTED = {"text": 'Olé & "más" 1+1=2, 100 %', "x": -1.5e-7, "layers": [None, True, {"emoji": "🎈"}]}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(quote(json.dumps(NESTED), safe="~()*!'"), id="as encodeURIComponent writes it"),
        pytest.param(quote(json.dumps(NESTED), safe=";/?:@&=+$,#~()*!'"), id="as encodeURI does"),
        pytest.param(quote_plus(json.dumps(NESTED)), id="as a form does"),
        pytest.param(quote(json.dumps(NESTED, ensure_ascii=False)).lower(), id="lower-case escapes"),
        pytest.param("[1,null,true]", id="nothing that had to be escaped"),
        pytest.param("%5B%5D", id="a list"),
        pytest.param("1e+5", id="a plus that no form wrote"),
        pytest.param(quote(json.dumps([{"text": "x" * 50_000}])), id="50 KB"),
    ],
)
def test_a_template_config_is_kept_unchanged(text: str) -> None:
    order = read(changed(f"{DESIGN}.template_config", text, PERSONALIZED))
    assert order.line_items[1].personalization
    assert order.line_items[1].personalization.template_config == text


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("layers", id="no JSON"),
        pytest.param("%7B%22a%22%3A1", id="cut off"),
        pytest.param("%7B%22a%22%3A1%7D%2", id="cut off within an escape"),
        pytest.param('{"a":"100%"}', id="not encoded"),
        pytest.param("%257B%257D", id="encoded twice"),
        pytest.param("%7B%22a%22%3A%22%FF%22%7D", id="not UTF-8"),
        pytest.param("%7B%22a%22%3ANaN%7D", id="NaN"),
        pytest.param("%5B" * 10_000 + "%5D" * 10_000, id="10,000 deep"),
        pytest.param({"layers": []}, id="an object"),
        pytest.param(1, id="a number"),
    ],
)
def test_a_template_config_that_is_not_url_encoded_json_is_unusable(value: object) -> None:
    assert design("template_config", value) == {"template_config"}


@pytest.mark.parametrize("url", ["https://a", "http://127.0.0.1:8080/x?y=1#z", "HTTPS://ñandú.example/a%20b"])
def test_a_thumbnail_is_a_web_address(url: str) -> None:
    assert design("thumbnails", [url]) == set()


@pytest.mark.parametrize(
    "url",
    [
        *("", "a.png", "//host/a.png", "ftp://host/a", "javascript:alert(1)", "data:image/png;base64,AA", "https://"),
        *("https:///path", "https://?a", "https://host/a b", "https://host/\n", " https://host"),
        *(7, None, {"url": "https://host"}),
    ],
)
def test_a_thumbnail_that_is_no_web_address_is_unusable(url: object) -> None:
    assert design("thumbnails", ["https://host", url]) == {"thumbnails"}


def test_thumbnails_are_bounded() -> None:
    longest = "https://host/".ljust(2048, "x")
    assert design("thumbnails", [longest] * 100) == set()
    assert design("thumbnails", []) == set()
    assert design("thumbnails", [longest + "x"]) == {"thumbnails"}
    assert design("thumbnails", [""] * 300_000) == {"thumbnails"}
    assert design("thumbnails", "https://host") == {"thumbnails"}


def test_properties_are_passed_on_unchanged() -> None:
    given = {"": None, "a": [1, 1.5, 10**30, True, "ñ", {"b": {}}], "price": 12.5, "small": -1e-7}
    order = read(changed(f"{DESIGN}.properties", given, PERSONALIZED))
    personalization = order.line_items[1].personalization
    assert isinstance(personalization, Personalization)
    assert json.loads(personalization.model_dump_json())["properties"] == given


@pytest.mark.parametrize("value", [["a"], "a", 7])
def test_properties_that_are_no_valid_object_are_unusable(value: object) -> None:
    assert design("properties", value) == {"properties"}


def test_an_update_needs_its_time() -> None:
    content = sample("storefront/order_updated")
    assert OrderUpdated.model_validate(content).updated_at == content["updated_at"]
    for value in (None, "", "now", 1756735794, "2026-09-03T19:05:40"):
        with pytest.raises(ValidationError, match="updated_at"):
            OrderUpdated.model_validate(content | {"updated_at": value})
    with pytest.raises(ValidationError, match="updated_at"):
        OrderUpdated.model_validate(sample("storefront/order_paid"))


@pytest.mark.parametrize(
    "more",
    [
        *({}, {"line_items": "unknown"}),
        *({"canceled_at": none, "reason": none} for none in (None, "", "yesterday", ["7"], 7, True)),
    ],
)
def test_a_cancellation_needs_only_the_order_id(more: dict[str, Any]) -> None:
    assert OrderCanceled.model_validate({"id": "A-1"} | more).id == "A-1"


@pytest.mark.parametrize("content", [{}, {"id": None}, {"id": True, "reason": "late"}])
def test_an_invalid_cancellation_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OrderCanceled.model_validate(content)


def test_ids_keep_their_type() -> None:
    assert read(changed("id", 1001)).id == 1001
    assert read(changed("id", "1001")).id == "1001"


def test_amounts_are_exact() -> None:
    order = OrderPaid.model_validate(wire.parse(body(changed("shipping_price", 0.1))))
    assert order.shipping_price == Decimal("0.1")


def test_the_shipping_address_stands_in_for_an_absent_billing_address() -> None:
    order = read(changed("billing_info", ...))
    assert order.billing.address == order.shipping_info.address
    sent = json.loads(messages.OrderPaid.of(order, order.line_items).body())
    assert sent["billing_info"] == {name: value for name, value in sent["shipping_info"].items() if name != "email"}


def test_the_id_of_a_line_is_its_id_or_its_position() -> None:
    content = sample("storefront/order_paid")
    assert line_ids(read(content).line_items) == ["1", "2"]
    content["line_items"][0]["id"] = 77
    assert line_ids(read(content).line_items) == ["77", "2"]


def test_lines_that_would_share_an_id_are_refused() -> None:
    assert faults(changed("line_items.0.id", 2)) == {"line_items"}


@pytest.mark.parametrize(
    ("path", "written", "meant"),
    [
        ("currency", " eur", "EUR"),
        ("shipping_info.country_code", "es", "ES"),
        ("shipping_info.country_code", "uk", "GB"),
        ("shipping_info.country_code", "EL ", "GR"),
        ("shipping_info.country_code", "xk", "XK"),
        ("shipping_info.zip", 28013, "28013"),
        ("shipping_info.telephone", 34600000001, "34600000001"),
        ("shipping_info.province", None, ""),
        ("shipping_info.email", " a@b.example ", "a@b.example"),
        ("shipping_info.email", "nobody", None),
        ("shipping_info.email", "a b@c", None),
        ("shipping_info.email", "a@" + "b" * 320, None),
        ("shipping_info.city", "Leó\ud83cn", "Leó\ufffdn"),
        ("billing_info", [], None),
        ("billing_info", dict.fromkeys(("first_name", "address", "city", "zip"), ""), None),
        ("billing_info", {"first_name": "Ana", "address": None, "city": " ", "country_code": "ES"}, None),
        ("customer", [], None),
        ("id", " A-1001\t", "A-1001"),
        ("ref", " #1001 ", "#1001"),
        ("line_items.0.id", " 7 ", "7"),
        ("line_items.0.sku", 70012, "70012"),
        ("line_items.0.sku", " MUG ", "MUG"),
        ("line_items.0.sku", " ", ""),
        ("line_items.0.quantity", "2", 2),
        ("line_items.0.quantity", 2.0, 2),
        ("line_items.0.quantity", "2.0", 2),
    ],
)
def test_a_value_is_read_as_what_it_means(path: str, written: object, meant: object) -> None:
    node: Any = read(changed(path, written)).model_dump()
    for step in path.split("."):
        node = node[int(step) if step.isdigit() else step]
    assert (node, type(node)) == (meant, type(meant))


@pytest.mark.parametrize(
    ("currency", "written", "amount"),
    [
        ("EUR", 24.989999999999998, "24.99"),
        ("EUR", "24.989999999999998", "24.99"),
        ("EUR", 0.1 + 0.2, "0.30"),
        ("eur", 100 / 1.21, "82.64"),
        ("EUR", -1.7763568394002505e-15, "0.00"),
        ("EUR", 5.551115123125783e-17, "0.00"),
        ("JPY", 1199.9999999999998, "1200"),
        ("KWD", 12.345000000000002, "12.345"),
        ("CLF", 1.2345000000000002, "1.2345"),
        ("EUR", 12.5, "12.5"),
        ("EUR", "16.528926", "16.528926"),
        ("JPY", 1200, "1200"),
    ],
)
def test_an_amount_has_no_noise_of_floating_point_numbers(currency: str, written: object, amount: str) -> None:
    order = read(changed("line_items.0.price", written) | {"currency": currency, "shipping_price": written})
    assert [str(order.line_items[0].price), str(order.shipping_price)] == [amount, amount]


@pytest.mark.parametrize(
    ("written", "rate"), [(0.20986411675893306, "0.2099"), ("0.0837499999999999999", "0.0837"), (0.08875, "0.08875")]
)
def test_a_rate_has_four_digits_instead_of_noise(written: object, rate: str) -> None:
    assert str(read(changed("tax_rate", written)).tax_rate) == rate


@pytest.mark.parametrize("none", [0, "0", 0.0, "0.0"])
def test_a_line_of_no_pieces_is_left_out_and_the_others_keep_their_positions(none: object) -> None:
    order = read(changed("line_items.0.quantity", none))
    assert order.lines().keys() == {"2"}
    content = sample("storefront/order_updated")
    content["line_items"][0]["quantity"] = none
    kept = [str(line["id"]) for line in content["line_items"][1:]]
    assert list(OrderUpdated.model_validate(wire.parse(body(content))).lines()) == kept


def test_an_order_without_any_pieces_is_refused() -> None:
    content = sample("storefront/order_paid")
    content["line_items"] = [line | {"quantity": 0} for line in content["line_items"]]
    assert faults(content) == {"line_items"}


def test_lines_may_be_listed_as_php_writes_a_filtered_list() -> None:
    content = sample("storefront/order_paid")
    listed = content | {"line_items": {str(2 * place): line for place, line in enumerate(content["line_items"])}}
    assert read(listed) == read(content)


def test_properties_without_any_may_be_an_empty_list() -> None:
    assert design("properties", []) == design("properties", "") == set()


def test_the_codes_are_those_of_pycountry() -> None:
    assert {currency.alpha_3 for currency in pycountry.currencies} == codes.CURRENCIES
    assert {country.alpha_2 for country in pycountry.countries} == codes.COUNTRIES
    assert codes.country(codes.KOSOVO)


@pytest.mark.parametrize(
    ("code", "amount", "rounded"),
    [("JPY", "12.5", "12"), ("KWD", "1.2346", "1.235"), ("EUR", "1.005", "1.00"), (None, "1.239", "1.24")],
)
def test_an_amount_is_rounded_to_the_minor_unit(code: str | None, amount: str, rounded: str) -> None:
    assert str(codes.rounded(Decimal(amount), code)) == rounded


def test_camaloon_receives_only_the_fields_of_its_document() -> None:
    content = sample("storefront/order_paid")
    content["gift_wrap"] = content["line_items"][0]["color"] = content["shipping_info"]["floor"] = "unknown"
    content["line_items"][0]["id"] = "ours"
    order = read(content)
    assert json.loads(messages.OrderPaid.of(order, order.line_items).body()) == sample("storefront/order_paid")


def test_camaloon_is_not_sent_what_only_the_oms_gets() -> None:
    content = changed("shipping_info.country_id", 34) | {"total_price": 40.59, "note": "Ring twice"}
    order = read(content | {"billing_info": content["billing_info"] | {"country_id": 34}})
    plain = read(sample("storefront/order_paid"))
    assert (order.total_price, order.billing.country_id) == (Decimal("40.59"), 34)
    bodies = [messages.OrderPaid.of(each, each.line_items).body() for each in (order, plain)]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("model", [OrderPaid, OrderUpdated])
def test_camaloon_receives_no_field_of_pressrooms_own(model: type[OrderPaid]) -> None:
    content = sample("storefront/order_paid")
    personalized = sample("storefront/order_updated")
    added = {name: personalized[name] for name in ("customer", "note", "shipping_service", "updated_at")}
    lines = [
        line | {"id": 7 + place, "personalization": personalized["line_items"][0]["personalization"]}
        for place, line in enumerate(content["line_items"])
    ]
    order = model.model_validate(wire.parse(body(content | added | {"line_items": lines})))
    plain = read(content)
    assert (
        messages.OrderPaid.of(order, order.line_items).body() == messages.OrderPaid.of(plain, plain.line_items).body()
    )


@pytest.mark.parametrize(
    ("number", "sent"),
    [
        ("+34 600 000 001", "+34 600 000 001"),
        ("+34 600 000 0011", "+346000000011"),
        ("(+34) 600-00-00-01", "+34600000001"),
        ("", ""),
        ("555-010-5555 or 555-010-5566", None),
        (None, None),
    ],
)
def test_camaloon_receives_a_telephone_number_of_15_characters_or_none(number: str | None, sent: str | None) -> None:
    order = read(changed("shipping_info.telephone", number))
    billing = read(changed("billing_info.telephone", number))
    assert json.loads(messages.OrderPaid.of(order, order.line_items).body())["shipping_info"].get("telephone") == sent
    assert json.loads(messages.OrderPaid.of(billing, order.line_items).body())["billing_info"].get("telephone") == sent


def test_an_order_as_camaloons_first_document_has_it_is_sent_as_it_is() -> None:
    content = changed("shipping_info.email", ...)
    order = read(content)
    assert json.loads(messages.OrderPaid.of(order, order.line_items).body()) == content


@pytest.mark.parametrize(
    ("own", "customers", "sent"),
    [
        ("a@b.example", "c@d.example", "a@b.example"),
        (None, "c@d.example", "c@d.example"),
        ("", "c@d.example", "c@d.example"),
        ("nobody", "c@d.example", "c@d.example"),
        (None, None, None),
    ],
)
def test_camaloon_receives_the_customers_address_if_the_shipping_address_has_none(
    own: str | None, customers: str | None, sent: str | None
) -> None:
    order = read(changed("shipping_info.email", own) | {"customer": {"email": customers}})
    message = create(order, ["1"], lambda: ())
    assert message
    assert json.loads(message.body)["shipping_info"].get("email") == sent


def test_the_stand_in_for_an_email_address_is_no_change_of_the_order() -> None:
    one, two = (
        create(read(changed("shipping_info.email", None) | {"customer": each}), ["1"], lambda: ())
        for each in (None, {"email": "c@d.example"})
    )
    assert one
    assert two
    assert one.digest == two.digest


def test_camaloon_receives_a_line_without_a_price_as_it_is() -> None:
    order = read(changed("line_items.0.price", None))
    assert "price" not in json.loads(messages.OrderPaid.of(order, order.line_items).body())["line_items"][0]


def test_camaloon_receives_no_tax_rate_that_the_shop_does_not_know() -> None:
    order = read(changed("tax_rate", None))
    assert b"tax_rate" not in messages.OrderPaid.of(order, order.line_items).body()


def test_camaloon_receives_only_its_own_lines() -> None:
    order = read(sample("storefront/order_paid"))
    sent = json.loads(messages.OrderPaid.of(order, order.line_items[1:]).body())
    assert [line["sku"] for line in sent["line_items"]] == [order.line_items[1].sku]


def test_a_field_that_the_shop_left_out_is_not_sent() -> None:
    order = read(changed("ref", ...))
    assert b'"ref"' not in messages.OrderPaid.of(order, order.line_items).body()


def test_the_request_body_has_exactly_these_bytes() -> None:
    content = changed("billing_info", ...) | {"id": "N-1", "ref": "niño"}
    content["shipping_info"] = dict.fromkeys(("first_name", "last_name", "zip", "province"), "") | {
        "address": "A",
        "city": "C",
        "country_code": "ES",
        "email": "a@b",
    }
    content["line_items"] = [{"sku": "S", "quantity": 1, "price": 12.50}]
    order = read(content)
    address = '"first_name":"","last_name":"","address":"A","zip":"","city":"C","province":"","country_code":"ES"'
    assert messages.OrderPaid.of(order, order.line_items).body().decode() == (
        '{"id":"N-1","ref":"niño","currency":"EUR","tax_rate":0.21,"created_at":"2026-09-01T16:09:54+02:00",'
        '"processed_at":"2026-09-01T16:09:57+02:00","shipping_price":3.2,'
        f'"shipping_info":{{{address},"email":"a@b"}},"billing_info":{{{address}}},'
        '"line_items":[{"sku":"S","quantity":1,"price":12.5}]}'
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("date_modified", "2026-09-02T00:00:00Z"),
        ("id", str(sample("storefront/order_paid")["id"])),
        ("billing_info", None),
        ("created_at", "2026-09-01T14:09:54.000+00:00"),
        ("line_items.0.id", 1),
        ("line_items.0.id", "1"),
        ("line_items.0.color", "red"),
        ("line_items.0.personalization", None),
        ("line_items.0.price", f"{sample('storefront/order_paid')['line_items'][0]['price']:.4f}"),
        ("note", ""),
        ("customer", {"id": None, "email": ""}),
    ],
)
def test_what_is_written_differently_has_the_same_meaning(path: str, value: object) -> None:
    content = sample("storefront/order_paid")
    content["billing_info"] = dict(content["shipping_info"])
    other = changed(path, value) if path != "billing_info" else content | {"billing_info": None}
    if path != "billing_info":
        other["billing_info"] = content["billing_info"]
    assert normal_form(read(other)) == normal_form(read(content))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ref", "another"),
        ("processed_at", "2026-09-01T16:09:58+02:00"),
        ("shipping_info.address", "Elsewhere 1"),
        ("billing_info.zip", "1"),
        ("line_items.0.sku", "another"),
        ("line_items.0.quantity", 77),
        ("line_items.0.price", 0),
        ("line_items.0.quantity", 0),
        ("customer", {"email": "a@b.example"}),
    ],
)
def test_another_meaning_has_another_normal_form(path: str, value: object) -> None:
    assert normal_form(read(changed(path, value))) != normal_form(read(sample("storefront/order_paid")))


def test_the_design_belongs_to_the_normal_form() -> None:
    whole = normal_form(read(sample(PERSONALIZED)))
    assert normal_form(read(changed(f"{DESIGN}.properties", {"other": 1}, PERSONALIZED))) != whole
    assert normal_form(read(changed(f"{DESIGN}.variant_id", "another", PERSONALIZED))) != whole
    json.dumps(whole)


@pytest.mark.parametrize("path", ["", "shipping_info", "billing_info", "line_items.0"])
def test_an_outbound_model_forbids_unknown_fields(path: str) -> None:
    content = sample("storefront/order_paid")
    node = content
    for step in filter(None, path.split(".")):
        node = node[int(step) if step.isdigit() else step]
    node["unknown"] = 1
    with pytest.raises(ValidationError, match="extra_forbidden"):
        messages.OrderPaid.model_validate(content)


def test_a_model_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read(sample("storefront/order_paid")).id = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [
        {"order_id": "A-7"},
        {"line_items": [{"sku": "a", "quantity": "10.0"}]},
        {"tracking_number": 9414},
        {"tracking_number": ""},
        {"tracking_number": None},
        {"tracking_url": None},
        {"notify_customer": None},
        {"carrier": "unknown to the document"},
        {"line_items": [{"sku": 7, "quantity": 1, "name": "unknown"}]},
    ],
)
def test_a_shipment_is_read_with_camaloons_variations(change: dict[str, Any]) -> None:
    shipment = ShipmentSent.model_validate(sample("camaloon/shipment_sent") | change)
    assert shipment.order_id == str((sample("camaloon/shipment_sent") | change)["order_id"])


@pytest.mark.parametrize(
    "change",
    [
        {"order_id": None},
        {"order_id": True},
        {"order_id": ""},
        {"line_items": None},
        {"order_id": "x" * 129},
        {"line_items": [{"sku": "a"}]},
        {"line_items": [{"sku": "a", "quantity": -1}]},
        {"line_items": [{"sku": "a", "quantity": "many"}]},
    ],
)
def test_an_invalid_shipment_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ShipmentSent.model_validate(sample("camaloon/shipment_sent") | change)
