"""A merchant's catalogue file: its format, and reading it with all errors of its entries.

    {"categories": [{"key": "drinkware", "name": "Drinkware"}],
     "products": [{"key": "mug", "category": "drinkware", "name": "Mug", "order_column": 1, "active": true,
                   "team_id": 5}],
     "variants": [{"key": "mug-white", "product": "mug", "name": "Mug, white", "country_id": 1}]}

The merchant chooses `key`; `parent`, `category` and `product` are keys. All other fields have the names of the OMS's
document and are required where it requires them. Instead of a parent's key, its id at the OMS can be given
(`category_id`), and `id` adopts an entry that the OMS already has. Unlike webhooks, a file is read strictly: the
merchant can correct a mistake before it is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
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

from pressroom.providers.oms.catalogue.entries import PARENT_KEYS, PARENTS, PATHS, Entry, Name

LONGEST_KEY = 100
LONGEST_TEXT = 50_000
type Fault = tuple[str, str]
"""An error in a catalogue: its path in the file, and a message for the merchant."""

_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "model_type": "must be an object",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
}


def _key(value: object) -> object:
    if isinstance(value, str) and is_key(value):
        return value
    raise ValueError(
        f"must be text of 1 to {LONGEST_KEY} printable characters, without / and , and without blanks around it"
    )


def is_key(text: str) -> bool:
    """Return whether a text can be a key. A comma separates keys, and a slash separates a list and a key."""
    printable = text.isprintable() and text == text.strip() and not set("/,") & set(text)
    return printable and 0 < len(text) <= LONGEST_KEY


def _id(value: object) -> object:
    # One message per error: a union of types would report both branches.
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63:
        return value
    if isinstance(value, str) and value.strip(".") and value.isprintable() and " " not in value and len(value) <= 100:
        return value
    raise ValueError("must be an id of the OMS: a UID, or a positive integer")


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must not contain an unpaired surrogate") from error
    return text


Key = Annotated[str, BeforeValidator(_key)]
Reference = Annotated[int | str, BeforeValidator(_id)]
Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(_encodable)]
Filled = Annotated[Text, StringConstraints(min_length=1)]
Number = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Unsigned = Annotated[int, Field(ge=0, lt=2**32)]
Dpi = Annotated[int, Field(ge=1, lt=2**32)]


class _FileEntry(BaseModel):
    """An entry of a file. A field that is null counts as missing: it is not sent and not compared."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: ClassVar[str]
    needs_parent: ClassVar[bool] = True

    key: Key
    id: Reference | None = None
    name: Filled
    description: Text | None = None
    default_dpi: Dpi | None = None
    default_location_id: Reference | None = None

    @model_validator(mode="after")
    def _has_one_parent(self) -> "_FileEntry":
        by_key = PARENT_KEYS[self.kind]
        by_id = f"{by_key}_id"
        given = [getattr(self, name) is not None for name in (by_key, by_id)]
        if all(given):
            raise ValueError(f"has both {by_key} and {by_id}: one is enough")
        if self.needs_parent and not any(given):
            raise ValueError(f"needs a {by_key} (a key) or a {by_id} (an id of the OMS)")
        return self

    def entry(self) -> Entry:
        by_key = PARENT_KEYS[self.kind]
        fields = self.model_dump(exclude={"key", "id", by_key}, exclude_none=True)
        parent: str | None = getattr(self, by_key)
        return Entry(
            name=Name(self.kind, self.key),
            fields=fields,
            parent=None if parent is None else Name(PARENTS[self.kind], parent),
            id=self.id,
        )


class Category(_FileEntry):
    """A product category; `parent` is the key of the category that contains it."""

    kind = "categories"
    needs_parent = False

    parent: Key | None = None
    parent_id: Reference | None = None
    editor_category_id: Filled | None = None


class Product(_FileEntry):
    """A product; `category` is a key."""

    kind = "products"

    category: Key | None = None
    category_id: Reference | None = None
    code: Text | None = None
    order_column: Number
    active: bool
    team_id: Reference
    editor_category_id: Filled | None = None


class Variant(_FileEntry):
    """A variant of a product; `product` is a key. `uuid` can be set when the variant is created."""

    kind = "variants"

    product: Key | None = None
    product_id: Reference | None = None
    uuid: Annotated[str, StringConstraints(min_length=36, max_length=36), AfterValidator(_encodable)] | None = None
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


MODELS: dict[str, type[_FileEntry]] = {model.kind: model for model in (Category, Product, Variant)}


@dataclass(frozen=True, slots=True)
class File:
    """A file that was read: its valid entries, and the path of each key, those of invalid entries too."""

    entries: tuple[Entry, ...] = ()
    places: Mapping[Name, str] = field(default_factory=dict)


def read(document: object) -> tuple[File, list[Fault]]:
    """Read a file and return all errors that its entries have on their own."""
    if not isinstance(document, dict):
        return File(), [("", "the catalogue must be an object")]
    faults = [
        (name, f"is not a list of the catalogue; its lists are {', '.join(PATHS)}")
        for name in document.keys() - MODELS.keys()
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
                faults.append((f"{place}.key", f"is already the key of {places[name]}"))
                continue
            places[name] = place
            if entry:
                entries.append(entry)
    return File(tuple(entries), places), faults


def _read(model: type[_FileEntry], content: object, place: str) -> tuple[Entry | None, list[Fault]]:
    try:
        return model.model_validate(content).entry(), []
    except ValidationError as error:
        return None, [
            (
                ".".join((place, *map(str, fault["loc"]))),
                _MESSAGES.get(fault["type"], fault["msg"].removeprefix("Value error, ")),
            )
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
