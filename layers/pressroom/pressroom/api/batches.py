"""Batches: the items that were sent to the OMS together, and making batches on request."""

from datetime import timedelta
from typing import Annotated, TypedDict

from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError
from pydantic import BeforeValidator

from pressroom.api.common import LIMIT, Body, Cursor, Id, Limit, new_router, page, rows
from pressroom.api.deliveries import DeliveryInOrder, in_order
from pressroom.order import outbox
from pressroom.platform import config
from pressroom.providers.oms import batches
from pressroom.providers.oms.batches import Batch

router = new_router()

BUDGET = timedelta(seconds=10)
"""How long a request makes batches; the gateway ends a request after 30 seconds."""


class _Batch(TypedDict):
    id: str
    variant: str
    templates: list[str]
    created_at: str
    state: str
    uid: str | None
    status: str | None
    error: str | None
    delivery_id: str


class BatchInList(_Batch):
    """A batch. `items` is the number of its items; `uid` and `status` come from the OMS, `state` from Pressroom."""

    items: int


class BatchItem(TypedDict):
    """An item of a batch. `left_out`: it was not sent with the batch, because the shop had canceled it before."""

    order_id: str
    line_id: str
    uid: str | None
    left_out: bool


class BatchShown(_Batch):
    """A batch with its items and its delivery."""

    items: list[BatchItem]
    delivery: DeliveryInOrder | None


class Batches(TypedDict):
    """A page of batches."""

    batches: list[BatchInList]
    cursor: str | None


class BatchesMade(TypedDict):
    """The batches that were made. If `complete` is false, there was no time for all variants: repeat the request."""

    batches: list[BatchInList]
    complete: bool


def _as_text(variant: object) -> object:
    return str(variant) if isinstance(variant, int) and not isinstance(variant, bool) else variant


class Make(Body):
    """The variant to make batches of; without one, of all variants."""

    variant: Annotated[str | None, BeforeValidator(_as_text)] = None  # the shop may write it as a number


@router.get("/batches", tags=["batches"], operation_id="listBatches", summary="List batches, newest first")
def list_batches(limit: Limit = LIMIT, cursor: Cursor = "") -> Batches:
    """All batches, including those that were not sent to the OMS yet."""

    def show(row: dict[str, object]) -> BatchInList:
        shown: BatchInList = Batch.of(row).summary()  # type: ignore[assignment]
        return shown

    shown, last = page(
        "batches", rows(batches.KIND), show, index="by_created", partitions=[batches.KIND], limit=limit, cursor=cursor
    )
    return {"batches": shown, "cursor": last}


@router.get("/batches/<batch_id>", tags=["batches"], operation_id="getBatch", summary="Get a batch")
def get_batch(batch_id: Id) -> BatchShown:
    """A batch with its items and its delivery, which can be replayed if it is dead."""
    batch = batches.get(batch_id)
    if batch is None:
        raise NotFoundError("There is no such batch.")
    delivery = outbox.get(batch.delivery_id)
    shown: BatchShown = batch.to_json() | {"delivery": in_order(delivery) if delivery else None}  # type: ignore[assignment]
    return shown


@router.post("/batches", tags=["batches"], operation_id="makeBatches", summary="Make batches now")
def make_batches(wanted: Make) -> BatchesMade:
    """Make batches of all ready items, however few and new they are; with `variant`, of this variant only."""
    if wanted.variant is not None and wanted.variant not in batches.templates():
        raise BadRequestError("variant must be one that the parameter PrintTemplates lists")
    now = config.utcnow()
    made = batches.make(now, wanted.variant, at_once=True, is_over=lambda: config.utcnow() - now >= BUDGET)
    shown: list[BatchInList] = [batch.summary() for batch in made.batches]  # type: ignore[misc]
    return {"batches": shown, "complete": made.complete}
