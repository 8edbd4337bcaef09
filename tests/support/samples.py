"""The sample messages of events/, and the personal data in them."""

import json
from typing import Any

from tests.support.template import ROOT

PERSONAL = (
    *("Marta", "Soler", "marta.soler", "Carrer de la Llum", "600 000 001", "Filles"),
    *("Nora", "Lindqvist", "Storgatan", "lgh 1203", "+46700000002", "114 51"),
)
"""The personal data in the sample orders: it may be in the table, and nowhere else."""


def sample(name: str) -> Any:
    """A message of events/, such as `camaloon/shipment_sent`."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


def body(content: object) -> bytes:
    return json.dumps(content).encode()


def order(**changes: Any) -> Any:
    """The sample's paid order with some fields changed; a value of None removes the field."""
    changed = sample("storefront/order_paid") | changes
    return {name: value for name, value in changed.items() if value is not None}


def shipment(*lines: tuple[str, int], order_id: object = 1001, tracking: object = "T1") -> dict[str, Any]:
    """A parcel of Camaloon's."""
    return {
        "order_id": order_id,
        "tracking_number": tracking,
        "tracking_url": f"https://track.carrier.example/{tracking}" if tracking else "",
        "notify_customer": True,
        "line_items": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
    }


SEVERAL = "storefront/order_paid__several_printers"
"""The sample order 1002: line 1 is Camaloon's, 2 Cloudprinter's, 3 and 4 Printful's, by RULES."""
RULES = "CP-*=cloudprinter,PF-*=printful"

BADGE, TOTE = "063e8da93379f8c1aee0", "5b1f0c77a2d94e60b3c8"
"""The SKUs of the sample order: ten badges, two tote bags."""
