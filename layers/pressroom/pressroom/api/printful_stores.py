"""The stores at Printful that are ours, and others whose webhooks were parked."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, TypedDict

from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.openapi.params import Path

from pressroom.api.common import LONGEST_ID, actor, new_router
from pressroom.ops import actions, bulk_replay
from pressroom.platform import config
from pressroom.providers.printful import stores

router = new_router()

StoreId = Annotated[str, Path(max_length=LONGEST_ID, pattern="^[1-9][0-9]*$")]
"""Printful's ids of stores are numbers, and 0 names none: a typo is refused."""

BUDGET = timedelta(seconds=8)
"""How long a request replays; `functions/replays` does the rest."""
_MOST, _PER_MINUTE = 10_000, 600


class ForeignStore(TypedDict):
    """A store that is not ours, and when its last webhook was parked."""

    id: str
    seen_at: str


class Stores(TypedDict):
    """Our stores at Printful, and the others. While `ours` is empty, the store of the first webhook becomes ours."""

    ours: list[str]
    foreign: list[ForeignStore]


class Removed(TypedDict):
    """The store that is not ours any more."""

    store: str


class Accepted(TypedDict):
    """The store that is ours now, and the bulk replay of its parked webhooks."""

    store: str
    replay: str


@router.get(
    "/printful/stores", tags=["repair"], operation_id="listPrintfulStores", summary="List the stores at Printful"
)
def list_stores() -> Stores:
    """The stores whose webhooks are applied, and those whose webhooks are parked because they are not ours."""
    return {
        "ours": sorted(stores.ours()),
        "foreign": [{"id": store, "seen_at": at} for store, at in stores.foreign()],
    }


@router.post(
    "/printful/stores/<store_id>/accept",
    tags=["repair"],
    operation_id="acceptPrintfulStore",
    summary="Declare that a store at Printful is ours too",
    status_code=202,
)
def accept_store(store_id: StoreId) -> Accepted:
    """Apply the store's webhooks from now on, and replay those that were parked because the store was not ours."""
    now, by = config.utcnow(), actor()
    stores.accept(store_id)
    actions.record("accept_store", store_id, by=by, now=now)
    criteria = bulk_replay.Criteria(what="events", state="failed", source="printful", store=store_id)
    job, _ = bulk_replay.start(criteria, limit=_MOST, per_minute=_PER_MINUTE, by=by, key="", now=now)
    job = bulk_replay.work(job, is_over=lambda: config.utcnow() - now >= BUDGET, now=now)
    return {"store": store_id, "replay": job.id}


@router.post(
    "/printful/stores/<store_id>/remove",
    tags=["repair"],
    operation_id="removePrintfulStore",
    summary="Take back that a store at Printful was accepted",
)
def remove_store(store_id: StoreId) -> Removed:
    """Park the store's webhooks from now on. What was applied before stays in the orders."""
    if store_id in stores.configured():
        raise ServiceError(HTTPStatus.CONFLICT, "A parameter of the stack names the store: change it and deploy.")
    if store_id not in stores.removable():
        raise ServiceError(
            HTTPStatus.CONFLICT, "The store was not accepted. Which store is yours, PrintfulStores says."
        )
    if stores.ours() == {store_id}:
        raise ServiceError(HTTPStatus.CONFLICT, "It is your only store: accept another one first.")
    stores.remove(store_id)
    actions.record("remove_store", store_id, by=actor(), now=config.utcnow())
    return {"store": store_id}
