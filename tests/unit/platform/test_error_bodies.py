"""What is passed on of a refusal: names of known fields, or a text of one line; never a value that was sent."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.platform import error_bodies
from pressroom.platform.error_bodies import LONGEST, MOST_NAMES, field_names, text

KNOWN = frozenset({"id", "shipping_info", "email", "line_items", "sku", "city", "note"})
PERSON = "Ben Okoye, 12 Hill Road, ben@shop.example"


def names(answer: object) -> str:
    return field_names(answer if isinstance(answer, bytes) else json.dumps(answer).encode(), KNOWN, inner=("code",))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (["$.shipping_info: 'email' is a required property"], "shipping_info.email"),
        (["$: 'note' is a required property"], "note"),
        (
            ["The property '#/shipping_info' did not contain a required property of 'email' in schema 1f"],
            "shipping_info.email",
        ),
        (["The property '#/line_items/0/sku' value '' is too short"], "line_items.0.sku"),
        (["$.line_items[12].sku: 7 is not of type 'string'", "$.id: None"], "line_items.12.sku, id"),
        (["$.line_items[0]: additional properties are not allowed ('colour' was unexpected)"], "line_items.0"),
        ({"errors": {"line_items.3.sku": ["The line_items.3.sku field is required."]}}, "line_items.3.sku"),
        ({"errors": [{"field": "order[shipping_info][city]", "value": PERSON}]}, "shipping_info.city"),
        ({"shipping_info": {"email": ["is missing"]}}, "shipping_info, email"),
        ([{"instancePath": "/line_items/0/sku", "message": "must be string"}], "line_items.0.sku"),
        ({"code": 400, "message": "line_items.0.code is unknown"}, "line_items.0.code"),
        ({"message": f"note of {PERSON} and note"}, "note"),
        ({"message": "city.600123456 line_items.1234"}, "city, line_items"),
        (["$.shipping_info: 'Okoye' is a required property"], "shipping_info"),
        ({"message": PERSON}, ""),
        (b'["$.id: cut o', "id"),
        (b"<p>id, sku</p>", ""),
        (b"id", ""),
        (b"", ""),
    ],
)
def test_a_refusal_names_its_fields(answer: object, expected: str) -> None:
    assert names(answer) == expected


def test_only_some_names_are_passed_on() -> None:
    found = names([f"$.line_items[{number}].sku: wrong" for number in range(MOST_NAMES + 3)])
    assert found.startswith("line_items.0.sku, line_items.1.sku, ")
    assert found.endswith(f"line_items.{MOST_NAMES - 1}.sku, and 3 more")


@given(st.text(), st.sampled_from(['["%s"]', '{"errors": {"%s": 1}}', "[\"$.shipping_info: '%s' is a required p\"]"]))
def test_no_word_but_a_known_field_is_ever_passed_on(said: str, shape: str) -> None:
    for part in field_names((shape % said).encode(errors="replace"), KNOWN).replace(", and", ",").split(", "):
        assert all(word in KNOWN or word.isdigit() for word in part.split(".") if word) or part.endswith(" more")


@pytest.mark.parametrize("piece", ["x", "a.", "a[", "$.id: '", "' did not contain a ", "["])
def test_a_long_refusal_takes_no_long_time(piece: str) -> None:
    begun = time.process_time()
    names(b"[" + piece.encode() * (65536 // len(piece)))
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"message": "The name is taken."}, "The name is taken"),
        (
            {"message": "Not valid.", "errors": [{"field": "team_id", "message": "5 is no team"}]},
            "Not valid; field: team_id; 5 is no team",
        ),
        ({"errors": {"name": ["is taken", "is short"], "max": 5}}, "name: is taken; name: is short; max: 5"),
        (
            {"code": 400, "result": "Bad URL", "error": {"reason": "BadRequest", "message": "Bad URL"}},
            "Bad URL; BadRequest",
        ),
        ({"detail": [{"loc": ["body", "name"], "msg": "missing"}]}, "loc: body; loc: name; missing"),
        (["a", None, ["b"]], "a; b"),
        ("a text", "a text"),
        ({"message": "two\nlines \x1b[31mand\tcolour"}, "two lines [31mand colour"),
        ({"message": "the key s3cret"}, "the key ***"),
        ({}, ""),
        ({"message": None, "success": False}, ""),
        (b"<html>no</html>", ""),
        (b'{"message": "cut o', ""),
        (b"[" * 5000, ""),
    ],
)
def test_a_text_is_passed_on_in_one_line(answer: Any, expected: str) -> None:
    assert text(answer if isinstance(answer, bytes) else json.dumps(answer).encode(), ["s3cret", ""]) == expected


def test_a_long_text_is_cut_but_no_secret_in_two() -> None:
    said = text(json.dumps({"message": "x" * (LONGEST - 3) + "s3cret" + "y" * 100}).encode(), ["s3cret"])
    assert (len(said), said[-4:]) == (LONGEST, "x**…")
    assert error_bodies.text(b'"' + b"x" * LONGEST + b'"') == "x" * LONGEST
