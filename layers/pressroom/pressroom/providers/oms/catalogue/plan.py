"""The plan of a push: the order of its steps, and the errors of a merchant's file as a whole. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pressroom.providers.oms.catalogue.compare import MAY_EXIST, not_empty
from pressroom.providers.oms.catalogue.entries import (
    PARENT_KEYS,
    PARENTS,
    PATHS,
    Deletion,
    Entry,
    Name,
    Work,
    is_same_id,
)
from pressroom.providers.oms.catalogue.file import Fault, File, is_key
from pressroom.providers.oms.catalogue.rows import Row, State
from pressroom.providers.oms.client import Id


def candidates(text: str) -> list[Name]:
    """Return the names that a typed text may mean: `products/mug` means one, `mug` one in each list."""
    kind, slash, key = text.rpartition("/")
    return [Name(each, key) for each in ((kind,) if slash else PATHS) if each in PATHS and is_key(key)]


def plan(file: File, delete: Iterable[str], rows: Mapping[Name, Row]) -> tuple[Work, list[Fault]]:
    """Put the entries in the order in which they can be sent, and return all errors of the catalogue as a whole.

    `rows` holds all known entries: a reference may lead to an entry outside the file, and an entry that still
    contains others is not deleted. If there is an error, the work is empty.
    """
    deleted, faults = _deleted_names(delete, file, rows)
    entries, wrong_ids = _with_previous_names(file, rows)
    parents = _parents(entries, rows)
    faults += [*wrong_ids, *_wrong_references(file, deleted, rows), *_cycles(entries, parents, file)]
    if faults:
        return Work(), faults  # the next steps follow the references, which must have no cycle
    deletions, faults = _deletions(deleted, entries, rows)
    kinds = list(PATHS)

    def order(step: Entry | Deletion) -> tuple[int, int]:
        return kinds.index(step.name.kind), len(list(_ancestors(step.name, parents)))

    return Work(tuple(sorted(entries, key=order)), tuple(sorted(deletions, key=order, reverse=True))), faults


def _deleted_names(delete: Iterable[str], file: File, rows: Mapping[Name, Row]) -> tuple[list[Name], list[Fault]]:
    """Find the entries to delete. A key without its list is enough if only one known entry has it."""
    names, faults = dict[Name, None](), list[Fault]()
    for text in delete:
        known = [name for name in candidates(text) if name in rows]
        known = [name for name in known if rows[name].state is not State.ABSENT] or known[:1]
        wrong = None
        if not known:
            wrong = "no entry with this key was ever pushed"
        elif len(known) > 1:
            wrong = f"is ambiguous: {', '.join(map(str, known))}"
        elif known[0] in file.places:
            wrong = f"is also in the file: {file.places[known[0]]}"
        elif rows[known[0]].is_uncertain():
            wrong = MAY_EXIST
        if wrong:
            faults.append((f"delete {text}", wrong))
        else:
            names[known[0]] = None
    return list(names), faults


def _with_previous_names(file: File, rows: Mapping[Name, Row]) -> tuple[list[Entry], list[Fault]]:
    """Add to each entry that gives its id the name that has this id now. That name must not be in the file, too."""
    holders = {(name.kind, str(row.id)): name for name, row in rows.items() if row.id is not None}
    entries, faults, taken = list[Entry](), list[Fault](), dict[tuple[str, str], Name]()
    for entry in file.entries:
        renamed_from = None
        if entry.id is not None:
            named = (entry.name.kind, str(entry.id))
            holder = taken.get(named) or holders.get(named, entry.name)
            taken.setdefault(named, entry.name)
            if holder != entry.name and holder in file.places:
                faults.append((f"{file.places[entry.name]}.id", f"is the id of {holder}"))
            elif holder != entry.name:
                renamed_from = holder
        entries.append(replace(entry, renamed_from=renamed_from))
    return entries, faults


def _parents(entries: Iterable[Entry], rows: Mapping[Name, Row]) -> dict[Name, Name]:
    """Return the parent of each entry after the push. A reference that the file does not change stays as it is."""
    by_id = {(name.kind, str(row.id)): name for name, row in rows.items() if row.id is not None}
    by_id |= {(each.name.kind, str(each.id)): each.name for each in entries if each.id is not None}
    ids = {name: row.pushed.get(name.parent_id_field) for name, row in rows.items()}
    ids |= {
        each.name: each.fields[each.name.parent_id_field]
        for each in entries
        if each.name.parent_id_field in each.fields
    }
    parents = {name: by_id.get((PARENTS[name.kind], str(identity))) for name, identity in ids.items()}
    parents |= {each.name: each.parent for each in entries if each.parent}
    return {name: parent for name, parent in parents.items() if parent}


def _ancestors(name: Name, parents: Mapping[Name, Name]) -> Iterator[Name]:
    """Yield the parents of an entry up to the top; a cycle is followed once."""
    passed = set[Name]()
    while name in parents and name not in passed:
        passed.add(name)
        name = parents[name]
        yield name


def _wrong_references(file: File, deleted: Iterable[Name], rows: Mapping[Name, Row]) -> Iterator[Fault]:
    for entry in file.entries:
        if not (parent := entry.parent) or parent in file.places:
            continue
        place = f"{file.places[entry.name]}.{PARENT_KEYS[entry.name.kind]}"
        if parent in deleted:
            yield place, f"{parent} is deleted by the same push"
        elif parent not in rows or rows[parent].id is None:
            yield place, f"{parent} is neither in the file nor was it pushed before"


def _cycles(entries: Iterable[Entry], parents: Mapping[Name, Name], file: File) -> Iterator[Fault]:
    reported = set[Name]()
    for entry in entries:
        ancestors = list(_ancestors(entry.name, parents))
        if entry.name in ancestors and entry.name not in reported:
            cycle = ancestors[: ancestors.index(entry.name)]
            reported.update((entry.name, *cycle))
            place = f"{file.places[entry.name]}.{PARENT_KEYS[entry.name.kind]}"
            yield place, f"is a cycle: {' in '.join(map(str, (entry.name, *cycle, entry.name)))}"


def _deletions(
    names: list[Name], entries: Iterable[Entry], rows: Mapping[Name, Row]
) -> tuple[list[Deletion], list[Fault]]:
    """Return the deletions with the known children of each, and an error for each that would still contain some."""
    wanted, faults, deletions = {each.name: each for each in entries}, list[Fault](), list[Deletion]()
    for name in names:
        parent = rows[name].id
        of_kind = [each for each in (*rows, *wanted) if PARENTS[each.kind] == name.kind]
        children = [each for each in dict.fromkeys(of_kind) if each in rows and rows[each].is_in(parent)]
        added = [each for each in of_kind if each in wanted and _refers_to(wanted[each], parent)]
        moved = {each for each in children if each in wanted and _has_parent(wanted[each])}
        kept = [each for each in children if each not in names and each not in moved]
        if remaining := list(dict.fromkeys(map(str, (*kept, *added)))):
            faults.append((f"delete {name}", not_empty(remaining)))
        deletions.append(Deletion(name, tuple(children)))
    return deletions, faults


def _has_parent(entry: Entry) -> bool:
    return entry.parent is not None or entry.name.parent_id_field in entry.fields


def _refers_to(entry: Entry, parent: Id | None) -> bool:
    return is_same_id(entry.fields.get(entry.name.parent_id_field), parent)
