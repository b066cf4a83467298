"""Genant's grades, at their limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.domain.height_loss import Deformity, GenantGrade, HeightLoss


def loss(percent: float, uncertainty: float = 0.5) -> HeightLoss:
    return HeightLoss(deformity=Deformity.WEDGE, percent=percent, standard_uncertainty=uncertainty)


@pytest.mark.parametrize(
    ("percent", "grade"), [(-3.0, 0), (19.9, 0), (20.0, 1), (24.9, 1), (25.0, 2), (39.9, 2), (40.0, 3), (80.0, 3)]
)
def test_grades_begin_at_20_25_and_40_percent(percent: float, grade: int) -> None:
    assert loss(percent).grade == grade
    assert loss(percent).is_fracture is (grade > 0)


def test_where_healthy_bodies_may_read_as_a_mild_loss_a_fracture_begins_later() -> None:
    thick = [replace(loss(percent, 12.0), fractured_from=25.0) for percent in (19.0, 22.0, 24.94, 24.96, 60.0)]

    assert [each.is_fracture for each in thick] == [False, False, False, True, True]
    assert [each.is_open for each in thick] == [False, True, True, False, False]


def test_no_body_is_fractured_below_the_mild_grade() -> None:
    with pytest.raises(ValueError, match="below 20"):
        replace(loss(10.0), fractured_from=15.0)


def test_a_loss_near_a_limit_says_which_other_grades_are_as_possible() -> None:
    assert loss(22.0, 4.0).also_possible == (GenantGrade.NORMAL, GenantGrade.MODERATE)
    assert loss(19.0, 2.0).also_possible == (GenantGrade.MILD,)
    assert loss(32.0, 4.0).also_possible == ()


@pytest.mark.parametrize(("percent", "uncertainty"), [(100.0, 1.0), (20.0, 0.0), (float("nan"), 1.0)])
def test_a_loss_of_everything_or_without_uncertainty_is_none(percent: float, uncertainty: float) -> None:
    with pytest.raises(ValueError, match="below 100 percent and uncertain"):
        loss(percent, uncertainty)
