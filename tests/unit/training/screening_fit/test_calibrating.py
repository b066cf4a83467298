"""Temperatures and thresholds, on answers whose truth follows a known law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierMethod
from training.screening_fit.calibrating import choose_thresholds, fit_temperature, threshold_name

L1 = ClassifierMethod.L1


def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and classes that come as often as these say."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0.0, 2.0, (count, 3))
    classes = np.array([rng.choice(3, p=row) for row in softmax(logits, axis=1)])
    return logits, classes


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_logits_that_are_too_large_by_a_factor_have_it_as_temperature(factor: float) -> None:
    logits, classes = drawn(4000)

    found = fit_temperature(factor * logits, classes, method=L1, data="drawn")

    assert found is not None
    assert found.value == pytest.approx(factor, rel=0.06)
    assert (found.cases, found.method) == (4000, L1)


def test_too_few_scans_give_no_temperature_and_no_threshold() -> None:
    logits, classes = drawn(29)

    assert fit_temperature(logits, classes, method=L1, data="drawn") is None
    assert choose_thresholds(softmax(logits, axis=1), classes, L1) == ()


def test_a_category_that_is_hardly_there_gives_none_either() -> None:
    logits, _ = drawn(100)
    classes = np.array([0] * 60 + [1] * 36 + [2] * 4)

    assert fit_temperature(logits, classes, method=L1, data="drawn") is None


def test_a_threshold_lies_between_those_who_have_it_and_those_who_do_not() -> None:
    classes = np.repeat([0, 1, 2], 20)
    told = np.full((60, 3), 0.1)
    told[np.arange(60), classes] = 0.8

    thresholds = choose_thresholds(told, classes, L1)

    assert [each.name for each in thresholds] == [threshold_name(L1, category) for category in BoneCategory]
    assert all(each.value == pytest.approx(0.45) for each in thresholds)
