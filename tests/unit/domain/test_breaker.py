"""A breaker's every state and event."""

import pytest

from node.domain.breaker import (
    Breaker,
    BreakerPolicy,
    BreakerState,
    admitted,
    after_failure,
    after_success,
    refuses_until,
)
from tests.builders.index import NOON, seconds

POLICY = BreakerPolicy(failures=3, pause_s=30.0, longest_pause_s=100.0, probe_s=120.0)
OPEN = Breaker(state=BreakerState.OPEN, failures=3, retry_at=NOON + seconds(30))
PROBING = Breaker(state=BreakerState.PROBING, failures=3, retry_at=NOON + seconds(120))


def test_a_closed_breaker_lets_everything_through():
    assert refuses_until(Breaker(failures=2), now=NOON) is None
    assert admitted(Breaker(failures=2), POLICY, now=NOON) == Breaker(failures=2)


def test_failures_in_a_row_open_it():
    breaker = Breaker()
    for _ in range(3):
        breaker = after_failure(breaker, POLICY, now=NOON)

    assert breaker == OPEN


def test_two_failures_do_not_open_it():
    assert after_failure(Breaker(failures=1), POLICY, now=NOON) == Breaker(failures=2)


def test_an_open_breaker_refuses_until_its_pause_is_over():
    assert refuses_until(OPEN, now=NOON + seconds(29)) == NOON + seconds(30)
    assert refuses_until(OPEN, now=NOON + seconds(30)) is None


def test_the_first_through_an_open_breaker_is_the_probe():
    assert admitted(OPEN, POLICY, now=NOON) == PROBING
    assert refuses_until(PROBING, now=NOON) == NOON + seconds(120)


def test_a_straggler_does_not_lengthen_the_pause():
    assert after_failure(OPEN, POLICY, now=NOON + seconds(5)) == OPEN


@pytest.mark.parametrize(("failures", "pause_s"), [(3, 60.0), (4, 100.0), (5000, 100.0)])
def test_each_failed_probe_doubles_the_pause_up_to_the_longest(failures, pause_s):
    probing = Breaker(state=BreakerState.PROBING, failures=failures, retry_at=NOON)

    breaker = after_failure(probing, POLICY, now=NOON)

    assert (breaker.state, breaker.retry_at) == (BreakerState.OPEN, NOON + seconds(pause_s))


def test_a_success_closes_it():
    assert after_success() == Breaker(state=BreakerState.CLOSED, failures=0, retry_at=None)


def test_a_breaker_that_rests_must_know_until_when():
    with pytest.raises(ValueError, match="when to try again"):
        Breaker(state=BreakerState.OPEN, failures=3)


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"pause_s": 0.0}, {"pause_s": 700.0}, {"probe_s": 0.0}])
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        BreakerPolicy(**wrong)
