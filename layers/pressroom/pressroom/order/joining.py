"""Joining records: what follows for other records, once a message is recorded in its own.

By exact rules Pressroom links a printer's record to an order by itself: a record of the printer's own, as soon as any
message names the order that it is; and a GUID that is written in another way. What only looks alike is noted in both
records, for a person. Each writer writes its own row first and reads the others' afterwards. So of two messages that
arrive at once, at least one sees the other, and any order of arrival ends in the same records. A message that is
processed again after a crash does all of it again.
"""

from collections.abc import Iterable

from pressroom.order import links, repository
from pressroom.order.decision import Decision, Undecided
from pressroom.order.facts import Fact, is_paid
from pressroom.order.model import Order
from pressroom.order.names import begins_like_a_record, record_id
from pressroom.order.repository import Written, find_key
from pressroom.partners import FOLLOWED
from pressroom.platform import config, table
from pressroom.platform.times import iso
from pressroom.platform.wire import is_name


def apply(decision: Decision | Undecided) -> Order:
    """Record a decision, and what follows from it for other records; return the order that has the facts now."""
    written = repository.record(decision)
    if written.order.linked_to and is_paid(written.facts):  # an order of the shop's, after all
        _, record = _part(written.order.id, written.order.linked_to, links.SOURCE)
        written = written._replace(order=record)
    before = written.before if written.is_new else []
    if written.order.linked_to:
        order = _move(written.order.id, written.facts, written.order.linked_to)
        new = set() if begins_like_a_record(written.order.id) else _new_orders(written.facts, before)
        joined = _join_printers_orders(written.order, written.facts, new) if new else written.order
        return order if joined is written.order else joined
    if begins_like_a_record(written.order.id):
        return _join_record(written, before)
    return _join_order(written, before)


def link(record: str, order_id: str, *, by_hand: bool = True) -> Order | None:
    """Link a printer's record to an order; return the order, or None if that is impossible.

    Another link may have been first, or the shop may have reported the record as an order of its own meanwhile. Records
    that are linked to this record go with it.
    """
    now = iso(config.utcnow())
    source, name = ("ops", f"linked/{order_id}/{now}") if by_hand else (links.SOURCE, "linked")
    written = repository.record(Decision(order_id=record, facts=(_fact(name, "linked", source, now, order=order_id),)))
    if written.order.linked_to != order_id:
        return None
    if is_paid(written.facts):
        _part(record, order_id, links.SOURCE)
        return None
    for other in links.similar(written.facts):
        if other != order_id:
            _note("distinct", other, record)
    moved = [record, *written.order.linked] if by_hand else []
    noted = tuple(_fact(f"linked/{each}/{now}", "linked", source, now, record=each) for each in moved)
    order = _move(record, written.facts, order_id, noted)
    if order.linked_to:  # two links at once, each to the other record
        _part(record, order_id, links.SOURCE)
        return None
    return order


def unlink(record: str, order_id: str) -> Order:
    """End a link, or note that two records that look alike are not one; return the order."""
    row = repository.get(record)
    if row and links.linked_to(row.facts) == order_id:
        order, _ = _part(record, order_id, "ops")
        return order
    return _note("distinct", order_id, record)


def _part(record: str, order_id: str, source: str) -> tuple[Order, Order]:
    """End a link; return the order, and the record.

    The record is written last. If nothing else is written, it is still linked, and all of this can be repeated.
    """
    now = iso(config.utcnow())
    known = repository.get(record) or repository.Row()
    gone = tuple(
        _fact(f"unlinked/{each}/{now}", "unlinked", source, now, record=each)
        for each in (record, *links.linked(known.facts))
    )
    order = last = repository.apply(Decision(order_id=order_id, facts=gone))
    passed = {record, order_id}
    while last.linked_to and last.linked_to not in passed:  # what was handed on goes there too
        passed.add(last.linked_to)
        last = repository.apply(Decision(order_id=last.linked_to, facts=gone))
    about = _fact(f"unlinked/{order_id}/{now}", "unlinked", source, now, order=order_id)
    return order, repository.apply(Decision(order_id=record, facts=(about,)))


def _move(record: str, facts: Iterable[Fact], order_id: str, noted: tuple[Fact, ...] = ()) -> Order:
    """Add the facts of a linked record to its order, and to the one that this is linked to; return the last one."""
    passed = {record}
    while True:
        moved, at = (*links.copies(record, facts), *noted), iso(config.utcnow())
        written = repository.record(Decision(order_id=order_id, facts=moved, at=at))
        if written.order.linked_to is None or written.order.linked_to in passed:
            return written.order
        passed.add(order_id)
        record, facts, order_id = order_id, written.facts, written.order.linked_to


def _join_record(written: Written, before: list[Fact]) -> Order:
    """Link a printer's own record, when it is new, to the order that other messages name for it."""
    printer, _, number = written.order.id.partition(":")
    if before or links.was_decided(written.facts):
        return written.order
    found = _rows(_found([find_key("printer_order", f"{printer}/{number}")]) - {written.order.id})
    orders = {each for each, known in found.items() if links.linked_to(known) not in found}
    if len(orders) != 1:
        return written.order
    return link(written.order.id, orders.pop(), by_hand=False) or written.order


def _join_order(written: Written, before: list[Fact]) -> Order:
    order, facts = written.order, written.facts
    new_orders = _new_orders(facts, before)
    is_newly_paid = is_paid(facts) and not is_paid(before)
    if new_orders:
        order = _join_printers_orders(order, facts, new_orders)
    if (not before or is_newly_paid) and (joined := _join_guid(order, facts)):
        return joined
    if is_newly_paid:
        order = _compare_paid(order)
    elif links.is_reported(facts) and not links.is_reported(before) and not is_paid(facts):
        order = _compare_unpaid(order)
    if order.maybe_same and (is_newly_paid or new_orders):
        order = _compare_again(order, facts)
    return order


def _new_orders(facts: list[Fact], before: list[Fact]) -> set[tuple[str, str]]:
    return links.orders_of_printers(facts) - links.orders_of_printers(before)


def _join_printers_orders(order: Order, facts: list[Fact], new: set[tuple[str, str]]) -> Order:
    """Link the printers' own records of orders that this order has from now on, and note who else has its number."""
    numbered = (repository.FIND, find_key("ref", order.id))
    rows = table.get_many([*((repository.KIND, record_id(*each)) for each in sorted(new)), numbered])
    for row in rows:
        if row["pk"] == table.pk(*numbered)["pk"]:
            continue
        if not links.was_decided(repository.row_of(row).facts):
            order = link(table.identity_of(row), order.id, by_hand=False) or order
    if is_paid(facts):
        printers = {printer for printer, _ in new}
        for other, known in _rows(_orders(rows) - {order.id}).items():
            if is_paid(known) and _waits_for(known, printers):
                order = _note("resembles", order.id, other)
    return order


def _join_guid(order: Order, facts: list[Fact]) -> Order | None:
    """Link two spellings of a GUID, of which the shop knows one; return the order, or None if there is nothing to link.

    Printful takes 32 characters at most, and a GUID with its hyphens has 36 (Printful orders v1).
    """
    digits = links.guid(order.id)
    if digits is None:
        return None
    others = _rows(_found([find_key("guid", digits)]) - {order.id})
    if is_paid(facts):
        spellings = [each for each, known in others.items() if not is_paid(known) and not links.was_decided(known)]
        joined = [link(each, order.id, by_hand=False) for each in sorted(spellings)]
        return joined[-1] if joined else None
    paid = [each for each, known in others.items() if is_paid(known)]
    return link(order.id, paid[0], by_hand=False) if len(paid) == 1 and not links.was_decided(facts) else None


def _compare_paid(order: Order) -> Order:
    """Note the unpaid records, and the order that a printer may have meant, whose name is the order's id or number."""
    called = {order.id.removeprefix("#"), (order.ref or order.id).removeprefix("#")}
    wanted = [(repository.FIND, find_key("name", each)) for each in sorted(called)]
    if order.ref and order.ref != order.id and is_name(order.ref):  # a longer text is no id, and may not fit into a key
        wanted.append((repository.KIND, order.ref))
    rows = table.get_many(wanted)
    alike = {each for each, known in _rows(_orders(rows) - {order.id}).items() if _may_be_linked(known)}
    printers = {line.destination for line in order.lines if line.destination in FOLLOWED} - {
        each.provider for each in order.provider_orders
    }
    for row in rows:
        if "facts" in row:
            known = repository.row_of(row).facts
            reporting = {printer for printer, _ in links.orders_of_printers(known)}
            if _may_be_linked(known) or (is_paid(known) and reporting & printers):
                alike.add(table.identity_of(row))
    for other in sorted(alike):
        order = _note("resembles", order.id, other)
    return order


def _compare_unpaid(order: Order) -> Order:
    """Note the paid orders whose id or number is a name of this record, which only a printer knows so far."""
    called = {spelled for each in links.names(order.id) for spelled in (each, f"#{each}")}
    wanted = [(repository.KIND, each) for each in sorted(called - {order.id})]
    wanted += [(repository.FIND, find_key("ref", each)) for each in sorted(called)]
    rows = table.get_many(wanted)
    alike = {table.identity_of(row) for row in rows if "facts" in row and is_paid(repository.row_of(row).facts)}
    alike |= {each for each, known in _rows(_orders(rows) - {order.id}).items() if is_paid(known)}
    for other in sorted(alike):
        order = _note("resembles", order.id, other)
    return order


def _compare_again(order: Order, facts: list[Fact]) -> Order:
    """Note the records that turn out to be other orders: the shop knows both, and no number can mean the other one."""
    if not is_paid(facts):
        return order
    for other, known in sorted(_rows(set(order.maybe_same)).items()):
        if is_paid(known) and not _may_mean(known, order.id) and not _may_mean(facts, other):
            order = _note("distinct", order.id, other)
    return order


def _may_mean(facts: list[Fact], order_id: str) -> bool:
    """Return whether a printer that names an order may mean this one: it has that number, and lacks the reports."""
    return any(fact.data.get("ref") == order_id for fact in facts if fact.kind == "paid") and _waits_for(
        facts, set(FOLLOWED)
    )


def _waits_for(facts: list[Fact], printers: set[str]) -> bool:
    """Return whether an order has lines for one of these printers, none of which has reported on it."""
    lines = [line["destination"] for fact in facts if fact.kind == "paid" for line in fact.data["lines"]]
    return bool(printers.intersection(lines) - {printer for printer, _ in links.orders_of_printers(facts)})


def _may_be_linked(facts: list[Fact]) -> bool:
    return not is_paid(facts) and not links.was_decided(facts)


def _note(kind: str, order_id: str, record: str) -> Order:
    """Note in two records that they look alike (`resembles`), or are two orders (`distinct`); return the first."""
    now = iso(config.utcnow())
    order, _ = (
        repository.record(
            Decision(order_id=one, facts=(_fact(f"{kind}/{two}", kind, links.SOURCE, now, record=two),))
        ).order
        for one, two in ((order_id, record), (record, order_id))
    )
    return order


def _fact(name: str, kind: str, source: str, at: str, **data: str) -> Fact:
    return Fact(id=name, kind=kind, source=source, at=at, received_at=at, data=dict(data))


def _found(keys: Iterable[str]) -> set[str]:
    return _orders(table.get_many([(repository.FIND, key) for key in keys]))


def _orders(rows: Iterable[table.Item]) -> set[str]:
    """Return the orders that rows of the search name."""
    return {each for row in rows for each in row.get("orders", {}).get("SS", ())}


def _rows(order_ids: set[str]) -> dict[str, list[Fact]]:
    """Read the facts of orders."""
    wanted = [(repository.KIND, each) for each in sorted(order_ids)[: repository.MOST_ALIKE]]
    rows = table.get_many(wanted) if wanted else []
    return {table.identity_of(row): repository.row_of(row).facts for row in rows}
