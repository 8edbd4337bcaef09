"""The ids of order items are reversible, safe in a URL and unique for each line of the shop."""

import re
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pressroom.providers.oms.item_ids import item_id, parse

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.text("a:~-._/%31", min_size=1)
"""Any text that UTF-8 can encode, and texts that could be mistaken for the separator or an escape."""


def test_ordinary_ids_stay_readable() -> None:
    assert item_id("1001", "1") == "1001:1"
    assert item_id("ORD_20.260-901", "line-A") == "ORD_20.260-901:line-A"


def test_other_characters_are_escaped_as_their_bytes() -> None:
    assert item_id("#10/é", "a~:b") == "~2310~2f~c3~a9:a~7e~3ab"


@given(NAMES, NAMES)
@example("..", ".")
@example("a:b", "c")
@example("~41", "A")
def test_an_item_id_can_be_parsed(order_id: str, line_id: str) -> None:
    assert parse(item_id(order_id, line_id)) == (order_id, line_id)


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
@example(("a:b", "c"), ("a", "b:c"))
@example(("1", "11"), ("11", "1"))
@example(("~3a", "x"), (":", "x"))
def test_no_two_lines_share_an_item_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (item_id(*one) == item_id(*other)) == (one == other)


@given(NAMES, NAMES)
def test_an_item_id_is_one_segment_of_a_path(order_id: str, line_id: str) -> None:
    name = item_id(order_id, line_id)
    assert re.fullmatch("[A-Za-z0-9_.~:-]+", name)
    assert quote(name, safe=":") == name
    assert name not in (".", "..")


@given(st.text() | st.from_regex("[a-z0-9~:.]{0,9}"))
@example("\ud800:1")
def test_every_text_that_parses_is_the_item_id_of_its_parts(text: str) -> None:
    assert (pair := parse(text)) is None or item_id(*pair) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "1001", "1001:", ":1", "1001:1:1", "1001:1\n", " 1001:1", "1001:é"),
        *("1001:~", "1001:~4", "1001:~zz", "1001:~C3~A9"),
        *("~41:1", "1001:~31"),  # A and 1 need no escape: these would be second ids
        *("~ff:1", "~c3:~a9", "~ed~a0~80:1"),  # not UTF-8, or an unpaired surrogate
    ],
)
def test_other_texts_are_no_item_ids(text: str) -> None:
    assert parse(text) is None
