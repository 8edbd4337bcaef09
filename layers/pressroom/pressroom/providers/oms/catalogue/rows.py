"""The row of each entry of the catalogue in the table, such as `CATALOGUE#products/mug`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pressroom.platform import table, wire
from pressroom.platform.errors import Blocked
from pressroom.platform.times import iso, parse
from pressroom.providers.oms.catalogue.entries import Content, Name, is_same_id
from pressroom.providers.oms.client import Id

KIND = "CATALOGUE"
CLAIM = timedelta(minutes=15)
"""The longest that a function can run. A claim that is older belongs to a push that was killed."""
READ_AT_ONCE = 100
"""Rows that one call reads."""
_LISTED = "listed"


class State(StrEnum):
    """Whether the OMS has an entry, as far as Pressroom knows."""

    ABSENT = "absent"
    """The OMS does not have the entry: it was never sent, was refused or deleted, or a person reported it absent."""
    CREATING = "creating"
    """A push is creating the entry, or was killed while it did."""
    UNKNOWN = "unknown"
    """The create request got no answer. Pressroom does not repeat it before a person has looked at the OMS."""
    KNOWN = "known"
    """The OMS has the entry under `id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What Pressroom knows about an entry. `pushed` holds the last values that were sent, by field.

    `echoed` holds the values that the OMS returned instead of those (a text without its blanks): they are not a
    difference. `claimed_by` is the push that works on the entry since `claimed_at`.
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

    def is_claimed(self, now: datetime, *, other_than: str = "") -> bool:
        """Return whether a push, other than the given one, may be working on the entry now."""
        if self.claimed_by in (None, other_than) or self.claimed_at is None:
            return False
        return now - parse(self.claimed_at) < CLAIM

    def is_uncertain(self) -> bool:
        """Return whether the OMS may have the entry under an id that Pressroom does not know."""
        return self.state in (State.UNKNOWN, State.CREATING)

    def is_in(self, parent: Id | None) -> bool:
        """Return whether the entry is, or may be, in the parent with this id."""
        return self.state is not State.ABSENT and is_same_id(self.pushed.get(self.name.parent_id_field), parent)


GONE: dict[str, Any] = {
    "state": State.ABSENT,
    "id": None,
    "pushed": {},
    "echoed": {},
    "error": None,
    "claimed_by": None,
    "claimed_at": None,
}
"""The changes to the row of an entry that the OMS no longer has."""


def row_of(item: table.Item) -> Row:
    """Parse an item of the table."""
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
    """Read the row of an entry. An entry without a row has version 0."""
    item = table.get(KIND, str(name))
    return row_of(item) if item else Row(name=name)


def read_many(names: Iterable[Name]) -> dict[Name, Row]:
    """Read the rows of some entries. Entries without a row are missing in the result."""
    wanted, rows = [(KIND, str(name)) for name in dict.fromkeys(names)], list[Row]()
    for start in range(0, len(wanted), READ_AT_ONCE):
        rows += map(row_of, table.get_many(wanted[start : start + READ_AT_ONCE]))
    return {row.name: row for row in rows}


def read_all() -> dict[Name, Row]:
    """Read all entries that are or may be at the OMS, or whose push failed.

    The index that lists them is a moment behind the table.
    """
    names = list[Name]()
    before: str | None = ""
    while before is not None:
        page, before = table.newest("by_state", f"{KIND}#{_LISTED}", limit=READ_AT_ONCE, before=before)
        names += map(Name.of, page)
    return read_many(names)


def write(row: Row, *, now: datetime) -> Row:
    """Replace the row that was read. Raises Blocked if another push has changed it since."""
    row = replace(row, version=row.version + 1, created_at=row.created_at or iso(now), changed_at=iso(now))
    item = _item(row)
    if row.version == 1:
        other = table.put(item, old=True)
    else:
        other = table.put(item, "version = :known", known={"N": str(row.version - 1)}, old=True)
    if other not in (None, item):  # a write whose answer was lost is repeated and finds its own item
        raise claimed_by_another(row)
    return row


def claimed_by_another(row: Row) -> Blocked:
    """Return the error for an entry that another push works on."""
    return Blocked(f"another push is updating {row.name} right now")


def _item(row: Row) -> table.Item:
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
    if row.state is not State.ABSENT or row.error is not None:  # entries that are gone are not listed
        item |= table.state_index(KIND, _LISTED, str(row.name), row.created_at)
    return item
