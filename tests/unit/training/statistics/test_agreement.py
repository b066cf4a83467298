"""Agreement and shares: worked examples, and the values of R 4.2 and statsmodels 0.14."""

import numpy as np
import pytest

from training.statistics.agreement import BlandAltman, bland_altman, correlation, kappa
from training.statistics.estimate import Estimate, Interval, NotEstimable, PairedTest
from training.statistics.probability import brier_score, reliability
from training.statistics.proportions import share

MEASURED = np.array([102, 118, 96, 140, 155, 133, 128, 110, 149, 161, 137, 122], dtype=float)
REFERENCE = np.array([100, 121, 99, 136, 150, 137, 125, 113, 141, 158, 139, 118], dtype=float)


def read(table: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Two readers' classes from their table of counts."""
    pairs = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    first, second = np.array(pairs).T
    return first, second


def test_bias_and_limits_are_those_of_the_differences():
    # R: mean(d), sd(d), t.test(d)$conf.int
    found = bland_altman(MEASURED, REFERENCE)

    assert isinstance(found, BlandAltman)
    assert found.bias.value == pytest.approx(1.166666667)
    assert found.spread == pytest.approx(3.973396379)
    assert found.bias.interval.low == pytest.approx(-1.357908949)
    assert found.bias.interval.high == pytest.approx(3.691242282)
    assert found.upper_limit.value == pytest.approx(1.166666667 + 1.959963985 * 3.973396379)
    assert found.lower_limit.value == pytest.approx(1.166666667 - 1.959963985 * 3.973396379)


def test_limits_are_less_sure_than_the_bias():
    found = bland_altman(MEASURED, REFERENCE)

    assert isinstance(found, BlandAltman)
    # Bland and Altman 1999, 2.2: the standard error of a limit is about 1.71 that of the bias
    widths = [each.interval.high - each.interval.low for each in (found.bias, found.upper_limit)]
    assert widths[1] / widths[0] == pytest.approx(1.71, abs=0.05)


def test_a_correlation_is_that_of_r():
    # R: cor(x, y), cor.test(x, y)$conf.int
    found = correlation(MEASURED, REFERENCE)

    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(0.984166416)
    assert found.interval.low == pytest.approx(0.9427358799)
    assert found.interval.high == pytest.approx(0.9956885218)


def test_what_does_not_vary_has_no_correlation():
    assert correlation(MEASURED, np.full(12, 0.1)) == NotEstimable(because="one of the two does not vary")


@pytest.mark.parametrize(("slope", "told"), [(2.0, "r is 1,"), (-0.3, "r is -1,")])
def test_a_correlation_without_any_scatter_is_not_told_with_certainty(slope, told):
    found = correlation(MEASURED, slope * MEASURED + 7.0)

    assert isinstance(found, NotEstimable)
    assert told in found.because


def test_kappa_is_that_of_statsmodels():
    # statsmodels 0.14: cohens_kappa of the table, with std_kappa
    found = kappa(*read([[22, 4, 1], [3, 15, 6], [2, 5, 20]]), classes=3)

    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(0.5955555555555555)
    assert found.interval.low == pytest.approx(0.4483892160779275)
    assert found.interval.high == pytest.approx(0.7427218950331834)


def test_readers_who_agree_by_chance_alone_have_a_kappa_of_nothing():
    found = kappa(*read([[10, 10], [10, 10]]), classes=2)

    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(0.0)


@pytest.mark.parametrize("table", [[[20, 0], [0, 0]], [[10, 0], [0, 10]], [[10, 10], [0, 0]]])
def test_a_kappa_that_does_not_vary_is_not_told_with_certainty(table):
    assert isinstance(kappa(*read(table), classes=2), NotEstimable)


@pytest.mark.parametrize("statistic", [bland_altman, correlation])
def test_few_pairs_give_no_number(statistic):
    assert statistic(MEASURED[:9], REFERENCE[:9]) == NotEstimable(because="too few pairs: 9, at least 10 are needed")


@pytest.mark.parametrize("statistic", [bland_altman, correlation])
def test_values_that_are_missing_are_refused(statistic):
    with pytest.raises(ValueError, match="finite"):
        statistic(np.append(MEASURED, np.nan), np.append(REFERENCE, 1.0))


def test_a_share_has_the_interval_of_wilson():
    # Newcombe, Statistics in Medicine 1998;17:857-872, table I: 81 of 263, and 0 of 20
    found, none = share(81, 263), share(0, 20)

    assert isinstance(found, Estimate)
    assert isinstance(none, Estimate)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (none.interval.low, none.interval.high) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_a_share_of_nothing_is_none():
    assert share(0, 0) == NotEstimable(because="no cases")


def test_more_hits_than_cases_are_refused():
    with pytest.raises(ValueError, match="5 of 4"):
        share(5, 4)


def test_brier_scores_go_from_certainty_to_certain_error():
    truth = np.array([0, 1, 2])

    assert brier_score(truth, np.eye(3)) == 0.0
    assert brier_score(truth, np.roll(np.eye(3), 1, axis=1)) == 2.0
    assert brier_score(truth, np.full((3, 3), 1.0 / 3.0)) == pytest.approx(2.0 / 3.0)


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_class_that_is_none_has_no_score(wrong):
    with pytest.raises(ValueError, match="classes must be 0 to 2"):
        brier_score(np.array([0, wrong]), np.full((2, 3), 1.0 / 3.0))


def test_a_score_is_no_probability():
    with pytest.raises(ValueError, match="sum to 1"):
        brier_score(np.array([0]), np.array([[0.9, 0.9]]))


def test_reliability_compares_what_was_told_with_what_was_so():
    told = np.repeat([0.05, 0.32, 1.0], 100)
    is_so = np.concatenate([np.arange(100) < hits for hits in (10, 30, 100)])

    points = reliability(is_so, told)

    assert [point.told for point in points] == pytest.approx([0.05, 0.32, 1.0])
    assert [point.observed.value for point in points] == [0.10, 0.30, 1.0]
    # Wilson: (0.1 + z2/200 -+ z sqrt(0.09/100 + z2/40000)) / (1 + z2/100), with z2 = 3.8415
    ends = points[0].observed.interval
    assert (ends.low, ends.high) == pytest.approx((0.0552, 0.1744), abs=5e-5)


def test_impossible_figures_cannot_be_built():
    interval = Interval(low=0.0, high=1.0, method="none")
    estimate = Estimate(value=0.5, interval=interval, cases=1)

    with pytest.raises(ValueError, match="between 0 and 1"):
        PairedTest(difference=estimate, statistic=1.0, p_value=1.2)
    with pytest.raises(ValueError, match="from a lower to an upper"):
        Interval(low=1.0, high=0.0, method="none")
    with pytest.raises(ValueError, match="finite"):
        Estimate(value=float("nan"), interval=interval, cases=1)
