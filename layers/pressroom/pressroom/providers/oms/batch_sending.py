"""Sending a batch to the OMS.

The OMS can't be asked about a batch: its document has no request that reads one. So a batch whose answer was lost is
given up at once, and only a person, who can look there, lets it be sent again.
"""

from pressroom.delivery.outcome import Sent
from pressroom.order.outbox import Delivery
from pressroom.platform.errors import Dead, Retry, Withdrawn
from pressroom.providers.oms import batches, client

_LOOK_FIRST = "the OMS may have this batch: look there, and replay it only if it is not there"


def send(delivery: Delivery) -> Sent:
    """Send a batch, without the items that were canceled since it was made. Raises DeliveryError.

    An attempt that may have been received is not repeated, unless a person has replayed the delivery since.
    """
    if may_have_been_received(delivery):
        raise _answer_lost("what came of the last attempt is not known")
    batch = batches.of_delivery(delivery)
    left_out = {each.id for each in batches.canceled(batch.items)}
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
    """Tell whether an attempt before this one may have made the batch, since a person last let it be sent."""
    return any(attempt.answer_lost for attempt in delivery.history[-delivery.tries : -1])


def _answer_lost(reason: str, *, status: int | None = None) -> Dead:
    """Return a final failure that is recorded as perhaps received, so that the next attempt knows of it."""
    return Dead(f"{reason}: {_LOOK_FIRST}", status=status, answer_lost=True)
