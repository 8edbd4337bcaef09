"""The identity of a parcel. Light: the receiver imports it, so that an event and its parcel have the same identity."""

from collections import Counter
from collections.abc import Iterable

from pressroom.order.tracking import tracking_number, tracking_url
from pressroom.platform.table import digest
from pressroom.platform.wire import canonical, pieces


def parcel_id(number: object, url: object, lines: Iterable[tuple[object, object]]) -> str:
    """Return an id for a parcel of Camaloon's, which has none: from its tracking and its contents, in any order.

    If there is no tracking number (`order.tracking`), the tracking URL takes its place. A line of no pieces is nothing.
    Two parcels with the same contents and without tracking can't be distinguished from one parcel that is reported
    twice.
    """
    number, url = (None if each is None else str(each) for each in (number, url))
    contents = Counter[str]()
    for sku, quantity in lines:
        contents[str(sku)] += pieces(quantity, least=0)
    return digest("camaloon", tracking_number(number) or tracking_url(url) or "", canonical(+contents))[:16]
