"""A catalogue: what is wrong with one, in which order it goes, what differs from what the OMS says. All of it pure."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from pressroom.platform.errors import Blocked, Dead, Retry
from pressroom.providers.oms import client
from pressroom.providers.oms.catalogue.file import MODELS, Fault, Written, candidates, plan, read
from pressroom.providers.oms.catalogue.push import (
    CALLED_PARENT,
    PARENTS,
    PATHS,
    REFERENCES,
    Change,
    Content,
    Deletion,
    Entry,
    Name,
    Op,
    Row,
    State,
    Work,
    compare,
    decide,
    differences,
    is_equal,
)
from pressroom.providers.oms.client import FIELDS, Id, Kind
from tests.support.template import ROOT

CATEGORY = {"key": "mugs", "name": "Mugs"}
PRODUCT = {"key": "mug", "category": "mugs", "name": "Mug", "order_column": 1, "active": True, "team_id": 5}
VARIANT = {"key": "white", "product": "mug", "name": "White mug", "country_id": 1}
MUGS, MUG, WHITE = Name("categories", "mugs"), Name("products", "mug"), Name("variants", "white")


def document(**lists: list[Any]) -> dict[str, Any]:
    return {"categories": [CATEGORY], "products": [PRODUCT], "variants": [VARIANT], **lists}


def known(name: Name, identity: Id | None, **more: Any) -> Row:
    state = State.ABSENT if identity is None else State.KNOWN
    return Row(**{"name": name, "version": 1, "state": state, "id": identity, **more})


def rows(*known: Row) -> dict[Name, Row]:
    return {row.name: row for row in known}


def planned(content: Any, *known: Row, delete: tuple[str, ...] = ()) -> tuple[list[str], list[Fault]]:
    """The names of the steps of a push, and all that is wrong with it."""
    written, faults = read(content)
    work, more = plan(written, delete, rows(*known))
    return [str(step.name) for step in work.steps()], faults + more


def wrong(content: Any, *known: Row, delete: tuple[str, ...] = ()) -> list[Fault]:
    _, faults = planned(content, *known, delete=delete)
    assert faults
    return faults


# What a file may hold
def test_the_example_that_a_merchant_copies_is_fine_and_shows_every_list() -> None:
    content = json.loads((ROOT / "docs" / "catalogue.example.json").read_text())
    steps, faults = planned(content)
    assert (len(steps), faults) == (5, [])
    assert set(content) == set(PATHS)


@pytest.mark.parametrize("kind", PATHS)
def test_every_documented_field_can_be_set_and_no_other_is_sent(kind: str) -> None:
    documented = FIELDS[PATHS[kind]] | ({"code"} if kind == "products" else set())
    assert set(MODELS[kind].model_fields) - {"key", "id", CALLED_PARENT[kind]} == documented
    assert REFERENCES[kind] in documented


def test_an_entry_holds_the_fields_of_the_oms_and_no_nulls() -> None:
    written, faults = read({"products": [PRODUCT | {"code": None, "default_location_id": "3bb7725c"}]})
    assert faults == []
    assert written.entries == (
        Entry(
            name=MUG,
            parent=MUGS,
            fields={"name": "Mug", "order_column": 1, "active": True, "team_id": 5, "default_location_id": "3bb7725c"},
        ),
    )


def test_a_parent_can_be_given_by_its_id_at_the_oms() -> None:
    product = {name: value for name, value in PRODUCT.items() if name != "category"} | {"category_id": 7}
    written, faults = read({"products": [product]})
    assert (faults, written.entries[0].parent, written.entries[0].fields["category_id"]) == ([], None, 7)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([], ("", "the catalogue must be an object")),
        ({"product": []}, ("product", "there is no such list; there are categories, products, variants")),
        ({"products": {}}, ("products", "must be a list")),
        ({"categories": [7]}, ("categories[0]", "must be an object")),
        ({"categories": [{"name": "x"}]}, ("categories[0].key", "is required")),
        ({"categories": [CATEGORY | {"colour": "red"}]}, ("categories[0].colour", "there is no such field")),
        ({"categories": [{"key": "x"}]}, ("categories[0].name", "is required")),
        ({"categories": [CATEGORY | {"default_dpi": "300"}]}, ("categories[0].default_dpi", "must be a whole number")),
        ({"categories": [CATEGORY | {"name": 7}]}, ("categories[0].name", "must be text")),
        (document(products=[PRODUCT | {"active": 1}]), ("products[0].active", "must be true or false")),
        (
            document(products=[PRODUCT | {"category_id": 5}]),
            ("products[0]", "has both category and category_id: one is enough"),
        ),
        (
            document(variants=[{"key": "x", "name": "x", "country_id": 1}]),
            ("variants[0]", "needs a product (a key) or a product_id (an id of the OMS)"),
        ),
        (document(variants=[VARIANT, VARIANT]), ("variants[1].key", "is the key of variants[0] already")),
    ],
)
def test_a_fault_is_told_with_its_path(content: Any, fault: Fault) -> None:
    assert wrong(content) == [fault]


@pytest.mark.parametrize("key", ["", " x", "a/b", "a,b", "a\nb", "x" * 101, 5, None])
def test_a_key_can_be_typed_and_name_a_row(key: Any) -> None:
    assert wrong({"categories": [{"key": key, "name": "x"}]})[0][0] == "categories[0].key"


@pytest.mark.parametrize("identity", [0, -1, True, "", "a b", "..", 1.5, "x" * 101, 2**63])
def test_an_id_is_a_uid_or_a_positive_integer(identity: Any) -> None:
    expected = ("categories[0].id", "must be an id of the OMS: a UID, or a positive integer")
    assert wrong({"categories": [CATEGORY | {"id": identity}]}) == [expected]


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert wrong({"categories": [CATEGORY | {"name": "\ud800"}]})[0][0] == "categories[0].name"


def test_all_faults_are_told_at_once_and_none_follows_from_another() -> None:
    faults = wrong({"categories": [{"key": "mugs"}], "products": [PRODUCT, PRODUCT | {"key": "b", "category": "none"}]})
    assert faults == [
        ("categories[0].name", "is required"),
        ("products[1].category", "there is no categories/none, neither in the file nor among what was pushed before"),
    ]


# The order of a push
def test_parents_go_first_whatever_the_order_in_the_file() -> None:
    content = {
        "variants": [VARIANT],
        "products": [PRODUCT],
        "categories": [
            {"key": "c", "name": "C", "parent": "b"},
            CATEGORY,
            {"key": "b", "name": "B", "parent": "a"},
            {"key": "a", "name": "A"},
        ],
    }
    steps, _ = planned(content)
    assert steps == [
        "categories/mugs",
        "categories/a",
        "categories/b",
        "categories/c",
        "products/mug",
        "variants/white",
    ]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_of_categories_is_told_once(length: int) -> None:
    circle = [{"key": str(n), "name": "x", "parent": str((n + 1) % length)} for n in range(length)]
    faults = wrong({"categories": [*circle, {"key": "under", "name": "x", "parent": "0"}]})
    way = " in ".join(f"categories/{n % length}" for n in range(length + 1))
    assert faults == [("categories[0].parent", f"goes in a circle: {way}")]


def test_a_circle_through_what_is_not_in_the_file_is_seen() -> None:
    below = known(Name("categories", "below"), 2, pushed={"name": "x", "parent_id": 1})
    content = {"categories": [CATEGORY | {"parent": "below"}]}
    assert "circle" in wrong(content, known(MUGS, 1), below)[0][1]


def test_turning_two_categories_around_needs_a_new_place_for_both() -> None:
    above, below = known(Name("categories", "a"), 1), known(Name("categories", "b"), 2, pushed={"parent_id": 1})
    turned = [{"key": "a", "name": "A", "parent": "b"}, {"key": "b", "name": "B"}]
    assert "circle" in wrong({"categories": turned}, above, below)[0][1], "what is left out stays as it is"


def test_a_reference_may_lead_to_what_was_pushed_before() -> None:
    assert planned({"products": [PRODUCT]}, known(MUGS, 7)) == (["products/mug"], [])
    assert wrong({"products": [PRODUCT]}, known(MUGS, None)), "it was refused then"


# What is adopted
def test_an_id_is_given_once() -> None:
    faults = wrong({"categories": [CATEGORY | {"id": 5}, {"key": "b", "name": "B", "id": "5"}]})
    assert faults == [("categories[1].id", "is the id of categories/mugs")]


def test_the_id_of_another_entry_can_be_taken_only_when_that_has_left_the_file() -> None:
    old = known(Name("categories", "old"), 5)
    renamed = {"categories": [CATEGORY | {"id": 5}]}
    work, faults = plan(read(renamed)[0], (), rows(old))
    assert (faults, work.entries[0].was) == ([], old.name)
    both = {"categories": [CATEGORY | {"id": 5}, {"key": "old", "name": "x"}]}
    assert wrong(both, old) == [("categories[0].id", "is the id of categories/old")]


# What is deleted
TREE = (
    known(MUGS, 1),
    known(MUG, 2, pushed={"category_id": 1}),
    known(WHITE, 3, pushed={"product_id": 2}),
)


def test_children_are_deleted_before_their_parents() -> None:
    under = known(Name("categories", "under"), 9, pushed={"parent_id": "1"})
    steps, faults = planned({}, *TREE, under, delete=("mugs", "mug", "under", "white"))
    assert (steps, faults) == (["variants/white", "products/mug", "categories/under", "categories/mugs"], [])


def test_what_has_children_is_not_deleted_before_them() -> None:
    assert wrong({}, *TREE, delete=("mugs",)) == [("delete categories/mugs", "products/mug would be left in it")]


def test_a_child_that_may_be_there_counts() -> None:
    lost = known(WHITE, None, state=State.UNKNOWN, pushed={"product_id": 2})
    assert "variants/white" in wrong({}, known(MUG, 2), lost, delete=("mug",))[0][1]


def test_a_child_that_the_same_push_moves_does_not_count() -> None:
    moved = {"categories": [{"key": "new", "name": "New"}], "products": [PRODUCT | {"category": "new"}]}
    written, _ = read(moved)
    work, faults = plan(written, ("mugs",), rows(*TREE))
    assert (faults, work.deletions) == ([], (Deletion(MUGS, (MUG,)),))


@pytest.mark.parametrize("reference", [{"category_id": 1}, {"category_id": "1"}, {"category": "mugs"}])
def test_nothing_in_the_file_may_refer_to_what_is_deleted(reference: dict[str, Any]) -> None:
    product = {name: value for name, value in PRODUCT.items() if name != "category"} | {"key": "b"} | reference
    assert wrong({"products": [product]}, known(MUGS, 1), delete=("mugs",))


def test_a_category_that_the_file_leaves_where_it_is_is_still_there() -> None:
    under = known(Name("categories", "under"), 2, pushed={"parent_id": 1})
    content = {"categories": [{"key": "under", "name": "Under"}]}
    assert wrong(content, known(MUGS, 1), under, delete=("mugs",)) == [
        ("delete categories/mugs", "categories/under would be left in it")
    ]


@pytest.mark.parametrize(
    ("delete", "message"),
    [
        ("none", "no such entry was ever pushed"),
        ("brands/mug", "no such entry was ever pushed"),
        ("products/", "no such entry was ever pushed"),
        ("mug", "which one: products/mug, variants/mug?"),
        ("lost", "a create got no answer"),
        ("white", "is in the file as well: variants[0]"),
    ],
)
def test_what_is_deleted_is_named_beyond_doubt(delete: str, message: str) -> None:
    twin, lost = known(Name("variants", "mug"), 4), known(Name("variants", "lost"), None, state=State.UNKNOWN)
    (fault,) = wrong({"variants": [VARIANT]}, *TREE, twin, lost, delete=(delete,))
    assert fault[0] == f"delete {delete}"
    assert fault[1].startswith(message)


def test_deleting_again_is_nothing_to_do() -> None:
    gone, alive = known(Name("products", "x"), None), known(Name("variants", "x"), 4)
    assert planned({}, gone, delete=("x",)) == (["products/x"], [])
    assert planned({}, gone, alive, delete=("x",)) == (["variants/x"], []), "only one of them is there"


def test_a_key_alone_may_be_in_any_list() -> None:
    assert [str(name) for name in candidates("mug")] == ["categories/mug", "products/mug", "variants/mug"]
    assert candidates("products/mug") == [MUG]
    assert candidates("x" * 3000) == []


def test_work_is_read_as_it_was_written() -> None:
    entries = (
        Entry(name=MUGS, fields={"name": "Mügs"}, id=5, was=Name("categories", "old")),
        Entry(name=MUG, fields={"active": True, "order_column": 0}, parent=MUGS),
    )
    work = Work(entries, (Deletion(WHITE), Deletion(Name("products", "x"), (Name("variants", "y"),))))
    assert Work.of(work.write()) == work


# What differs
@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (*(300, 300),),
        (300, "300"),
        (300, "300.0"),
        (300, Decimal("300.00")),
        (300, 300.0),
        ("5", 5),
        ("a", "a"),
        (True, True),
        (True, 1),
        (True, "1"),
        (False, 0),
        (False, "false"),
        ("", None),
    ],
)
def test_a_value_may_be_written_in_several_ways(wanted: object, says: object) -> None:
    assert is_equal(wanted, says)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        *((300, 301), (300, None), (300, "many"), (300, "NaN"), (1, [1])),
        *(("", " "), ("a", None), ("a", "A"), ("a", ["a"]), ("5", 5.5), ("true", {"x": 1})),
        *((True, False), (True, None), (False, None), (False, "")),
    ],
)
def test_other_values_differ(wanted: object, says: object) -> None:
    assert not is_equal(wanted, says)


def test_a_field_that_the_oms_does_not_tell_is_what_was_pushed_last() -> None:
    row = known(MUGS, 1, pushed={"description": "old"})
    assert differences({"description": "old"}, {}, row) == {}
    assert differences({"description": "new"}, {}, row) == {"description": ("old", "new")}
    assert differences({"description": "new"}, {}, known(MUGS, 1)) == {"description": (None, "new")}


def test_what_the_oms_makes_of_a_value_is_no_difference_until_either_changes() -> None:
    row = known(MUGS, 1, pushed={"name": "Mugs "}, echoed={"name": "Mugs"})
    assert differences({"name": "Mugs "}, {"name": "Mugs"}, row) == {}
    assert differences({"name": "Mugs "}, {"name": "Cups"}, row) == {"name": ("Cups", "Mugs ")}
    assert differences({"name": "Mugs!"}, {"name": "Mugs"}, row) == {"name": ("Mugs", "Mugs!")}


def asking(answer: Content | Exception | None) -> Callable[[Kind, Id], Content | None]:
    def ask(_kind: Kind, _id: Id) -> Content | None:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def nobody(_kind: Kind, _id: Id) -> Content | None:
    raise AssertionError("nobody is to be asked")


ENTRY = Entry(name=MUGS, fields={"name": "Mugs"})


def decided(row: Row, answer: Content | Exception | None, entry: Entry = ENTRY) -> Change:
    return decide(entry, row, entry.fields, asking(answer))


def test_what_was_never_pushed_is_created_without_asking() -> None:
    change = decide(ENTRY, Row(name=MUGS), ENTRY.fields, nobody)
    assert (change.op, change.wanted()) == (Op.CREATE, {"name": "Mugs"})


@pytest.mark.parametrize("state", [State.CREATING, State.UNKNOWN])
def test_what_may_be_there_is_not_created(state: State) -> None:
    change = decide(ENTRY, known(MUGS, None, state=state), ENTRY.fields, nobody)
    assert (change.op, "`id`" in str(change.reason)) == (Op.UNKNOWN, True)


def test_only_what_differs_is_updated() -> None:
    entry = Entry(name=MUGS, fields={"name": "Mugs", "default_dpi": 300})
    change = decided(known(MUGS, 1), {"name": "Mugs", "default_dpi": "150", "more": 1}, entry)
    assert (change.op, change.wanted()) == (Op.UPDATE, {"default_dpi": 300})
    assert decided(known(MUGS, 1), {"name": "Mugs", "default_dpi": "300"}, entry).op is Op.SAME


def test_what_the_oms_has_no_more_is_created_again() -> None:
    change = decided(known(MUGS, 1, pushed={"name": "Mugs"}), None)
    assert (change.op, change.reason, change.wanted()) == (
        Op.CREATE,
        "the OMS has it no more: it was 1",
        {"name": "Mugs"},
    )


def test_a_given_id_that_the_oms_does_not_know_creates_nothing() -> None:
    entry = Entry(name=MUGS, fields={"name": "Mugs"}, id="abc")
    assert decided(Row(name=MUGS), None, entry).reason == "the OMS has no category with the id abc"


def test_a_given_id_settles_what_is_unknown() -> None:
    entry = Entry(name=MUGS, fields={"name": "Mugs"}, id=5)
    change = decided(known(MUGS, None, state=State.UNKNOWN), {"name": "Cups"}, entry)
    assert (change.op, change.id, change.fields) == (Op.UPDATE, 5, {"name": ("Cups", "Mugs")})


def test_what_is_adopted_is_not_compared_with_what_was_pushed_elsewhere() -> None:
    entry = Entry(name=MUGS, fields={"name": "Mugs"}, id=6)
    change = decided(known(MUGS, 5, pushed={"name": "Mugs"}), {}, entry)
    assert (change.op, change.id) == (Op.UPDATE, 6)


def test_what_no_update_can_change_is_told_and_not_sent() -> None:
    entry = Entry(name=MUG, fields={"name": "Mug", "team_id": 6})
    change = decided(known(MUG, 1), {"name": "x", "team_id": 5}, entry)
    assert (change.op, change.fields) == (Op.FAIL, {"team_id": (5, 6)})
    assert decided(known(MUG, 1), {"name": "Mug"}, entry).op is Op.SAME, "nobody knows what it is"
    assert decided(known(MUG, 1, pushed={"team_id": 5}), {"name": "Mug"}, entry).op is Op.FAIL


# What a push would do
def told(content: Any, ask: Any, *known: Row, delete: tuple[str, ...] = ()) -> tuple[dict[str, Change], list[str]]:
    work, faults = plan(read(content)[0], delete, rows(*known))
    assert faults == []
    changes, guesses = compare(work, rows(*known), ask)
    return {str(change.name): change for change in changes}, guesses


def test_the_parent_that_is_created_in_the_same_push_is_named() -> None:
    changes, _ = told(document(), nobody)
    assert [change.op for change in changes.values()] == [Op.CREATE] * 3
    assert changes["variants/white"].fields["product_id"] == (None, "(new) products/mug")


def test_a_parent_that_is_gone_gives_its_children_a_new_one() -> None:
    def ask(kind: Kind, _id: Id) -> Content | None:
        return None if kind is Kind.CATEGORY else PRODUCT | {"category_id": 1}

    changes, _ = told({"categories": [CATEGORY], "products": [PRODUCT]}, ask, *TREE)
    assert changes["categories/mugs"].op is Op.CREATE
    assert changes["products/mug"].fields == {"category_id": (1, "(new) categories/mugs")}


def test_the_children_of_what_can_not_be_created_can_not_be_either() -> None:
    changes, _ = told(document(), nobody, known(MUGS, None, state=State.UNKNOWN))
    assert [change.op for change in changes.values()] == [Op.UNKNOWN, Op.FAIL, Op.FAIL]
    assert changes["products/mug"].reason == "its category categories/mugs is not at the OMS"


def test_an_adopted_parent_is_referred_to_by_its_id() -> None:
    adopted = {"categories": [CATEGORY | {"id": "abc"}], "products": [PRODUCT]}
    changes, _ = told(adopted, asking({"name": "Mugs"}))
    assert changes["products/mug"].fields["category_id"] == (None, "abc")


def test_what_can_not_be_asked_is_compared_with_what_was_pushed() -> None:
    row = known(MUGS, 1, pushed={"name": "Cups"})
    changes, guesses = told({"categories": [CATEGORY]}, asking(Retry("HTTP 503")), row)
    assert (changes["categories/mugs"].fields, guesses) == ({"name": ("Cups", "Mugs")}, ["HTTP 503"])


def test_what_the_oms_refuses_to_tell_fails_and_a_wrong_token_ends_it_all() -> None:
    changes, _ = told({"categories": [CATEGORY]}, asking(Dead("HTTP 403")), known(MUGS, 1))
    assert (changes["categories/mugs"].op, changes["categories/mugs"].reason) == (Op.FAIL, "HTTP 403")
    with pytest.raises(Blocked):
        told({"categories": [CATEGORY]}, asking(Blocked("token")), known(MUGS, 1))


def test_deletions_are_told_without_asking() -> None:
    changes, _ = told({}, nobody, *TREE, known(Name("products", "x"), None), delete=("white", "x"))
    assert [(str(change.name), change.op, change.id) for change in changes.values()] == [
        ("variants/white", Op.DELETE, 3),
        ("products/x", Op.SAME, None),
    ]


def test_the_lists_are_told_apart_as_the_oms_does() -> None:
    assert set(PATHS) == set(PARENTS) == set(CALLED_PARENT) == set(REFERENCES) == set(MODELS)
    assert list(PATHS.values()) == list(client.Kind)
    assert Written().entries == ()
