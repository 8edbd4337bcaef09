"""The lane: of an order's deliveries to the OMS one stands in the queue, and the end of each lets the next one in."""

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


def told(kind: str, name: str, *others: str, at: int = 0) -> Fact:
    """A fact that has something sent: `name` to the OMS, and `others`."""
    deliveries = [f"oms-{name}", *others]
    when = instant(at)
    return Fact(id=name, kind=kind, source="x", at=when, received_at=when, data={"deliveries": deliveries})


def ended(kind: str, name: str, *, at: int = 1_000_000) -> Fact:
    """How a delivery ended."""
    data = {"delivery_id": f"oms-{name}"}
    return Fact(id=f"{name}/{kind}/{at}", kind=kind, source="deliver.oms", at=instant(at), received_at="", data=data)


C1, C2 = told("paid", "c1"), told("routed", "c2", at=50)
U1, U2, D = told("updated", "u1", at=60), told("updated", "u2", at=70), told("revoked", "d", at=80)


def turn(*facts: Fact) -> str | None:
    found = lane.turn(facts, "oms")
    assert lane.turn(facts[::-1], "oms") == found
    return found and found.removeprefix("oms-")


def test_nothing_to_send_is_nobodys_turn() -> None:
    assert turn() is None
    assert turn(told("paid", "c1", at=0), ended("sent", "c1")) is None


def test_only_what_is_sent_to_the_oms_waits_for_its_turn() -> None:
    fact = Fact(id="p", kind="paid", source="x", at="", received_at="", data={"deliveries": ["camaloon-1"]})
    assert turn(fact) is None
    camaloon = Delivery.to("camaloon", "order_paid", order_id="1001", body=b"{}", now=START)
    assert lane.may_go(camaloon, [C1, U1])


def test_create_comes_before_update_before_delete_whatever_was_said_first() -> None:
    late = told("paid", "c1", at=99)
    facts = [D, U2, U1, late]
    order = []
    while next_one := turn(*facts):
        order.append(next_one)
        facts.append(ended("sent", next_one))
    assert order == ["c1", "u1", "u2", "d"]


@pytest.mark.parametrize("end", ["sent", "withdrawn"])
def test_the_end_of_one_is_the_turn_of_the_next(end: str) -> None:
    assert turn(C1, U1, D) == "c1"
    assert turn(C1, U1, D, ended(end, "c1")) == "u1"
    assert turn(C1, U1, D, ended(end, "c1"), ended(end, "u1")) == "d"


def test_an_update_waits_behind_a_dead_create_until_that_is_over() -> None:
    dead = ended("dead", "c1", at=100)
    assert turn(C1, U1, dead) is None
    assert turn(C1, C2, U1, dead) == "c2"
    assert turn(C1, C2, U1, dead, ended("sent", "c2")) is None
    for end in ("sent", "withdrawn"):
        assert turn(C1, C2, U1, dead, ended("sent", "c2"), ended(end, "c1")) == "u1"


def test_a_delete_does_not_wait_behind_a_dead_create() -> None:
    assert turn(C1, U1, D, ended("dead", "c1")) == "d"
    assert turn(C1, U1, D, ended("dead", "c1"), ended("sent", "d")) is None


def test_a_dead_update_is_left_behind() -> None:
    assert turn(C1, U1, U2, D, ended("sent", "c1"), ended("dead", "u1")) == "u2"
    assert turn(C1, D, ended("sent", "c1"), ended("dead", "d")) is None


def test_a_new_delivery_may_go_if_it_is_its_turn() -> None:
    assert lane.may_go(delivery("c1"), [C1])
    assert not lane.may_go(delivery("u1"), [C1, U1])
    assert lane.may_go(delivery("u1"), [C1, U1, ended("sent", "c1")])
    # It is said to be older than what stands in the queue already: behind that it goes, and nobody waits for it.
    assert lane.may_go(delivery("u1"), [C1, U2, U1, ended("sent", "c1")])


class Line:
    """A queue and the facts, as pump and deliver move them: what is put in and taken out, and by whom."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.facts: list[Fact] = []
        self.queue: list[str] = []
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
        self.queue.append(name)

    def end(self, kind: str) -> None:
        """End what stands first: a queue of one group gives nothing else before."""
        name = self.queue.pop(0)
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
        self.queue.append(name)


def place(fact: Fact) -> tuple[int, str, str]:
    return ORDER.index(STEPS[fact.kind]), fact.at, fact.id


@each_seed(700)
def test_whatever_arrives_and_ends_when_everything_is_queued_once_and_nothing_waits_for_ever(random: Random) -> None:
    troubled = random.random() < 0.5
    kinds = ["paid", *random.choices(("routed", "updated", "updated"), k=random.randint(0, 5)), "revoked"]
    facts = [told(kind, f"{STEPS[kind][0]}{n}", at=random.randint(0, 9)) for n, kind in enumerate(kinds)]
    if random.random() < 0.5:
        facts.pop()
    places = {fact.id: place(fact) for fact in facts}
    if random.random() < 0.7:
        random.shuffle(facts)
    line = Line(random)
    waiting = list(facts)
    while waiting or line.queue:
        if waiting and (not line.queue or random.random() < 0.5):
            line.arrive(waiting.pop(0))
        else:
            line.end("dead" if troubled and random.random() < 0.3 else random.choice(("sent", "sent", "withdrawn")))
        if line.dead and random.random() < 0.2:
            line.replay()
        # Two at once only if the second one arrived late: it goes before the first, which is in the queue already.
        mine = [places[each] for each in line.queue if each not in line.replayed]
        assert mine == sorted(mine, reverse=True)
    left = {fact.id for fact in facts} - set(line.done) - set(line.dead)
    assert {ORDER[places[each][0]] for each in left} <= {"update"}
    assert not left or any(ORDER[places[each][0]] == "create" for each in line.dead)
    while line.dead:
        line.replay()
        line.end("sent")
    while line.queue:
        line.end("sent")
    assert line.put_in == Counter({fact.id: 1 for fact in facts})
    assert sorted(line.done) == sorted(fact.id for fact in facts)


@each_seed(200)
def test_what_is_known_before_anything_ends_is_sent_in_order_one_at_a_time(random: Random) -> None:
    kinds = random.choices(("routed", "updated", "revoked"), k=random.randint(0, 6))
    rest = [told(kind, f"{STEPS[kind][0]}{n}", at=random.randint(0, 9)) for n, kind in enumerate(kinds)]
    line = Line(random)
    line.arrive(told("paid", "c", at=-1))
    for fact in rest:
        line.arrive(fact)
        assert line.queue == ["c"]
    while line.queue:
        assert len(line.queue) == 1
        line.end("sent")
    assert line.done == ["c", *(fact.id for fact in sorted(rest, key=place))]
