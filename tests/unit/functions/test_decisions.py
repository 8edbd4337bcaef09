"""The decisions of topics: a message in, facts and deliveries out, without AWS and without a clock."""

import json
from typing import Any

import pytest

from functions.camaloon.shipment_sent.handler import decide as shipment_sent
from pressroom.inbox.events import Event, State
from pressroom.order import routing
from pressroom.order.decision import Decision
from pressroom.order.shop_order import OrderPaid
from pressroom.platform import wire
from pressroom.providers.camaloon.messages import ShipmentSent
from pressroom.providers.camaloon.parcels import parcel_id
from pressroom.providers.storefront import decisions
from tests.support.samples import BADGE, TOTE, body, order, sample, shipment

RECEIVED = "2026-09-01T14:10:00.000Z"


def event(topic: str, **rest: Any) -> Event:
    provider, _, name = topic.partition(".")
    return Event(id="e1", provider=provider, topic=name, received_at=RECEIVED, state=State.RECEIVED, body=b"", **rest)


def paid(content: Any, rules: str = "*=camaloon", **rest: Any) -> Decision:
    message = OrderPaid.model_validate(wire.parse(body(content)))
    return decisions.paid(message, event("storefront.order_paid", **rest), routing.parse(rules), lambda _: None, [])


def sent(content: Any) -> Decision:
    return shipment_sent(ShipmentSent.model_validate(content), event("camaloon.shipment_sent"))


def test_a_paid_order_is_one_fact_and_one_delivery() -> None:
    decision = paid(order())
    (fact,), (delivery,) = decision.facts, decision.deliveries
    assert decision.order_id == "1001"
    assert (fact.id, fact.kind, fact.source) == ("e1", "paid", "storefront.order_paid")
    assert (fact.at, fact.received_at) == ("2026-09-01T14:09:57.000Z", RECEIVED)
    assert fact.data["created_at"] == "2026-09-01T14:09:54.000Z"
    assert fact.data["deliveries"] == [delivery.id]
    assert fact.data["lines"] == [
        {"id": "1", "sku": BADGE, "quantity": 10, "price": "12.5", "destination": "camaloon"},
        {"id": "2", "sku": TOTE, "quantity": 2, "price": "19.8", "destination": "camaloon"},
    ]
    assert fact.data["names"] == ["Button badge, 38 mm", "Tote bag, natural"]
    assert (delivery.destination, delivery.operation, delivery.order_id) == ("camaloon", "order_paid", "1001")
    assert json.loads(delivery.body) == sample("storefront/order_paid")


def test_facts_hold_nothing_personal() -> None:
    assert "Marta" not in repr(paid(order()).facts)


def test_camaloon_gets_only_the_lines_that_are_routed_to_it() -> None:
    decision = paid(order(), f"{BADGE}=printful,{TOTE}=camaloon")
    (delivery,) = decision.deliveries
    assert [line["sku"] for line in json.loads(delivery.body)["line_items"]] == [TOTE]
    assert [line["destination"] for line in decision.facts[0].data["lines"]] == ["printful", "camaloon"]


@pytest.mark.parametrize("rules", ["", "*=printful", "*=cloudprinter"])
def test_an_order_without_lines_for_camaloon_is_recorded_and_not_sent(rules: str) -> None:
    decision = paid(order(), rules)
    assert decision.deliveries == ()
    assert decision.facts[0].data["deliveries"] == []


def test_the_same_order_is_the_same_delivery_for_both_types_of_its_id() -> None:
    assert paid(order(id=1001)).deliveries[0].id == paid(order(id="1001")).deliveries[0].id
    assert paid(order(id=1001)).deliveries[0].id != paid(order(id=1002)).deliveries[0].id


def test_an_order_paid_again_with_other_contents_is_only_flagged() -> None:
    decision = paid(order(), conflict=True)
    assert [fact.kind for fact in decision.facts] == ["paid_again"]
    assert decision.deliveries == ()


def test_a_shipment_is_one_fact_dated_by_its_arrival() -> None:
    decision = sent(sample("camaloon/shipment_sent"))
    (fact,) = decision.facts
    assert (decision.order_id, decision.deliveries) == ("1001", ())
    assert (fact.id, fact.kind, fact.at, fact.received_at) == ("e1", "shipped", RECEIVED, RECEIVED)
    assert fact.data == {
        "provider": "camaloon",
        "parcel": parcel_id("9414 1058 1746 0398 1325 11", None, [(BADGE, 10)]),
        "carrier": None,
        "tracking_number": "9414 1058 1746 0398 1325 11",
        "tracking_url": "https://track.carrier.example/9414105817460398132511",
        "lines": [{"sku": BADGE, "quantity": 10}],
        "notify_customer": True,
    }


def test_an_empty_tracking_is_none() -> None:
    (fact,) = sent(shipment((BADGE, 1)) | {"tracking_number": "", "tracking_url": ""}).facts
    assert (fact.data["tracking_number"], fact.data["tracking_url"]) == (None, None)
