"""The commands of `pressroom catalogue`: compare a file with the OMS, push it, show the progress and the known entries.

Only the comparison calls the OMS. A push is written as a delivery, which deliver/oms sends; it supersedes the push
before it (docs/decisions/0019-one-job-pushes-the-catalogue.md).
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pressroom.order import outbox
from pressroom.platform import config, table
from pressroom.platform.errors import Blocked, DeliveryError, Refused, Retry
from pressroom.platform.observe import logger
from pressroom.platform.words import counted
from pressroom.providers.oms import client
from pressroom.providers.oms.catalogue import progress, rows
from pressroom.providers.oms.catalogue.compare import Change, Op, compare
from pressroom.providers.oms.catalogue.entries import Content, Name, Work, is_same_id
from pressroom.providers.oms.catalogue.file import is_key, read
from pressroom.providers.oms.catalogue.plan import candidates, plan
from pressroom.providers.oms.catalogue.rows import Row, State

type Answer = dict[str, Any]
PARAMETERS = {
    "diff": {"catalogue", "delete"},
    "push": {"catalogue", "delete"},
    "progress": set[str](),
    "show": set[str](),
    "absent": {"entries"},
}
"""The actions and their parameters."""
LARGEST = 390_000
"""The most bytes of a compressed push: it has to fit into its row."""
TIME = timedelta(minutes=4)
"""The time for reading all entries from the OMS; the function may run for five minutes."""
MOST_FAILURES = 3
"""The number of temporary failures after which the OMS is not asked any more."""
MOST_FAULTS = 500
LONGEST_VALUE = 200
"""Characters of a field's value in a difference: a response of Lambda holds at most 6 MB."""


def answer(request: Any) -> Answer:
    """Run the action of a request: `{"action", …}` (see PARAMETERS). The answer holds `ok`, or else the `problem`."""
    try:
        return _run(_checked(request))
    except Refused as error:
        errors = {"errors": error.answer} if isinstance(error.answer, list) else {}
        return {"ok": False, "problem": str(error)} | errors
    except DeliveryError as error:
        return {"ok": False, "problem": f"the OMS could not be asked: {error.reason}"}


def _checked(request: Any) -> dict[str, Any]:
    if not isinstance(request, dict) or request.get("action") not in PARAMETERS:
        raise Refused(f"action must be one of {', '.join(PARAMETERS)}")
    if unknown := sorted(request.keys() - {"action"} - PARAMETERS[request["action"]]):
        raise Refused(f"unknown parameters: {', '.join(unknown)}")
    for name in ("delete", "entries"):
        given = request.get(name, [])
        if not (isinstance(given, list) and all(isinstance(each, str) for each in given)):
            raise Refused(f"{name} must be a list of keys")
    return {"catalogue": {}, "delete": [], "entries": []} | request


def _run(request: dict[str, Any]) -> Answer:
    match request["action"]:
        case "diff":
            return _diff(request)
        case "push":
            return _push(request)
        case "absent":
            return _mark_absent(request["entries"])
        case "show":
            return _progress() | {"entries": [_entry_answer(row) for _, row in sorted(rows.read_all().items())]}
        case _:
            return _progress()


def _diff(request: dict[str, Any]) -> Answer:
    work, known = _planned(request)
    changes, guesses = compare(work, known, _LimitedLookup(config.utcnow() + TIME))
    named = {step.name for step in work.steps()} | {entry.renamed_from for entry in work.entries}
    others = sorted(str(name) for name, row in known.items() if row.state is not State.ABSENT and name not in named)
    return {
        "ok": True,
        "changes": [_change_answer(change, known) for change in changes if change.op is not Op.SAME],
        "counts": Counter(change.op for change in changes),
        "not_in_file": others,
        "guessed": {"entries": len(guesses), "reason": guesses[0]} if guesses else None,
    }


class _LimitedLookup:
    """Reads entries from the OMS until it has failed a few times or the time is up; then every call raises Retry."""

    def __init__(self, until: datetime) -> None:
        self._until = until
        self._failures = list[str]()

    def __call__(self, kind: client.Kind, entry: client.Id) -> Content | None:
        if len(self._failures) >= MOST_FAILURES:
            raise Retry(self._failures[0])
        if config.utcnow() >= self._until:
            raise Retry("the OMS is too slow to return all entries in one call")
        try:
            return client.get_entry(kind, entry)
        except Retry as error:
            self._failures.append(error.reason)
            raise


def _push(request: dict[str, Any]) -> Answer:
    work, _ = _planned(request)
    if not work.steps():
        raise Refused("there is nothing to push: the catalogue is empty, and nothing is to be deleted")
    if (size := len(table.pack(work.write())["B"])) > LARGEST:
        raise Refused(
            f"the catalogue is too large for one push: it has {size} bytes when compressed, and the limit is {LARGEST};"
            " split the file (a part can refer to entries of the parts that were pushed before)"
        )
    delivery, before = progress.start(work, now=config.utcnow())
    logger().info("catalogue_push_started", delivery_id=delivery.id, entries=len(work.steps()))
    replaced = outbox.get(before.delivery_id) if before else None
    pending = replaced is not None and replaced.state is outbox.State.PENDING
    return {
        "ok": True,
        "delivery": delivery.id,
        "total": len(work.steps()),
        "replaces": replaced.id if replaced and pending else None,
    }


def _planned(request: dict[str, Any]) -> tuple[Work, dict[Name, Row]]:
    """Read a catalogue and check it against all known entries. Raises Refused with every error that it has."""
    file, faults = read(request["catalogue"])
    named = [name for name in file.places if is_key(name.key)]
    named += [name for text in request["delete"] for name in candidates(text)]
    known = rows.read_all() | rows.read_many(named)
    work, more = plan(file, request["delete"], known)
    if faults := faults + more:
        errors = [{"field": field, "message": message} for field, message in faults[:MOST_FAULTS]]
        raise Refused(f"the catalogue has {counted(len(faults), 'error')}, so nothing was sent", errors)
    return work, known


def _mark_absent(entries: list[str]) -> Answer:
    """Record, on a person's word, that the OMS does not have entries whose create got no answer."""
    now = config.utcnow()
    if not entries:
        raise Refused("name the entries that the OMS does not have")
    found = [_uncertain(text, now) for text in entries]
    for row in found:
        try:
            rows.write(replace(row, **rows.GONE), now=now)
        except Blocked as error:
            raise Refused(f"{row.name} has just changed; check it again") from error
        logger().info("catalogue_entry_absent", entry=str(row.name))
    return {"ok": True, "absent": [str(row.name) for row in found]}


def _uncertain(text: str, now: datetime) -> Row:
    """Return the one entry in state `unknown` that a person's text names."""
    known = rows.read_many(candidates(text))
    uncertain = [row for row in known.values() if row.is_uncertain()]
    if not known:
        raise Refused(f"{text}: no entry with this key was ever pushed")
    if len(uncertain) != 1:
        states = ", ".join(f"{name} is {row.state}" for name, row in sorted(known.items()))
        raise Refused(f"{text}: only an entry in the state unknown can be marked as absent ({states})")
    if uncertain[0].is_claimed(now):
        raise Refused(f"{uncertain[0].name}: a push may still be creating it; try again in 15 minutes")
    return uncertain[0]


def _progress() -> Answer:
    push = progress.current()
    if push is None:
        return {"ok": True, "push": None}
    delivery = outbox.get(push.delivery_id)
    shown = {"delivery": push.delivery_id, "done": push.done, "total": push.total, "counts": dict(push.counts)}
    shown |= {"started_at": push.started_at, "state": None, "last_error": None}
    if delivery:
        shown |= {"state": delivery.state, "last_error": delivery.last_error}
    return {"ok": True, "push": shown}


def _entry_answer(row: Row) -> Answer:
    return {
        "entry": str(row.name),
        "id": row.id,
        "state": State.UNKNOWN if row.is_uncertain() and not row.is_claimed(config.utcnow()) else row.state,
        "error": row.error,
        "changed_at": row.changed_at,
    }


def _change_answer(change: Change, known: dict[Name, Row]) -> Answer:
    fields = {name: [_shortened(value) for value in values] for name, values in change.fields.items()}
    before = known[change.name].id if change.name in known else None
    adopted = change.id is not None and not is_same_id(before, change.id)
    return {
        "entry": str(change.name),
        "op": change.op,
        "id": change.id,
        "adopted": adopted,
        "fields": fields,
        "reason": change.reason,
    }


def _shortened(value: Any) -> Any:
    if isinstance(value, int | float | None):
        return value
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
