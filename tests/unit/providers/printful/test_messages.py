"""Printful's events: every sample is read completely, and so are all known variations."""

import json
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from pressroom.platform import wire
from pressroom.providers.printful import messages, slip
from pressroom.providers.printful.messages import Envelope, OrderEvent, PackageEvent, ProductEvent, StockUpdated
from tests.support.samples import body, sample
from tests.support.template import ROOT

type Path = tuple[str | int, ...]

TOPICS: dict[str, type[Envelope]] = {
    "order_created": OrderEvent,
    "order_updated": OrderEvent,
    "order_failed": OrderEvent,
    "order_canceled": OrderEvent,
    "order_put_hold": OrderEvent,
    "order_put_hold_approval": OrderEvent,
    "order_remove_hold": OrderEvent,
    "order_refunded": OrderEvent,
    "package_shipped": PackageEvent,
    "package_returned": PackageEvent,
    "product_synced": ProductEvent,
    "product_updated": ProductEvent,
    "product_deleted": ProductEvent,
    "stock_updated": StockUpdated,
}
RECORDED = sorted(file.stem for file in (ROOT / "events/printful").glob("*.json"))
DRIFTED = "package_shipped__unknown_fields"

PARCEL = "id carrier service tracking_number tracking_url created ship_date shipped_at reshipment items"
DOCUMENTED: dict[type[BaseModel], str] = {
    Envelope: "type created retries store",
    messages.Shipment: PARCEL,
    messages.ListedShipment: PARCEL,
    messages.ShipmentItem: "item_id quantity",
    messages.ListedShipmentItem: "item_id quantity",
    messages.Order: "id external_id store status shipping created updated recipient items incomplete_items costs "
    "retail_costs pricing_breakdown shipments gift packing_slip",
    messages.Address: "name company address1 address2 city state_code state_name country_code country_name zip phone "
    "email",
    messages.Item: "id external_id variant_id sync_variant_id external_variant_id warehouse_product_variant_id "
    "quantity price retail_price name product files options sku",
    messages.ProductVariant: "variant_id product_id image name",
    messages.File: "id type hash url filename mime_type size width height dpi status created thumbnail_url "
    "preview_url visible options",
    messages.Option: "id value",
    messages.IncompleteItem: "name quantity sync_variant_id external_variant_id external_line_item_id",
    messages.Costs: "currency subtotal discount shipping digitization tax vat total",
    slip.Gift: "subject message",
    slip.PackingSlip: "email phone message logo_url",
    messages.OrderData: "reason approval_files amount order",
    messages.PackageData: "reason shipment order",
    messages.ProductData: "sync_product",
    messages.SyncProduct: "id external_id name variants synced thumbnail_url",
    messages.StockData: "product_id variant_stock",
    messages.VariantStock: "out discontinued",
}


def message(name: str) -> Any:
    return sample(f"printful/{name}")


def read(name: str, content: object) -> Any:
    return TOPICS[name.partition("__")[0]].model_validate(wire.parse(body(content)))


def faults(name: str, content: object) -> set[Path]:
    """The paths of the invalid values."""
    try:
        read(name, content)
    except ValidationError as error:
        return {fault["loc"] for fault in error.errors()}
    return set()


def changed(content: Any, path: Path, value: object) -> Any:
    """The message with the value at a path replaced; `...` removes it."""
    copy = deepcopy(content)
    *way, last = path
    node = copy
    for step in way:
        node = node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return copy


def walk(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of a message below its top, with its path."""
    for key, child in node.items() if isinstance(node, dict) else enumerate(node):
        yield (*path, key), child
        if isinstance(child, dict | list):
            yield from walk(child, (*path, key))


def unknown(node: object, path: Path = ()) -> Iterator[Path]:
    """The unknown paths of a message."""
    if isinstance(node, list):
        for index, child in enumerate(node):
            yield from unknown(child, (*path, index))
    elif isinstance(node, BaseModel):
        yield from ((*path, key) for key in node.__pydantic_extra__ or {})
        for name in type(node).model_fields:
            yield from unknown(getattr(node, name), (*path, name))


def test_every_topic_has_a_sample() -> None:
    assert {name.partition("__")[0] for name in RECORDED} == set(TOPICS) == {n for n in RECORDED if "__" not in n}


@pytest.mark.parametrize("name", RECORDED)
def test_a_sample_has_the_type_of_its_topic(name: str) -> None:
    assert message(name)["type"] == name.partition("__")[0]


@pytest.mark.parametrize("name", [name for name in RECORDED if name != DRIFTED])
def test_a_sample_has_no_unknown_fields(name: str) -> None:
    assert list(unknown(read(name, message(name)))) == []


def test_new_fields_of_an_event_are_reported() -> None:
    event = read(DRIFTED, message(DRIFTED))
    assert event.data.order.status == message(DRIFTED)["data"]["order"]["status"] not in messages.STATUSES
    assert set(unknown(event)) == {
        ("api_version",),
        ("data", "region"),
        ("data", "shipment", "weight"),
        ("data", "shipment", "items", 0, "scanned"),
        ("data", "order", "loyalty"),
        ("data", "order", "recipient", "pickup_point"),
        ("data", "order", "costs", "duties"),
        ("data", "order", "items", 0, "carbon_grams"),
        ("data", "order", "items", 0, "files", 0, "color_profile"),
        ("data", "order", "shipments", 0, "weight"),
    }


@pytest.mark.parametrize("shape", DOCUMENTED, ids=lambda shape: shape.__name__)
def test_every_documented_field_is_known(shape: type[BaseModel]) -> None:
    names = {field.alias or name for name, field in shape.model_fields.items()}
    assert set(DOCUMENTED[shape].split()) <= names


@pytest.mark.parametrize(
    "status",
    [
        *("draft", "failed", "pending", "canceled", "onhold", "inprocess", "partial", "fulfilled"),
        *("inreview", "archived"),
    ],
)
def test_each_status_of_an_order_is_known(status: str) -> None:
    content = changed(message("order_updated"), ("data", "order", "status"), status)
    assert read("order_updated", content).data.order.status == status


REQUIRED: dict[str, list[Path]] = {
    "order_updated": [("data",), ("data", "order"), ("data", "order", "id")],
    "order_put_hold": [("data", "order"), ("data", "order", "id")],
    "order_put_hold_approval": [("data", "order")],
    "order_refunded": [("data", "order")],
    "package_shipped": [
        ("data",),
        ("data", "order"),
        ("data", "order", "id"),
        ("data", "shipment", "items", 0, "item_id"),
        ("data", "shipment", "items", 0, "quantity"),
    ],
    "package_returned": [("data",), ("data", "order")],
    "product_synced": [("data",), ("data", "sync_product"), ("data", "sync_product", "id")],
    "product_deleted": [("data",), ("data", "sync_product"), ("data", "sync_product", "id")],
    "stock_updated": [("data",), ("data", "product_id"), ("data", "variant_stock")],
}


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in REQUIRED.items() for path in paths])
def test_a_required_field_may_not_be_missing(name: str, path: Path) -> None:
    assert faults(name, changed(message(name), path, ...)) == {path}
    assert faults(name, changed(message(name), path, None)) == {path}


@pytest.mark.parametrize("name", ["package_shipped", "package_returned", "product_synced", "stock_updated"])
def test_every_other_field_may_be_missing_or_null(name: str) -> None:
    content = message(name)
    optional = [
        path
        for path, _ in walk(content)
        if isinstance(path[-1], str) and path not in REQUIRED[name] and path[-1] not in ("id", "item_id", "quantity")
    ]
    assert optional
    for path in optional:
        assert faults(name, changed(content, path, ...)) == set(), path
        assert faults(name, changed(content, path, None)) == set(), path


@pytest.mark.parametrize("name", sorted(TOPICS))
def test_an_invalid_value_is_reported_at_its_own_path(name: str) -> None:
    content = message(name)
    for path, value in walk(content):
        if path[-1] in ("external_id", "error") and "order" in path:  # our id or none; any value
            continue
        if "options" in path and "value" in path:
            continue
        nonsense: object = "nonsense" if isinstance(value, dict | list) else [["nonsense"]]
        assert faults(name, changed(content, path, nonsense)) == {path}


def test_an_invalid_amount_is_reported_at_its_own_path() -> None:
    path: Path = ("data", "order", "costs", "total")
    assert faults("package_shipped", changed(message("package_shipped"), path, [])) == {path}


def test_a_parcel_is_read_with_its_order() -> None:
    event: PackageEvent = read("package_shipped", message("package_shipped"))
    parcel, order = event.data.shipment, event.data.order
    assert (event.type, event.created, event.retries) == ("package_shipped", "2026-09-05T13:40:05.000Z", 0)
    assert (event.store, order.store) == ("7654321", "7654321")
    assert (parcel.id, parcel.carrier, parcel.tracking_number) == ("51000001", "FEDEX", "780000000011")
    assert (parcel.shipped_at, parcel.reshipment) == ("2026-09-05T13:40:00.000Z", False)
    assert [(part.item_id, part.quantity) for part in parcel.items] == [("40000001", 2)]
    assert (order.id, order.external_id, order.status) == ("98765432", "1002", "partial")
    assert [(item.id, item.external_id, item.sku, item.quantity) for item in order.items] == [
        ("40000001", "3", "PF-TEE-BLK-M", 2),
        ("40000002", "4", "PF-MUG-11OZ", 1),
    ]
    assert [item.product and (item.variant_id, item.product.product_id) for item in order.items] == [
        (4017, "71"),
        (1320, "19"),
    ]
    assert order.recipient is not None
    assert order.recipient.address2 == "lgh 1203\nc/o Verkstaden"


def test_money_is_exact() -> None:
    order = read("package_shipped", message("package_shipped")).data.order
    amounts = [
        *(order.costs.total, order.retail_costs.vat, order.pricing_breakdown[0].profit),
        *(order.items[0].price, order.items[1].retail_price),
        read("order_refunded", message("order_refunded")).data.amount,
    ]
    assert all(isinstance(amount, Decimal) for amount in amounts)
    assert [str(amount) for amount in amounts] == ["38.43", "16.85", "45.82", "9.25", "14.50", "12.50"]


def test_money_may_be_a_number() -> None:
    content = changed(message("order_refunded"), ("data", "amount"), 0.1)
    assert read("order_refunded", content).data.amount == Decimal("0.1")


def test_the_second_parcel_completes_the_order() -> None:
    event: PackageEvent = read("package_shipped", message("package_shipped__second_parcel"))
    assert (event.data.shipment.id, event.data.order.status) == ("51000002", "fulfilled")
    assert [parcel.id for parcel in event.data.order.shipments] == ["51000001", "51000002"]


def test_a_reshipment_repeats_items_in_a_parcel_of_its_own() -> None:
    before: PackageEvent = read("package_shipped", message("package_shipped"))
    event: PackageEvent = read("package_shipped", message("package_shipped__reshipment"))
    assert event.data.shipment.reshipment is True
    assert event.data.shipment.items == before.data.shipment.items
    assert event.data.shipment.id != before.data.shipment.id


def test_a_tracking_of_zero_is_none() -> None:
    event: PackageEvent = read("package_shipped", message("package_shipped__tracking_zero"))
    (listed,) = event.data.order.shipments
    assert event.retries is None
    for parcel in (event.data.shipment, listed):
        assert parcel.tracking_number is None
        assert parcel.tracking_url is None
        assert parcel.shipped_at == "2026-09-05T13:40:00.000Z"


@pytest.mark.parametrize(
    ("value", "number"), [(0, None), ("0", None), ("", None), (" ", None), (None, None), (7, "7"), (" a b ", "a b")]
)
def test_a_tracking_number_is_text_or_none(value: object, number: str | None) -> None:
    content = changed(message("package_shipped"), ("data", "shipment", "tracking_number"), value)
    assert read("package_shipped", content).data.shipment.tracking_number == number


@pytest.mark.parametrize(
    "value", [1788614400, "1788614400", "2026-09-05T14:40:00+0100", "2026-09-05T13:20:00Z", "2026-09-05 13:20:00 GMT"]
)
def test_a_time_may_be_written_in_several_ways(value: object) -> None:
    content = changed(message("package_shipped"), ("data", "shipment", "shipped_at"), value)
    assert read("package_shipped", content).data.shipment.shipped_at.startswith("2026-09-05T13:")


def test_our_order_id_may_be_echoed_as_a_number() -> None:
    event: PackageEvent = read("package_shipped", message("package_shipped__integer_external_id"))
    assert (event.data.order.external_id, event.retries) == ("1002", 9)
    assert event.store != event.data.order.store


def test_a_parcel_may_hold_an_item_that_the_order_does_not_have() -> None:
    data = read("package_shipped", message("package_shipped__unknown_item")).data
    assert data.shipment.id not in {parcel.id for parcel in data.order.shipments}
    assert data.shipment.items[0].item_id not in {item.id for item in data.order.items}


def test_nulls_are_none() -> None:
    order = read("package_shipped", message("package_shipped__nulls")).data.order
    assert order.external_id is order.gift is order.packing_slip is order.costs.currency is None
    assert {item.sku for item in order.items} == {file.url for item in order.items for file in item.files} == {None}
    assert set(order.retail_costs.model_dump().values()) == {None}
    assert order.costs.total == Decimal("38.43")


def test_a_parcel_in_the_list_of_the_order_may_be_incomplete() -> None:
    content = message("package_shipped")
    content["data"]["order"]["shipments"] = [{}, {"items": [{"quantity": 0}, {}]}]
    assert faults("package_shipped", content) == set()


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("order_created", "pending"),
        ("order_updated", "inprocess"),
        ("order_put_hold", "onhold"),
        ("order_put_hold_approval", "onhold"),
        ("order_remove_hold", "inprocess"),
        ("order_failed", "failed"),
        ("order_canceled", "canceled"),
        ("order_refunded", "fulfilled"),
        ("package_returned", "fulfilled"),
        ("order_put_hold__fulfilled", "fulfilled"),
        ("order_remove_hold__draft", "draft"),
        ("order_updated__archived", "archived"),
    ],
)
def test_an_event_has_the_status_of_our_order(name: str, status: str) -> None:
    order = read(name, message(name)).data.order
    assert (order.external_id, order.status) == ("1002", status)


def test_an_order_of_the_dashboard_is_not_ours() -> None:
    order = read("order_created", message("order_created__dashboard")).data.order
    assert {order.external_id, *(item.external_id for item in order.items)} == {None}


@pytest.mark.parametrize(
    "name", ["order_failed", "order_canceled", "order_put_hold", "order_put_hold_approval", "order_remove_hold"]
)
def test_a_stopped_order_has_a_reason(name: str) -> None:
    assert read(name, message(name)).data.reason == message(name)["data"]["reason"]


def test_an_approval_names_the_design_to_approve() -> None:
    event: OrderEvent = read("order_put_hold_approval", message("order_put_hold_approval"))
    (file,) = event.data.approval_files
    assert file.confirm_hash
    assert file.recommended_design != file.submitted_design


def test_a_returned_parcel_has_a_reason() -> None:
    event: PackageEvent = read("package_returned", message("package_returned"))
    assert (event.data.shipment.id, event.data.reason) == ("51000001", "The carrier could not deliver to this address")


def test_a_deleted_product_has_its_name() -> None:
    event: ProductEvent = read("product_deleted", message("product_deleted"))
    assert (event.data.sync_product.id, event.data.sync_product.name) == ("210000001", "Night press tee")
    assert event.data.sync_product.variants is None


def test_stock_is_reported_by_variant() -> None:
    event: StockUpdated = read("stock_updated", message("stock_updated"))
    assert event.data.product_id == "71"
    assert (event.data.variant_stock.out, event.data.variant_stock.discontinued) == ([4017, 4018], [4021])


@pytest.mark.parametrize("value", [[], {}, {"out": [], "discontinued": None}])
def test_a_product_that_is_all_in_stock_lists_nothing(value: object) -> None:
    content = changed(message("stock_updated"), ("data", "variant_stock"), value)
    stock = read("stock_updated", content).data.variant_stock
    assert (stock.out, stock.discontinued) == ([], [])
    assert read("stock_updated", message("stock_updated__empty")).data.variant_stock == stock


@pytest.mark.parametrize(("value", "out"), [({"out": None}, []), ({"out": [4017]}, [4017]), ({"out": {}}, [])])
def test_a_list_of_stock_that_is_left_out_says_nothing(value: object, out: list[int]) -> None:
    stock = read(
        "stock_updated", changed(message("stock_updated"), ("data", "variant_stock"), value)
    ).data.variant_stock
    assert (stock.out, stock.discontinued) == (out, None)


@pytest.mark.parametrize(
    "value", [None, 0, False, "", "in stock", [4017], {"4017": False}, {"4017": "out", "4018": "in"}]
)
def test_what_is_no_lists_of_variants_does_not_mean_that_all_are_in_stock(value: object) -> None:
    assert faults("stock_updated", changed(message("stock_updated"), ("data", "variant_stock"), value))


@pytest.mark.parametrize("value", [{"4017": False}, {"4017": 1, "4018": 0}, {"4017": "out"}, {"4017": [1]}])
def test_variants_by_name_are_no_list(value: object) -> None:
    assert faults("stock_updated", changed(message("stock_updated"), ("data", "variant_stock", "out"), value))


def test_an_order_of_fifty_items_is_read() -> None:
    content = message("package_shipped")
    order, parcel = content["data"]["order"], content["data"]["shipment"]
    files = [file | {"id": file["id"] + n} for n in range(4) for file in order["items"][0]["files"]]
    order["items"] = [order["items"][0] | {"id": 40000001 + n, "files": files} for n in range(50)]
    parcel["items"] = [{"item_id": 40000001 + n, "quantity": 2} for n in range(50)]
    assert len(json.dumps(content)) > 262_000
    event: PackageEvent = read("package_shipped", content)
    assert [part.item_id for part in event.data.shipment.items] == [item.id for item in event.data.order.items]
    assert len({item.id for item in event.data.order.items}) == 50
    assert list(unknown(event)) == []
