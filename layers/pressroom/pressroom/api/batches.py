"""Batches: what was sent to the OMS together, and making them now."""

from datetime import timedelta
from typing import Annotated, TypedDict

from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BeforeValidator

from pressroom.api.app import LIMIT, Body, Cursor, Id, Limit, page, rows
from pressroom.api.deliveries import DeliveryInOrder, in_order
from pressroom.order import outbox
from pressroom.platform import config

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

BUDGET = timedelta(seconds=10)
"""How long a request for batches goes on making them; the gateway ends it after half a minute."""


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
    """A batch. `items` is how many it has, `uid` and `status` are the OMS's."""

    items: int


class BatchItem(TypedDict):
    """An item of a batch. `left_out`: the shop had canceled it before the batch was sent."""

    order_id: str
    line_id: str
    uid: str | None
    left_out: bool


class BatchShown(_Batch):
    """A batch with its items, and its delivery, which can be replayed if it is dead."""

    items: list[BatchItem]
    delivery: DeliveryInOrder | None


class Batches(TypedDict):
    """A page of batches."""

    batches: list[BatchInList]
    cursor: str | None


class BatchesMade(TypedDict):
    """The batches that were made; not `complete` if time was over before everything had been looked at."""

    batches: list[BatchInList]
    complete: bool


def _as_text(variant: object) -> object:
    return str(variant) if isinstance(variant, int) and not isinstance(variant, bool) else variant


class Make(Body):
    """Of which variant; without one, of each."""

    variant: Annotated[str | None, BeforeValidator(_as_text)] = None  # a number, as the shop may have written it


@router.get("/batches", tags=["batches"], operation_id="listBatches", summary="List batches, newest first")
def list_batches(limit: Limit = LIMIT, cursor: Cursor = "") -> Batches:
    """Those that were sent, or are being sent, to the OMS."""
    from pressroom.providers.oms.batches import KIND, Batch

    def show(row: dict[str, object]) -> BatchInList:
        shown: BatchInList = Batch.of(row).summary()  # type: ignore[assignment]
        return shown

    shown, last = page("batches", rows(KIND), show, index="by_created", partitions=[KIND], limit=limit, cursor=cursor)
    return {"batches": shown, "cursor": last}


@router.get("/batches/<batch_id>", tags=["batches"], operation_id="getBatch", summary="Show one batch")
def get_batch(batch_id: Id) -> BatchShown:
    """With its items and its delivery."""
    from pressroom.providers.oms import batches

    batch = batches.get(batch_id)
    if batch is None:
        raise NotFoundError("There is no such batch.")
    delivery = outbox.get(batch.delivery_id)
    shown: BatchShown = batch.to_json() | {"delivery": in_order(delivery) if delivery else None}  # type: ignore[assignment]
    return shown


@router.post("/batches", tags=["batches"], operation_id="makeBatches", summary="Make batches of all that waits")
def make_batches(wanted: Make) -> BatchesMade:
    """Whatever its number and age."""
    from pressroom.providers.oms import batches

    if wanted.variant is not None and wanted.variant not in batches.templates():
        raise BadRequestError("variant must be one that the parameter PrintTemplates names")
    now = config.utcnow()
    made = batches.make(now, wanted.variant, at_once=True, is_over=lambda: config.utcnow() - now >= BUDGET)
    shown: list[BatchInList] = [batch.summary() for batch in made.batches]  # type: ignore[misc]
    return {"batches": shown, "complete": made.complete}
