"""What the receivers accept, refuse and store."""

import json
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from benches import units
from pressroom.inbox import events, refusals
from pressroom.inbox.receiver import LARGEST_BODY
from pressroom.platform import times
from pressroom.platform.signing import camaloon_signature
from tests.integration.conftest import Printed
from tests.support import gateway
from tests.support.cloud import SECRETS, Clock, Cloud, aws_calls, one_write_at_a_time
from tests.support.gateway import webhook, without
from tests.support.hub import Hub, read
from tests.support.samples import BADGE, TOTE, body, order, sample, shipment
from tests.support.template import ROOT, camel

SHOP, CAMALOON = SECRETS["StorefrontSecret"], SECRETS["CamaloonSecret"]
CASES = {
    "storefront": ("order_paid", body(sample("storefront/order_paid")), SHOP, 202),
    "camaloon": ("shipment_sent", body(sample("camaloon/shipment_sent")), CAMALOON, 200),
}
PROVIDERS = pytest.mark.parametrize("provider", sorted(CASES))


def genuine(provider: str) -> dict[str, Any]:
    topic, raw, secret, _ = CASES[provider]
    return webhook(provider, topic, raw, secret)


def call(cloud: Cloud, provider: str, event: dict[str, Any]) -> dict[str, Any]:
    return read(cloud.call(f"receive/{provider}", event))


def kept(cloud: Cloud) -> dict[str, Any]:
    """The one row of the table."""
    (row,) = cloud.rows("EVENT")
    return row


@PROVIDERS
def test_a_genuine_webhook_is_stored_and_accepted(cloud: Cloud, clock: Clock, provider: str) -> None:
    topic, raw, _, success = CASES[provider]
    answer = call(cloud, provider, genuine(provider))
    row = kept(cloud)
    assert answer["statusCode"] == success
    assert answer["body"] == {"event_id": row["event_id"]["S"], "status": "accepted"}
    assert row["pk"]["S"] == f"EVENT#{answer['body']['event_id']}"
    assert (row["provider"]["S"], row["topic"]["S"], row["state"]["S"]) == (provider, topic, "received")
    assert row["received_at"]["S"] == "2026-09-01T14:10:00.000Z"
    event = events.get(answer["body"]["event_id"])
    assert event
    assert event.body == raw


@PROVIDERS
def test_a_row_lives_for_30_days_at_least(cloud: Cloud, clock: Clock, provider: str) -> None:
    call(cloud, provider, genuine(provider))
    assert int(kept(cloud)["expires_at"]["N"]) >= (clock.now + timedelta(days=30)).timestamp()


@PROVIDERS
@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param("wrong", id="wrong"),
        pytest.param("ñandú", id="not ASCII"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param("CUT", id="truncated"),
        pytest.param("TWICE", id="repeated"),
        pytest.param("OTHER", id="under another secret"),
    ],
)
def test_an_unsigned_webhook_is_refused_and_not_stored(cloud: Cloud, provider: str, signature: str) -> None:
    topic, raw, secret, _ = CASES[provider]
    good = camaloon_signature(secret, raw)
    special = {"CUT": good[:-4], "TWICE": f"{good},{good}", "OTHER": camaloon_signature("other", raw)}
    answer = call(cloud, provider, webhook(provider, topic, raw, secret, signature=special.get(signature, signature)))
    assert answer["statusCode"] == 401
    assert cloud.rows("EVENT") == []


@PROVIDERS
def test_an_absent_signature_is_refused(cloud: Cloud, provider: str) -> None:
    assert call(cloud, provider, without(genuine(provider), "x-camaloon-hmac-sha256"))["statusCode"] == 401
    assert call(cloud, provider, genuine(provider) | {"headers": None})["statusCode"] == 401
    assert cloud.rows("EVENT") == []


@PROVIDERS
def test_another_partners_secret_is_refused(cloud: Cloud, provider: str) -> None:
    topic, raw, secret, _ = CASES[provider]
    wrong = CAMALOON if secret == SHOP else SHOP
    assert call(cloud, provider, webhook(provider, topic, raw, wrong))["statusCode"] == 401


@PROVIDERS
def test_one_changed_byte_is_refused(cloud: Cloud, provider: str) -> None:
    event = genuine(provider)
    assert call(cloud, provider, event | {"body": event["body"] + " "})["statusCode"] == 401


@PROVIDERS
def test_nothing_is_accepted_while_no_secret_is_set(cloud: Cloud, provider: str) -> None:
    cloud.set_secret(f"{camel(provider)}Secret", "")
    topic, raw, _, _ = CASES[provider]
    assert call(cloud, provider, webhook(provider, topic, raw, ""))["statusCode"] == 401


@PROVIDERS
def test_the_previous_secret_is_still_accepted(cloud: Cloud, provider: str) -> None:
    topic, raw, secret, success = CASES[provider]
    cloud.set_secret(f"{camel(provider)}Secret", "the-new-one", previous=secret)
    assert call(cloud, provider, webhook(provider, topic, raw, secret))["statusCode"] == success
    assert call(cloud, provider, webhook(provider, topic, raw, "the-new-one"))["statusCode"] == success


@PROVIDERS
def test_a_secret_rotated_while_it_is_cached_is_seen_at_once(cloud: Cloud, clock: Clock, provider: str) -> None:
    topic, raw, _, success = CASES[provider]
    call(cloud, provider, genuine(provider))
    clock.advance(11)
    cloud.set_secret(f"{camel(provider)}Secret", "the-new-one")
    assert call(cloud, provider, webhook(provider, topic, raw, "the-new-one"))["statusCode"] == success
    assert call(cloud, provider, genuine(provider))["statusCode"] == 401


@PROVIDERS
def test_forged_requests_do_not_read_the_secret_each_time(cloud: Cloud, provider: str) -> None:
    topic, raw, secret, _ = CASES[provider]
    with aws_calls() as calls:
        for _ in range(5):
            call(cloud, provider, webhook(provider, topic, raw, secret, signature="wrong"))
    assert [operation for operation, _ in calls if operation != "PutItem"] == ["GetSecretValue"]


@PROVIDERS
def test_a_secret_is_read_again_after_a_while(cloud: Cloud, clock: Clock, provider: str) -> None:
    call(cloud, provider, genuine(provider))
    clock.advance(301)
    with aws_calls() as calls:
        call(cloud, provider, genuine(provider))
    assert [operation for operation, _ in calls] == ["GetSecretValue", "PutItem"]


@PROVIDERS
def test_header_names_may_have_any_case(cloud: Cloud, provider: str) -> None:
    event = genuine(provider)
    event["headers"] = {name.upper(): value for name, value in event["headers"].items()}
    assert call(cloud, provider, event)["statusCode"] == CASES[provider][3]


@PROVIDERS
def test_a_body_may_come_in_base64(cloud: Cloud, provider: str) -> None:
    topic, raw, secret, success = CASES[provider]
    headers = webhook(provider, topic, raw, secret)["headers"]
    event = gateway.request("POST", "/", headers=headers, body=raw, as_base64=True)
    assert call(cloud, provider, event)["statusCode"] == success
    assert call(cloud, provider, genuine(provider))["body"]["status"] == "duplicate"


@PROVIDERS
@pytest.mark.parametrize("text", ["***", "a", "ñ"])
def test_invalid_base64_is_refused(cloud: Cloud, provider: str, text: str) -> None:
    answer = call(cloud, provider, genuine(provider) | {"body": text, "isBase64Encoded": True})
    assert answer["statusCode"] == 400
    assert cloud.rows("EVENT") == []


BAD_BODIES = [
    pytest.param(b"", id="empty"),
    pytest.param(b"\xff\xfe\x00", id="not UTF-8"),
    pytest.param(b"{", id="not JSON"),
    pytest.param(b"[]", id="an array"),
    pytest.param(b"null", id="null"),
    pytest.param(b'"text"', id="text"),
    pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, id="10,000 deep"),
    pytest.param(b'{"order_id": 1, "line_items": 7}', id="lines that are none"),
    pytest.param(b'{"order_id": 1, "line_items": [7]}', id="a line that is none"),
    pytest.param(b'{"order_id": "\\ud800", "line_items": []}', id="a lone surrogate"),
]


@pytest.mark.parametrize("raw", BAD_BODIES)
def test_a_body_that_is_not_an_order_is_refused_with_the_reason(cloud: Cloud, raw: bytes) -> None:
    answer = call(cloud, "storefront", webhook("storefront", "order_paid", raw, SHOP))
    assert answer["statusCode"] == 400
    assert answer["body"]
    assert all(set(fault) == {"field", "message"} for fault in answer["body"])
    assert cloud.rows("EVENT") == []


@pytest.mark.parametrize("raw", BAD_BODIES)
def test_a_signed_webhook_of_camaloons_is_stored_and_parked_whatever_it_holds(hub: Hub, raw: bytes) -> None:
    answer = hub.receive("camaloon", "shipment_sent", raw)
    assert (answer["statusCode"], answer["body"]["status"]) == (200, "accepted")
    assert hub.receive("camaloon", "shipment_sent", raw)["body"]["status"] == "duplicate"
    hub.settle()
    event = hub.event(answer["body"]["event_id"])
    assert event["state"] == "failed"
    assert event["error"]
    assert [each["id"] for each in hub.get("/events", state="failed")["body"]["events"]] == [event["id"]]


@pytest.mark.parametrize("raw", BAD_BODIES)
def test_the_same_unsigned_is_refused(cloud: Cloud, raw: bytes) -> None:
    for provider, (topic, *_) in CASES.items():
        assert call(cloud, provider, webhook(provider, topic, raw, "", signature="wrong"))["statusCode"] == 401
    assert cloud.rows("EVENT") == []


@PROVIDERS
@pytest.mark.parametrize("as_base64", [False, True])
def test_a_body_over_a_mebibyte_is_too_large(cloud: Cloud, provider: str, *, as_base64: bool) -> None:
    topic, _, secret, _ = CASES[provider]
    for size in (LARGEST_BODY + 1, 2 * LARGEST_BODY):
        raw = b" " * size
        headers = webhook(provider, topic, raw, secret)["headers"]
        event = gateway.request("POST", "/", headers=headers, body=raw, as_base64=as_base64)
        assert call(cloud, provider, event)["statusCode"] == 413
    assert cloud.rows("EVENT") == []


def test_a_mebibyte_that_can_be_compressed_is_stored(cloud: Cloud) -> None:
    raw = body(sample("camaloon/shipment_sent")).ljust(LARGEST_BODY)
    assert call(cloud, "camaloon", webhook("camaloon", "shipment_sent", raw, CAMALOON))["statusCode"] == 200


@PROVIDERS
def test_a_mebibyte_that_no_row_can_hold_is_too_large(cloud: Cloud, provider: str) -> None:
    topic, _, secret, _ = CASES[provider]
    raw = body(order(noise=os.urandom(LARGEST_BODY // 2 - 2_000).hex()))
    assert len(raw) <= LARGEST_BODY
    assert call(cloud, provider, webhook(provider, topic, raw, secret))["statusCode"] == 413
    assert cloud.rows("EVENT") == []


def test_the_response_lists_every_fault_of_an_order(cloud: Cloud) -> None:
    content = order(currency="euro", created_at="yesterday", shipping_price="a fifth")
    content["shipping_info"] |= {"telephone": ["0"], "country_code": "XX"}
    del content["shipping_info"]["city"]
    content["line_items"][1] |= {"quantity": -1, "price": -1}
    answer = call(cloud, "storefront", webhook("storefront", "order_paid", body(content), SHOP))
    assert answer["statusCode"] == 400
    assert {fault["field"]: fault["message"] for fault in answer["body"]}["currency"].startswith("must be an ISO 4217")
    assert {fault["field"] for fault in answer["body"]} == {
        *("currency", "created_at", "shipping_price", "line_items.1.quantity", "line_items.1.price"),
        *("shipping_info.country_code", "shipping_info.city"),
    }
    assert cloud.rows("EVENT") == []


def test_genuine_refusals_are_counted_by_reason_for_a_week_and_strangers_write_nothing(
    cloud: Cloud, clock: Clock
) -> None:
    content = order(currency="Marta")
    del content["shipping_info"]["city"]
    for line in content["line_items"]:
        line["price"] = "Marta"
    raw = body(content)
    call(cloud, "storefront", webhook("storefront", "order_paid", raw, "a-wrong-secret"))
    assert cloud.rows() == []
    for _ in range(3):
        assert call(cloud, "storefront", webhook("storefront", "order_paid", raw, SHOP))["statusCode"] == 400
    clock.advance(24 * 3600)
    for topic, sent in (("order_canceled", b"{}"), ("order_paid", b"Marta"), ("", b"{}")):
        assert call(cloud, "storefront", webhook("storefront", topic, sent, SHOP))["statusCode"] == 400
    known = refusals.genuine(clock.now)
    assert (known.number, known.last_at) == (6, times.iso(clock.now))
    assert known.reasons == {
        "storefront order_paid currency: value error": 3,
        "storefront order_paid line_items[].price: value error": 3,
        "storefront order_paid shipping_info.city: missing": 3,
        "storefront X-CAMALOON-TOPIC: missing": 1,
        "storefront body: not a JSON object": 1,
        "storefront order_canceled id: missing": 1,
    }
    assert len(cloud.rows("REFUSED")) == 2, "one row per day"
    assert "Marta" not in repr(cloud.rows())
    clock.advance(6 * 24 * 3600)
    assert refusals.genuine(clock.now).number == 3
    clock.advance(24 * 3600)
    assert refusals.genuine(clock.now) == (0, {}, "")


def test_a_refusal_that_can_not_be_counted_is_answered_all_the_same(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", "no-such-table")
    assert call(cloud, "storefront", webhook("storefront", "order_paid", b"{}", SHOP))["statusCode"] == 400


SHOP_SAMPLES = sorted(each.stem for each in (ROOT / "events/storefront").glob("*.json"))


def tell_shop(cloud: Cloud, topic: str, content: Any) -> dict[str, Any]:
    raw = content if isinstance(content, bytes) else body(content)
    return call(cloud, "storefront", webhook("storefront", topic, raw, SHOP))


@pytest.mark.parametrize("name", SHOP_SAMPLES)
def test_every_sample_of_the_shop_is_accepted(cloud: Cloud, name: str) -> None:
    topic = name.partition("__")[0]
    answer = tell_shop(cloud, topic, sample(f"storefront/{name}"))
    assert (answer["statusCode"], answer["body"]["status"]) == (202, "accepted")
    assert kept(cloud)["topic"]["S"] == topic


@pytest.mark.parametrize("raw", BAD_BODIES)
@pytest.mark.parametrize("topic", ["order_updated", "order_canceled"])
def test_an_invalid_update_is_refused_by_the_receiver(cloud: Cloud, topic: str, raw: bytes) -> None:
    answer = tell_shop(cloud, topic, raw)
    assert answer["statusCode"] == 400
    assert answer["body"]
    assert cloud.rows("EVENT") == []


@pytest.mark.parametrize(
    ("name", "change", "fields"),
    [
        ("order_updated", {"updated_at": None, "currency": "euro"}, ["currency", "updated_at"]),
        ("order_canceled", {"id": None, "canceled_at": "yesterday", "reason": [7]}, ["id"]),
    ],
)
def test_the_response_lists_every_fault_of_an_update(
    cloud: Cloud, name: str, change: dict[str, Any], fields: list[str]
) -> None:
    answer = tell_shop(cloud, name, sample(f"storefront/{name}") | change)
    assert (answer["statusCode"], sorted(fault["field"] for fault in answer["body"])) == (400, sorted(fields))


def test_faults_of_one_line_and_of_optional_fields_refuse_no_order(hub: Hub) -> None:
    content = sample("storefront/order_paid__personalized") | {"customer": 7, "total_price": -1, "billing_info": "none"}
    faulty = {"variant_id": 1.5, "template_config": "Marta", "thumbnails": ["Marta"], "properties": "Marta"}
    content["line_items"] += [{"sku": "S", "quantity": 1, "price": 1, "personalization": each} for each in (faulty, 7)]
    content["line_items"].append({"sku": BADGE, "quantity": 1, "price": 1, "personalization": []})
    answer = hub.receive("storefront", "order_paid", content)
    assert (answer["statusCode"], answer["body"]["status"]) == (202, "accepted")
    hub.settle()
    shown = hub.order("1003")
    fields = ("properties", "template_config", "thumbnails", "variant_id")
    assert [(each["destination"], each["unusable"]) for each in shown["lines"]] == [
        ("oms", None),
        ("oms", None),
        (None, ", ".join(f"personalization.{name}" for name in fields)),
        (None, "personalization"),
        ("camaloon", None),
    ]
    assert shown["attention"] == ["line_unusable"]
    assert len(hub.camaloon.requests) == 1
    assert hub.receive("storefront", "order_paid", content)["body"]["status"] == "duplicate"


def test_an_order_that_only_followed_printers_make_needs_no_address_and_no_price(hub: Hub) -> None:
    hub.cloud.parameters["RoutingRules"] = "*=printful"
    content = order(shipping_info=None, billing_info={"city": "Lugo"})
    for line in content["line_items"]:
        del line["price"]
    assert hub.receive("storefront", "order_paid", content)["statusCode"] == 202
    hub.settle()
    shown = hub.order()
    assert (shown["attention"], [each["price"] for each in shown["lines"]]) == ([], [None, None])


def test_invalid_routing_rules_refuse_no_order(cloud: Cloud) -> None:
    cloud.parameters["RoutingRules"] = "*=nobody"
    assert tell_shop(cloud, "order_paid", order(shipping_info=None))["statusCode"] == 202


def test_an_update_is_identified_by_its_contents(cloud: Cloud) -> None:
    content = sample("storefront/order_updated")
    first = tell_shop(cloud, "order_updated", content)["body"]
    assert tell_shop(cloud, "order_updated", dict(reversed(content.items())))["body"]["status"] == "duplicate"
    later = tell_shop(cloud, "order_updated", content | {"updated_at": "2026-09-03T19:05:41+02:00"})["body"]
    other = tell_shop(cloud, "order_updated", content | {"note": "another"})["body"]
    assert [each["status"] for each in (first, later, other)] == ["accepted"] * 3
    assert len(cloud.rows()) == 3


def test_an_order_is_canceled_once(cloud: Cloud) -> None:
    first, *others = (sample(f"storefront/{name}") for name in SHOP_SAMPLES if name.startswith("order_canceled"))
    accepted = tell_shop(cloud, "order_canceled", first)["body"]
    assert accepted["status"] == "accepted"
    for other in others:
        assert tell_shop(cloud, "order_canceled", other)["body"] == accepted | {"status": "duplicate"}
    assert len(cloud.rows()) == 1
    assert tell_shop(cloud, "order_canceled", {"id": 1004})["body"]["status"] == "accepted"


def personalized(lines: int, characters: int, *, packs: bool) -> bytes:
    """An order with some designs of a given size; compressible ones shrink to a tenth or less."""
    letters = random.Random(4)  # noqa: S311 - the same in every run
    noise = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    texts = [
        "layer " * (characters // 8) if packs else "".join(letters.choices(noise, k=characters)) for _ in range(lines)
    ]
    design = {"variant_id": 5501, "thumbnails": ["https://designs.shop.example/thumbs/1.png"]}
    line = sample("storefront/order_paid__personalized")["line_items"][0] | {"id": None}
    items = [line | {"personalization": design | {"template_config": quote(json.dumps(each))}} for each in texts]
    return body(sample("storefront/order_paid__personalized") | {"line_items": items})


def test_a_hundred_lines_of_50_kb_each_are_refused_with_the_reason(cloud: Cloud) -> None:
    raw = personalized(100, 50_000, packs=False)
    assert len(raw) > 5_000_000
    answer = tell_shop(cloud, "order_paid", raw)
    assert (answer["statusCode"], answer["body"]) == (
        413,
        {"message": f"The body is larger than {LARGEST_BODY} bytes."},
    )
    assert cloud.rows("EVENT") == []


def test_designs_below_a_mebibyte_that_no_row_can_hold_are_refused_with_the_reason(cloud: Cloud) -> None:
    raw = personalized(20, 50_000, packs=False)
    assert 1_000_000 < len(raw) <= LARGEST_BODY
    answer = tell_shop(cloud, "order_paid", raw)
    message = f"The body is larger than {events.LARGEST_ROW} bytes even when it is compressed."
    assert (answer["statusCode"], answer["body"]) == (413, {"message": message})
    assert cloud.rows("EVENT") == []


@pytest.mark.parametrize(("characters", "packs"), [(4_700, False), (8_900, True)])
def test_a_hundred_designs_that_fit_are_kept(cloud: Cloud, characters: int, *, packs: bool) -> None:
    raw = personalized(100, characters, packs=packs)
    answer = tell_shop(cloud, "order_paid", raw)
    assert (answer["statusCode"], answer["body"]["status"]) == (202, "accepted")
    event = events.get(answer["body"]["event_id"])
    assert event
    assert event.body == raw


def test_a_fault_does_not_repeat_what_was_sent(cloud: Cloud) -> None:
    content = order(currency="Marta's currency")
    content["shipping_info"]["email"] = "Marta at home"
    answer = cloud.call("receive/storefront", webhook("storefront", "order_paid", body(content), SHOP))
    assert "Marta" not in answer["body"]


def test_the_shop_must_name_its_topic(cloud: Cloud) -> None:
    answer = call(cloud, "storefront", webhook("storefront", None, CASES["storefront"][1], SHOP))
    assert (answer["statusCode"], [fault["field"] for fault in answer["body"]]) == (400, ["X-CAMALOON-TOPIC"])
    assert cloud.rows("EVENT") == []


@pytest.mark.parametrize(
    ("provider", "topic"),
    [
        ("storefront", "order_engraved"),
        ("camaloon", "order_engraved"),
        ("camaloon", None),
        ("camaloon", "x" * 5000),
        ("camaloon", "naïve\ud800"),
        ("camaloon", "../api"),
    ],
)
def test_an_unknown_topic_is_kept_and_shown_as_unhandled(hub: Hub, provider: str, topic: str | None) -> None:
    _, raw, secret, success = CASES[provider]
    answer = call(hub.cloud, provider, webhook(provider, topic, raw, secret))
    assert answer["statusCode"] == success
    assert call(hub.cloud, provider, webhook(provider, topic, raw, secret))["body"]["status"] == "duplicate"
    hub.settle()
    assert hub.event(answer["body"]["event_id"])["state"] == "unhandled"
    listed = hub.get("/events", state="unhandled")["body"]["events"]
    assert [each["id"] for each in listed] == [answer["body"]["event_id"]]


@PROVIDERS
def test_a_second_copy_is_acknowledged_and_changes_nothing(cloud: Cloud, clock: Clock, provider: str) -> None:
    first = call(cloud, provider, genuine(provider))
    before = kept(cloud)
    clock.advance(7 * 24 * 3600)
    second = call(cloud, provider, genuine(provider))
    assert second["statusCode"] == first["statusCode"]
    assert second["body"] == {"event_id": first["body"]["event_id"], "status": "duplicate"}
    assert kept(cloud) == before


@PROVIDERS
def test_a_byte_order_mark_changes_nothing_and_is_stored(hub: Hub, provider: str) -> None:
    topic, raw, secret, _ = CASES[provider]
    marked = "\ufeff".encode() + raw
    answer = call(hub.cloud, provider, webhook(provider, topic, marked, secret))
    assert events.get(answer["body"]["event_id"]).body == marked  # type: ignore[union-attr]
    assert call(hub.cloud, provider, webhook(provider, topic, raw, secret))["body"]["status"] == "duplicate"
    hub.settle()
    assert [each["state"] for each in hub.get("/events")["body"]["events"]] == ["processed"]


@PROVIDERS
def test_other_spacing_and_key_order_are_the_same_message(cloud: Cloud, provider: str) -> None:
    topic, raw, secret, _ = CASES[provider]
    call(cloud, provider, genuine(provider))
    content = json.loads(raw)
    turned = json.dumps(dict(reversed(content.items())), indent=3).encode()
    answer = call(cloud, provider, webhook(provider, topic, turned, secret))
    assert answer["body"]["status"] == "duplicate"
    assert len(cloud.rows()) == 1


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"order_id": "1001"}, True),
        ({"notify_customer": False}, True),
        ({"tracking_url": "https://elsewhere.example"}, True),
        ({"line_items": [{"sku": TOTE, "quantity": 2}, {"sku": BADGE, "quantity": 1}]}, True),
        ({"order_id": 1002}, False),
        ({"tracking_number": "T2"}, False),
        ({"line_items": [{"sku": BADGE, "quantity": 1}]}, False),
    ],
)
def test_a_shipment_is_its_order_its_tracking_and_its_lines(
    cloud: Cloud, change: dict[str, Any], *, same: bool
) -> None:
    content = shipment((BADGE, 1), (TOTE, 2))
    call(cloud, "camaloon", webhook("camaloon", "shipment_sent", body(content), CAMALOON))
    answer = call(cloud, "camaloon", webhook("camaloon", "shipment_sent", body(content | change), CAMALOON))
    assert answer["body"]["status"] == ("duplicate" if same else "accepted")


@PROVIDERS
def test_50_copies_at_once_are_one_row_and_all_acknowledged(cloud: Cloud, provider: str) -> None:
    success = CASES[provider][3]
    call(cloud, provider, genuine(provider) | {"headers": {}})  # the start of the function is not tested here
    together = threading.Barrier(50)

    def post(_: int) -> dict[str, Any]:
        together.wait(30)
        return read(run(genuine(provider)))

    with (
        one_write_at_a_time(),
        cloud.as_function(f"receive/{provider}") as run,
        ThreadPoolExecutor(50) as pool,
    ):
        answers = list(pool.map(post, range(50)))
    assert [answer["statusCode"] for answer in answers] == [success] * 50
    assert sorted(answer["body"]["status"] for answer in answers) == ["accepted", *["duplicate"] * 49]
    assert len(cloud.rows("EVENT")) == 1


def test_an_order_paid_twice_with_other_contents_is_kept_beside_the_first(hub: Hub) -> None:
    first = hub.receive("storefront", "order_paid", order())["body"]
    other = hub.receive("storefront", "order_paid", order(shipping_price=99))["body"]
    assert (other["status"], other["event_id"] != first["event_id"]) == ("accepted", True)
    assert hub.receive("storefront", "order_paid", order(shipping_price=99))["body"] == other | {"status": "duplicate"}
    hub.settle()
    assert hub.order()["attention"] == ["paid_twice"]
    assert [json.loads(content)["shipping_price"] for _, content, _ in hub.camaloon.requests] == [3.2]


def test_an_order_paid_twice_with_the_same_meaning_is_a_duplicate(hub: Hub) -> None:
    content = order(id=13002, ref=None) | {"date_modified": "2026-11-20T10:00:00Z", "meta_data": [{"id": 1}]}
    first = hub.receive("storefront", "order_paid", content)["body"]
    content["line_items"] = [line | {"quantity": str(line["quantity"])} for line in content["line_items"]]
    content.pop("ref", None)
    again = content | {"id": "13002 ", "currency": "eur", "date_modified": "2026-11-20T11:00:00Z", "meta_data": []}
    assert hub.receive("storefront", "order_paid", again)["body"] == first | {"status": "duplicate"}
    hub.settle()
    assert hub.order("13002")["attention"] == []


@pytest.mark.parametrize("change", ["pieces", "line", "address"])
def test_an_order_paid_twice_with_another_meaning_is_flagged_once(hub: Hub, change: str) -> None:
    first = hub.receive("storefront", "order_paid", order())["body"]
    other = order()
    if change == "pieces":
        other["line_items"][0]["quantity"] += 1
    elif change == "line":
        other["line_items"] = other["line_items"][1:]
    else:
        other["shipping_info"]["address"] = "Elsewhere 1"
    second = hub.receive("storefront", "order_paid", other)["body"]
    assert (second["status"], second["event_id"] != first["event_id"]) == ("accepted", True)
    assert hub.receive("storefront", "order_paid", other | {"meta_data": [1]})["body"] == second | {
        "status": "duplicate"
    }
    hub.settle()
    assert hub.order()["attention"] == ["paid_twice"]


@PROVIDERS
def test_a_warm_receiver_makes_one_aws_call_of_one_write_unit(cloud: Cloud, provider: str) -> None:
    topic, raw, secret, _ = CASES[provider]
    call(cloud, provider, genuine(provider))
    another = raw.replace(b"1001", b"1002")
    with aws_calls() as calls:
        assert call(cloud, provider, webhook(provider, topic, another, secret))["body"]["status"] == "accepted"
    ((operation, parameters),) = calls
    assert operation == "PutItem"
    assert units.write(None, parameters["Item"], []) == 1


@PROVIDERS
def test_a_row_that_cannot_be_written_is_no_success(cloud: Cloud, provider: str) -> None:
    cloud.dynamodb.delete_table(TableName="table")
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        call(cloud, provider, genuine(provider))


def test_a_response_is_json_and_not_cached(cloud: Cloud) -> None:
    answer = cloud.call("receive/camaloon", genuine("camaloon"))
    assert answer["headers"] == {"content-type": "application/json", "cache-control": "no-store"}


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1e-99999999999999999999"])
def test_a_number_out_of_range_is_refused_or_parked(hub: Hub, number: str) -> None:
    raw = f'{{"order_id": 1, "line_items": [], "x": {number}}}'.encode()
    assert hub.receive("storefront", "order_paid", raw)["statusCode"] == 400
    kept = hub.receive("camaloon", "shipment_sent", raw)
    assert kept["statusCode"] == 200
    hub.settle()
    assert hub.event(kept["body"]["event_id"])["state"] == "failed"


def test_an_order_of_too_many_lines_is_refused_in_few_words(cloud: Cloud) -> None:
    raw = body(order(line_items=[{}] * 100_000))
    answer = call(cloud, "storefront", webhook("storefront", "order_paid", raw, SECRETS["StorefrontSecret"]))
    assert answer["statusCode"] == 400
    assert len(answer["body"]) == 1
    raw = body(order(line_items=[{}] * 999))
    answer = call(cloud, "storefront", webhook("storefront", "order_paid", raw, SECRETS["StorefrontSecret"]))
    assert answer["statusCode"] == 400
    assert len(answer["body"]) == 500


@PROVIDERS
@pytest.mark.parametrize("text", ["plain", '"quoted"', "[]", "null", '{"current": 12}', '{"current": null}', ""])
def test_nothing_is_accepted_while_the_secret_can_not_be_read(
    cloud: Cloud, provider: str, text: str, printed: Printed
) -> None:
    cloud.secrets.put_secret_value(SecretId=cloud.arn(f"{camel(provider)}Secret"), SecretString=text or "{}")
    with aws_calls() as calls:
        assert [call(cloud, provider, genuine(provider))["statusCode"] for _ in range(3)] == [401] * 3
    assert [operation for operation, _ in calls if operation != "PutItem"] == ["GetSecretValue"]
    assert "secret_not_set" in printed.text()


@PROVIDERS
def test_a_cached_secret_is_used_while_its_store_fails(
    cloud: Cloud, clock: Clock, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    success = CASES[provider][3]
    assert call(cloud, provider, genuine(provider))["statusCode"] == success
    clock.advance(301)
    real = BaseClient._make_api_call  # type: ignore[attr-defined]

    def failing(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "GetSecretValue":
            raise ClientError({"Error": {"Code": "InternalServiceError"}}, operation)
        return real(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", failing)
    assert call(cloud, provider, genuine(provider))["statusCode"] == success
