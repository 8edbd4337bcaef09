"""The reasons for attention of an order: one rule per reason. Pure.

A rule sees the settled order. The reasons that are found earlier (`State.reasons`) have no rule: `paid_twice` and
`over_shipped`; `unknown_sku` has both.
"""

from collections.abc import Callable

from pressroom.order.facts import DRAFT, Fact, destination_of, out_of_stock
from pressroom.order.model import GONE, RANK, Line, Status, Waits
from pressroom.order.reasons import Attention
from pressroom.order.settle import is_beyond_recall, takes_changes
from pressroom.order.state import ItemKey, ProviderOrderKey, State
from pressroom.partners import CANCELS, CREATES, ORDERED, SHOP

type Rule = Callable[[State], bool]

FILE_FAILED = "failed"
"""Printful's word for a print file that it could not process."""


def may_be_made_twice(fact: Fact) -> bool:
    """Return whether the answer to a create request was lost. The repetition of another request does no harm."""
    return bool(fact.data.get("answer_lost")) and fact.data["operation"] in CREATES


def _open_lines(state: State) -> list[Line]:
    return [line for line in state.order.lines if line.status not in GONE]


def _unpaid(state: State) -> bool:
    # An order that was canceled, that nobody makes and nobody has paid for is over.
    if state.order.linked_to or state.standalone_key():
        return False
    return not state.paid and (state.is_made() or not state.revoked)


def _maybe_same_order(state: State) -> bool:
    return bool(state.order.maybe_same)


def _made_twice(state: State) -> bool:
    """Two open orders of one printer hold the same line, with more pieces than were ordered."""
    return any(
        len(parts) > 1 and _pieces(state, line, parts) > line.quantity
        for line in _open_lines(state)
        for parts in _open_parts(state, line).values()
    )


def _open_parts(state: State, line: Line) -> dict[str, list[ItemKey]]:
    """Return by printer the items of a line in its open orders there, one for each order."""
    found: dict[str, dict[str, ItemKey]] = {}
    for part in state.items_by_line.get(line.id, ()):
        if _is_open(state, part):
            found.setdefault(part[0][0], {}).setdefault(part[0][1], part)
    return {printer: list(parts.values()) for printer, parts in found.items()}


def _is_open(state: State, part: ItemKey) -> bool:
    """Return whether a printer is going to make an item: its order is no draft, and it is neither canceled nor sent."""
    key, item = part
    known = state.provider_orders.get(key)
    reports = state.progress_of((key, "")), state.progress_of(part)
    return (
        state.has_item(key, item)
        and (known is None or known.status not in (DRAFT, "fulfilled", "archived"))
        and not any(each.canceled or each.failed or each.rank >= RANK[Status.SHIPPED] for each in reports)
    )


def _pieces(state: State, line: Line, parts: list[ItemKey]) -> int:
    """Return how many pieces of a line some items are; one without a quantity is all of them."""
    return sum(state.items[part].quantity or line.quantity for part in parts)


def _no_sku(state: State) -> bool:
    return any(line.is_no_product() and line.status is not Status.CANCELED for line in state.order.lines)


def _line_unusable(state: State) -> bool:
    return any(
        line.unusable and line.destination is None and line.status is not Status.CANCELED for line in state.order.lines
    )


def _unroutable(state: State) -> bool:
    return any(
        line.destination is None and not (line.is_no_product() or line.unusable) and line.status is not Status.CANCELED
        for line in state.order.lines
    )


def _delivery_dead(state: State) -> bool:
    return any(destination_of(delivery) != SHOP for delivery in state.given_up())


def _shop_not_told(state: State) -> bool:
    return any(destination_of(delivery) == SHOP for delivery in state.given_up())


def _answer_lost(state: State) -> bool:
    # The latest end counts: a printer that was asked afterwards may have said that it has the order once.
    ends = state.dead | state.sent
    return any(may_be_made_twice(end) for delivery, end in ends.items() if delivery not in state.withdrawn)


def _uid_unknown(state: State) -> bool:
    return bool(state.uid_unknown - state.uid_found) and any(
        takes_changes(line.destination) for line in _open_lines(state)
    )


def _not_recalled(state: State) -> bool:
    return state.revoked and (
        any(is_beyond_recall(line) and line.status is not Status.CANCELED for line in state.order.lines)
        or any(line.batch and line.batch.is_sent() for line in state.order.lines)
        or any(state.dead[delivery].data["operation"] in CANCELS for delivery in state.given_up())
    )


def _change_not_sent(state: State) -> bool:
    """The shop's latest description of the order is not what is printed, or will be."""
    in_batch = {line.id for line in state.order.lines if line.batch and line.batch.is_sent()}
    if (state.changed_in_batch | in_batch & state.removed) and not state.revoked:
        return True
    if not state.updates:
        return False
    latest = {line["id"]: line for line in state.updates[-1].data["lines"]}
    going = [line for line in state.order.lines if line.status is not Status.CANCELED]
    if state.updates[-1].data["not_sent"] and any(line.destination in ORDERED for line in going):
        return True
    return (not state.revoked and not latest.keys() <= state.by_id.keys()) or any(
        line.id in state.left_out
        or line.id in state.removed
        or (line.unusable and takes_changes(line.destination))
        or (latest[line.id]["sku"], latest[line.id]["quantity"]) != (line.sku, line.quantity)
        for line in going
    )


def _print_file_is(status: str) -> Rule:
    return lambda state: any(line.print_file and line.print_file.status == status for line in _open_lines(state))


def _batch_dead(state: State) -> bool:
    return any(line.batch and not line.batch.is_sent() for line in _open_lines(state))


def _failed(state: State) -> bool:
    return any(progress.failed and not progress.canceled for progress in state.progress.values())


def _production_error(state: State) -> bool:
    return any(
        progress.error and not progress.canceled and not state.progress_of((order, "")).canceled
        for (order, _), progress in state.progress.items()
    )


def _not_delivered(state: State) -> bool:
    return any(progress.undelivered for progress in state.progress.values())


def _on_hold(state: State) -> bool:
    return bool(state.open_holds())


def _hold_old(state: State) -> bool:
    return any(
        hold.provider == late.data["destination"] and hold.since <= late.data["held"]
        for late in state.overdue
        if "held" in late.data
        for hold in state.open_holds()
    )


def _stalled(state: State) -> bool:
    """Lines still wait for the acceptance or the shipping that an `overdue` fact reports as late."""
    return not state.revoked and any(
        state.order.waiting(late.data["destination"], Waits(late.data["waits"]), since=late.data["since"])
        & set(late.data["lines"])
        for late in state.overdue
        if "held" not in late.data
    )


def _approval_needed(state: State) -> bool:
    return any(hold.approval_needed for hold in state.open_holds())


def _unknown_sku(state: State) -> bool:
    """A printer has an item that is no line, or sent a parcel without any known contents."""
    return state.is_complete() and (
        not all(parcel.parts for parcel in state.parcels.values())
        or any(state.has_item(*part) and not state.lines_of(part[0][0], part)[0] for part in state.items)
    )


def _line_missing(state: State) -> bool:
    """A printer lists the items of its orders, and a line of that printer is none of them."""
    listing = {provider for provider, _ in state.contents}
    return any(
        line.destination in listing and not any(state.has_item(*part) for part in state.items_by_line.get(line.id, ()))
        for line in _open_lines(state)
    )


def _confirm_again(state: State) -> bool:
    return state.order.status not in GONE and any(
        known.status == DRAFT
        and key in state.submitted
        and all(hold.until for hold in state.holds.get(key, []))
        and not _is_replaced(state, key)
        for key, known in state.provider_orders.items()
    )


def _is_replaced(state: State, draft: ProviderOrderKey) -> bool:
    """Return whether other orders of its printer have all lines of a draft: to confirm it would print them twice."""

    def lines_in(goes: Callable[[ProviderOrderKey], bool]) -> set[str]:
        parts = [part for part in state.items if part[0][0] == draft[0] and goes(part[0]) and state.has_item(*part)]
        return {line.id for part in parts for line in state.lines_of(draft[0], part)[0]}

    drafts = lines_in(lambda key: key == draft)
    others = lines_in(lambda key: not state.is_draft(key) and not state.progress_of((key, "")).canceled)
    return bool(drafts) and drafts <= others


def _canceled(state: State) -> bool:
    # What the shop itself has canceled or removed is no news to it.
    return not state.revoked and (
        (state.order.status is Status.CANCELED and not state.order.lines)
        or any(line.canceled_quantity and line.id not in state.removed for line in state.order.lines)
    )


def _returned(state: State) -> bool:
    if any(line.returned_quantity for line in state.order.lines):
        return True
    # Pieces of no line, and a parcel without any known contents, can't be seen on a line.
    return any(
        parcel.returned
        and (
            not parcel.placed
            or any(places[-1][0] is None and parcel.pieces_back(part) for part, places in parcel.placed.items())
        )
        for parcel in state.parcels.values()
    )


def _out_of_stock(state: State) -> bool:
    missing = {variant for _, out in out_of_stock(state.stock).values() for variant in out}
    return any(
        item.variant in missing and state.has_item(*part) and line.status not in GONE
        for part, item in state.items.items()
        for line in state.lines_of(part[0][0], part)[0]
    )


def _item_file_failed(state: State) -> bool:
    return any(
        item.print_file == FILE_FAILED and _is_to_be_made(state, (key, item.id))
        for key, known in state.provider_orders.items()
        for item in known.items
    )


def _item_incomplete(state: State) -> bool:
    return state.order.status not in GONE and any(
        known.incomplete_items and not state.progress_of((key, "")).canceled
        for key, known in state.provider_orders.items()
    )


def _is_to_be_made(state: State, part: ItemKey) -> bool:
    """Return whether an item is still to be made: its order is not canceled, and no line of it has left."""
    lines = state.lines_of(part[0][0], part)[0]
    is_left = all(line.status in GONE for line in lines) if lines else state.order.status in GONE
    return not is_left and not state.progress_of((part[0], "")).canceled


RULES: dict[Attention, Rule] = {
    Attention.UNPAID: _unpaid,
    Attention.NO_SKU: _no_sku,
    Attention.LINE_UNUSABLE: _line_unusable,
    Attention.MAYBE_SAME_ORDER: _maybe_same_order,
    Attention.MADE_TWICE: _made_twice,
    Attention.UNROUTABLE: _unroutable,
    Attention.UNKNOWN_SKU: _unknown_sku,
    Attention.LINE_MISSING: _line_missing,
    Attention.DELIVERY_DEAD: _delivery_dead,
    Attention.SHOP_NOT_TOLD: _shop_not_told,
    Attention.ANSWER_LOST: _answer_lost,
    Attention.UID_UNKNOWN: _uid_unknown,
    Attention.NOT_RECALLED: _not_recalled,
    Attention.CHANGE_NOT_SENT: _change_not_sent,
    Attention.PRINT_FILE_FAILED: _print_file_is("processingfailed"),
    Attention.PRINT_FILE_LATE: _print_file_is("given_up"),
    Attention.NO_TEMPLATE: _print_file_is("no_template"),
    Attention.BATCH_DEAD: _batch_dead,
    Attention.FAILED: _failed,
    Attention.PRODUCTION_ERROR: _production_error,
    Attention.ON_HOLD: _on_hold,
    Attention.APPROVAL_NEEDED: _approval_needed,
    Attention.HOLD_OLD: _hold_old,
    Attention.STALLED: _stalled,
    Attention.CONFIRM_AGAIN: _confirm_again,
    Attention.CANCELED: _canceled,
    Attention.RETURNED: _returned,
    Attention.NOT_DELIVERED: _not_delivered,
    Attention.ITEM_FILE_FAILED: _item_file_failed,
    Attention.ITEM_INCOMPLETE: _item_incomplete,
    Attention.OUT_OF_STOCK: _out_of_stock,
}


def attention(state: State) -> list[Attention]:
    """Return the reasons for attention of a settled order, sorted by name."""
    return sorted(state.reasons | {reason for reason, holds in RULES.items() if holds(state)})
