"""Reading a stream batch again that its consumer could not finish. The stream keeps rows for a day."""

from collections.abc import Iterator
from typing import Any

from pressroom.platform import config

_MOST_PAGES = 20
"""How many pages of a shard are read at most; pages in the middle of a shard may be empty."""


def inserted(batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the inserted rows of a failed stream batch (`DDBStreamBatchInfo`). Raises EOFError if rows are gone."""
    streams = config.client("dynamodbstreams")
    last = int(batch["endSequenceNumber"])
    iterator = streams.get_shard_iterator(
        StreamArn=batch["streamArn"],
        ShardId=batch["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=batch["startSequenceNumber"],
    )["ShardIterator"]
    for _ in range(_MOST_PAGES):
        page = streams.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return
            if record["eventName"] == "INSERT":  # this read has no filter
                yield record["dynamodb"]["NewImage"]
            if record["dynamodb"]["SequenceNumber"] == batch["endSequenceNumber"]:
                return
        iterator = page.get("NextShardIterator")
        if not iterator:
            break
    raise EOFError("the failed rows were not all found in the stream")
