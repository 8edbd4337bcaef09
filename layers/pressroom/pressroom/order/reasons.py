"""Why a person should look at an order. Each sentence stands here once; API document, console and CLI show it."""

from enum import StrEnum
from typing import Self


class Attention(StrEnum):
    """A reason for attention: its name in the record, and `sentence`, which explains it to a merchant."""

    sentence: str

    def __new__(cls, name: str, sentence: str) -> Self:
        reason = str.__new__(cls, name)
        reason._value_ = name
        reason.sentence = sentence
        return reason

    UNPAID = "unpaid", "A printer works on the order, but the shop has not reported its payment."
    PAID_TWICE = "paid_twice", "The shop reported the payment again with other contents. The first report counts."
    UNROUTABLE = "unroutable", "No routing rule matches a line, so nobody prints it. Route it by hand."
    UNKNOWN_SKU = "unknown_sku", "A printer reports an item that is not in the order, or that another printer prints."
    LINE_MISSING = "line_missing", "A line is missing from the order at its printer."
    OVER_SHIPPED = "over_shipped", "The parcels contain more pieces than were ordered."
    DELIVERY_DEAD = "delivery_dead", "A message to a printer failed for good. Fix the cause, then replay the delivery."
    SHOP_NOT_TOLD = (
        "shop_not_told",
        "A notification to the shop failed for good. Fix the cause, then replay the delivery.",
    )
    ANSWER_LOST = (
        "answer_lost",
        "A printer's answer was lost, so it may have received the order twice. Check there that it prints once.",
    )
    UID_UNKNOWN = (
        "uid_unknown",
        "The OMS has the order, but its answer with the uid was lost. Pressroom can't change, cancel or batch it.",
    )
    NOT_RECALLED = (
        "not_recalled",
        "The shop canceled the order, but a printer still has a part of it. Cancel that part at the printer.",
    )
    CHANGE_NOT_SENT = (
        "change_not_sent",
        "The shop changed the order too late for a printer. The printer prints the earlier version.",
    )
    PRINT_FILE_FAILED = "print_file_failed", "The OMS could not make the print file of a line."
    PRINT_FILE_LATE = (
        "print_file_late",
        "The print file of a line was not ready in time. Pressroom no longer asks for it.",
    )
    NO_TEMPLATE = (
        "no_template",
        "A line's variant has no print template, so no batch can print it. Add it to PrintTemplates.",
    )
    BATCH_DEAD = (
        "batch_dead",
        "The OMS did not take the batch of a line, or its answer was lost. Check at the OMS before you replay it.",
    )
    FAILED = "failed", "A printer rejected the order and has not continued since."
    PRODUCTION_ERROR = "production_error", "A printer reported an error in production and has not continued since."
    ON_HOLD = "on_hold", "A printer has put the order on hold."
    APPROVAL_NEEDED = "approval_needed", "A printer waits until the merchant approves a print file."
    HOLD_OLD = "hold_old", "A hold has lasted for days. Printful cancels an order after 30 days on hold."
    STALLED = "stalled", "A printer has not accepted, or not shipped, a line within the configured time."
    CONFIRM_AGAIN = (
        "confirm_again",
        "The order became a draft again at the printer. Nobody prints it until it is confirmed again.",
    )
    CANCELED = "canceled", "A printer canceled pieces that the customer has paid for."
    RETURNED = "returned", "A parcel came back."
    NOT_DELIVERED = "not_delivered", "A carrier could not deliver an item."
    OUT_OF_STOCK = "out_of_stock", "A line that has not left is out of stock, or discontinued, at its printer."
