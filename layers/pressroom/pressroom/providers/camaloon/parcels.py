"""What makes a parcel this parcel. Light: the receivers import it, so that an event and its parcel agree."""

from collections import Counter
from collections.abc import Iterable

from pressroom.platform.table import digest
from pressroom.platform.wire import canonical, pieces


def camaloon_parcel(tracking_number: object, tracking_url: object, lines: Iterable[tuple[object, object]]) -> str:
    """Name a parcel of Camaloon's, which carries no id: by its tracking and its contents, however they are listed.

    Without a tracking number (or with 0), the URL is the only thing that tells it from another with the same contents.
    Two that have neither can't be told from one that is reported twice.
    """
    texts = (str(each).strip() for each in (tracking_number, tracking_url) if each is not None)
    tracking = next((text for text in texts if text not in ("", "0")), "")
    contents = Counter[str]()
    for sku, quantity in lines:
        contents[str(sku)] += pieces(quantity)
    return digest("camaloon", tracking, canonical(contents))[:16]
