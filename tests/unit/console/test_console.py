"""The console's page as it is sent: what it allows itself, and that a browser need not load it twice."""

import base64
import gzip
import hashlib
import json
import re
from typing import Any

import pytest

from pressroom import console, partners
from pressroom.order.model import OPEN, Status
from pressroom.order.reasons import Attention
from tests.support import gateway, template

SOURCE = template.ROOT / "layers/pressroom/pressroom/console"


def ask(**headers: str) -> dict[str, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return console.answer(gateway.request("GET", "/console", headers=sent))


def policy() -> dict[str, str]:
    rules = ask()["headers"]["Content-Security-Policy"].split("; ")
    return dict(rule.partition(" ")[::2] for rule in rules)


TAGS = {"style": "<style>", "script": '<script type="module">', "lists": '<script id="lists" type="application/json">'}


def within(name: str) -> str:
    tag = TAGS[name]
    (found,) = re.findall(rf"{re.escape(tag)}(.*?)</{tag[1:].partition(' ')[0].rstrip('>')}>", ask()["body"], re.DOTALL)
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


def test_the_page_holds_no_other_script() -> None:
    assert re.findall(r"<script[^>]*>", ask()["body"]) == [TAGS["lists"], TAGS["script"]]


def test_the_lists_in_the_page_are_those_of_the_code() -> None:
    lists = json.loads(within("lists"))
    assert lists["reasons"] == {each.value: each.sentence for each in Attention}
    assert lists["statuses"] == [each.value for each in Status]
    assert lists["open"] == [each.value for each in OPEN]
    assert set(lists["final"]) <= set(lists["statuses"]) - set(lists["open"])
    assert lists["printers"] == sorted(partners.PRINTERS)
    assert list(lists["names"]) == [*partners.SENDERS, partners.OPS, "monitor"]
    assert (lists["names"]["storefront"], lists["names"]["camaloon"], lists["names"]["oms"]) == (
        *("Shop", "Camaloon", "OMS"),
    )


def test_the_script_names_no_partner_status_or_reason_of_its_own() -> None:
    """What stands in a list of the page must not stand in the script a second time, where nothing compares it."""
    script = (SOURCE / "console.js").read_text()
    code = re.sub(r"^\s*//.*|\s// .*$", "", script, flags=re.MULTILINE)
    quoted = {text for pair in re.findall(r"\"([a-z_]+)\"|\b([a-z_]+):", code) for text in pair if text}
    lists = json.loads(within("lists"))
    ours = {*partners.SENDERS, partners.OPS} | set(lists["reasons"]) | set(lists["statuses"])
    # The state of a delivery, the label of a parcel that came back, and a parameter of the API have the same names.
    assert quoted & ours <= {"delivered", "returned", "stalled"}


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_its_colours(status: Status) -> None:
    style = (SOURCE / "console.css").read_text()
    for part in (".badge.s-", ".f-", ".on-"):
        assert status is Status.PAID or f"{part}{status}" in style
    assert f".f-{status}" in style


def test_a_list_can_not_end_the_element_that_holds_it() -> None:
    assert console._in_markup({"name": "</script><!--"}) == r'{"name":"\u003c/script>\u003c!--"}'


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
