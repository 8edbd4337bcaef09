"""Health conditions: what is wrong with the installation as a whole, each found in the table or in a queue.

A condition lasts as long as its cause: nobody has to acknowledge it. The monitor evaluates all of them every 15 minutes
and stores the result (`monitor_state`), which `GET /conditions` shows.
"""

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from pressroom import partners
from pressroom.inbox import drift, events, refusals, traffic
from pressroom.ops import refused
from pressroom.ops.monitor_state import Condition
from pressroom.order import notifications, outbox
from pressroom.order.facts import destination_of
from pressroom.partners import DESTINATIONS, DISABLED_AFTER, SENDERS
from pressroom.platform import config, table
from pressroom.platform.times import iso
from pressroom.platform.words import counted
from pressroom.providers.printful import registration_state, stores

QUEUES = (*DESTINATIONS, "print_files", "park")
"""The queues whose dead-letter messages are counted; the variables `<NAME>_DEAD_LETTER_QUEUE_URL` hold their URLs."""
LATE_AFTER = timedelta(hours=1)
OUTDATED_FOR = timedelta(days=1)
"""How long after its last use an old secret counts as still in use."""
DRIFT_FOR = timedelta(days=7)
"""How long a new field or value in a provider's messages is shown."""
FOREIGN_FOR = timedelta(days=7)
"""How long after the last webhook of a store at Printful that is not ours it is shown."""
MOST_NAMED = 5
"""How many reasons a sentence names."""
MOST = 1_000
"""How many items of a kind are counted at most."""
MOST_DELIVERIES = 20_000
"""How many deliveries are read at most: the many of one destination must not hide the few of another."""

SENTENCES = {
    "provider_silent": "No webhook from {about} {period}, although it has open orders that it should have reported on. "
    "Check that its webhook points to Pressroom.",
    "endpoint_disabled": "At least {number} requests in a row to {about}'s URL were rejected, so {about} has probably "
    "disabled its webhook. Correct the secret, then enable the webhook at {about} again.",
    "old_secret": "{about} still uses the previous secret (last used {at}). Enter the current secret there before "
    "you empty the previous one.",
    "printful_webhook": "{problem}",
    "foreign_store": "A store at Printful that is not yours sends its webhooks to your URL: {about} (last one {at}). "
    "Pressroom keeps them and applies none. If the store is yours too, run `pressroom printful-store accept {about}`; "
    "otherwise give that store another URL at Printful.",
    "payload_drift": "Messages of {about} contain fields or values that Pressroom does not know, first received {at}. "
    "Nothing is lost. A newer version of Pressroom may know them.",
    "genuine_refused": "{count} refused in the last week although the credentials were right, the latest at {at}. "
    "{reasons} Pressroom keeps no refused message. Correct the sender, or report the case; then send again what was "
    "refused.",
    "webhooks_parked": "{count} could not be processed. Nothing is lost: fix the cause, then start a replay.",
    "webhooks_unhandled": "Pressroom has no function for the topic of {count}. Nothing is lost: deploy a "
    "version that has the topic, then start a replay.",
    "deliveries_dead": "{count} to {about} failed for good. Fix the cause, then start a replay.",
    "deliveries_late": "A delivery to {about} has been waiting since {at}. Pressroom is still trying to send it, or it "
    "waits behind a dead delivery of the same order.",
    "dead_letters": "{count} in the dead-letter queue for {about}: an error inside Pressroom.",
    "storefront_disabled": "The shop answered a notification with 410 on {at}. Pressroom sends the shop none "
    "until you enable notifications again.",
}
"""By the name of a condition, the sentence that a merchant reads."""
NAMES = partners.NAMES | {
    "print_files": "print file requests",
    "park": "failed webhooks",
}
"""What the sentences call partners and queues."""
NEVER = "in the last 45 days"
"""The period in the sentence if no webhook is known: webhooks are kept for 45 days."""
METRICS = {
    "provider_silent": "ProvidersSilent",
    "endpoint_disabled": "EndpointsDisabled",
    "old_secret": "OldSecretsInUse",
}
"""The metrics of the conditions that no metric counts as they happen."""


def evaluate(
    before: Collection[Condition], silent_after: Mapping[str, float], overdue: Collection[str], now: datetime
) -> list[Condition]:
    """Return the conditions that are true now; those that were true `before` keep their `since`.

    `silent_after` holds hours by provider; `overdue` are the providers that have not reported on an order in that time.
    """
    since = {each.id: each.since for each in before}
    found = (
        *_silent(silent_after, overdue, now),
        *_disabled(now),
        *_outdated(now),
        *_printful(),
        *_stores(now),
        *_drift(now),
        *_refused(now),
        *_set_aside(),
        *_deliveries(now),
        *_shop(),
    )
    conditions = []
    for name, about, values in found:
        text = SENTENCES[name].format(about=NAMES.get(about, about), **values)
        condition = Condition(name=name, about=about, since=iso(now), text=text[:1].upper() + text[1:])
        conditions.append(replace(condition, since=since.get(condition.id, condition.since)))
    return conditions


type _Found = Iterator[tuple[str, str, dict[str, object]]]
"""The name of a condition, what it is about, and the values of its sentence."""


def _silent(silent_after: Mapping[str, float], overdue: Collection[str], now: datetime) -> _Found:
    for provider in sorted(overdue):
        last = traffic.last_at(provider)
        if last is None or last < iso(now - timedelta(hours=silent_after[provider])):
            yield "provider_silent", provider, {"period": f"since {_minute(last)}" if last else NEVER}


def _disabled(now: datetime) -> _Found:
    for provider, limit in DISABLED_AFTER.items():
        number = refusals.in_a_row(provider, since=traffic.last_at(provider) or "", now=now)
        if number >= limit:
            yield "endpoint_disabled", provider, {"number": number}


def _outdated(now: datetime) -> _Found:
    for provider in SENDERS:
        places, _ = table.positions("by_attention", [f"{events.OUTDATED}/{provider}"], limit=1)
        if places and places[0] > iso(now - OUTDATED_FOR):
            yield "old_secret", provider, {"at": _minute(places[0])}


def _printful() -> _Found:
    if problem := registration_state.problem():
        yield "printful_webhook", "printful", {"problem": problem}


def _stores(now: datetime) -> _Found:
    for store, at in stores.foreign():
        if at > iso(now - FOREIGN_FOR):
            yield "foreign_store", store, {"at": _minute(at)}


def _drift(now: datetime) -> _Found:
    places, _ = table.positions("by_state", [f"{drift.KIND}#{drift.LISTED}"], limit=MOST)
    for place in places:
        if place > iso(now - DRIFT_FOR):
            yield "payload_drift", table.id_at(place), {"at": _minute(place)}


def _refused(now: datetime) -> _Found:
    known = refusals.genuine(now)
    if known.number:
        named = [refused.sentence(reason, number) for reason, number in known.reasons.items()]
        rest = len(named) - MOST_NAMED
        more = [f"`pressroom overview` shows {counted(rest, 'further reason')}."] if rest > 0 else []
        count = f"{counted(known.number, 'webhook')} {'was' if known.number == 1 else 'were'}"
        reasons = " ".join(named[:MOST_NAMED] + more)
        yield "genuine_refused", "", {"count": count, "at": _minute(known.last_at), "reasons": reasons}


def _set_aside() -> _Found:
    for name, state in (("webhooks_parked", events.State.FAILED), ("webhooks_unhandled", events.State.UNHANDLED)):
        number, more = table.count("by_state", f"{events.KIND}#{state}", limit=MOST)
        if number:
            yield name, "", {"count": counted(number, "received webhook", more=more)}


def _deliveries(now: datetime) -> _Found:
    dead = Counter[str]()
    for place in _pages(outbox.State.DEAD):
        dead[destination_of(table.id_at(place))] += 1
    more = dead.total() == MOST_DELIVERIES
    for destination, number in sorted(dead.items()):
        count = counted(min(number, MOST), "delivery", "deliveries", more=more or number > MOST)
        yield "deliveries_dead", destination, {"count": count}
    late = dict[str, str]()
    for place in itertools.takewhile(lambda place: place < iso(now - LATE_AFTER), _pages(outbox.State.PENDING)):
        late.setdefault(destination_of(table.id_at(place)), place)
    for destination, place in sorted(late.items()):
        yield "deliveries_late", destination, {"at": _minute(place)}
    for queue in QUEUES:
        url, attribute = config.setting(f"{queue.upper()}_DEAD_LETTER_QUEUE_URL"), "ApproximateNumberOfMessages"
        answer = config.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])
        number = int(answer["Attributes"][attribute])
        # Otherwise the messages are those of dead deliveries, or may be those of deliveries beyond MOST_DELIVERIES.
        if number > dead[queue] and not (more and queue in DESTINATIONS):
            yield "dead_letters", queue, {"count": counted(number, "message")}


def _pages(state: outbox.State) -> Iterator[str]:
    """Yield the index positions of deliveries in a state, oldest first, MOST_DELIVERIES at most."""
    return table.walk("by_state", f"{outbox.KIND}#{state}", most=MOST_DELIVERIES)


def _shop() -> _Found:
    if notifications.is_on() and (at := notifications.disabled_at()):
        yield "storefront_disabled", "", {"at": _minute(at)}


def _minute(at: str) -> str:
    """Write a time, or the time of an index position, for a person."""
    return f"{at[:10]} {at[11:16]} UTC"
