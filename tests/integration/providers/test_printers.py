"""One order at several printers; products, their stock and drift: the whole path in one process."""

import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from pressroom.inbox import drift
from pressroom.platform import table
from pressroom.providers.printful import products, stock
from pressroom.providers.printful.products import Stock
from tests.integration.conftest import Printed
from tests.support.cloud import Clock, Cloud, aws_calls, one_write_at_a_time
from tests.support.hub import Hub
from tests.support.samples import RULES, SEVERAL, sample

STORY = (
    *("printful/order_created", "cloudprinter/order_validated", "printful/order_updated"),
    *("cloudprinter/item_validated", "printful/order_put_hold", "printful/order_put_hold_approval"),
    *("cloudprinter/item_produce", "printful/order_remove_hold", "cloudprinter/item_produced"),
    *("cloudprinter/item_packed", "cloudprinter/item_shipped", "printful/package_shipped"),
    *("cloudprinter/item_delivery_started", "printful/package_shipped__second_parcel"),
    "cloudprinter/item_delivery_completed",
)


@pytest.fixture(name="several")
def _several(hub: Hub) -> Hub:
    """A hub with the sample order of several printers paid."""
    hub.cloud.parameters["RoutingRules"] = RULES
    hub.receive("storefront", "order_paid", sample(SEVERAL))
    hub.settle()
    return hub


def by_id(order: dict[str, Any]) -> dict[str, Any]:
    return {line["id"]: line for line in order["lines"]}


def test_one_order_at_three_printers_becomes_one_record(several: Hub) -> None:
    for name in STORY[:6]:
        several.send_sample(name)
    held = several.order("1002")
    assert (held["on_hold"], held["attention"]) == (True, ["approval_needed", "on_hold"])
    assert held["status"] == "accepted"
    for name in STORY[6:]:
        several.send_sample(name)
    order = several.order("1002")
    assert (order["on_hold"], order["attention"]) == (False, [])
    (hold,) = order["holds"]
    assert (hold["provider"], hold["since"], hold["until"]) == (
        *("printful", "2026-09-02T10:00:00.000Z", "2026-09-03T09:00:00.000Z"),
    )
    assert {line: each["status"] for line, each in by_id(order).items()} == {
        "1": "accepted",
        "2": "delivered",
        "3": "shipped",
        "4": "shipped",
    }
    assert order["status"] == "partially_shipped"
    assert [(each["provider"], each["tracking_number"]) for each in order["shipments"]] == [
        *[("cloudprinter", "3SCP0042117790"), ("printful", "780000000011"), ("printful", "780000000022")],
    ]
    parcel = sample("camaloon/shipment_sent") | {"order_id": 1002}
    several.receive("camaloon", "shipment_sent", parcel)
    several.settle()
    assert several.order("1002")["status"] == "shipped"
    assert {each["id"]: each["provider"] for each in order["provider_orders"]} == {
        "98765432": "printful",
        "21034900000000": "cloudprinter",
    }


def test_the_same_messages_in_any_order_and_twice_make_the_same_record(hub: Hub, clock: Clock) -> None:
    hub.cloud.parameters["RoutingRules"] = RULES
    for name in reversed(STORY):
        hub.send_sample(name)
        assert hub.send_sample(name)["body"]["status"] == "duplicate"
    hub.receive("storefront", "order_paid", sample(SEVERAL))
    hub.settle()
    backwards = hub.order("1002")
    assert (backwards["status"], backwards["on_hold"], backwards["attention"]) == ("partially_shipped", False, [])
    assert by_id(backwards)["2"]["status"] == "delivered"
    assert len(backwards["timeline"]) == len(STORY) + 2


def test_thirty_events_of_one_order_at_once_all_land(several: Hub) -> None:
    names = [f"cloudprinter-item_{stage}" for stage in ("validated", "produce", "produced")]
    for number in range(10):
        for stage in ("item_validated", "item_produce", "item_produced"):
            several.receive("cloudprinter", stage, sample(f"cloudprinter/{stage}") | {"item": f"item-{number}"})
    several.pump()
    invoked, several.cloud.lambda_.waiting = several.cloud.lambda_.waiting, []
    assert {name.removeprefix("pressroom-") for name, _ in invoked} == set(names)
    assert len(invoked) == 30
    with ExitStack() as stack:
        # Before the threads start: they share the environment, which holds the function's variables.
        run = {name: stack.enter_context(several.cloud.as_function(name.replace("-", "/"))) for name in names}
        stack.enter_context(one_write_at_a_time())
        pool = stack.enter_context(ThreadPoolExecutor(8))
        list(pool.map(lambda call: run[call[0].removeprefix("pressroom-")](call[1]), invoked))
    assert len(several.order("1002")["timeline"]) == 32


def test_an_order_of_the_dashboard_has_a_record_of_its_own(hub: Hub) -> None:
    hub.send_sample("printful/order_created__dashboard")
    order = hub.order("printful:98765432")
    assert (order["status"], order["attention"]) == ("paid", [])  # a draft, not confirmed yet
    assert [(line["id"], line["sku"], line["quantity"]) for line in order["lines"]] == [
        *[("printful:40000001", "PF-TEE-BLK-M", 2), ("printful:40000002", "PF-MUG-11OZ", 1)],
    ]


@pytest.mark.parametrize("variant", ["tracking_zero", "integer_external_id", "unknown_item", "nulls", "unknown_fields"])
def test_no_deviation_is_lost(several: Hub, variant: str) -> None:
    answer = several.send_sample(f"printful/package_shipped__{variant}")
    known = several.event(answer["body"]["event_id"])
    assert (known["state"], known["error"]) == ("processed", None)
    assert len(several.order(known["order_id"])["shipments"]) == 1


# --- products ---


def test_a_product_has_the_content_of_the_latest_event(hub: Hub) -> None:
    assert hub.get("/products/210000001")["statusCode"] == 404
    hub.send_sample("printful/product_synced")
    hub.send_sample("printful/product_updated", created=1788700000)
    shown = hub.get("/products/210000001")["body"]
    assert shown.keys() == {
        *("id", "name", "external_id", "variants", "synced", "thumbnail_url", "deleted", "updated_at"),
    }
    assert shown["deleted"] is False
    hub.send_sample("printful/product_deleted", created=1788800000)
    hub.send_sample("printful/product_updated", created=1788750000)
    assert hub.get("/products/210000001")["body"]["deleted"] is True
    hub.send_sample("printful/product_synced", created=1788900000)
    assert hub.get("/products/210000001")["body"]["deleted"] is False


def test_two_events_of_one_second_leave_the_same_product_in_either_order(cloud: Cloud) -> None:
    def product(name: str) -> products.Product:
        at = "2026-09-02T10:00:00.000Z"
        return products.Product(
            id="1",
            version=f"{at} {name}",
            name=name,
            external_id=None,
            variants=None,
            synced=None,
            thumbnail_url=None,
            deleted=False,
            updated_at=at,
        )

    with cloud.as_function("printful/product_updated"):
        for names in (("a", "b"), ("b", "a")):
            for name in names:
                products.save_product(product(name))
            known = products.product("1")
            assert known
            assert known.name == "b"


# --- stock ---


def told(hub: Hub, out: list[int], *, created: int, discontinued: tuple[int, ...] = (), product: int = 71) -> None:
    data = {"product_id": product, "variant_stock": {"out": out, "discontinued": list(discontinued)}}
    hub.send_sample("printful/stock_updated", created=created, data=data)


def test_stock_is_shown_and_variants_in_no_list_can_be_ordered(hub: Hub) -> None:
    assert hub.get("/stock/71")["statusCode"] == 404
    hub.send_sample("printful/stock_updated")
    assert hub.get("/stock/71")["body"] == {
        "product_id": "71",
        "out": [4017, 4018],
        "discontinued": [4021],
        "updated_at": "2026-09-07T05:10:00.000Z",
    }
    hub.send_sample("printful/stock_updated__empty")
    assert hub.get("/stock/71")["body"]["out"] == []


@pytest.mark.parametrize("lists", [{"4017": False}, {"out": {"4017": False}}, None])
def test_stock_that_is_no_lists_leaves_the_last_known_stock(hub: Hub, lists: object) -> None:
    hub.send_sample("printful/stock_updated")
    before = hub.get("/stock/71")["body"]
    sent = hub.send_sample("printful/stock_updated", data={"product_id": 71, "variant_stock": lists})
    assert hub.get(f"/events/{sent['body']['event_id']}")["body"]["state"] == "failed"
    assert hub.get("/stock/71")["body"] == before


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(4))))
def test_a_list_that_an_event_leaves_out_stays_as_it_was_in_any_order_of_arrival(
    several: Hub, arrival: tuple[int, ...]
) -> None:
    several.send_sample("printful/order_created")
    events: list[dict[str, list[int]]] = [
        {"out": [4017, 4018], "discontinued": [4021]},
        {"out": [4018]},
        {"out": [4017], "discontinued": []},
        {"discontinued": [4022]},
    ]

    def report(number: int, lists: object) -> None:
        data = {"product_id": 71, "variant_stock": lists}
        several.send_sample("printful/stock_updated", created=1788757900 + number, data=data)

    for number in arrival:
        report(number, events[number])
    shown = several.get("/stock/71")["body"]
    assert (shown["out"], shown["discontinued"]) == ([4017], [4022])
    assert several.order("1002")["attention"] == ["out_of_stock"]
    report(10, {"out": []})
    shown = several.get("/stock/71")["body"]
    assert (shown["out"], shown["discontinued"]) == ([], [4022])
    assert several.order("1002")["attention"] == []
    report(11, [])
    assert several.get("/stock/71")["body"]["discontinued"] == []


def test_an_open_order_is_flagged_while_a_variant_of_its_lines_is_out(several: Hub, printed: Printed) -> None:
    several.send_sample("printful/order_created")
    told(several, [9999], created=1788757800)
    assert several.order("1002")["attention"] == []
    told(several, [9999, 4017], created=1788757900)
    assert several.order("1002")["attention"] == ["out_of_stock"]
    assert "OrdersNeedAttention" in printed.text()
    told(several, [4017], created=1788758000)
    told(several, [], created=1788757950)  # late, and superseded
    assert several.order("1002")["attention"] == ["out_of_stock"]
    told(several, [], created=1788758100)
    order = several.order("1002")
    assert order["attention"] == []
    assert [entry["text"] for entry in order["timeline"] if entry["source"] == "printful.stock_updated"] == [
        "printful: out of stock or discontinued: variant 4017",
        "printful: in stock again",
    ]


@pytest.mark.parametrize("first", ["order_created", "order_updated", "order_put_hold", "order_failed"])
def test_an_order_that_comes_after_the_stock_is_flagged_too(several: Hub, first: str) -> None:
    told(several, [4017, 9999], created=1788757900)
    answer = several.send_sample(f"printful/{first}")
    order = several.order("1002")
    assert "out_of_stock" in order["attention"]
    assert several.event(answer["body"]["event_id"])["state"] == "processed"
    told(several, [9999], created=1788758000)
    assert "out_of_stock" not in several.order("1002")["attention"]


def test_the_order_and_the_stock_make_the_same_record_whichever_comes_first(several: Hub) -> None:
    several.send_sample("printful/order_created")
    told(several, [4017], created=1788757900)
    one = several.order("1002")["timeline"][-1]
    content = sample("printful/order_created")
    content["data"]["order"]["external_id"] = "1003"
    several.receive("printful", "", content)
    several.settle()
    other = several.order("1003")["timeline"][-1]
    assert one == other


def killed_at(hub: Hub, step: str, name: str, **changes: Any) -> Callable[[], None]:
    """Send a sample whose function is killed at a step of `products`; return Lambda's next invocation."""
    hub.receive("printful", "", sample(name) | changes)
    hub.pump()
    ((function, payload),), hub.cloud.lambda_.waiting = hub.cloud.lambda_.waiting, []

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, step, killed)
        with pytest.raises(SystemExit):
            hub.run_topic(function, payload)
    return lambda: hub.run_topic(function, payload)


def test_a_function_that_is_killed_before_it_updates_the_orders_updates_them_the_next_time(several: Hub) -> None:
    several.send_sample("printful/order_created")
    again = killed_at(several, "orders_with", "printful/stock_updated")
    assert several.order("1002")["attention"] == []
    again()
    assert several.order("1002")["attention"] == ["out_of_stock"]


def test_a_late_event_updates_the_orders_with_the_newer_stock_in_case_that_was_killed(several: Hub) -> None:
    several.send_sample("printful/order_created")
    again = killed_at(several, "orders_with", "printful/stock_updated")
    told(several, [4017, 4018], discontinued=(4021,), created=1788999999)  # the same variants are missing: no new fact
    again()
    assert several.order("1002")["attention"] == ["out_of_stock"]


def test_a_function_that_is_killed_before_it_reads_the_stock_reads_it_the_next_time(several: Hub) -> None:
    told(several, [4017], created=1788757900)
    again = killed_at(several, "stock", "printful/order_created")
    assert several.order("1002")["attention"] == []
    again()
    assert several.order("1002")["attention"] == ["out_of_stock"]


def test_a_discontinued_variant_flags_too(several: Hub) -> None:
    several.send_sample("printful/order_created")
    told(several, [], discontinued=(1320,), product=19, created=1788757800)
    assert several.order("1002")["attention"] == ["out_of_stock"]


def test_a_shipped_order_is_not_changed(several: Hub) -> None:
    several.send_sample("printful/order_created__dashboard")
    for name in ("printful/package_shipped", "printful/package_shipped__second_parcel"):
        content = sample(name)
        content["data"]["order"]["external_id"] = None
        several.receive("printful", "", content)
        several.settle()
    before = several.order("printful:98765432")
    assert before["status"] == "shipped"
    told(several, [4017], created=1788757800)
    assert several.order("printful:98765432") == before


def test_all_orders_with_a_product_are_found_page_by_page(hub: Hub) -> None:
    ids = [f"order-{number}" for number in range(120)]
    with hub.cloud.as_function("printful/order_created"):
        for order_id in ids:
            products.index_order("71", order_id, since="2026-09-02T10:00:00.000Z")
            products.index_order("72", f"other-{order_id}", since="2026-09-02T10:00:00.000Z")
    with hub.cloud.as_function("printful/stock_updated"):
        pages = list(products.orders_with("71"))
    assert [len(page) for page in pages] == [100, 20]
    assert {each for page in pages for each in page} == set(ids)


def test_the_stock_written_at_the_same_time_by_a_later_event_wins_and_orders_follow(several: Hub) -> None:
    several.send_sample("printful/order_created")
    received = several.order("1002")["timeline"][0]["received_at"]

    def of(at: str, *out: int) -> Stock:
        texts = {"version": f"{at} e", "updated_at": at, "event_id": f"e-{at}", "received_at": received}
        return Stock(product_id="71", out=out, discontinued=(), **texts)

    early, late = of("2026-09-05T10:00:00.000Z", 4017), of("2026-09-05T11:00:00.000Z")
    real = products.save_stock

    def overtaken(new: Stock, **how: Any) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(products, "save_stock", real)
            stock.update(late)
        return real(new, **how)

    with several.cloud.as_function("printful/stock_updated"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "save_stock", overtaken)
        stock.update(early)
        known = products.stock("71")
    assert known == late
    assert several.order("1002")["attention"] == []


def test_only_an_order_that_is_created_or_changed_is_listed_under_its_products(several: Hub) -> None:
    several.send_sample("printful/package_shipped")
    assert several.cloud.rows("WATCH") == []
    several.send_sample("printful/order_created")
    rows = several.cloud.rows("WATCH")
    assert [row["pk"]["S"] for row in rows] == ["WATCH#19#1002", "WATCH#71#1002"]
    with aws_calls() as calls:
        several.send_sample("printful/order_updated")
    assert not [call for call in calls if call[0] == "PutItem" and call[1]["Item"]["pk"]["S"].startswith("WATCH")]


# --- drift ---


def test_drift_is_recorded_once_and_shown_by_its_path(several: Hub, printed: Printed) -> None:
    assert several.get("/drift")["body"] == {"drift": [], "cursor": None}
    several.send_sample("printful/package_shipped__unknown_fields")
    (shown,) = several.get("/drift")["body"]["drift"]
    assert shown["topic"] == "printful.package_shipped"
    assert "data.order.status" in shown["paths"]
    assert "DriftSeen" in printed.text()
    with aws_calls() as calls:
        several.send_sample("printful/package_shipped__unknown_fields", created=1788615999)
    assert not [call for call in calls if "DRIFT" in json.dumps(call[1], default=str)]
    several.send_sample("cloudprinter/item_canceled__unknown_fields")
    assert {each["topic"] for each in several.get("/drift")["body"]["drift"]} == {
        *("printful.package_shipped", "cloudprinter.item_canceled"),
    }


def test_field_names_that_a_sender_invents_do_not_fill_the_table(cloud: Cloud, clock: Clock) -> None:
    with cloud.as_function("printful/order_updated"):
        for start in range(0, 1000, 100):
            drift.record("printful.order_updated", {f"data.x{start + n}" for n in range(100)}, now=clock())
        drift.record("printful.order_updated", {"data.\ud800", "data." + "y" * 10_000}, now=clock())
        item = table.get(drift.KIND, "printful.order_updated")
    assert item
    assert len(item["paths"]["SS"]) == drift.MOST_PATHS


def test_half_a_surrogate_pair_is_a_valid_path(cloud: Cloud, clock: Clock) -> None:
    with cloud.as_function("printful/order_updated"):
        drift.record("printful.order_updated", {"data.\ud800"}, now=clock())
        item = table.get(drift.KIND, "printful.order_updated")
    assert item
    assert item["paths"]["SS"] == [r"data.\ud800"]


def test_an_edit_of_the_shop_counts_once_printful_has_it(several: Hub) -> None:
    several.send_sample("printful/order_created")
    paid, created = sample(SEVERAL), sample("printful/order_created")
    lines = [line | {"id": position} for position, line in enumerate(paid["line_items"], start=1)]
    lines[2]["quantity"] += 1
    several.receive("storefront", "order_updated", paid | {"line_items": lines, "updated_at": paid["processed_at"]})
    several.settle()
    assert several.order("1002")["attention"] == ["change_not_sent"]
    item = next(each for each in created["data"]["order"]["items"] if each["sku"] == lines[2]["sku"])
    item["quantity"] += 1
    several.receive("printful", "order_updated", created | {"type": "order_updated", "created": created["created"] + 9})
    several.settle()
    order = several.order("1002")
    assert (by_id(order)["3"]["quantity"], order["attention"]) == (lines[2]["quantity"], [])
