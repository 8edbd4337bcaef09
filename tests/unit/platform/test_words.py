import pytest

from pressroom.platform.words import counted


@pytest.mark.parametrize(
    ("number", "many", "more", "text"),
    [
        (0, "", False, "0 deliverys"),
        (1, "deliveries", False, "1 delivery"),
        ("1", "deliveries", False, "1 delivery"),
        (1, "deliveries", True, "more than 1 deliveries"),
        (2, "deliveries", False, "2 deliveries"),
        ("1.5", "deliveries", False, "1.5 deliveries"),
    ],
)
def test_a_number_has_its_noun(number: object, many: str, more: bool, text: str) -> None:
    assert counted(number, "delivery", many, more=more) == text
