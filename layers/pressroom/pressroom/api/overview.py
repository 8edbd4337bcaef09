"""The overview: counts of orders, webhooks and deliveries, the traffic by provider, and the health conditions."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypedDict

from pressroom.api.common import new_router
from pressroom.inbox import events, refusals, traffic
from pressroom.ops import monitor_state, refused
from pressroom.order import outbox, repository
from pressroom.order.facts import destination_of
from pressroom.order.model import Status
from pressroom.partners import DESTINATIONS, SENDERS
from pressroom.platform import config, table
from pressroom.platform.times import iso

router = new_router()

COUNTED = tuple(each for each in Status if each is not Status.LINKED)
"""The statuses of orders. A linked record is none: its order is counted."""

MOST = 1_000
"""How many items of a kind are counted at most: nobody needs the exact number of more, and the reads stay bounded."""
AT_ONCE = 8
"""How many queries run at a time."""


class Counted(TypedDict):
    """A number of orders, webhooks or deliveries. If `more` is true, counting stopped at this number."""

    count: int
    more: bool


class OrdersCounted(Counted):
    """The number of orders with a status."""

    status: Status


class DeliveriesCounted(TypedDict):
    """The numbers of pending and of dead deliveries to a destination."""

    destination: str
    pending: Counted
    dead: Counted


class WebhooksCounted(TypedDict):
    """The numbers of received webhooks that need a person, by their state, without those of foreign stores."""

    failed: Counted
    unhandled: Counted


class RefusedFor(TypedDict):
    """A reason for which webhooks with the right credentials were refused in the last week, and how many were.

    `text` is the two as a sentence.
    """

    reason: str
    count: int
    text: str


class Heard(TypedDict):
    """The number of webhooks of a provider in each of `hours`. If `more` is true, the last hours had more than that."""

    provider: str
    last_heard_at: str | None
    received: list[int]
    more: bool


class Overview(TypedDict):
    """The installation at a glance. `hours` holds the beginning of each hour of the last day, the current one last."""

    at: str
    orders: list[OrdersCounted]
    attention: Counted
    deliveries: list[DeliveriesCounted]
    webhooks: WebhooksCounted
    refused: list[RefusedFor]
    hours: list[str]
    providers: list[Heard]


class ConditionShown(TypedDict):
    """A health condition that is true, with a sentence. `about` is the provider, queue or topic concerned."""

    id: str
    name: str
    about: str
    since: str
    text: str


class Conditions(TypedDict):
    """The health conditions that are true. `looked_at` is the time of the latest check, null before the first check."""

    conditions: list[ConditionShown]
    looked_at: str | None


@router.get("/overview", tags=["overview"], operation_id="getOverview", summary="Get the overview")
def get_overview() -> Overview:
    """At most 1,000 orders, webhooks or deliveries of each kind are counted."""
    now = config.utcnow()
    known = monitor_state.read().counted
    with ThreadPoolExecutor(AT_ONCE) as pool:  # a hundred small queries, which mostly wait
        by_status = {each: pool.submit(_count, "by_state", f"{repository.KIND}#{each}") for each in COUNTED}
        rejected = pool.submit(refusals.genuine, now)
        attention = pool.submit(_count, "by_attention", repository.KIND)
        pending, dead = (pool.submit(_by_destination, each) for each in (outbox.State.PENDING, outbox.State.DEAD))
        failed, unhandled = (
            pool.submit(_count, "by_state", f"{events.KIND}#{each}")
            for each in (events.State.FAILED, events.State.UNHANDLED)
        )
        received = {each: pool.submit(traffic.received, each, known.get(each, {}), now=now) for each in SENDERS}
    return {
        "at": iso(now),
        "orders": [{"status": status, **counted.result()} for status, counted in by_status.items()],
        "attention": attention.result(),
        "deliveries": [
            {"destination": each, "pending": pending.result()(each), "dead": dead.result()(each)}
            for each in DESTINATIONS
        ],
        "webhooks": {"failed": failed.result(), "unhandled": unhandled.result()},
        "refused": [
            {"reason": reason, "count": number, "text": refused.sentence(reason, number)}
            for reason, number in rejected.result().reasons.items()
        ],
        "hours": traffic.hours(now),
        "providers": [_traffic(provider, result) for provider, result in received.items()],
    }


@router.get("/conditions", tags=["overview"], operation_id="listConditions", summary="List health conditions")
def list_conditions() -> Conditions:
    """The problems of the installation as a whole. The problems of an order are in the order's `attention`."""
    row = monitor_state.read()
    shown: list[ConditionShown] = [each.shown() for each in row.standing]  # type: ignore[misc]
    return {"conditions": shown, "looked_at": row.looked_at}


def _count(index: str, partition: str) -> Counted:
    number, more = table.count(index, partition, limit=MOST)
    return {"count": number, "more": more}


def _by_destination(state: outbox.State) -> Callable[[str], Counted]:
    places, more = table.positions("by_state", [f"{outbox.KIND}#{state}"], limit=MOST)
    counted = Counter(destination_of(table.id_at(place)) for place in places)
    return lambda destination: {"count": counted[destination], "more": more}


def _traffic(provider: str, received: "Future[traffic.Received]") -> Heard:
    counts, more, last_at = received.result()
    return {"provider": provider, "last_heard_at": last_at, "received": counts, "more": more}
