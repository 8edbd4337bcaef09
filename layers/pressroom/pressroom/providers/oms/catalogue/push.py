"""The merchant's catalogue at the OMS: categories, products and variants, each under a key of the merchant's own.

A push is one delivery: it goes entry by entry, parents first, and compares each with what the OMS answers. What is
known of an entry is a row of the table, `CATALOGUE#products/mug`; which push is the current one, and how far it has
come, is `CATALOGUE#push`. The OMS can't be asked for an entry by our key, so before a create the row says `creating`:
whoever finds that later knows that the OMS may have it, and leaves the rest to a person
(docs/decisions/0019-one-job-pushes-the-catalogue.md). Light: a deliverer imports it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from pressroom.delivery.outcome import Sent
from pressroom.order.outbox import Delivery
from pressroom.platform import config, table, wire
from pressroom.platform.errors import Blocked, Conflict, Dead, DeliveryError, Retry, Unfinished, Withdrawn
from pressroom.platform.times import iso, parse
from pressroom.providers.oms import client
from pressroom.providers.oms.client import Id, Kind

DESTINATION, OPERATION = "oms", "push_catalogue"
KIND = "CATALOGUE"
LARGEST = 390_000
"""Bytes that a push may have when it is compressed: it has to fit into its row."""
BUDGET = timedelta(seconds=20)
"""After how long a push lets the function go and asks to be called again."""
LAST_START = timedelta(seconds=30)
"""After how long nothing more is sent: a call may take 23 seconds, and the function may run for 90."""
CLAIM = timedelta(minutes=15)
"""How long any function may run at most: from then on, an entry that it was at is at rest."""
PAUSE_S = 15
"""After a hiccup of the OMS, if it does not ask for more."""
TRIES = 5
"""How often a push is written before others that are started at the same moment become an error."""
AT_ONCE = 100
"""Rows that are read in one call."""

type Content = dict[str, Any]
"""The fields of an entry as the OMS names them."""
type Ask = Callable[[Kind, Id], Content | None]
"""Tells what the OMS has under an id; None: nothing."""


PATHS = {"categories": Kind.CATEGORY, "products": Kind.PRODUCT, "variants": Kind.VARIANT}
"""The lists of a catalogue, parents first."""
PARENTS = {"categories": "categories", "products": "categories", "variants": "products"}
CALLED_PARENT = {"categories": "parent", "products": "category", "variants": "product"}
"""How an entry calls its parent in a file."""
REFERENCES = {"categories": "parent_id", "products": "category_id", "variants": "product_id"}
"""The field that holds the parent's id."""
FIXED = {"categories": frozenset[str](), "products": frozenset({"team_id"}), "variants": frozenset({"uuid"})}
"""What the document lets a create set, and no update change."""


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """An entry: which list it is in, and its key there."""

    kind: str
    key: str

    @classmethod
    def of(cls, text: str) -> "Name":
        """Read what `str` has written: `products/mug`."""
        kind, _, key = text.partition("/")
        return cls(kind, key)

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"

    @property
    def path(self) -> Kind:
        return PATHS[self.kind]

    @property
    def reference(self) -> str:
        return REFERENCES[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an entry should be. What is left out of `fields` is left as it is at the OMS.

    `id` is given to adopt what the OMS has; `was` is the name under which that was known until now. `parent` is the
    name of the entry that it refers to; if it refers to an id, that stands among the fields.
    """

    name: Name
    fields: Content
    parent: Name | None = None
    id: Id | None = None
    was: Name | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """What has to go, and which known entries were in it when that was decided."""

    name: Name
    children: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """All that a push does, in this order: entries with parents first, then deletions with children first."""

    entries: tuple[Entry, ...] = ()
    deletions: tuple[Deletion, ...] = ()

    def steps(self) -> tuple[Entry | Deletion, ...]:
        return (*self.entries, *self.deletions)

    def write(self) -> bytes:
        """Return the body of the delivery."""
        entries = [
            _filled(
                entry=str(each.name),
                parent=each.parent and str(each.parent),
                id=each.id,
                was=each.was and str(each.was),
                fields=each.fields,
            )
            for each in self.entries
        ]
        deletions = [{"entry": str(each.name), "children": [*map(str, each.children)]} for each in self.deletions]
        return wire.write({"entries": entries, "delete": deletions})

    @classmethod
    def of(cls, body: bytes) -> "Work":
        content = wire.parse(body)
        entries = (
            Entry(
                name=Name.of(each["entry"]),
                fields=each["fields"],
                parent=Name.of(each["parent"]) if "parent" in each else None,
                id=each.get("id"),
                was=Name.of(each["was"]) if "was" in each else None,
            )
            for each in content["entries"]
        )
        deletions = (
            Deletion(Name.of(each["entry"]), tuple(map(Name.of, each["children"]))) for each in content["delete"]
        )
        return cls(tuple(entries), tuple(deletions))


def _filled(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


# ---------------------------------------------------------------------------------------------------------------------
# What is known of an entry
# ---------------------------------------------------------------------------------------------------------------------
class State(StrEnum):
    """Whether the OMS has an entry, as far as Pressroom knows."""

    ABSENT = "absent"
    """It surely has not: never sent, refused, deleted, or a person says so."""
    CREATING = "creating"
    """It is being sent, or was when the function was killed."""
    UNKNOWN = "unknown"
    """It was sent, and no answer came. Never sent again before a person has looked."""
    KNOWN = "known"
    """It has, under `id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is known of an entry. `pushed` is what the OMS was told last, by field.

    `echoed` is what the OMS makes of that, where it answers with something else (a text without its blanks): then this
    is no difference. `claimed_by` is the push that is at it, since `claimed_at`.
    """

    name: Name
    version: int = 0
    state: State = State.ABSENT
    id: Id | None = None
    pushed: Content = field(default_factory=dict)
    echoed: Content = field(default_factory=dict)
    error: str | None = None
    claimed_by: str | None = None
    claimed_at: str | None = None
    created_at: str = ""
    changed_at: str = ""

    def is_claimed(self, now: datetime, *, besides: str = "") -> bool:
        """Tell whether a push, other than one's own, may be at it this very moment."""
        if self.claimed_by in (None, besides) or self.claimed_at is None:
            return False
        return now - parse(self.claimed_at) < CLAIM

    def is_lost(self) -> bool:
        """Tell whether the OMS may have it without our knowing its id, unless a push is creating it right now."""
        return self.state in (State.UNKNOWN, State.CREATING)

    def is_in(self, parent: Id | None) -> bool:
        """Tell whether it is, or may be, in the entry of its parent's kind that has this id."""
        return self.state is not State.ABSENT and is_same_id(self.pushed.get(self.name.reference), parent)


_LISTED = "listed"
GONE: dict[str, Any] = {
    "state": State.ABSENT,
    "id": None,
    "pushed": {},
    "echoed": {},
    "error": None,
    "claimed_by": None,
    "claimed_at": None,
}
"""What changes in the row of an entry that the OMS has not got."""


def row_of(item: table.Item) -> Row:
    """Read a row."""
    identity = item.get("id")
    return Row(
        name=Name.of(table.identity_of(item)),
        version=int(item["version"]["N"]),
        state=State(item["state"]["S"]),
        id=(identity["S"] if "S" in identity else int(identity["N"])) if identity else None,
        pushed=json.loads(item["pushed"]["S"]),
        echoed=json.loads(item["echoed"]["S"]) if "echoed" in item else {},
        created_at=item["created_at"]["S"],
        changed_at=item["changed_at"]["S"],
        **{name: item[name]["S"] for name in ("error", "claimed_by", "claimed_at") if name in item},
    )


def read(name: Name) -> Row:
    """Read what is known of an entry; version 0 if that is nothing."""
    item = table.get(KIND, str(name))
    return row_of(item) if item else Row(name=name)


def read_many(names: Iterable[Name]) -> dict[Name, Row]:
    """Read those of some entries of which something is known."""
    wanted, rows = [(KIND, str(name)) for name in dict.fromkeys(names)], list[Row]()
    for start in range(0, len(wanted), AT_ONCE):
        rows += map(row_of, table.get_many(wanted[start : start + AT_ONCE]))
    return {row.name: row for row in rows}


def read_all() -> dict[Name, Row]:
    """Read every entry that is or may be at the OMS, or could not be sent. The index is a moment behind the table."""
    names = list[Name]()
    before: str | None = ""
    while before is not None:
        page, before = table.newest("by_state", f"{KIND}#{_LISTED}", limit=AT_ONCE, before=before)
        names += map(Name.of, page)
    return read_many(names)


def write(row: Row, *, now: datetime) -> Row:
    """Write a row in the place of the one that was read. Raises Blocked if that has changed meanwhile."""
    row = replace(row, version=row.version + 1, created_at=row.created_at or iso(now), changed_at=iso(now))
    item = table.pk(KIND, str(row.name)) | {
        "version": {"N": str(row.version)},
        "state": {"S": row.state},
        "pushed": {"S": wire.write(row.pushed).decode()},
        "created_at": {"S": row.created_at},
        "changed_at": {"S": row.changed_at},
    }
    if row.id is not None:
        item["id"] = {"N": str(row.id)} if isinstance(row.id, int) else {"S": row.id}
    if row.echoed:
        item["echoed"] = {"S": wire.write(row.echoed).decode()}
    for name in ("error", "claimed_by", "claimed_at"):
        if (text := getattr(row, name)) is not None:
            item[name] = {"S": text}
    if row.state is not State.ABSENT or row.error is not None:  # what has gone is listed no more
        item |= table.state_index(KIND, _LISTED, str(row.name), row.created_at)
    if row.version == 1:
        other = table.put(item, old=True)
    else:
        other = table.put(item, "version = :known", known={"N": str(row.version - 1)}, old=True)
    if other not in (None, item):  # a write whose answer got lost is tried again, and meets itself
        raise _busy(row)
    return row


# ---------------------------------------------------------------------------------------------------------------------
# What has to be done (pure)
# ---------------------------------------------------------------------------------------------------------------------
class Op(StrEnum):
    """What a push does with an entry."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SAME = "same"
    UNKNOWN = "unknown"
    """Nothing: whether the OMS has it is for a person to find out."""
    FAIL = "fail"
    """Nothing: it can't be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What has to be done with an entry. `fields` are those that are sent: what they are now, and what they should be.

    An `id` other than the row's is one that is adopted.
    """

    name: Name
    op: Op
    id: Id | None = None
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    reason: str | None = None

    def wanted(self) -> Content:
        return {name: new for name, (_, new) in self.fields.items()}


MAYBE_THERE = "a create got no answer, so the OMS may have it: give its `id` in the file, or say that it is absent"
_ONE = {"categories": "category", "products": "product", "variants": "variant"}


def missing_parent(entry: Entry) -> str:
    """Say why an entry can't be sent before its parent is there."""
    return f"its {CALLED_PARENT[entry.name.kind]} {entry.parent} is not at the OMS"


def still_in(names: list[str]) -> str:
    """Say why an entry can't be deleted."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} would be left in it"


def decide(entry: Entry, row: Row, content: Content, ask: Ask) -> Change:
    """Compare what an entry should be (`content`: its fields, and the parent's id) with what the OMS says.

    An entry that the OMS had, and has no more, is created again; not if the file gives its id, which is then wrong.
    """
    known = row.id if entry.id is None else entry.id
    if known is None:
        if row.is_lost():
            return Change(name=entry.name, op=Op.UNKNOWN, reason=MAYBE_THERE)
        return _create(entry, content)
    found = ask(entry.name.path, known)
    if found is None and entry.id is not None:
        reason = f"the OMS has no {_ONE[entry.name.kind]} with the id {known}"
        return Change(name=entry.name, op=Op.FAIL, reason=reason)
    if found is None:
        return replace(_create(entry, content), reason=f"the OMS has it no more: it was {known}")
    seen = row if is_same_id(row.id, known) else Row(name=entry.name)  # to what is adopted nothing was pushed yet
    fields = differences(content, found, seen)
    if stuck := sorted(fields.keys() & FIXED[entry.name.kind]):
        reason = f"{', '.join(stuck)} can't be changed: take it out of the file, or delete the entry first"
        return Change(
            name=entry.name, op=Op.FAIL, id=known, fields={each: fields[each] for each in stuck}, reason=reason
        )
    return Change(name=entry.name, op=Op.UPDATE if fields else Op.SAME, id=known, fields=fields)


def _create(entry: Entry, content: Content) -> Change:
    return Change(name=entry.name, op=Op.CREATE, fields={name: (None, value) for name, value in content.items()})


def compare(work: Work, rows: Mapping[Name, Row], ask: Ask) -> tuple[list[Change], list[str]]:
    """Say what a push would do, in its order. Also returned: why entries were compared with what was pushed last.

    That is what `ask` raises Retry for; what it raises Blocked for ends the comparison.
    """
    changes, guesses = dict[Name, Change](), list[str]()
    for entry in work.entries:
        row = rows.get(entry.name, Row(name=entry.name))
        content = entry.fields
        if entry.parent:
            parent = _id_of(entry.parent, changes, rows)
            if parent is None:
                changes[entry.name] = Change(name=entry.name, op=Op.FAIL, reason=missing_parent(entry))
                continue
            content = content | {entry.name.reference: parent}
        try:
            change = decide(entry, row, content, ask)
        except Blocked:
            raise
        except Retry as error:
            guesses.append(error.reason)
            change = decide(entry, row, content, _as_pushed(entry, row))
        except Dead as error:
            change = Change(name=entry.name, op=Op.FAIL, reason=error.reason)
        changes[entry.name] = change
    for deletion in work.deletions:
        identity = rows[deletion.name].id
        op = Op.SAME if identity is None else Op.DELETE
        changes[deletion.name] = Change(name=deletion.name, op=op, id=identity)
    return list(changes.values()), guesses


def _id_of(name: Name, changes: Mapping[Name, Change], rows: Mapping[Name, Row]) -> Id | None:
    """Return the id of a parent; of one that the same push creates, its name has to do."""
    change = changes.get(name)
    if change and change.op is Op.CREATE:
        return f"(new) {name}"
    if change and change.id is not None:
        return change.id
    return rows[name].id if name in rows else None


def _as_pushed(entry: Entry, row: Row) -> Ask:
    last = row.pushed if entry.id is None or is_same_id(entry.id, row.id) else {}
    return lambda _kind, _id: last


def differences(content: Content, found: Content, row: Row) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which the OMS's answer is not as it should be: what it says, and what it should.

    A field that the answer leaves out is taken to be what was pushed last.
    """
    different = {}
    for name, wanted in content.items():
        is_pushed = row.pushed.get(name) == wanted
        if name in found:
            says = _plain(found[name])
            if is_equal(wanted, says) or (is_pushed and name in row.echoed and row.echoed[name] == says):
                continue
            different[name] = (says, wanted)
        elif not is_pushed and not (name in FIXED[row.name.kind] and name not in row.pushed):
            different[name] = (row.pushed.get(name), wanted)
    return different


def is_equal(wanted: object, says: object) -> bool:
    """Tell whether an answer holds a value, however it writes it: numbers as text, flags as numbers, "" as null."""
    if isinstance(wanted, bool) or isinstance(says, bool):
        return _flag(wanted) is not None and _flag(wanted) == _flag(says)
    if isinstance(wanted, int) and isinstance(says, str | int | float | Decimal):
        try:
            return Decimal(str(says)) == wanted
        except InvalidOperation:
            return False
    if wanted == "" and says is None:
        return True
    return isinstance(wanted, str) and isinstance(says, str | int) and str(says) == wanted


def _flag(value: object) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())


def _plain(value: Any) -> Any:
    return json.loads(wire.write(value))  # as it is read back from a row


def is_same_id(one: object, other: object) -> bool:
    """Compare ids as they stand in a path: 5 is "5"."""
    return one is not None and other is not None and str(one) == str(other)


# ---------------------------------------------------------------------------------------------------------------------
# A push
# ---------------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """The current push: which delivery, in which round of it, and how far it has come. `counts` is by operation.

    `ended`: it has come to its end, good or bad.
    """

    delivery_id: str
    total: int
    replays: int = 0
    done: int = 0
    ended: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    started_at: str = ""

    @property
    def failed(self) -> int:
        return self.counts.get(Op.FAIL, 0) + self.counts.get(Op.UNKNOWN, 0)

    def after(self, op: Op) -> "Push":
        """Return the push with one more step done."""
        return replace(self, done=self.done + 1, counts={**self.counts, op: self.counts.get(op, 0) + 1})

    def row(self) -> table.Item:
        return _PUSH | {
            "delivery_id": {"S": self.delivery_id},
            "total": {"N": str(self.total)},
            "replays": {"N": str(self.replays)},
            "done": {"N": str(self.done)},
            "ended": {"BOOL": self.ended},
            "counts": {"M": {op: {"N": str(number)} for op, number in self.counts.items()}},
            "started_at": {"S": self.started_at},
        }


_PUSH: table.Item = table.pk(KIND, "push")


def current() -> Push | None:
    """Read which push is the current one, or was the last."""
    item = table.get(KIND, "push")
    if item is None:
        return None
    return Push(
        delivery_id=item["delivery_id"]["S"],
        **{name: int(item[name]["N"]) for name in ("total", "replays", "done")},
        ended=item["ended"]["BOOL"],
        counts={op: int(number["N"]) for op, number in item["counts"]["M"].items()},
        started_at=item["started_at"]["S"],
    )


def start(work: Work, *, now: datetime) -> tuple[Delivery, Push | None]:
    """Write the delivery that does the work, and that it takes the place of the push before it, together.

    Returns that one, too. Raises Conflict if other pushes kept being started.
    """
    body = work.write()
    for _ in range(TRIES):
        before = current()
        key = table.digest(iso(now), before.delivery_id if before else "", body.decode())
        delivery = Delivery.to(DESTINATION, OPERATION, order_id="", body=body, now=now, key=key)
        push = Push(delivery_id=delivery.id, total=len(work.steps()), started_at=iso(now))
        put: table.Item = {"TableName": table.name(), "Item": push.row()}
        if before:
            known = {":known": {"S": before.delivery_id}}
            put |= {"ConditionExpression": _IS_CURRENT, "ExpressionAttributeValues": known}
        else:
            put = table.new(push.row())
        puts = [{"Put": table.new(delivery.new_row())}, {"Put": put}]
        try:
            config.client("dynamodb").transact_write_items(TransactItems=puts)
        except ClientError as error:
            if not table.was_overtaken(error):
                raise
        else:
            return delivery, before
    raise Conflict(f"other pushes were started {TRIES} times in a row")


_IS_CURRENT = "delivery_id = :known"


def send(delivery: Delivery) -> Sent:
    """Do a push, or go on with one. What is done is done: whatever is raised, the next call goes on from there.

    Raises Unfinished when its time is up, Withdrawn once another push has taken its place, and Dead in the end if
    anything could not be done: the rows of the entries say what and why. A hiccup of the OMS uses up a try only if
    nothing was achieved before it, or a create got no answer.
    """
    push = current()
    if push is None or push.delivery_id != delivery.id:
        raise _replaced()
    work = Work.of(delivery.body)
    if push.replays != delivery.replays or (push.ended and push.failed):  # a person wants another round
        push = replace(push, replays=delivery.replays, done=0, ended=False, counts={})
    push = _go_on(_Sender(delivery.id, config.utcnow() + LAST_START), work, push)
    if push.failed:
        raise Dead(f"{push.failed} of {push.total} entries of the catalogue failed")
    return Sent(200, {"counts": dict(push.counts)})


def _go_on(sender: "_Sender", work: Work, push: Push) -> Push:
    begun, until = push.done, config.utcnow() + BUDGET
    try:
        for step in work.steps()[begun:]:
            if push.done > begun and config.utcnow() >= until:
                raise Unfinished(f"{push.done} of {push.total} entries are done")
            push = push.after(sender.do(step))
    except _Lost as error:
        push = push.after(Op.UNKNOWN)
        _save(push)
        # This try is used up: an OMS that swallows one create after the other must not make us lose them all.
        raise Retry(error.reason, status=error.status, after=error.after) from error
    except Retry as error:
        _save(push)
        if push.done == begun or isinstance(error, Blocked):
            raise
        raise Unfinished(error.reason, status=error.status, after=max(error.after, PAUSE_S)) from error
    push = replace(push, ended=True)
    _save(push)
    return push


def _save(push: Push) -> None:
    if table.put(push.row(), _IS_CURRENT, known={"S": push.delivery_id}) is not None:
        raise _replaced()


class _Lost(Retry):
    """A create got no answer; its row says so."""


class _Sender:
    """Takes the steps of one push."""

    def __init__(self, delivery_id: str, last_start: datetime) -> None:
        self._delivery_id = delivery_id
        self._last_start = last_start
        self._ids = dict[Name, Id | None]()

    def do(self, step: Entry | Deletion) -> Op:
        """Take a step and return what was done. Raises Retry, Blocked or Withdrawn if it is still to be taken."""
        row = read(step.name)
        if row.is_claimed(config.utcnow(), besides=self._delivery_id):
            raise _busy(row)
        row, op = self._entry(step, row) if isinstance(step, Entry) else self._deletion(step, row)
        self._ids[step.name] = row.id
        return op

    def _entry(self, entry: Entry, row: Row) -> tuple[Row, Op]:
        content = entry.fields
        if entry.parent:
            if (parent := self._id(entry.parent)) is None:
                return self._fail(row, missing_parent(entry))
            content = content | {entry.name.reference: parent}
        try:
            change = decide(entry, row, content, client.get_entry)
        except Dead as error:
            return self._fail(row, error.reason)
        if change.op is Op.CREATE:
            return self._create(row, content)
        if change.op is Op.UNKNOWN:
            return self._fail(replace(row, state=State.UNKNOWN), MAYBE_THERE, Op.UNKNOWN)
        if change.op is Op.FAIL:
            return self._fail(row, change.reason or "")
        if not is_same_id(row.id, change.id):
            self._require_current()
            self._release(entry)
            row = self._write(replace(row, state=State.KNOWN, id=change.id, pushed={}, echoed={}))
        if change.op is Op.UPDATE:
            return self._update(row, content, change)
        return self._settle(row, pushed=row.pushed | content), Op.SAME

    def _create(self, row: Row, content: Content) -> tuple[Row, Op]:
        row = self._claim(replace(row, state=State.CREATING, id=None, pushed=content, echoed={}))
        absent = replace(row, state=State.ABSENT, pushed={})
        try:
            identity = client.create_entry(row.name.path, content)
        except Retry as error:
            if not error.answer_lost:
                self._fail(absent, error.reason)
                raise
            self._fail(replace(row, state=State.UNKNOWN), MAYBE_THERE)
            raise _Lost(error.reason, status=error.status, after=error.after) from error
        except Dead as error:
            return self._fail(absent, error.reason)
        row = self._settle(row, state=State.KNOWN, id=identity)
        return self._settle(row, echoed=self._echo(row)), Op.CREATE

    def _update(self, row: Row, content: Content, change: Change) -> tuple[Row, Op]:
        row = self._claim(row)
        try:
            client.update_entry(row.name.path, _there(row), change.wanted())
        except Retry as error:
            self._fail(row, error.reason)
            raise
        except Dead as error:
            return self._fail(row, error.reason)
        row = replace(row, pushed=row.pushed | content)
        echo = self._echo(row)
        # What still is as it was has not been changed: to the next push, that is a difference again.
        unchanged = {name for name, (before, _) in change.fields.items() if name in echo and echo[name] == before}
        return self._settle(row, echoed=wire.without(echo, *unchanged)), Op.UPDATE

    def _deletion(self, deletion: Deletion, row: Row) -> tuple[Row, Op]:
        if row.is_lost():
            return self._fail(replace(row, state=State.UNKNOWN), MAYBE_THERE, Op.UNKNOWN)
        if row.id is None:
            return self._settle(row), Op.SAME
        children = read_many(deletion.children).values()
        if staying := [str(child.name) for child in children if child.is_in(row.id)]:
            return self._fail(row, still_in(staying))
        row = self._claim(row)
        try:
            client.delete_entry(row.name.path, _there(row))
        except Retry as error:
            self._fail(row, error.reason)
            raise
        except Dead as error:
            return self._fail(row, error.reason)
        return self._settle(row, **GONE), Op.DELETE

    def _id(self, name: Name) -> Id | None:
        if name not in self._ids:
            self._ids[name] = read(name).id
        return self._ids[name]

    def _release(self, entry: Entry) -> None:
        """Let the name go under which an id was known until now."""
        if entry.was and is_same_id((row := read(entry.was)).id, entry.id):
            self._settle(row, **GONE)

    def _echo(self, row: Row) -> Content:
        """Return what the OMS has made of what it was told. If it can't be asked, the next push compares without."""
        try:
            found = client.get_entry(row.name.path, _there(row)) or {}
        except DeliveryError:
            return {}
        return {name: says for name, (says, _) in differences(row.pushed, found, replace(row, echoed={})).items()}

    def _claim(self, row: Row) -> Row:
        """Say that this push is at an entry, before anything of it is sent: any other keeps away from it then."""
        self._require_current()
        if config.utcnow() > self._last_start:
            raise Unfinished("the OMS is slow to answer")
        return self._write(replace(row, claimed_by=self._delivery_id, claimed_at=iso(config.utcnow())))

    def _require_current(self) -> None:
        push = current()
        if push is None or push.delivery_id != self._delivery_id:
            raise _replaced()

    def _settle(self, row: Row, **changes: Any) -> Row:
        """Write that all is well with an entry, and nobody at it, if that is news."""
        settled = replace(row, **{"error": None, "claimed_by": None, "claimed_at": None, **changes})
        return row if settled == row else self._write(settled)

    def _fail(self, row: Row, reason: str, op: Op = Op.FAIL) -> tuple[Row, Op]:
        return self._write(replace(row, error=reason, claimed_by=None, claimed_at=None)), op

    @staticmethod
    def _write(row: Row) -> Row:
        return write(row, now=config.utcnow())


def _there(row: Row) -> Id:
    assert row.id is not None, row.name  # noqa: S101 - by its state
    return row.id


def _busy(row: Row) -> Blocked:
    return Blocked(f"another push is at {row.name} right now")


def _replaced() -> Withdrawn:
    return Withdrawn("another push of the catalogue has taken its place")
