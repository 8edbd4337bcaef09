"""The decisions of Cloudprinter's and Printful's topics: a sample in, one fact out (or a product, or stock)."""

import json
from typing import Any

import pytest

from pressroom.order.decision import Decision
from pressroom.order.facts import Fact
from pressroom.platform.errors import Unprocessable
from pressroom.providers.printful import products, stock
from tests.support import template
from tests.support.samples import PERSONAL, sample
from tests.support.topics import RECEIVED, decide, handler, unknown

CLOUDPRINTER: dict[str, tuple[str, str, dict[str, Any]]] = {
    "order_validated": ("progress", "2026-09-02T08:02:11.000Z", {"stage": "accepted"}),
    "order_canceled": (
        "canceled",
        "2026-09-02T11:40:00.000Z",
        {"reason": "CancelUserRequest: Canceled at the request of the customer"},
    ),
    "item_validated": ("progress", "2026-09-02T08:05:40.000Z", {"stage": "accepted"}),
    "item_produce": ("progress", "2026-09-03T06:30:00.000Z", {"stage": "in_production"}),
    "item_produced": ("progress", "2026-09-03T15:12:09.000Z", {"stage": "produced"}),
    "item_packed": ("progress", "2026-09-04T07:45:00.000Z", {"stage": "packed"}),
    "item_shipped": (
        "shipped",
        "2026-09-04T12:20:31.000Z",
        {
            "carrier": "postal",
            "tracking_number": "3SCP0042117790",
            "tracking_url": None,
            "lines": [{"item": "21034901040001", "quantity": None}],
        },
    ),
    "item_error": (
        "error",
        "2026-09-03T09:10:00.000Z",
        {"reason": "Colours off, will be printed again", "delay_hours": "24"},
    ),
    "item_canceled": (
        "canceled",
        "2026-09-02T12:00:00.000Z",
        {"reason": "CancelInvalidAddress: The address does not exist"},
    ),
    "item_delivery_started": (
        "progress",
        "2026-09-06T05:50:00.000Z",
        {"stage": "shipped", "tracking_number": "3SCP0042117790"},
    ),
    "item_delivery_completed": (
        "progress",
        "2026-09-06T13:02:45.000Z",
        {"stage": "delivered", "tracking_number": "3SCP0042117790"},
    ),
    "item_delivery_failed": (
        "undelivered",
        "2026-09-06T12:10:00.000Z",
        {"reason": "Nobody at the address", "tracking_number": "3SCP0042117790"},
    ),
}
"""Each topic's kind of fact, its time, and its other data."""

DESIGNS = "https://files.printful.example/approval-designs/night-press-front"
PRINTFUL: dict[str, tuple[str, str, dict[str, Any]]] = {
    "order_created": ("progress", "pending", {}),
    "order_updated": ("progress", "inprocess", {}),
    "order_put_hold": ("held", "onhold", {"approval": False}),
    "order_put_hold_approval": (
        "held",
        "onhold",
        {
            "approval": True,
            "approval_files": [
                {
                    "submitted_design": f"{DESIGNS}.png",
                    "recommended_design": f"{DESIGNS}-narrow.png",
                    "approval_sheet": "https://dashboard.printful.example/approval-sheets/98765432.pdf",
                }
            ],
        },
    ),
    "order_remove_hold": ("released", "inprocess", {}),
    "order_failed": ("failed", "failed", {}),
    "order_canceled": ("canceled", "canceled", {}),
    "order_refunded": ("refunded", "fulfilled", {"amount": "12.50", "currency": "EUR"}),
    "package_shipped": (
        "shipped",
        "partial",
        {
            "parcel": "51000001",
            "carrier": "FEDEX",
            "service": "FedEx International Connect Plus",
            "ship_date": "2026-09-05",
            "tracking_number": "780000000011",
            "shipped_at": "2026-09-05T13:40:00.000Z",
            "reshipment": False,
            "lines": [{"item": "40000001", "quantity": 2}],
        },
    ),
    "package_returned": ("returned", "fulfilled", {"parcel": "51000001"}),
}
ITEMS = [
    {"item": "40000001", "ref": "3", "sku": "PF-TEE-BLK-M", "quantity": 2, "variant": "4017", "product": "71"}
    | {"name": "Night press tee - Black / M", "price": "9.25", "retail_price": "24.00", "print_file": "ok"},
    {"item": "40000002", "ref": "4", "sku": "PF-MUG-11OZ", "quantity": 1, "variant": "1320", "product": "19"}
    | {"name": "Night press mug", "price": "5.95", "retail_price": "14.50", "print_file": "ok"},
]
COSTS = ["EUR", "38.43", "24.45", "6.29", "7.69"]
RETAIL_COSTS = ["EUR", "84.25", "62.50", "4.90", "16.85"]


def fact(topic: str, content: Any, order_id: str = "1002") -> Fact:
    """The one fact of a topic's decision."""
    decision: Decision = decide(topic, content)
    (found,) = decision.facts
    assert (decision.order_id, decision.deliveries) == (order_id, ())
    assert (found.id, found.source, found.received_at) == ("e1", topic, RECEIVED)
    return found


def cloudprinter(name: str, **changes: Any) -> dict[str, Any]:
    """A sample of Cloudprinter's as it is stored: without the key."""
    content: dict[str, Any] = sample(f"cloudprinter/{name}") | changes
    return {field: value for field, value in content.items() if field != "apikey"}


def test_the_tables_name_every_topic() -> None:
    catalogue_topics = {"product_synced", "product_updated", "product_deleted", "stock_updated"}
    assert {("cloudprinter", name) for name in CLOUDPRINTER} | {
        ("printful", name) for name in (*PRINTFUL, *catalogue_topics)
    } == {pair for pair in template.topics() if pair[0] in ("cloudprinter", "printful")}


@pytest.mark.parametrize("name", CLOUDPRINTER)
def test_a_signal_is_one_fact_of_its_order_and_item(name: str) -> None:
    kind, at, says = CLOUDPRINTER[name]
    found = fact(f"cloudprinter.{name}", cloudprinter(name))
    assert (found.kind, found.at) == (kind, at)
    assert found.data.items() >= ({"provider": "cloudprinter", "order": "21034900000000"} | says).items()
    about = {"item": "21034901040001", "ref": "2"}
    assert ({name: found.data.get(name) for name in about} == about) is name.startswith("item_")


@pytest.mark.parametrize("name", PRINTFUL)
def test_an_event_is_one_fact_with_the_items_of_its_order(name: str) -> None:
    kind, status, says = PRINTFUL[name]
    content = sample(f"printful/{name}")
    found = fact(f"printful.{name}", content)
    assert found.kind == kind
    assert found.at.startswith("2026-09-")
    about: dict[str, Any] = {"provider": "printful", "order": "98765432", "status": status, "items": ITEMS}
    about |= {"store": "7654321", "costs": COSTS, "retail_costs": RETAIL_COSTS}
    assert {field: found.data.get(field) for field in about | says} == about | says
    if "reason" in content["data"]:
        assert found.data["reason"] == content["data"]["reason"]


@pytest.mark.parametrize("topic", [f"{provider}.{name}" for provider, name in template.topics()])
def test_no_sample_drifts_and_no_fact_holds_anything_personal(topic: str) -> None:
    content = sample(topic.replace(".", "/"))
    content.pop("apikey", None)
    if topic.startswith("storefront"):
        return
    assert unknown(topic, content) == set()
    assert not [each for each in PERSONAL if each in repr(decide(topic, content))]


# --- the deviations of the field notes: Cloudprinter ---


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("item_validated__version_1_1", "2026-09-02T08:05:40.000Z"),
        ("item_produce__offset_without_colon", "2026-09-03T06:30:00.000Z"),
    ],
)
def test_every_format_of_a_time_is_read(name: str, at: str) -> None:
    assert fact(f"cloudprinter.{name.partition('__')[0]}", cloudprinter(name)).at == at


@pytest.mark.parametrize("datetime", [None, "", "soon", "2026-09-02T08:05:40", 0, [], {"a": 1}])
def test_an_unreadable_time_is_drift_and_the_time_of_arrival_is_used(datetime: object) -> None:
    content = cloudprinter("item_produce", datetime=datetime)
    assert fact("cloudprinter.item_produce", content).at == RECEIVED
    assert unknown("cloudprinter.item_produce", content) == (set() if datetime is None else {"datetime"})


@pytest.mark.parametrize(
    ("name", "number", "url", "carrier"),
    [
        ("item_shipped__url", None, "https://track.carrier.example/3SCP0042117790", "dpd_france"),
        ("item_shipped__version_2_1", "3SCP0042117790", "https://track.carrier.example/3SCP0042117790", "GLS"),
        ("item_shipped__sandbox", "SANDBOX_99", None, "postal"),
        ("item_shipped__no_tracking", None, None, None),
    ],
)
def test_tracking_is_a_number_or_a_url_or_missing(
    name: str, number: str | None, url: str | None, carrier: str | None
) -> None:
    data = fact("cloudprinter.item_shipped", cloudprinter(name)).data
    assert (data["tracking_number"], data["tracking_url"], data["carrier"]) == (number, url, carrier)


def test_items_with_the_same_tracking_are_in_one_parcel_and_items_without_are_not() -> None:
    def parcel(item: str, tracking: object) -> str:
        data = fact("cloudprinter.item_shipped", cloudprinter("item_shipped", item=item, tracking=tracking)).data
        return str(data["parcel"])

    assert parcel("1", "T1") == parcel("2", " T1 ") != parcel("1", "T2")
    assert parcel("1", 17) == parcel("2", "17")
    assert len({parcel("1", None), parcel("2", None), parcel("1", "T1")}) == 3
    assert parcel("1", None) == parcel("1", "") == parcel("1", "0") == parcel("1", 0)


@pytest.mark.parametrize(
    ("name", "reason", "delay"),
    [
        ("item_error__number_as_delay", "17", "36.5"),
        ("item_error__no_cause", None, None),
    ],
)
def test_cause_and_delay_are_text_or_number_or_missing(name: str, reason: str | None, delay: str | None) -> None:
    data = fact("cloudprinter.item_error", cloudprinter(name)).data
    assert (data["reason"], data["delay_hours"]) == (reason, delay)


def test_the_cause_of_a_cancel_may_be_a_number_and_its_message_null() -> None:
    assert fact("cloudprinter.order_canceled", cloudprinter("order_canceled__numeric_cause")).data["reason"] == "190"


def test_unknown_fields_of_a_signal_are_drift_by_their_path() -> None:
    content = cloudprinter("item_canceled__unknown_fields")
    assert unknown("cloudprinter.item_canceled", content) == {"operator", "priority"}
    assert fact("cloudprinter.item_canceled", content).data["reason"] == "190: Canceled"


@pytest.mark.parametrize("reference", [None, "", "line\nbreak", "x" * 129])
def test_a_signal_without_a_reference_of_ours_has_a_record_of_its_own(reference: str | None) -> None:
    content = cloudprinter("item_validated__not_ours", order_reference=reference)
    data = fact("cloudprinter.item_validated", content, order_id="cloudprinter:21034900000000").data
    assert data["ref"] is None


def test_ids_are_text_for_any_json_type() -> None:
    content = cloudprinter("item_produce", order=21034900000000, item=21034901040001, order_reference=1002)
    assert fact("cloudprinter.item_produce", content) == fact("cloudprinter.item_produce", cloudprinter("item_produce"))


@pytest.mark.parametrize("missing", ["order", "item"])
def test_a_signal_that_names_no_order_or_item_is_parked(missing: str) -> None:
    content = cloudprinter("item_produce")
    del content[missing]
    with pytest.raises(Unprocessable, match=f"not a valid ItemSignal: {missing}: missing"):
        decide("cloudprinter.item_produce", content)


def test_a_reason_is_kept_up_to_a_limit() -> None:
    content = cloudprinter("item_canceled", message="x" * 100_000)
    assert len(fact("cloudprinter.item_canceled", content).data["reason"]) == 500


# --- the deviations of the field notes: Printful ---


@pytest.mark.parametrize("external_id", [1002, "1002"])
def test_our_reference_is_a_number_or_text(external_id: object) -> None:
    content = sample("printful/package_shipped")
    content["data"]["order"]["external_id"] = external_id
    assert fact("printful.package_shipped", content).data["order"] == "98765432"


@pytest.mark.parametrize("external_id", [None, "", "a\nb"])
def test_an_order_that_is_not_ours_has_a_record_of_its_own(external_id: object) -> None:
    content = sample("printful/order_created__dashboard")
    content["data"]["order"]["external_id"] = external_id
    found = fact("printful.order_created", content, order_id="printful:98765432")
    assert [item.get("ref") for item in found.data["items"]] == [None, None]


@pytest.mark.parametrize(
    ("variant", "order_id", "says"),
    [
        ("tracking_zero", "1002", {"tracking_number": None, "parcel": "51000001"}),
        ("integer_external_id", "1002", {"parcel": "51000001"}),
        ("reshipment", "1002", {"parcel": "51000003", "reshipment": True}),
        ("second_parcel", "1002", {"parcel": "51000002", "lines": [{"item": "40000002", "quantity": 1}]}),
        ("unknown_item", "1002", {"lines": [{"item": "40000099", "quantity": 2}], "items": ITEMS}),
        ("nulls", "printful:98765432", {"parcel": "51000001"}),
        ("unknown_fields", "1002", {"parcel": "51000001"}),
    ],
)
def test_a_parcel_is_read_in_every_known_shape(variant: str, order_id: str, says: dict[str, Any]) -> None:
    found = fact("printful.package_shipped", sample(f"printful/package_shipped__{variant}"), order_id)
    assert {field: found.data.get(field) for field in says} == says


def test_unknown_fields_and_values_of_an_event_are_drift_by_their_path() -> None:
    found = unknown("printful.package_shipped", sample("printful/package_shipped__unknown_fields"))
    assert {"data.region", "data.shipment.items[].scanned", "data.order.status"} <= found
    assert not [path for path in found if any(character.isdigit() for character in path)]


def test_an_unknown_status_is_kept_and_is_drift() -> None:
    content = sample("printful/order_updated")
    content["data"]["order"]["status"] = "quality_check"
    assert fact("printful.order_updated", content).data["status"] == "quality_check"
    assert unknown("printful.order_updated", content) == {"data.order.status"}


def test_if_an_item_has_no_id_the_items_are_left_out_and_the_parcel_is_not() -> None:
    content = sample("printful/package_shipped")
    content["data"]["order"]["items"][1]["id"] = None
    found = fact("printful.package_shipped", content)
    assert (found.data["items"], found.data["parcel"]) == ([], "51000001")


@pytest.mark.parametrize("reference", ["line\nbreak", "x" * 129, {"a": 1}, True])
def test_an_invalid_reference_is_drift(reference: object) -> None:
    content = cloudprinter("item_produce", order_reference=reference, item_reference=reference)
    assert unknown("cloudprinter.item_produce", content) == {"order_reference", "item_reference"}


def test_an_invalid_value_leaves_the_other_values_intact() -> None:
    content = sample("printful/package_shipped")
    content["data"]["order"] |= {"costs": {"total": [], "currency": "EUR"}, "recipient": 17, "items": [{"id": "1"}, 5]}
    found = fact("printful.package_shipped", content)
    assert [item["item"] for item in found.data["items"]] == ["1"]
    assert unknown("printful.package_shipped", content) == {
        *("data.order.costs.total", "data.order.recipient", "data.order.items[]"),
    }


@pytest.mark.parametrize(
    ("place", "path"),
    [(("order", "id"), "data.order.id"), (("order",), "data.order")],
)
def test_an_event_without_a_required_value_is_parked(place: tuple[str, ...], path: str) -> None:
    content = sample("printful/package_shipped")
    node = content["data"]
    for step in place[:-1]:
        node = node[step]
    del node[place[-1]]
    with pytest.raises(Unprocessable, match=f"not a valid PackageEvent: {path}: missing"):
        decide("printful.package_shipped", content)


def test_an_error_never_repeats_a_value() -> None:
    content = sample("printful/package_shipped")
    content["data"]["shipment"]["items"][0]["quantity"] = "Nora Lindqvist"
    with pytest.raises(Unprocessable) as caught:
        decide("printful.package_shipped", content)
    assert "Nora" not in str(caught.value)
    assert "data.shipment.items.0.quantity" in str(caught.value)


def test_a_package_of_fifty_items_is_one_fact() -> None:
    content = sample("printful/package_shipped")
    order, shipment = content["data"]["order"], content["data"]["shipment"]
    first = order["items"][0]
    order["items"] = [first | {"id": 5000 + number, "external_id": str(number)} for number in range(50)]
    shipment["items"] = [{"item_id": 5000 + number, "quantity": 1} for number in range(50)]
    order["notes"] = "x" * (263 * 1024 - len(json.dumps(content)))
    assert len(json.dumps(content)) >= 262 * 1024
    assert len(fact("printful.package_shipped", content).data["lines"]) == 50


def test_the_status_in_a_hold_is_kept_as_it_is() -> None:
    found = fact("printful.order_put_hold", sample("printful/order_put_hold__fulfilled"))
    assert (found.kind, found.data["status"]) == ("held", "fulfilled")


def test_a_refund_without_an_amount_or_a_currency_is_a_refund() -> None:
    content = sample("printful/order_refunded")
    content["data"]["amount"] = None
    del content["data"]["order"]["costs"]
    data = fact("printful.order_refunded", content).data
    assert (data["amount"], data["currency"]) == (None, None)


@pytest.mark.parametrize(("code", "shown"), [("jpy", ("1500", "JPY")), ("kwd", ("1500.3", "KWD"))])
def test_a_refund_is_in_the_minor_unit_of_its_currency_in_whatever_case_that_is_written(
    code: str, shown: tuple[str, str]
) -> None:
    content = sample("printful/order_refunded")
    content["data"]["amount"] = "1500.3"
    content["data"]["order"]["costs"]["currency"] = code
    data = fact("printful.order_refunded", content).data
    assert (data["amount"], data["currency"]) == shown


@pytest.mark.parametrize("written", [2, "2", "2.0"])
def test_the_pieces_of_an_item_are_read_as_those_of_a_parcel(written: object) -> None:
    content = sample("printful/order_created")
    content["data"]["order"]["items"][0]["quantity"] = written
    assert fact("printful.order_created", content).data["items"][0]["quantity"] == 2


# --- the catalogue ---


@pytest.mark.parametrize("name", ["product_synced", "product_updated", "product_deleted"])
def test_an_event_about_a_product_is_the_product(name: str) -> None:
    told = decide(f"printful.{name}", sample(f"printful/{name}"))
    assert isinstance(told, products.Product)
    assert (told.id, told.external_id, told.name) == ("210000001", "night-press-tee", "Night press tee")
    assert told.deleted is (name == "product_deleted")
    assert told.version == f"{told.updated_at} {int(told.deleted)} e1"


def test_stock_lists_the_variants_that_can_not_be_ordered() -> None:
    told = decide("printful.stock_updated", sample("printful/stock_updated"))
    assert isinstance(told, products.Stock)
    assert (told.product_id, told.out, told.discontinued) == ("71", (4017, 4018), (4021,))
    assert told.unavailable() == {"4017", "4018", "4021"}
    assert (told.event_id, told.received_at) == ("e1", RECEIVED)


@pytest.mark.parametrize("variants", [[], {}, {"out": None, "discontinued": []}, {"out": {}}])
def test_stock_without_missing_variants_is_empty(variants: object) -> None:
    content = sample("printful/stock_updated__empty")
    content["data"]["variant_stock"] = variants
    assert decide("printful.stock_updated", content).unavailable() == frozenset()


@pytest.mark.parametrize("lists", [{"out": {"0": 4017, "3": 4018}}, {"out": ["4017", 4018]}])
def test_a_list_with_gaps_that_is_written_as_an_object_is_a_list(lists: dict[str, Any]) -> None:
    content = sample("printful/stock_updated")
    content["data"]["variant_stock"] = lists
    assert decide("printful.stock_updated", content).unavailable() == {"4017", "4018"}


@pytest.mark.parametrize(
    ("topic", "path", "value"),
    [
        ("printful.stock_updated", ("variant_stock",), "none"),
        ("printful.stock_updated", ("variant_stock",), None),
        ("printful.stock_updated", ("variant_stock",), {"4017": False}),
        ("printful.stock_updated", ("variant_stock", "out"), 4017),
        ("printful.stock_updated", ("variant_stock", "out"), [4017, "soon"]),
        ("printful.stock_updated", ("variant_stock", "discontinued"), [{"id": 4017}]),
        ("printful.package_shipped", ("shipment", "items"), 17),
        ("printful.package_shipped", ("shipment", "items"), [1, 2]),
        ("printful.package_returned", ("shipment", "items"), "all"),
    ],
)
def test_an_invalid_entry_of_a_needed_list_parks_the_event(topic: str, path: tuple[str, ...], value: object) -> None:
    content = sample(topic.replace(".", "/"))
    node = content["data"]
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    with pytest.raises(Unprocessable, match="data"):
        decide(topic, content)


def test_an_event_without_stock_is_parked() -> None:
    with pytest.raises(Unprocessable, match=r"data\.variant_stock: missing"):
        decide("printful.stock_updated", sample("printful/stock_updated") | {"data": {"product_id": 71}})


def test_a_message_with_too_many_faults_is_parked_with_their_number() -> None:
    content = sample("printful/package_shipped")
    content["data"]["order"]["items"] = [0] * 50_000
    with pytest.raises(Unprocessable, match="not a valid PackageEvent: 50000 errors"):
        decide("printful.package_shipped", content)


def test_a_product_that_is_updated_and_deleted_in_one_second_is_deleted() -> None:
    content = sample("printful/product_updated")
    updated, deleted = (
        decide(f"printful.{name}", content, id=event_id)
        for name, event_id in (("product_updated", "z"), ("product_deleted", "a"))
    )
    assert updated.version < deleted.version


def test_a_topic_of_the_catalogue_writes_the_catalogue() -> None:
    assert handler("printful.product_deleted").write == products.save_product
    assert handler("printful.stock_updated").write == stock.update
