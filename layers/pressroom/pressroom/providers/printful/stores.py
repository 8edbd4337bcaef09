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
KNOWN_FOR = timedelta(hours=1)
"""How long a function applies the messages of a store without reading again whether it is ours."""
MOST = 100
_SETTING = ("SETTING", "printful_stores")
_ERROR = "from a store at Printful that is not yours: "


class NamesStores(Protocol):
    """A message that may name stores."""

    def stores(self) -> set[str]:
        """Return the ids of the stores that it names."""


def check(message: NamesStores) -> None:
    """Raise Foreign, with the ids of its stores, if a message is not about a store of ours.

    The known stores are kept in the function for a while, so a message of a known store costs no call.
    """
    stores, now = message.stores(), config.utcnow()
    if not stores or stores & configured() or any(now < known().get(store, now) for store in stores):
        return
    ours = _learned(stores)
    known().update(dict.fromkeys(ours, now + KNOWN_FOR))
    if stores & ours:
        return
    for store in stores:
        _note(store, now)
    raise Foreign(_ERROR + ", ".join(sorted(stores)))


def configured() -> set[str]:
    """Return the stores that the parameters name; PrintfulStoreId, which the API token is used for, is one of them."""
    listed = f"{config.setting('PRINTFUL_STORES')},{config.setting('PRINTFUL_STORE_ID')}".split(",")
    return {store.strip() for store in listed if store.strip()}


def ours() -> set[str]:
    """Return our stores. What was learned from a first message counts only while no parameter names a store."""
    row = table.get(*_SETTING) or {}
    return (configured() or _set(row, "first")) | _set(row, "accepted")


def accept(store: str) -> None:
    """Record that a store is ours too. Its parked messages are the caller's to replay."""
    config.client("dynamodb").update_item(
        TableName=table.name(),
        Key=table.pk(*_SETTING),
        UpdateExpression="ADD accepted :store",
        ExpressionAttributeValues={":store": {"SS": [store]}},
    )
    table.update(KIND, store, assign={"accepted": {"BOOL": True}}, drop=("state_key", "state_at"))


def accepted() -> set[str]:
    """Return the stores that a person accepted."""
    return _set(table.get(*_SETTING) or {}, "accepted")


def remove(store: str) -> None:
    """Take back that a store was accepted. What was applied stays; functions notice it within KNOWN_FOR."""
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
def known() -> dict[str, datetime]:
    """Return the stores that this function has read to be ours, and until when; `check` adds to them."""
    return {}


def _learned(stores: set[str]) -> set[str]:
    """Return our stores; if none is known yet, these are ours from now on."""
    if before := ours():
        return before
    condition = "attribute_not_exists(#first) AND attribute_not_exists(accepted)"
    if table.update(*_SETTING, assign={"first": {"SS": sorted(stores)}}, condition=condition):
        return stores
    return ours()  # another message was first


def _note(store: str, now: datetime) -> None:
    row = table.pk(KIND, store) | table.state_index(KIND, FOREIGN, store, iso(now)) | table.until(now + KEPT_FOR)
    config.client("dynamodb").put_item(TableName=table.name(), Item=row)


def _set(row: table.Item, name: str) -> set[str]:
    return set(row.get(name, {}).get("SS", ()))
