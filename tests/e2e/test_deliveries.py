"""Camaloon fails: an order is delivered once, or dead with a reason, and a dead delivery can be replayed."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.test_orders import attempts_ended
from tests.e2e.waiting import wait_until


def paid(shop: Shop) -> dict[str, Any]:
    """Pay an order and wait until its delivery has ended."""
    order = shop.order()
    assert shop.pay(order).status_code == 202
    return shop.until(order["id"], attempts_ended)


def answers(shop: Shop, order: dict[str, Any]) -> list[int | None]:
    return [each["answered"] for each in shop.arrived(order["id"])]


def dead_letter_count(shop: Shop) -> int:
    url = shop.stack.outputs()["CamaloonDeadLetterQueueUrl"]
    attributes = shop.stack.client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    return sum(map(int, attributes.values()))


def test_after_two_503_the_order_is_delivered_once(shop: Shop) -> None:
    shop.camaloon_will(status=503, times=2)
    order = paid(shop)
    assert order["deliveries"][0]["status"] == "delivered"
    assert order["deliveries"][0]["attempts"] == 3
    assert answers(shop, order) == [503, 503, 200]
    assert order["attention"] == []


@pytest.mark.parametrize("asked", [2, "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "-5"])
def test_retry_after_only_ever_delays(shop: Shop, asked: object) -> None:
    shop.camaloon_will(retry_after=asked)
    order = paid(shop)
    assert answers(shop, order) == [429, 200]
    assert order["deliveries"][0]["status"] == "delivered"


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
def test_a_permanent_error_makes_the_delivery_dead_at_once_and_it_can_be_replayed(shop: Shop, status: int) -> None:
    before = dead_letter_count(shop)
    shop.camaloon_will(status=status, location="http://127.0.0.1:1/elsewhere")
    order = paid(shop)
    (delivery,) = order["deliveries"]
    assert (delivery["status"], delivery["attempts"], delivery["last_error"]) == ("dead", 1, f"HTTP {status}")
    assert order["attention"] == ["delivery_dead"]
    assert order["status"] == "paid"
    # The delivery is dead before its dead-letter message is sent. A replay queues it before it deletes the message.
    wait_until(lambda: dead_letter_count(shop) == before + 1 or None, "there is a dead-letter message", 10)
    assert delivery["id"] in [each["id"] for each in shop.api("/deliveries?status=dead").json()["deliveries"]]

    replays = shop.at_once(*[lambda: shop.api(f"/deliveries/{delivery['id']}/replay", "POST")] * 3)
    assert {answer.status_code for answer in replays} == {200}
    order = shop.until(order["id"], lambda it: it["deliveries"][0]["status"] == "delivered")
    assert answers(shop, order) == [status, 200]
    assert (order["attention"], order["status"]) == ([], "accepted")
    wait_until(lambda: dead_letter_count(shop) == before or None, "the dead-letter message is deleted", 10)
    assert shop.api(f"/deliveries/{delivery['id']}/replay", "POST").json()["replayed"] is False
    assert delivery["id"] not in [each["id"] for each in shop.api("/deliveries?status=dead").json()["deliveries"]]


def test_a_delivery_with_a_lost_answer_is_repeated_and_flagged(shop: Shop) -> None:
    shop.camaloon_will(lose_answer=True)
    order = paid(shop)
    assert order["deliveries"][0]["status"] == "delivered"
    assert answers(shop, order) == [None, 200]
    assert order["attention"] == ["answer_lost"]


def test_a_delayed_response_times_out_and_the_delivery_is_repeated(shop: Shop) -> None:
    shop.camaloon_will(hang_s=15)
    order = paid(shop)
    assert order["deliveries"][0]["status"] == "delivered"
    assert order["deliveries"][0]["attempts"] == 2
    assert order["attention"] == ["answer_lost"]


def test_a_response_of_five_megabytes_is_not_read(shop: Shop) -> None:
    shop.camaloon_will(answer_bytes=5_000_000)
    order = paid(shop)
    assert order["deliveries"][0]["status"] == "delivered"
    assert order["deliveries"][0]["attempts"] == 1


def test_the_delivery_is_dead_after_the_last_attempt_and_a_redrive_sends_it(shop: Shop) -> None:
    shop.camaloon_will(status=500, times=5)
    order = paid(shop)
    (delivery,) = order["deliveries"]
    assert (delivery["status"], delivery["attempts"], delivery["last_error"]) == ("dead", 5, "HTTP 500")

    sqs, outputs = shop.stack.client("sqs"), shop.stack.outputs()
    (message,) = wait_until(
        lambda: sqs.receive_message(QueueUrl=outputs["CamaloonDeadLetterQueueUrl"]).get("Messages"),
        "there is a dead-letter message",
        10,
    )
    assert json.loads(message["Body"]) == {"delivery_id": delivery["id"], "replays": 0, "dead": True}
    # As a redrive in the AWS console: the same message, back into its source queue.
    sqs.send_message(
        QueueUrl=outputs["CamaloonQueueUrl"],
        MessageBody=message["Body"],
        MessageGroupId="redriven",
        MessageDeduplicationId="redriven",
    )
    sqs.delete_message(QueueUrl=outputs["CamaloonDeadLetterQueueUrl"], ReceiptHandle=message["ReceiptHandle"])
    order = shop.until(order["id"], lambda it: it["deliveries"][0]["status"] == "delivered")
    assert answers(shop, order) == [500] * 5 + [200]
    assert order["attention"] == []


def test_an_order_that_fails_does_not_block_the_others(shop: Shop) -> None:
    shop.camaloon_will(status=503, times=1)
    first, second = shop.order(), shop.order()
    shop.pay(first)
    shop.until(first["id"], lambda it: it["deliveries"][0]["attempts"] == 1)
    shop.pay(second)
    for order in (first, second):
        assert shop.until(order["id"], attempts_ended)["deliveries"][0]["status"] == "delivered"
