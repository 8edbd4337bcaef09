"""How a provider's values are read from JSON, and which values are refused."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from pressroom.inbox import inbound, reading
from pressroom.inbox.inbound import (
    Amount,
    Count,
    Flag,
    Identifier,
    Inbound,
    Instant,
    Link,
    Listed,
    NullOrListAsObject,
    OrderReference,
    QuantityOrZero,
    Reference,
    Text,
    Tracking,
    TrackingOrLink,
)
from pressroom.platform import wire

HUGE = int("9" * 4000)


def read(shape: Any, value: object) -> Any:
    return TypeAdapter(shape).validate_python(value)


def refused(shape: Any, value: object) -> bool:
    try:
        read(shape, value)
    except ValidationError as error:
        # At the value itself: an error's loc may hold only a path in the JSON.
        return {fault["loc"] for fault in error.errors()} == {()}
    return False


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        (" as it is\n", " as it is\n"),
        (0, "0"),
        (-7, "-7"),
        (Decimal("12.50"), "12.50"),
        ("98765432", "98765432"),
    ],
)
def test_a_number_is_read_as_text_where_text_is_expected(value: object, text: str) -> None:
    assert read(Text, value) == text


@pytest.mark.parametrize("value", [None, True, False, [], ["a"], {}, {"a": 1}, "\ud800"])
def test_a_value_that_is_not_text_is_refused(value: object) -> None:
    assert refused(Text, value)


@pytest.mark.parametrize(
    ("value", "name"), [(98765432, "98765432"), (" A-7 ", "A-7"), ("ordre ñ #7/8", "ordre ñ #7/8")]
)
def test_an_identifier_is_a_number_or_text(value: object, name: str) -> None:
    assert read(Identifier, value) == name


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "x" * 129, HUGE, None, True, [], {}, "\ud800"])
def test_an_invalid_identifier_is_refused(value: object) -> None:
    assert refused(Identifier, value)


REFERENCES = [(1002, "1002"), ("1002", "1002"), ("A 7", "A 7"), (0, "0"), (1 - 10**38, str(1 - 10**38))]
NO_REFERENCES = ["a\nb", "x" * 129, HUGE, 10**38, True, Decimal("1.5"), [1002], {}, "\ud800"]


@pytest.mark.parametrize(("value", "name"), [*REFERENCES, (" A7\t", "A7"), (None, None), ("", None), (" ", None)])
def test_a_reference_is_the_echoed_id_or_none(value: object, name: str | None) -> None:
    assert read(Reference, value) == name


@pytest.mark.parametrize(("value", "name"), [(" A 7\t", "A 7"), (" 0 ", "0")])
def test_blanks_around_a_reference_are_no_part_of_it(value: object, name: str) -> None:
    assert read(Reference, value) == name


@pytest.mark.parametrize(
    ("value", "name"), [("1002 ", "1002"), (0, None), ("0", None), (" 0", None), ("00", "00"), (None, None)]
)
def test_a_reference_to_an_order_is_none_if_it_is_zero(value: object, name: str | None) -> None:
    assert read(OrderReference, value) == name


@pytest.mark.parametrize("value", NO_REFERENCES)
def test_an_invalid_reference_is_refused_and_so_becomes_drift(value: object) -> None:
    assert refused(Reference, value)


@pytest.mark.parametrize("value", [2, "2", Decimal("2.0"), "2.0"])
def test_a_quantity_is_a_whole_number_of_pieces(value: object) -> None:
    assert read(QuantityOrZero, value) == 2


@pytest.mark.parametrize("value", [0, "0", Decimal("0.0"), "0.00"])
def test_a_list_may_name_what_is_not_there(value: object) -> None:
    assert read(QuantityOrZero, value) == 0


@pytest.mark.parametrize(
    "value", [-1, "-1", "", "two", "1.", ".5", "1.5", Decimal("1.5"), 1_000_001, HUGE, True, False, None, [], {}]
)
def test_what_is_no_whole_number_of_pieces_is_refused(value: object) -> None:
    assert refused(QuantityOrZero, value)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://carrier.example/t?id=1Z&x=%20#map", "https://carrier.example/t?id=1Z&x=%20#map"),
        (" HTTP://carrier.example ", "HTTP://carrier.example"),
        ("https://carrier.example/94 14", "https://carrier.example/94%2014"),
        ("https://carrier.example/<b>", "https://carrier.example/%3Cb%3E"),
        *((nothing, None) for nothing in (None, "", " ", "#", "N/A", "null", 0)),
    ],
)
def test_a_link_leads_to_the_web(value: object, url: str | None) -> None:
    assert read(Link, value) == url


@pytest.mark.parametrize(
    "value",
    [
        *("javascript:alert(1)", "JavaScript://carrier.example/%0aalert(1)", "data:text/html,x", "vbscript:x"),
        *("file:///etc/hosts", "//carrier.example/1", "/1", "1Z999", "https:", "https:///1", "https:carrier.example"),
        *("https://carrier.example/1\n2", "https://[carrier", "https://c.example/" + "a" * 2048, True, [], {}),
    ],
)
def test_what_is_no_link_to_the_web_is_refused(value: object) -> None:
    assert refused(Link, value)


def test_tracking_is_a_number_or_sometimes_a_link_in_its_place() -> None:
    assert read(Tracking, 780_000_000_011) == read(TrackingOrLink, " 780000000011 ") == "780000000011"
    assert read(Tracking, "N/A") is read(TrackingOrLink, "none") is read(TrackingOrLink, None) is None
    assert read(TrackingOrLink, "https://carrier.example/1") == "https://carrier.example/1"
    assert refused(TrackingOrLink, "javascript://carrier.example/%0aalert(1)")
    assert refused(Tracking, ["1Z999"])


@pytest.mark.parametrize(("value", "count"), [(0, 0), (9, 9), ("0", 0), ("012", 12), (10**15 - 1, 10**15 - 1)])
def test_a_count_starts_at_zero(value: object, count: int) -> None:
    assert read(Count, value) == count


@pytest.mark.parametrize(
    "value", [-1, "-1", "", " 1", "1_0", "²", "१", 10**15, HUGE, Decimal("1.0"), True, False, None, [], {}]
)
def test_an_invalid_count_is_refused(value: object) -> None:
    assert refused(Count, value)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (12, Decimal(12)),
        ("12.50", Decimal("12.50")),
        (Decimal("0.10"), Decimal("0.10")),
        ("-3", Decimal(-3)),
        ("123456789012.345", Decimal("123456789012.345")),
        (Decimal("13.500000000000002"), Decimal("13.50")),
        ("-13.499999999999998", Decimal("-13.50")),
        (Decimal("0.98765432101234567"), Decimal("0.9877")),
        (Decimal("-4.440892098500626e-16"), Decimal("0.00")),
    ],
)
def test_money_is_exact(value: object, amount: Decimal) -> None:
    got = read(Amount, value)
    assert isinstance(got, Decimal)
    assert str(got) == str(amount)


@pytest.mark.parametrize(
    "value",
    [
        *("", "free", "€12", "1,234.50", "NaN", "Infinity", "-Infinity", "1e999999999", "1" * 16 + ".5"),
        *(True, False, None, [], {}, HUGE, Decimal("NaN"), Decimal("1e300")),
    ],
)
def test_an_invalid_amount_is_refused(value: object) -> None:
    assert refused(Amount, value)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        (1788336000, "2026-09-02T08:00:00.000Z"),
        ("1788336000", "2026-09-02T08:00:00.000Z"),
        (1, "1970-01-01T00:00:01.000Z"),
        (253402300799, "9999-12-31T23:59:59.000Z"),
        ("2026-09-02T10:00:00+02:00", "2026-09-02T08:00:00.000Z"),
        ("2026-09-02T09:00:00+0100", "2026-09-02T08:00:00.000Z"),
        ("2026-09-02T08:00:00Z", "2026-09-02T08:00:00.000Z"),
        ("2026-09-02T04:00:00.25-04:00", "2026-09-02T08:00:00.250Z"),
        ("2026-09-02 08:00:00 GMT", "2026-09-02T08:00:00.000Z"),
        (" 2026-09-02 08:00:00 GMT\n", "2026-09-02T08:00:00.000Z"),
    ],
)
def test_an_instant_is_read_in_every_format(value: object, instant: str) -> None:
    assert read(Instant, value) == inbound.instant(value) == instant


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "0", "soon", "2026-09-02", "2026-09-02T08:00:00", "2026-09-02 08:00:00", "2026-13-02T08:00:00Z"),
        *("GMT", " GMT", "2026-09-02 08:00:00 CET", "2026-09-02T08:00:00Z GMT", "²", "\ud800"),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "9" * 30),
        *(0, -1, 1788336000000, 253402300800, 10**18, HUGE, Decimal("1788336000.5")),
        *(True, False, None, [], [1788336000], {}),
    ],
)
def test_an_invalid_instant_is_refused(value: object) -> None:
    assert refused(Instant, value)


@pytest.mark.parametrize(("value", "flag"), [(True, True), (False, False), (1, True), (0, False)])
def test_a_boolean_may_be_zero_or_one(value: object, flag: bool) -> None:
    assert read(Flag, value) is flag


@pytest.mark.parametrize("value", [2, -1, "1", "true", "yes", "", Decimal(1), HUGE, None, [], {}])
def test_a_word_is_not_a_boolean(value: object) -> None:
    assert refused(Flag, value)


class Leaf(Inbound):
    size: Count | None = None


class Tree(Inbound):
    name: Identifier
    leaves: Listed[Leaf]
    root: Annotated[Leaf, NullOrListAsObject, Field(default_factory=Leaf)]


def faults(content: object) -> set[tuple[str | int, ...]]:
    try:
        Tree.model_validate(content)
    except ValidationError as error:
        return {fault["loc"] for fault in error.errors()}
    return set()


@pytest.mark.parametrize("content", [{}, {"leaves": None, "root": None}, {"leaves": [], "root": []}, {"root": {}}])
def test_an_empty_list_or_object_may_be_missing(content: dict[str, Any]) -> None:
    tree = Tree.model_validate({"name": 1} | content)
    assert (tree.leaves, tree.root) == ([], Leaf())


@pytest.mark.parametrize(("value", "leaves"), [({}, []), ({"0": {}, "7": {}}, [Leaf(), Leaf()])])
def test_a_list_with_gaps_may_be_written_as_an_object(value: object, leaves: list[Leaf]) -> None:
    assert Tree.model_validate({"name": 1, "leaves": value}).leaves == leaves


def test_an_invalid_value_in_such_an_object_is_left_out_like_one_in_a_list() -> None:
    body = b'{"name": 1, "leaves": {"2": {"size": "big"}, "5": null, "7": {"size": 3}}}'
    tree, left_out = reading.read(Tree, body)
    assert (tree.leaves, left_out) == ([Leaf(), Leaf(size=3)], {"leaves[]", "leaves[].size"})


@pytest.mark.parametrize("value", [{"a": {}}, {"0": {}, "x": {}}, "", "leaves", 0, False])
def test_a_value_that_is_not_a_list_is_refused(value: object) -> None:
    assert faults({"name": 1, "leaves": value}) == {("leaves",)}


@pytest.mark.parametrize("value", [[1], [{}], "", "root", 0, False])
def test_a_value_that_is_not_an_object_is_refused(value: object) -> None:
    assert faults({"name": 1, "root": value}) == {("root",)}


def test_an_error_has_the_path_of_the_value_in_the_message() -> None:
    content = {"leaves": [{"size": 1}, {"size": "big"}, None], "root": {"size": []}}
    assert faults(content) == {("name",), ("leaves", 1, "size"), ("leaves", 2), ("root", "size")}


def test_unknown_fields_are_kept() -> None:
    tree = Tree.model_validate(wire.parse(b'{"name": "oak", "height": 1.50, "root": {"depth": [1, {"a": null}]}}'))
    assert tree.__pydantic_extra__ == {"height": Decimal("1.50")}
    assert tree.root.__pydantic_extra__ == {"depth": [1, {"a": None}]}


def test_a_model_is_read_only() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Tree(name="oak", leaves=[], root=Leaf()).name = "elm"  # type: ignore[misc]
