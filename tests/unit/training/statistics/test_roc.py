"""Areas under ROC curves: values by hand and by pROC 1.18.0 for R, and intervals as honest as they say."""

import math

import numpy as np
import pytest
from scipy import stats

from training.statistics.estimate import Estimate, NotEstimable, PairedTest
from training.statistics.roc import LEAST_PATIENTS, binary_area, compare_areas, roc_areas

Z = float(stats.norm.ppf(0.975))

CASES = 60
CLASSES = np.arange(CASES) % 3


def scores(factor: int, lift: float) -> np.ndarray:
    """Scores with ties that follow from whole numbers, so that another program can make the same."""
    number = np.arange(CASES)[:, None]
    noise = ((number * factor + 17 * np.arange(3)) % 61) / 61
    return np.round(noise + lift * (CLASSES[:, None] == np.arange(3)), 2)


GOOD, POOR = scores(37, 0.45), scores(23, 0.2)


def standard_error(estimate: Estimate) -> float:
    """Of the area, from an interval on logits."""
    low, high = (math.log(edge / (1.0 - edge)) for edge in (estimate.interval.low, estimate.interval.high))
    return (high - low) / (2.0 * Z) * estimate.value * (1.0 - estimate.value)


# pROC 1.18.0 for R: auc, sqrt(var), and roc.test(method = "delong") of the scores above
@pytest.mark.parametrize(
    ("index", "good", "good_error", "poor", "poor_error", "statistic", "p_value"),
    [
        (0, 0.84625, 0.0519803908449, 0.615625, 0.0769707410738, 2.61862679036, 0.00882844763951),
        (1, 0.878125, 0.0446891087283, 0.701875, 0.0735860374016, 1.93954363956, 0.0524351760761),
        (2, 0.87625, 0.0446789510924, 0.695, 0.0702565726367, 2.16063837189, 0.0307232848893),
    ],
)
def test_areas_errors_and_paired_tests_are_those_of_proc(index, good, good_error, poor, poor_error, statistic, p_value):
    first, second = (binary_area(index == CLASSES, model[:, index]) for model in (GOOD, POOR))

    for areas, value, error in ((first, good, good_error), (second, poor, poor_error)):
        estimate = areas.of(0)
        assert isinstance(estimate, Estimate)
        assert estimate.value == pytest.approx(value, rel=1e-10)
        assert standard_error(estimate) == pytest.approx(error, rel=1e-9)
    test = compare_areas(first, second)
    assert isinstance(test, PairedTest)
    assert test.statistic == pytest.approx(statistic, rel=1e-9)
    assert test.p_value == pytest.approx(p_value, rel=1e-8)


def test_an_area_is_the_share_of_pairs_in_the_right_order_and_half_of_the_ties():
    positive = np.array([1, 1, 0, 0], dtype=bool)

    areas = binary_area(positive, np.array([3.0, 1.0, 1.0, 2.0]))

    # pairs: 3 > 1, 3 > 2, 1 = 1, 1 < 2
    assert areas.values[0] == pytest.approx((1.0 + 1.0 + 0.5 + 0.0) / 4.0)


def test_the_curves_of_many_classes_are_those_of_each_class_and_their_mean():
    areas = roc_areas(CLASSES, GOOD)
    mean = areas.mean()

    assert isinstance(mean, Estimate)
    assert mean.value == pytest.approx((0.84625 + 0.878125 + 0.87625) / 3.0)
    assert areas.of(1) == binary_area(CLASSES == 1, GOOD[:, 1]).of(0)


def test_cases_that_are_there_twice_for_each_patient_add_no_certainty():
    patients = [f"p{number}" for number in range(CASES)]

    once = roc_areas(CLASSES, GOOD, patients)
    twice = roc_areas(np.tile(CLASSES, 2), np.tile(GOOD, (2, 1)), patients * 2)
    as_if_others = roc_areas(np.tile(CLASSES, 2), np.tile(GOOD, (2, 1)))

    for curve in range(3):
        first, second, third = (areas.of(curve) for areas in (once, twice, as_if_others))
        assert isinstance(first, Estimate)
        assert isinstance(second, Estimate)
        assert isinstance(third, Estimate)
        assert second.interval.low == pytest.approx(first.interval.low)
        assert second.interval.high == pytest.approx(first.interval.high)
        assert standard_error(third) < 0.75 * standard_error(first)


def test_the_interval_of_a_mean_area_holds_the_truth_nearly_as_often_as_it_says():
    rng = np.random.default_rng(1)
    # a score of N(1, 1) for the own class and N(0, 1) for the others: the area is the chance that it is the larger one
    truth = float(stats.norm.cdf(1.0 / math.sqrt(2.0)))
    held, runs = 0, 600
    for _ in range(runs):
        classes = rng.permutation(np.repeat(np.arange(3), (20, 30, 40)))
        drawn = rng.normal(size=(90, 3)) + (classes[:, None] == np.arange(3))
        mean = roc_areas(classes, drawn).mean()
        assert isinstance(mean, Estimate)
        held += mean.interval.low <= truth <= mean.interval.high

    # 95 % less three standard errors of 600 runs and a point for a normal approximation
    assert 0.913 <= held / runs <= 0.987


def test_p_values_are_uniform_where_two_models_are_equally_good():
    rng = np.random.default_rng(2)
    values = []
    for _ in range(400):
        positive = np.arange(80) < 40
        shared = rng.normal(size=80) + positive
        first, second = (binary_area(positive, shared + rng.normal(size=80)) for _ in range(2))
        test = compare_areas(first, second)
        assert isinstance(test, PairedTest)
        values.append(test.p_value)

    assert stats.kstest(values, "uniform").pvalue > 0.01


def test_a_model_does_not_differ_from_itself():
    test = compare_areas(roc_areas(CLASSES, GOOD), roc_areas(CLASSES, GOOD))

    assert isinstance(test, PairedTest)
    assert test.difference.value == 0.0
    assert test.p_value == 1.0


def test_the_test_of_two_models_has_the_same_p_value_either_way():
    first, second = roc_areas(CLASSES, GOOD), roc_areas(CLASSES, POOR)
    one, other = compare_areas(first, second), compare_areas(second, first)

    assert isinstance(one, PairedTest)
    assert isinstance(other, PairedTest)
    assert one.p_value == other.p_value
    assert one.statistic == -other.statistic


def test_perfect_separation_is_not_told_with_certainty():
    positive = np.arange(40) < 20

    estimate = binary_area(positive, positive.astype(float)).of(0)

    assert isinstance(estimate, Estimate)
    assert estimate.value == estimate.interval.high == 1.0
    # Newcombe's method 5 at an area of 1: 1 - area = z sqrt(area (1 - area) (1 + 19 (...)) / 400)
    low = estimate.interval.low
    spread = low * (1 - low) * (1 + 19 * ((1 - low) / (2 - low) + low / (1 + low))) / 400
    assert 1.0 - low == pytest.approx(Z * math.sqrt(spread))
    assert 0.8 < low < 0.95


@pytest.mark.parametrize("count", [3, 6, 7, 10])
def test_perfect_separation_of_many_classes_has_an_interval_as_well(count):
    classes = np.arange(12 * count) % count

    mean = roc_areas(classes, np.eye(count)[classes]).mean()

    assert isinstance(mean, Estimate)
    assert mean.value == pytest.approx(1.0)
    assert mean.interval.low < 1.0


def test_a_class_without_a_score_is_refused():
    with pytest.raises(ValueError, match="classes must be 0 to 2, got 0 to 3"):
        roc_areas(np.arange(60) % 4, GOOD)


def test_patients_with_cases_of_both_kinds_have_the_variance_of_obuchowski():
    rng = np.random.default_rng(7)
    whose = np.repeat(np.arange(30), 3)
    positive = rng.random(90) < 0.4
    values = positive + rng.normal(size=90) + rng.normal(size=30)[whose]

    estimate = binary_area(positive, values, [f"p{each}" for each in whose]).of(0)

    # Obuchowski 1997, with the placement values by counting pairs
    above = np.array([np.mean(score > values[~positive]) for score in values[positive]])
    below = np.array([np.mean(values[positive] > score) for score in values[~positive]])
    area, m, n = above.mean(), positive.sum(), (~positive).sum()
    v10 = np.array([(above - area)[whose[positive] == each].sum() for each in range(30)])
    v01 = np.array([(below - area)[whose[~positive] == each].sum() for each in range(30)])
    with10, with01 = (len(set(whose[side])) for side in (positive, ~positive))
    s10, s01 = with10 / (with10 - 1) * (v10**2).sum() / m, with01 / (with01 - 1) * (v01**2).sum() / n
    s11 = 30 / 29 * (v10 * v01).sum()
    assert isinstance(estimate, Estimate)
    assert standard_error(estimate) ** 2 == pytest.approx(s10 / m + s01 / n + 2 * s11 / (m * n), rel=1e-9)
    assert abs(2 * s11 / (m * n)) > 0.05 * standard_error(estimate) ** 2  # or this would show nothing of it


def jackknife(classes: np.ndarray, *models: np.ndarray) -> float:
    """Variance of the mean area, or of the difference of two, when one case after another is left out."""

    def value(kept: np.ndarray) -> float:
        areas = [
            np.mean([binary_area(classes[kept] == each, model[kept, each]).values[0] for each in range(3)])
            for model in models
        ]
        return float(areas[0] - (areas[1] if len(areas) > 1 else 0.0))

    every = np.arange(len(classes))
    left = np.array([value(every != each) for each in every])
    return float((len(every) - 1) * left.var())


def test_the_variance_of_a_mean_area_is_that_of_leaving_cases_out():
    rng = np.random.default_rng(8)
    classes = np.repeat(np.arange(3), (60, 80, 100))
    # scores of one case go together, as probabilities do, so that the areas of the classes do as well
    shared = rng.normal(size=(240, 1))
    good, poor = (
        lift * (classes[:, None] == np.arange(3)) + shared * np.array((1.0, -1.0, 1.0)) + rng.normal(size=(240, 3))
        for lift in (1.5, 0.8)
    )

    first, second = roc_areas(classes, good), roc_areas(classes, poor)
    mean, test = first.mean(), compare_areas(first, second)

    assert isinstance(mean, Estimate)
    assert isinstance(test, PairedTest)
    assert standard_error(mean) ** 2 == pytest.approx(jackknife(classes, good), rel=0.05)
    interval = test.difference.interval
    assert ((interval.high - interval.low) / (2 * Z)) ** 2 == pytest.approx(jackknife(classes, good, poor), rel=0.05)


def test_a_difference_that_does_not_vary_has_no_p_value():
    positive = np.arange(40) < 20

    test = compare_areas(binary_area(positive, positive.astype(float)), binary_area(positive, np.zeros(40)))

    assert isinstance(test, NotEstimable)
    assert "DeLong" in test.because


def test_the_interval_of_a_difference_stays_within_what_areas_can_differ_by():
    positive = np.arange(20) < 10
    right = np.where(positive, 1.0, 0.0)
    wrong = 1.0 - right
    wrong[0], wrong[10] = 1.0, 0.5

    test = compare_areas(binary_area(positive, right), binary_area(positive, wrong))

    assert isinstance(test, PairedTest)
    assert test.difference.interval.low < test.difference.value < test.difference.interval.high
    assert test.difference.interval.high == 1.0


def test_too_few_patients_give_no_number():
    positive = np.arange(60) < LEAST_PATIENTS - 1
    areas = binary_area(positive, np.random.default_rng(3).normal(size=60))

    for answer in (areas.of(0), areas.mean(), compare_areas(areas, areas)):
        assert answer == NotEstimable(because="too few patients with positive cases: 9, at least 10 are needed")


def test_many_cases_of_few_patients_are_few():
    positive = np.arange(60) % 2 == 0
    patients = [f"p{number // 15}" for number in range(60)]

    answer = binary_area(positive, np.random.default_rng(3).normal(size=60), patients).of(0)

    assert isinstance(answer, NotEstimable)
    assert answer.because.startswith("too few patients")


@pytest.mark.parametrize(
    ("positive", "values", "message"),
    [
        (np.ones(3, dtype=bool), np.zeros(3), "positive and negative"),
        (np.array([True, False]), np.array([0.1, np.nan]), "finite"),
        (np.array([True, False]), np.zeros(3), "one class and one score"),
    ],
)
def test_cases_that_make_no_curve_are_refused(positive, values, message):
    with pytest.raises(ValueError, match=message):
        binary_area(positive, values)


def test_models_are_not_compared_on_different_cases():
    with pytest.raises(ValueError, match="same cases"):
        compare_areas(binary_area(CLASSES == 0, GOOD[:, 0]), binary_area(CLASSES == 1, GOOD[:, 1]))
