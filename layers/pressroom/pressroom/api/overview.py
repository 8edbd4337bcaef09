"""What a merchant sees first: how many there are of what, who was heard when, and what stands wrong."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypedDict

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from pressroom.inbox import events
from pressroom.order import outbox, repository
from pressroom.order.facts import destination_of
from pressroom.order.model import Status
from pressroom.partners import DESTINATIONS, SENDERS
from pressroom.platform import config, table
from pressroom.platform.times import iso

if TYPE_CHECKING:
    from pressroom.inbox import traffic

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

MOST = 1_000
"""How many of a kind are counted: nobody acts on the exact number of more, and what is read stays bounded."""
AT_ONCE = 8
"""How many questions are put to the table at a time."""


class Counted(TypedDict):
    """How many there are; with `more` there are more than were counted."""

    count: int
    more: bool


class OrdersCounted(Counted):
    """How many orders stand where."""

    status: Status


class DeliveriesCounted(TypedDict):
    """What waits to be sent, and what was given up."""

    destination: str
    pending: Counted
    dead: Counted


class WebhooksCounted(TypedDict):
    """Received webhooks that need a person."""

    failed: Counted
    unhandled: Counted


class Heard(TypedDict):
    """What came from a provider in each of `hours`; `more` if there was more in the last of them than was counted."""

    provider: str
    last_heard_at: str | None
    received: list[int]
    more: bool


class Overview(TypedDict):
    """Everything at a glance. `hours` is when each hour of the last day began, the current one last."""

    at: str
    orders: list[OrdersCounted]
    attention: Counted
    deliveries: list[DeliveriesCounted]
    webhooks: WebhooksCounted
    hours: list[str]
    providers: list[Heard]


class ConditionShown(TypedDict):
    """What stands wrong with the installation as a whole, in a sentence. `about`: a provider, a queue, a topic."""

    id: str
    name: str
    about: str
    since: str
    text: str


class Conditions(TypedDict):
    """What stands; `looked_at` is null until the first look, which is made every quarter of an hour."""

    conditions: list[ConditionShown]
    looked_at: str | None


@router.get("/overview", tags=["overview"], operation_id="getOverview", summary="Show everything at a glance")
def get_overview() -> Overview:
    """Of each kind a thousand are counted at most."""
    from pressroom.inbox import traffic
    from pressroom.ops import conditions

    now = config.utcnow()
    known = conditions.read().counted
    with ThreadPoolExecutor(AT_ONCE) as pool:  # a hundred small questions, most of whose time is waiting
        by_status = {each: pool.submit(_count, "by_state", f"{repository.KIND}#{each}") for each in Status}
        attention = pool.submit(_count, "by_attention", repository.KIND)
        pending, dead = (pool.submit(_by_destination, each) for each in (outbox.State.PENDING, outbox.State.DEAD))
        failed, unhandled = (
            pool.submit(_count, "by_state", f"{events.KIND}#{each}")
            for each in (events.State.FAILED, events.State.UNHANDLED)
        )
        heard = {each: pool.submit(traffic.received, each, known.get(each, {}), now=now) for each in SENDERS}
    return {
        "at": iso(now),
        "orders": [{"status": status, **counted.result()} for status, counted in by_status.items()],
        "attention": attention.result(),
        "deliveries": [
            {"destination": each, "pending": pending.result()(each), "dead": dead.result()(each)}
            for each in DESTINATIONS
        ],
        "webhooks": {"failed": failed.result(), "unhandled": unhandled.result()},
        "hours": traffic.hours(now),
        "providers": [_heard(provider, received) for provider, received in heard.items()],
    }


@router.get(
    "/conditions", tags=["overview"], operation_id="listConditions", summary="List what stands wrong as a whole"
)
def list_conditions() -> Conditions:
    """What is wrong with one order stands in its `attention`."""
    from pressroom.ops import conditions

    row = conditions.read()
    shown: list[ConditionShown] = [each.shown() for each in row.standing]  # type: ignore[misc]
    return {"conditions": shown, "looked_at": row.looked_at}


def _count(index: str, partition: str) -> Counted:
    number, more = table.count(index, partition, limit=MOST)
    return {"count": number, "more": more}


def _by_destination(state: outbox.State) -> Callable[[str], Counted]:
    places, more = table.positions("by_state", [f"{outbox.KIND}#{state}"], limit=MOST)
    counted = Counter(destination_of(table.id_at(place)) for place in places)
    return lambda destination: {"count": counted[destination], "more": more}


def _heard(provider: str, received: "Future[traffic.Received]") -> Heard:
    counts, more, last_at = received.result()
    return {"provider": provider, "last_heard_at": last_at, "received": counts, "more": more}
