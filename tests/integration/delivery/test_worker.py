"""A delivery is delivered once, or dead with a reason."""

import json
from typing import Any

import pytest

from pressroom.delivery import worker
from pressroom.ops.replay import replay_delivery
from pressroom.order import outbox, repository
from pressroom.platform import http
from pressroom.platform.errors import Conflict, Dead, Retry
from pressroom.platform.signing import camaloon_signature
from pressroom.providers.camaloon import client as camaloon
from pressroom.providers.camaloon import messages
from tests.support.cloud import SECRETS, Clock, aws_calls
from tests.support.hub import Hub, sqs_record
from tests.support.samples import order, sample
from tests.support.template import functions, variables

LAST_RECEIVE = int(variables(functions()["DeliverCamaloonFunction"])["LAST_RECEIVE"])


@pytest.fixture(name="paid")
def _paid(hub: Hub) -> Hub:
    """A paid order whose delivery is in Camaloon's queue."""
    hub.receive("storefront", "order_paid", order())
    hub.pump()
    hub.run_topics()
    hub.pump()
    return hub


def only_delivery(hub: Hub) -> dict[str, Any]:
    (row,) = hub.cloud.rows("DELIVERY")
    shown: dict[str, Any] = hub.get(f"/deliveries/{row['delivery_id']['S']}")["body"]
    return shown


def waits(calls: list[tuple[str, dict[str, Any]]]) -> list[int]:
    return [call["VisibilityTimeout"] for operation, call in calls if operation == "ChangeMessageVisibility"]


def status(code: int) -> Retry:
    return Retry(f"HTTP {code}", status=code)


def test_camaloon_receives_its_body_and_headers(paid: Hub) -> None:
    paid.deliver()
    ((url, content, headers),) = paid.camaloon.requests
    assert url == "https://camaloon.com/print_on_demand/generic/webhooks/receive"
    assert json.loads(content) == sample("storefront/order_paid")
    assert headers == {
        "Content-Type": "application/json",
        "X-CAMALOON-SOURCE-DOMAIN": "shop.example",
        "X-CAMALOON-TOPIC": "order_paid",
        "X-CAMALOON-HMAC-SHA256": camaloon_signature(SECRETS["CamaloonSecret"], content),
    }


@pytest.mark.parametrize("email", ["a@b.example", "", None])
@pytest.mark.parametrize("fallback", ["orders@shop.example", ""])
def test_an_order_without_an_email_address_gets_the_fallback(hub: Hub, email: str | None, fallback: str) -> None:
    hub.cloud.parameters["FallbackEmail"] = fallback
    content = order()
    content["shipping_info"] |= {"email": email, "first_name": "Íñigo"}
    hub.receive("storefront", "order_paid", content)
    hub.settle()
    ((_, sent, headers),) = hub.camaloon.requests
    address = json.loads(sent)["shipping_info"]
    assert (address["first_name"], address.get("email")) == ("Íñigo", email or fallback or None)
    assert headers["X-CAMALOON-HMAC-SHA256"] == camaloon_signature(SECRETS["CamaloonSecret"], sent)


def test_a_replay_uses_the_fallback_for_a_missing_email_address(hub: Hub) -> None:
    content = order()
    content["shipping_info"] |= {"email": None}
    hub.receive("storefront", "order_paid", content)
    hub.camaloon.answers = [http.Refusal(400, b"[\"$.shipping_info: 'email' is a required property\"]")]
    hub.settle()
    (dead,) = hub.order()["deliveries"]
    assert (dead["status"], dead["last_error"]) == ("dead", "HTTP 400: shipping_info.email")
    hub.cloud.parameters["FallbackEmail"] = "orders@shop.example"
    hub.post(f"/deliveries/{dead['id']}/replay")
    hub.settle()
    assert hub.order()["deliveries"][0]["status"] == "delivered"
    assert json.loads(hub.camaloon.requests[-1][1])["shipping_info"]["email"] == "orders@shop.example"


def test_the_current_secret_signs(paid: Hub) -> None:
    paid.cloud.set_secret("CamaloonSecret", "the-new-one", previous=SECRETS["CamaloonSecret"])
    paid.deliver()
    ((_, content, headers),) = paid.camaloon.requests
    assert headers["X-CAMALOON-HMAC-SHA256"] == camaloon_signature("the-new-one", content)


def test_a_successful_delivery_is_delivered_and_its_lines_are_accepted(paid: Hub) -> None:
    paid.deliver()
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"], shown["last_error"]) == ("delivered", 1, None)
    assert [(each["status"], each["error"]) for each in shown["history"]] == [(200, None)]
    assert paid.order()["status"] == "accepted"
    assert paid.cloud.messages("CamaloonQueue") == []


def test_503_twice_then_200_is_delivered_once(paid: Hub) -> None:
    paid.camaloon.answers = [status(503), status(503), 200]
    with aws_calls() as calls:
        paid.deliver()
        paid.deliver_again()
        paid.deliver_again()
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"], shown["last_error"]) == ("delivered", 3, None)
    assert [each["status"] for each in shown["history"]] == [503, 503, 200]
    first, second = waits(calls)
    assert 30 <= first <= 38
    assert 60 <= second <= 76
    assert paid.order()["attention"] == []
    assert paid.retained == []


def test_a_delivery_is_pending_between_attempts_and_shows_the_error(paid: Hub) -> None:
    paid.camaloon.answers = [status(503)]
    paid.deliver()
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"], shown["last_error"]) == ("pending", 1, "HTTP 503")


@pytest.mark.parametrize(("asked", "least"), [(5, 30), (600, 600)])
def test_retry_after_only_ever_delays(paid: Hub, asked: float, least: int) -> None:
    paid.camaloon.answers = [Retry("HTTP 429", status=429, after=asked)]
    with aws_calls() as calls:
        paid.deliver()
    assert least <= waits(calls)[0] <= least * 1.25 + 1


@pytest.mark.parametrize("code", [302, 400, 401])
def test_a_refusal_is_dead_at_once_and_visible_everywhere(paid: Hub, code: int) -> None:
    paid.camaloon.answers = [Dead(f"HTTP {code}", status=code)]
    paid.deliver()
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"], shown["last_error"]) == ("dead", 1, f"HTTP {code}")
    assert paid.cloud.messages("CamaloonDeadLetterQueue") == [{"delivery_id": shown["id"], "replays": 0, "dead": True}]
    assert paid.cloud.messages("CamaloonQueue") == []
    assert paid.get("/deliveries")["body"]["deliveries"] == [shown]
    assert paid.order()["attention"] == ["delivery_dead"]
    assert paid.order()["deliveries"][0]["last_error"] == f"HTTP {code}"


def test_a_delivery_is_dead_after_the_last_attempt(paid: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    paid.cloud.parameters["DeliveryMaxAttempts"] = "3"
    paid.camaloon.answers = [status(503)] * 9
    paid.deliver()
    paid.deliver_again()
    assert only_delivery(paid)["status"] == "pending"
    paid.deliver_again()
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"], shown["last_error"]) == ("dead", 3, "HTTP 503")
    assert paid.retained == []
    assert paid.cloud.messages("CamaloonDeadLetterQueue") == [{"delivery_id": shown["id"], "replays": 0, "dead": True}]
    assert '"DeliveriesDead"' in capsys.readouterr().out


def test_a_delivery_with_a_lost_answer_is_sent_again_and_flagged(paid: Hub) -> None:
    paid.camaloon.answers = [Retry("no answer: connection closed", answer_lost=True), 200]
    paid.deliver()
    paid.deliver_again()
    assert only_delivery(paid)["status"] == "delivered"
    assert paid.order()["attention"] == ["answer_lost"]
    first, second = paid.camaloon.requests
    assert first == second


def test_an_attempt_that_is_killed_is_a_lost_answer(paid: Hub) -> None:
    paid.camaloon.answers = [SystemExit(), 200]
    with pytest.raises(SystemExit):
        paid.deliver()
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"], shown["history"][0]["error"]) == ("pending", 1, "unfinished")
    deliver_once_more(paid)
    assert only_delivery(paid)["status"] == "delivered"
    assert paid.order()["attention"] == ["answer_lost"]


def deliver_once_more(hub: Hub, count: int = 2) -> Any:
    """Invoke the function with the message again, without the queue, as after its visibility timeout."""
    body = json.dumps({"delivery_id": only_delivery(hub)["id"], "replays": only_delivery(hub)["replays"]})
    return hub.cloud.call("deliver/camaloon", {"Records": [sqs_record({"Body": body, "count": count})]})


def test_a_killed_attempt_is_still_flagged_after_many_failures(paid: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "HISTORY", 5)
    paid.cloud.parameters["DeliveryMaxAttempts"] = str(outbox.HISTORY + 10)
    paid.camaloon.answers = [SystemExit(), *[status(503)] * (outbox.HISTORY + 2), 200]
    with pytest.raises(SystemExit):
        paid.deliver()
    assert paid.cloud.messages("CamaloonQueue") == [], "the message is hidden while its attempt may still run"
    for _ in range(outbox.HISTORY + 3):
        deliver_once_more(paid)
    assert only_delivery(paid)["status"] == "delivered"
    assert paid.order()["attention"] == ["answer_lost"]


def test_an_error_inside_pressroom_fails_the_batch_and_is_retried(paid: Hub) -> None:
    paid.camaloon.answers = [ZeroDivisionError(), 200]
    paid.deliver()
    assert len(paid.retained) == 1
    paid.deliver_again()
    assert only_delivery(paid)["status"] == "delivered"
    assert paid.order()["attention"] == ["answer_lost"]


def test_a_message_received_twice_has_no_second_effect(paid: Hub) -> None:
    paid.deliver()
    before = paid.cloud.rows()
    assert deliver_once_more(paid) == {"batchItemFailures": []}
    assert paid.cloud.rows() == before
    assert len(paid.camaloon.requests) == 1


def test_unrecorded_attempts_end_at_the_last_receive(paid: Hub) -> None:
    deliver_once_more(paid, count=LAST_RECEIVE)
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"]) == ("dead", 0)
    assert paid.camaloon.requests == []
    assert len(paid.cloud.messages("CamaloonDeadLetterQueue")) == 1


def test_a_replayed_delivery_that_reaches_the_last_receive_is_dead_again(paid: Hub) -> None:
    deliver_once_more(paid, count=LAST_RECEIVE)
    replay(paid)
    assert only_delivery(paid)["status"] == "pending"
    deliver_once_more(paid, count=LAST_RECEIVE)
    assert only_delivery(paid)["status"] == "dead"


def test_a_dead_message_that_is_redriven_starts_a_new_round(paid: Hub) -> None:
    paid.cloud.parameters["DeliveryMaxAttempts"] = "2"
    paid.camaloon.answers = [Dead("HTTP 401", status=401), status(503), 200]
    paid.deliver()
    (message,) = paid.cloud.messages("CamaloonDeadLetterQueue")
    body = json.dumps(message)
    url = paid.cloud.url("CamaloonQueue")
    paid.cloud.sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId="redriven")
    paid.deliver()
    assert only_delivery(paid)["status"] == "pending"
    paid.deliver_again()
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"]) == ("delivered", 3)
    assert paid.order()["attention"] == []
    assert paid.get("/deliveries")["body"]["deliveries"] == []


def replay(hub: Hub) -> dict[str, Any]:
    answer = hub.post(f"/deliveries/{only_delivery(hub)['id']}/replay")
    assert answer["statusCode"] == 200, answer
    shown: dict[str, Any] = answer["body"]
    return shown


def test_a_dead_delivery_is_replayed_once(paid: Hub) -> None:
    paid.camaloon.answers = [Dead("HTTP 401", status=401), 200]
    paid.deliver()
    assert replay(paid)["replayed"] is True
    assert only_delivery(paid)["status"] == "pending"
    assert replay(paid)["replayed"] is False
    assert paid.cloud.messages("CamaloonDeadLetterQueue") == []
    assert paid.get("/deliveries")["body"]["deliveries"] == []
    paid.settle()
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"], shown["replays"]) == ("delivered", 2, 1)
    assert paid.order()["attention"] == []
    assert replay(paid)["replayed"] is False
    assert len(paid.camaloon.requests) == 2


def test_a_replay_keeps_the_other_dead_letter_messages(hub: Hub) -> None:
    hub.camaloon.answers = [Dead("HTTP 401", status=401)] * 3
    for order_id in (1, 2, 3):
        hub.receive("storefront", "order_paid", order(id=order_id))
    hub.settle()
    second = hub.order("2")["deliveries"][0]["id"]
    assert hub.post(f"/deliveries/{second}/replay")["body"]["replayed"] is True
    left = {message["delivery_id"] for message in hub.cloud.messages("CamaloonDeadLetterQueue")}
    assert left == {hub.order(order_id)["deliveries"][0]["id"] for order_id in ("1", "3")}


def test_a_replay_has_its_own_round_of_attempts(paid: Hub) -> None:
    paid.cloud.parameters["DeliveryMaxAttempts"] = "2"
    paid.camaloon.answers = [status(503)] * 4
    paid.deliver()
    paid.deliver_again()
    replay(paid)
    paid.settle()
    assert only_delivery(paid)["status"] == "pending"
    paid.deliver_again()
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"]) == ("dead", 4)
    assert len(paid.cloud.messages("CamaloonDeadLetterQueue")) == 1


@pytest.mark.parametrize("missing", ["secret", "domain"])
def test_a_delivery_waits_until_its_destination_is_set_up(paid: Hub, missing: str) -> None:
    if missing == "secret":
        paid.cloud.set_secret("CamaloonSecret", "")
    else:
        paid.cloud.parameters["CamaloonSourceDomain"] = ""
    paid.deliver()
    shown = only_delivery(paid)
    assert (shown["status"], paid.camaloon.requests) == ("pending", [])
    assert "not set" in shown["last_error"]


def test_a_delivery_that_was_erased_is_no_failure(hub: Hub) -> None:
    message = sqs_record({"Body": json.dumps({"delivery_id": "camaloon-never", "replays": 0})})
    assert hub.cloud.call("deliver/camaloon", {"Records": [message]}) == {"batchItemFailures": []}


def test_each_order_has_its_own_message_group(hub: Hub) -> None:
    with aws_calls() as calls:
        for order_id in (1, 1, 2):
            hub.receive("storefront", "order_paid", order(id=order_id))
        hub.settle()
    sent = [call for operation, call in calls if operation == "SendMessage"]
    assert len({call["MessageGroupId"] for call in sent}) == 2
    assert all(len(call["MessageDeduplicationId"]) <= 128 for call in sent)


def test_killed_attempts_count_as_attempts(paid: Hub) -> None:
    paid.cloud.parameters["DeliveryMaxAttempts"] = "3"
    paid.camaloon.answers = [ZeroDivisionError()] * 9
    for _ in range(6):
        deliver_once_more(paid)
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"]) == ("dead", 3)
    assert len(paid.camaloon.requests) == 3


def test_a_delivery_whose_end_could_not_be_recorded_is_not_sent_again(
    paid: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise Conflict("the order was changed by others")

    with monkeypatch.context() as broken:
        broken.setattr("pressroom.order.repository.apply", fail)
        deliver_once_more(paid)
    assert only_delivery(paid)["status"] == "pending"
    deliver_once_more(paid)
    shown = only_delivery(paid)
    assert (shown["status"], shown["attempts"]) == ("delivered", 1)
    assert paid.order()["status"] == "accepted"
    assert len(paid.camaloon.requests) == 1


def test_a_replay_does_not_restart_a_delivery_delivered_meanwhile(paid: Hub, clock: Clock) -> None:
    paid.camaloon.answers = [Dead("HTTP 401", status=401), 200]
    paid.deliver()
    read = outbox.get(only_delivery(paid)["id"])
    assert read is not None
    (message,) = paid.cloud.messages("CamaloonDeadLetterQueue")
    paid.cloud.call("deliver/camaloon", {"Records": [sqs_record({"Body": json.dumps(message), "count": 1})]})
    assert only_delivery(paid)["status"] == "delivered"
    with paid.cloud.as_function("api"):
        assert replay_delivery(read, by="a test", now=clock()) is False
    paid.settle()
    assert only_delivery(paid)["status"] == "delivered"
    assert len(paid.camaloon.requests) == 2


def test_a_stale_copy_does_not_restart_a_dead_delivery(paid: Hub) -> None:
    paid.camaloon.answers = [Dead("HTTP 401", status=401), 200]
    paid.deliver()
    assert deliver_once_more(paid) == {"batchItemFailures": []}
    assert only_delivery(paid)["status"] == "dead"
    assert len(paid.camaloon.requests) == 1


def test_a_pending_delivery_whose_message_was_dead_lettered_by_the_queue_can_be_replayed(paid: Hub) -> None:
    (message,) = paid.cloud.messages("CamaloonQueue")
    assert replay(paid)["replayed"] is False
    url = paid.cloud.url("CamaloonDeadLetterQueue")
    paid.cloud.sqs.send_message(
        QueueUrl=url, MessageBody=json.dumps(message), MessageGroupId="g", MessageDeduplicationId="redrive policy"
    )
    assert replay(paid)["replayed"] is True
    assert paid.cloud.messages("CamaloonDeadLetterQueue") == []
    paid.settle()
    assert only_delivery(paid)["status"] == "delivered"
    assert len(paid.camaloon.requests) == 1


def test_a_lost_answer_is_counted_for_the_alarm(paid: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    paid.camaloon.answers = [Retry("no answer", answer_lost=True), 200]
    paid.deliver()
    assert '"OrdersNeedAttention"' not in capsys.readouterr().out
    paid.deliver_again()
    assert '"OrdersNeedAttention"' in capsys.readouterr().out


def test_a_delivery_that_fails_for_long_is_counted_for_the_alarm(
    paid: Hub, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    paid.camaloon.answers = [status(503)] * 3
    paid.deliver()
    assert '"DeliveriesLate"' not in capsys.readouterr().out
    clock.advance(31 * 60)
    deliver_once_more(paid)
    assert '"DeliveriesLate"' in capsys.readouterr().out


def test_a_dead_letter_message_not_sent_because_of_a_kill_is_sent_the_next_time(
    paid: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid.camaloon.answers = [Dead("HTTP 401", status=401)]

    def killed(_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(worker, "_dead_letter", killed)
        with pytest.raises(SystemExit):
            paid.deliver()
    assert only_delivery(paid)["status"] == "dead"
    assert paid.cloud.messages("CamaloonDeadLetterQueue") == []
    deliver_once_more(paid)
    assert len(paid.cloud.messages("CamaloonDeadLetterQueue")) == 1
    assert len(paid.camaloon.requests) == 1


def test_a_401_with_a_secret_that_was_just_replaced_is_retried(paid: Hub, clock: Clock) -> None:
    paid.camaloon.answers = [status(503), Dead("HTTP 401", status=401), 200]
    paid.deliver()
    paid.cloud.set_secret("CamaloonSecret", "the-new-one")
    clock.advance(60)  # the function still has the old one
    paid.deliver_again()
    assert only_delivery(paid)["status"] == "pending"
    paid.deliver_again()
    assert only_delivery(paid)["status"] == "delivered"
    assert paid.camaloon.requests[-1][2]["X-CAMALOON-HMAC-SHA256"] == camaloon_signature(
        "the-new-one", paid.camaloon.requests[-1][1]
    )


def test_a_refusal_of_camaloons_names_the_fields_and_nothing_else(paid: Hub) -> None:
    errors = [
        "$.shipping_info: 'email' is a required property",
        "$.shipping_info.telephone: '+34 600 000 001 ext. 12' is too long, says Marta Soler",
        "$.line_items[1].sku: '' is too short",
    ]
    paid.camaloon.answers = [http.Refusal(400, json.dumps(errors).encode())]
    paid.deliver()
    said = "HTTP 400: shipping_info.email, shipping_info.telephone, line_items.1.sku"
    assert (only_delivery(paid)["status"], only_delivery(paid)["last_error"]) == ("dead", said)
    order = paid.get("/orders/1001")["body"]
    assert order["attention"] == ["delivery_dead"]
    assert order["timeline"][-1]["text"] == f"order_paid could not be sent to camaloon: {said}"


def test_camaloon_can_name_every_field_that_it_is_sent() -> None:
    fields = {
        name
        for model in (messages.OrderPaid, messages.ShippingAddress, messages.LineItem)
        for name in model.model_fields
    }
    assert fields - {"country_id"} == camaloon.FIELDS


def test_an_end_recorded_with_a_lost_response_stays_the_end(paid: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    real = repository.apply

    def lost_response(*args: Any, **rest: Any) -> None:
        real(*args, **rest)
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr("pressroom.order.repository.apply", lost_response)
        deliver_once_more(paid)
    assert only_delivery(paid)["status"] == "delivered"
    deliver_once_more(paid)
    assert only_delivery(paid)["status"] == "delivered"
    assert len(paid.camaloon.requests) == 1


def test_a_replay_that_can_not_be_written_keeps_the_dead_letter_message(
    paid: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (message,) = paid.cloud.messages("CamaloonQueue")
    url = paid.cloud.url("CamaloonDeadLetterQueue")
    paid.cloud.sqs.send_message(
        QueueUrl=url, MessageBody=json.dumps(message), MessageGroupId="g", MessageDeduplicationId="redrive policy"
    )
    read = outbox.get(message["delivery_id"])
    assert read is not None

    def killed(*_: Any) -> bool:
        raise SystemExit

    monkeypatch.setattr("pressroom.ops.replay._write", killed)
    with aws_calls() as calls, paid.cloud.as_function("api"), pytest.raises(SystemExit):
        replay_delivery(read, by="a test", now=clock())
    assert "ReceiveMessage" in [operation for operation, _ in calls]
    assert "DeleteMessage" not in [operation for operation, _ in calls]
