"""The print files of an order's lines at the OMS: which ones to poll, what an answer means, and when polling ends.

A line is polled until its file is `ready` or `processingfailed`, is given up, or the line is canceled. Only `ready` is
final: after a hint from the OMS the other two are polled once more, and a file that is in progress again is polled
regularly again. The facts are the only state: the poll (print_file_poll) may be killed anywhere, may run twice for one
order, and may receive an older answer later.

Pure, except the functions that write rows. Topics and the deliverer import this module, so it loads neither pydantic
nor requests.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from pressroom.order import repository
from pressroom.order.decision import Decision, Undecided
from pressroom.order.facts import Fact, in_order
from pressroom.order.fold import fold
from pressroom.order.model import Order, Status
from pressroom.platform import config, table
from pressroom.platform.observe import logger
from pressroom.platform.times import iso, parse
from pressroom.platform.urls import LONGEST, web_link

if TYPE_CHECKING:
    from pressroom.providers.oms.client import PrintFile

KIND = "POLL"
SOURCE = "oms.print_file"
KEPT_FOR = timedelta(days=14)
READY, FAILED, GIVEN_UP = "ready", "processingfailed", "given_up"
NO_TEMPLATE, WAITING = "no_template", "waiting"
"""The statuses for stores in which only batches make print files: whether a line can be in a batch."""
ENDS = frozenset({READY, FAILED, GIVEN_UP, NO_TEMPLATE})
LONGEST_PAUSE_S = 3600
"""The longest pause between two rounds, unless the OMS asks for more."""
LONGEST_RETRY_AFTER_S = 6 * 3600
"""A longer Retry-After counts as this."""
LONGEST_LINKS = 150_000
"""The links of all lines have to fit into the order's row."""
MOST_ORDERS = 100
"""How many orders one notice can poll: one read returns that many. Regular polling covers the others."""
_GOLDEN = 0.618034


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What is known about the print file of a line that was sent to the OMS.

    `since`: when polling began, at the creation of the order or when the file was in progress again. `updates`: the
    number of facts about the file, the last one at `at`.
    """

    line_id: str
    since: str
    at: str
    updates: int = 0
    status: str | None = None
    url: str | None = None
    canceled: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the file still has to be polled."""
        return not self.canceled and self.status not in ENDS

    def updated(self, status: str, url: str | None, at: str) -> "File":
        """Return the file after a fact."""
        again = self.status in ENDS and status not in ENDS
        return replace(self, since=at if again else self.since, at=at, updates=self.updates + 1, status=status, url=url)

    def fact(self, status: str, url: str | None, now: datetime) -> Fact:
        """Return a new fact. Its id holds the number of updates: two polls with the same answer write one fact."""
        # Always later than the last one: the fold sorts by time, and clocks may differ.
        at = iso(max(now, parse(self.at) + timedelta(milliseconds=1)))
        return Fact(
            id=f"print/{self.line_id}/{self.updates}-{status}",
            kind="print_file",
            source=SOURCE,
            at=at,
            received_at=at,
            data={"provider": "oms", "ref": self.line_id, "status": status, "url": url},
        )


@dataclass(slots=True, kw_only=True)
class Round:
    """The result of one round. `requested`: the files to poll, as they were known at its start.

    `answers` has None for an item that the OMS does not have. `not_reached`: the files for which no time was left.
    A file in neither of them got no answer. `blocked`: every call fails until a person changes a setting.
    """

    requested: list[File]
    answers: "dict[str, PrintFile | None]" = field(default_factory=dict)
    not_reached: set[str] = field(default_factory=set)
    blocked: bool = False
    after: float = 0

    @property
    def is_complete(self) -> bool:
        """Whether every requested file got an answer."""
        return all(file.line_id in self.answers for file in self.requested)


def files(order: Order, facts: Iterable[Fact]) -> dict[str, File]:
    """Return the print files of an order by line: one for each line that the OMS has."""
    sorted_facts = in_order(facts)
    found: dict[str, File] = {}
    for fact in sorted_facts:
        if fact.kind in ("sent", "uid_found") and fact.data.get("provider") == "oms":
            for item in fact.data.get("items", ()):
                found.setdefault(item["ref"], File(line_id=item["ref"], since=fact.at, at=fact.at))
    for fact in sorted_facts:
        if fact.kind == "print_file" and (file := found.get(fact.data["ref"])):
            found[file.line_id] = file.updated(fact.data["status"], fact.data["url"], fact.at)
        for ref in fact.data.get("changed", ()) if fact.kind == "sent" else ():  # the file shows the old design
            if file := found.get(ref):
                found[ref] = replace(file, status=None, url=None, since=fact.at, at=fact.at)
    active = {line.id for line in order.lines if line.status is not Status.CANCELED}
    return {line_id: replace(file, canceled=line_id not in active) for line_id, file in found.items()}


def due(known: Mapping[str, File], *, hint: bool, line_ids: Iterable[str] = ()) -> list[File]:
    """Return the files to poll: the open ones and, after a hint, those that failed or were given up.

    `line_ids` are the lines that the hint names; if empty, it is about the whole order.
    """
    only = frozenset(line_ids)
    return [
        file
        for file in known.values()
        if (file.is_open or (hint and not file.canceled and file.status != READY))
        and (not only or file.line_id in only)
    ]


def rotated(wanted: list[File], received: int) -> list[File]:
    """Start at another file for each receive of a message, evenly spread, so that no file is always the last."""
    start = int(received * _GOLDEN % 1 * len(wanted))
    return wanted[start:] + wanted[:start]


def usable_answer(known: File, requested: File, answer: "PrintFile | None") -> "PrintFile | None":
    """Return an answer if it is still news about a file that another poll may have updated meanwhile.

    The order of answers to concurrent polls is unknown. But `ready` is final, so a `ready` is always used.
    """
    if answer is None or known.canceled or known.status == READY:
        return None
    return answer if known.updates == requested.updates or answer.status == READY else None


def new_facts(known: Mapping[str, File], polled: Round, *, now: datetime, limit: timedelta | None) -> Iterator[Fact]:
    """Return the facts that a round adds to what is known by now.

    A file that is still open, and was polled for longer than `limit`, is given up; with None, no file is.
    """
    for requested in polled.requested:
        file = known.get(requested.line_id)
        if file is None:
            continue
        if answer := usable_answer(file, requested, polled.answers.get(requested.line_id)):
            url = link(answer.url, LONGEST_LINKS // len(known)) if answer.status == READY else None
            if (answer.status, url) != (file.status, file.url):
                fact = file.fact(answer.status, url, now)
                yield fact
                file = file.updated(answer.status, url, fact.at)
        # A fact may be later than now, because each fact is later than the one before it.
        polled_for = max(now - parse(file.since), timedelta(0))
        is_over = limit is not None and polled_for >= limit and requested.line_id not in polled.not_reached
        if file.is_open and is_over:
            yield file.fact(GIVEN_UP, None, now)


def reopens(before: Mapping[str, File], after: Mapping[str, File]) -> bool:
    """Return whether an order whose polling had ended has an open file again."""
    return not any(file.is_open for file in before.values()) and any(file.is_open for file in after.values())


def age(waiting: Iterable[File], now: datetime) -> float:
    """Return the seconds since polling began for the newest of some files."""
    return min((now - parse(file.since)).total_seconds() for file in waiting)


def pause(age_s: float, polled: Round, *, base: float, jitter: float = 0) -> int:
    """Return the whole seconds until the next round, when polling has lasted for `age_s`.

    The pause equals `age_s`, so it doubles each time; from `base` to an hour, and never less than the OMS asked for.
    After a round that ran out of time, only the share that it reached counts, so that a line of a large order is polled
    as often as any other. `jitter` in [0, 1) adds up to a quarter.
    """
    interval = min(max(base, age_s), LONGEST_PAUSE_S) * (1 + jitter / 4)
    share = 1 - len(polled.not_reached) / len(polled.requested)
    return max(1, ceil(max(interval * share, min(polled.after, LONGEST_RETRY_AFTER_S))))


def link(url: str | None, most: int = LONGEST) -> str | None:
    """Return a URL if it is safe to show as a link and has at most `most` characters."""
    return url if url and web_link(url, min(most, LONGEST)) == url else None


def poll_row(order_id: str, key: str, *, now: datetime, hint: bool = False, line_ids: Iterable[str] = ()) -> table.Item:
    """Return the arguments of a put. Its row starts polling the print files of an order; the pump forwards it.

    Without `hint`, polling goes on until every file has ended. A second such row would double the rate.
    """
    row: table.Item = (
        table.pk(KIND, key)
        | table.until(now + KEPT_FOR)
        | {
            "dispatch": {"S": "poll"},
            "order_id": {"S": order_id},
        }
    )
    if hint:
        row["hint"] = {"BOOL": True}
    if lines := sorted(line_ids):
        row["line_ids"] = {"L": [{"S": line_id} for line_id in lines]}
    return {"TableName": table.name(), "Item": row}


def record_statuses(order_id: str, statuses: Mapping[str, str], *, now: datetime) -> None:
    """Record statuses that Pressroom itself sets, by line."""
    _record(order_id, lambda _: statuses, now)


def give_up_unpolled(order_id: str, *, now: datetime) -> None:
    """Record that the files without any status will not be polled."""
    _record(order_id, lambda known: {line_id: GIVEN_UP for line_id, file in known.items() if not file.updates}, now)


def _record(order_id: str, statuses: Callable[[dict[str, File]], Mapping[str, str]], now: datetime) -> None:
    def decide(facts: list[Fact]) -> Decision:
        known = files(fold(order_id, facts), facts)
        changed = ((known[line_id], status) for line_id, status in statuses(known).items())
        new = (file.fact(status, None, now) for file, status in changed if file.status != status)
        return Decision(order_id=order_id, facts=tuple(new))

    repository.count_attention(repository.apply(Undecided(order_id, decide)), SOURCE)


@dataclass(frozen=True, slots=True)
class Hint:
    """The lines that a notice of the OMS names, by order; none: the whole order."""

    event_id: str
    orders: Mapping[str, frozenset[str]]


def poll_now(hint: Hint) -> Order | None:
    """Start a poll of each known order that a hint names. Returns the order if exactly one is known. Idempotent."""
    named = list(hint.orders)[:MOST_ORDERS]
    rows = table.get_many((repository.KIND, order_id) for order_id in named)
    for row in rows:
        order_id = table.identity_of(row)
        key = f"{hint.event_id}/{table.digest(order_id)}"
        table.put(poll_row(order_id, key, now=config.utcnow(), hint=True, line_ids=hint.orders[order_id])["Item"])
    logger().info("print_files_hinted", event_id=hint.event_id, named=len(hint.orders), known=len(rows))
    return fold(table.identity_of(rows[0]), repository.row_of(rows[0]).facts) if len(rows) == 1 else None
