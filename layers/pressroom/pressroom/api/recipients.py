"""The recipient of an order: personal data, so it is shown on request only, and each request is recorded."""

from typing import TypedDict

from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from pressroom.api.common import Id, actor, new_router
from pressroom.ops import recipient
from pressroom.order import repository
from pressroom.platform import config
from pressroom.providers.recipients import Recipient

router = new_router()


class RecipientShown(TypedDict):
    """The recipient of an order, and the webhook that names it."""

    order_id: str
    event_id: str
    provider: str
    received_at: str
    recipient: Recipient


@router.post(
    "/orders/<order_id>/recipient", tags=["orders"], operation_id="showRecipient", summary="Show who an order goes to"
)
def show_recipient(order_id: Id) -> RecipientShown:
    """The name and the address in the shop's latest message, or in a printer's. `GET /actions` shows who asked.

    404 if no message with a recipient is stored any more: webhooks are kept for 45 days, and erasing empties them.
    """
    row = repository.get(order_id)
    if row is None:
        raise NotFoundError("There is no such order.")
    found = recipient.show(order_id, row.facts, by=actor(), now=config.utcnow())
    if found is None:
        raise NotFoundError("No stored webhook names the recipient: it has expired, was erased, or never came.")
    return {
        "order_id": order_id,
        "event_id": found.event.id,
        "provider": found.event.provider,
        "received_at": found.event.received_at,
        "recipient": found.recipient,
    }
