"""Which facts a link moves."""

from pressroom.order.fold import RULES
from pressroom.order.links import MOVES

OF_THE_SHOP = {"paid", "paid_again", "routed", "updated", "revoked"}
OF_DELIVERIES = {"sent", "dead", "withdrawn", "print_file", "batched", "uid_found"}
OF_PRESSROOM = {"overdue", "notified", "erased", "linked", "unlinked", "resembles", "distinct"}


def test_a_link_moves_every_kind_of_fact_that_a_printer_reports() -> None:
    assert RULES.keys() - OF_THE_SHOP - OF_DELIVERIES - OF_PRESSROOM == MOVES
