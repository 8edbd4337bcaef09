"""Repair: replaying one or many, settling by hand, erasing, and enabling notifications again."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal, TypedDict

from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AwareDatetime, Field

from pressroom.api import deliveries, events
from pressroom.api.common import (
    LIMIT,
    Body,
    Cursor,
    Destination,
    Id,
    Limit,
    Source,
    actor,
    header,
    new_router,
    page,
    rows,
)
from pressroom.inbox import events as inbox
from pressroom.ops import actions, bulk_replay, erasure, replay, settle
from pressroom.order import notifications
from pressroom.platform import config
from pressroom.platform.times import iso

router = new_router()

LONGEST_KEY = 100
BUDGET = timedelta(seconds=8)
"""How long a request replays; the gateway ends a request after 30 seconds."""
_LONGEST_NAME = 100


class Replayed(TypedDict):
    """Whether the webhook or delivery was replayed. One that needs no replay stays as it is."""

    id: str
    replayed: bool


class Outcome(Body):
    """The outcome of a delivery. `done`: the destination has received it. `dropped`: it is not to be sent.

    If a dropped delivery was to order lines, they are canceled, and the shop is notified.
    """

    outcome: Literal["done", "dropped"]


class Settled(TypedDict):
    """The new state of the delivery."""

    id: str
    status: Literal["delivered", "withdrawn"]


class Erased(TypedDict):
    """The id of the order or webhook whose personal data was erased, and the time."""

    id: str
    erased_at: str


class Wanted(Body):
    """What to replay. `provider` and `topic` select webhooks, `destination` and `operation` deliveries."""

    what: Literal["events", "deliveries"]
    state: Literal["failed", "unhandled", "dead"]
    provider: Source | None = None
    topic: Annotated[str | None, Field(min_length=1, max_length=_LONGEST_NAME)] = None
    destination: Destination | None = None
    operation: Annotated[str | None, Field(min_length=1, max_length=_LONGEST_NAME)] = None
    since: Annotated[
        AwareDatetime | None, Field(description="Only events received, or deliveries created, at this time or later.")
    ] = None
    until: Annotated[
        AwareDatetime | None, Field(description="Only events received, or deliveries created, at this time or earlier.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=10_000, description="The maximum number of events or deliveries.")] = 1000
    per_minute: Annotated[int, Field(ge=1, le=600, description="The maximum number of replays per minute.")] = 60
    dry_run: Annotated[bool, Field(description="Only count the matching events or deliveries.")] = True


class Replays(TypedDict):
    """A bulk replay: its criteria, who requested it, and its progress. `skipped` items needed no replay any more."""

    id: str
    status: Literal["running", "finished", "canceled"]
    what: str
    state: str
    source: str
    name: str
    since: str
    until: str
    store: str
    limit: int
    per_minute: int
    by: str
    requested_at: str
    matched: int
    replayed: int
    skipped: int


class Counted(TypedDict):
    """The number of matching items. `complete` is false if not all items were read."""

    matching: int
    complete: bool


class Jobs(TypedDict):
    """A page of bulk replays."""

    replays: list[Replays]
    cursor: str | None


class ActionShown(TypedDict):
    """An action, its target, and who did it."""

    action: str
    target: str
    by: str
    at: str


class Actions(TypedDict):
    """A page of actions."""

    actions: list[ActionShown]
    cursor: str | None


class Notifications(TypedDict):
    """The state of notifications to the shop. `disabled_at` is when the shop ended them with an answer of 410."""

    url_set: bool
    disabled_at: str | None


@router.post("/events/<event_id>/replay", tags=["repair"], operation_id="replayEvent", summary="Replay a webhook")
def replay_event(event_id: Id) -> Replayed:
    """Process a webhook again that is `failed` or `unhandled`. A webhook that has been processed stays as it is."""
    event = events.found(event_id)
    if event.erased:
        raise ServiceError(HTTPStatus.CONFLICT, "The body of the webhook was erased, so it can't be replayed.")
    return {"id": event.id, "replayed": replay.replay_event(event, by=actor(), now=config.utcnow())}


@router.post(
    "/events/<event_id>/erase", tags=["repair"], operation_id="eraseEvent", summary="Erase the body of a webhook"
)
def erase_event(event_id: Id) -> Erased:
    """Only for a webhook that belongs to no order, such as a failed one. It can't be replayed after that."""
    event, now = events.found(event_id), config.utcnow()
    if event.state is inbox.State.RECEIVED and not event.erased:
        raise ServiceError(
            HTTPStatus.CONFLICT, "The webhook is still to be processed, and would be lost. Try again later."
        )
    if event.order_id:
        raise ServiceError(
            HTTPStatus.CONFLICT, f"The webhook belongs to an order. Erase the order {event.order_id} instead."
        )
    erasure.erase_event(event, by=actor(), now=now)
    return {"id": event.id, "erased_at": iso(now)}


@router.post(
    "/deliveries/<delivery_id>/replay", tags=["repair"], operation_id="replayDelivery", summary="Replay a delivery"
)
def replay_delivery(delivery_id: Id) -> Replayed:
    """Send a dead delivery again. A delivery that is pending or delivered stays as it is."""
    delivery = deliveries.found(delivery_id)
    return {"id": delivery.id, "replayed": replay.replay_delivery(delivery, by=actor(), now=config.utcnow())}


@router.post(
    "/deliveries/<delivery_id>/settle",
    tags=["repair"],
    operation_id="settleDelivery",
    summary="Settle a delivery by hand",
)
def settle_delivery(delivery_id: Id, found: Outcome) -> Settled:
    """Close a dead delivery: `done` if the destination has received it, `dropped` if it must not be sent."""
    delivery = deliveries.found(delivery_id)
    if delivery.operation == "create_batch" and found.outcome == "dropped":
        raise ServiceError(
            HTTPStatus.CONFLICT,
            "A batch can't be dropped: its items are in no other batch. Replay it, or settle it as done.",
        )
    if not settle.settle(delivery, found.outcome, by=actor(), now=config.utcnow()):
        raise ServiceError(HTTPStatus.CONFLICT, "Only a dead delivery can be settled.")
    return {"id": delivery.id, "status": "delivered" if found.outcome == "done" else "withdrawn"}


@router.post(
    "/orders/<order_id>/erase",
    tags=["repair"],
    operation_id="eraseOrder",
    summary="Erase the personal data of an order",
)
def erase_order(order_id: Id) -> Erased:
    """The order's record stays. Its dead deliveries are withdrawn. Repeat the request if more messages arrive later."""
    try:
        order = erasure.erase_order(order_id, by=actor(), now=config.utcnow())
    except erasure.StillPending as error:
        raise ServiceError(
            HTTPStatus.CONFLICT, "A delivery of the order is still to be sent. Try again later."
        ) from error
    if order is None:
        raise NotFoundError("There is no such order.")
    return {"id": order_id, "erased_at": order.erased_at or ""}


@router.post(
    "/replays",
    tags=["repair"],
    operation_id="replayMany",
    summary="Count matching items, or replay them",
    status_code=202,
)
def replay_many(wanted: Wanted) -> Replays | Counted:
    """Count the matching events or deliveries; if `dry_run` is false, replay them in a job.

    Requests with the same `Idempotency-Key` start one job.
    """
    of_events = wanted.what == "events"
    if (wanted.state == "dead") == of_events:
        raise BadRequestError("state must be failed or unhandled for events, dead for deliveries")
    if (wanted.destination or wanted.operation) if of_events else (wanted.provider or wanted.topic):
        raise BadRequestError("provider and topic are for events, destination and operation for deliveries")
    key = header("idempotency-key") or ""
    if len(key) > LONGEST_KEY:
        raise BadRequestError(f"Idempotency-Key must have {LONGEST_KEY} characters at most")
    criteria = bulk_replay.Criteria(
        what=wanted.what,
        state=wanted.state,
        source=wanted.provider or wanted.destination or "",
        name=wanted.topic or wanted.operation or "",
        since=iso(wanted.since) if wanted.since else "",
        until=iso(wanted.until) if wanted.until else "",
    )
    now = config.utcnow()
    if wanted.dry_run:
        matching, complete = bulk_replay.count(criteria, now=now)
        return {"matching": matching, "complete": complete}
    job, new = bulk_replay.start(
        criteria, limit=wanted.limit, per_minute=wanted.per_minute, by=actor(), key=key, now=now
    )
    if new:
        job = bulk_replay.work(job, is_over=lambda: config.utcnow() - now >= BUDGET, now=now)
    return _job(job)


@router.get("/replays", tags=["repair"], operation_id="listReplays", summary="List bulk replays, newest first")
def list_replays(limit: Limit = LIMIT, cursor: Cursor = "") -> Jobs:
    """All bulk replays, running and ended."""
    shown, last = page(
        "replays",
        rows(bulk_replay.KIND),
        lambda row: _job(bulk_replay.Job.of(row)),
        index="by_created",
        partitions=[bulk_replay.KIND],
        limit=limit,
        cursor=cursor,
    )
    return {"replays": shown, "cursor": last}


@router.get("/replays/<job_id>", tags=["repair"], operation_id="getReplay", summary="Get a bulk replay")
def get_replay(job_id: Id) -> Replays:
    """A bulk replay with its progress."""
    return _job(_found(job_id))


@router.post("/replays/<job_id>/cancel", tags=["repair"], operation_id="cancelReplay", summary="Stop a bulk replay")
def cancel_replay(job_id: Id) -> Replays:
    """What the job has replayed stays replayed. A bulk replay that has ended stays as it is."""
    job = _found(job_id)
    if job.status == bulk_replay.RUNNING:
        job = bulk_replay.cancel(job)
        actions.record("cancel", job.id, by=actor(), now=config.utcnow())
    return _job(job)


@router.get("/actions", tags=["repair"], operation_id="listActions", summary="List actions, newest first")
def list_actions(
    target: Annotated[
        str, Query(description="Only actions on this order, webhook, delivery or replay, by its id.")
    ] = "",
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Actions:
    """What was done through the API: changes, and recipients shown.

    `by` is the header `X-Actor`, or the beginning of the token's hash.
    """
    shown, last = page(
        "actions",
        rows(actions.KIND),
        lambda row: _action(actions.shown(row)),
        index="by_created",
        partitions=[actions.KIND],
        limit=limit,
        cursor=cursor,
        filters={"target": target},
        matches=(lambda row: bool(row["target"]["S"] == target)) if target else None,
    )
    return {"actions": shown, "cursor": last}


@router.get(
    "/notifications", tags=["repair"], operation_id="getNotifications", summary="Get the state of notifications"
)
def get_notifications() -> Notifications:
    """Whether StorefrontUrl is set, and whether the shop has ended notifications with an answer of 410."""
    return _notifications()


@router.post(
    "/notifications/enable", tags=["repair"], operation_id="enableNotifications", summary="Enable notifications again"
)
def enable_notifications() -> Notifications:
    """Send notifications again after the shop answered 410. Replay the dead notifications with `POST /replays`."""
    now = config.utcnow()
    if notifications.disabled_at():
        notifications.enable(now)
        actions.record("enable", "notifications", by=actor(), now=now)
    return _notifications()


def _notifications() -> Notifications:
    status = notifications.status()
    return {"url_set": status["url_set"], "disabled_at": status["disabled_at"]}


def _found(job_id: str) -> bulk_replay.Job:
    job = bulk_replay.get(job_id)
    if job is None:
        raise NotFoundError("There is no such replay. Replays are kept for 400 days.")
    return job


def _job(job: bulk_replay.Job) -> Replays:
    shown: Replays = job.shown()  # type: ignore[assignment]
    return shown


def _action(shown: dict[str, str]) -> ActionShown:
    return {"action": shown["action"], "target": shown["target"], "by": shown["by"], "at": shown["at"]}
