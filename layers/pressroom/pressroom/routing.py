"""Who prints a line: rules as data, first match wins."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from pressroom import config

PRINTERS = frozenset({"camaloon"})
"""Destinations that Pressroom sends orders to."""
FOLLOWED = frozenset({"cloudprinter", "printful"})
"""Destinations whose lines somebody else orders; Pressroom only follows them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Lines whose SKU matches `pattern` (shell style: * ? [abc], case matters) go to `destination`."""

    pattern: str
    destination: str


def parse(text: str) -> tuple[Rule, ...]:
    """Read the RoutingRules parameter: `pattern=destination`, separated by commas, tried from left to right.

    Raises ValueError for a rule that can't be read or names nobody Pressroom knows.
    """
    rules = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        pattern, _, destination = (piece.strip() for piece in part.rpartition("="))
        if not pattern or destination not in PRINTERS | FOLLOWED:
            raise ValueError(f"RoutingRules: {part!r} is not pattern=destination, or names an unknown destination")
        rules.append(Rule(pattern, destination))
    return tuple(rules)


def destination(sku: str, rules: tuple[Rule, ...]) -> str | None:
    """Return who prints a SKU, or None when no rule wants it."""
    return next((rule.destination for rule in rules if fnmatchcase(sku, rule.pattern)), None)


@cache
def configured() -> tuple[Rule, ...]:
    """Return the rules of this deployment (the RoutingRules parameter)."""
    return parse(config.setting("ROUTING_RULES"))
