"""Replaying many at once: what matches is counted first, then sent again at a rate, up to a cap, until it is canceled.

A job is a row. Whoever works on it (the request that made it, then `functions/replays` every minute) claims the minute
with a conditional write, so its rate holds whoever works; what it has done is saved after each page. Killed in between,
a page is done again, which finds that what it has replayed is no longer there to be replayed.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pressroom.inbox import events
from pressroom.inbox.events import Event
from pressroom.ops import replay
from pressroom.order import outbox
from pressroom.order.facts import destination_of
from pressroom.order.outbox import Delivery
from pressroom.platform import config, table
from pressroom.platform.times import iso

KIND, RUNNING = "JOB", "running"
KEPT_FOR = timedelta(days=400)
PAGE = 25
MOST_COUNTED = 1000

type Item = Event | Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What is to be replayed: webhooks that are `failed` or `unhandled`, or deliveries that are `dead`.

    `source` is the provider or the destination, `name` the topic or the operation; `since` and `until` are about when
    it was received or made. Empty ones don't matter.
    """

    what: Literal["events", "deliveries"]
    state: str
    source: str = ""
    name: str = ""
    since: str = ""
    until: str = ""

    def kind(self) -> str:
        """Return the kind of row that it is about."""
        return events.KIND if self.what == "events" else outbox.KIND

    def read(self, row: table.Item) -> Item:
        """Read such a row."""
        return Event.of(row) if self.what == "events" else Delivery.of(row)

    def is_meant(self, item: Item) -> bool:
        """Tell whether a row is still as it is wanted."""
        if isinstance(item, Event):
            source, name = item.provider, item.topic
        else:
            source, name = destination_of(item.id), item.operation
        return item.state == self.state and self.source in ("", source) and self.name in ("", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A bulk replay. `limit` caps how many are replayed, `position` is where it goes on in the index."""

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
        """Return what changes of its row."""
        return {"job": {"S": json.dumps(asdict(self))}, "state": {"S": self.status}}

    def shown(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        hidden = {"position", "criteria"}
        shown = {name: value for name, value in asdict(self).items() if name not in hidden}
        return shown | asdict(self.criteria) | {"skipped": self.matched - self.replayed}


def _matching(criteria: Criteria, before: str, position: str) -> Iterator[tuple[str, list[Item], int]]:
    """Yield pages of what matches, oldest first: where each ends, what of it matches, and how many rows it has read."""
    since = position or (f"{criteria.since}#" if criteria.since else "")
    until = f"{min(before, criteria.until or before)}#~"  # behind every id of that instant
    while True:
        places, more = table.positions(
            "by_state", (f"{criteria.kind()}#{criteria.state}",), limit=PAGE, beyond=since, newest_first=False
        )
        there = [place for place in places if place <= until]
        rows = {
            table.identity_of(row): row
            for row in table.get_many([(criteria.kind(), table.id_at(place)) for place in there])
        }
        read = [criteria.read(rows[each]) for each in map(table.id_at, there) if each in rows]
        if there:
            yield there[-1], [item for item in read if criteria.is_meant(item)], len(there)
            since = there[-1]
        if not more or len(there) < len(places):
            return


def count(criteria: Criteria, *, now: datetime) -> tuple[int, bool]:
    """Count what matches, among the oldest MOST_COUNTED rows; return whether those were all."""
    matching, read = 0, 0
    for _, items, rows in _matching(criteria, iso(now), ""):
        if read + rows > MOST_COUNTED:
            return matching, False
        matching, read = matching + len(items), read + rows
    return matching, True


def start(criteria: Criteria, *, limit: int, per_minute: int, by: str, key: str, now: datetime) -> tuple[Job, bool]:
    """Make a job, or return the one that was made with this key (an instant's, without one), and whether it is new."""
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
    """Return the jobs that go on, the oldest first."""
    ids, _ = table.oldest("by_state", f"{KIND}#{RUNNING}", limit=100)
    jobs = {job.id: job for job in map(Job.of, table.get_many([(KIND, each) for each in ids]))}
    return [jobs[each] for each in ids if each in jobs]


def cancel(job: Job) -> Job:
    """Let a job go no further; one that is over stays as it is. Returns it as it is then."""
    _save(replace(job, status="canceled"))
    return get(job.id) or job


def go_on(job: Job, *, is_over: Callable[[], bool], now: datetime) -> Job:
    """Do a job's share of this minute, or as much of it as there is time for. Nothing, if somebody has claimed it."""
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
        if not _save(job):  # canceled meanwhile
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
    """Write a job's progress; return False if it is over already."""
    drop = () if job.status == RUNNING else ("state_key",)
    return table.update(
        KIND, job.id, assign=job.attributes(), drop=drop, condition="#state = :was", given={"was": {"S": RUNNING}}
    )


def _swept(job: Job) -> Job:
    if job.criteria.what == "deliveries" and job.replayed:
        destinations = [job.criteria.source] if job.criteria.source else ["camaloon", "oms", "storefront"]
        for destination in destinations:
            replay.sweep(destination)
    return job
