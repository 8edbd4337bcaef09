"""The dead-letter messages of deliveries: finding and deleting those that nobody needs any more."""

import json
from collections.abc import Iterable, Iterator

from pressroom.order import outbox
from pressroom.order.outbox import Delivery, State
from pressroom.platform import config, table

_MOST_PAGES = 10
_HIDDEN_S = 30
"""How long a message that was received stays hidden from other readers."""


def of(delivery: Delivery) -> list[str]:
    """Find the dead-letter messages of a delivery; return their receipt handles, which are valid for _HIDDEN_S."""
    url = _queue_url(delivery.destination)
    found, others = list[str](), list[str]()
    for messages in _pages(url):
        for message in messages:
            is_its = json.loads(message["Body"])["delivery_id"] == delivery.id
            (found if is_its else others).append(message["ReceiptHandle"])
        if found:
            break
    _show_again(url, others)
    return found


def delete(destination: str, handles: Iterable[str]) -> None:
    """Delete messages by their receipt handles."""
    for handle in handles:
        config.client("sqs").delete_message(QueueUrl=_queue_url(destination), ReceiptHandle=handle)


def delete_of(delivery: Delivery) -> None:
    """Delete the dead-letter messages of a delivery that has ended."""
    delete(delivery.destination, of(delivery))


def sweep(destination: str) -> None:
    """Delete the messages of a destination whose delivery was replayed, or has ended, since they were written."""
    url, kept = _queue_url(destination), list[str]()
    for messages in _pages(url):
        queued = {message["ReceiptHandle"]: json.loads(message["Body"]) for message in messages}
        keys = {(outbox.KIND, body["delivery_id"]) for body in queued.values()}
        deliveries = {each.id: each for each in map(Delivery.of, table.get_many(keys))}
        for handle, body in queued.items():
            if _is_done(deliveries.get(body["delivery_id"]), body["replays"]):
                delete(destination, [handle])
            else:
                kept.append(handle)
    _show_again(url, kept)


def _is_done(delivery: Delivery | None, replays: int) -> bool:
    if delivery is None or delivery.state in (State.DELIVERED, State.WITHDRAWN):
        return True
    return delivery.replays > replays


def _queue_url(destination: str) -> str:
    return config.setting(f"{destination.upper()}_DEAD_LETTER_QUEUE_URL")


def _pages(url: str) -> Iterator[list[dict[str, str]]]:
    for _ in range(_MOST_PAGES):
        answer = config.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=_HIDDEN_S)
        messages = answer.get("Messages", [])
        if not messages:
            return
        yield messages


def _show_again(url: str, handles: Iterable[str]) -> None:
    """Make messages visible to other readers; only at the end, so that they are not received a second time."""
    for handle in handles:
        config.client("sqs").change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
