"""Patches that make moto (5.2.5) twice as fast; the integration tests spend most of their time in it.

They replace four slow parts, with the same results: moto tries a dozen names for an attribute's value; it copies the
whole table, including its stream, for each entry of a transaction; it converts values in each comparison; and it sorts
the whole table on each read.
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
    """Install the patches."""
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
    """Copy a table: its rows deeply, since moto changes them in place, and the list of its stream's records."""
    snapshot = copy.copy(table)
    snapshot.items = copy.deepcopy(table.items)
    if table.stream_shard:
        snapshot.stream_shard = copy.copy(table.stream_shard)
        snapshot.stream_shard.items = list(table.stream_shard.items)
        snapshot.stream_shard.table = snapshot
    return snapshot
