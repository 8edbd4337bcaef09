"""moto (5.2.5) as it is, in half the time: most of the integration tests' time is spent in it.

Four things of it are done in another way, with the same results: an attribute's value is looked for under a dozen
names that it can't have; each entry of a transaction copies the whole table, its stream included, for a rollback;
values are converted each time they are compared; and each look sorts the whole table by comparing them.
"""

import copy
import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest import mock

from moto.core.serialize import ResponseSerializer
from moto.dynamodb import models
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

type Method = Callable[..., Any]


def install() -> None:
    """Let moto be quick from now on."""
    for owner, name, quicker in (
        (ResponseSerializer, "get_value", _looked_up),
        (DynamoType, "__eq__", _compared(operator.eq)),
        (DynamoType, "__ne__", _compared(operator.ne)),
        (Table, "all_items", _sorted),
        (models.DynamoDBBackend, "transact_write_items", _copied_once),
    ):
        setattr(owner, name, quicker(getattr(owner, name)))


def _looked_up(slow: Method) -> Method:
    def get_value(serializer: Any, value: Any, key: str, shape: Any) -> Any:
        if type(value) is dict and getattr(shape, "parent", shape).name == "AttributeValue":
            return value.get(key)
        return slow(serializer, value, key, shape)

    return get_value


def _compared(compare: Method) -> Callable[[Method], Method]:
    def quicker(slow: Method) -> Method:
        def compared(this: DynamoType, other: DynamoType) -> Any:
            return compare(this.value, other.value) if this.type == other.type == "S" else slow(this, other)

        return compared

    return quicker


def _sorted(slow: Method) -> Method:
    def all_items(table: Any) -> Any:
        if table.range_key_attr or table.hash_key_type != "S":
            return slow(table)
        return sorted(table.items.values(), key=lambda item: item.hash_key.value)

    return all_items


def _copied_once(slow: Method) -> Method:
    def transact_write_items(backend: Any, entries: list[dict[str, Any]]) -> None:
        copies: dict[int, Table] = {}

        def deepcopy(value: Any) -> Any:
            if not isinstance(value, Table):
                return copy.deepcopy(value)
            if id(value) not in copies:
                copies[id(value)] = _snapshot(value)
            return copies[id(value)]

        with mock.patch.object(models, "copy", SimpleNamespace(deepcopy=deepcopy)):
            slow(backend, entries)

    return transact_write_items


def _snapshot(table: Table) -> Table:
    """A table as it is now: its rows, which are changed in place, and its stream, whose records are not."""
    snapshot = copy.copy(table)
    snapshot.items = copy.deepcopy(table.items)
    if table.stream_shard:
        snapshot.stream_shard = copy.copy(table.stream_shard)
        snapshot.stream_shard.items = list(table.stream_shard.items)
        snapshot.stream_shard.table = snapshot
    return snapshot
