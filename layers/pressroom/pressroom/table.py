"""The one table: key shapes, compression and shards. Light: the receivers import it.

The only key is `pk`; every row is read by its full name:

| row                | pk                  | written by                         |
|--------------------|---------------------|------------------------------------|
| received webhook   | EVENT#<event id>    | receive/*, then its topic or park  |
| order              | ORDER#<order id>    | topics, deliver/*                  |
| outgoing delivery  | DELIVERY#<id>       | topics (with the order), deliver/* |
| replay of either   | REPLAY#<id>#<n>     | api                                |

A row inserted with a `dispatch` attribute is handed on by pump: `topic` to its Lambda, `queue` to its FIFO queue.
Two sparse indexes, keys only: `by_state` (what is in a state) and `by_created` (all orders).
"""

import hashlib
import time
import zlib
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from pressroom import config
from pressroom.errors import Conflict

SHARDS = 4
"""How many partitions an index value is spread over. Raising it needs a rewrite of the indexed rows."""

READS = 6
"""How often rows are read together before a writer that is always in between becomes an error."""
INDEXES = {"by_state": "state_key", "by_created": "created_key"}
"""The indexes and their partition keys; `state_at` sorts both."""

type Item = dict[str, Any]


def name() -> str:
    """Return the table's name."""
    return config.setting("TABLE_NAME")


def pk(kind: str, identity: str) -> Item:
    """Return the primary key of a row."""
    return {"pk": {"S": f"{kind}#{identity}"}}


def identity_of(item: Item) -> str:
    """Return what stands behind the kind in a row's key."""
    return str(item["pk"]["S"]).partition("#")[2]


def shard(identity: str) -> int:
    """Return the partition that a row's index entry goes to."""
    return zlib.crc32(identity.encode()) % SHARDS


def state_index(kind: str, state: str, identity: str, at: str) -> Item:
    """Return the attributes that list a row under its state in `by_state`; `at` orders it, the id breaks ties."""
    return {"state_key": {"S": f"{kind}#{state}#{shard(identity)}"}, "state_at": {"S": f"{at}#{identity}"}}


def pack(content: bytes) -> Item:
    """Compress a payload into a binary attribute."""
    return {"B": zlib.compress(content)}


def unpack(attribute: Item) -> bytes:
    """Return the payload of a binary attribute made by `pack`."""
    return zlib.decompress(attribute["B"])


def digest(*parts: str) -> str:
    """Hash what identifies something into 32 hex digits, keeping the parts apart."""
    sha = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        sha.update(len(content).to_bytes(8) + content)
    return sha.hexdigest()[:32]


def get(kind: str, identity: str) -> Item | None:
    """Read one row, strongly consistent."""
    answer = config.client("dynamodb").get_item(TableName=name(), Key=pk(kind, identity), ConsistentRead=True)
    item: Item | None = answer.get("Item")
    return item


def is_condition_failure(error: ClientError) -> bool:
    """Tell whether a write failed because its condition did not hold."""
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def cancellations(error: ClientError) -> set[str]:
    """Return why a transaction was canceled: its failed operations' codes; none for any other error."""
    return {reason["Code"] for reason in error.response.get("CancellationReasons", [])} - {"None"}


def change(
    kind: str,
    identity: str,
    *,
    assign: Item,
    drop: Iterable[str] = (),
    condition: str = "attribute_exists(pk)",
    given: Item | None = None,
) -> Item:
    """Return the arguments of an update of one row, for `update_item` or inside a transaction.

    Every name goes through a placeholder, so no attribute has to fear a reserved word. In `condition`, `#name` is an
    attribute that is assigned or dropped, `:name` the value assigned to it, or one of `given`.
    """
    drop = tuple(drop)
    expression = "SET " + ", ".join(f"#{key} = :{key}" for key in assign)
    if drop:
        expression += " REMOVE " + ", ".join(f"#{key}" for key in drop)
    return {
        "TableName": name(),
        "Key": pk(kind, identity),
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#{key}": key for key in (*assign, *drop)},
        "ExpressionAttributeValues": {f":{key}": value for key, value in (assign | (given or {})).items()},
    }


def update(kind: str, identity: str, *, assign: Item, drop: Iterable[str] = ()) -> bool:
    """Change one row; return False if it does not exist."""
    try:
        config.client("dynamodb").update_item(**change(kind, identity, assign=assign, drop=drop))
    except ClientError as error:
        if not is_condition_failure(error):
            raise
        return False
    return True


def get_many(kind: str, identities: Iterable[str]) -> list[Item]:
    """Read up to 100 rows in one call, in no particular order; those that don't exist are left out."""
    keys = [pk(kind, identity) for identity in identities]
    items: list[Item] = []
    while keys:
        answer = config.client("dynamodb").batch_get_item(RequestItems={name(): {"Keys": keys, "ConsistentRead": True}})
        items += answer["Responses"][name()]
        keys = answer.get("UnprocessedKeys", {}).get(name(), {}).get("Keys", [])
    return items


def get_together(keys: Iterable[tuple[str, str]]) -> list[Item | None]:
    """Read up to 100 rows, of (kind, id), as they stood at one moment; None for those that don't exist."""
    gets = [{"Get": {"TableName": name(), "Key": pk(kind, identity)}} for kind, identity in keys]
    for attempt in range(READS):
        try:
            answer = config.client("dynamodb").transact_get_items(TransactItems=gets)
            return [response.get("Item") for response in answer["Responses"]]
        except ClientError as error:
            if cancellations(error) != {"TransactionConflict"}:
                raise
        time.sleep(0.02 * 2**attempt)  # one of the rows is being written at this very moment
    raise Conflict(f"the rows were being written {READS} times in a row")


def newest(index: str, partition: str, *, limit: int, before: str = "") -> tuple[list[str], str | None]:
    """List the ids in one value of an index, newest first: `limit` at most, and where to go on, if there is more.

    `index` is `by_state` (its partitions are `KIND#state`) or `by_created` (`KIND`). One query per shard, of keys
    only, so the cost is bounded by `limit` and not by the table.
    """
    found: list[str] = []
    for number in range(SHARDS):
        condition, values = f"{INDEXES[index]} = :partition", {":partition": {"S": f"{partition}#{number}"}}
        if before:
            condition, values = condition + " AND state_at < :before", values | {":before": {"S": before}}
        answer = config.client("dynamodb").query(
            TableName=name(),
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
            Limit=limit + 1,
        )
        found += [item["state_at"]["S"] for item in answer["Items"]]
    found.sort(reverse=True)
    page = found[:limit]
    return [at.partition("#")[2] for at in page], page[-1] if len(found) > limit else None
