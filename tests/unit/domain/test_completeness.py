"""When a study that is still arriving counts as complete."""

import pytest

from node.domain.completeness import (
    Complete,
    CompletenessPolicy,
    CompletionCause,
    Waiting,
    by_time,
    completeness,
    misses_slices,
)
from node.domain.study import Series
from tests.builders.index import NOON, a_series, ct_instances, seconds, uid

POLICY = CompletenessPolicy(study_quiet_s=60.0, series_quiet_s=300.0, longest_wait_s=600.0)
GAP = a_series("1.2", [k for k in range(20) if k != 10])


def after(series: list[Series], elapsed_s: float):
    return completeness(series, POLICY, opened_at=NOON, now=NOON + seconds(elapsed_s))


def test_within_the_quiet_period_the_study_waits_for_more_images():
    answer = after([a_series()], 59)

    assert answer == Waiting(until=NOON + seconds(60), waits_for="more images: the quiet period runs")


def test_after_the_quiet_period_it_is_complete():
    assert after([a_series()], 60) == Complete(cause=CompletionCause.QUIET)


def test_the_quiet_period_runs_from_the_last_image_of_any_series():
    late = Series(series_uid=uid("1.3"), instances=tuple(ct_instances(series="1.3", at=NOON + seconds(50))))

    assert isinstance(after([a_series(), late], 109), Waiting)
    assert isinstance(after([a_series(), late], 110), Complete)


def test_a_gap_keeps_the_study_waiting_and_is_told():
    answer = after([a_series(), GAP], 61)

    assert answer == Waiting(until=NOON + seconds(300), waits_for="missing slices in 1 of 2 series")


def test_a_series_made_with_gaps_is_not_waited_for_once_it_is_quiet():
    assert isinstance(after([a_series(), GAP], 299), Waiting)
    assert after([a_series(), GAP], 300) == Complete(cause=CompletionCause.QUIET)


def test_images_of_other_series_do_not_prolong_the_wait_for_a_gap():
    late = Series(series_uid=uid("1.3"), instances=tuple(ct_instances(series="1.3", at=NOON + seconds(200))))

    assert after([GAP, late], 300) == Complete(cause=CompletionCause.QUIET)


def test_a_gap_is_not_waited_for_beyond_the_longest_wait():
    late = Series(
        series_uid=GAP.series_uid,
        instances=(*GAP.instances, *ct_instances([19], at=NOON + seconds(500))),
    )

    answer = after([late], 580)

    assert isinstance(answer, Waiting)
    assert answer.until == NOON + seconds(600)


def test_the_longest_wait_ends_every_wait():
    stream = Series(series_uid=uid("1.1"), instances=tuple(ct_instances(at=NOON + seconds(599))))

    assert after([GAP, stream], 600) == Complete(cause=CompletionCause.LONGEST_WAIT)


def test_the_quiet_period_never_promises_more_than_the_longest_wait():
    answer = by_time(POLICY, opened_at=NOON, last_at=NOON + seconds(590), now=NOON + seconds(591))

    assert isinstance(answer, Waiting)
    assert answer.until == NOON + seconds(600)


@pytest.mark.parametrize(
    ("series", "misses"),
    [
        (a_series(), False),
        (GAP, True),
        (a_series(slices=[0]), False),
        (a_series(position=None), False),
        (a_series(position=(0.0, 0.0, 0.0)), False),
    ],
    ids=["even", "gap", "one slice", "no positions", "one position"],
)
def test_only_uneven_steps_count_as_a_gap(series, misses):
    assert misses_slices(series) == misses


@pytest.mark.parametrize(
    "wrong", [{"study_quiet_s": -1.0}, {"series_quiet_s": -1.0}, {"study_quiet_s": 60.0, "longest_wait_s": 30.0}]
)
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="must not"):
        CompletenessPolicy(**wrong)
