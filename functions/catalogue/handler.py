"""The catalogue at the OMS, by a person's command: what differs, a push of it, how far that is, what is known.

Only the comparison asks the OMS anything. A push is written as a delivery, and sent by deliver/oms; another push takes
the place of the one before it (docs/decisions/0019-one-job-pushes-the-catalogue.md).
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pressroom.order import outbox
from pressroom.platform import config, table
from pressroom.platform.errors import Blocked, DeliveryError, Refused, Retry
from pressroom.platform.observe import logger
from pressroom.providers.oms import client
from pressroom.providers.oms.catalogue import push as catalogue
from pressroom.providers.oms.catalogue.file import candidates, is_key, plan, read
from pressroom.providers.oms.catalogue.push import LARGEST, Change, Name, Op, Row, State, Work

type Answer = dict[str, Any]
WANTS = {
    "diff": {"catalogue", "delete"},
    "push": {"catalogue", "delete"},
    "progress": set[str](),
    "show": set[str](),
    "absent": {"entries"},
}
"""The actions, and what each is given."""
TIME = timedelta(minutes=4)
"""For asking the OMS about all entries; the function may run for five."""
MOST_HICCUPS = 3
MOST_FAULTS = 500
LONGEST_VALUE = 200
"""Of a field's value in a difference: an answer of Lambda's holds 6 MB at most."""


def handler(event: Any, context: Any) -> Answer:
    """Do as told: `{"action", …}` (see WANTS). The answer says `ok`, and if not, the `problem`."""
    try:
        request = _request(event)
        match request["action"]:
            case "diff":
                return _diff(request)
            case "push":
                return _push(request)
            case "absent":
                return _absent(request["entries"])
            case "show":
                return _progress() | {"entries": [_shown(row) for _, row in sorted(catalogue.read_all().items())]}
            case _:
                return _progress()
    except Refused as error:
        errors = {"errors": error.answer} if isinstance(error.answer, list) else {}
        return {"ok": False, "problem": str(error)} | errors
    except DeliveryError as error:
        return {"ok": False, "problem": f"the OMS could not be asked: {error.reason}"}


def _request(event: Any) -> dict[str, Any]:
    if not isinstance(event, dict) or event.get("action") not in WANTS:
        raise Refused(f"action must be one of {', '.join(WANTS)}")
    if unknown := sorted(event.keys() - {"action"} - WANTS[event["action"]]):
        raise Refused(f"not understood: {', '.join(unknown)}")
    for name in ("delete", "entries"):
        given = event.get(name, [])
        if not (isinstance(given, list) and all(isinstance(each, str) for each in given)):
            raise Refused(f"{name} must be a list of keys")
    return {"catalogue": {}, "delete": [], "entries": []} | event


def _diff(request: dict[str, Any]) -> Answer:
    work, rows = _checked(request)
    changes, guesses = catalogue.compare(work, rows, _Patience(config.utcnow() + TIME))
    named = {step.name for step in work.steps()} | {entry.was for entry in work.entries}
    others = sorted(str(name) for name, row in rows.items() if row.state is not State.ABSENT and name not in named)
    return {
        "ok": True,
        "changes": [_told(change, rows) for change in changes if change.op is not Op.SAME],
        "counts": Counter(change.op for change in changes),
        "not_in_file": others,
        "guessed": {"entries": len(guesses), "reason": guesses[0]} if guesses else None,
    }


class _Patience:
    """Asks the OMS, until it has not answered a few times, or the time is up."""

    def __init__(self, until: datetime) -> None:
        self._until = until
        self._hiccups = list[str]()

    def __call__(self, kind: client.Kind, entry: client.Id) -> catalogue.Content | None:
        if len(self._hiccups) >= MOST_HICCUPS:
            raise Retry(self._hiccups[0])
        if config.utcnow() >= self._until:
            raise Retry("the OMS is too slow to ask about all in one go")
        try:
            return client.get_entry(kind, entry)
        except Retry as error:
            self._hiccups.append(error.reason)
            raise


def _push(request: dict[str, Any]) -> Answer:
    work, _ = _checked(request)
    if not work.steps():
        raise Refused("there is nothing to push: the catalogue is empty, and nothing is to be deleted")
    if (size := len(table.pack(work.write())["B"])) > LARGEST:
        raise Refused(
            f"the catalogue is too large for one push: compressed it has {size} bytes, of {LARGEST}; split the file"
            " (what one part has pushed, another can refer to)"
        )
    delivery, before = catalogue.start(work, now=config.utcnow())
    logger().info("catalogue_push_started", delivery_id=delivery.id, entries=len(work.steps()))
    replaced = outbox.get(before.delivery_id) if before else None
    pending = replaced is not None and replaced.state is outbox.State.PENDING
    return {
        "ok": True,
        "delivery": delivery.id,
        "total": len(work.steps()),
        "replaces": replaced.id if replaced and pending else None,
    }


def _checked(request: dict[str, Any]) -> tuple[Work, dict[Name, Row]]:
    """Read and check a catalogue against all that is known. Raises Refused with everything that is wrong with it."""
    written, faults = read(request["catalogue"])
    named = [name for name in written.places if is_key(name.key)]
    named += [name for text in request["delete"] for name in candidates(text)]
    rows = catalogue.read_all() | catalogue.read_many(named)
    work, more = plan(written, request["delete"], rows)
    if faults := faults + more:
        errors = [{"field": field, "message": message} for field, message in faults[:MOST_FAULTS]]
        raise Refused(f"nothing is sent, because of {_count(faults, 'error')} in the catalogue", errors)
    return work, rows


def _absent(entries: list[str]) -> Answer:
    """Take a person's word that the OMS has not got what a lost answer leaves open."""
    now, found = config.utcnow(), list[Row]()
    if not entries:
        raise Refused("name the entries that the OMS has not got")
    for text in entries:
        rows = catalogue.read_many(candidates(text))
        lost = [row for row in rows.values() if row.is_lost()]
        if not rows:
            raise Refused(f"{text}: no such entry was ever pushed")
        if len(lost) != 1:
            states = ", ".join(f"{name} is {row.state}" for name, row in sorted(rows.items()))
            raise Refused(
                f"{text}: this is only for an entry of which it is unknown whether it is there ({states})", {}
            )
        if lost[0].is_claimed(now):
            raise Refused(f"{lost[0].name}: a push may be at it still; try again in a quarter of an hour")
        found.append(lost[0])
    for row in found:
        try:
            catalogue.write(replace(row, **catalogue.GONE), now=now)
        except Blocked as error:
            raise Refused(f"{row.name} has just changed; look again") from error
        logger().info("catalogue_entry_absent", entry=str(row.name))
    return {"ok": True, "absent": [str(row.name) for row in found]}


def _progress() -> Answer:
    push = catalogue.current()
    if push is None:
        return {"ok": True, "push": None}
    delivery = outbox.get(push.delivery_id)
    shown = {"delivery": push.delivery_id, "done": push.done, "total": push.total, "counts": dict(push.counts)}
    shown |= {"started_at": push.started_at, "state": None, "last_error": None}
    if delivery:
        shown |= {"state": delivery.state, "last_error": delivery.last_error}
    return {"ok": True, "push": shown}


def _shown(row: Row) -> Answer:
    return {
        "entry": str(row.name),
        "id": row.id,
        "state": State.UNKNOWN if row.is_lost() and not row.is_claimed(config.utcnow()) else row.state,
        "error": row.error,
        "changed_at": row.changed_at,
    }


def _told(change: Change, rows: dict[Name, Row]) -> Answer:
    fields = {name: [_short(value) for value in values] for name, values in change.fields.items()}
    before = rows[change.name].id if change.name in rows else None
    adopted = change.id is not None and not catalogue.is_same_id(before, change.id)
    return {
        "entry": str(change.name),
        "op": change.op,
        "id": change.id,
        "adopted": adopted,
        "fields": fields,
        "reason": change.reason,
    }


def _short(value: Any) -> Any:
    if isinstance(value, int | float | None):
        return value
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _count(things: list[Any], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
