"""Sending a batch to the OMS.

The OMS's API has no request that reads a batch. So after a lost answer the delivery is dead at once, and only a person,
who can look at the OMS, can replay it.
"""

from pressroom.delivery.outcome import Sent
from pressroom.order.outbox import Delivery
from pressroom.platform.errors import Dead, Retry, Withdrawn
from pressroom.providers.oms import batches, client

_LOOK_FIRST = "the OMS may have this batch: check there, and replay it only if it is missing"


def send(delivery: Delivery) -> Sent:
    """Send a batch, without the items that were canceled since it was made. Raises DeliveryError.

    An attempt that may have been received is not repeated, unless a person replayed the delivery afterwards.
    """
    if may_have_been_received(delivery):
        raise _answer_lost("the result of the last attempt is unknown")
    batch = batches.of_delivery(delivery)
    left_out = {each.id for each in batches.unwanted_items(batch.items)}
    uids = [each.uid for each in batch.items if each.id not in left_out]
    if not uids:
        raise Withdrawn("all lines of the batch are canceled")
    try:
        answer = client.create_batch(uids, list(batch.templates))
    except Retry as error:
        if error.answer_lost:
            raise _answer_lost(error.reason, status=error.status) from error
        raise
    data = {"uid": answer.uid, "status": answer.status, "left_out": sorted(left_out)}
    return Sent(answer.http_status, data)


def may_have_been_received(delivery: Delivery) -> bool:
    """Return whether an earlier attempt since the last replay may have made the batch."""
    return any(attempt.answer_lost for attempt in delivery.history[-delivery.tries : -1])


def _answer_lost(reason: str, *, status: int | None = None) -> Dead:
    """Return a final failure with `answer_lost`: the next attempt must know that this one may have been received."""
    return Dead(f"{reason}: {_LOOK_FIRST}", status=status, answer_lost=True)
