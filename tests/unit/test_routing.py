"""Who prints a line."""

import pytest

from pressroom import routing
from pressroom.routing import Rule


def test_the_first_rule_that_matches_wins() -> None:
    rules = routing.parse("CP-*=cloudprinter, PF-[ab]?=printful, *=camaloon")
    skus = ("CP-1", "PF-a1", "PF-c1", "063e8da93379f8c1aee0")
    assert [routing.destination(sku, rules) for sku in skus] == ["cloudprinter", "printful", "camaloon", "camaloon"]


def test_case_matters() -> None:
    assert routing.destination("cp-1", routing.parse("CP-*=camaloon")) is None


def test_a_line_that_no_rule_wants_has_no_destination() -> None:
    assert routing.destination("X", ()) is None


def test_spaces_and_empty_parts_are_nothing() -> None:
    assert routing.parse(" a = camaloon ,, b=camaloon,") == (Rule("a", "camaloon"), Rule("b", "camaloon"))
    assert routing.parse("") == ()


def test_a_pattern_may_hold_an_equals_sign() -> None:
    assert routing.parse("size=*=camaloon") == (Rule("size=*", "camaloon"),)


@pytest.mark.parametrize("text", ["*", "*=", "=camaloon", "*=Camaloon", "*=nobody", "*=camaloon,broken"])
def test_a_rule_that_cannot_be_followed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RoutingRules"):
        routing.parse(text)


def test_the_configured_rules_are_the_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTING_RULES", "*=printful")
    assert routing.configured() == (Rule("*", "printful"),)
