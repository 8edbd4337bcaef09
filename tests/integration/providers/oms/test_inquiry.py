"""An order as the OMS has it: what a person is shown, and what is recorded of that."""

from dataclasses import replace
from typing import Any

import pytest

from pressroom.order import outbox
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
    lost(hub, clock)
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


# Naming an order whose uid no response gave
NOT_THIS = "The OMS's order with this uid is not this order, or its items have no uids."


def lost(hub: Hub, clock: Clock) -> dict[str, Any]:
    """Create an order whose response is lost and that the lookup finds; return it as it is at the OMS."""
    hub.oms.faults = ["lost"]
    hub.send_sample(PERSONAL)
    clock.advance(3600)
    hub.deliver_again()
    hub.settle()
    assert hub.order("1003")["attention"] == ["uid_unknown"]
    (there,) = hub.oms.orders()
    return there


def link(hub: Hub, uid: str, order_id: str = "1003") -> tuple[int, Any]:
    answer = hub.post(f"/orders/{order_id}/at-oms", {"uid": uid})
    hub.settle()
    return answer["statusCode"], answer["body"]


@pytest.mark.parametrize("theirs", [None, ""])
def test_an_order_in_which_the_oms_names_no_order_of_ours_is_known_by_its_items(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch, theirs: str | None
) -> None:
    there = lost(hub, clock)
    read = client.get_order
    monkeypatch.setattr(client, "get_order", lambda uid: (read(uid) or {}) | {"ecommerce_order_id": theirs})
    assert link(hub, there["uid"]) == (200, {"uid": there["uid"], "lines": ["70001", "70002"]})


def test_an_order_that_a_person_finds_can_be_changed_and_deleted_again(hub: Hub, clock: Clock) -> None:
    there = lost(hub, clock)
    assert link(hub, there["uid"]) == (200, {"uid": there["uid"], "lines": ["70001", "70002"]})
    order = hub.order("1003")
    assert order["attention"] == []
    assert [line["uid"] for line in order["lines"]] == [item["uid"] for item in there["items"]]
    assert [line["status"] for line in order["lines"]] == ["accepted", "accepted"]
    (known,) = order["provider_orders"]
    assert (known["provider"], known["id"], known["status"]) == ("oms", there["uid"], None)
    assert f"A person found the order at the OMS: {there['uid']}" in [each["text"] for each in order["timeline"]]
    assert at_oms(hub)["orders"][0]["order"]["uid"] == there["uid"]
    assert {each["action"] for each in hub.get("/actions")["body"]["actions"]} == {"link_at_oms", "show_at_oms"}
    hub.send_sample("storefront/order_canceled", id=1003)
    assert (hub.oms.orders(), hub.order("1003")["status"]) == ([], "canceled")


def test_naming_an_order_again_changes_nothing(hub: Hub, clock: Clock) -> None:
    there = lost(hub, clock)
    link(hub, there["uid"])
    before = hub.order("1003")
    assert link(hub, there["uid"])[0] == 200
    assert hub.order("1003") == before


def poll(hub: Hub, clock: Clock) -> None:
    """Poll the print files until nothing is left to poll."""
    hub.work("PrintFilesQueue")
    while hub.retained:
        clock.advance(3600)
        hub.deliver_again()


def test_a_ready_print_file_goes_into_a_batch_once_its_uid_is_known(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters |= {"PrintTemplates": "5501=T1", "OmsCreatePrintFiles": "true"}
    there = lost(hub, clock)
    poll(hub, clock)
    assert {line["print_file"]["status"] for line in hub.order("1003")["lines"]} == {"ready"}
    assert hub.cloud.rows("READY") == []
    link(hub, there["uid"])
    assert [row["uid"]["S"] for row in hub.cloud.rows("READY")] == [there["items"][0]["uid"]]


def test_an_order_whose_delivery_a_person_settled_gets_its_uid_and_its_print_files(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["OmsCreatePrintFiles"] = "true"
    hub.oms.faults = [400]
    hub.send_sample(PERSONAL)
    (delivery,) = hub.order("1003")["deliveries"]
    with hub.cloud.as_function("deliver/oms"):
        known = outbox.get(delivery["id"])
        assert known is not None
        uid = client.create_order(wire.parse(known.body)).uid  # by hand
    assert link(hub, uid)[0] == 409
    hub.post(f"/deliveries/{delivery['id']}/settle", {"outcome": "done"})
    hub.settle()
    poll(hub, clock)
    order = hub.order("1003")
    assert (order["attention"], order["lines"][0]["print_file"]) == (["uid_unknown"], None)
    hub.send_sample("storefront/order_updated")
    assert hub.order("1003")["deliveries"][-1]["last_error"] == orders.UNKNOWN_UID
    assert link(hub, uid)[0] == 200
    poll(hub, clock)
    order = hub.order("1003")
    assert (order["attention"], order["lines"][0]["print_file"]["status"]) == (["delivery_dead"], "ready")
    hub.post(f"/deliveries/{order['deliveries'][-1]['id']}/replay")
    hub.settle()
    assert hub.order("1003")["attention"] == []


def test_an_order_that_is_not_this_one_is_refused(hub: Hub, clock: Clock) -> None:
    there = lost(hub, clock)
    hub.send_sample(PERSONAL, id=77)
    other = hub.oms.orders()[-1]["uid"]
    assert link(hub, other) == (
        409,
        refusal(NOT_THIS),
    )
    assert link(hub, "none") == (409, refusal("The OMS has no order with this uid."))
    hub.oms.faults = [503]
    assert link(hub, there["uid"]) == (409, refusal("The OMS could not be asked: HTTP 503."))
    assert link(hub, there["uid"], "9999")[0] == 404
    assert link(hub, other, "77")[0] == 409, "nothing is unknown"
    assert link(hub, "")[0] == 400
    assert hub.order("1003")["attention"] == ["uid_unknown"]


def refusal(detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": "Conflict", "detail": detail, "status": 409}


def test_uids_of_items_that_the_response_left_out_are_read(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    created = client.create_order
    monkeypatch.setattr(client, "create_order", lambda order: replace(created(order), items={}))
    hub.send_sample(PERSONAL)
    order = hub.order("1003")
    assert (order["attention"], all(line["uid"] for line in order["lines"])) == ([], True)


def test_an_oms_that_can_not_be_asked_then_leaves_the_uids_unknown(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    created = client.create_order
    monkeypatch.setattr(client, "create_order", lambda order: replace(created(order), items={}))
    hub.oms.faults = [None, 503]
    hub.send_sample(PERSONAL)
    (there,) = hub.oms.orders()
    assert (hub.order("1003")["attention"], len(hub.oms.orders())) == (["uid_unknown"], 1)
    assert link(hub, there["uid"])[0] == 200
    order = hub.order("1003")
    assert (order["attention"], [line["status"] for line in order["lines"]]) == ([], ["accepted", "accepted"])
    hub.send_sample("storefront/order_canceled", id=1003)
    assert (hub.oms.orders(), hub.order("1003")["status"]) == ([], "canceled")
