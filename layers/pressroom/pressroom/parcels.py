"""What makes a parcel this parcel. Light: the receivers import it, so that an event and its parcel agree."""

from collections.abc import Iterable

from pressroom.table import digest
from pressroom.wire import canonical


def camaloon_parcel(tracking_number: object, tracking_url: object, lines: Iterable[tuple[object, object]]) -> str:
    """Name a parcel of Camaloon's, which carries no id: by its tracking and its contents, whatever their order.

    Without a tracking number, the URL is the only thing that tells it from another with the same contents. Numbers
    and numerals are the same: field notes, "Camaloon".
    """
    tracking = str(tracking_number or tracking_url or "").strip()
    return digest("camaloon", tracking, *sorted(canonical([str(sku), str(pieces)]) for sku, pieces in lines))[:16]
