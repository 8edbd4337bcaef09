"""Batches without a table: the templates of variants, and attempts that may have been received."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.order.outbox import Attempt, Delivery
from pressroom.platform import table
from pressroom.providers.oms import batch_sending, batches, item_ids
from pressroom.providers.oms.batches import Batch, Item, State
from tests.support.template import template

NOW = datetime(2026, 9, 1, 14, 10, tzinfo=UTC)
PATTERN = template()["Parameters"]["PrintTemplates"].get("AllowedPattern", "")


def read(text: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    monkeypatch.setenv("PRINT_TEMPLATES", text)
    return batches.templates()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("mug=t1", {"mug": ("t1",)}),
        ("mug=t1+t2,card=t3", {"mug": ("t1", "t2"), "card": ("t3",)}),
        (" mug = t1 + t2 , card=t3 ", {"mug": ("t1", "t2"), "card": ("t3",)}),
        ("blue mug+lid=t1", {"blue mug+lid": ("t1",)}),
        ("mug=t1,card=t3,mug=t2+t1", {"mug": ("t1", "t2"), "card": ("t3",)}),
    ],
)
def test_templates_are_read_by_variant(
    text: str, found: dict[str, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(text, monkeypatch) == found
    assert re.fullmatch(PATTERN, text)


@pytest.mark.parametrize(
    "text", ["mug", "mug=", "=t1", " =t1", "mug=t1,", ",mug=t1", "mug=t1+", "mug=a b", "mug=t1=t2"]
)
def test_invalid_templates_are_reported_and_not_deployed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="is not variant=template"):
        read(text, monkeypatch)
    assert not re.fullmatch(PATTERN, text)


@given(st.text(alphabet="ab=+, ", max_size=12))
def test_every_value_that_the_template_accepts_can_be_read(text: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        if re.fullmatch(PATTERN, text):
            read(text, monkeypatch)
        elif text.strip():
            with pytest.raises(ValueError, match="is not variant=template"):
                read(text, monkeypatch)


BATCH = Batch(
    id="b1",
    variant="mug",
    templates=("t1", "t2"),
    items=(Item("1001:1", "u1"), Item("A~207:2", "u2")),
    created_at="2026-09-01T14:10:00.000Z",
    delivery_id="oms-d1",
)


def test_a_batch_is_read_as_it_was_written() -> None:
    assert Batch.of(BATCH.new_row()) == BATCH


def test_a_batch_shows_its_items_by_order_and_line() -> None:
    shown = replace(BATCH, state=State.SENT, left_out=frozenset({"A~207:2"})).to_json()
    assert shown["items"] == [
        {"order_id": "1001", "line_id": "1", "uid": "u1", "left_out": False},
        {"order_id": "A 7", "line_id": "2", "uid": "u2", "left_out": True},
    ]
    assert replace(BATCH, state=State.SENT).summary()["items"] == 2


def test_an_item_of_the_longest_ids_fits_into_its_keys() -> None:
    ids = [item_ids.item_id("\U0001f600" * 128, f"{number:0128}") for number in range(2)]
    keys = [batches.key(each) for each in ids]
    assert len(set(keys)) == 2
    entry = table.state_index(batches.READY, "v" * 128, keys[0], BATCH.created_at)
    assert len(entry["state_at"]["S"].encode()) <= 1024
    assert len(table.pk(batches.READY, keys[0])["pk"]["S"].encode()) <= 2048
    assert batches.key("1001:1") == "1001:1"


def attempted(tries: int, *lost: bool) -> Delivery:
    """A delivery in its latest attempt, after others that the OMS may have received."""
    history = [Attempt(at="", error="HTTP 429", answer_lost=each) for each in lost]
    new = Delivery.to("oms", "create_batch", order_id="", body=b"{}", now=NOW, key="b1")
    return replace(new, tries=tries, attempts=len(history) + 1, history=[*history, Attempt(at="", error="unfinished")])


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (attempted(1), False),
        (attempted(2, False), False),
        (attempted(2, True), True),
        (attempted(3, True, False), True),  # the attempt that would have recorded it as dead was killed
        (attempted(1, True), False),  # replayed by a person
        (attempted(2, True, False), False),  # replayed, and refused for now
        (attempted(1, False, False, False), False),  # blocked three times, which uses up no try
    ],
)
def test_an_attempt_that_may_have_been_received_counts_until_a_replay(delivery: Delivery, expected: bool) -> None:
    assert batch_sending.may_have_been_received(delivery) is expected
