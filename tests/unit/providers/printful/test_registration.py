"""What should be registered at Printful, compared with what is."""

from dataclasses import replace
from typing import Any

import pytest

from pressroom.platform.errors import Refused
from pressroom.providers.printful.client import WebhookInfo
from pressroom.providers.printful.registration import TYPES, Endpoint, compare, desired, differences
from pressroom.providers.printful.registration_commands import Command
from pressroom.providers.printful.registration_state import State

BASE = "https://abc.execute-api.eu-west-1.amazonaws.com"
HERE = Endpoint(BASE, ("new-token", "old-token"))
OURS, OLD = f"{BASE}/webhooks/printful/new-token", f"{BASE}/webhooks/printful/old-token"
FOREIGN = "https://another.example/printful?key=1"
ALL = desired(HERE, (5, 12))
NO_STOCK = desired(HERE, ())


def test_all_types_are_wanted_once_there_are_products() -> None:
    assert (ALL.url, ALL.types, ALL.product_ids) == (OURS, TYPES, (5, 12))
    assert set(TYPES) - set(NO_STOCK.types) == {"stock_updated"}
    assert NO_STOCK.product_ids == ()


@pytest.mark.parametrize(
    ("registered", "wanted", "state", "said"),
    [
        (ALL, ALL, State.FINE, []),
        (NO_STOCK, NO_STOCK, State.FINE, []),
        (replace(ALL, types=ALL.types[::-1], product_ids=(12, 5)), ALL, State.FINE, []),
        (replace(NO_STOCK, product_ids=(5,)), NO_STOCK, State.FINE, []),
        (WebhookInfo(), ALL, State.LOST, ["no URL is registered"]),
        (WebhookInfo("", ALL.types, (5, 12)), ALL, State.LOST, ["no URL is registered"]),
        (replace(ALL, url=FOREIGN), ALL, State.REPLACED, ["the URL is not Pressroom's"]),
        (replace(ALL, url=OURS.upper()), ALL, State.REPLACED, ["the URL is not Pressroom's"]),
        (replace(ALL, url=OLD), ALL, State.CHANGED, ["the token is not the current one"]),
        (replace(ALL, url=f"{OURS}/"), ALL, State.CHANGED, ["the token is not the current one"]),
        (replace(ALL, types=ALL.types[1:]), ALL, State.CHANGED, ["package_shipped is not enabled"]),
        (replace(ALL, types=(*ALL.types, "mug_broken")), ALL, State.CHANGED, ["mug_broken is enabled"]),
        (replace(ALL, types=()), ALL, State.CHANGED, [f"{each} is not enabled" for each in TYPES]),
        (replace(ALL, product_ids=(5,)), ALL, State.CHANGED, ["stock_updated is not sent for product 12"]),
        (replace(ALL, product_ids=(5, 12, 7)), ALL, State.CHANGED, ["stock_updated is sent for product 7"]),
        (ALL, NO_STOCK, State.CHANGED, ["stock_updated is enabled"]),
        (
            NO_STOCK,
            ALL,
            State.CHANGED,
            ["stock_updated is not enabled", *(f"stock_updated is not sent for product {each}" for each in (5, 12))],
        ),
    ],
)
def test_what_is_registered_is_compared_with_what_should_be(
    registered: WebhookInfo, wanted: WebhookInfo, state: State, said: list[str]
) -> None:
    assert compare(registered, wanted, HERE) is state
    assert differences(registered, wanted, HERE) == said


def test_without_a_token_nothing_that_is_registered_is_right() -> None:
    unset = Endpoint(BASE, ())
    assert compare(ALL, desired(unset, (5, 12)), unset) is State.CHANGED


@pytest.mark.parametrize(
    ("url", "replaced", "may"),
    [
        (None, None, True),
        ("", None, True),
        (OURS, None, True),
        (OLD, None, True),
        (f"{BASE}/webhooks/printful/forgotten", "https://whatever.example", True),
        (FOREIGN, None, False),
        (FOREIGN, "", False),
        (FOREIGN, f"{FOREIGN}0", False),
        (FOREIGN, FOREIGN.upper(), False),
        (FOREIGN, FOREIGN, True),
        (f"{BASE}/elsewhere", None, False),
        (f"{BASE}.another.example/webhooks/printful/new-token", None, False),
    ],
)
def test_somebody_elses_url_is_overwritten_only_by_its_name(url: str | None, replaced: str | None, may: bool) -> None:
    assert HERE.may_overwrite(url, replaced) is may


def test_a_token_is_never_shown_and_a_foreign_url_stays_whole() -> None:
    assert [HERE.shown(url) for url in (OURS, OLD, f"{BASE}/webhooks/printful/forgotten")] == [
        f"{BASE}/webhooks/printful/***"
    ] * 3
    assert HERE.shown(FOREIGN) == FOREIGN
    assert HERE.shown(None) is None


def test_our_token_at_a_strange_address_is_hidden_and_the_url_can_still_be_named() -> None:
    strange = "https://hooks.shop.example/webhooks/printful/old-token"
    shown = HERE.shown(strange)
    assert shown == "https://hooks.shop.example/webhooks/printful/***"
    assert HERE.may_overwrite(strange, shown)


@pytest.mark.parametrize(
    ("tokens", "is_usable"), [((), False), (("a/b",), False), (("a b",), False), (("ü",), False), (("aB3-_",), True)]
)
def test_a_token_is_one_that_any_path_can_hold(tokens: tuple[str, ...], is_usable: bool) -> None:
    assert Endpoint(BASE, tokens).is_usable() is is_usable


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        ({"action": "show"}, Command("show")),
        ({"action": "check"}, Command("check")),
        ({"action": "register", "product_ids": []}, Command("register", ())),
        ({"action": "register", "product_ids": [12, 5, 5], "replace": FOREIGN}, Command("register", (5, 12), FOREIGN)),
        ({"action": "remove", "product_ids": None, "replace": None}, Command("remove")),
    ],
)
def test_a_request_is_a_command(request_: dict[str, Any], command: Command) -> None:
    assert Command.of(request_) == command


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (None, "action"),
        ([], "action"),
        ({}, "action"),
        ({"action": "destroy"}, "action"),
        ({"action": ["show"]}, "action"),
        ({"action": "register", "product_ids": "5"}, "product_ids"),
        ({"action": "register", "product_ids": 5}, "product_ids"),
        *(({"action": "register", "product_ids": [each]}, "product_ids") for each in (0, -1, "5", 1.0, True, None)),
        ({"action": "register", "replace": True}, "replace"),
        ({"action": "register", "products": [5]}, "products"),
    ],
)
def test_another_request_is_refused_with_a_reason(request_: Any, problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        Command.of(request_)
