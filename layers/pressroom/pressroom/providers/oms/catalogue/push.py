"""Sending a catalogue to the OMS: one delivery, which handles entry by entry, parents first.

The OMS can't look up an entry by the merchant's key. So before a create, the row says `creating`: a later push that
finds it knows that the OMS may have the entry, and leaves it to a person
(docs/decisions/0019-one-job-pushes-the-catalogue.md). The deliverer imports this module, so it loads no pydantic.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pressroom.delivery.outcome import Sent
from pressroom.order.outbox import Delivery
from pressroom.platform import config, wire
from pressroom.platform.errors import TEMPORARY, Dead, DeliveryError, Retry, Unfinished, Verdict
from pressroom.platform.times import iso
from pressroom.platform.words import counted
from pressroom.providers.oms import client
from pressroom.providers.oms.catalogue import progress, rows
from pressroom.providers.oms.catalogue.compare import (
    MAY_EXIST,
    Change,
    Op,
    decide,
    differences,
    missing_parent,
    not_empty,
)
from pressroom.providers.oms.catalogue.entries import Content, Deletion, Entry, Name, Work, is_same_id
from pressroom.providers.oms.catalogue.progress import Push
from pressroom.providers.oms.catalogue.rows import GONE, Row, State
from pressroom.providers.oms.client import Id

BUDGET = timedelta(seconds=20)
"""After this time a push ends the invocation and asks to be called again."""
LAST_START = timedelta(seconds=30)
"""After this time nothing more is sent: a call may take 23 seconds, and the function may run for 90."""
PAUSE_S = 15
"""The shortest pause after a temporary failure of the OMS."""


def send(delivery: Delivery) -> Sent:
    """Do a push, or continue it. Whatever is raised, the next call continues after the steps that are done.

    Raises Unfinished when its time is up, Withdrawn when another push has superseded it, and Dead at the end if any
    entry failed: the rows of the entries hold the reasons. A temporary failure of the OMS uses up an attempt only if
    no step was done before it, or if a create got no answer.
    """
    push = progress.require_current(delivery.id)
    work = Work.of(delivery.body)
    if push.replays != delivery.replays or (push.ended and push.failed):  # a person has replayed the delivery
        push = replace(push, replays=delivery.replays, done=0, ended=False, counts={})
    push = _continue(_Sender(delivery.id, config.utcnow() + LAST_START), work, push)
    if push.failed:
        raise Dead(f"{push.failed} of {counted(push.total, 'entry', 'entries')} of the catalogue failed")
    return Sent(200, {"counts": dict(push.counts)})


def _continue(sender: "_Sender", work: Work, push: Push) -> Push:
    begun, until = push.done, config.utcnow() + BUDGET
    try:
        for step in work.steps()[begun:]:
            if push.done > begun and config.utcnow() >= until:
                raise Unfinished(f"{push.done} of {counted(push.total, 'entry', 'entries')} done")
            push = push.after(sender.do(step))
    except _CreateUnanswered as error:
        push = push.after(Op.UNKNOWN)
        progress.save(push)
        # This uses up an attempt: otherwise an OMS that answers no create could leave every entry unknown.
        raise Retry(error.reason, status=error.status, after=error.after) from error
    except TEMPORARY as error:
        progress.save(push)
        if push.done == begun or error.verdict is not Verdict.RETRY:
            raise
        raise Unfinished(error.reason, status=error.status, after=max(error.after, PAUSE_S)) from error
    push = replace(push, ended=True)
    progress.save(push)
    return push


class _CreateUnanswered(Retry):
    """A create got no answer; the row of its entry says so."""


class _Sender:
    """Does the steps of one push."""

    def __init__(self, delivery_id: str, last_start: datetime) -> None:
        self._delivery_id = delivery_id
        self._last_start = last_start
        self._ids = dict[Name, Id | None]()

    def do(self, step: Entry | Deletion) -> Op:
        """Do a step and return its operation. Raises Retry, Blocked or Withdrawn if it is not done yet."""
        row = rows.read(step.name)
        if row.is_claimed(config.utcnow(), other_than=self._delivery_id):
            raise rows.claimed_by_another(row)
        row, op = self._entry(step, row) if isinstance(step, Entry) else self._deletion(step, row)
        self._ids[step.name] = row.id
        return op

    def _entry(self, entry: Entry, row: Row) -> tuple[Row, Op]:
        content = entry.fields
        if entry.parent:
            if (parent := self._id(entry.parent)) is None:
                return self._fail(row, missing_parent(entry))
            content = content | {entry.name.parent_id_field: parent}
        try:
            change = decide(entry, row, content, client.get_entry)
        except Dead as error:
            return self._fail(row, error.reason)
        if change.op is Op.CREATE:
            return self._create(row, content)
        if change.op is Op.UNKNOWN:
            return self._fail(replace(row, state=State.UNKNOWN), MAY_EXIST, Op.UNKNOWN)
        if change.op is Op.FAIL:
            return self._fail(row, change.reason or "")
        if not is_same_id(row.id, change.id):
            row = self._adopt(entry, row, change.id)
        if change.op is Op.UPDATE:
            return self._update(row, content, change)
        return self._settle(row, pushed=row.pushed | content), Op.SAME

    def _adopt(self, entry: Entry, row: Row, identity: Id | None) -> Row:
        """Record the id of an entry that the OMS already has, and clear the name that had this id until now."""
        progress.require_current(self._delivery_id)
        if entry.renamed_from and is_same_id((previous := rows.read(entry.renamed_from)).id, entry.id):
            self._settle(previous, **GONE)
        return self._write(replace(row, state=State.KNOWN, id=identity, pushed={}, echoed={}))

    def _create(self, row: Row, content: Content) -> tuple[Row, Op]:
        row = self._claim(replace(row, state=State.CREATING, id=None, pushed=content, echoed={}))
        absent = replace(row, state=State.ABSENT, pushed={})
        try:
            identity = client.create_entry(row.name.path, content)
        except TEMPORARY as error:
            if not error.answer_lost:
                self._fail(absent, error.reason)
                raise
            self._fail(replace(row, state=State.UNKNOWN), MAY_EXIST)
            raise _CreateUnanswered(error.reason, status=error.status, after=error.after) from error
        except Dead as error:
            return self._fail(absent, error.reason)
        row = self._settle(row, state=State.KNOWN, id=identity)
        return self._settle(row, echoed=self._echo(row)), Op.CREATE

    def _update(self, row: Row, content: Content, change: Change) -> tuple[Row, Op]:
        row = self._claim(row)
        try:
            client.update_entry(row.name.path, _known_id(row), change.new_values())
        except TEMPORARY as error:
            self._fail(row, error.reason)
            raise
        except Dead as error:
            return self._fail(row, error.reason)
        row = replace(row, pushed=row.pushed | content)
        echo = self._echo(row)
        # A field with its old value was not changed: the next push must find the difference again.
        unchanged = {name for name, (before, _) in change.fields.items() if name in echo and echo[name] == before}
        return self._settle(row, echoed=wire.without(echo, *unchanged)), Op.UPDATE

    def _deletion(self, deletion: Deletion, row: Row) -> tuple[Row, Op]:
        if row.is_uncertain():
            return self._fail(replace(row, state=State.UNKNOWN), MAY_EXIST, Op.UNKNOWN)
        if row.id is None:
            return self._settle(row), Op.SAME
        children = rows.read_many(deletion.children).values()
        if remaining := [str(child.name) for child in children if child.is_in(row.id)]:
            return self._fail(row, not_empty(remaining))
        row = self._claim(row)
        try:
            client.delete_entry(row.name.path, _known_id(row))
        except TEMPORARY as error:
            self._fail(row, error.reason)
            raise
        except Dead as error:
            return self._fail(row, error.reason)
        return self._settle(row, **GONE), Op.DELETE

    def _id(self, name: Name) -> Id | None:
        if name not in self._ids:
            self._ids[name] = rows.read(name).id
        return self._ids[name]

    def _echo(self, row: Row) -> Content:
        """Read the entry back and return the values that differ from those sent; none if the OMS can't be asked."""
        try:
            found = client.get_entry(row.name.path, _known_id(row)) or {}
        except DeliveryError:
            return {}
        return {name: value for name, (value, _) in differences(row.pushed, found, replace(row, echoed={})).items()}

    def _claim(self, row: Row) -> Row:
        """Record that this push works on an entry, before anything is sent, so that other pushes wait."""
        progress.require_current(self._delivery_id)
        if config.utcnow() > self._last_start:
            raise Unfinished("the OMS is slow to answer")
        return self._write(replace(row, claimed_by=self._delivery_id, claimed_at=iso(config.utcnow())))

    def _settle(self, row: Row, **changes: Any) -> Row:
        """Record that an entry has no error and no claim; writes only if the row changes."""
        settled = replace(row, **{"error": None, "claimed_by": None, "claimed_at": None, **changes})
        return row if settled == row else self._write(settled)

    def _fail(self, row: Row, reason: str, op: Op = Op.FAIL) -> tuple[Row, Op]:
        return self._write(replace(row, error=reason, claimed_by=None, claimed_at=None)), op

    @staticmethod
    def _write(row: Row) -> Row:
        return rows.write(row, now=config.utcnow())


def _known_id(row: Row) -> Id:
    assert row.id is not None, row.name  # noqa: S101 - by its state
    return row.id
