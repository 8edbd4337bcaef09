"""The difference between an entry as the merchant wants it and the same entry at the OMS. Pure.

`decide` compares one entry for a push; `compare` compares a whole catalogue for `pressroom catalogue diff`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from pressroom.platform import wire
from pressroom.platform.errors import Dead, Retry
from pressroom.providers.oms.catalogue.entries import CREATE_ONLY, PARENT_KEYS, Content, Entry, Name, Work, is_same_id
from pressroom.providers.oms.catalogue.rows import Row
from pressroom.providers.oms.client import Id, Kind

type Lookup = Callable[[Kind, Id], Content | None]
"""Returns the entry that the OMS has under an id; None: it has none."""

MAY_EXIST = "a create got no answer, so the OMS may have this entry: give its `id` in the file, or mark it as absent"
_SINGULAR = {"categories": "category", "products": "product", "variants": "variant"}


class Op(StrEnum):
    """What a push does with an entry."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SAME = "same"
    UNKNOWN = "unknown"
    """The push does nothing: a person has to find out whether the OMS has the entry."""
    FAIL = "fail"
    """The push does nothing: what the file requires is impossible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a push has to do with an entry. `fields` holds the fields to send: their values now, and the wanted values.

    An `id` that differs from the row's is adopted.
    """

    name: Name
    op: Op
    id: Id | None = None
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    reason: str | None = None

    def new_values(self) -> Content:
        return {name: new for name, (_, new) in self.fields.items()}


def missing_parent(entry: Entry) -> str:
    """Return the error text of an entry whose parent does not exist at the OMS yet."""
    return f"its {PARENT_KEYS[entry.name.kind]} {entry.parent} is not at the OMS"


def not_empty(names: list[str]) -> str:
    """Return the reason why an entry with these children can't be deleted."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"it still contains {', '.join(names[:3])}{more}"


def decide(entry: Entry, row: Row, content: Content, lookup: Lookup) -> Change:
    """Compare an entry with the OMS. `content` holds its fields and the id of its parent.

    An entry that the OMS no longer has is created again. If the file gives the id of such an entry, the id is wrong.
    """
    known = row.id if entry.id is None else entry.id
    if known is None:
        if row.is_uncertain():
            return Change(name=entry.name, op=Op.UNKNOWN, reason=MAY_EXIST)
        return _create(entry, content)
    found = lookup(entry.name.path, known)
    if found is None and entry.id is not None:
        reason = f"the OMS has no {_SINGULAR[entry.name.kind]} with the id {known}"
        return Change(name=entry.name, op=Op.FAIL, reason=reason)
    if found is None:
        return replace(_create(entry, content), reason=f"the OMS no longer has it: its id was {known}")
    last = row if is_same_id(row.id, known) else Row(name=entry.name)  # nothing was pushed to an adopted entry yet
    return _update(entry, known, differences(content, found, last))


def _create(entry: Entry, content: Content) -> Change:
    return Change(name=entry.name, op=Op.CREATE, fields={name: (None, value) for name, value in content.items()})


def _update(entry: Entry, known: Id, fields: dict[str, tuple[Any, Any]]) -> Change:
    if fixed := sorted(fields.keys() & CREATE_ONLY[entry.name.kind]):
        reason = f"{', '.join(fixed)} can't be changed: remove it from the file, or delete the entry first"
        only = {each: fields[each] for each in fixed}
        return Change(name=entry.name, op=Op.FAIL, id=known, fields=only, reason=reason)
    return Change(name=entry.name, op=Op.UPDATE if fields else Op.SAME, id=known, fields=fields)


def compare(work: Work, rows: Mapping[Name, Row], lookup: Lookup) -> tuple[list[Change], list[str]]:
    """Return the changes that a push would make, in sequence, and why some entries were compared with the last push.

    The latter are the reasons of the Retry errors that `lookup` raised. A Blocked error ends the comparison.
    """
    changes, guesses = dict[Name, Change](), list[str]()
    for entry in work.entries:
        row = rows.get(entry.name, Row(name=entry.name))
        content = entry.fields
        if entry.parent:
            parent = _parent_id(entry.parent, changes, rows)
            if parent is None:
                changes[entry.name] = Change(name=entry.name, op=Op.FAIL, reason=missing_parent(entry))
                continue
            content = content | {entry.name.parent_id_field: parent}
        try:
            change = decide(entry, row, content, lookup)
        except Retry as error:
            guesses.append(error.reason)
            change = decide(entry, row, content, _last_push(entry, row))
        except Dead as error:
            change = Change(name=entry.name, op=Op.FAIL, reason=error.reason)
        changes[entry.name] = change
    for deletion in work.deletions:
        identity = rows[deletion.name].id
        op = Op.SAME if identity is None else Op.DELETE
        changes[deletion.name] = Change(name=deletion.name, op=op, id=identity)
    return list(changes.values()), guesses


def _parent_id(name: Name, changes: Mapping[Name, Change], rows: Mapping[Name, Row]) -> Id | None:
    """Return the id of a parent. A parent that the same push creates has no id yet, so its name is returned."""
    change = changes.get(name)
    if change and change.op is Op.CREATE:
        return f"(new) {name}"
    if change and change.id is not None:
        return change.id
    return rows[name].id if name in rows else None


def _last_push(entry: Entry, row: Row) -> Lookup:
    last = row.pushed if entry.id is None or is_same_id(entry.id, row.id) else {}
    return lambda _kind, _id: last


def differences(content: Content, found: Content, row: Row) -> dict[str, tuple[Any, Any]]:
    """Return the fields that differ at the OMS: the value that it has, and the wanted value.

    A field that is missing in the OMS's answer is compared with the value that was pushed last.
    """
    different = {}
    for name, wanted in content.items():
        is_pushed = row.pushed.get(name) == wanted
        if name in found:
            value = _as_stored(found[name])
            if is_equal(wanted, value) or (is_pushed and name in row.echoed and row.echoed[name] == value):
                continue
            different[name] = (value, wanted)
        elif not is_pushed and not (name in CREATE_ONLY[row.name.kind] and name not in row.pushed):
            different[name] = (row.pushed.get(name), wanted)
    return different


def is_equal(wanted: object, found: object) -> bool:
    """Compare a value with the OMS's, which may write a number as text, a flag as a number, and "" as null."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return _flag(wanted) is not None and _flag(wanted) == _flag(found)
    if isinstance(wanted, int) and isinstance(found, str | int | float | Decimal):
        try:
            return Decimal(str(found)) == wanted
        except InvalidOperation:
            return False
    if wanted == "" and found is None:
        return True
    return isinstance(wanted, str) and isinstance(found, str | int) and str(found) == wanted


def _flag(value: object) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())


def _as_stored(value: Any) -> Any:
    """Convert a value to the form in which a row of the table returns it."""
    return json.loads(wire.write(value))
