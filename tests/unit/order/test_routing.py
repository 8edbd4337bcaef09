"""The routing of lines to printers."""

import pytest

from pressroom.order import routing
from pressroom.order.routing import DEFAULT_DESTINATIONS, Route, Routing, Rule, parse, route
from pressroom.partners import PRINTERS


def destinations(skus: tuple[str, ...], how: Routing, *, personalized: bool = False) -> list[str | None]:
    return [route(sku, personalized, how).destination for sku in skus]


def test_the_first_rule_that_matches_wins() -> None:
    how = parse("CP-*=cloudprinter, PF-[ab]?=printful, *=camaloon")
    skus = ("CP-1", "PF-a1", "PF-c1", "063e8da93379f8c1aee0")
    assert destinations(skus, how) == ["cloudprinter", "printful", "camaloon", "camaloon"]


def test_a_route_names_its_rule() -> None:
    assert route("CP-1", False, parse("X=oms,CP-*=cloudprinter")) == Route("cloudprinter", "the rule CP-*=cloudprinter")


def test_rules_are_case_sensitive() -> None:
    assert destinations(("cp-1", "CP-1"), parse("CP-*=camaloon")) == [None, "camaloon"]


@pytest.mark.parametrize("default", sorted(DEFAULT_DESTINATIONS))
def test_a_personalised_line_without_a_rule_goes_to_the_oms(default: str) -> None:
    assert route("X", True, parse("CP-*=cloudprinter", default)) == Route("oms", "it has a personalization")


@pytest.mark.parametrize("destination", PRINTERS)
def test_a_rule_takes_precedence_over_the_personalisation(destination: str) -> None:
    how = parse(f"MUG-*={destination}", "nobody")
    assert destinations(("MUG-1", "CAP-1"), how, personalized=True) == [destination, "oms"]


@pytest.mark.parametrize("default", ["camaloon", "cloudprinter", "printful"])
def test_other_lines_go_to_the_default_destination(default: str) -> None:
    found = route("X", False, parse("CP-*=cloudprinter", default))
    assert found.destination == default
    assert "default" in found.why


@pytest.mark.parametrize("how", [parse("CP-*=cloudprinter"), parse("", "nobody")])
def test_without_a_default_the_line_has_no_destination(how: Routing) -> None:
    found = route("X", False, how)
    assert found.destination is None
    assert "nobody" in found.why


def test_a_line_without_personalisation_that_a_rule_routes_to_the_oms_has_no_destination() -> None:
    how = parse("ENG-*=oms,*=camaloon", "camaloon")
    found = route("ENG-1", False, how)
    why = "the rule ENG-*=oms sends it to the OMS, but it has no personalization"
    assert found == Route(None, why, is_lacking=True)
    assert route("ENG-1", True, how) == Route("oms", "the rule ENG-*=oms")


@pytest.mark.parametrize("how", [parse("*=printful", "camaloon"), parse("", "camaloon")])
def test_a_line_without_a_sku_has_no_printer_unless_it_has_a_design(how: Routing) -> None:
    assert destinations(("",), how) == [None]
    assert destinations(("",), how, personalized=True) == ["oms"]


@pytest.mark.parametrize("default", ["camaloon", "printful", "nobody"])
@pytest.mark.parametrize("sku", ["", "X"])
def test_a_line_whose_design_can_not_be_used_has_no_printer(sku: str, default: str) -> None:
    found = route(sku, True, parse("", default), "personalization.thumbnails")
    assert (found.destination, found.is_lacking) == (None, True)
    assert "personalization.thumbnails" in found.why


def test_a_rule_for_a_printer_without_designs_is_final_whatever_the_design() -> None:
    assert route("PIN", True, parse("P*=camaloon"), "personalization.thumbnails").destination == "camaloon"


@pytest.mark.parametrize("personalized", [False, True])
def test_a_line_whose_sku_can_not_be_used_has_no_printer(*, personalized: bool) -> None:
    found = route("", personalized, parse("*=printful", "camaloon"), "sku")
    assert (found.destination, found.is_lacking) == (None, True)


def test_a_line_that_no_rule_wants_lacks_nothing() -> None:
    assert not route("X", False, parse("")).is_lacking


def test_spaces_and_empty_parts_are_ignored() -> None:
    assert parse(" a = camaloon ,, b=oms,").rules == (Rule("a", "camaloon"), Rule("b", "oms"))
    assert parse("", "printful") == Routing((), "printful")


def test_a_pattern_may_contain_an_equals_sign() -> None:
    assert parse("size=*=camaloon").rules == (Rule("size=*", "camaloon"),)


@pytest.mark.parametrize("text", ["*", "*=", "=camaloon", "*=Camaloon", "*=nobody", "*=camaloon,broken"])
def test_an_invalid_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RoutingRules"):
        parse(text, "camaloon")


@pytest.mark.parametrize("default", ["", "oms", "Camaloon", "somebody"])
def test_an_invalid_default_destination_is_refused(default: str) -> None:
    with pytest.raises(ValueError, match="DefaultDestination"):
        parse("*=camaloon", default)


@pytest.mark.parametrize(
    ("rules", "default", "expected"),
    [("*=printful", "nobody", Routing((Rule("*", "printful"),), "nobody")), ("", "camaloon", Routing((), "camaloon"))],
)
def test_the_configured_routing_comes_from_the_two_parameters(
    monkeypatch: pytest.MonkeyPatch, rules: str, default: str, expected: Routing
) -> None:
    monkeypatch.setenv("ROUTING_RULES", rules)
    monkeypatch.setenv("DEFAULT_DESTINATION", default)
    assert routing.configured() == expected
