"""An order as the OMS has it: what a person is shown, and what is recorded of that."""

from typing import Any

import pytest

from pressroom.platform import wire
from pressroom.providers.oms import client, inquiry, orders
from tests.support.cloud import Clock
from tests.support.hub import Hub

PERSONAL = "storefront/order_paid__personalized"


def at_oms(hub: Hub, order_id: str = "1003") -> dict[str, Any]:
    answer = hub.get(f"/orders/{order_id}/at-oms")
    assert answer["statusCode"] == 200, answer
    assert answer["headers"]["Cache-Control"] == "no-store"
    shown: dict[str, Any] = answer["body"]
    return shown


def test_an_order_is_shown_as_the_oms_has_it_and_that_is_recorded(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.send_sample(PERSONAL)
    (there,) = hub.oms.orders()
    shown = at_oms(hub)
    assert shown["uid_unknown"] is False
    ((uid, order, problem),) = [tuple(each.values()) for each in shown["orders"]]
    assert (uid, problem, order["uid"], order["ecommerce_order_id"]) == (there["uid"], None, there["uid"], "1003")
    assert [item["ecommerce_order_item_id"] for item in order["items"]] == ["1003:70001", "1003:70002"]
    (action,) = hub.get("/actions")["body"]["actions"]
    assert (action["action"], action["target"]) == ("show_at_oms", "1003")
    assert there["uid"] not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fault", "problem"), [(503, "HTTP 503"), (400, "HTTP 400"), (404, "the OMS has no such order")]
)
def test_what_keeps_the_oms_from_answering_is_shown(hub: Hub, fault: int, problem: str) -> None:
    hub.send_sample(PERSONAL)
    hub.oms.faults = [fault]
    (order,) = at_oms(hub)["orders"]
    assert (order["order"], order["problem"]) == (None, problem)


def test_an_order_that_the_oms_never_got_is_nothing_there(hub: Hub) -> None:
    hub.send_sample("storefront/order_paid")
    assert at_oms(hub, "1001") == {"uid_unknown": False, "orders": []}
    assert hub.get("/orders/9999/at-oms")["statusCode"] == 404
    assert hub.oms.calls == []


def test_an_order_whose_uid_is_unknown_says_so(hub: Hub, clock: Clock) -> None:
    hub.oms.faults = ["lost"]
    hub.send_sample(PERSONAL)
    clock.advance(3600)
    hub.deliver_again()
    hub.settle()
    assert hub.order("1003")["attention"] == ["uid_unknown"]
    assert at_oms(hub) == {"uid_unknown": True, "orders": []}


def test_only_so_many_orders_are_asked_for_as_the_gateway_waits_for(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = orders.OmsState(uids={"a": ["1"], "b": ["2"]})
    monkeypatch.setattr(inquiry, "state_from", lambda _: state)

    def slow(uid: client.Id) -> dict[str, Any]:
        clock.advance(5)
        return {"uid": uid, "design": "x" * 5000, "price": wire.parse(b"1.50")}

    monkeypatch.setattr(client, "get_order", slow)
    hub.send_sample(PERSONAL)
    first, second = at_oms(hub)["orders"]
    assert (first["order"]["price"], len(first["order"]["design"])) == (1.5, inquiry.LONGEST_TEXT + 19)
    assert second["problem"] == "the OMS answers too slowly to be asked for all orders at once"
