"""Links: a printer's record that is an order's, and records that may be one. Pure.

A link moves the facts of a printer's record to an order: copies of them are added to the order under their ids, each
with the record's id in `via`. So what an order is remains a function of its facts, and a link is undone by one more
fact. If the order is itself a record that is linked, the copies go on with its own facts, and still name the record
that they are from. The facts, by kind:

- `linked`, `unlinked`: in the record with the order's id (`order`), in the order with the record's (`record`). The
  latest one counts. A link that Pressroom makes itself by an exact rule has no fact in the order.
- `resembles`: another record (`record`) may be the same order. It counts until `distinct` names that record, or it is
  linked.

While the link lasts, the printer's facts count in the order and not in the record; what the shop says of the record
(if it is an order of the shop's after all) counts there.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from pressroom.order.facts import VIA, Fact, in_order

SOURCE = "links"
"""The source of the facts that Pressroom records by itself."""
MOVES = frozenset(
    {
        *("progress", "shipped", "returned", "undelivered", "error", "failed", "canceled", "held", "released"),
        *("refunded", "stock"),
    }
)
"""The kinds of a printer's facts, which a link moves."""
_GUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_SUFFIX = re.compile(r"(.+)[-_.][A-Za-z]{0,10}\d{0,3}")


def counted(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts that count in this record: those of linked records too, and not those that have moved away."""
    known = list(facts)
    moved = linked_to(known) is not None
    return [
        fact
        if fact.kind == "stock"
        else replace(fact, data={name: fact.data[name] for name in fact.data if name != VIA})
        for fact in present(known)
        if not (moved and is_a_printers(fact))
    ]


def present(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts that the record has, or that it hands on: all but those of records that are linked no more."""
    known = list(facts)
    parted = _records(known, "unlinked")
    return [fact for fact in known if fact.data.get(VIA) not in parted]


def own(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts that are of no linked record."""
    return [fact for fact in facts if VIA not in fact.data]


def is_a_printers(fact: Fact) -> bool:
    """Return whether a printer reported the fact, which a link moves."""
    return fact.kind in MOVES and "provider" in fact.data


def linked_to(facts: Iterable[Fact]) -> str | None:
    """Return the order that has the facts of this record; None if it has them itself."""
    links = [fact for fact in in_order(facts) if fact.kind in ("linked", "unlinked") and "order" in fact.data]
    return links[-1].data["order"] if links and links[-1].kind == "linked" else None


def was_decided(facts: Iterable[Fact]) -> bool:
    """Return whether the record was ever linked: then Pressroom does not link it by itself."""
    return any(fact.kind in ("linked", "unlinked") and "order" in fact.data for fact in facts)


def linked(facts: Iterable[Fact]) -> list[str]:
    """Return the records whose facts count in this order."""
    known = list(facts)
    return sorted({each.data[VIA] for each in known if VIA in each.data} - _records(known, "unlinked"))


def similar(facts: Iterable[Fact]) -> list[str]:
    """Return the records that may be the same order: nobody has linked them, or said that they are not."""
    known = list(facts)
    found = {fact.data["record"] for fact in known if fact.kind == "resembles"}
    apart = {fact.data["record"] for fact in known if fact.kind == "distinct"}
    decided = [fact.data for fact in known if fact.kind in ("linked", "unlinked")]
    touched = {data.get("record") or data["order"] for data in decided}
    return sorted(found - apart - touched - {each.data.get(VIA) for each in known})


def is_reported(facts: Iterable[Fact]) -> bool:
    """Return whether a printer has reported on this record itself."""
    return any(is_a_printers(fact) for fact in own(facts))


def copies(record_id: str, facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the facts of a printer's record, and of the records linked to it, as the order gets them.

    By an e-mail address, only the record is found: once the link is undone, the address is somebody else's. The order
    may have the same report of stock about its own items.
    """
    found = list[Fact]()
    for fact in filter(is_a_printers, present(facts)):
        data = {VIA: record_id} | {name: value for name, value in fact.data.items() if name != "emails"}
        is_its_own = fact.kind == "stock" and VIA not in fact.data
        found.append(replace(fact, id=f"{fact.id}/{record_id}" if is_its_own else fact.id, data=data))
    return tuple(found)


def orders_of_printers(facts: Iterable[Fact]) -> set[tuple[str, str]]:
    """Return the printers' orders that a record names itself: (printer, its id there)."""
    named = (fact.data for fact in own(facts) if is_a_printers(fact))
    return {(data["provider"], data["order"]) for data in named if data.get("order")}


def guid(order_id: str) -> str | None:
    """Return the 32 digits of a GUID, which is written with or without hyphens, in any case; None for another id."""
    return order_id.replace("-", "").lower() if _GUID.fullmatch(order_id) else None


def names(order_id: str) -> set[str]:
    """Return what an order can be called by people: the id without a # before it, and without a suffix (`7-1`, `7-R1`).

    Two records with a name in common may be one order. It is no proof: a person decides.
    """
    bare = order_id.removeprefix("#")
    suffixed = _SUFFIX.fullmatch(bare)
    return {bare, suffixed[1]} if suffixed and not guid(bare) else {bare}


def _records(facts: list[Fact], kind: str) -> set[str]:
    """Return the records for which the latest fact about a link is of this kind."""
    latest = {
        fact.data["record"]: fact.kind
        for fact in in_order(facts)
        if fact.kind in ("linked", "unlinked") and "record" in fact.data
    }
    return {record for record, last in latest.items() if last == kind}
