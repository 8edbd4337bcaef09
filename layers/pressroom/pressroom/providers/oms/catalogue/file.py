"""A catalogue as a merchant writes it: read, checked as a whole, and put in the order in which it can be pushed.

    {"categories": [{"key": "drinkware", "name": "Drinkware"}],
     "products": [{"key": "mug", "category": "drinkware", "name": "Mug", "order_column": 1, "active": true,
                   "team_id": 5}],
     "variants": [{"key": "mug-white", "product": "mug", "name": "Mug, white", "country_id": 1}]}

`key` is the merchant's own, `parent`, `category` and `product` are keys; everything else has the names, and is required
where, the OMS documents. In place of a key, the OMS's id of something else can be given (`category_id`), and `id`
adopts an entry that the OMS already has. Strict, unlike what others send: here a slip can be mended before it is sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from pressroom.providers.oms.catalogue.push import (
    CALLED_PARENT,
    MAYBE_THERE,
    PARENTS,
    PATHS,
    Deletion,
    Entry,
    Name,
    Row,
    State,
    Work,
    is_same_id,
    still_in,
)
from pressroom.providers.oms.client import Id

LONGEST_KEY = 100
LONGEST_TEXT = 50_000
type Fault = tuple[str, str]
"""What is wrong with a catalogue: the path to it, and a text for whoever wrote it."""

_IN_TERMS_OF_JSON = {
    "missing": "is required",
    "extra_forbidden": "there is no such field",
    "model_type": "must be an object",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
}


def _key(value: object) -> object:
    if isinstance(value, str) and is_key(value):
        return value
    raise ValueError(f"must be text of 1 to {LONGEST_KEY} printable characters, without / and , and blanks around it")


def is_key(text: str) -> bool:
    """Tell whether an entry can be called so; a comma separates keys, a slash stands between a list and a key."""
    printable = text.isprintable() and text == text.strip() and not set("/,") & set(text)
    return printable and 0 < len(text) <= LONGEST_KEY


def _id(value: object) -> object:
    # One message for one fault: a union of types would report both branches.
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63:
        return value
    if isinstance(value, str) and value.strip(".") and value.isprintable() and " " not in value and len(value) <= 100:
        return value
    raise ValueError("must be an id of the OMS: a UID, or a positive integer")


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must not hold half a surrogate pair") from error
    return text


Key = Annotated[str, BeforeValidator(_key)]
Reference = Annotated[int | str, BeforeValidator(_id)]
Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(_whole)]
Filled = Annotated[Text, StringConstraints(min_length=1)]
Number = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Unsigned = Annotated[int, Field(ge=0, lt=2**32)]
Dpi = Annotated[int, Field(ge=1, lt=2**32)]


class _Written(BaseModel):
    """An entry of a catalogue. A field that is null counts as left out: it is not sent, and not compared."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: ClassVar[str]
    parent_needed: ClassVar[bool] = True

    key: Key
    id: Reference | None = None
    name: Filled
    description: Text | None = None
    default_dpi: Dpi | None = None
    default_location_id: Reference | None = None

    @model_validator(mode="after")
    def _one_parent(self) -> "_Written":
        by_key = CALLED_PARENT[self.kind]
        by_id = f"{by_key}_id"
        given = [getattr(self, name) is not None for name in (by_key, by_id)]
        if all(given):
            raise ValueError(f"has both {by_key} and {by_id}: one is enough")
        if self.parent_needed and not any(given):
            raise ValueError(f"needs a {by_key} (a key) or a {by_id} (an id of the OMS)")
        return self

    def entry(self) -> Entry:
        by_key = CALLED_PARENT[self.kind]
        fields = self.model_dump(exclude={"key", "id", by_key}, exclude_none=True)
        parent: str | None = getattr(self, by_key)
        return Entry(
            name=Name(self.kind, self.key),
            fields=fields,
            parent=None if parent is None else Name(PARENTS[self.kind], parent),
            id=self.id,
        )


class Category(_Written):
    """A product category; `parent` is the key of the one that it is in."""

    kind = "categories"
    parent_needed = False

    parent: Key | None = None
    parent_id: Reference | None = None
    editor_category_id: Filled | None = None


class Product(_Written):
    """A product; `category` is a key."""

    kind = "products"

    category: Key | None = None
    category_id: Reference | None = None
    code: Text | None = None
    order_column: Number
    active: bool
    team_id: Reference
    editor_category_id: Filled | None = None


class Variant(_Written):
    """A variant of a product; `product` is a key. `uuid` can be chosen, once."""

    kind = "variants"

    product: Key | None = None
    product_id: Reference | None = None
    uuid: Annotated[str, StringConstraints(min_length=36, max_length=36), AfterValidator(_whole)] | None = None
    product_variant_category_id: Reference | None = None
    price_id: Reference | None = None
    editor_product_id: Filled | None = None
    weight: Unsigned | None = None
    length: Unsigned | None = None
    width: Unsigned | None = None
    height: Unsigned | None = None
    country_id: Reference
    customs_code: Text | None = None
    customs_description: Text | None = None
    long_customs_description: Text | None = None
    seo_details: Text | None = None
    ecommerce_tags: Text | None = None


MODELS: dict[str, type[_Written]] = {model.kind: model for model in (Category, Product, Variant)}


@dataclass(frozen=True, slots=True)
class Written:
    """A catalogue as it was read: its entries, and where each of its keys stands, those of faulty entries too."""

    entries: tuple[Entry, ...] = ()
    places: Mapping[Name, str] = field(default_factory=dict)


def read(document: object) -> tuple[Written, list[Fault]]:
    """Read a catalogue, and say all that is wrong with each of its entries on its own."""
    if not isinstance(document, dict):
        return Written(), [("", "the catalogue must be an object")]
    faults = [
        (name, f"there is no such list; there are {', '.join(PATHS)}") for name in document.keys() - MODELS.keys()
    ]
    entries, places = list[Entry](), dict[Name, str]()
    for kind, model in MODELS.items():
        listed = document.get(kind, [])
        if not isinstance(listed, list):
            faults.append((kind, "must be a list"))
            continue
        for number, content in enumerate(listed):
            place = f"{kind}[{number}]"
            entry, wrong = _read(model, content, place)
            faults += wrong
            key = content.get("key") if isinstance(content, dict) else None
            if not isinstance(key, str):
                continue
            if (name := Name(kind, key)) in places:
                faults.append((f"{place}.key", f"is the key of {places[name]} already"))
                continue
            places[name] = place
            if entry:
                entries.append(entry)
    return Written(tuple(entries), places), faults


def _read(model: type[_Written], content: object, place: str) -> tuple[Entry | None, list[Fault]]:
    try:
        return model.model_validate(content).entry(), []
    except ValidationError as error:
        return None, [
            (
                ".".join((place, *map(str, fault["loc"]))),
                _IN_TERMS_OF_JSON.get(fault["type"], fault["msg"].removeprefix("Value error, ")),
            )
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]


def candidates(text: str) -> list[Name]:
    """Return what may be meant by what a person types: `products/mug`, or `mug`."""
    kind, slash, key = text.rpartition("/")
    return [Name(each, key) for each in ((kind,) if slash else PATHS) if each in PATHS and is_key(key)]


def plan(written: Written, delete: Iterable[str], rows: Mapping[Name, Row]) -> tuple[Work, list[Fault]]:
    """Put a catalogue in the order in which it can be sent, and say all that is wrong with it as a whole.

    `rows` is everything that is known: a reference may lead to what is not in this file, and nothing is deleted in
    which something else stays. The work is empty if anything is wrong.
    """
    deleted, faults = _named(delete, written, rows)
    entries, wrong_ids = _adopting(written, rows)
    parents = _parents(entries, rows)
    faults += [*wrong_ids, *_wrong_references(written, deleted, rows), *_circles(entries, parents, written)]
    if faults:
        return Work(), faults  # what follows goes up from parent to parent
    deletions, faults = _deletions(deleted, entries, rows)
    kinds = list(PATHS)

    def order(step: Entry | Deletion) -> tuple[int, int]:
        return kinds.index(step.name.kind), len(list(_above(step.name, parents)))

    return Work(tuple(sorted(entries, key=order)), tuple(sorted(deletions, key=order, reverse=True))), faults


def _named(delete: Iterable[str], written: Written, rows: Mapping[Name, Row]) -> tuple[list[Name], list[Fault]]:
    """Find what is to be deleted; a key alone will do where only one entry that is known has it."""
    names, faults = dict[Name, None](), list[Fault]()
    for text in delete:
        known = [name for name in candidates(text) if name in rows]
        known = [name for name in known if rows[name].state is not State.ABSENT] or known[:1]
        wrong = None
        if not known:
            wrong = "no such entry was ever pushed"
        elif len(known) > 1:
            wrong = f"which one: {', '.join(map(str, known))}?"
        elif known[0] in written.places:
            wrong = f"is in the file as well: {written.places[known[0]]}"
        elif rows[known[0]].is_lost():
            wrong = MAYBE_THERE
        if wrong:
            faults.append((f"delete {text}", wrong))
        else:
            names[known[0]] = None
    return list(names), faults


def _adopting(written: Written, rows: Mapping[Name, Row]) -> tuple[list[Entry], list[Fault]]:
    """Let an entry that gives its id take over from one that is known under it, if that is not in the file any more."""
    holders = {(name.kind, str(row.id)): name for name, row in rows.items() if row.id is not None}
    entries, faults, taken = list[Entry](), list[Fault](), dict[tuple[str, str], Name]()
    for entry in written.entries:
        was = None
        if entry.id is not None:
            named = (entry.name.kind, str(entry.id))
            holder = taken.get(named) or holders.get(named, entry.name)
            taken.setdefault(named, entry.name)
            if holder != entry.name and holder in written.places:
                faults.append((f"{written.places[entry.name]}.id", f"is the id of {holder}"))
            elif holder != entry.name:
                was = holder
        entries.append(replace(entry, was=was))
    return entries, faults


def _parents(entries: Iterable[Entry], rows: Mapping[Name, Row]) -> dict[Name, Name]:
    """Return each entry's parent as it will be: what a file leaves out stays, and so does what is not in the file."""
    by_id = {(name.kind, str(row.id)): name for name, row in rows.items() if row.id is not None}
    by_id |= {(each.name.kind, str(each.id)): each.name for each in entries if each.id is not None}
    ids = {name: row.pushed.get(name.reference) for name, row in rows.items()}
    ids |= {each.name: each.fields[each.name.reference] for each in entries if each.name.reference in each.fields}
    parents = {name: by_id.get((PARENTS[name.kind], str(identity))) for name, identity in ids.items()}
    parents |= {each.name: each.parent for each in entries if each.parent}
    return {name: parent for name, parent in parents.items() if parent}


def _above(name: Name, parents: Mapping[Name, Name]) -> Iterator[Name]:
    """Go from an entry up to the top, and no farther than once around."""
    passed = set[Name]()
    while name in parents and name not in passed:
        passed.add(name)
        name = parents[name]
        yield name


def _wrong_references(written: Written, deleted: Iterable[Name], rows: Mapping[Name, Row]) -> Iterator[Fault]:
    for entry in written.entries:
        if not (parent := entry.parent) or parent in written.places:
            continue
        place = f"{written.places[entry.name]}.{CALLED_PARENT[entry.name.kind]}"
        if parent in deleted:
            yield place, f"{parent} is to be deleted"
        elif parent not in rows or rows[parent].id is None:
            yield place, f"there is no {parent}, neither in the file nor among what was pushed before"


def _circles(entries: Iterable[Entry], parents: Mapping[Name, Name], written: Written) -> Iterator[Fault]:
    told = set[Name]()
    for entry in entries:
        above = list(_above(entry.name, parents))
        if entry.name in above and entry.name not in told:
            circle = above[: above.index(entry.name)]
            told.update((entry.name, *circle))
            place = f"{written.places[entry.name]}.{CALLED_PARENT[entry.name.kind]}"
            yield place, f"goes in a circle: {' in '.join(map(str, (entry.name, *circle, entry.name)))}"


def _deletions(
    names: list[Name], entries: Iterable[Entry], rows: Mapping[Name, Row]
) -> tuple[list[Deletion], list[Fault]]:
    wanted, faults, deletions = {each.name: each for each in entries}, list[Fault](), list[Deletion]()
    for name in names:
        parent = rows[name].id
        of_kind = [each for each in (*rows, *wanted) if PARENTS[each.kind] == name.kind]
        inside = [each for each in dict.fromkeys(of_kind) if each in rows and rows[each].is_in(parent)]
        told = [each for each in of_kind if each in wanted and _refers_to(wanted[each], parent)]
        silent = [each for each in inside if each not in names and not (each in wanted and _has_parent(wanted[each]))]
        if staying := list(dict.fromkeys(map(str, (*silent, *told)))):
            faults.append((f"delete {name}", still_in(staying)))
        deletions.append(Deletion(name, tuple(inside)))
    return deletions, faults


def _has_parent(entry: Entry) -> bool:
    return entry.parent is not None or entry.name.reference in entry.fields


def _refers_to(entry: Entry, parent: Id | None) -> bool:
    return is_same_id(entry.fields.get(entry.name.reference), parent)
