"""Printful sends only the event types that Pressroom registers for: those that have a topic."""

from pressroom.providers.printful.registration import STOCK, TYPES
from tests.support.template import topics


def test_pressroom_registers_for_exactly_the_topics_that_have_a_folder() -> None:
    folders = {topic for provider, topic in topics() if provider == "printful"}
    assert set(TYPES) - folders == set(), "registered without a folder functions/printful/<topic>"
    assert folders - set(TYPES) == set(), "a topic that Printful is not asked for: add it to registration.TYPES"
    assert len(TYPES) == len(set(TYPES))


def test_the_type_that_needs_products_is_one_of_them() -> None:
    assert STOCK in TYPES
