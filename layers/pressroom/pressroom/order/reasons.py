"""Why a person should look at an order. Each sentence stands here once; API document, console, CLI and docs show it."""

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

    UNPAID = "unpaid", "A printer works on the order, or the shop changed it, but the shop has not reported it as paid."
    PAID_TWICE = "paid_twice", "The shop reported the payment again with different contents; the first report counts."
    NO_SKU = "no_sku", "A line has no SKU, so nobody prints it."
    LINE_UNUSABLE = "line_unusable", "A line has a design or a SKU that Pressroom can't use, so nobody prints it."
    MAYBE_SAME_ORDER = (
        "maybe_same_order",
        "Another record may be the same order: link the two, or say that they are not.",
    )
    MADE_TWICE = "made_twice", "Two open orders of one printer hold the same line, so it will be made twice."
    UNROUTABLE = "unroutable", "A line has no printer, so nobody prints it."
    UNKNOWN_SKU = "unknown_sku", "A printer has, or a parcel holds, an item that was not ordered from that printer."
    LINE_MISSING = "line_missing", "A line is missing from the order at its printer, so nobody prints it."
    OVER_SHIPPED = "over_shipped", "Parcels hold more pieces than were ordered."
    DELIVERY_DEAD = "delivery_dead", "Pressroom gave up on a delivery to a printer."
    SHOP_NOT_TOLD = "shop_not_told", "Pressroom gave up on a notification to the shop."
    ANSWER_LOST = (
        "answer_lost",
        "A printer's response was lost: the printer may have the order although the delivery failed, or have it twice.",
    )
    UID_UNKNOWN = (
        "uid_unknown",
        "The OMS has the order but its response was lost, so Pressroom can't change, cancel or batch it.",
    )
    NOT_RECALLED = "not_recalled", "The shop canceled something that a printer already has."
    CHANGE_NOT_SENT = (
        "change_not_sent",
        "The shop changed something that Pressroom can't change at the printer any more.",
    )
    PRINT_FILE_FAILED = "print_file_failed", "The OMS could not make the print file of a line."
    PRINT_FILE_LATE = (
        "print_file_late",
        "The print file of a line was not ready in time, so Pressroom stopped asking for it.",
    )
    NO_TEMPLATE = "no_template", "A line's variant has no print template, so nobody prints the line."
    BATCH_DEAD = "batch_dead", "The OMS did not accept the batch of a line, or its response was lost."
    FAILED = "failed", "A printer did not accept the order and has not continued since."
    PRODUCTION_ERROR = "production_error", "A line has a production error and will be late."
    ON_HOLD = "on_hold", "A printer holds the order until something is settled."
    APPROVAL_NEEDED = "approval_needed", "A printer holds the order until you approve a design."
    HOLD_OLD = "hold_old", "A printer has held the order for too many days."
    STALLED = "stalled", "A printer has not accepted or shipped its lines within the time limit."
    CONFIRM_AGAIN = "confirm_again", "The order is a draft at Printful again, so nobody prints it."
    CANCELED = "canceled", "Pieces that were paid for were canceled."
    RETURNED = "returned", "A parcel came back."
    NOT_DELIVERED = "not_delivered", "A carrier could not deliver an item."
    ITEM_FILE_FAILED = "item_file_failed", "Printful could not process a print file of an item."
    ITEM_INCOMPLETE = "item_incomplete", "Printful can't make an item yet, mostly because it has no print file."
    OUT_OF_STOCK = "out_of_stock", "A line that has not left is out of stock or discontinued at Printful."
