"""The entries of a merchant's catalogue (categories, products and variants) and the work that a push does with them.

Each entry has a key that the merchant chooses. The body of a push's delivery is a `Work`.
"""

from dataclasses import dataclass
from typing import Any

from pressroom.platform import wire
from pressroom.providers.oms.client import Id, Kind

type Content = dict[str, Any]
"""The fields of an entry, with the OMS's field names."""

PATHS = {"categories": Kind.CATEGORY, "products": Kind.PRODUCT, "variants": Kind.VARIANT}
"""The lists of a catalogue, parents first."""
PARENTS = {"categories": "categories", "products": "categories", "variants": "products"}
"""The list in which the parents of a list's entries are."""
PARENT_KEYS = {"categories": "parent", "products": "category", "variants": "product"}
"""The field of a file's entry that holds the key of its parent."""
PARENT_IDS = {"categories": "parent_id", "products": "category_id", "variants": "product_id"}
"""The field that holds the OMS's id of the parent."""
CREATE_ONLY = {"categories": frozenset[str](), "products": frozenset[str](), "variants": frozenset({"uuid"})}
"""The fields that a create can set and, by the OMS's document, an update can't change."""


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """The name of an entry: its list and its key in that list."""

    kind: str
    key: str

    @classmethod
    def of(cls, text: str) -> "Name":
        """Parse the form that `str` returns: `products/mug`."""
        kind, _, key = text.partition("/")
        return cls(kind, key)

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"

    @property
    def path(self) -> Kind:
        return PATHS[self.kind]

    @property
    def parent_id_field(self) -> str:
        return PARENT_IDS[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry as the merchant wants it. A push does not change fields that are missing in `fields`.

    `id` adopts an entry that the OMS already has; `renamed_from` is the name under which Pressroom knew that entry
    until now. `parent` is the name of the parent; a parent that is given by its id at the OMS is one of the `fields`.
    """

    name: Name
    fields: Content
    parent: Name | None = None
    id: Id | None = None
    renamed_from: Name | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """An entry to delete, and the known entries that it contained when the push was planned."""

    name: Name
    children: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """All steps of a push in their order: entries with parents first, then deletions with children first."""

    entries: tuple[Entry, ...] = ()
    deletions: tuple[Deletion, ...] = ()

    def steps(self) -> tuple[Entry | Deletion, ...]:
        return (*self.entries, *self.deletions)

    def write(self) -> bytes:
        """Return the body of the delivery."""
        entries = [
            _without_none(
                entry=str(each.name),
                parent=each.parent and str(each.parent),
                id=each.id,
                was=each.renamed_from and str(each.renamed_from),
                fields=each.fields,
            )
            for each in self.entries
        ]
        deletions = [{"entry": str(each.name), "children": [*map(str, each.children)]} for each in self.deletions]
        return wire.write({"entries": entries, "delete": deletions})

    @classmethod
    def of(cls, body: bytes) -> "Work":
        """Parse the body of a delivery."""
        content = wire.parse(body)
        entries = (
            Entry(
                name=Name.of(each["entry"]),
                fields=each["fields"],
                parent=Name.of(each["parent"]) if "parent" in each else None,
                id=each.get("id"),
                renamed_from=Name.of(each["was"]) if "was" in each else None,
            )
            for each in content["entries"]
        )
        deletions = (
            Deletion(Name.of(each["entry"]), tuple(map(Name.of, each["children"]))) for each in content["delete"]
        )
        return cls(tuple(entries), tuple(deletions))


def is_same_id(one: object, other: object) -> bool:
    """Compare two ids by their text in a path: 5 equals "5"."""
    return one is not None and other is not None and str(one) == str(other)


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
