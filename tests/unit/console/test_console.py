"""The console's page as it is sent: what it allows itself, and that a browser need not load it twice."""

import base64
import gzip
import hashlib
import re
from typing import Any

import pytest

from pressroom import console
from pressroom.order.model import Status
from pressroom.order.reasons import Attention
from tests.support import gateway, template

SOURCE = template.ROOT / "layers/pressroom/pressroom/console"


def ask(**headers: str) -> dict[str, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return console.answer(gateway.request("GET", "/console", headers=sent))


def policy() -> dict[str, str]:
    rules = ask()["headers"]["Content-Security-Policy"].split("; ")
    return dict(rule.partition(" ")[::2] for rule in rules)


def within(tag: str) -> str:
    (found,) = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", ask()["body"], re.DOTALL)
    return str(found)


def test_the_page_is_one_document_with_its_style_and_its_script() -> None:
    page = ask()
    assert page["statusCode"] == 200
    assert page["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert within("style") == (SOURCE / "console.css").read_text()
    assert within("script") == (SOURCE / "console.js").read_text()
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page["body"]) == []


@pytest.mark.parametrize(("rule", "tag"), [("script-src", "script"), ("style-src", "style")])
def test_nothing_may_run_or_style_but_what_stands_in_the_page(rule: str, tag: str) -> None:
    digest = base64.b64encode(hashlib.sha256(within(tag).encode()).digest()).decode()
    assert policy()[rule] == f"'sha256-{digest}'"


def test_nothing_else_is_allowed_and_no_script_may_write_markup() -> None:
    rules = policy()
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert rules["trusted-types"] == "'none'"
    assert {rules[each] for each in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}
    assert "unsafe" not in str(rules)


def test_the_other_headers_of_a_page_that_acts_are_there() -> None:
    headers = ask()["headers"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-cache"


def test_the_script_never_writes_markup_and_keeps_nothing() -> None:
    script = (SOURCE / "console.js").read_text()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert word not in script
    for word in ("localStorage", "sessionStorage", "indexedDB", "document.cookie", "//cdn", "import("):
        assert word not in script


@pytest.mark.parametrize("asked", ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8, *;q=0.1", "GZIP", "*"])
def test_who_can_unpack_gets_it_packed(asked: str) -> None:
    page = ask(accept_encoding=asked)
    assert (page["headers"]["Content-Encoding"], page["isBase64Encoded"]) == ("gzip", True)
    packed = base64.b64decode(page["body"])
    assert gzip.decompress(packed).decode() == ask()["body"]
    assert len(packed) < len(ask()["body"]) / 3


@pytest.mark.parametrize("asked", ["", "identity", "br", "gzip;q=0", "gzip; q=0.0, br", "xgzip"])
def test_who_can_not_unpack_gets_it_as_it_is(asked: str) -> None:
    page = ask(accept_encoding=asked)
    assert "Content-Encoding" not in page["headers"]
    assert page["isBase64Encoded"] is False
    assert page["headers"]["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"another", {}', "*"])
def test_a_page_that_the_browser_has_is_not_sent_again(form: str) -> None:
    tag = ask()["headers"]["ETag"].removeprefix("W/")
    answer = ask(if_none_match=form.format(tag), accept_encoding="gzip")
    assert (answer["statusCode"], answer["body"]) == (304, "")
    assert answer["headers"]["ETag"] == ask()["headers"]["ETag"]
    assert "Content-Security-Policy" in answer["headers"]


@pytest.mark.parametrize("tag", ['"another"', "", "W/", "another"])
def test_a_page_of_before_the_upgrade_is_sent_again(tag: str) -> None:
    assert ask(if_none_match=tag)["statusCode"] == 200


def test_every_reason_and_every_status_has_its_words() -> None:
    script = (SOURCE / "console.js").read_text()
    reasons = re.search(r"const REASONS = \{(.*?)\n\};", script, re.DOTALL)
    stages = re.search(r"const STAGES = \{(.*?)\n\};", script, re.DOTALL)
    assert reasons
    assert stages
    assert set(re.findall(r"^  (\w+): ", reasons[1], re.MULTILINE)) >= {each.value for each in Attention}
    assert re.findall(r"^  (\w+): ", stages[1], re.MULTILINE) == [each.value for each in Status]


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


EARLY, LATE = ("paid", "accepted", "in-production", "produced"), ("packed", "partly", "shipped", "delivered")


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *(("on-early", f"f-{stage}") for stage in EARLY),
        *(("on-late", f"f-{stage}") for stage in LATE),
        *((text, ground) for text in ("ink", "soft", "link") for ground in ("ground", "sheet", "stripe")),
        *(("danger", "danger-ground"), ("danger", "sheet"), ("good", "good-ground"), ("good", "sheet")),
        *(("ink", "notice"), ("soft", "notice"), ("ink", "hold-under")),
    ],
)
def test_every_text_stands_out_from_its_ground(text: str, ground: str, scheme: int) -> None:
    """In the picture, too, which axe can't judge."""
    style = (SOURCE / "console.css").read_text()
    colours = dict(re.findall(r"--([\w-]+): light-dark\((.*?)\);", style))
    pair = [colours[name].split(", ")[scheme] for name in (text, ground)]
    assert _contrast(*pair) >= 4.5, pair
