"""The status of each line, and of the order as a whole. Pure.

What a printer says of its order as a whole holds for the lines of that order's items, and for those of the printer's
lines that no item is known for. A line that two orders of a printer print is canceled, or failed, only if it is so in
both. Before the payment an order shows the lines that its printers know. A standalone record (its id is
`<printer>:<the printer's order id>`) is complete with them if the printer lists its items; any other record may get
more lines, so it is `partially_shipped` at most.
"""

from pressroom.order.confirmation import change, removed_by_both
from pressroom.order.facts import occurrence
from pressroom.order.ledger import kept_and_returned
from pressroom.order.model import RANK, STAGES, Line, LineError, Status
from pressroom.order.state import State
from pressroom.partners import BY_ID, CREATES, ORDERED


def change_lines(state: State) -> None:
    """Apply to the lines the facts after the payment: the shop's updates, the OMS's answers."""
    if state.revoked:  # a create that failed before anybody received it will not be sent any more
        state.withdrawn |= {
            delivery_id
            for delivery_id, fact in state.dead.items()
            if fact.data["operation"] in CREATES and not fact.data["answer_lost"]
        }
    state.withdrawn -= state.sent.keys()
    for line in state.order.lines:
        line.uid, line.print_file = state.uids.get(line.id), state.print_files.get(line.id)
        line.batch = state.batches.get(line.id)
    state.updates = [update for update in state.updates if update.at >= state.paid_at] if state.paid else []
    lines = {line.id: line for line in state.order.lines if _takes_changes(line) and line.id not in state.left_out}
    for changed in (each for update in state.updates for each in update.data["lines"] if each["id"] in lines):
        change(lines[changed["id"]], changed)  # all updates: the latest one may have left out a design
    if state.updates:
        kept = {each["id"] for each in state.updates[-1].data["lines"]}
        state.removed = {line.id for line in state.order.lines} - kept
        state.dropped = removed_by_both(state)


def route_by_hand(state: State) -> None:
    """Give the lines that no rule matched the printers that a person chose."""
    for line in state.order.lines:
        if line.destination is None and (routed := state.routed.get(line.id)):
            line.destination = routed["destination"]
            change(line, routed.get("told", {}))


def _takes_changes(line: Line) -> bool:
    """Return whether a line can still be changed: at its printer, or because it has none."""
    return line.destination is None or takes_changes(line.destination)


def takes_changes(destination: str | None) -> bool:
    """Return whether a printer takes changes of an order that was created there."""
    printer = BY_ID.get(destination or "")
    return printer is not None and printer.change is not None


def is_beyond_recall(line: Line) -> bool:
    """Return whether a printer makes a line, or has made it, and Pressroom can't make it stop."""
    if takes_changes(line.destination):
        return bool(line.shipped_quantity)
    return line.destination not in ORDERED or RANK[line.status] >= RANK[Status.ACCEPTED]


def settle(state: State) -> None:
    """Set the status of each line, and of the order."""
    kept, back = kept_and_returned(state.parcels.values())
    ranks = {
        line.id: _settle_line(state, line, kept.get(line.id, 0), back.get(line.id, 0)) for line in state.order.lines
    }
    state.order.status = _status(state, ranks)


def _settle_line(state: State, line: Line, kept: int, back: int) -> int:
    """Set the status of a line; return the rank of that status, for the status of the order."""
    # A line that no item is known for follows what its printer says of its order as a whole.
    keys = state.items_by_line.get(line.id) or state.whole_orders.get(line.destination or "", [])
    reports = [[state.progress_of((order, "")), state.progress_of((order, item))] for order, item in keys]
    # A printer that goes on with an order does not make what its list of the order lacks.
    made = [report for key, report in zip(keys, reports, strict=True) if state.has_item(*key)]
    rank = max((progress.rank for report in made for progress in report), default=0)
    if state.created_by.get(line.id) in state.sent:
        rank = max(rank, RANK[Status.ACCEPTED])
    if line.id in state.begun:
        rank = max(rank, RANK[Status.IN_PRODUCTION])
    canceled = [any(progress.canceled for progress in report) for report in reports]
    failed = [any(progress.failed or progress.canceled for progress in report) for report in reports]
    if rank >= RANK[Status.SHIPPED]:  # it has left, even if no parcel was reported
        line.shipped_quantity = line.quantity
    if (reports and all(canceled)) or _is_taken_back(state, line):
        line.canceled_quantity = line.quantity - line.shipped_quantity
    elif errors := [
        progress.error
        for report, over in zip(reports, canceled, strict=True)
        for progress in report
        if progress.error and not over
    ]:
        last = max(errors, key=occurrence)
        line.error = LineError(at=last.at, cause=last.data["reason"], delay_hours=last.data["delay_hours"])
    if back:  # the customer has the pieces that were sent again, in a parcel that did not come back
        line.returned_quantity = max(0, line.shipped_quantity - kept)
    line.status = STAGES[min(rank, RANK[Status.PACKED])]
    if line.canceled_quantity == line.quantity:
        line.status = Status.CANCELED
    elif line.shipped_quantity == 0:
        if reports and all(failed):
            line.status = Status.FAILED
            return min(rank, RANK[Status.PACKED])
    elif line.shipped_quantity + line.canceled_quantity < line.quantity:
        line.status = Status.PARTIALLY_SHIPPED
    elif line.returned_quantity == line.shipped_quantity:
        line.status = Status.RETURNED
        return RANK[Status.SHIPPED]
    else:
        line.status = STAGES[max(rank, RANK[Status.SHIPPED])]
    return RANK[line.status]


def _is_taken_back(state: State, line: Line) -> bool:
    """Return whether the shop has canceled a line that nobody makes."""
    if line.destination is None and any(state.has_item(*part) for part in state.items_by_line.get(line.id, ())):
        return False  # a printer makes it all the same
    if line.id in state.dropped:
        return True
    if state.created_by.get(line.id) in state.withdrawn:
        return True
    nobody_has_it = line.destination is None or line.id in state.left_out
    return (state.revoked and nobody_has_it) or (line.id in state.removed and (nobody_has_it or _takes_changes(line)))


def _status(state: State, ranks: dict[str, int]) -> Status:
    """Return the status of the order: that of the slowest of its lines that are products and not canceled."""
    if state.order.linked_to and not state.order.lines:
        return Status.LINKED
    progresses, lines = state.progress.values(), state.order.lines
    # A tip, which nobody makes, keeps no order open.
    counted = [each for each in lines if each.status is not Status.PAID or not each.is_no_product()] or lines
    statuses = {line.status for line in counted} - {Status.CANCELED}
    ended = any(progress.canceled for progress in progresses) or (state.revoked and not state.is_made())
    if not statuses and (state.order.lines or ended):
        return Status.CANCELED
    if statuses in ({Status.RETURNED}, {Status.FAILED}):
        return statuses.pop()
    slowest = min((ranks[line.id] for line in counted if ranks[line.id] != RANK[Status.CANCELED]), default=0)
    if not state.is_complete():  # of lines that nobody has reported yet, only this is known
        key = state.standalone_key()
        slowest = state.progress_of((key, "")).rank if key else 0
    # Something has left, and no late fact takes that back. A parcel with nothing of this order does not count.
    has_left = any(line.shipped_quantity for line in state.order.lines)
    if not state.is_complete():
        has_left = bool(state.parcels) or any(progress.rank >= RANK[Status.SHIPPED] for progress in progresses)
    return Status.PARTIALLY_SHIPPED if has_left and slowest < RANK[Status.SHIPPED] else STAGES[slowest]
