"""Per-order sequencing of deliveries: create, then update, then delete at a printer; notifications to the shop in turn.

Neither the table's stream nor two topics at once keep that order, so only the delivery whose turn it is stands in the
queue. The others are rows that wait; the end of one puts the next into the queue, in the write that records the end
(docs/decisions/0017-deliveries-to-the-oms-are-sequenced-per-order.md). Pure: whose turn it is follows from the
order's facts.
"""

from collections.abc import Iterable

from pressroom.order.facts import Fact, destination_of, in_order
from pressroom.order.outbox import Delivery
from pressroom.partners import LANES

_STEPS = {"paid": 0, "routed": 0, "updated": 1, "revoked": 2, "notified": 3}
"""By kind of fact, the step of its deliveries, in the order in which they may arrive; the last one is for the shop."""
_CREATE, _UPDATE = 0, 1


def turn(facts: Iterable[Fact], destination: str) -> str | None:
    """Return the delivery to a destination that may be in its queue.

    A create that was given up lets no update pass, which would find nothing; both wait for its replay. It does let a
    delete pass. Whatever else was given up is left behind.
    """
    waiting, done, dead = list[tuple[int, int, str]](), set[str](), set[str]()
    for fact in in_order(facts):
        if fact.kind in ("sent", "withdrawn"):
            done.add(fact.data["delivery_id"])
        elif fact.kind == "dead":
            dead.add(fact.data["delivery_id"])
        for delivery_id in fact.data.get("deliveries", ()) if fact.kind in _STEPS else ():
            if destination_of(delivery_id) == destination:
                waiting.append((_STEPS[fact.kind], fact.data.get("sequence", 0), delivery_id))
    waiting = [entry for entry in sorted(waiting, key=lambda entry: entry[:2]) if entry[2] not in done]
    not_created = any(step == _CREATE and each in dead for step, _, each in waiting)
    return next((each for step, _, each in waiting if each not in dead and not (not_created and step == _UPDATE)), None)


def may_go(delivery: Delivery, facts: Iterable[Fact]) -> bool:
    """Return whether a new delivery, which is among the facts, may be queued at once."""
    return delivery.destination not in LANES or turn(facts, delivery.destination) == delivery.id
