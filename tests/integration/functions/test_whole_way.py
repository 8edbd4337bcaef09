"""From the shop's webhook to Camaloon and back, in one process."""

from tests.support.hub import Hub
from tests.support.samples import sample


def test_a_paid_order_goes_out_and_comes_back_shipped(hub: Hub) -> None:
    assert hub.receive("storefront", "order_paid", sample("storefront/order_paid"))["statusCode"] == 202
    hub.settle()
    assert len(hub.camaloon.requests) == 1
    assert hub.order()["status"] == "accepted"
    hub.receive("camaloon", "shipment_sent", sample("camaloon/shipment_sent"))
    hub.settle()
    assert hub.order()["status"] == "partially_shipped"
    hub.receive("camaloon", "shipment_sent", sample("camaloon/shipment_sent__second_parcel"))
    hub.receive("camaloon", "shipment_sent", sample("camaloon/shipment_sent"))
    hub.settle()
    order = hub.order()
    assert order["status"] == "shipped"
    assert order["attention"] == []
    assert [line["shipped_quantity"] for line in order["lines"]] == [10, 2]
    assert len(order["shipments"]) == 2
