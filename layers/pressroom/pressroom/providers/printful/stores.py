"""Which stores at Printful are ours. A message of another store is parked, and applied once a person says it is ours.

Printful has one URL per store, and nothing keeps two stores from having the same one (Printful webhooks v1). Both count
their orders from the same numbers, so a parcel of the other store would be reported to our customer. The stores that
the parameters name are ours; without any, the stores of the first message that names one; and those that a person
accepted. A message names its store in the envelope and in the order. The two may differ, or be 0 (field notes), so a
message is foreign only if it names a store, and none of the named ones is ours. Light: the monitor reads this too.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

from pressroom.platform import config, table
from pressroom.platform.errors import Foreign
from pressroom.platform.times import iso

KIND, FOREIGN = "STORE", "foreign"
KEPT_FOR = timedelta(days=45)
MOST = 100
_SETTING = ("SETTING", "printful_stores")
_ERROR = "from a store at Printful that is not yours: "


class NamesStores(Protocol):
    """A message that may name stores."""

    def stores(self) -> set[str]:
        """Return the ids of the stores that it names."""


def check(message: NamesStores) -> None:
    """Raise Foreign, with the ids of its stores, if a message is not about a store of ours.

    The store that the first message named is kept in the function, so its messages cost no call. One that a person
    accepted can be removed, so it is read each time.
    """
    stores = message.stores()
    if not stores or stores & (known() | configured()):
        return
    learned, accepted = _learned(stores)
    known().update(learned)
    if stores & (learned | accepted):
        return
    for store in stores:
        _note(store, config.utcnow())
    raise Foreign(_ERROR + ", ".join(sorted(stores)))


def configured() -> set[str]:
    """Return the stores that the parameters name; PrintfulStoreId, which the API token is used for, is one of them."""
    listed = f"{config.setting('PRINTFUL_STORES')},{config.setting('PRINTFUL_STORE_ID')}".split(",")
    return {store.strip() for store in listed if store.strip()}


def ours() -> set[str]:
    """Return our stores. What was learned from a first message counts only while no parameter names a store."""
    learned, accepted = _ours()
    return learned | accepted


def accept(store: str) -> None:
    """Record that a store is ours too. Its parked messages are the caller's to replay."""
    config.client("dynamodb").update_item(
        TableName=table.name(),
        Key=table.pk(*_SETTING),
        UpdateExpression="ADD accepted :store",
        ExpressionAttributeValues={":store": {"SS": [store]}},
    )
    table.update(KIND, store, assign={"accepted": {"BOOL": True}}, drop=("state_key", "state_at"))


def removable() -> set[str]:
    """Return the stores that are ours only because a person accepted them."""
    learned, accepted = _ours()
    return accepted - learned


def remove(store: str) -> None:
    """Take back that a store was accepted. What was applied stays."""
    config.client("dynamodb").update_item(
        TableName=table.name(),
        Key=table.pk(*_SETTING),
        UpdateExpression="DELETE accepted :store",
        ExpressionAttributeValues={":store": {"SS": [store]}},
    )


def foreign() -> Iterator[tuple[str, str]]:
    """Yield the stores that are not ours but whose messages came: the id, and when the last one came."""
    not_foreign = ours()
    places, _ = table.positions("by_state", [f"{KIND}#{FOREIGN}"], limit=MOST)
    for place in sorted(places, key=table.id_at):
        if table.id_at(place) not in not_foreign:
            yield table.id_at(place), table.time_at(place)


def is_of(store: str, error: str | None) -> bool:
    """Return whether an event was parked with this error because it is of this store."""
    text = error or ""
    return text.startswith(_ERROR) and store in text.removeprefix(_ERROR).split(", ")


@cache
def known() -> set[str]:
    """Return the stores that this function has read to be ours for good; `check` adds to them."""
    return set()


def _ours() -> tuple[set[str], set[str]]:
    """Return our stores that nobody had to accept, and those that a person accepted."""
    row = table.get(*_SETTING) or {}
    return configured() or _set(row, "first"), _set(row, "accepted")


def _learned(stores: set[str]) -> tuple[set[str], set[str]]:
    """Return our stores as `_ours` does; if none is known yet, these are ours from now on."""
    learned, accepted = _ours()
    if learned or accepted:
        return learned, accepted
    condition = "attribute_not_exists(#first) AND attribute_not_exists(accepted)"
    if table.update(*_SETTING, assign={"first": {"SS": sorted(stores)}}, condition=condition):
        return stores, set()
    return _ours()  # another message was first


def _note(store: str, now: datetime) -> None:
    row = table.pk(KIND, store) | table.state_index(KIND, FOREIGN, store, iso(now)) | table.until(now + KEPT_FOR)
    config.client("dynamodb").put_item(TableName=table.name(), Item=row)


def _set(row: table.Item, name: str) -> set[str]:
    return set(row.get(name, {}).get("SS", ()))
