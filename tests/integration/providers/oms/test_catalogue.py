"""Pushing a catalogue creates nothing twice, whatever fails; and the commands of `pressroom catalogue`."""

import io
import json
import os
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from rich.console import Console

from cli import catalogue as command
from cli import invoke
from cli.catalogue import Command, Request
from cli.errors import Failed
from cli.stacks import Installation
from functions.catalogue.handler import handler
from pressroom.delivery.outcome import Sent
from pressroom.order import outbox
from pressroom.order.outbox import Delivery
from pressroom.platform import table, wire
from pressroom.platform.errors import TEMPORARY, Blocked, Dead, Retry, Unfinished, Withdrawn
from pressroom.providers.oms import client
from pressroom.providers.oms.catalogue import commands, progress, rows
from pressroom.providers.oms.catalogue.compare import MAY_EXIST, Op
from pressroom.providers.oms.catalogue.entries import Name
from pressroom.providers.oms.catalogue.push import BUDGET, send
from pressroom.providers.oms.catalogue.rows import CLAIM, Row, State
from pressroom.providers.oms.client import Id, Kind
from tests.support.cloud import Clock, Cloud
from tests.support.hub import Hub
from tests.support.invoked import InvokedLambda
from tests.support.template import ROOT

MUGS, CUPS = {"key": "mugs", "name": "Mugs"}, {"key": "cups", "name": "Cups", "parent": "mugs"}
MUG = {"key": "mug", "category": "mugs", "name": "Mug", "order_column": 1, "active": True, "team_id": 5}
WHITE = {"key": "white", "product": "mug", "name": "White mug", "country_id": 1, "weight": 330}
BLACK = WHITE | {"key": "black", "name": "Black mug"}
FILE: dict[str, list[dict[str, Any]]] = {"categories": [CUPS, MUGS], "products": [MUG], "variants": [WHITE, BLACK]}
ALL_NAMES = ["Mugs", "Cups", "Mug", "White mug", "Black mug"]

LOST, KILLED = "lost", "killed"


class Killed(BaseException):
    """Lambda kills a function whose time is up."""


class Shelves:
    """The catalogue of an OMS. It replaces the client that calls the OMS.

    `faults` are the outcomes of the next calls of a method: an error to raise instead of the work, LOST (the work is
    done and its answer is lost) or KILLED (the work is done and the function is killed). `meanwhile` runs
    before a call.
    """

    def __init__(self) -> None:
        self.entries: dict[Kind, dict[str, dict[str, Any]]] = {kind: {} for kind in Kind}
        self.calls: list[tuple[str, Kind, Any]] = []
        self.faults: dict[str, list[Exception | str | None]] = {}
        self.meanwhile: Callable[[str], object] = lambda _: None
        self.shown: Callable[[dict[str, Any]], dict[str, Any]] = lambda content: content
        self.given = 0

    def create_entry(self, kind: Kind, content: dict[str, Any]) -> Id:
        with self._called("create", kind, content):
            self.given += 1
            identity: Id = f"uid-{self.given}" if kind is Kind.CATEGORY else self.given
            self.entries[kind][str(identity)] = dict(content)
        return identity

    def get_entry(self, kind: Kind, entry: Id) -> dict[str, Any] | None:
        with self._called("get", kind, entry):
            content = self.entries[kind].get(str(entry))
        return None if content is None else self.shown({"id": entry, **content})

    def update_entry(self, kind: Kind, entry: Id, content: dict[str, Any]) -> None:
        with self._called("update", kind, content):
            self.entries[kind][str(entry)] |= content

    def delete_entry(self, kind: Kind, entry: Id) -> bool:
        with self._called("delete", kind, entry):
            return self.entries[kind].pop(str(entry), None) is not None

    def _called(self, method: str, kind: Kind, what: Any) -> "Called":
        self.meanwhile(method)
        self.calls.append((method, kind, what))
        faults = self.faults.get(method)
        fault = faults.pop(0) if faults else None
        if isinstance(fault, Exception):
            raise fault
        return Called(fault)

    @property
    def names(self) -> list[str]:
        """The names of all entries, in the order of their creation."""
        return [content["name"] for kind in Kind for content in self.entries[kind].values()]

    def methods(self) -> Counter[str]:
        """Count the calls by method since the last time."""
        counted = Counter(method for method, *_ in self.calls)
        self.calls.clear()
        return counted


class Called:
    """Does the work, and then loses the answer."""

    def __init__(self, fault: str | None) -> None:
        self.fault = fault

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        if self.fault == LOST:
            raise Retry("no answer: ReadTimeout", answer_lost=True)
        if self.fault == KILLED:
            raise Killed


@pytest.fixture(name="shelves")
def _shelves(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Shelves:
    shelves = Shelves()
    for method in ("create_entry", "get_entry", "update_entry", "delete_entry"):
        monkeypatch.setattr(client, method, getattr(shelves, method))
    return shelves


def call(action: str, **more: Any) -> dict[str, Any]:
    """Return the function's answer as JSON."""
    answer = handler(json.loads(json.dumps({"action": action, **more})), SimpleNamespace())
    return dict(json.loads(json.dumps(answer)))


def start(content: Any = FILE, *delete: str) -> Delivery:
    """Start a push and return its delivery."""
    answer = call("push", catalogue=content, delete=list(delete))
    assert answer["ok"], answer
    delivery = outbox.get(answer["delivery"])
    assert delivery
    return delivery


def push(content: Any = FILE, *delete: str) -> dict[str, int]:
    """Push until everything succeeded, and return the counts by operation."""
    counts: dict[str, int] = send(start(content, *delete)).data["counts"]
    return counts


def until_over(delivery: Delivery, most: int = 50) -> Sent | Dead:
    """Call repeatedly, as the queue would."""
    for _ in range(most):
        try:
            return send(delivery)
        except Dead as error:
            return error
        except (*TEMPORARY, Killed):
            continue
    raise AssertionError("it never ends")


def row(name: str) -> Row:
    return rows.read(Name.of(name))


def changed(content: dict[str, Any], entry: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a catalogue in which some fields of one entry are changed."""
    return {kind: [each | fields if each is entry else each for each in listed] for kind, listed in content.items()}


def shown() -> dict[str, tuple[str, Any, str | None]]:
    return {each["entry"]: (each["state"], each["id"], each["error"]) for each in call("show")["entries"]}


# Without failures
def test_a_push_creates_parents_first_and_refers_to_them_by_their_ids(shelves: Shelves) -> None:
    assert push() == {"create": 5}
    assert shelves.names == ALL_NAMES
    assert shelves.entries[Kind.CATEGORY]["uid-2"] == {"name": "Cups", "parent_id": "uid-1"}
    assert shelves.entries[Kind.PRODUCT]["3"]["category_id"] == "uid-1"
    assert shelves.entries[Kind.VARIANT]["4"] == {"name": "White mug", "country_id": 1, "weight": 330, "product_id": 3}
    assert (row("categories/mugs").id, row("products/mug").id) == ("uid-1", 3), "kept as they came"


def test_a_second_push_only_reads(shelves: Shelves) -> None:
    push()
    shelves.methods()
    before = rows.read_all()
    assert push() == {"same": 5}
    assert shelves.methods() == {"get": 5}
    assert rows.read_all() == before, "nothing was written either"


def test_only_the_fields_that_differ_are_sent(shelves: Shelves) -> None:
    push()
    shelves.methods()
    assert push(changed(FILE, WHITE, weight=340)) == {"same": 4, "update": 1}
    assert ("update", Kind.VARIANT, {"weight": 340}) in shelves.calls
    assert push(changed(FILE, WHITE, weight=340)) == {"same": 5}


def test_a_change_made_at_the_oms_is_reverted(shelves: Shelves) -> None:
    push()
    shelves.entries[Kind.VARIANT]["4"]["weight"] = 1
    assert push() == {"same": 4, "update": 1}
    assert shelves.entries[Kind.VARIANT]["4"]["weight"] == 330


def test_entries_and_fields_missing_in_the_file_are_not_changed(shelves: Shelves) -> None:
    push()
    shelves.entries[Kind.CATEGORY]["uid-1"]["description"] = "by hand"
    assert push({"categories": [MUGS]}) == {"same": 1}
    assert shelves.names == ALL_NAMES


def test_an_entry_can_be_moved_to_another_parent(shelves: Shelves) -> None:
    push()
    assert push(changed(FILE, MUG, category="cups")) == {"same": 4, "update": 1}
    assert shelves.entries[Kind.PRODUCT]["3"]["category_id"] == "uid-2"


def test_a_file_can_be_pushed_in_parts(shelves: Shelves) -> None:
    push({"categories": FILE["categories"]})
    assert push({"products": [MUG]}) == {"create": 1}
    assert shelves.entries[Kind.PRODUCT]["3"]["category_id"] == "uid-1"


def as_text(content: dict[str, Any]) -> dict[str, Any]:
    return {name: int(value) if isinstance(value, bool) else str(value) for name, value in content.items()}


def only_names(content: dict[str, Any]) -> dict[str, Any]:
    return {"id": content["id"], "name": content["name"]}


def trimmed(content: dict[str, Any]) -> dict[str, Any]:
    return content | {"name": content["name"].strip(), "description": content.get("description") or None}


@pytest.mark.parametrize("manner", [as_text, only_names, trimmed])
def test_a_second_push_changes_nothing_however_the_oms_formats_its_answers(shelves: Shelves, manner: Any) -> None:
    shelves.shown = manner
    content = changed(changed(FILE, MUG, description=""), WHITE, name=" White mug ")
    assert push(content) == {"create": 5}
    shelves.methods()
    assert push(content) == {"same": 5}
    assert push(changed(content, content["products"][0], name="New")) == {"same": 4, "update": 1}
    assert push(changed(content, content["products"][0], name="New")) == {"same": 5}


def test_a_field_that_the_oms_accepts_but_does_not_change_stays_a_difference(shelves: Shelves) -> None:
    push()
    shelves.shown = lambda content: content | {"name": {"Mugs!": "Mugs"}.get(content["name"], content["name"])}
    for _ in range(2):
        assert push(changed(FILE, MUGS, name="Mugs!")) == {"same": 4, "update": 1}


def test_an_entry_that_the_oms_no_longer_has_is_created_again_with_its_children_moved(shelves: Shelves) -> None:
    push()
    del shelves.entries[Kind.PRODUCT]["3"]
    assert push() == {"same": 2, "create": 1, "update": 2}
    assert shelves.entries[Kind.VARIANT]["4"]["product_id"] == row("products/mug").id == 6


# Entries that exist already
def test_an_entry_that_the_oms_has_is_adopted_by_its_id(shelves: Shelves) -> None:
    shelves.entries[Kind.CATEGORY]["abc"] = {"name": "Cups"}
    assert push({"categories": [MUGS | {"id": "abc"}]}) == {"update": 1}
    assert (shelves.entries[Kind.CATEGORY]["abc"]["name"], row("categories/mugs").id) == ("Mugs", "abc")
    assert push({"categories": [MUGS]}) == {"same": 1}, "the id need not be given again"
    assert shelves.methods()["create"] == 0


def test_an_id_that_the_oms_does_not_know_creates_nothing(shelves: Shelves) -> None:
    assert isinstance(until_over(start({"categories": [MUGS | {"id": "abc"}]})), Dead)
    assert shown() == {"categories/mugs": ("absent", None, "the OMS has no category with the id abc")}


def test_an_entry_can_be_given_another_key_by_its_id(shelves: Shelves) -> None:
    push()
    assert push({"categories": [{"key": "new", "name": "Mugs", "id": "uid-1"}]}) == {"same": 1}
    assert row("categories/new").id == "uid-1"
    assert (row("categories/mugs").id, row("categories/mugs").state) == (None, State.ABSENT)
    assert "categories/mugs" not in shown()


# Failures
def test_the_children_of_a_refused_entry_are_not_sent_and_all_others_are(shelves: Shelves) -> None:
    shelves.faults["create"] = [None, None, Dead("HTTP 400: team_id", status=400)]
    other = MUG | {"key": "b", "name": "B", "category": "cups"}
    error = until_over(start(FILE | {"products": [MUG, other]}))
    assert isinstance(error, Dead)
    assert error.reason == "3 of 6 entries of the catalogue failed"
    assert shelves.names == ["Mugs", "Cups", "B"]
    assert shown() == {
        "categories/cups": ("known", "uid-2", None),
        "categories/mugs": ("known", "uid-1", None),
        "products/b": ("known", 3, None),
        "products/mug": ("absent", None, "HTTP 400: team_id"),
        "variants/black": ("absent", None, "its product products/mug is not at the OMS"),
        "variants/white": ("absent", None, "its product products/mug is not at the OMS"),
    }


def test_a_replay_retries_the_entries_that_failed(shelves: Shelves) -> None:
    shelves.faults["create"] = [Dead("HTTP 400")]
    delivery = start()
    assert isinstance(until_over(delivery), Dead)
    assert shelves.names == []
    assert send(replace(delivery, replays=1)).data == {"counts": {"create": 5}}
    assert {error for _, _, error in shown().values()} == {None}


def test_a_redriven_dead_letter_message_retries_the_entries_that_failed(shelves: Shelves) -> None:
    shelves.faults["create"] = [Dead("HTTP 400")]
    delivery = start()
    assert isinstance(until_over(delivery), Dead)
    assert isinstance(until_over(delivery), Sent)
    assert shelves.names == ALL_NAMES


def test_a_push_whose_success_was_not_recorded_sends_nothing_again(shelves: Shelves) -> None:
    delivery = start()
    first = send(delivery)
    shelves.methods()
    assert send(delivery) == first
    assert shelves.methods() == {}


def test_a_refused_update_does_not_stop_the_children(shelves: Shelves) -> None:
    push()
    shelves.faults["update"] = [Dead("HTTP 400: name")]
    content = changed(changed(FILE, MUG, name="New"), WHITE, weight=1)
    assert isinstance(until_over(start(content)), Dead)
    assert shelves.entries[Kind.VARIANT]["4"]["weight"] == 1
    assert shown()["products/mug"] == ("known", 3, "HTTP 400: name")
    assert push(content) == {"same": 4, "update": 1}
    assert shown()["products/mug"] == ("known", 3, None)


def test_an_entry_that_can_not_be_read_fails_alone(shelves: Shelves) -> None:
    push()
    shelves.faults["get"] = [Dead("HTTP 403")]
    assert isinstance(until_over(start()), Dead)
    assert shown()["categories/mugs"] == ("known", "uid-1", "HTTP 403")
    assert progress.current().counts == {"fail": 1, "same": 4}  # type: ignore[union-attr]


# Waiting
def test_a_temporary_failure_after_some_steps_uses_up_no_attempt(shelves: Shelves) -> None:
    shelves.faults["create"] = [None, None, Retry("HTTP 429", status=429, after=40)]
    delivery = start()
    with pytest.raises(Unfinished, match="HTTP 429") as caught:
        send(delivery)
    assert (caught.value.after, caught.value.verdict.uses_try) == (40, False)
    assert shelves.names == ["Mugs", "Cups"]
    assert send(delivery).data == {"counts": {"create": 5}}
    assert shelves.names == ALL_NAMES


def test_a_temporary_failure_of_the_first_step_uses_up_an_attempt(shelves: Shelves) -> None:
    shelves.faults["create"] = [Retry("HTTP 429", status=429)]
    with pytest.raises(Retry) as caught:
        send(start())
    assert type(caught.value) is Retry


@pytest.mark.parametrize("done", [0, 3])
def test_a_refused_token_pauses_the_push(shelves: Shelves, done: int) -> None:
    shelves.faults["create"] = [*[None] * done, Blocked("the token")]
    delivery = start()
    with pytest.raises(Blocked, match="the token"):
        send(delivery)
    assert len(shelves.names) == done
    assert send(delivery).data == {"counts": {"create": 5}}
    assert shelves.names == ALL_NAMES


def test_a_long_push_continues_over_several_invocations(shelves: Shelves, clock: Clock) -> None:
    variants = [WHITE | {"key": str(number), "name": f"V{number}"} for number in range(60)]
    shelves.meanwhile = lambda _: clock.advance(0.5)
    delivery, calls, pauses = start(FILE | {"variants": variants}), 0, list[float]()
    for calls in range(1, 20):  # noqa: B007
        begun = clock.now
        try:
            send(delivery)
            break
        except Unfinished as error:
            pauses.append(error.after)
            assert clock.now - begun <= BUDGET + 2 * timedelta(seconds=0.5)
    assert (calls, pauses) == (4, [0, 0, 0]), "it goes on at once: the OMS has not failed"
    assert shelves.names == ["Mugs", "Cups", "Mug", *(f"V{number}" for number in range(60))]
    assert progress.current().counts == {"create": 63}  # type: ignore[union-attr]
    assert shelves.methods() == {"create": 63, "get": 63}, "each is read back once"


def test_nothing_is_sent_when_no_time_is_left_to_receive_the_answer(shelves: Shelves, clock: Clock) -> None:
    push()
    del shelves.entries[Kind.CATEGORY]["uid-1"]
    shelves.methods()
    shelves.meanwhile = lambda method: clock.advance(31 if method == "get" else 0)
    with pytest.raises(Unfinished):
        send(start())
    assert shelves.methods() == {"get": 1}


# Nothing is created twice
def test_a_create_without_an_answer_is_not_repeated(shelves: Shelves) -> None:
    shelves.faults["create"] = [None, None, LOST]
    delivery = start()
    with pytest.raises(Retry) as caught:
        send(delivery)
    assert type(caught.value) is Retry, "it uses up a try"
    assert isinstance(until_over(delivery), Dead)
    assert shelves.names == ["Mugs", "Cups", "Mug"]
    assert shown()["products/mug"] == ("unknown", None, MAY_EXIST)
    assert isinstance(until_over(start()), Dead), "another push does not create it either"
    assert shelves.names == ["Mugs", "Cups", "Mug"]


def test_an_oms_that_answers_no_create_makes_one_entry_unknown_per_attempt(shelves: Shelves) -> None:
    shelves.faults["create"] = [LOST] * 10
    delivery = start({"categories": [MUGS, *({"key": f"c{n}", "name": f"C{n}"} for n in range(9))]})
    for tries in range(1, 4):
        with pytest.raises(Retry):
            send(delivery)
        assert len(shelves.names) == tries


@pytest.mark.parametrize("state", [State.CREATING, State.KNOWN])
def test_a_push_that_was_killed_during_a_create_does_not_create_again(
    shelves: Shelves, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    delivery, real = start(), rows.write

    def killed(row: Row, **more: Any) -> Row:
        if row.name.key == "mug" and row.state is state:
            raise Killed
        return real(row, **more)

    with monkeypatch.context() as patch:
        patch.setattr(rows, "write", killed)
        with pytest.raises(Killed):
            send(delivery)
    may_be_there = state is State.KNOWN
    assert isinstance(until_over(delivery), Dead) is may_be_there
    assert shelves.names.count("Mug") == 1
    assert (row("products/mug").state is State.UNKNOWN) is may_be_there


def test_an_unknown_entry_is_adopted_by_its_id(shelves: Shelves) -> None:
    shelves.faults["create"] = [None, None, LOST]
    assert isinstance(until_over(start()), Dead)
    assert push(changed(FILE, MUG, id=3)) == {"same": 3, "create": 2}
    assert shelves.names == ALL_NAMES


def test_an_unknown_entry_is_created_after_a_person_marks_it_as_absent(shelves: Shelves) -> None:
    shelves.faults["create"] = [Retry("HTTP 504", status=504, answer_lost=True)]
    assert isinstance(until_over(start()), Dead)
    assert call("absent", entries=["mugs"]) == {"ok": True, "absent": ["categories/mugs"]}
    assert push() == {"create": 5}
    assert shelves.names == ALL_NAMES


def test_a_later_push_supersedes_an_earlier_one(shelves: Shelves) -> None:
    first = start(changed(FILE, MUGS, name="Old"))
    answer = call("push", catalogue=FILE)
    assert answer["replaces"] == first.id
    with pytest.raises(Withdrawn):
        send(first)
    assert shelves.methods() == {}
    assert isinstance(until_over(outbox.get(answer["delivery"])), Sent)  # type: ignore[arg-type]
    with pytest.raises(Withdrawn):
        send(replace(first, replays=1))
    assert shelves.names == ALL_NAMES


def test_a_push_that_starts_while_another_runs_creates_nothing_twice(shelves: Shelves) -> None:
    first, second = start(), list[Delivery]()

    def meanwhile(method: str) -> None:
        if method == "create" and len(shelves.names) == 2 and not second:
            second.append(start(changed(FILE, WHITE, weight=1)))
            with pytest.raises(Blocked, match="another push is updating products/mug right now"):
                send(second[0])

    shelves.meanwhile = meanwhile
    with pytest.raises(Withdrawn):
        send(first)
    assert shelves.names == ["Mugs", "Cups", "Mug"], "the entry in progress is finished"
    assert isinstance(until_over(second[0]), Sent)
    assert shelves.names == ALL_NAMES


def test_an_earlier_push_does_not_undo_a_later_one(shelves: Shelves) -> None:
    push()
    first, second = start(changed(FILE, MUGS, name="Old")), list[Sent | Dead]()

    def meanwhile(method: str) -> None:
        if not second:
            second.append(Dead("is being done"))
            second.append(until_over(start(changed(FILE, MUGS, name="New"))))

    shelves.meanwhile = meanwhile
    with pytest.raises((Withdrawn, Blocked)):
        send(first)
    with pytest.raises(Withdrawn):
        send(first)
    assert isinstance(second[1], Sent)
    assert shelves.names[0] == "New"


@pytest.mark.parametrize(("method", "dead"), [("create", True), ("update", False), ("delete", False)])
def test_the_claim_of_a_killed_push_blocks_another_push_until_it_expires(
    shelves: Shelves, clock: Clock, method: str, dead: bool
) -> None:
    asked: dict[str, tuple[Any, ...]] = {"update": (changed(FILE, WHITE, weight=1),), "delete": ({}, "white")}
    asked["create"] = (FILE,)
    if method != "create":
        push()
    shelves.faults[method] = [KILLED]
    with pytest.raises(Killed):
        send(start(*asked[method]))
    later = start(*asked[method])
    with pytest.raises(Blocked, match="another push"):
        send(later)
    clock.advance(CLAIM.total_seconds())
    assert isinstance(until_over(later), Dead) is dead


def test_two_pushes_that_start_at_the_same_moment_are_separate_deliveries(shelves: Shelves) -> None:
    first, second = start(), start()
    assert first.id != second.id
    with pytest.raises(Withdrawn):
        send(first)
    send(second)
    assert shelves.names == ALL_NAMES


@pytest.mark.parametrize("seed", range(20))
def test_no_combination_of_faults_creates_an_entry_twice(shelves: Shelves, clock: Clock, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    running = 1

    def meanwhile(_: str) -> None:
        nonlocal running
        clock.advance(chance.choice((0, 0, 3)))
        if running < 3 and chance.random() < 0.04:  # another push starts
            running += 1
            with suppress(Retry, Dead, Withdrawn, Killed):
                send(start(changed(FILE, MUG, order_column=chance.randrange(3))))
            running -= 1

    shelves.meanwhile = meanwhile

    def faults() -> list[Exception | str | None]:
        kinds = (None, None, LOST, KILLED, Retry("HTTP 503"), Blocked("token"), Dead("HTTP 400"))
        return [chance.choice(kinds) for _ in range(8)]

    for _ in range(6):
        shelves.faults = {method: faults() for method in ("create", "get", "update", "delete")}
        delivery = start(changed(FILE, WHITE, weight=chance.randrange(3)))
        for _ in range(chance.randrange(1, 12)):
            try:
                send(delivery)
                break
            except (*TEMPORARY, Killed):
                clock.advance(chance.choice((0, 1000)))
            except (Dead, Withdrawn):
                break
    assert max(Counter(shelves.names).values(), default=0) <= 1
    # A person reports which of the uncertain entries exist, and which do not.
    shelves.faults, shelves.meanwhile = {}, lambda _: None
    clock.advance(CLAIM.total_seconds())
    there = {content["name"]: _id(kind, each) for kind in Kind for each, content in shelves.entries[kind].items()}
    found = {
        kind: [each | ({"id": there[each["name"]]} if each["name"] in there else {}) for each in listed]
        for kind, listed in FILE.items()
    }
    missing = {f"{kind}/{each['key']}" for kind, listed in found.items() for each in listed if "id" not in each}
    lost = {entry for entry, (state, *_) in shown().items() if state == "unknown"}
    if lost & missing:
        assert call("absent", entries=sorted(lost & missing))["ok"]
    assert isinstance(until_over(start(found)), Sent)
    assert sorted(shelves.names) == sorted(ALL_NAMES)


def _id(kind: Kind, identity: str) -> Id:
    return identity if kind is Kind.CATEGORY else int(identity)


# Deletions
def test_only_named_entries_are_deleted_children_first(shelves: Shelves) -> None:
    push()
    shelves.methods()
    assert push({}, "mug", "white", "variants/black") == {"delete": 3}
    assert [what for _, _, what in shelves.calls] == [4, 5, 3] or [what for _, _, what in shelves.calls] == [5, 4, 3]
    assert shelves.names == ["Mugs", "Cups"]
    assert set(shown()) == {"categories/mugs", "categories/cups"}
    assert push({}, "mug") == {"same": 1}, "it is gone already"
    assert push() == {"same": 2, "create": 3}


def test_deleting_an_entry_that_the_oms_no_longer_has_succeeds(shelves: Shelves) -> None:
    push({"categories": [MUGS]})
    shelves.entries[Kind.CATEGORY].clear()
    assert push({}, "mugs") == {"delete": 1}


def test_a_parent_stays_when_its_child_could_not_be_deleted(shelves: Shelves) -> None:
    push()
    shelves.faults["delete"] = [None, Dead("HTTP 409")]
    assert isinstance(until_over(start({}, "mug", "white", "black")), Dead)
    assert len(shelves.names) == 4
    (kept,) = [entry for entry, (_, _, error) in shown().items() if error == "HTTP 409"]
    assert shown()["products/mug"][2] == f"it still contains {kept}"


def test_a_parent_stays_when_its_child_could_not_be_moved(shelves: Shelves) -> None:
    push()
    shelves.faults["update"] = [Dead("HTTP 400")]
    new = [{"key": "new", "name": "New"}, CUPS | {"parent": "new"}]
    moved = {"categories": new, "products": [MUG | {"category": "new"}]}
    assert isinstance(until_over(start(moved, "mugs")), Dead)
    assert "Mugs" in shelves.names
    assert push(moved, "mugs") == {"same": 2, "update": 1, "delete": 1}
    assert "Mugs" not in shelves.names


def test_a_deletion_without_an_answer_is_repeated(shelves: Shelves) -> None:
    push()
    shelves.faults["delete"] = [LOST]
    assert isinstance(until_over(start({}, "white")), Sent)
    assert "White mug" not in shelves.names


# The function's answers
@pytest.mark.parametrize(
    "request_",
    [
        *(None, {}, {"action": "destroy"}, {"action": "show", "stack": 1}, {"action": "push", "delete": "mug"}),
        *({"action": "absent", "entries": [1]}, {"action": "absent"}, {"action": "push"}),
    ],
)
def test_invalid_input_gets_an_answer(shelves: Shelves, request_: Any) -> None:
    answer = handler(request_, SimpleNamespace())
    assert (answer["ok"], bool(answer["problem"])) == (False, True)
    assert shelves.calls == []


@pytest.mark.parametrize("action", ["diff", "push"])
def test_a_catalogue_with_errors_is_not_sent(shelves: Shelves, cloud: Cloud, action: str) -> None:
    answer = call(action, catalogue={"products": [MUG]})
    assert answer["problem"] == "the catalogue has 1 error, so nothing was sent"
    assert [error["field"] for error in answer["errors"]] == ["products[0].category"]
    assert cloud.rows() == []


def test_a_catalogue_that_does_not_fit_into_a_row_is_refused(shelves: Shelves, cloud: Cloud) -> None:
    variants = [WHITE | {"key": str(number), "description": os.urandom(4000).hex()} for number in range(100)]
    answer = call("push", catalogue=FILE | {"variants": variants})
    assert "too large for one push" in answer["problem"]
    assert cloud.rows() == []


def test_the_largest_push_that_is_taken_fits_into_its_row(shelves: Shelves, cloud: Cloud) -> None:
    variants = [WHITE | {"key": str(number), "description": os.urandom(1900).hex()} for number in range(174)]
    delivery = start(FILE | {"variants": variants})
    assert len(table.pack(delivery.body)["B"]) > 0.95 * commands.LARGEST
    replace(delivery, history=[outbox.Attempt(at="2026-09-01T14:10:00.000Z", error="x" * 100)] * 20).save()


def test_a_diff_shows_the_differences_and_sends_nothing(shelves: Shelves, cloud: Cloud) -> None:
    push()
    shelves.entries[Kind.CATEGORY]["abc"] = {"name": "Glasses"}
    shelves.methods()
    before = cloud.rows()
    content = {
        "categories": [MUGS, {"key": "glasses", "name": "Glasses!", "id": "abc"}],
        "products": [MUG | {"name": "Big mug", "description": "x" * 1000}, MUG | {"key": "b"}],
    }
    answer = call("diff", catalogue=content, delete=["white"])
    assert answer["ok"]
    assert answer["counts"] == {"same": 1, "update": 2, "create": 1, "delete": 1}
    changes = {change["entry"]: change for change in answer["changes"]}
    assert changes["products/mug"] | {"fields": 0} == {
        "entry": "products/mug",
        "op": "update",
        "id": 3,
        "adopted": False,
        "fields": 0,
        "reason": None,
    }
    assert changes["products/mug"]["fields"]["name"] == ["Mug", "Big mug"]
    assert len(changes["products/mug"]["fields"]["description"][1]) == 200
    assert changes["categories/glasses"]["adopted"]
    assert answer["not_in_file"] == ["categories/cups", "variants/black"]
    assert shelves.methods() == {"get": 3}
    assert cloud.rows() == before


def test_a_diff_reports_that_the_oms_could_not_be_asked(shelves: Shelves) -> None:
    push()
    shelves.methods()
    shelves.faults["get"] = [Retry("HTTP 503")] * 9
    answer = call("diff", catalogue=changed(FILE, WHITE, weight=1))
    assert answer["guessed"] == {"entries": 5, "reason": "HTTP 503"}
    assert answer["counts"] == {"same": 4, "update": 1}
    assert shelves.methods() == {"get": 3}, "it gives up"
    shelves.faults["get"] = [Blocked("the OMS refuses the token")]
    answer = call("diff", catalogue=FILE)
    assert (answer["ok"], answer["problem"]) == (False, "the OMS could not be asked: the OMS refuses the token")


def test_a_diff_ends_in_time(shelves: Shelves, clock: Clock) -> None:
    push()
    shelves.meanwhile = lambda _: clock.advance(100)
    assert call("diff", catalogue=FILE)["guessed"]["entries"] == 2


def test_an_entry_that_is_known_or_being_created_can_not_be_marked_as_absent(shelves: Shelves, clock: Clock) -> None:
    shelves.faults["create"] = [None, None, KILLED]
    with pytest.raises(Killed):
        send(start())
    assert "is known" in call("absent", entries=["mugs"])["problem"]
    assert "no entry with this key" in call("absent", entries=["none"])["problem"]
    assert "a push may still be creating it" in call("absent", entries=["mug"])["problem"]
    assert shown()["products/mug"][0] == "creating"
    clock.advance(CLAIM.total_seconds())
    assert shown()["products/mug"][0] == "unknown"
    assert call("absent", entries=["mug"])["ok"]
    assert "products/mug" not in shown()


def test_the_progress_of_a_push_is_shown(shelves: Shelves) -> None:
    assert call("progress") == {"ok": True, "push": None}
    delivery = start()
    shelves.faults["create"] = [None, None, Blocked("the token")]
    with pytest.raises(Blocked):
        send(delivery)
    assert call("progress")["push"] == {
        "delivery": delivery.id,
        "done": 2,
        "total": 5,
        "counts": {"create": 2},
        "started_at": "2026-09-01T14:10:00.000Z",
        "state": "pending",
        "last_error": None,
    }


# The whole way, with the OMS's simulator
def test_the_example_is_pushed_through_the_queue(hub: Hub) -> None:
    content = json.loads((ROOT / "docs" / "catalogue.example.json").read_text())
    asked = {"catalogue": content, "delete": []}
    answer = hub.cloud.call("catalogue", {"action": "push", **asked})
    hub.settle()
    shown = hub.cloud.call("catalogue", {"action": "show"})
    assert (shown["push"]["state"], shown["push"]["counts"]) == ("delivered", {"create": 5})
    assert {entry["state"] for entry in shown["entries"]} == {"known"}
    assert hub.get(f"/deliveries/{answer['delivery']}")["body"]["status"] == "delivered"
    hub.oms.calls.clear()
    difference = hub.cloud.call("catalogue", {"action": "diff", **asked})
    assert (difference["changes"], difference["counts"]) == ([], {"same": 5})
    assert {method for method, _ in hub.oms.calls} == {"GET"}
    hub.cloud.call("catalogue", {"action": "push", "delete": [entry["entry"] for entry in shown["entries"]]})
    hub.settle()
    assert hub.cloud.call("catalogue", {"action": "show"})["entries"] == []
    assert {path for method, path in hub.oms.calls if method == "DELETE"} != set()


def test_a_lost_answer_creates_nothing_twice_through_the_queue(hub: Hub) -> None:
    hub.oms.faults = [None, None, "lost"]
    hub.cloud.call("catalogue", {"action": "push", "catalogue": {"categories": [MUGS, CUPS]}})
    hub.settle()
    while hub.retained:
        hub.deliver_again()
    shown = hub.cloud.call("catalogue", {"action": "show"})
    assert (shown["push"]["state"], shown["push"]["counts"]) == ("dead", {"create": 1, "unknown": 1})
    posts = [path for method, path in hub.oms.calls if method == "POST"]
    assert posts == ["/api/v1/product-categories"] * 2


def test_the_omss_own_text_reaches_who_pushes(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    content = {
        "categories": [MUGS],
        "products": [MUG],
        "variants": [wire.without(WHITE, "product") | {"product_id": 99}],
    }
    hub.cloud.call("catalogue", {"action": "push", "catalogue": content})
    hub.settle()
    shown = hub.cloud.call("catalogue", {"action": "show"})
    errors = {entry["entry"]: entry["error"] for entry in shown["entries"] if entry["error"]}
    said = "HTTP 400: The request is not valid; field: product_id; 99 is unknown"
    assert errors == {"variants/white": said}
    assert said not in capsys.readouterr().out, "it is shown, not logged"
    hub.cloud.call("catalogue", {"action": "push", "catalogue": {"products": [MUG | {"team_id": 6}]}})
    hub.settle()
    assert hub.cloud.call("catalogue", {"action": "show"})["push"]["counts"] == {"update": 1}


# The command
class Desk:
    """Somebody at a terminal: what they type, and what they read. While they wait, `meanwhile` happens."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "catalogue.json"
        self.printed = io.StringIO()
        self.waited = 0.0
        self.meanwhile: Callable[[], object] = lambda: None

    def types(self, action: str, content: Any = None, *delete: str, **more: Any) -> int:
        self.printed.seek(0)
        self.printed.truncate()
        if content is not None:
            self.file.write_text(json.dumps(content))
        console = Console(file=self.printed, width=200, highlight=False, markup=False, soft_wrap=True)
        typed = Command(lambda asked: call(**asked), console, lambda: self.waited, self._sleep)
        file = self.file if content is not None else None
        return typed.run(Request(action, file, delete, **{"wait_s": 60, **more}))

    def _sleep(self, seconds: float) -> None:
        self.waited += seconds
        self.meanwhile()

    @property
    def read(self) -> str:
        return self.printed.getvalue()


@pytest.fixture(name="desk")
def _desk(shelves: Shelves, tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def end(desk: Desk) -> None:
    """The push that is asked for at the desk ends while it is waited for."""

    def deliver() -> None:
        delivery = outbox.get(progress.current().delivery_id)  # type: ignore[union-attr]
        assert delivery
        ended = until_over(delivery)
        state = outbox.State.DELIVERED if isinstance(ended, Sent) else outbox.State.DEAD
        reason = None if isinstance(ended, Sent) else ended.reason
        replace(delivery, state=state, last_error=reason).save()

    desk.meanwhile = deliver


def test_diff_returns_an_exit_code(desk: Desk) -> None:
    assert desk.types("diff", FILE) == 3
    assert desk.read.splitlines()[:3] == [
        "+ categories/mugs",
        '    name  "Mugs"',
        "+ categories/cups",
    ]
    assert desk.read.splitlines()[-1] == "5 to create."
    push()
    assert desk.types("diff", FILE) == 0
    assert desk.read.splitlines() == ["5 unchanged."]
    assert desk.types("diff", changed(FILE, WHITE, weight=1), "black") == 1, "it is also in the file"


def test_diff_prints_a_line_per_change(desk: Desk, shelves: Shelves) -> None:
    push(FILE | {"products": [MUG | {"name": "\x1b[31mMug"}]})
    shelves.faults["create"] = [LOST]
    until_over(start({"categories": [MUGS, {"key": "lost", "name": "Lost"}]}))
    content = {"categories": [MUGS, {"key": "lost", "name": "Lost"}], "products": [MUG]}
    assert desk.types("diff", content, "white") == 1
    assert desk.read.splitlines() == [
        f"? categories/lost  {MAY_EXIST}",
        "~ products/mug  id 3",
        '    name  "\\u001b[31mMug" → "Mug"',
        "- variants/white  id 4",
        "1 to update, 1 to delete, 1 unchanged, 1 unknown.",
        "Not in the file, so unchanged: categories/cups, variants/black.",
    ]


def test_push_waits_for_the_end(desk: Desk) -> None:
    end(desk)
    assert desk.types("push", FILE) == 0
    assert desk.read.splitlines()[1:] == ["Pushed. 5 of 5 entries: 5 created."]
    assert desk.waited == command.POLL_EVERY_S


def test_a_push_that_fails_in_part_lists_the_failures(desk: Desk, shelves: Shelves) -> None:
    shelves.faults["create"] = [None, Dead("HTTP 400: name")]
    end(desk)
    assert desk.types("push", FILE) == 1
    assert desk.read.splitlines()[1:] == [
        "The push is incomplete: 1 of 5 entries of the catalogue failed. 5 of 5 entries: 4 created, 1 failed.",
        "! categories/cups  HTTP 400: name",
    ]
    assert desk.types("show") == 1
    assert "HTTP 400: name" in desk.read


def test_push_waits_no_longer_than_its_option(desk: Desk) -> None:
    assert desk.types("push", FILE, wait_s=10) == 3
    assert desk.waited == 10
    assert "is running" in desk.read
    assert desk.types("push", FILE, wait_s=0) == 3
    assert "It replaces push" in desk.read


def test_a_push_that_is_superseded_while_it_is_waited_for_is_not_done(desk: Desk) -> None:
    desk.meanwhile = start
    assert desk.types("push", FILE) == 1
    assert "Another push has replaced it." in desk.read


def test_the_errors_of_a_file_are_listed(desk: Desk) -> None:
    assert desk.types("push", {"products": [MUG | {"colour": "red"}], "variants": {}}) == 1
    assert desk.read.splitlines() == [
        "Not done: the catalogue has 2 errors, so nothing was sent.",
        "  products[0].colour  is not a known field",
        "  variants  must be a list",
    ]


def test_show_lists_the_known_entries(desk: Desk) -> None:
    assert desk.types("show") == 0
    assert desk.read.splitlines() == ["Nothing has been pushed yet."]
    end(desk)
    desk.types("push", FILE)
    assert desk.types("show") == 0
    assert [line.split() for line in desk.read.splitlines()[2:4]] == [
        ["categories/cups", "uid-2", "known"],
        ["categories/mugs", "uid-1", "known"],
    ]


def test_absent_marks_an_entry_as_absent(desk: Desk, shelves: Shelves) -> None:
    shelves.faults["create"] = [LOST]
    until_over(start({"categories": [MUGS]}))
    assert desk.types("absent", entries=("mugs",)) == 0
    assert "categories/mugs" in desk.read
    assert desk.types("absent", entries=("mugs",)) == 1


def test_diff_needs_a_file_or_a_deletion(desk: Desk) -> None:
    with pytest.raises(click.UsageError, match="the catalogue's file"):
        desk.types("diff")
    push()
    assert desk.types("diff", None, "white") == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "line 1 column 2"),
        ('{"categories": [{"key": "x", "name": "a", "name": "b"}]}', "'name' occurs twice in one object (of x)"),
        ('{"categories": [], "categories": []}', "'categories' occurs twice in one object:"),
        ("[" * 100_000, "is not a valid catalogue"),
        ("\xff", "is not a valid catalogue"),
    ],
)
def test_a_file_that_is_not_json_is_an_error(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "catalogue.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(Failed) as caught:
        command.read(file)
    assert problem.removesuffix(":") in str(caught.value)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    file.write_bytes(b"\xef\xbb\xbf{}")
    assert command.read(file) == {}
    with pytest.raises(Failed, match="can't be read"):
        command.read(tmp_path / "none.json")


def test_the_command_invokes_the_function_of_the_stack(shelves: Shelves, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = InvokedLambda(handler)
    monkeypatch.setattr("boto3.client", lambda service, config: functions)
    assert invoke.ask(Installation.deployed("shop"), "catalogue", {"action": "progress"}) == {"ok": True, "push": None}
    assert functions.calls == [{"FunctionName": "shop-catalogue", "Payload": b'{"action":"progress"}'}]


def test_every_operation_has_its_words() -> None:
    assert set(command.PLANNED) == set(command.DID) == set(Op)
    assert set(command.SIGNS) == set(Op) - {Op.SAME}
