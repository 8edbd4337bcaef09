"""Replaying many webhooks or deliveries as a job: at a rate, up to a limit, until it is finished or canceled.

A job is a row. The request that made it works on it first, then `functions/replays` every minute. Each claims the
minute with a conditional write, so the rate holds. Progress is saved after each page. After a crash a page is repeated:
what was replayed before does not match any more.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.ops import dead_letters, replay
from pressroom.order import outbox
from pressroom.order.facts import destination_of
from pressroom.order.outbox import Delivery
from pressroom.partners import DESTINATIONS
from pressroom.platform import config, table
from pressroom.platform.times import iso
from pressroom.providers.printful import stores

KIND, RUNNING = "JOB", "running"
KEPT_FOR = timedelta(days=400)
PAGE = 25
MOST_COUNTED = 1000

type Item = Event | Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What to replay: webhooks that are `failed` or `unhandled`, or deliveries that are `dead`.

    `source` is the provider or the destination, `name` the topic or the operation; `since` and `until` limit the time
    of receipt or creation; `store` is that of webhooks of Printful that were parked because of it. An empty criterion
    matches everything.
    """

    what: Literal["events", "deliveries"]
    state: str
    source: str = ""
    name: str = ""
    since: str = ""
    until: str = ""
    store: str = ""

    def kind(self) -> str:
        """Return the kind of row that can match."""
        return events.KIND if self.what == "events" else outbox.KIND

    def read(self, row: table.Item) -> Item:
        """Read a row of that kind."""
        return Event.of(row) if self.what == "events" else Delivery.of(row)

    def matches(self, item: Item) -> bool:
        """Return whether an item matches."""
        if isinstance(item, Event):
            source, name = item.provider, item.topic
            if self.store and not stores.is_of(self.store, item.error):
                return False
        else:
            source, name = destination_of(item.id), item.operation
        return item.state == self.state and self.source in ("", source) and self.name in ("", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A bulk replay. It replays `limit` items at most, and continues at `position` in the index."""

    id: str
    criteria: Criteria
    limit: int
    per_minute: int
    by: str
    requested_at: str
    status: Literal["running", "finished", "canceled"] = "running"
    matched: int = 0
    replayed: int = 0
    position: str = ""

    @classmethod
    def of(cls, item: table.Item) -> "Job":
        """Read a row."""
        known = json.loads(item["job"]["S"])
        return cls(**known | {"criteria": Criteria(**known["criteria"]), "status": item["state"]["S"]})

    def attributes(self) -> table.Item:
        """Return the attributes of the row that change."""
        return {"job": {"S": json.dumps(asdict(self))}, "state": {"S": self.status}}

    def shown(self) -> dict[str, Any]:
        """Return the job as the API shows it."""
        hidden = {"position", "criteria"}
        shown = {name: value for name, value in asdict(self).items() if name not in hidden}
        return shown | asdict(self.criteria) | {"skipped": self.matched - self.replayed}


def _matching(criteria: Criteria, before: str, position: str) -> Iterator[tuple[str, list[Item], int]]:
    """Yield pages, oldest first: the position of its end, its matching items, and how many rows were read."""
    since = position or (f"{criteria.since}#" if criteria.since else "")
    lists = events.State(criteria.state).lists() if criteria.what == "events" else [f"{outbox.KIND}#{criteria.state}"]
    until = f"{min(before, criteria.until or before)}#~"  # after every id of that instant
    while True:
        places, more = table.positions("by_state", lists, limit=PAGE, beyond=since, newest_first=False)
        there = [place for place in places if place <= until]
        rows = {
            table.identity_of(row): row
            for row in table.get_many([(criteria.kind(), table.id_at(place)) for place in there])
        }
        read = [criteria.read(rows[each]) for each in map(table.id_at, there) if each in rows]
        if there:
            yield there[-1], [item for item in read if criteria.matches(item)], len(there)
            since = there[-1]
        if not more or len(there) < len(places):
            return


def count(criteria: Criteria, *, now: datetime) -> tuple[int, bool]:
    """Count the matching items among the oldest MOST_COUNTED rows; return whether there are no further rows."""
    matching, read = 0, 0
    for _, items, rows in _matching(criteria, iso(now), ""):
        if read + rows > MOST_COUNTED:
            return matching, False
        matching, read = matching + len(items), read + rows
    return matching, True


def start(criteria: Criteria, *, limit: int, per_minute: int, by: str, key: str, now: datetime) -> tuple[Job, bool]:
    """Make a job, and return whether it is new. The same key (without one, the same instant) returns the same job."""
    at = iso(now)
    identity = table.digest("key", key) if key else table.digest(by, json.dumps(asdict(criteria)), at)
    job = Job(id=identity, criteria=criteria, limit=limit, per_minute=per_minute, by=by, requested_at=at)
    row = table.pk(KIND, identity) | {
        **job.attributes(),
        **table.state_index(KIND, RUNNING, identity, at),
        **table.created_index(KIND, identity, at),
        **table.until(now + KEPT_FOR),
    }
    known = table.put(row, old=True)
    return (job, True) if known is None else (Job.of(known), False)


def get(job_id: str) -> Job | None:
    """Read a job."""
    item = table.get(KIND, job_id)
    return Job.of(item) if item else None


def running() -> list[Job]:
    """Return the running jobs, the oldest first."""
    ids, _ = table.oldest("by_state", f"{KIND}#{RUNNING}", limit=100)
    jobs = {job.id: job for job in map(Job.of, table.get_many([(KIND, each) for each in ids]))}
    return [jobs[each] for each in ids if each in jobs]


def cancel(job: Job) -> Job:
    """Stop a job, and return its new state; one that has ended stays as it is."""
    _save(replace(job, status="canceled"))
    return get(job.id) or job


def work(job: Job, *, is_over: Callable[[], bool], now: datetime) -> Job:
    """Replay a job's share of this minute, as far as time allows; nothing if another run has claimed the minute."""
    minute = now.replace(second=0, microsecond=0)
    claim = {"claimed_at": {"S": iso(minute)}}
    condition = "#claimed_at < :claimed_at OR attribute_not_exists(#claimed_at)"
    if job.status != RUNNING or not table.update(KIND, job.id, assign=claim, condition=condition):
        return job
    share = job.per_minute
    for position, items, _ in _matching(job.criteria, job.requested_at, job.position):
        for item in items:
            if not share or job.matched == job.limit:
                break
            share -= 1
            job = replace(job, matched=job.matched + 1, replayed=job.replayed + _replay(item, job))
            job = replace(job, position=_place(item))
        else:
            job = replace(job, position=position)
        if job.matched == job.limit:
            break
        if not _save(job):  # it was canceled
            return _swept(get(job.id) or job)
        if not share or is_over():
            return _swept(job)
    job = replace(job, status="finished")
    _save(job)
    return _swept(get(job.id) or job)


def _place(item: Item) -> str:
    return f"{item.received_at if isinstance(item, Event) else item.created_at}#{item.id}"


def _replay(item: Item, job: Job) -> bool:
    by, now = f"{job.by} (replays {job.id})", config.utcnow()
    if isinstance(item, Event):
        return replay.replay_event(item, by=by, now=now)
    return replay.requeue(item, by=by, now=now)


def _save(job: Job) -> bool:
    """Write the progress of a job; return False if it has ended."""
    drop = () if job.status == RUNNING else ("state_key",)
    return table.update(
        KIND, job.id, assign=job.attributes(), drop=drop, condition="#state = :was", given={"was": {"S": RUNNING}}
    )


def _swept(job: Job) -> Job:
    if job.criteria.what == "deliveries" and job.replayed:
        for destination in [job.criteria.source] if job.criteria.source else DESTINATIONS:
            dead_letters.sweep(destination)
    return job
