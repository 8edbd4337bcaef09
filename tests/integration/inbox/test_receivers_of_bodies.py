"""The receivers without a signature: Cloudprinter's key in the body, Printful's token in the path."""

import json
import zlib
from typing import Any

import pytest

from pressroom.inbox import events, refusals
from pressroom.platform import times
from tests.integration.conftest import Printed
from tests.support import gateway
from tests.support.cloud import SECRETS, Clock, Cloud, aws_calls
from tests.support.hub import Hub, read
from tests.support.samples import body, sample

KEY, TOKEN = SECRETS["CloudprinterSecret"], SECRETS["PrintfulSecret"]
SHIPPED, PACKAGE = sample("cloudprinter/item_shipped"), sample("printful/package_shipped")


def cloudprinter(cloud: Cloud, content: Any, key: str = KEY) -> dict[str, Any]:
    return read(cloud.call("receive/cloudprinter", gateway.cloudprinter(content, key)))


def printful(cloud: Cloud, content: Any, token: str = TOKEN) -> dict[str, Any]:
    return read(cloud.call("receive/printful", gateway.printful(content, token)))


def stored(cloud: Cloud) -> dict[str, Any]:
    (row,) = cloud.rows("EVENT")
    body: dict[str, Any] = json.loads(zlib.decompress(row["body"]["B"]))
    return body


# --- Cloudprinter ---


def test_a_signal_is_kept_without_its_key(cloud: Cloud, printed: Printed) -> None:
    answer = cloudprinter(cloud, SHIPPED)
    assert (answer["statusCode"], answer["body"]["status"]) == (200, "accepted")
    (row,) = cloud.rows()
    assert (row["provider"]["S"], row["topic"]["S"]) == ("cloudprinter", "item_shipped")
    assert stored(cloud) == {name: value for name, value in SHIPPED.items() if name != "apikey"}
    assert KEY not in repr(row)
    assert KEY not in printed.text()


@pytest.mark.parametrize(
    ("type_", "topic"),
    [
        ("CloudprinterOrderValidated", "order_validated"),
        ("CloudprinterItemValidated", "item_validated"),
        ("ItemDeliveryStarted", "item_delivery_started"),
        ("ItemEngraved", "item_engraved"),
        (17, "17"),
        ("ü/../api" * 90, None),
    ],
)
def test_a_type_names_its_topic(cloud: Cloud, type_: object, topic: str | None) -> None:
    assert cloudprinter(cloud, SHIPPED | {"type": type_})["statusCode"] == 200
    name = cloud.rows("EVENT")[0]["topic"]["S"]
    assert name == topic if topic else len(name) <= 120


def test_numbers_are_kept_as_they_are(cloud: Cloud) -> None:
    raw = b'{"apikey": "%s", "type": "ItemError", "order": 21034900000000, "delay": 36.5, "x": 1e400}' % KEY.encode()
    assert cloudprinter(cloud, raw)["statusCode"] == 200
    body = stored(cloud)
    assert (body["order"], body["delay"]) == (21034900000000, 36.5)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"\xff\xfe", b"not json", b"[]", b'"text"', b"[" * 10_000, b'{"apikey": NaN}'),
        b"{}",
        b'{"type": "ItemShipped"}',
        b'{"type": "ItemShipped", "apikey": null}',
        b'{"type": "ItemShipped", "apikey": ""}',
        b'{"apikey": "cloudprinter-apikey"}',
        b'{"apikey": "cloudprinter-apikey", "type": ""}',
        b'{"apikey": "cloudprinter-apikey", "type": null}',
    ],
)
def test_a_body_that_is_not_a_signal_is_refused_and_not_stored(cloud: Cloud, raw: bytes) -> None:
    answer = cloudprinter(cloud, raw)
    assert answer["statusCode"] == 400
    assert answer["body"]["message"]
    assert cloud.rows("EVENT") == []


def test_a_signal_without_a_type_is_counted_if_its_key_is_right(cloud: Cloud, clock: Clock) -> None:
    for key in (KEY, "wrong", KEY):
        cloudprinter(cloud, {"item": "7"}, key)
    assert refusals.genuine(clock.now) == (2, {"cloudprinter type: missing": 2}, times.iso(clock.now))


def test_what_is_too_large_is_counted_if_its_token_is_right(cloud: Cloud, clock: Clock) -> None:
    for token in (TOKEN, "wrong"):
        printful(cloud, PACKAGE | {"x": "y" * 1024 * 1024}, token)
    assert refusals.genuine(clock.now).reasons == {"printful body: too large": 1}


@pytest.mark.parametrize("key", ["wrong", KEY + " ", KEY[:-1], KEY.upper(), "ü", "\ud800", f"{KEY},{KEY}"])
def test_a_wrong_key_is_refused_and_leaves_no_trace(cloud: Cloud, printed: Printed, key: str) -> None:
    assert cloudprinter(cloud, SHIPPED, key)["statusCode"] == 401
    assert cloud.rows() == []
    assert "wrong" not in printed.text()


@pytest.mark.parametrize("key", [17, True, ["cloudprinter-apikey"], {"a": "cloudprinter-apikey"}])
def test_a_key_that_is_no_text_is_refused(cloud: Cloud, key: object) -> None:
    raw = json.dumps(SHIPPED | {"apikey": key}).encode()
    assert cloudprinter(cloud, raw)["statusCode"] == 401
    assert cloud.rows() == []


def test_every_key_of_an_account_is_accepted_except_an_empty_one(cloud: Cloud) -> None:
    cloud.set_secret("CloudprinterSecret", ["the-first", "the-second", ""], "the-former")
    for number, key in enumerate(("the-first", "the-second", "the-former")):
        assert cloudprinter(cloud, SHIPPED | {"item": str(number)}, key)["statusCode"] == 200
    assert cloudprinter(cloud, json.dumps(SHIPPED | {"apikey": ["the-first"]}).encode())["statusCode"] == 401


def test_nothing_is_accepted_while_no_key_is_set(cloud: Cloud) -> None:
    cloud.set_secret("CloudprinterSecret", "")
    assert cloudprinter(cloud, SHIPPED, "x")["statusCode"] == 401


def test_a_redelivery_a_week_later_with_another_key_is_a_duplicate(cloud: Cloud, clock: Clock) -> None:
    cloud.set_secret("CloudprinterSecret", ["the-first", "the-second"])
    first = cloudprinter(cloud, SHIPPED, "the-first")
    clock.advance(7 * 24 * 3600)
    again = cloudprinter(cloud, dict(reversed(SHIPPED.items())) | {"retries": 99}, "the-second")
    assert again["body"] == {"event_id": first["body"]["event_id"], "status": "duplicate"}
    assert len(cloud.rows("EVENT")) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"type": "ItemPacked"},
        {"item": "21034901040002"},
        {"order": "21034900000001"},
        {"tracking": "3SCP0042117791"},
        {"datetime": "2026-09-04T12:20:32+00:00"},
        {"something": "new"},
    ],
)
def test_another_signal_is_not_a_duplicate(cloud: Cloud, change: dict[str, Any]) -> None:
    cloudprinter(cloud, SHIPPED)
    assert cloudprinter(cloud, SHIPPED | change)["body"]["status"] == "accepted"


# --- Printful ---


def test_an_event_is_stored_unchanged(cloud: Cloud, printed: Printed) -> None:
    answer = printful(cloud, PACKAGE)
    assert (answer["statusCode"], answer["body"]["status"]) == (200, "accepted")
    (row,) = cloud.rows()
    assert (row["provider"]["S"], row["topic"]["S"]) == ("printful", "package_shipped")
    assert stored(cloud) == PACKAGE
    assert TOKEN not in repr(row) + printed.text()


@pytest.mark.parametrize("token", ["wrong", TOKEN[:-1], TOKEN.upper(), "%2e%2e", "%C3%BC", "%25", "a" * 5000])
def test_a_wrong_token_is_refused_and_leaves_no_trace(cloud: Cloud, printed: Printed, token: str) -> None:
    assert printful(cloud, PACKAGE, token)["statusCode"] == 401
    assert cloud.rows() == []
    assert token not in printed.text()


def test_a_path_without_a_token_is_refused(cloud: Cloud) -> None:
    event = gateway.printful(PACKAGE, TOKEN) | {"pathParameters": None}
    assert cloud.call("receive/printful", event)["statusCode"] == 401


def test_the_previous_token_is_accepted_until_it_is_cleared(cloud: Cloud, clock: Clock) -> None:
    cloud.set_secret("PrintfulSecret", "the-new", TOKEN)
    assert printful(cloud, PACKAGE)["statusCode"] == 200
    assert printful(cloud, PACKAGE | {"created": 1}, "the-new")["statusCode"] == 200
    cloud.set_secret("PrintfulSecret", "the-new")
    clock.advance(301)
    assert printful(cloud, PACKAGE | {"created": 2})["statusCode"] == 401


def test_a_byte_order_mark_before_an_event_changes_nothing(hub: Hub) -> None:
    raw = "\ufeff".encode() + body(PACKAGE)
    first = printful(hub.cloud, raw)["body"]
    assert printful(hub.cloud, PACKAGE)["body"] == first | {"status": "duplicate"}
    signal = "\ufeff".encode() + body(SHIPPED | {"apikey": KEY})
    assert cloudprinter(hub.cloud, signal)["body"]["status"] == "accepted"
    hub.settle()
    assert {(each["topic"], each["state"]) for each in hub.get("/events")["body"]["events"]} == {
        ("package_shipped", "processed"),
        ("item_shipped", "processed"),
    }


@pytest.mark.parametrize("retries", [None, 1, 9, 10])
def test_a_retry_is_a_duplicate_for_any_number_of_retries(cloud: Cloud, retries: int | None) -> None:
    first = printful(cloud, PACKAGE)
    again = {name: value for name, value in PACKAGE.items() if name != "retries"}
    again |= {} if retries is None else {"retries": retries}
    assert printful(cloud, again)["body"] == {"event_id": first["body"]["event_id"], "status": "duplicate"}


@pytest.mark.parametrize(
    "change", [{"type": "package_returned"}, {"created": 1788615606}, {"store": 1}, {"data": {}}, {"created": None}]
)
def test_another_event_is_not_a_duplicate(cloud: Cloud, change: dict[str, Any]) -> None:
    printful(cloud, PACKAGE)
    assert printful(cloud, PACKAGE | change)["body"]["status"] == "accepted"


def test_events_of_an_unknown_shape_have_different_identities(cloud: Cloud) -> None:
    for content in ({"type": "ping"}, {"type": "ping", "nonce": 1}, {"type": "ping", "nonce": 2}, {}):
        assert printful(cloud, content)["body"]["status"] == "accepted"
    assert printful(cloud, {"type": "ping", "nonce": 2, "retries": 3})["body"]["status"] == "duplicate"


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"not json", b"[]", b"[" * 10_000, b'{"type": null}'])
def test_a_body_that_is_not_an_event_is_stored_for_a_person(hub: Hub, raw: bytes) -> None:
    answer = hub.receive("printful", "", raw)
    assert answer["statusCode"] == 200
    hub.settle()
    assert hub.event(answer["body"]["event_id"])["state"] == "unhandled"


def test_a_body_that_is_too_large_is_refused(cloud: Cloud) -> None:
    assert printful(cloud, b" " * (1024 * 1024 + 1))["statusCode"] == 413
    assert cloudprinter(cloud, b" " * (1024 * 1024 + 1))["statusCode"] == 413


# --- both ---


@pytest.mark.parametrize("provider", ["cloudprinter", "printful"])
def test_a_warm_receiver_makes_one_call(hub: Hub, provider: str) -> None:
    content = {"cloudprinter": SHIPPED, "printful": PACKAGE}[provider]
    hub.receive(provider, "", content)
    with aws_calls() as calls:
        hub.receive(provider, "", content | {"created": 5, "datetime": "2026-09-04T12:20:33+00:00"})
    assert [operation for operation, _ in calls] == ["PutItem"]


@pytest.mark.parametrize(
    ("provider", "content"), [("cloudprinter", SHIPPED | {"type": "ItemEngraved"}), ("printful", {"type": "new_type"})]
)
def test_an_unknown_type_waits_until_it_has_a_function(
    hub: Hub, printed: Printed, provider: str, content: dict[str, Any]
) -> None:
    answer = hub.receive(provider, "", content)
    hub.settle()
    event_id = answer["body"]["event_id"]
    assert (answer["statusCode"], hub.event(event_id)["state"]) == (200, "unhandled")
    assert "EventsUnhandled" in printed.text()
    topic = {"cloudprinter": "item_engraved", "printful": "new_type"}[provider]
    hub.cloud.lambda_.names.add(f"pressroom-{provider}-{topic}")
    assert hub.post(f"/events/{event_id}/replay")["body"]["replayed"] is True
    hub.pump()
    assert hub.cloud.lambda_.waiting == [(f"pressroom-{provider}-{topic}", {"event_id": event_id})]
    assert hub.event(event_id)["state"] == events.State.RECEIVED
