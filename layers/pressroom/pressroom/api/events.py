"""Received webhooks and the state of each."""

import base64
from collections.abc import Mapping
from typing import Annotated, TypedDict

from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Query

from pressroom.api.common import LIMIT, MOST_READ, Cursor, Id, Limit, Source, new_router, page
from pressroom.inbox import events as inbox
from pressroom.inbox.events import Event, State
from pressroom.partners import SOURCES
from pressroom.platform import table

router = new_router()

_SET_ASIDE = (State.FAILED, State.UNHANDLED)


class EventInList(TypedDict):
    """A received webhook. `error` says why it is `failed`; `order_id` is set once the webhook is processed."""

    id: str
    provider: str
    topic: str
    received_at: str
    state: State
    error: str | None
    order_id: str | None
    replays: int


class EventShown(EventInList):
    """A received webhook with its body, without credentials: `body` as text, or `body_base64` if it is not UTF-8."""

    body: str | None
    body_base64: str | None
    body_erased: bool


class Events(TypedDict):
    """A page of received webhooks."""

    events: list[EventInList]
    cursor: str | None


@router.get("/events", tags=["events"], operation_id="listEvents", summary="List received webhooks, newest first")
def list_events(
    state: Annotated[State | None, Query(description="Only webhooks in this state.")] = None,
    provider: Annotated[
        Source | None, Query(description="Only webhooks of this provider. `ops`: requests to the ops API.")
    ] = None,
    topic: Annotated[str | None, Query(description="Only webhooks of this topic, such as `item_shipped`.")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Events:
    """The list has no bodies. Webhooks in the states `failed` and `unhandled` need a person."""
    is_set_aside = state in _SET_ASIDE
    prefix = f"{provider}-" if provider and is_set_aside else ""
    wanted = (provider,) if provider else SOURCES

    def matches(event: Event) -> bool:
        return (state is None or is_set_aside or event.state is state) and (topic is None or event.topic == topic)

    shown, last = page(
        "events",
        _read,
        event_in_list,
        index="by_state" if is_set_aside else "by_created",
        partitions=state.lists() if state and is_set_aside else [f"{inbox.KIND}/{each}" for each in wanted],
        limit=limit,
        cursor=cursor,
        filters={"state": state, "provider": provider, "topic": topic},
        id_matches=(lambda event_id: event_id.startswith(prefix)) if prefix else None,
        matches=matches if topic or (state and not is_set_aside) else None,
        most=MOST_READ // 2,  # an event is two rows
    )
    return {"events": shown, "cursor": last}


@router.get("/events/<event_id>", tags=["events"], operation_id="getEvent", summary="Get a received webhook")
def get_event(event_id: Id) -> EventShown:
    """A received webhook with its state and its body. Credentials are removed from the body."""
    event = found(event_id)
    text, raw = _body(event)
    return {**event_in_list(event), "body": text, "body_base64": raw, "body_erased": event.erased}


def found(event_id: str) -> Event:
    """Read a received webhook, or answer 404."""
    event = inbox.get(event_id)
    if event is None:
        raise NotFoundError("There is no such webhook. Webhooks are kept for 45 days.")
    return event


def event_in_list(event: Event) -> EventInList:
    """Return a received webhook as a list shows it."""
    return {
        "id": event.id,
        "provider": event.provider,
        "topic": event.topic,
        "received_at": event.received_at,
        "state": event.state,
        "error": event.error,
        "order_id": event.order_id,
        "replays": event.replays,
    }


def _body(event: Event) -> tuple[str | None, str | None]:
    if event.erased:
        return None, None
    try:
        return event.body.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(event.body).decode()


def _read(ids: list[str]) -> Mapping[str, Event]:
    """Read webhooks, and the rows that record their processing, 100 rows at a time."""
    found: dict[str, Event] = {}
    for some in (ids[:50], ids[50:]):
        read = table.get_many([(kind, each) for each in some for kind in (inbox.KIND, inbox.DONE)])
        ends = {table.identity_of(row): row for row in read if row["pk"]["S"].startswith(f"{inbox.DONE}#")}
        found |= {
            each: Event.of(row, ends.get(each))
            for row in read
            for each in [table.identity_of(row)]
            if row["pk"]["S"].startswith(f"{inbox.KIND}#")
        }
    return found
