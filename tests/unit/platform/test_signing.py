"""Verification accepts or rejects, for any input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.platform.signing import camaloon_signature, is_camaloon_signature, is_token

SECRET = "test_secret"
BODY = (
    b'{"order_id":1,"tracking_number":"","tracking_url":"","notify_customer":true,'
    b'"line_items":[{"sku":"","quantity":10}]}'
)
KNOWN = "IHJV8F6M3145vL+CF0/7BFWdEfkuwynD8stM7p7iFYE="


def test_the_signature_is_camaloons_known_result() -> None:
    assert camaloon_signature(SECRET, BODY) == KNOWN


@pytest.mark.parametrize("secrets", [[SECRET], [SECRET, "old"], ["new", SECRET], ["", SECRET]])
def test_a_signature_under_any_active_secret_is_accepted(secrets: list[str]) -> None:
    assert is_camaloon_signature(KNOWN, BODY, secrets)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(None, id="absent"),
        pytest.param("", id="empty"),
        pytest.param(camaloon_signature("other", BODY), id="under another secret"),
        pytest.param(camaloon_signature(SECRET, BODY + b"\n"), id="of another body"),
        pytest.param(KNOWN[:-1], id="without its padding"),
        pytest.param(KNOWN[:20], id="cut"),
        pytest.param(KNOWN + "=", id="padded further"),
        pytest.param(KNOWN + "\n", id="with a newline"),
        pytest.param(" " + KNOWN, id="with a space"),
        pytest.param(f"{KNOWN},{KNOWN}", id="repeated"),
        pytest.param(f"{KNOWN}, {KNOWN}", id="repeated with a space"),
        pytest.param(KNOWN.lower(), id="re-cased"),
        pytest.param(KNOWN.replace("+", "-").replace("/", "_"), id="in the alphabet for URLs"),
        pytest.param("20" + "72" * 31, id="hexadecimal"),
        pytest.param("ñ" * 44, id="not ASCII"),
        pytest.param("\ud800" * 44, id="lone surrogates"),
        pytest.param(KNOWN.encode(), id="bytes"),
        pytest.param(7, id="a number"),
        pytest.param([KNOWN], id="a list"),
    ],
)
def test_everything_but_the_signature_is_rejected(given: object) -> None:
    assert not is_camaloon_signature(given, BODY, [SECRET])


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_nothing_is_accepted_while_no_secret_is_set(secrets: list[str]) -> None:
    assert not is_camaloon_signature(camaloon_signature("", BODY), BODY, secrets)
    assert not is_camaloon_signature("", BODY, secrets)


ANYTHING = st.one_of(st.text(st.characters()), st.binary(), st.none(), st.integers())


@given(given_=ANYTHING, body=st.binary())
def test_hostile_input_is_rejected_and_never_raises(given_: object, body: bytes) -> None:
    assert is_camaloon_signature(given_, body, ["a secret that nobody guesses", ""]) is False


@given(secret=st.text(min_size=1).filter(lambda text: text.isprintable()), body=st.binary())
def test_our_own_signature_is_accepted(secret: str, body: bytes) -> None:
    assert is_camaloon_signature(camaloon_signature(secret, body), body, ["another", secret])


@pytest.mark.parametrize(
    ("given", "tokens", "expected"),
    [
        ("token", ["token", ""], True),
        ("previous", ["token", "previous"], True),
        ("", ["token", ""], False),
        (None, ["token"], False),
        ("Token", ["token"], False),
        ("tokenn", ["token"], False),
        ("\udcff", ["token"], False),
        ("", [""], False),
        ("anything", [], False),
    ],
)
def test_only_the_token_itself_matches(given: object, tokens: list[str], *, expected: bool) -> None:
    assert is_token(given, tokens) is expected
