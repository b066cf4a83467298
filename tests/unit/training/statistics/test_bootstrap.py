"""Bootstrap intervals against what theory says of means."""

import numpy as np
import pytest

from training.statistics.bootstrap import bootstrap_mean
from training.statistics.estimate import Estimate, NotEstimable


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution_where_cases_are_many() -> None:
    values = np.random.default_rng(3).normal(10.0, 4.0, 400)

    found = bootstrap_mean(values)

    assert isinstance(found, Estimate)
    reach = 1.96 * values.std() / 20.0
    assert found.value == pytest.approx(values.mean())
    assert found.interval.low == pytest.approx(values.mean() - reach, abs=0.03)
    assert found.interval.high == pytest.approx(values.mean() + reach, abs=0.03)


def test_cases_of_one_patient_count_as_one() -> None:
    values = np.random.default_rng(3).normal(10.0, 4.0, 100)
    alone = bootstrap_mean(values)

    repeated = bootstrap_mean(np.repeat(values, 4), [str(patient) for patient in np.repeat(np.arange(100), 4)])

    assert isinstance(alone, Estimate)
    assert isinstance(repeated, Estimate)
    width, same = (each.interval.high - each.interval.low for each in (alone, repeated))
    assert same == pytest.approx(width, rel=0.05)


def test_the_same_values_give_the_same_interval() -> None:
    values = np.arange(20.0)

    assert bootstrap_mean(values) == bootstrap_mean(values)


@pytest.mark.parametrize("patients", [None, ["a"] * 10 + ["b"] * 10])
def test_too_few_patients_give_no_figure(patients: list[str] | None) -> None:
    values = np.arange(9.0) if patients is None else np.arange(20.0)

    found = bootstrap_mean(values, patients)

    assert isinstance(found, NotEstimable)
    assert "too few patients" in found.because


def test_no_cases_give_no_figure() -> None:
    assert isinstance(bootstrap_mean(np.empty(0)), NotEstimable)


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        bootstrap_mean(np.array([1.0, np.nan]))
