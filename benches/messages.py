"""The messages of the benchmarks: samples, and orders built from them."""

import json
import random
from datetime import datetime
from typing import Any

from local.settings import ROOT

CARTS = {
    "camaloon_line": ("camaloon",),
    "oms_line": ("oms",),
    "mixed_cart_of_ten": (*["camaloon"] * 4, *["oms"] * 4, *["printful"] * 2),
}
"""The printers of an order's lines. Printful's lines are only followed."""
LINES = {"camaloon": 0, "oms": 1, "printful": 2, "cloudprinter": 0}
"""The index of each printer's line in the sample `order_paid__mixed_cart`."""


def cart(printers: tuple[str, ...], order_id: int) -> bytes:
    """Return a paid order with a line for each of the printers; all lines are different."""
    body = read_sample("storefront/order_paid__mixed_cart") | {"id": order_id}
    known, lines = body["line_items"], list[dict[str, Any]]()
    different = random.Random(order_id)  # noqa: S311 - the same each time
    for number, printer in enumerate(printers, start=1):
        line = known[LINES[printer]]
        sku = f"CP-{line['sku']}" if printer == "cloudprinter" else line["sku"]
        line = line | {"id": number, "sku": f"{sku}-{different.randbytes(4).hex()}"}
        if design := line.get("personalization"):
            name = different.randbytes(8).hex()
            line["personalization"] = design | {
                "template_config": design["template_config"].replace("L%C3%B6rdag", name),
                "thumbnails": [each.replace("2d90", name) for each in design["thumbnails"]],
            }
        lines.append(line)
    return write(body | {"line_items": lines})


def read_sample(sample: str) -> Any:
    return json.loads((ROOT / "events" / f"{sample}.json").read_text())


def write(body: Any) -> bytes:
    return json.dumps(body, indent=2, ensure_ascii=False).encode()


def queue_event(message: str, now: datetime) -> dict[str, Any]:
    """Return the event with which a queue invokes its function."""
    record = {
        "messageId": "1",
        "receiptHandle": "1",
        "body": message,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(int(now.timestamp() * 1000)),
            "MessageGroupId": "1",
        },
        "eventSource": "aws:sqs",
    }
    return {"Records": [record]}
