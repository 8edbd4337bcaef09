"""How long to wait between tries."""

from hypothesis import given
from hypothesis import strategies as st

from pressroom.delivery.worker import LONGEST_WAIT_S, wait
from tests.support.template import functions, resources, template, variables


def test_each_wait_is_twice_as_long_up_to_the_longest() -> None:
    assert [wait(tries, 30) for tries in (1, 2, 3, 4)] == [30, 60, 120, 240]
    assert wait(40, 30) == LONGEST_WAIT_S


def test_jitter_adds_up_to_a_quarter() -> None:
    assert wait(1, 100, jitter=0.5) == 113
    assert wait(40, 30, jitter=0.999) <= LONGEST_WAIT_S * 1.25


def test_what_was_asked_for_only_ever_delays() -> None:
    assert wait(1, 30, asked=5) == 30
    assert wait(1, 30, asked=90) == 90


@given(
    tries=st.integers(1, 40),
    base=st.integers(1, 3600),
    asked=st.floats(0, 1e12),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_one_that_a_queue_takes(tries: int, base: float, asked: float, jitter: float) -> None:
    seconds = wait(tries, base, asked, jitter)
    assert min(base, LONGEST_WAIT_S) <= seconds < 12 * 3600
    assert seconds >= min(asked, LONGEST_WAIT_S)


def test_all_tries_fit_into_what_a_queue_keeps() -> None:
    most = template()["Parameters"]["DeliveryMaxAttempts"]["MaxValue"]
    assert (
        most * LONGEST_WAIT_S * 1.25
        < resources("AWS::SQS::Queue")["CamaloonQueue"]["Properties"]["MessageRetentionPeriod"]
    )
    for each in ("Camaloon", "Oms"):
        assert most < int(variables(functions()[f"Deliver{each}Function"])["LAST_RECEIVE"])
