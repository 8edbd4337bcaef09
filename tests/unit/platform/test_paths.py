"""Ids in paths: for any id, the gateway's decoding matches the route, and the API gets the same id."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pressroom.platform.paths import quoted, unquoted
from tests.support.gateway import decoded

TRICKY = st.text(st.sampled_from("/?%#.25EFef3a ñ"), min_size=1)


@settings(deadline=None)
@given(st.one_of(TRICKY, st.text(min_size=1)))
def test_an_id_is_unchanged_after_the_gateway(identity: str) -> None:
    arrived = decoded(quoted(identity))
    assert "/" not in arrived
    assert arrived not in (".", "..")
    assert unquoted(arrived) == identity


@pytest.mark.parametrize("identity", ["1001", "#1001", "5%", "A 7", "ñ%41"])
def test_without_a_slash_and_a_question_mark_an_id_is_escaped_as_usual(identity: str) -> None:
    assert decoded(quoted(identity)).replace("%25", "%") == identity
