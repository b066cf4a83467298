"""Drift: what stays within the spread between patients is none, and what moves is told with its day."""

import datetime

import numpy as np
import pytest

from node.domain.drift import find_drift
from node.domain.reference_tissues import ReferenceTissue

FIRST = datetime.date(2026, 1, 1)


def readings(values):
    return [(FIRST + datetime.timedelta(days=day), float(hu)) for day, hu in enumerate(values)]


def noisy(count, *, centre=-1000.0, sd=3.0, seed=1):
    return centre + sd * np.random.default_rng(seed).standard_normal(count)


def test_readings_that_only_vary_between_patients_are_steady():
    drift = find_drift(ReferenceTissue.AIR, readings(noisy(80)))

    assert drift.since is None
    assert drift.centre_hu == pytest.approx(-1000.0, abs=2.0)
    assert drift.shift_hu == pytest.approx(0.0, abs=3.0)
    assert drift.sentence.startswith("air: steady")


def test_a_step_is_told_with_its_size_and_its_day():
    values = noisy(80)
    values[50:] += 12.0

    drift = find_drift(ReferenceTissue.AIR, readings(values))

    assert drift.shift_hu == pytest.approx(12.0, abs=3.0)
    assert drift.since == FIRST + datetime.timedelta(days=50)
    assert f"since {drift.since.isoformat()}" in drift.sentence


def test_one_odd_patient_is_no_drift():
    values = noisy(60)
    values[59] += 200.0

    assert find_drift(ReferenceTissue.AIR, readings(values)).since is None


def test_what_came_back_is_no_drift_any_more():
    values = noisy(80)
    values[40:60] += 15.0

    assert find_drift(ReferenceTissue.AIR, readings(values)).since is None


def test_the_order_in_which_studies_arrive_does_not_count():
    told = readings(noisy(40) + np.linspace(0.0, 20.0, 40))

    assert find_drift(ReferenceTissue.FAT, told[::-1]) == find_drift(ReferenceTissue.FAT, told)


@pytest.mark.parametrize("count", [0, 1, 10, 11, 20])
def test_too_few_readings_are_said_to_be_too_few(count):
    drift = find_drift(ReferenceTissue.BLOOD, readings(noisy(count, centre=42.0)))

    assert drift.shift_hu is None
    assert drift.since is None
    assert drift.sentence == f"blood: too few readings, {count} of 21."


def test_few_scanners_that_are_steady_are_called_drifting():
    """The limits are passed in 3 of 1,000 medians by chance; the usual value of 20 readings is uncertain itself."""
    called = sum(
        find_drift(ReferenceTissue.BLOOD, readings(noisy(60, centre=42.0, sd=6.0, seed=seed))).since is not None
        for seed in range(200)
    )

    assert called <= 12
