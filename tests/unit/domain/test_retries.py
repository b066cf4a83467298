"""When failed work is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.domain.retries import RETRIES, RetryPolicy, after_failure, after_worker_loss
from node.domain.state import WorkEvent
from node.domain.work import Stage

POLICY = RetryPolicy(attempts=4, first_delay_s=5.0, longest_delay_s=15.0, jitter=0.5, worker_losses=3)


def test_every_stage_has_a_policy():
    assert set(RETRIES) == set(Stage)


@pytest.mark.parametrize(("attempts", "delay_s"), [(1, 5.0), (2, 10.0), (3, 15.0)])
def test_the_delay_doubles_up_to_the_longest(attempts, delay_s):
    decision = after_failure(POLICY, attempts=attempts, permanent=False, chance=0.0)

    assert (decision.event, decision.delay.total_seconds()) == (WorkEvent.FAILED, delay_s)


def test_chance_takes_away_the_share_of_the_jitter_at_most():
    decision = after_failure(POLICY, attempts=1, permanent=False, chance=1.0)

    assert decision.delay.total_seconds() == 2.5


def test_the_last_try_is_not_followed_by_another():
    assert after_failure(POLICY, attempts=4, permanent=False, chance=0.0).event is WorkEvent.GIVEN_UP


def test_what_cannot_pass_is_not_tried_again():
    assert after_failure(POLICY, attempts=1, permanent=True, chance=0.0).event is WorkEvent.GIVEN_UP


@pytest.mark.parametrize(
    ("losses", "event"),
    [(1, WorkEvent.LEASE_EXPIRED), (2, WorkEvent.LEASE_EXPIRED), (3, WorkEvent.WORKER_LOST_TOO_OFTEN)],
)
def test_the_third_lost_worker_puts_the_work_into_quarantine(losses, event):
    assert after_worker_loss(POLICY, losses=losses, chance=0.0).event is event


@given(attempts=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_a_delay_is_positive_and_never_above_the_longest(attempts, chance):
    policy = RetryPolicy(attempts=20_000, first_delay_s=5.0, longest_delay_s=900.0)

    delay = after_failure(policy, attempts=attempts, permanent=False, chance=chance).delay.total_seconds()

    assert 0 < delay <= 900.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"worker_losses": 0},
        {"first_delay_s": 0.0},
        {"first_delay_s": 20.0, "longest_delay_s": 10.0},
        {"jitter": 1.5},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        RetryPolicy(**wrong)
