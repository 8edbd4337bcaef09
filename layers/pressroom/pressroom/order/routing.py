"""Routing: which printer prints a line. Rules come first, then personalisation, then a default."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Protocol

from pressroom.partners import DEFAULTS, NAMES, PERSONALIZED, PRINTERS
from pressroom.platform import config

NOBODY = "nobody"
"""The default destination of a merchant who wants to route every other line by hand."""
DEFAULT_DESTINATIONS = (*DEFAULTS, NOBODY)


@dataclass(frozen=True, slots=True)
class Rule:
    """Lines whose SKU matches `pattern` (shell style: * ? [abc], case matters) go to `destination`."""

    pattern: str
    destination: str

    def __str__(self) -> str:
        return f"{self.pattern}={self.destination}"


@dataclass(frozen=True, slots=True)
class Routing:
    """How a deployment routes lines. The first rule that matches counts."""

    rules: tuple[Rule, ...]
    default: str


@dataclass(frozen=True, slots=True)
class Route:
    """The printer of a line; None if it has none and waits for a person. `why` explains it to that person.

    `is_lacking`: the line lacks what would give it a printer, a SKU or a usable design; otherwise no rule wants it.
    """

    destination: str | None
    why: str
    is_lacking: bool = False


class Routable(Protocol):
    """What of a line decides about its printer: of one that the shop sends, or of one in the record."""

    @property
    def sku(self) -> str:
        """Its SKU, or an empty text."""

    @property
    def is_personalized(self) -> bool:
        """Whether it has a design, be it one that can't be used."""

    @property
    def unusable(self) -> str | None:
        """What of it can't be used."""


def parse(rules: str, default: str = NOBODY) -> Routing:
    """Read the parameters RoutingRules (`pattern=destination`, separated by commas) and DefaultDestination.

    Raises ValueError for a rule that can't be read, and for a destination that Pressroom does not know.
    """
    read = []
    for part in filter(None, (part.strip() for part in rules.split(","))):
        pattern, _, destination = (piece.strip() for piece in part.rpartition("="))
        if not pattern or destination not in PRINTERS:
            raise ValueError(f"RoutingRules: {part!r} is not pattern=destination, or names an unknown destination")
        read.append(Rule(pattern, destination))
    if default not in DEFAULT_DESTINATIONS:
        raise ValueError(f"DefaultDestination: {default!r} is none of {', '.join(sorted(DEFAULT_DESTINATIONS))}")
    return Routing(tuple(read), default)


def route(sku: str, personalized: bool, routing: Routing, unusable: str = "") -> Route:
    """Return the printer of a line, and why. `unusable` names what of the line can't be used (`LineItem.unusable`).

    A line without a SKU has no printer, unless it has a design to print. A rule is final: a line that a rule sends to
    the OMS, and that has no personalization, goes nowhere else. Nor does a line whose SKU can't be used, or whose
    design can't if its printer needs it: another printer would print something else, or nothing on it.
    """
    found = _route(sku, personalized, routing)
    if "sku" in unusable or (unusable and found.destination == PERSONALIZED):
        return Route(None, f"the shop sent a value that can't be used: {unusable}", is_lacking=True)
    return found


def _route(sku: str, personalized: bool, routing: Routing) -> Route:
    if not sku and not personalized:
        return Route(None, "it has no SKU, so nobody knows what to print", is_lacking=True)
    rules = routing.rules if sku else ()
    rule = next((rule for rule in rules if fnmatchcase(sku, rule.pattern)), None)
    if rule and rule.destination == PERSONALIZED and not personalized:
        why = f"the rule {rule} sends it to {NAMES[PERSONALIZED]}, but it has no personalization"
        return Route(None, why, is_lacking=True)
    if rule:
        return Route(rule.destination, f"the rule {rule}")
    if personalized:
        return Route(PERSONALIZED, "it has a personalization")
    if routing.default == NOBODY:
        return Route(None, "no rule matches, it has no personalization, and by default nobody prints it")
    return Route(routing.default, "no rule matches, and it has no personalization: the default destination")


def route_line(line: Routable, routing: Routing) -> Route:
    """Return the printer of a line, and why."""
    return route(line.sku, line.is_personalized, routing, line.unusable or "")


@cache
def configured() -> Routing:
    """Return how this deployment routes (the parameters RoutingRules and DefaultDestination)."""
    return parse(config.setting("ROUTING_RULES"), config.setting("DEFAULT_DESTINATION"))
