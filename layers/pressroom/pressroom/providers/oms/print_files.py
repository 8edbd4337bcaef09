"""How far the print files of an order's lines are at the OMS: which to ask for, what an answer means, when to stop.

A line is asked for until its file is `ready`, is `processingfailed`, is given up on, or the line is canceled. Only
`ready` is for good: a hint of the OMS's lets the other two be asked for once more, and if such a file is found to be on
its way, asking begins anew. The facts are all that is remembered; who asks (functions/print_files) may be killed
anywhere, run twice for one order, or see an older answer later.

Pure, but for `tell` and `hint`. Topics and the deliverer have this module: it imports neither pydantic nor requests.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pressroom.order import repository
from pressroom.order.decision import Decision, Undecided
from pressroom.order.facts import Fact, in_order
from pressroom.order.fold import fold
from pressroom.order.model import Order, Status
from pressroom.platform import config, table
from pressroom.platform.observe import logger
from pressroom.platform.times import iso, parse

if TYPE_CHECKING:
    from pressroom.providers.oms.client import PrintFile

KIND = "POLL"
SOURCE = "oms.print_file"
KEPT_FOR = timedelta(days=14)
READY, FAILED, GIVEN_UP = "ready", "processingfailed", "given_up"
NO_TEMPLATE, WAITING = "no_template", "waiting"
"""Where only batches make print files: whether a line can be in one."""
ENDS = frozenset({READY, FAILED, GIVEN_UP, NO_TEMPLATE})
LONGEST_PAUSE_S = 3600
"""Between two looks at a line, unless the OMS asks for more."""
LONGEST_ASKED_S = 6 * 3600
"""The most that a Retry-After is heeded."""
LONGEST_LINK = 2048
LONGEST_LINKS = 150_000
"""Those of all lines have to fit into the order's row."""
MOST_ORDERS = 100
"""How many orders a notice may name: as many as are read in one call. Asking regularly sees to the others."""
_GOLDEN = 0.618034


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What is known of the print file of a line that the OMS was sent.

    `since`: when asking began, with the order's creation or when the file was found to be on its way again. `told`: how
    many facts tell of it, the last one at `at`.
    """

    line_id: str
    since: str
    at: str
    told: int = 0
    status: str | None = None
    url: str | None = None
    canceled: bool = False

    @property
    def is_open(self) -> bool:
        """Whether there is still something to wait for."""
        return not self.canceled and self.status not in ENDS

    def hears(self, status: str, url: str | None, at: str) -> "File":
        """Return what is known after a fact."""
        again = self.status in ENDS and status not in ENDS
        return replace(self, since=at if again else self.since, at=at, told=self.told + 1, status=status, url=url)

    def fact(self, status: str, url: str | None, now: datetime) -> Fact:
        """Make the fact that is new. Its id counts, so that two who saw the same write the same."""
        # Later than the last one in any case: the fold goes by time, and clocks may differ.
        at = iso(max(now, parse(self.at) + timedelta(milliseconds=1)))
        return Fact(
            id=f"print/{self.line_id}/{self.told}-{status}",
            kind="print_file",
            source=SOURCE,
            at=at,
            received_at=at,
            data={"provider": "oms", "ref": self.line_id, "status": status, "url": url},
        )


@dataclass(slots=True, kw_only=True)
class Round:
    """What came of asking once. `seen`: the files that were to be asked for, as they were known then.

    `answers` has None for an item that the OMS does not have; who is in neither `answers` nor `left` got no answer.
    `left`: those for which there was no time. `blocked`: nobody is answered until a person changes a setting.
    """

    seen: list[File]
    answers: "dict[str, PrintFile | None]" = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    blocked: bool = False
    after: float = 0

    @property
    def is_complete(self) -> bool:
        """Whether every file that was to be asked for got an answer."""
        return all(file.line_id in self.answers for file in self.seen)


def files(order: Order, facts: Iterable[Fact]) -> dict[str, File]:
    """Return the print files of an order by line: those of all lines that the OMS has, none before it has them."""
    heard = in_order(facts)
    found: dict[str, File] = {}
    for fact in heard:
        if fact.kind == "sent" and fact.data.get("provider") == "oms":
            for item in fact.data.get("items", ()):
                found.setdefault(item["ref"], File(line_id=item["ref"], since=fact.at, at=fact.at))
    for fact in heard:
        if fact.kind == "print_file" and (file := found.get(fact.data["ref"])):
            found[file.line_id] = file.hears(fact.data["status"], fact.data["url"], fact.at)
        for ref in fact.data.get("changed", ()) if fact.kind == "sent" else ():  # what was made is of the old design
            if file := found.get(ref):
                found[ref] = replace(file, status=None, url=None, since=fact.at, at=fact.at)
    going = {line.id for line in order.lines if line.status is not Status.CANCELED}
    return {line_id: replace(file, canceled=line_id not in going) for line_id, file in found.items()}


def due(known: Mapping[str, File], *, hint: bool, line_ids: Iterable[str] = ()) -> list[File]:
    """Return the files to ask for: the open ones, on a hint also those that may have been mended.

    `line_ids`: what the hint is about; empty, it is about all of the order.
    """
    only = frozenset(line_ids)
    return [
        file
        for file in known.values()
        if (file.is_open or (hint and not file.canceled and file.status != READY))
        and (not only or file.line_id in only)
    ]


def in_turn(wanted: list[File], received: int) -> list[File]:
    """Begin at another place each time a message is received, evenly spread, so that nobody is always the last one."""
    start = int(received * _GOLDEN % 1 * len(wanted))
    return wanted[start:] + wanted[:start]


def believed(known: File, seen: File, answer: "PrintFile | None") -> "PrintFile | None":
    """Return an answer if it still tells something of a file, which somebody else may have asked for meanwhile.

    Of two who asked at once nobody knows whose answer is older; but nothing comes after `ready`.
    """
    if answer is None or known.canceled or known.status == READY:
        return None
    return answer if known.told == seen.told or answer.status == READY else None


def changes(known: Mapping[str, File], asked: Round, *, now: datetime, limit: timedelta | None) -> Iterator[Fact]:
    """Return the facts that a round adds to what is known by now.

    What is open after it, and was asked for since longer than `limit`, is given up on; with None nothing is.
    """
    for seen in asked.seen:
        file = known.get(seen.line_id)
        if file is None:
            continue
        if answer := believed(file, seen, asked.answers.get(seen.line_id)):
            url = link(answer.url, LONGEST_LINKS // len(known)) if answer.status == READY else None
            if (answer.status, url) != (file.status, file.url):
                fact = file.fact(answer.status, url, now)
                yield fact
                file = file.hears(answer.status, url, fact.at)
        # A fact may be later than now, by which others were later than theirs.
        asked_for = max(now - parse(file.since), timedelta(0))
        is_over = limit is not None and asked_for >= limit and seen.line_id not in asked.left
        if file.is_open and is_over:
            yield file.fact(GIVEN_UP, None, now)


def begins_anew(before: Mapping[str, File], after: Mapping[str, File]) -> bool:
    """Tell whether an order of which nothing was asked any more has an open file again."""
    return not any(file.is_open for file in before.values()) and any(file.is_open for file in after.values())


def age(waiting: Iterable[File], now: datetime) -> float:
    """Return for how many seconds the latest of some files has been asked for."""
    return min((now - parse(file.since)).total_seconds() for file in waiting)


def pause(age_s: float, asked: Round, *, base: float, jitter: float = 0) -> int:
    """Return how long to wait before the next round, in whole seconds, when asking has lasted for `age_s` so far.

    As long as it has lasted, which doubles it each time; from `base` to an hour, and never less than the OMS asked for.
    After a round for which there was not enough time, that part of it for which there was, so that a line of a large
    order is not asked for more often than another. `jitter` in [0, 1) adds up to a quarter.
    """
    interval = min(max(base, age_s), LONGEST_PAUSE_S) * (1 + jitter / 4)
    part = 1 - len(asked.left) / len(asked.seen)
    return max(1, ceil(max(interval * part, min(asked.after, LONGEST_ASKED_S))))


def link(url: str | None, most: int = LONGEST_LINK) -> str | None:
    """Return an address if it is one that may be shown as a link, and has not more than `most` characters."""
    if url is None or len(url) > min(most, LONGEST_LINK) or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def poll_row(order_id: str, key: str, *, now: datetime, hint: bool = False, line_ids: Iterable[str] = ()) -> table.Item:
    """Return the arguments of a put, of the row that lets the print files of an order be asked for; pump hands it on.

    Without `hint` until all have come to an end: one such row per order, or it is asked twice as often.
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


def tell(order_id: str, statuses: Mapping[str, str] | None = None, *, now: datetime) -> None:
    """Record statuses of ours, by line; left out, that the files of which nothing was heard will not be asked for."""

    def decide(facts: list[Fact]) -> Decision:
        known = files(fold(order_id, facts), facts)
        told = dict.fromkeys((line_id for line_id, file in known.items() if not file.told), GIVEN_UP)
        news = (told if statuses is None else statuses).items()
        new = (known[line_id].fact(status, None, now) for line_id, status in news if known[line_id].status != status)
        return Decision(order_id=order_id, facts=tuple(new))

    repository.count_attention(repository.apply(Undecided(order_id, decide)), SOURCE)


@dataclass(frozen=True, slots=True)
class Hint:
    """What a notice of the OMS's is about: lines by order, all of an order's if none are named."""

    event_id: str
    orders: Mapping[str, frozenset[str]]


def hint(told: Hint) -> Order | None:
    """Let the print files of those orders that are known be asked for at once; return the order if it is one.

    Twice for one event is once.
    """
    named = list(told.orders)[:MOST_ORDERS]
    rows = table.get_many((repository.KIND, order_id) for order_id in named)
    for row in rows:
        order_id = table.identity_of(row)
        key = f"{told.event_id}/{table.digest(order_id)}"
        table.put(poll_row(order_id, key, now=config.utcnow(), hint=True, line_ids=told.orders[order_id])["Item"])
    logger().info("print_files_hinted", event_id=told.event_id, named=len(told.orders), known=len(rows))
    return fold(table.identity_of(rows[0]), repository.row_of(rows[0]).facts) if len(rows) == 1 else None
