"""The DynamoDB table: keys of rows, compressed attributes, sharded indexes. Light: the receivers import it.

The only key is `pk`; every row is read by its full key:

| row                | pk                      | written by                           |
|--------------------|-------------------------|--------------------------------------|
| received webhook   | EVENT#<event id>        | receive/*; pump or park, if it fails |
| processed webhook  | DONE#<event id>         | its topic, once it is processed      |
| order              | ORDER#<order id>        | topics, deliver/*                    |
| outgoing delivery  | DELIVERY#<id>           | topics (with the order), deliver/*   |
| next in its lane   | TURN#<delivery>#<end>   | deliver/oms or park, as another ends |
| manual action      | ACTION#<id>             | api; pump forwards a replay          |
| bulk replay        | JOB#<id>                | api, replays                         |
| search for orders  | FIND#<kind>/<digest>    | the writer of the order, before it   |
| refused webhooks   | REFUSED#<provider>/<…>  | receive/camaloon                     |
| genuine ones       | REFUSED#genuine/<day>   | receive/*                            |
| parcel without     | UNTRACKED#<id>          | the writer of the order, with it;    |
| tracking           |                         | untracked                            |
| product of a shop  | PRODUCT#<id>            | printful.product_*                   |
| product's stock    | STOCK#<product>         | printful.stock_updated               |
| order by a product | WATCH#<product>#<order> | topics of Printful, before the order |
| store at Printful  | STORE#<store>           | topics of Printful, if it is foreign |
| that is not ours   |                         |                                      |
| drift of a topic   | DRIFT#<topic>           | topics                               |
| a setting          | SETTING#<name>          | printful_webhook, deliver/storefront |
| health conditions  | SETTING#monitor         | monitor                              |
| print files to     | POLL#<key>              | deliver/oms, oms.print_file_ready,   |
| poll               |                         | print_files                          |
| item for a batch   | READY#<item id>         | print_files; batches, api            |
| batch              | BATCH#<id>              | batches, api; deliver/oms            |
| catalogue entry    | CATALOGUE#<kinds>/<key> | catalogue, deliver/oms               |
| latest catalogue   | CATALOGUE#push          | catalogue, deliver/oms               |
| push               |                         |                                      |

pump forwards a row that is inserted with a `dispatch` attribute: `topic` to its Lambda, `queue` to its FIFO queue,
`poll` to the queue of the print files. There are three sparse indexes with keys only: `by_state` (rows by their state),
`by_created` (all orders, batches, received webhooks by provider, refusals, and manual actions) and `by_attention`
(orders that need attention, and webhooks that were authenticated by a previous secret).
"""

import hashlib
import time
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, cast

from botocore.exceptions import ClientError

from pressroom.platform import config
from pressroom.platform.errors import Conflict

SHARDS = 4
"""Over how many partitions of an index the rows of one state are spread. To raise it, rewrite all indexed rows."""

PAGE = 1_000
"""How many entries one query returns when a whole index is read."""
READS = 6
"""How often `get_together` reads before it raises Conflict, while other writers change the rows."""
INDEXES = {"by_state": "state_key", "by_created": "created_key", "by_attention": "attention_key"}
"""The indexes and their partition keys; `state_at` sorts them all."""

type Item = dict[str, Any]


def name() -> str:
    """Return the table's name."""
    return config.setting("TABLE_NAME")


def pk(kind: str, identity: str) -> Item:
    """Return the primary key of a row."""
    return {"pk": {"S": f"{kind}#{identity}"}}


def identity_of(item: Item) -> str:
    """Return the id in a row's key: the part after the kind."""
    return str(item["pk"]["S"]).partition("#")[2]


def shard(identity: str) -> int:
    """Return the number of the partition that holds a row's index entry."""
    return zlib.crc32(identity.encode()) % SHARDS


def state_index(kind: str, state: str, identity: str, at: str) -> Item:
    """Return the attributes that list a row under its state in `by_state`; it is sorted by `at`, then by the id."""
    return {"state_key": {"S": f"{kind}#{state}#{shard(identity)}"}, "state_at": {"S": f"{at}#{identity}"}}


def created_index(partition: str, identity: str, at: str) -> Item:
    """Return the attributes that list a row in `by_created`; `at` is the time of its first write."""
    return {"created_key": {"S": f"{partition}#{shard(identity)}"}, "state_at": {"S": f"{at}#{identity}"}}


def pack(content: bytes) -> Item:
    """Compress a payload into a binary attribute."""
    return {"B": zlib.compress(content)}


def unpack(attribute: Item) -> bytes:
    """Return the payload of a binary attribute made by `pack`."""
    return zlib.decompress(attribute["B"])


def digest(*parts: str) -> str:
    """Hash the parts of an identity into 32 hex digits, with their lengths: (`ab`, `c`) and (`a`, `bc`) differ."""
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


def put(
    item: Item, condition: str = "attribute_not_exists(pk)", *, known: Item | None = None, old: bool = False
) -> Item | None:
    """Write a row if the condition holds; return None if it did, else the existing row (empty unless `old`).

    `:known` in the condition is the value `known`.
    """
    call: Item = {"TableName": name(), "Item": item, "ConditionExpression": condition}
    if known:
        call["ExpressionAttributeValues"] = {":known": known}
    if old:
        call["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    try:
        config.client("dynamodb").put_item(**call)
    except ClientError as error:
        if not is_condition_failure(error):
            raise
        return cast("Item", error.response.get("Item", {}))
    return None


def new(item: Item) -> Item:
    """Return the arguments of a put of a row that must not exist yet, for `put_item` or a transaction."""
    return {"TableName": name(), "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}


def until(moment: datetime) -> Item:
    """Return the attribute that lets a row expire; DynamoDB deletes it within two days."""
    return {"expires_at": {"N": str(int(moment.timestamp()))}}


def is_condition_failure(error: ClientError) -> bool:
    """Return whether a write failed because its condition did not hold."""
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def cancellations(error: ClientError) -> set[str]:
    """Return the codes of the operations that canceled a transaction; empty for any other error."""
    return {reason["Code"] for reason in error.response.get("CancellationReasons", [])} - {"None"}


def was_overtaken(error: ClientError) -> bool:
    """Return whether a write, or a transaction, failed only because another writer was first."""
    if is_condition_failure(error) or error.response["Error"]["Code"] == "TransactionConflictException":
        return True
    reasons = cancellations(error)
    return bool(reasons) and reasons <= {"ConditionalCheckFailed", "TransactionConflict"}


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

    Every name goes through a placeholder, so reserved words are allowed. In `condition`, `#name` is an
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


def update(
    kind: str,
    identity: str,
    *,
    assign: Item,
    drop: Iterable[str] = (),
    condition: str = "attribute_exists(pk)",
    given: Item | None = None,
) -> bool:
    """Change one row as `change` says; return False if it does not exist, or another condition does not hold."""
    call = change(kind, identity, assign=assign, drop=drop, condition=condition, given=given)
    try:
        config.client("dynamodb").update_item(**call)
    except ClientError as error:
        if not is_condition_failure(error):
            raise
        return False
    return True


def get_many(wanted: Iterable[tuple[str, str]]) -> list[Item]:
    """Read up to 100 rows, of (kind, id), in one call and in no particular order, without missing ones."""
    keys = [pk(kind, identity) for kind, identity in wanted]
    items: list[Item] = []
    attempt = 0
    while keys:
        if attempt:  # the table is throttled and has returned only some of the rows
            time.sleep(min(0.02 * 2**attempt, 1))
        attempt += 1
        answer = config.client("dynamodb").batch_get_item(RequestItems={name(): {"Keys": keys, "ConsistentRead": True}})
        items += answer["Responses"][name()]
        keys = answer.get("UnprocessedKeys", {}).get(name(), {}).get("Keys", [])
    return items


def get_together(keys: Iterable[tuple[str, str]]) -> list[Item | None]:
    """Read up to 100 rows, of (kind, id), as they were at one moment; None for those that don't exist."""
    gets = [{"Get": {"TableName": name(), "Key": pk(kind, identity)}} for kind, identity in keys]
    for attempt in range(READS):
        try:
            answer = config.client("dynamodb").transact_get_items(TransactItems=gets)
            return [response.get("Item") for response in answer["Responses"]]
        except ClientError as error:
            if cancellations(error) != {"TransactionConflict"}:
                raise
        time.sleep(0.02 * 2**attempt)  # another transaction is writing one of the rows
    raise Conflict(f"other transactions were writing the rows during {READS} reads")


def newest(index: str, partition: str, *, limit: int, before: str = "") -> tuple[list[str], str | None]:
    """List the ids in one partition of an index, newest first: at most `limit`; and where to continue, None at the end.

    `index` is `by_state`, whose partitions are `KIND#state`, or `by_created` or `by_attention`, whose partitions are
    `KIND`.
    """
    return _ids(*positions(index, (partition,), limit=limit, beyond=before))


def oldest(index: str, partition: str, *, limit: int, after: str = "") -> tuple[list[str], str | None]:
    """List the ids in one partition of an index as `newest` does, but oldest first."""
    return _ids(*positions(index, (partition,), limit=limit, beyond=after, newest_first=False))


def positions(
    index: str, partitions: Iterable[str], *, limit: int, beyond: str = "", newest_first: bool = True
) -> tuple[list[str], bool]:
    """List the positions (`state_at`) in some partitions of an index, sorted, and whether there are more.

    One query per partition and shard, of keys only, so the cost depends on `limit` and not on the size of the table.
    """
    found: list[str] = []
    for partition in (f"{each}#{number}" for each in partitions for number in range(SHARDS)):
        condition, values = f"{INDEXES[index]} = :partition", {":partition": {"S": partition}}
        if beyond:
            condition += f" AND state_at {'<' if newest_first else '>'} :beyond"
            values |= {":beyond": {"S": beyond}}
        answer = config.client("dynamodb").query(
            TableName=name(),
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=not newest_first,
            Limit=limit + 1,
        )
        found += [item["state_at"]["S"] for item in answer["Items"]]
    found.sort(reverse=newest_first)
    return found[:limit], len(found) > limit


def walk(index: str, partition: str, *, after: str = "", most: int) -> Iterator[str]:
    """Yield the positions in one partition of an index, oldest first, page by page: at most `most`."""
    more = True
    while more and most > 0:
        found, more = positions(index, (partition,), limit=min(PAGE, most), beyond=after, newest_first=False)
        yield from found
        after, most = found[-1] if found else after, most - len(found)


def count(index: str, partition: str, *, limit: int) -> tuple[int, bool]:
    """Count the entries in one partition of an index: at most `limit`, and whether there are more."""
    counted = 0
    for number in range(SHARDS):
        call: Item = {}
        while counted <= limit:
            answer = config.client("dynamodb").query(
                TableName=name(),
                IndexName=index,
                KeyConditionExpression=f"{INDEXES[index]} = :partition",
                ExpressionAttributeValues={":partition": {"S": f"{partition}#{number}"}},
                Select="COUNT",
                Limit=limit + 1 - counted,
                **call,
            )
            counted += answer["Count"]
            if "LastEvaluatedKey" not in answer:
                break
            call["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return min(counted, limit), counted > limit


def id_at(position: str) -> str:
    """Return the id of the row at a position in an index."""
    return position.partition("#")[2]


def time_at(position: str) -> str:
    """Return the time of a position in an index."""
    return position.partition("#")[0]


def _ids(found: list[str], more: bool) -> tuple[list[str], str | None]:
    return [id_at(each) for each in found], found[-1] if more else None
