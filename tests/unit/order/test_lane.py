"""The lane: one of an order's deliveries to the OMS is in the queue at a time; its end is the turn of the next one."""

from collections import Counter
from random import Random

import pytest

from pressroom.order import lane
from pressroom.order.facts import Fact
from pressroom.order.outbox import Delivery
from tests.support.histories import START, each_seed, instant

STEPS = {"paid": "create", "routed": "create", "updated": "update", "revoked": "delete"}
ORDER = ("create", "update", "delete")


def delivery(name: str) -> Delivery:
    made = Delivery.to("oms", name, order_id="1001", body=b"{}", now=START)
    return Delivery(**{field: getattr(made, field) for field in Delivery.__dataclass_fields__} | {"id": f"oms-{name}"})


def cause(kind: str, name: str, *others: str, at: int = 0) -> Fact:
    """A fact that causes deliveries: `name` to the OMS, and `others`."""
    deliveries = [f"oms-{name}", *others]
    when = instant(at)
    return Fact(id=name, kind=kind, source="x", at=when, received_at=when, data={"deliveries": deliveries})


def ended(kind: str, name: str, *, at: int = 1_000_000) -> Fact:
    """The end of a delivery."""
    data = {"delivery_id": f"oms-{name}"}
    return Fact(id=f"{name}/{kind}/{at}", kind=kind, source="deliver.oms", at=instant(at), received_at="", data=data)


C1, C2 = cause("paid", "c1"), cause("routed", "c2", at=50)
U1, U2, D = cause("updated", "u1", at=60), cause("updated", "u2", at=70), cause("revoked", "d", at=80)


def turn(*facts: Fact) -> str | None:
    found = lane.turn(facts, "oms")
    assert lane.turn(facts[::-1], "oms") == found
    return found and found.removeprefix("oms-")


def test_without_deliveries_there_is_no_turn() -> None:
    assert turn() is None
    assert turn(cause("paid", "c1", at=0), ended("sent", "c1")) is None


def test_only_deliveries_to_the_oms_wait_for_their_turn() -> None:
    fact = Fact(id="p", kind="paid", source="x", at="", received_at="", data={"deliveries": ["camaloon-1"]})
    assert turn(fact) is None
    camaloon = Delivery.to("camaloon", "order_paid", order_id="1001", body=b"{}", now=START)
    assert lane.may_go(camaloon, [C1, U1])


def test_create_comes_before_update_before_delete_whatever_arrived_first() -> None:
    late = cause("paid", "c1", at=99)
    facts = [D, U2, U1, late]
    order = []
    while next_one := turn(*facts):
        order.append(next_one)
        facts.append(ended("sent", next_one))
    assert order == ["c1", "u1", "u2", "d"]


@pytest.mark.parametrize("end", ["sent", "withdrawn"])
def test_the_end_of_a_delivery_is_the_turn_of_the_next(end: str) -> None:
    assert turn(C1, U1, D) == "c1"
    assert turn(C1, U1, D, ended(end, "c1")) == "u1"
    assert turn(C1, U1, D, ended(end, "c1"), ended(end, "u1")) == "d"


def test_an_update_waits_behind_a_dead_create_until_its_end() -> None:
    dead = ended("dead", "c1", at=100)
    assert turn(C1, U1, dead) is None
    assert turn(C1, C2, U1, dead) == "c2"
    assert turn(C1, C2, U1, dead, ended("sent", "c2")) is None
    for end in ("sent", "withdrawn"):
        assert turn(C1, C2, U1, dead, ended("sent", "c2"), ended(end, "c1")) == "u1"


def test_a_delete_does_not_wait_behind_a_dead_create() -> None:
    assert turn(C1, U1, D, ended("dead", "c1")) == "d"
    assert turn(C1, U1, D, ended("dead", "c1"), ended("sent", "d")) is None


def test_a_dead_update_does_not_block_the_next_delivery() -> None:
    assert turn(C1, U1, U2, D, ended("sent", "c1"), ended("dead", "u1")) == "u2"
    assert turn(C1, D, ended("sent", "c1"), ended("dead", "d")) is None


def test_a_new_delivery_may_go_if_it_is_its_turn() -> None:
    assert lane.may_go(delivery("c1"), [C1])
    assert not lane.may_go(delivery("u1"), [C1, U1])
    assert lane.may_go(delivery("u1"), [C1, U1, ended("sent", "c1")])
    # It is dated before the delivery in the queue. It follows that one, and no other delivery waits for it.
    assert lane.may_go(delivery("u1"), [C1, U2, U1, ended("sent", "c1")])


class Queue:
    """A queue and the facts, as the pump and the delivery worker change them."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.facts: list[Fact] = []
        self.waiting: list[str] = []
        self.put_in: Counter[str] = Counter()
        self.replayed: set[str] = set()
        self.dead: list[str] = []
        self.done: list[str] = []
        self.clock = 1_000

    def arrive(self, fact: Fact) -> None:
        self.facts.append(fact)
        if lane.may_go(delivery(fact.id), self.facts):
            self.put(fact.id)

    def put(self, name: str) -> None:
        self.put_in[name] += 1
        self.waiting.append(name)

    def end(self, kind: str) -> None:
        """End the first delivery: a FIFO group releases no other before it."""
        name = self.waiting.pop(0)
        before = lane.turn(self.facts, "oms")
        self.clock += 1
        self.facts.append(ended(kind, name, at=self.clock))
        after = lane.turn(self.facts, "oms")
        if after and after != before:
            self.put(after.removeprefix("oms-"))
        self.replayed.discard(name)
        if kind == "dead":
            self.dead.append(name)
        else:
            self.done.append(name)

    def replay(self) -> None:
        name = self.random.choice(self.dead)
        self.dead.remove(name)
        self.replayed.add(name)
        self.waiting.append(name)


def place(fact: Fact) -> tuple[int, str, str]:
    return ORDER.index(STEPS[fact.kind]), fact.at, fact.id


@each_seed(700)
def test_every_delivery_is_queued_once_and_none_waits_forever_in_any_order_of_events(random: Random) -> None:
    troubled = random.random() < 0.5
    kinds = ["paid", *random.choices(("routed", "updated", "updated"), k=random.randint(0, 5)), "revoked"]
    facts = [cause(kind, f"{STEPS[kind][0]}{n}", at=random.randint(0, 9)) for n, kind in enumerate(kinds)]
    if random.random() < 0.5:
        facts.pop()
    places = {fact.id: place(fact) for fact in facts}
    if random.random() < 0.7:
        random.shuffle(facts)
    queue = Queue(random)
    waiting = list(facts)
    while waiting or queue.waiting:
        if waiting and (not queue.waiting or random.random() < 0.5):
            queue.arrive(waiting.pop(0))
        else:
            queue.end("dead" if troubled and random.random() < 0.3 else random.choice(("sent", "sent", "withdrawn")))
        if queue.dead and random.random() < 0.2:
            queue.replay()
        # Two are in the queue only if the second arrived late; it belongs before the first.
        mine = [places[each] for each in queue.waiting if each not in queue.replayed]
        assert mine == sorted(mine, reverse=True)
    left = {fact.id for fact in facts} - set(queue.done) - set(queue.dead)
    assert {ORDER[places[each][0]] for each in left} <= {"update"}
    assert not left or any(ORDER[places[each][0]] == "create" for each in queue.dead)
    while queue.dead:
        queue.replay()
        queue.end("sent")
    while queue.waiting:
        queue.end("sent")
    assert queue.put_in == Counter({fact.id: 1 for fact in facts})
    assert sorted(queue.done) == sorted(fact.id for fact in facts)


@each_seed(200)
def test_deliveries_known_before_the_first_end_are_sent_in_order_one_at_a_time(random: Random) -> None:
    kinds = random.choices(("routed", "updated", "revoked"), k=random.randint(0, 6))
    rest = [cause(kind, f"{STEPS[kind][0]}{n}", at=random.randint(0, 9)) for n, kind in enumerate(kinds)]
    queue = Queue(random)
    queue.arrive(cause("paid", "c", at=-1))
    for fact in rest:
        queue.arrive(fact)
        assert queue.waiting == ["c"]
    while queue.waiting:
        assert len(queue.waiting) == 1
        queue.end("sent")
    assert queue.done == ["c", *(fact.id for fact in sorted(rest, key=place))]
