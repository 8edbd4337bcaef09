"""Putting things right: replaying one or many, settling by hand, erasing, and telling the shop again."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal, TypedDict

from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import AwareDatetime, Field

from pressroom.api import app as door
from pressroom.api import deliveries, events
from pressroom.api.app import LIMIT, Body, Cursor, Id, Limit, actor, page, rows
from pressroom.inbox import events as inbox
from pressroom.ops import actions, bulk_replay, erasure, replay
from pressroom.order import notifications
from pressroom.platform import config
from pressroom.platform.times import iso

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

LONGEST_KEY = 100
BUDGET = timedelta(seconds=8)
"""How long a request goes on replaying; the gateway ends it after half a minute."""
_LONGEST_NAME = 100


class Replayed(TypedDict):
    """Whether it was replayed; what needs no replay is left as it is."""

    id: str
    replayed: bool


class Outcome(Body):
    """What a person has found out: `done`, the destination has it after all; `dropped`, it is not to be sent.

    The lines that a dropped one was to order are canceled, and the shop is told.
    """

    outcome: Literal["done", "dropped"]


class Settled(TypedDict):
    """What has become of the delivery."""

    id: str
    status: Literal["delivered", "withdrawn"]


class Erased(TypedDict):
    """What was erased, and when."""

    id: str
    erased_at: str


class Wanted(Body):
    """What to replay. `provider` and `topic` are for webhooks, `destination` and `operation` for deliveries."""

    what: Literal["events", "deliveries"]
    state: Literal["failed", "unhandled", "dead"]
    provider: events.Provider | None = None
    topic: Annotated[str | None, Field(min_length=1, max_length=_LONGEST_NAME)] = None
    destination: Literal["camaloon", "oms", "storefront"] | None = None
    operation: Annotated[str | None, Field(min_length=1, max_length=_LONGEST_NAME)] = None
    since: Annotated[AwareDatetime | None, Field(description="Received, or made, since then.")] = None
    until: Annotated[AwareDatetime | None, Field(description="Received, or made, until then.")] = None
    limit: Annotated[int, Field(ge=1, le=10_000, description="How many at most.")] = 1000
    per_minute: Annotated[int, Field(ge=1, le=600, description="How many in a minute at most.")] = 60
    dry_run: Annotated[bool, Field(description="Only count what matches.")] = True


class Replays(TypedDict):
    """A bulk replay: what was asked for, by whom, and how far it is. `skipped` needed no replay any more."""

    id: str
    status: Literal["running", "finished", "canceled"]
    what: str
    state: str
    source: str
    name: str
    since: str
    until: str
    limit: int
    per_minute: int
    by: str
    requested_at: str
    matched: int
    replayed: int
    skipped: int


class Counted(TypedDict):
    """How many match; `complete` is false if there are more than were looked at."""

    matching: int
    complete: bool


class Jobs(TypedDict):
    """A page of bulk replays."""

    replays: list[Replays]
    cursor: str | None


class ActionShown(TypedDict):
    """What somebody did, and to what."""

    action: str
    target: str
    by: str
    at: str


class Actions(TypedDict):
    """A page of what was done."""

    actions: list[ActionShown]
    cursor: str | None


class Notifications(TypedDict):
    """How the shop is told. `disabled_at`: since when it wants to hear no more."""

    url_set: bool
    disabled_at: str | None


@router.post("/events/<event_id>/replay", tags=["repair"], operation_id="replayEvent", summary="Hand it on again")
def replay_event(event_id: Id) -> Replayed:
    """Hand a parked webhook to its topic again. One that has been processed is left as it is."""
    event = events.found(event_id)
    if event.erased:
        raise ServiceError(HTTPStatus.CONFLICT, "Its body was erased: there is nothing left to replay.")
    return {"id": event.id, "replayed": replay.replay_event(event, by=actor(), now=config.utcnow())}


@router.post("/events/<event_id>/erase", tags=["repair"], operation_id="eraseEvent", summary="Erase its body")
def erase_event(event_id: Id) -> Erased:
    """For one that is tied to no order, such as a parked one: it can't be replayed any more."""
    event, now = events.found(event_id), config.utcnow()
    if event.state is inbox.State.RECEIVED and not event.erased:
        raise ServiceError(HTTPStatus.CONFLICT, "It is still to be processed, and would be lost. Ask again later.")
    if event.order_id:
        raise ServiceError(HTTPStatus.CONFLICT, f"It belongs to an order: erase {event.order_id}.")
    erasure.erase_event(event, by=actor(), now=now)
    return {"id": event.id, "erased_at": iso(now)}


@router.post(
    "/deliveries/<delivery_id>/replay", tags=["repair"], operation_id="replayDelivery", summary="Send it again"
)
def replay_delivery(delivery_id: Id) -> Replayed:
    """Queue a dead delivery again. One that is pending or delivered is left as it is."""
    delivery = deliveries.found(delivery_id)
    return {"id": delivery.id, "replayed": replay.replay_delivery(delivery, by=actor(), now=config.utcnow())}


@router.post(
    "/deliveries/<delivery_id>/settle", tags=["repair"], operation_id="settleDelivery", summary="Settle it by hand"
)
def settle_delivery(delivery_id: Id, found: Outcome) -> Settled:
    """Say what has become of a dead delivery, so that it needs nobody any more."""
    delivery = deliveries.found(delivery_id)
    if delivery.operation == "create_batch" and found.outcome == "dropped":
        raise ServiceError(
            HTTPStatus.CONFLICT, "A batch's items are in no other batch: it can only be replayed, or done."
        )
    if not replay.settle(delivery, found.outcome, by=actor(), now=config.utcnow()):
        raise ServiceError(HTTPStatus.CONFLICT, "Only a dead delivery can be settled.")
    return {"id": delivery.id, "status": "delivered" if found.outcome == "done" else "withdrawn"}


@router.post("/orders/<order_id>/erase", tags=["repair"], operation_id="eraseOrder", summary="Erase personal data")
def erase_order(order_id: Id) -> Erased:
    """The record stays. Dead deliveries are withdrawn; messages that come later are erased by asking again."""
    try:
        order = erasure.erase_order(order_id, by=actor(), now=config.utcnow())
    except erasure.StillPending as error:
        raise ServiceError(
            HTTPStatus.CONFLICT, "A delivery of the order is still to be sent. Ask again later."
        ) from error
    if order is None:
        raise NotFoundError("There is no such order.")
    return {"id": order_id, "erased_at": order.erased_at or ""}


@router.post(
    "/replays", tags=["repair"], operation_id="replayMany", summary="Count what matches, or replay it", status_code=202
)
def replay_many(wanted: Wanted) -> Replays | Counted:
    """A dry run only counts, unless `dry_run` is false. Asked again with the same `Idempotency-Key`, it is one job."""
    of_events = wanted.what == "events"
    if (wanted.state == "dead") == of_events:
        raise BadRequestError("state must be failed or unhandled for events, dead for deliveries")
    if (wanted.destination or wanted.operation) if of_events else (wanted.provider or wanted.topic):
        raise BadRequestError("provider and topic are for events, destination and operation for deliveries")
    key = door.app().current_event.headers.get("idempotency-key") or ""
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
        job = bulk_replay.go_on(job, is_over=lambda: config.utcnow() - now >= BUDGET, now=now)
    return _job(job)


@router.get("/replays", tags=["repair"], operation_id="listReplays", summary="List bulk replays, newest first")
def list_replays(limit: Limit = LIMIT, cursor: Cursor = "") -> Jobs:
    """Those that are over, too."""
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


@router.get("/replays/<job_id>", tags=["repair"], operation_id="getReplay", summary="Show a bulk replay")
def get_replay(job_id: Id) -> Replays:
    """How far it is."""
    return _job(_found(job_id))


@router.post("/replays/<job_id>/cancel", tags=["repair"], operation_id="cancelReplay", summary="Stop a bulk replay")
def cancel_replay(job_id: Id) -> Replays:
    """It goes no further; what it has replayed stays replayed. One that is over stays as it is."""
    job = _found(job_id)
    if job.status == bulk_replay.RUNNING:
        job = bulk_replay.cancel(job)
        actions.record("cancel", job.id, by=actor(), now=config.utcnow())
    return _job(job)


@router.get("/actions", tags=["repair"], operation_id="listActions", summary="List what people did, newest first")
def list_actions(
    target: Annotated[
        str, Query(description="What it was done to: the id of an order, webhook, delivery, replay.")
    ] = "",
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Actions:
    """Who is what the header `X-Actor` said, else the beginning of the token's hash."""
    shown, last = page(
        "actions",
        rows(actions.KIND),
        lambda row: _action(actions.shown(row)),
        index="by_created",
        partitions=[actions.KIND],
        limit=limit,
        cursor=cursor,
        filters={"target": target},
        is_meant=(lambda row: bool(row["target"]["S"] == target)) if target else None,
    )
    return {"actions": shown, "cursor": last}


@router.get("/notifications", tags=["repair"], operation_id="getNotifications", summary="Show how the shop is told")
def get_notifications() -> Notifications:
    """Whether there is an URL, and whether the shop has ended it with 410."""
    return _notifications()


@router.post(
    "/notifications/enable", tags=["repair"], operation_id="enableNotifications", summary="Tell the shop again"
)
def enable_notifications() -> Notifications:
    """After the shop answered 410. What was given up meanwhile is replayed by `POST /replays`."""
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
        raise NotFoundError("There is no such replay, or not any more: they are kept for 400 days.")
    return job


def _job(job: bulk_replay.Job) -> Replays:
    shown: Replays = job.shown()  # type: ignore[assignment]
    return shown


def _action(shown: dict[str, str]) -> ActionShown:
    return {"action": shown["action"], "target": shown["target"], "by": shown["by"], "at": shown["at"]}
