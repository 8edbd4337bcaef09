"""DynamoDB's capacity units by AWS's published rules, from the rows before and after a call.

The emulators do not report them correctly: moto returns 1 for every write, ministack 1 for every read.

- A row's size is that of its attributes' names and values: names and text in UTF-8, binary unchanged, numbers 1 byte
  per two digits plus 1, booleans 1, sets the sum of their elements, lists and maps 3 plus 1 per element.
- A write costs 1 unit per started KB of the larger of the row before and after; twice that in a transaction.
- An index entry costs units only if it changes: 1 per started KB to add or remove it, and both if its key changes. In
  a transaction this is not doubled, because indexes are updated later.
- A write whose condition fails costs as much as the existing row, at least 1.
- A query costs what it reads, also with Select=COUNT.
- A strongly consistent read costs 1 unit per started 4 KB, at least 1, also for a missing row; an eventually
  consistent read costs half. In a batch, each row is rounded up separately.
"""

import math
from collections.abc import Iterable
from typing import Any

type Item = dict[str, Any]

_LARGEST_ENTRY = 200
"""Assumed bytes of an index entry that was only counted: its three keys, with our longest ids."""


def size(item: Item) -> int:
    """Return the bytes of a row, or of an index entry."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(attribute: Item) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "B":
            return len(value)
        case "N":
            return (len(value.strip("-").replace(".", "")) + 1) // 2 + 1
        case "SS":
            return sum(len(each.encode()) for each in value)
        case "L":
            return 3 + sum(1 + _value_size(each) for each in value)
        case "M":
            return 3 + size(value) + len(value)
        case "BOOL" | "NULL":
            return 1
    raise ValueError(f"the size of the type {kind} is not implemented")


def write(before: Item | None, after: Item | None, indexes: Iterable[Item], *, transaction: bool = False) -> int:
    """Return the write units of changing one row. `indexes` are the table's GlobalSecondaryIndexes."""
    row = _started_kb(max(size(before or {}), size(after or {})))
    return row * (2 if transaction else 1) + sum(_index_write(before, after, index) for index in indexes)


def read(item: Item | None, *, consistent: bool) -> float:
    """Return the read units of reading one row by its key."""
    return max(1, math.ceil(size(item or {}) / 4096)) * (1 if consistent else 0.5)


def query(answer: Item, index: Item) -> float:
    """Return the read units of a query of an index, from the entries that it returned or counted."""
    if "Items" not in answer:
        return max(1, math.ceil(int(answer["Count"]) * _LARGEST_ENTRY / 4096)) * 0.5
    return max(1, math.ceil(sum(size(_entry(item, index) or {}) for item in answer["Items"]) / 4096)) * 0.5


def _index_write(before: Item | None, after: Item | None, index: Item) -> int:
    entries = [_entry(item or {}, index) for item in (before, after)]
    return 0 if entries[0] == entries[1] else sum(_started_kb(size(entry)) for entry in entries if entry)


def _entry(item: Item, index: Item) -> Item | None:
    if index["Projection"]["ProjectionType"] != "KEYS_ONLY":
        raise NotImplementedError("only indexes with KEYS_ONLY are supported")
    keys = [key["AttributeName"] for key in index["KeySchema"]]
    return {name: item[name] for name in (*keys, "pk")} if item.keys() >= set(keys) else None


def _started_kb(size: int) -> int:
    return max(1, math.ceil(size / 1024))
