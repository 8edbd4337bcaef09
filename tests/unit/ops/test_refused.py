"""Why genuine messages were refused, in a merchant's words."""

import pytest

from pressroom.ops.refused import sentence


@pytest.mark.parametrize(
    ("reason", "number", "text"),
    [
        (
            "storefront order_paid line_items[].quantity: greater than equal",
            3,
            "3 paid orders from the shop were refused: `line_items[].quantity` is too small.",
        ),
        (
            "storefront order_updated shipping_info.city: string too short",
            1,
            "1 order update from the shop was refused: `shipping_info.city` is empty.",
        ),
        (
            "storefront order_canceled id: like a printer's record",
            1,
            "1 cancellation from the shop was refused: `id` begins like the id of a printer's own record.",
        ),
        (
            "storefront order_paid currency: value error",
            1,
            "1 paid order from the shop was refused: `currency` is not valid.",
        ),
        (
            "storefront X-CAMALOON-TOPIC: missing",
            2,
            "2 messages from the shop were refused: `X-CAMALOON-TOPIC` is missing.",
        ),
        (
            "storefront body: not a JSON object",
            1,
            "1 message from the shop was refused: the body is not a JSON object.",
        ),
        ("camaloon body: too large", 2, "2 messages from Camaloon were refused: the body is too large."),
        ("cloudprinter type: missing", 1, "1 message from Cloudprinter was refused: `type` is missing."),
        ("printful body: invalid", 1, "1 message from Printful was refused: the body is not valid."),
    ],
)
def test_a_reason_is_a_sentence(reason: str, number: int, text: str) -> None:
    assert sentence(reason, number) == text
