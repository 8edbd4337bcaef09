"""The fold: it makes an order out of its facts. Pure: no I/O, no clock, standard library only.

An order is a *set* of facts, each named by the event that reported it. `fold` sorts the set and applies the rule of
each fact's kind, so any permutation and any number of duplicates give the same order (invariant 3):

| kind           | reported by                              | what it does                                             |
|----------------|------------------------------------------|----------------------------------------------------------|
| `paid`         | storefront.order_paid                    | sets the lines, the currency, the ref; every line is     |
|                |                                          | `paid`. Lines that an update had removed before are not  |
|                |                                          | sent                                                     |
| `paid_again`   | storefront.order_paid                    | only raises `paid_twice`: the first message counts       |
| `routed`       | ops.line_routed, storefront.order_updated| gives a printer to a line that no rule matched, or that  |
|                |                                          | lacked a SKU or a usable design before                   |
| `updated`      | storefront.order_updated                 | the latest update counts, unless it is older than the    |
|                |                                          | payment: lines that can be changed get its values, or are|
|                |                                          | canceled if it leaves them out; so do lines at followed  |
|                |                                          | printers, and new ones, once the printer's own order     |
|                |                                          | shows the same (`confirmation`); `change_not_sent` if    |
|                |                                          | more than that differs                                   |
| `revoked`      | storefront.order_canceled                | cancels the lines that no printer was sent, and those    |
|                |                                          | that a printer cancels; others raise `not_recalled`      |
| `sent`         | deliver.<destination>                    | a delivery was sent: its lines are `accepted`, or        |
|                |                                          | canceled if it deletes them; ends `delivery_dead`; may   |
|                |                                          | raise `uid_unknown`, or `answer_lost` if an earlier      |
|                |                                          | attempt may have created the order                       |
| `uid_found`    | ops                                      | the OMS's uids of an order and its items, which a person |
|                |                                          | found: ends `uid_unknown`                                |
| `dead`         | deliver.<destination>                    | a delivery is dead: `delivery_dead`, and `answer_lost`   |
|                |                                          | like `sent`, until the delivery is sent or withdrawn     |
| `withdrawn`    | deliver.<destination>                    | a delivery was not needed; if it was to create an order, |
|                |                                          | its lines are canceled                                   |
| `print_file`   | oms.print_file                           | the line's print file; the latest report counts: ready:  |
|                |                                          | the line is `in_production`; failed:                     |
|                |                                          | `print_file_failed`; given up: `print_file_late`; no     |
|                |                                          | print template: `no_template`                            |
| `batched`      | deliver.oms                              | the line's batch: the line is `in_production`, or the    |
|                |                                          | batch's delivery is dead: `batch_dead`                   |
| `progress`     | cloudprinter order and item signals,     | the status of the item, or of all the printer's lines,   |
|                | Printful's order events                  | never backwards; a later report ends `failed` and        |
|                |                                          | `production_error`. A printer's own status may stand for |
|                |                                          | another kind (`partners.kinds`); one that stands for a   |
|                |                                          | stage counts in every fact that has it; `draft` after    |
|                |                                          | another status raises `confirm_again`, unless other      |
|                |                                          | orders at the printer have its lines                     |
| `shipped`      | a printer's report of a parcel           | a parcel in the ledger, once per (printer, parcel); the  |
|                |                                          | latest report has its tracking; pieces of its lines are  |
|                |                                          | shipped. A reshipment adds no pieces to those that have  |
|                |                                          | left. Ends `failed` and `production_error`. A parcel     |
|                |                                          | without a piece of the order moves no status             |
| `returned`     | printful.package_returned                | the parcel (added if it is new) came back, with the      |
|                |                                          | pieces that the report names, or all pieces if it names  |
|                |                                          | none; as many as are sent again, in a parcel marked as a |
|                |                                          | reshipment or not, do not count as returned              |
| `undelivered`  | cloudprinter.item_delivery_failed        | `not_delivered`, until the item is delivered after all   |
| `error`        | cloudprinter.item_error                  | the line's error with its delay; `production_error`      |
| `failed`       | printful.order_failed                    | lines of which nothing has left are `failed`             |
| `canceled`     | cloudprinter.item_canceled,              | cancels for good the pieces that have not left; ends the |
|                | .order_canceled, printful.order_canceled | printer's hold                                           |
| `held`         | printful.order_put_hold,                 | a hold begins, or continues: `on_hold`;                  |
|                | .order_put_hold_approval                 | `approval_needed` if the merchant must approve. A hold   |
|                |                                          | reported only as a status ends with a later `progress`   |
| `released`     | printful.order_remove_hold               | ends the hold, if all reports of it are older, or if the |
|                |                                          | hold began at the same instant                           |
| `refunded`     | printful.order_refunded                  | a refund, in the currency of the printer's costs, as the |
|                |                                          | fact or the latest one before it names it                |
| `stock`        | printful.stock_updated                   | which variants of a product can't be ordered; the latest |
|                |                                          | report counts: `out_of_stock` while a line of such a     |
|                |                                          | variant is open                                          |
| `overdue`      | monitor                                  | `stalled` while lines still wait for acceptance, or for  |
|                |                                          | shipping, as the fact says; `hold_old` while that hold   |
|                |                                          | lasts                                                    |
| `notified`     | notifications                            | nothing: a notification to the shop was created. The     |
|                |                                          | timeline shows only its end; if `dead`, `shop_not_told`  |
| `linked`,      | ops, links                               | the facts of a printer's record count in an order, or not|
| `unlinked`     |                                          | any more (`order.links`)                                 |
| `resembles`    | links                                    | `maybe_same_order`: another record may be the same order |
| `distinct`     | links, ops                               | ends that                                                |
| `erased`       | ops                                      | `erased_at`: personal data in the facts was removed      |

Of one instant, a hold comes before its release, and a draft before another status (`facts.in_order`). If other facts of
the same instant contradict each other, the one that needs a person counts (a failure, an error, a hold).
"""

from collections.abc import Callable, Iterable

from pressroom.order import links
from pressroom.order.attention import attention, may_be_made_twice
from pressroom.order.confirmation import confirm_changes, follow_changes, is_turning_point
from pressroom.order.facts import DRAFT, Fact, destination_of, in_order, kind_of_status
from pressroom.order.ledger import enter_parcel, merge_parcels, place_items, place_pieces, returned_parcel
from pressroom.order.model import (
    RANK,
    ApprovalFile,
    Batch,
    Hold,
    Line,
    Order,
    PrintFile,
    Refund,
    Status,
    TimelineEntry,
    Waits,
)
from pressroom.order.reasons import Attention
from pressroom.order.settle import change_lines, route_by_hand, settle
from pressroom.order.state import Progress, State, parts_of, provider_order_of, stage_of
from pressroom.order.tracking import tracking_number
from pressroom.partners import OPS, SHOP
from pressroom.platform.words import counted

type Rule = Callable[[State, Fact], str]
"""Applies a fact, and returns its text for the timeline; empty if the timeline does not show it."""


def fold(order_id: str, facts: Iterable[Fact]) -> Order:
    """Make the order out of all its facts. Their order and repetitions don't matter.

    A kind without a rule (written by a newer version, before a rollback) is kept and shown, and changes nothing else.
    """
    known = list(facts)
    state = State(order_id)
    order, ordered = state.order, in_order(known)
    order.linked_to, order.linked = links.linked_to(known), links.linked(known)
    order.maybe_same = [] if order.linked_to else links.similar(known)
    for fact in in_order(links.counted(known)):
        rule = RULES.get(fact.kind)
        if rule:
            state.note_provider_order(fact)
            _release_in_production(state, fact)
        if is_turning_point(fact):
            confirm_changes(state)
        text = rule(state, fact) if rule else f"Not understood: {fact.kind}"
        follow_changes(state, fact)
        if text:
            order.timeline.append(
                TimelineEntry(at=fact.at, received_at=fact.received_at, source=fact.source, event_id=fact.id, text=text)
            )
    order.created_at = order.created_at or min((fact.at for fact in ordered if fact.source != links.SOURCE), default="")
    received = [fact for fact in ordered if _is_from_outside(fact)] or ordered
    order.updated_at = max((fact.received_at for fact in received), default="")
    _finish(state)
    return order


def _finish(state: State) -> None:
    """Make the record: find each item's line, count the pieces that have left, and set the status of every line."""
    _forget_nameless_items(state)
    confirm_changes(state)
    change_lines(state)
    place_items(state)
    merge_parcels(state)
    place_pieces(state)
    settle(state)
    order = state.order
    order.shipments = [parcel.shipment() for parcel in state.parcels.values()]
    order.holds = sorted((hold for holds in state.holds.values() for hold in holds), key=lambda each: each.since)
    order.on_hold = bool(state.open_holds())
    for key, known in state.provider_orders.items():
        known.items = state.listed_items(key)
    order.provider_orders = list(state.provider_orders.values())
    order.attention = attention(state)


def _forget_nameless_items(state: State) -> None:
    """Remove the items that stood for those whose uids were found: each would be a second item of its line."""
    for key in [key for key, line in state.nameless.items() if line in state.found_lines]:
        state.items.pop(key, None)
        state.progress.pop(key, None)


def _is_from_outside(fact: Fact) -> bool:
    """Return whether a fact comes from outside, and not from Pressroom's own checks or notifications.

    Otherwise an order about which nothing is reported would count as updated as soon as the monitor notices that.
    """
    return fact.kind not in ("overdue", "notified", "erased") and fact.source not in (f"deliver.{SHOP}", links.SOURCE)


# --- reported by the shop, or decided for it ---


def _on_paid(state: State, fact: Fact) -> str:
    if state.paid:
        return _on_paid_again(state, fact)
    order = state.order
    state.paid, state.paid_at = True, fact.at
    order.ref, order.currency, order.created_at = fact.data["ref"], fact.data["currency"], fact.data["created_at"]
    order.lines = [Line(**line) for line in fact.data["lines"]]
    for line, name in zip(order.lines, fact.data.get("names", ()), strict=False):
        line.name = name
    for line in order.lines:
        line.unusable = fact.data.get("unusable", {}).get(line.id)
    state.left_out = frozenset(fact.data.get("left_out", ()))
    for delivery_id in fact.data.get("deliveries", ()):
        destination = destination_of(delivery_id)
        lines = {line.id for line in order.lines if line.destination == destination} - state.left_out
        state.created_by |= dict.fromkeys(lines, delivery_id)
    printers = sorted({line.destination for line in order.lines if line.destination})
    pieces = sum(line.quantity for line in order.lines)
    route_by_hand(state)
    text = f"Paid: {counted(pieces, 'piece')} in {counted(len(order.lines), 'line')}"
    return text + (f", for {' and '.join(printers)}" if printers else "")


def _on_paid_again(state: State, fact: Fact) -> str:
    state.reasons.add(Attention.PAID_TWICE)
    return "The shop sent the paid order again with other contents; the first one is used"


def _on_routed(state: State, fact: Fact) -> str:
    line, destination = fact.data["line"], fact.data["destination"]
    state.routed.setdefault(line, fact.data)
    for delivery_id in fact.data["deliveries"]:
        state.created_by.setdefault(line, delivery_id)
    route_by_hand(state)
    how = "by hand" if fact.source.startswith(OPS) else "because the shop has changed it"
    return f"Line {line} was routed to {destination} {how}"


def _on_updated(state: State, fact: Fact) -> str:
    state.updates.append(fact)
    return "Changed by the shop" + (
        "; a printer can't make a part of the change any more" if fact.data["not_sent"] else ""
    )


def _on_revoked(state: State, fact: Fact) -> str:
    state.revoked = True
    return "Canceled by the shop" + _reason(fact)


# --- reported by the deliverers, and by what follows up on the OMS's orders ---


def _on_sent(state: State, fact: Fact) -> str:
    data, destination = fact.data, fact.data["destination"]
    state.sent[data["delivery_id"]] = fact
    text = f"{destination} has received {data['operation']}"
    for item in data.get("items", ()):
        key = provider_order_of(fact), item["item"]
        state.progress.setdefault(key, Progress()).advance(Status.ACCEPTED, fact.at)
        if item.get("unknown"):
            state.nameless[key] = item["ref"]
        else:
            state.uids[item["ref"]] = item["item"]
    if not data.get("uid_known", True):
        state.uid_unknown.add(data["delivery_id"])
        text += "; the answer was lost, and the lookup confirmed the order but gave no uid"
    for line in data.get("changed", ()):
        state.print_files.pop(line, None)
        batch = state.batches.get(line)
        if batch and batch.is_sent():
            state.changed_in_batch.add(line)
    for uid in data.get("deleted", ()):
        state.progress.setdefault(((destination, uid), ""), Progress()).canceled = True
    return text + (", perhaps more than once, because an answer was lost" if may_be_made_twice(fact) else "")


def _on_uid_found(state: State, fact: Fact) -> str:
    state.uid_found |= set(fact.data["delivery_ids"])
    for item in fact.data["items"]:
        state.progress.setdefault((provider_order_of(fact), item["item"]), Progress()).advance(Status.ACCEPTED, fact.at)
        state.uids[item["ref"]] = item["item"]
        state.found_lines.add(item["ref"])
    return f"A person found the order at the OMS: {fact.data['order']}"


def _on_dead(state: State, fact: Fact) -> str:
    state.dead[fact.data["delivery_id"]] = fact
    text = f"{fact.data['operation']} could not be sent to {fact.data['destination']}: {fact.data['reason']}"
    return text + (
        "; the destination may have received it, because an answer was lost" if fact.data.get("answer_lost") else ""
    )


def _on_withdrawn(state: State, fact: Fact) -> str:
    state.withdrawn.add(fact.data["delivery_id"])
    return f"{fact.data['operation']} was not sent to {fact.data['destination']}{_reason(fact)}"


def _on_print_file(state: State, fact: Fact) -> str:
    line, status, url = fact.data["ref"], fact.data["status"], fact.data["url"]
    state.print_files[line] = PrintFile(status=status, url=url, at=fact.at)
    if status == "ready":
        state.begun.add(line)
    if status == "given_up":
        return f"oms: line {line} still has no print file; Pressroom stopped asking for it"
    return f"oms: the print file of line {line} is {status}"


def _on_batched(state: State, fact: Fact) -> str:
    data = fact.data
    state.batches[data["ref"]] = Batch(id=data["batch"], uid=data["uid"], status=data["status"])
    if data["status"] == "dead":
        return f"oms: the batch {data['batch']} of line {data['ref']} was not accepted, or the OMS's answer was lost"
    state.begun.add(data["ref"])
    return f"oms: line {data['ref']} is in the batch {data['uid'] or data['batch']}"


# --- reported by the printers ---


def _on_progress(state: State, fact: Fact) -> str:
    status, stage = fact.data.get("status"), fact.data.get("stage")
    kind = kind_of_status(fact)
    if kind in ("held", "canceled"):
        return RULES[kind](state, fact)
    if status:
        _release(state, fact, "progress")
    if kind:
        return RULES[kind](state, fact)
    progress = state.progress_for(fact)
    if stage:
        progress.advance(Status(stage), fact.at)
    if stage == Status.DELIVERED and progress.undelivered < fact.at:
        progress.undelivered = ""
    if fact.data.get("lines"):
        enter_parcel(state, fact)
    if not stage:
        return _text(fact, f"has status {status or 'unknown'}")
    return _text(fact, "is out for delivery" if stage == Status.SHIPPED else f"is {stage.replace('_', ' ')}")


def _on_shipped(state: State, fact: Fact) -> str:
    known = state.parcels.get((fact.data["provider"], fact.data["parcel"]))
    before = len(known.parts) if known else None
    parcel = enter_parcel(state, fact)
    again = before == len(parcel.parts)
    number = tracking_number(fact.data["tracking_number"])
    text = f"Parcel shipped by {parcel.provider}: {_contents(fact)}" + (f", tracking {number}" if number else "")
    return text + (" (a reshipment)" if fact.data.get("reshipment") else "") + (" (reported again)" if again else "")


def _on_returned(state: State, fact: Fact) -> str:
    parcel = returned_parcel(state, fact)
    parcel.returned, parcel.returned_at = True, parcel.returned_at or fact.at
    for part, pieces in parts_of(fact).items():
        parcel.back[part] = None if pieces is None else max(pieces, parcel.back.get(part) or 0)
    return f"Parcel came back to {parcel.provider}: {_contents(fact)}{_reason(fact)}"


def _on_undelivered(state: State, fact: Fact) -> str:
    progress = state.progress_for(fact)
    progress.advance(Status.SHIPPED, fact.at)
    progress.undelivered = fact.at
    if fact.data.get("lines"):
        enter_parcel(state, fact)
    return _text(fact, "could not be delivered") + _reason(fact)


def _on_error(state: State, fact: Fact) -> str:
    state.progress_for(fact).error = fact
    delay = fact.data["delay_hours"]
    return (
        _text(fact, "has an error") + _reason(fact) + (f", {counted(delay, 'hour')} of delay expected" if delay else "")
    )


def _on_failed(state: State, fact: Fact) -> str:
    state.progress_for(fact).failed = fact.at
    return _text(fact, "failed") + _reason(fact)


def _on_canceled(state: State, fact: Fact) -> str:
    state.progress_for(fact).canceled = True
    if not fact.data.get("item"):
        _release(state, fact, "held", "progress", ends_new=True)
    return _text(fact, "is canceled") + _reason(fact)


def _on_held(state: State, fact: Fact) -> str:
    key, reason, approval = provider_order_of(fact), fact.data.get("reason"), fact.data.get("approval", False)
    holds = state.holds.setdefault(key, [])
    if not holds or holds[-1].until is not None:
        holds.append(Hold(provider=key[0], since=fact.at))
    hold = holds[-1]
    state.held_at.setdefault(key, {})[fact.kind] = fact.at
    hold.reason = reason or hold.reason
    hold.approval_needed = hold.approval_needed or approval
    if files := fact.data.get("approval_files"):
        hold.approval_files = [ApprovalFile(**file) for file in files]
    progress = state.progress_for(fact)
    progress.rank = max(progress.rank, RANK[Status.ACCEPTED])  # it has the order, but does not continue
    return _text(fact, "waits for approval" if approval else "is on hold") + _reason(fact)


def _on_released(state: State, fact: Fact) -> str:
    _release(state, fact, "held", "progress", ends_new=True)
    draft = ", as a draft that has to be confirmed again" if fact.data.get("status") == DRAFT else ""
    return _text(fact, f"is no longer on hold{draft}") + _reason(fact)


def _release(state: State, fact: Fact, *kinds: str, ends_new: bool = False) -> None:
    """Remove the reports of a hold by these kinds of facts; when no report is left, the hold ends.

    A report of the same instant stays, because a person should look. `ends_new`: unless the hold began at that instant,
    since the fact can only have followed it then.
    """
    key = provider_order_of(fact)
    reported = state.held_at.get(key, {})
    is_new = ends_new and bool(reported) and state.holds[key][-1].since == fact.at
    for kind in kinds:
        if kind in reported and (reported[kind] < fact.at or is_new):
            del reported[kind]
            if not reported:
                state.holds[key][-1].until = fact.at


def _release_in_production(state: State, fact: Fact) -> None:
    """End the hold of a printer's order that went on to production after it; Printful may not report the release.

    A report of a hold proves nothing, since it can have any status (field notes on Printful); nor does a parcel of a
    part, which may have been packed before the hold.
    """
    if fact.kind == "held" or (fact.data.get("status") == "partial" and "parcel" in fact.data):
        return
    if "provider" in fact.data and stage_of(fact) is Status.IN_PRODUCTION:
        _release(state, fact, "held", "progress")


def _on_refunded(state: State, fact: Fact) -> str:
    known = state.provider_orders.get(provider_order_of(fact))
    currency = fact.data["currency"] or (known.costs.currency if known and known.costs else None)
    amount = fact.data["amount"]
    state.order.refunds.append(Refund(provider=fact.data["provider"], at=fact.at, amount=amount, currency=currency))
    return _text(fact, "was refunded") + (f": {amount} {currency or ''}".rstrip() if amount else "")


def _on_stock(state: State, fact: Fact) -> str:
    state.stock.append(fact)
    out = ", ".join(fact.data["out"])
    return f"{fact.data['provider']}: " + (f"out of stock or discontinued: variant {out}" if out else "in stock again")


# --- noticed by Pressroom ---


def _on_overdue(state: State, fact: Fact) -> str:
    state.overdue.append(fact)
    data = fact.data
    if "held" in data:
        return f"{data['destination']} has held the order for {counted(data['days'], 'day')}"
    done = {Waits.ACCEPT: "accepted", Waits.SHIP: "shipped"}[Waits(data["waits"])]
    lines, limit = counted(len(data["lines"]), "line"), counted(data["hours"], "hour")
    return f"{data['destination']} has not {done} {lines} within {limit}: {', '.join(data['lines'])}"


def _on_notified(state: State, fact: Fact) -> str:
    return ""


def _on_linked(state: State, fact: Fact) -> str:
    if fact.source == links.SOURCE:
        return ""  # the record shows where its facts went
    if "order" in fact.data:
        return f"Linked to the order {fact.data['order']}, which has the printer's reports now"
    return f"Linked with the record {fact.data['record']}: its reports are about this order"


def _on_unlinked(state: State, fact: Fact) -> str:
    other = f"the order {fact.data['order']}" if "order" in fact.data else f"the record {fact.data['record']}"
    return f"No longer linked with {other}"


def _on_compared(state: State, fact: Fact) -> str:
    return ""


def _on_erased(state: State, fact: Fact) -> str:
    state.order.erased_at = fact.at
    return "Personal data was erased"


RULES: dict[str, Rule] = {
    "paid": _on_paid,
    "paid_again": _on_paid_again,
    "routed": _on_routed,
    "updated": _on_updated,
    "revoked": _on_revoked,
    "sent": _on_sent,
    "uid_found": _on_uid_found,
    "dead": _on_dead,
    "withdrawn": _on_withdrawn,
    "print_file": _on_print_file,
    "batched": _on_batched,
    "progress": _on_progress,
    "shipped": _on_shipped,
    "returned": _on_returned,
    "undelivered": _on_undelivered,
    "error": _on_error,
    "failed": _on_failed,
    "canceled": _on_canceled,
    "held": _on_held,
    "released": _on_released,
    "refunded": _on_refunded,
    "stock": _on_stock,
    "overdue": _on_overdue,
    "notified": _on_notified,
    "linked": _on_linked,
    "unlinked": _on_unlinked,
    "resembles": _on_compared,
    "distinct": _on_compared,
    "erased": _on_erased,
}
"""By the kind of a fact, its rule. Kinds are stored, so their names never change."""


# --- texts of the timeline ---


def _text(fact: Fact, what: str) -> str:
    """Return a sentence about a printer's order or item. An item has the id of its line, if the printer knows that."""
    return f"{fact.data['provider']}: {_item(fact) if fact.data.get('item') else 'the order'} {what}"


def _item(fact: Fact) -> str:
    return f"item {fact.data.get('ref') or fact.data['item']}"


def _reason(fact: Fact) -> str:
    return f": {fact.data['reason']}" if fact.data.get("reason") else ""


def _contents(fact: Fact) -> str:
    lines = fact.data["lines"]
    if not lines:
        return "unknown contents"
    if any(line["quantity"] is None for line in lines):
        return _item(fact)
    return counted(sum(line["quantity"] for line in lines), "piece")
