"""Digests of e-mail addresses in facts: the same search and the same record in whatever sequence messages arrive."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pressroom.order import customers
from pressroom.order.facts import Fact
from pressroom.order.repository import find_keys

MESSAGES = {
    "paid": ("paid", ("ana@pays.example", "ben@receives.example")),
    "updated": ("updated", ("Ben@receives.example", "new@receives.example")),
    "again": ("updated", ("ana@pays.example",)),
    "printful": ("progress", ("ben@receives.example",)),
    "merchant": ("shipped", ("orders@merchant.example",)),
}
OF_SHOP = {address for kind, emails in MESSAGES.values() if kind in ("paid", "updated") for address in emails}


@pytest.fixture(name="key")
def _key(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_key(*values: str) -> None:
        monkeypatch.setattr("pressroom.platform.config.secret", lambda _: SimpleNamespace(values=lambda: values))

    set_key("key")
    return set_key


def received(*names: str) -> list[Fact]:
    """The facts of an order after these messages."""
    facts = list[Fact]()
    for number, name in enumerate(names):
        kind, emails = MESSAGES[name]
        at = f"2026-{1 + number:02}-01T00:00:00.000Z"
        new = (
            [] if name in {fact.id for fact in facts} else [Fact(id=name, kind=kind, source="", at=at, received_at=at)]
        )
        facts += customers.with_digests(new, emails, facts)
    return facts


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(names=st.lists(st.sampled_from(sorted(MESSAGES)), max_size=8).map(lambda names: [*names, *MESSAGES]))
def test_every_address_of_the_shop_is_found_in_any_sequence(names: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pressroom.platform.config.secret", lambda _: SimpleNamespace(values=lambda: ("key",)))
        facts = received(*names)
        found = customers.of(facts)
        assert {customers.digests(each)[0] for each in OF_SHOP} <= found
        assert sum(len(fact.data.get("emails", ())) for fact in facts) == len(found), "each is written once"
        merchants = customers.digests("orders@merchant.example")[0]
        assert (merchants in found) == (names.index("merchant") < names.index("paid"))


def test_a_row_is_written_for_each_address_in_the_month_in_which_it_was_first_reported(
    key: Callable[..., None],
) -> None:
    facts = received("printful", "paid", "again")
    ana, ben = (customers.digests(each)[0] for each in ("ana@pays.example", "ben@receives.example"))
    assert find_keys(facts) == {f"email/{ben}/2026-01", f"email/{ana}/2026-02"}


def test_without_a_key_or_an_address_nothing_is_written(key: Callable[..., None]) -> None:
    fact = Fact(id="1", kind="paid", source="", at="", received_at="")
    assert customers.with_digests([fact], (" ", ""), []) == [fact]
    assert customers.with_digests([], ("ana@pays.example",), []) == []
    key()
    assert customers.with_digests([fact], ("ana@pays.example",), []) == [fact]


def test_a_digest_depends_on_the_key_and_an_older_key_is_still_known(key: Callable[..., None]) -> None:
    (first,) = customers.digests("ana@pays.example")
    facts = received("paid")
    key("other", "key")
    assert customers.digests("ana@pays.example")[1] == first
    assert customers.digests("ana@pays.example")[0] != first
    new = Fact(id="2", kind="updated", source="", at="", received_at="")
    assert customers.with_digests([new], ("ana@pays.example",), facts) == [new]
