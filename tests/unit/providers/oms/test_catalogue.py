"""The catalogue: errors of a file, the order of a push, and the differences from the OMS. Pure functions only."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.oms import KINDS
from pressroom.platform.errors import Blocked, Dead, Retry
from pressroom.providers.oms import client
from pressroom.providers.oms.catalogue.compare import Change, Op, compare, decide, differences, is_equal
from pressroom.providers.oms.catalogue.entries import (
    PARENT_IDS,
    PARENT_KEYS,
    PARENTS,
    PATHS,
    Content,
    Deletion,
    Entry,
    Name,
    Work,
)
from pressroom.providers.oms.catalogue.file import MODELS, Fault, File, read
from pressroom.providers.oms.catalogue.plan import candidates, plan
from pressroom.providers.oms.catalogue.rows import Row, State
from pressroom.providers.oms.client import Id, Kind
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
    """The names of the steps of a push, and the errors of its catalogue."""
    file, faults = read(content)
    work, more = plan(file, delete, rows(*known))
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
    theirs = KINDS[PATHS[kind]]
    documented = {*theirs.required, *theirs.optional, *theirs.only_new}
    assert set(MODELS[kind].model_fields) - {"key", "id", PARENT_KEYS[kind]} == documented
    assert PARENT_IDS[kind] in documented


def test_an_entry_holds_the_fields_of_the_oms_and_no_nulls() -> None:
    file, faults = read({"products": [PRODUCT | {"code": None, "default_location_id": "3bb7725c"}]})
    assert faults == []
    assert file.entries == (
        Entry(
            name=MUG,
            parent=MUGS,
            fields={"name": "Mug", "order_column": 1, "active": True, "team_id": 5, "default_location_id": "3bb7725c"},
        ),
    )


def test_a_parent_can_be_given_by_its_id_at_the_oms() -> None:
    product = {name: value for name, value in PRODUCT.items() if name != "category"} | {"category_id": 7}
    file, faults = read({"products": [product]})
    assert (faults, file.entries[0].parent, file.entries[0].fields["category_id"]) == ([], None, 7)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([], ("", "the catalogue must be an object")),
        ({"product": []}, ("product", "is not a list of the catalogue; its lists are categories, products, variants")),
        ({"products": {}}, ("products", "must be a list")),
        ({"categories": [7]}, ("categories[0]", "must be an object")),
        ({"categories": [{"name": "x"}]}, ("categories[0].key", "is required")),
        ({"categories": [CATEGORY | {"colour": "red"}]}, ("categories[0].colour", "is not a known field")),
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
        (document(variants=[VARIANT, VARIANT]), ("variants[1].key", "is already the key of variants[0]")),
    ],
)
def test_an_error_is_reported_with_its_path(content: Any, fault: Fault) -> None:
    assert wrong(content) == [fault]


@pytest.mark.parametrize("key", ["", " x", "a/b", "a,b", "a\nb", "x" * 101, 5, None])
def test_a_key_is_text_that_can_be_typed_and_can_name_a_row(key: Any) -> None:
    assert wrong({"categories": [{"key": key, "name": "x"}]})[0][0] == "categories[0].key"


@pytest.mark.parametrize("identity", [0, -1, True, "", "a b", "..", 1.5, "x" * 101, 2**63])
def test_an_id_is_a_uid_or_a_positive_integer(identity: Any) -> None:
    expected = ("categories[0].id", "must be an id of the OMS: a UID, or a positive integer")
    assert wrong({"categories": [CATEGORY | {"id": identity}]}) == [expected]


def test_text_with_an_unpaired_surrogate_is_an_error() -> None:
    assert wrong({"categories": [CATEGORY | {"name": "\ud800"}]})[0][0] == "categories[0].name"


def test_all_errors_are_reported_at_once_and_none_follows_from_another() -> None:
    faults = wrong({"categories": [{"key": "mugs"}], "products": [PRODUCT, PRODUCT | {"key": "b", "category": "none"}]})
    assert faults == [
        ("categories[0].name", "is required"),
        ("products[1].category", "categories/none is neither in the file nor was it pushed before"),
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
def test_a_cycle_of_categories_is_reported_once(length: int) -> None:
    cycle = [{"key": str(n), "name": "x", "parent": str((n + 1) % length)} for n in range(length)]
    faults = wrong({"categories": [*cycle, {"key": "under", "name": "x", "parent": "0"}]})
    way = " in ".join(f"categories/{n % length}" for n in range(length + 1))
    assert faults == [("categories[0].parent", f"is a cycle: {way}")]


def test_a_cycle_through_an_entry_outside_the_file_is_an_error() -> None:
    below = known(Name("categories", "below"), 2, pushed={"name": "x", "parent_id": 1})
    content = {"categories": [CATEGORY | {"parent": "below"}]}
    assert "cycle" in wrong(content, known(MUGS, 1), below)[0][1]


def test_swapping_a_category_with_its_parent_needs_a_new_parent_for_both() -> None:
    above, below = known(Name("categories", "a"), 1), known(Name("categories", "b"), 2, pushed={"parent_id": 1})
    turned = [{"key": "a", "name": "A", "parent": "b"}, {"key": "b", "name": "B"}]
    assert "cycle" in wrong({"categories": turned}, above, below)[0][1], "the parent that the file leaves out stays"


def test_a_reference_may_lead_to_an_entry_that_was_pushed_before() -> None:
    assert planned({"products": [PRODUCT]}, known(MUGS, 7)) == (["products/mug"], [])
    assert wrong({"products": [PRODUCT]}, known(MUGS, None)), "the earlier push was refused"


# What is adopted
def test_an_id_can_be_given_only_once() -> None:
    faults = wrong({"categories": [CATEGORY | {"id": 5}, {"key": "b", "name": "B", "id": "5"}]})
    assert faults == [("categories[1].id", "is the id of categories/mugs")]


def test_the_id_of_another_entry_can_be_given_only_if_that_entry_is_not_in_the_file() -> None:
    old = known(Name("categories", "old"), 5)
    renamed = {"categories": [CATEGORY | {"id": 5}]}
    work, faults = plan(read(renamed)[0], (), rows(old))
    assert (faults, work.entries[0].renamed_from) == ([], old.name)
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


def test_an_entry_is_not_deleted_before_its_children() -> None:
    assert wrong({}, *TREE, delete=("mugs",)) == [("delete categories/mugs", "it still contains products/mug")]


def test_a_child_that_may_be_at_the_oms_prevents_the_deletion() -> None:
    lost = known(WHITE, None, state=State.UNKNOWN, pushed={"product_id": 2})
    assert "variants/white" in wrong({}, known(MUG, 2), lost, delete=("mug",))[0][1]


def test_a_child_that_the_same_push_moves_does_not_prevent_the_deletion() -> None:
    moved = {"categories": [{"key": "new", "name": "New"}], "products": [PRODUCT | {"category": "new"}]}
    file, _ = read(moved)
    work, faults = plan(file, ("mugs",), rows(*TREE))
    assert (faults, work.deletions) == ([], (Deletion(MUGS, (MUG,)),))


@pytest.mark.parametrize("reference", [{"category_id": 1}, {"category_id": "1"}, {"category": "mugs"}])
def test_no_entry_of_the_file_may_refer_to_a_deleted_entry(reference: dict[str, Any]) -> None:
    product = {name: value for name, value in PRODUCT.items() if name != "category"} | {"key": "b"} | reference
    assert wrong({"products": [product]}, known(MUGS, 1), delete=("mugs",))


def test_a_category_that_the_file_does_not_move_prevents_the_deletion_of_its_parent() -> None:
    under = known(Name("categories", "under"), 2, pushed={"parent_id": 1})
    content = {"categories": [{"key": "under", "name": "Under"}]}
    assert wrong(content, known(MUGS, 1), under, delete=("mugs",)) == [
        ("delete categories/mugs", "it still contains categories/under")
    ]


@pytest.mark.parametrize(
    ("delete", "message"),
    [
        ("none", "no entry with this key was ever pushed"),
        ("brands/mug", "no entry with this key was ever pushed"),
        ("products/", "no entry with this key was ever pushed"),
        ("mug", "is ambiguous: products/mug, variants/mug"),
        ("lost", "a create got no answer"),
        ("white", "is also in the file: variants[0]"),
    ],
)
def test_a_deletion_must_name_exactly_one_known_entry(delete: str, message: str) -> None:
    twin, lost = known(Name("variants", "mug"), 4), known(Name("variants", "lost"), None, state=State.UNKNOWN)
    (fault,) = wrong({"variants": [VARIANT]}, *TREE, twin, lost, delete=(delete,))
    assert fault[0] == f"delete {delete}"
    assert fault[1].startswith(message)


def test_deleting_an_absent_entry_is_no_error() -> None:
    gone, alive = known(Name("products", "x"), None), known(Name("variants", "x"), 4)
    assert planned({}, gone, delete=("x",)) == (["products/x"], [])
    assert planned({}, gone, alive, delete=("x",)) == (["variants/x"], []), "only one of them is there"


def test_a_key_without_its_list_may_be_in_any_list() -> None:
    assert [str(name) for name in candidates("mug")] == ["categories/mug", "products/mug", "variants/mug"]
    assert candidates("products/mug") == [MUG]
    assert candidates("x" * 3000) == []


def test_work_survives_writing_and_parsing() -> None:
    entries = (
        Entry(name=MUGS, fields={"name": "Mügs"}, id=5, renamed_from=Name("categories", "old")),
        Entry(name=MUG, fields={"active": True, "order_column": 0}, parent=MUGS),
    )
    work = Work(entries, (Deletion(WHITE), Deletion(Name("products", "x"), (Name("variants", "y"),))))
    assert Work.of(work.write()) == work


# What differs
@pytest.mark.parametrize(
    ("wanted", "found"),
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
def test_equal_values_may_be_written_in_several_ways(wanted: object, found: object) -> None:
    assert is_equal(wanted, found)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        *((300, 301), (300, None), (300, "many"), (300, "NaN"), (1, [1])),
        *(("", " "), ("a", None), ("a", "A"), ("a", ["a"]), ("5", 5.5), ("true", {"x": 1})),
        *((True, False), (True, None), (False, None), (False, "")),
    ],
)
def test_other_values_differ(wanted: object, found: object) -> None:
    assert not is_equal(wanted, found)


def test_a_field_missing_in_the_answer_is_compared_with_the_last_push() -> None:
    row = known(MUGS, 1, pushed={"description": "old"})
    assert differences({"description": "old"}, {}, row) == {}
    assert differences({"description": "new"}, {}, row) == {"description": ("old", "new")}
    assert differences({"description": "new"}, {}, known(MUGS, 1)) == {"description": (None, "new")}


def test_the_value_that_the_oms_returned_for_ours_is_no_difference_until_either_changes() -> None:
    row = known(MUGS, 1, pushed={"name": "Mugs "}, echoed={"name": "Mugs"})
    assert differences({"name": "Mugs "}, {"name": "Mugs"}, row) == {}
    assert differences({"name": "Mugs "}, {"name": "Cups"}, row) == {"name": ("Cups", "Mugs ")}
    assert differences({"name": "Mugs!"}, {"name": "Mugs"}, row) == {"name": ("Mugs", "Mugs!")}


def answering(answer: Content | Exception | None) -> Callable[[Kind, Id], Content | None]:
    def lookup(_kind: Kind, _id: Id) -> Content | None:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return lookup


def no_lookup(_kind: Kind, _id: Id) -> Content | None:
    raise AssertionError("the OMS must not be asked")


ENTRY = Entry(name=MUGS, fields={"name": "Mugs"})


def decided(row: Row, answer: Content | Exception | None, entry: Entry = ENTRY) -> Change:
    return decide(entry, row, entry.fields, answering(answer))


def test_an_entry_that_was_never_pushed_is_created_without_asking_the_oms() -> None:
    change = decide(ENTRY, Row(name=MUGS), ENTRY.fields, no_lookup)
    assert (change.op, change.new_values()) == (Op.CREATE, {"name": "Mugs"})


@pytest.mark.parametrize("state", [State.CREATING, State.UNKNOWN])
def test_an_entry_that_may_be_at_the_oms_is_not_created(state: State) -> None:
    change = decide(ENTRY, known(MUGS, None, state=state), ENTRY.fields, no_lookup)
    assert (change.op, "`id`" in str(change.reason)) == (Op.UNKNOWN, True)


def test_only_the_fields_that_differ_are_updated() -> None:
    entry = Entry(name=MUGS, fields={"name": "Mugs", "default_dpi": 300})
    change = decided(known(MUGS, 1), {"name": "Mugs", "default_dpi": "150", "more": 1}, entry)
    assert (change.op, change.new_values()) == (Op.UPDATE, {"default_dpi": 300})
    assert decided(known(MUGS, 1), {"name": "Mugs", "default_dpi": "300"}, entry).op is Op.SAME


def test_an_entry_that_the_oms_no_longer_has_is_created_again() -> None:
    change = decided(known(MUGS, 1, pushed={"name": "Mugs"}), None)
    assert (change.op, change.reason, change.new_values()) == (
        Op.CREATE,
        "the OMS no longer has it: its id was 1",
        {"name": "Mugs"},
    )


def test_a_given_id_that_the_oms_does_not_know_creates_nothing() -> None:
    entry = Entry(name=MUGS, fields={"name": "Mugs"}, id="abc")
    assert decided(Row(name=MUGS), None, entry).reason == "the OMS has no category with the id abc"


def test_a_given_id_resolves_the_state_unknown() -> None:
    entry = Entry(name=MUGS, fields={"name": "Mugs"}, id=5)
    change = decided(known(MUGS, None, state=State.UNKNOWN), {"name": "Cups"}, entry)
    assert (change.op, change.id, change.fields) == (Op.UPDATE, 5, {"name": ("Cups", "Mugs")})


def test_an_adopted_entry_is_not_compared_with_what_was_pushed_under_another_id() -> None:
    entry = Entry(name=MUGS, fields={"name": "Mugs"}, id=6)
    change = decided(known(MUGS, 5, pushed={"name": "Mugs"}), {}, entry)
    assert (change.op, change.id) == (Op.UPDATE, 6)


def test_a_field_that_no_update_can_change_is_an_error_and_not_sent() -> None:
    entry = Entry(name=WHITE, fields={"name": "White", "uuid": "u-6"})
    change = decided(known(WHITE, 1), {"name": "x", "uuid": "u-5"}, entry)
    assert (change.op, change.fields) == (Op.FAIL, {"uuid": ("u-5", "u-6")})
    assert decided(known(WHITE, 1), {"name": "White"}, entry).op is Op.SAME, "its value is not known"
    assert decided(known(WHITE, 1, pushed={"uuid": "u-5"}), {"name": "White"}, entry).op is Op.FAIL


def test_a_product_goes_to_another_team() -> None:
    entry = Entry(name=MUG, fields={"name": "Mug", "team_id": 6})
    change = decided(known(MUG, 1), {"name": "Mug", "team_id": 5}, entry)
    assert (change.op, change.fields) == (Op.UPDATE, {"team_id": (5, 6)})
    assert decided(known(MUG, 1, pushed={"team_id": 5}), {"name": "Mug"}, entry).fields == {"team_id": (5, 6)}


# What a push would do
def changes_of(
    content: Any, lookup: Any, *known: Row, delete: tuple[str, ...] = ()
) -> tuple[dict[str, Change], list[str]]:
    work, faults = plan(read(content)[0], delete, rows(*known))
    assert faults == []
    changes, guesses = compare(work, rows(*known), lookup)
    return {str(change.name): change for change in changes}, guesses


def test_a_parent_that_the_same_push_creates_is_shown_by_its_name() -> None:
    changes, _ = changes_of(document(), no_lookup)
    assert [change.op for change in changes.values()] == [Op.CREATE] * 3
    assert changes["variants/white"].fields["product_id"] == (None, "(new) products/mug")


def test_the_children_of_a_parent_that_is_created_again_refer_to_the_new_one() -> None:
    def lookup(kind: Kind, _id: Id) -> Content | None:
        return None if kind is Kind.CATEGORY else PRODUCT | {"category_id": 1}

    changes, _ = changes_of({"categories": [CATEGORY], "products": [PRODUCT]}, lookup, *TREE)
    assert changes["categories/mugs"].op is Op.CREATE
    assert changes["products/mug"].fields == {"category_id": (1, "(new) categories/mugs")}


def test_the_children_of_an_entry_that_can_not_be_created_fail_too() -> None:
    changes, _ = changes_of(document(), no_lookup, known(MUGS, None, state=State.UNKNOWN))
    assert [change.op for change in changes.values()] == [Op.UNKNOWN, Op.FAIL, Op.FAIL]
    assert changes["products/mug"].reason == "its category categories/mugs is not at the OMS"


def test_an_adopted_parent_is_referred_to_by_its_id() -> None:
    adopted = {"categories": [CATEGORY | {"id": "abc"}], "products": [PRODUCT]}
    changes, _ = changes_of(adopted, answering({"name": "Mugs"}))
    assert changes["products/mug"].fields["category_id"] == (None, "abc")


def test_an_entry_that_can_not_be_read_is_compared_with_the_last_push() -> None:
    row = known(MUGS, 1, pushed={"name": "Cups"})
    changes, guesses = changes_of({"categories": [CATEGORY]}, answering(Retry("HTTP 503")), row)
    assert (changes["categories/mugs"].fields, guesses) == ({"name": ("Cups", "Mugs")}, ["HTTP 503"])


def test_a_refused_read_fails_that_entry_and_a_refused_token_ends_the_comparison() -> None:
    changes, _ = changes_of({"categories": [CATEGORY]}, answering(Dead("HTTP 403")), known(MUGS, 1))
    assert (changes["categories/mugs"].op, changes["categories/mugs"].reason) == (Op.FAIL, "HTTP 403")
    with pytest.raises(Blocked):
        changes_of({"categories": [CATEGORY]}, answering(Blocked("token")), known(MUGS, 1))


def test_deletions_are_listed_without_asking_the_oms() -> None:
    changes, _ = changes_of({}, no_lookup, *TREE, known(Name("products", "x"), None), delete=("white", "x"))
    assert [(str(change.name), change.op, change.id) for change in changes.values()] == [
        ("variants/white", Op.DELETE, 3),
        ("products/x", Op.SAME, None),
    ]


def test_the_lists_are_those_of_the_oms() -> None:
    assert set(PATHS) == set(PARENTS) == set(PARENT_KEYS) == set(PARENT_IDS) == set(MODELS)
    assert list(PATHS.values()) == list(client.Kind)
    assert File().entries == ()
