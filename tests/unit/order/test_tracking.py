"""The words for no tracking, and unsafe links, in all reports of parcels."""

from dataclasses import replace
from typing import Any

import pytest

from pressroom.order.facts import Fact
from pressroom.order.fold import fold
from pressroom.order.model import Order
from pressroom.order.tracking import tracking_number
from tests.support.histories import read
from tests.support.samples import sample

AT = "2026-09-02T10:00:00.000Z"
WORDS = (
    "N/A",
    "n.a.",
    "-",
    "--",
    "none",
    "None",
    "null",
    "NULL",
    "undefined",
    "NaN",
    "0",
    "000",
    "#",
    "TBA",
    "unknown",
)
NUMBERS = ("1Z999", "TBA123456789000", "NA123456785GB", "9414 1058 1746", "T-49-1, T-49-2", "SANDBOX_99", "00340434")


@pytest.mark.parametrize("word", [*WORDS, "No tracking", "NO_TRACKING", "Untracked", "not available", "", " ", "…"])
def test_a_word_for_no_tracking_is_none(word: str) -> None:
    assert tracking_number(f" {word}") is None


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_kept_without_the_blanks_around_it(number: str) -> None:
    assert tracking_number(f" {number} ") == number


def camaloon(number: object, url: object = "", quantity: object = 10) -> tuple[str, dict[str, Any]]:
    lines = [{"sku": "CM-PIN", "quantity": quantity}]
    return "camaloon.shipment_sent", {
        "order_id": 1001,
        "tracking_number": number,
        "tracking_url": url,
        "notify_customer": True,
        "line_items": lines,
    }


def cloudprinter(number: object, url: object = None) -> tuple[str, dict[str, Any]]:
    content = {"type": "ItemShipped", "order": "7", "order_reference": "1001", "item": "71", "item_reference": "1"}
    return "cloudprinter.item_shipped", content | {"datetime": AT, "tracking": number, "url": url}


def printful(number: object, url: object = None) -> tuple[str, dict[str, Any]]:
    content = sample("printful/package_shipped")
    content["data"]["order"]["external_id"] = "1001"
    content["data"]["shipment"] |= {"tracking_number": number, "tracking_url": url}
    return "printful.package_shipped", content


PARTNERS = (camaloon, cloudprinter, printful)


def fact(message: tuple[str, dict[str, Any]], number: int = 1) -> Fact:
    topic, content = message
    (found,) = read(topic, content, received_at=f"2026-09-02T10:0{number}:00.000Z", event_id=f"e{number}").facts
    return found


def order(*messages: tuple[str, dict[str, Any]]) -> Order:
    return fold("1001", [fact(message, number) for number, message in enumerate(messages, start=1)])


@pytest.mark.parametrize("partner", PARTNERS)
@pytest.mark.parametrize("word", WORDS)
def test_a_word_for_no_tracking_is_none_from_every_printer(partner: Any, word: str) -> None:
    (parcel,) = order(partner(word, word)).shipments
    assert (parcel.tracking_number, parcel.tracking_url, parcel.has_tracking()) == (None, None, False)


@pytest.mark.parametrize("partner", PARTNERS)
def test_only_a_link_to_the_web_is_handed_on_from_every_printer(partner: Any) -> None:
    (parcel,) = order(partner("1Z999", "javascript:alert(1)")).shipments
    assert (parcel.tracking_number, parcel.tracking_url) == ("1Z999", None)
    (parcel,) = order(partner("1Z999", "https://carrier.example/1Z999")).shipments
    assert parcel.tracking_url == "https://carrier.example/1Z999"


def test_an_unsafe_link_in_the_place_of_the_number_is_no_tracking() -> None:
    (parcel,) = order(cloudprinter("javascript://carrier.example/%0aalert(1)")).shipments
    assert not parcel.has_tracking()


def test_a_fact_of_an_older_version_is_read_the_same_way() -> None:
    (found,) = read(*camaloon("", ""), received_at=AT).facts
    data = found.data | {"tracking_number": "N/A", "tracking_url": "javascript:alert(1)"}
    record = fold("1001", [replace(found, data=data)])
    assert not record.shipments[0].has_tracking()
    assert "N/A" not in record.timeline[0].text


def test_a_word_for_no_carrier_is_none() -> None:
    topic, content = cloudprinter("1Z999")
    assert order((topic, content | {"shipping_option": "N/A"})).shipments[0].carrier is None
    assert order((topic, content | {"shipping_option": "GLS"})).shipments[0].carrier == "GLS"


def test_a_word_for_no_tracking_and_then_the_number_are_one_parcel() -> None:
    (parcel,) = order(cloudprinter("N/A"), cloudprinter("1Z999")).shipments
    assert (parcel.tracking_number, parcel.reshipment) == ("1Z999", False)


def test_items_of_a_printer_with_a_word_for_no_tracking_are_parcels_of_their_own() -> None:
    topic, other = cloudprinter("N/A")
    first, second = order((topic, other), (topic, other | {"item": "72", "item_reference": "2"})).shipments
    assert first.id != second.id


def test_the_link_of_a_number_that_was_corrected_is_dropped() -> None:
    (parcel,) = order(printful("WRONG", "https://carrier.example/WRONG"), printful("RIGHT")).shipments
    assert (parcel.tracking_number, parcel.tracking_url) == ("RIGHT", None)
    (parcel,) = order(printful(None, "https://carrier.example/1"), printful("1Z999")).shipments
    assert (parcel.tracking_number, parcel.tracking_url) == ("1Z999", "https://carrier.example/1")


@pytest.mark.parametrize("quantity", ["10", "10.0", 10])
def test_a_quantity_may_be_text(quantity: object) -> None:
    assert order(camaloon("1Z999", quantity=quantity)).shipments[0].lines[0].quantity == 10


def test_an_item_of_no_pieces_is_not_in_the_parcel() -> None:
    topic, content = printful("1Z999")
    content["data"]["shipment"]["items"].append({"item_id": 40_000_099, "quantity": 0})
    assert order((topic, content)).shipments[0].lines == order(printful("1Z999")).shipments[0].lines
    topic, content = camaloon("1Z999")
    content["line_items"].append({"sku": "CM-TOTE", "quantity": "0"})
    assert [line.sku for line in order((topic, content)).shipments[0].lines] == ["CM-PIN"]


@pytest.mark.parametrize(("value", "notify"), [(True, True), (False, False), (0, False), (None, None), ("maybe", None)])
def test_whether_the_customer_is_to_be_told_stands_on_the_parcel(value: object, notify: bool | None) -> None:
    topic, content = camaloon("1Z999")
    assert order((topic, content | {"notify_customer": value})).shipments[0].notify_customer is notify
