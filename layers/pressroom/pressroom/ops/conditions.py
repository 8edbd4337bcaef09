"""What stands wrong with the installation as a whole, each found in the table or a queue and said in a sentence.

A condition lasts for as long as what shows it does: nothing has to be acknowledged. The monitor looks every quarter of
an hour, keeps what stands in one row, and says since when; `GET /conditions` shows that row.
"""

import itertools
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pressroom import partners
from pressroom.inbox import drift, events, refusals, traffic
from pressroom.order import notifications, outbox
from pressroom.order.facts import destination_of
from pressroom.partners import DESTINATIONS, DISABLED_AFTER, SENDERS
from pressroom.platform import config, table
from pressroom.platform.times import iso
from pressroom.providers.printful import registration

SETTING, ROW = "SETTING", "monitor"
QUEUES = (*DESTINATIONS, "print_files", "park")
"""Whose dead letters are counted; the variables `<NAME>_DEAD_LETTER_QUEUE_URL` name the queues."""
LATE_AFTER = timedelta(hours=1)
OUTDATED_FOR = timedelta(days=1)
"""How long after its last use an old secret counts as still in use."""
DRIFT_FOR = timedelta(days=7)
"""How long a new field or value in a provider's messages is news."""
MOST = 1_000
"""How many of a kind are counted."""
MOST_DELIVERIES = 20_000
"""How many deliveries are looked through: the many of one destination must not hide the few of another."""

SENTENCES = {
    "provider_silent": "Nothing has come from {about} {since_when} although it has orders that it should have told of "
    "by now. Check that its webhook still points here.",
    "endpoint_disabled": "At least {number} requests in a row at {about}'s URL were refused, so {about} has probably "
    "switched its webhook off. Put the secret right, then switch the webhook on again there.",
    "old_secret": "{about} still uses the previous secret (last seen {last}). Give it the current one before you "
    "empty the previous.",
    "printful_webhook": "{state}",
    "payload_drift": "Messages {about} hold something that Pressroom does not know, seen for the first time {last}. "
    "Nothing is lost; it may be worth an update.",
    "webhooks_parked": "Received webhooks that could not be processed: {number}. They are kept: replay them once the "
    "cause is mended.",
    "webhooks_unhandled": "Received webhooks of kinds that Pressroom has no function for: {number}. They are kept.",
    "deliveries_dead": "Deliveries to {about} that were given up: {number}. They wait for a person to replay them.",
    "deliveries_late": "A delivery to {about} has been waiting since {last}. It is still tried, or waits for one "
    "before it that was given up.",
    "dead_letters": "Letters in the dead-letter queue for {about}: {number}. Something failed in Pressroom itself.",
    "storefront_disabled": "The shop answered 410 on {last}, so it is told nothing until that is enabled again.",
}
"""What a merchant is told, by the name of the condition."""
NAMES = partners.NAMES | {
    "print_files": "the questions for print files",
    "park": "webhooks that failed",
}
"""What the sentences call providers and queues."""
NEVER = "yet, or not for 45 days,"
"""What is said of who has not been heard for as long as webhooks are kept."""
METRICS = {
    "provider_silent": "ProvidersSilent",
    "endpoint_disabled": "EndpointsDisabled",
    "old_secret": "OldSecretsInUse",
}
"""The metrics of those that no metric counts as they happen."""
WRONG = {
    registration.State.LOST: "At Printful no webhook is registered. What happens there meanwhile is not heard.",
    registration.State.REPLACED: "At Printful somebody else's URL is registered for webhooks. What happens there "
    "meanwhile is not heard.",
    registration.State.CHANGED: "At Printful another webhook is registered than should be: with an old token, or "
    "other types or products. Some of what happens there is not heard.",
    registration.State.NOT_ASKED: "Printful could not be asked whether its webhooks still come here. It is asked "
    "again every hour; if this lasts, see whether the token of its API is still valid.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that stands wrong. `about` is a provider, a queue or a topic, or empty; `since` is when it was seen."""

    name: str
    about: str = ""
    since: str
    text: str

    @property
    def id(self) -> str:
        """The name of this very condition, for as long as it stands."""
        return f"{self.name}/{self.about}" if self.about else self.name

    def shown(self) -> dict[str, str]:
        """Return the condition as the API shows it."""
        return {"id": self.id, **asdict(self)}


class Found(NamedTuple):
    """What was found at the orders: how many there are with a reason for attention, and which providers are due."""

    reasons: Mapping[str, int] = {}
    waiting: tuple[str, ...] = ()

    def more(self, other: "Found") -> "Found":
        """Add what was found at other orders."""
        return Found(Counter(self.reasons) + Counter(other.reasons), self._due(other))

    def still(self, other: "Found") -> "Found":
        """Return what stands as long as one of two looks at the same orders has found it."""
        return Found(Counter(self.reasons) | Counter(other.reasons), self._due(other))

    def _due(self, other: "Found") -> tuple[str, ...]:
        return tuple(sorted({*self.waiting, *other.waiting}))


NOTHING = Found()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the monitor has left: what stands, the hours that it has counted, and where its next look begins.

    `whole` is what was found when all orders were looked at for the last time, `part` what has been since.
    """

    looked_at: str | None = None
    standing: tuple[Condition, ...] = ()
    counted: traffic.Counted
    beyond: str = ""
    whole: Found = NOTHING
    part: Found = NOTHING


def read() -> Row:
    """Read what the monitor has left."""
    row = table.get(SETTING, ROW)
    if row is None:
        return Row(counted={})
    content = json.loads(table.unpack(row["content"]))
    standing = tuple(Condition(**each) for each in content["standing"])
    return Row(
        looked_at=row["looked_at"]["S"],
        standing=standing,
        counted=content["counted"],
        beyond=content["beyond"],
        whole=Found(*content["whole"]),
        part=Found(*content["part"]),
    )


def keep(row: Row) -> None:
    """Keep a row for the next look, and for whoever asks."""
    content = {
        "standing": [asdict(each) for each in row.standing],
        "counted": row.counted,
        "beyond": row.beyond,
        "whole": row.whole,
        "part": row.part,
    }
    item = table.pk(SETTING, ROW) | {
        "looked_at": {"S": row.looked_at or ""},
        "content": table.pack(json.dumps(content).encode()),
    }
    config.client("dynamodb").put_item(TableName=table.name(), Item=item)


def look(
    before: Collection[Condition], silent: Mapping[str, float], waiting: Collection[str], now: datetime
) -> list[Condition]:
    """Return what stands now, with the times from which it does.

    `silent`: after how many hours a provider is; `waiting`: those that should have told of an order for so long.
    """
    since = {each.id: each.since for each in before}
    found = (
        *_silent(silent, waiting, now),
        *_disabled(now),
        *_outdated(now),
        *_printful(),
        *_drift(now),
        *_set_aside(),
        *_deliveries(now),
        *_shop(),
    )
    standing = []
    for name, about, words in found:
        text = SENTENCES[name].format(about=NAMES.get(about, f"of {about}"), **words)
        condition = Condition(name=name, about=about, since=iso(now), text=text[:1].upper() + text[1:])
        standing.append(replace(condition, since=since.get(condition.id, condition.since)))
    return standing


type _Found = Iterator[tuple[str, str, dict[str, Any]]]


def _silent(silent: Mapping[str, float], waiting: Collection[str], now: datetime) -> _Found:
    for provider in sorted(waiting):
        last = traffic.last_at(provider)
        if last is None or last < iso(now - timedelta(hours=silent[provider])):
            yield "provider_silent", provider, {"since_when": f"since {_day(last)}," if last else NEVER}


def _disabled(now: datetime) -> _Found:
    for provider, limit in DISABLED_AFTER.items():
        number = refusals.in_a_row(provider, since=traffic.last_at(provider) or "", now=now)
        if number >= limit:
            yield "endpoint_disabled", provider, {"number": number}


def _outdated(now: datetime) -> _Found:
    for provider in SENDERS:
        places, _ = table.positions("by_attention", [f"{events.OUTDATED}/{provider}"], limit=1)
        if places and places[0] > iso(now - OUTDATED_FOR):
            yield "old_secret", provider, {"last": _day(places[0])}


def _printful() -> _Found:
    state = registration.seen()
    if state in WRONG and registration.wanted().wanted:
        yield "printful_webhook", "printful", {"state": WRONG[state]}


def _drift(now: datetime) -> _Found:
    places, _ = table.positions("by_state", [f"{drift.KIND}#{drift.LISTED}"], limit=MOST)
    for place in places:
        if place > iso(now - DRIFT_FOR):
            yield "payload_drift", table.id_at(place), {"last": _day(place)}


def _set_aside() -> _Found:
    for name, state in (("webhooks_parked", events.State.FAILED), ("webhooks_unhandled", events.State.UNHANDLED)):
        number, more = table.count("by_state", f"{events.KIND}#{state}", limit=MOST)
        if number:
            yield name, "", {"number": _number(number, more)}


def _deliveries(now: datetime) -> _Found:
    dead = Counter[str]()
    for place in _pages(outbox.State.DEAD):
        dead[destination_of(table.id_at(place))] += 1
    more = dead.total() == MOST_DELIVERIES
    for destination, number in sorted(dead.items()):
        yield "deliveries_dead", destination, {"number": _number(min(number, MOST), more or number > MOST)}
    late = dict[str, str]()
    for place in itertools.takewhile(lambda place: place < iso(now - LATE_AFTER), _pages(outbox.State.PENDING)):
        late.setdefault(destination_of(table.id_at(place)), place)
    for destination, place in sorted(late.items()):
        yield "deliveries_late", destination, {"last": _day(place)}
    for queue in QUEUES:
        url, wanted = config.setting(f"{queue.upper()}_DEAD_LETTER_QUEUE_URL"), "ApproximateNumberOfMessages"
        answer = config.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[wanted])
        number = int(answer["Attributes"][wanted])
        # Else the letters are those of the deliveries, or may be those of deliveries that are not counted any more.
        if number > dead[queue] and not (more and queue in DESTINATIONS):
            yield "dead_letters", queue, {"number": number}


def _pages(state: outbox.State) -> Iterator[str]:
    """Yield where deliveries of a state stand, oldest first, MOST_DELIVERIES at most."""
    return table.walk("by_state", f"{outbox.KIND}#{state}", most=MOST_DELIVERIES)


def _shop() -> _Found:
    if notifications.is_on() and (at := notifications.disabled_at()):
        yield "storefront_disabled", "", {"last": _day(at)}


def _number(number: int, more: bool) -> str:
    return f"more than {number}" if more else str(number)


def _day(at: str) -> str:
    """Write a time, or a place in an index, for a person."""
    return f"{at[:10]} {at[11:16]} UTC"
