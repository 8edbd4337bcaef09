"""The errors of deliveries: one verdict per class, and what each verdict means for the engine."""

import itertools

import pytest

from pressroom.platform import errors
from pressroom.platform.errors import Blocked, Dead, DeliveryError, Retry, Unfinished, Verdict, Withdrawn

CLASSES = {Retry: (True, True), Blocked: (True, False), Unfinished: (True, False)} | {
    Dead: (False, True),
    Withdrawn: (False, True),
}
"""Whether the delivery is tried again, and whether the attempt counts."""


@pytest.mark.parametrize(("error", "expected"), CLASSES.items())
def test_a_verdict_says_whether_to_try_again_and_whether_the_attempt_counts(
    error: type[DeliveryError], expected: tuple[bool, bool]
) -> None:
    assert (error in errors.TEMPORARY, error.verdict.uses_try) == expected


def test_every_verdict_has_one_class_and_no_class_contains_another() -> None:
    assert [error.verdict for error in CLASSES] == list(Verdict)
    assert not any(issubclass(one, other) for one, other in itertools.permutations(CLASSES, 2))
