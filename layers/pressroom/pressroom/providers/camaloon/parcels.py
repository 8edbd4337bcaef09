"""The identity of a parcel. Light: the receiver imports it, so that an event and its parcel have the same identity."""

from collections import Counter
from collections.abc import Iterable

from pressroom.platform.table import digest
from pressroom.platform.wire import canonical, pieces


def parcel_id(tracking_number: object, tracking_url: object, lines: Iterable[tuple[object, object]]) -> str:
    """Return an id for a parcel of Camaloon's, which has none: from its tracking and its contents, in any order.

    If the tracking number is missing or 0, the URL takes its place. Two parcels with the same contents and without
    tracking can't be distinguished from one parcel that is reported twice.
    """
    texts = (str(each).strip() for each in (tracking_number, tracking_url) if each is not None)
    tracking = next((text for text in texts if text not in ("", "0")), "")
    contents = Counter[str]()
    for sku, quantity in lines:
        contents[str(sku)] += pieces(quantity)
    return digest("camaloon", tracking, canonical(contents))[:16]
