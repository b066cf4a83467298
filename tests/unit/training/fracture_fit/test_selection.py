"""Which features are kept: by rules whose outcome is known for made-up features."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from training.fracture_fit.selection import (
    CorrelationFilter,
    LassoFilter,
    fused_selection,
    grouped_folds,
    selected_columns,
)

CASES = 240


@pytest.fixture(scope="module")
def classes() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 3, CASES)


@pytest.fixture(scope="module")
def features(classes: np.ndarray) -> np.ndarray:
    """Two features that tell a class each, a copy of the first with noise, one that never varies, and 26 of noise."""
    rng = np.random.default_rng(2)
    first = (classes == 1) + rng.normal(0.0, 0.5, CASES)
    second = (classes == 2) + rng.normal(0.0, 0.5, CASES)
    copy = first + rng.normal(0.0, 0.1, CASES)
    return np.column_stack((copy, first, np.full(CASES, 7.0), second, rng.normal(0.0, 1.0, (CASES, 26))))


def patients() -> list[str]:
    return [f"patient {case // 3}" for case in range(CASES)]


def test_of_two_that_tell_the_same_the_better_one_is_kept(features: np.ndarray, classes: np.ndarray) -> None:
    kept = CorrelationFilter().fit(features, classes).get_support()

    assert not kept[0]
    assert kept[1]
    assert kept[3]


def test_a_feature_that_does_not_vary_is_left_out(features: np.ndarray, classes: np.ndarray) -> None:
    assert not CorrelationFilter().fit(features, classes).get_support()[2]


def test_kept_features_are_less_correlated_than_the_limit(features: np.ndarray, classes: np.ndarray) -> None:
    kept = CorrelationFilter(most=0.1).fit(features, classes)

    related = np.abs(np.corrcoef(kept.transform(features), rowvar=False))
    assert 2 <= len(related) < 26
    assert related[~np.eye(len(related), dtype=bool)].max() < 0.1


def test_the_lasso_keeps_what_tells_a_class_and_little_else(features: np.ndarray, classes: np.ndarray) -> None:
    folds = grouped_folds(patients(), folds=5, seed=1)

    found = LassoFilter(folds).fit(features[:, 1:], classes)

    kept = found.get_support()
    assert kept[0]
    assert kept[2]
    assert kept.sum() <= 8
    assert found.weights_[[0, 2]].min() > 5.0 * found.weights_[3:].max()


def test_the_lasso_says_where_nothing_tells_the_classes_apart(classes: np.ndarray) -> None:
    noise = np.random.default_rng(3).normal(0.0, 1.0, (CASES, 12))

    with pytest.raises(ValueError, match="no feature of 12"):
        LassoFilter(grouped_folds(patients(), folds=5, seed=1)).fit(noise, classes)


def test_no_patient_is_on_both_sides_of_a_fold_and_every_case_is_judged_once() -> None:
    whose = np.array(patients())

    folds = grouped_folds(patients(), folds=5, seed=1)

    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(CASES))
    for train, test in folds:
        assert not set(whose[train]) & set(whose[test])


def test_folds_follow_from_the_seed_and_not_from_how_patients_are_called() -> None:
    first, again, other = (grouped_folds(patients(), folds=4, seed=seed) for seed in (1, 1, 2))

    assert all(np.array_equal(one[1], two[1]) for one, two in zip(first, again, strict=True))
    assert not all(np.array_equal(one[1], two[1]) for one, two in zip(first, other, strict=True))


def test_fewer_patients_than_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="number of groups"):
        grouped_folds(["a", "a", "b"], folds=3, seed=1)


def test_sources_are_chosen_by_themselves_and_stand_side_by_side(features: np.ndarray, classes: np.ndarray) -> None:
    sources = [[0, 1, 2, 5, 6, 7], [3, 4, 8, 9]]
    selection = fused_selection(sources, grouped_folds(patients(), folds=5, seed=1))

    fused = selection.fit_transform(features, classes)

    kept = selected_columns(selection)
    assert {1, 3} <= set(kept)
    assert not {0, 2} & set(kept)
    assert fused.shape == (CASES, len(kept))
    expected = (features[:, kept] - features[:, kept].mean(0)) / features[:, kept].std(0)
    np.testing.assert_allclose(fused, expected, atol=1e-9)


def test_a_selection_is_blind_to_cases_that_it_was_not_fitted_on(features: np.ndarray, classes: np.ndarray) -> None:
    """Fitted on a part, it does the same to a case whatever the other cases are."""
    part = slice(0, 180)
    selection = fused_selection([list(range(30))], grouped_folds(patients()[part], folds=5, seed=1))
    selection.fit(features[part], classes[part])

    alone, among = selection.transform(features[200:201]), selection.transform(features[180:])

    np.testing.assert_array_equal(alone[0], among[20])


def test_steps_can_be_cloned_as_those_of_scikit_learn_can() -> None:
    folds = grouped_folds(patients(), folds=5, seed=1)

    assert clone(CorrelationFilter(most=0.5)).most == 0.5
    assert len(clone(LassoFilter(folds)).folds) == 5
