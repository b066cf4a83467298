"""A number and what is said of it agree wherever they stand, also where one is rounded."""

from __future__ import annotations

import pytest

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand
from node.domain.height_loss import GenantGrade
from node.domain.whole_numbers import whole


@pytest.mark.parametrize(
    ("hu", "told"), [(98.4, "98"), (109.4, "109"), (109.6, "109.6"), (109.97, "110"), (110.4, "110"), (160.4, "160.4")]
)
def test_a_ct_number_is_whole_unless_that_would_change_its_band(hu: float, told: str) -> None:
    assert whole(hu, HuBand.of) == told


@pytest.mark.parametrize(("density", "told"), [(73.2, "73"), (79.6, "79.6"), (79.97, "80"), (120.4, "120.4")])
def test_a_density_is_whole_unless_that_would_change_its_category(density: float, told: str) -> None:
    assert whole(density, BoneCategory.of) == told


@pytest.mark.parametrize("tenths", range(1950, 2050))
def test_what_is_told_of_a_loss_is_judged_as_the_loss(tenths: int) -> None:
    percent = tenths / 100.0

    assert GenantGrade.of(float(whole(percent, GenantGrade.of))) is GenantGrade.of(percent)


@pytest.mark.parametrize("hundredths", [*range(10_900, 11_100), *range(15_900, 16_100)])
def test_a_band_is_that_of_the_ct_number_in_the_documents(hundredths: int) -> None:
    hu = hundredths / 100.0

    assert HuBand.of(round(hu, 1)) is HuBand.of(hu)
    assert HuBand.of(float(whole(hu, HuBand.of))) is HuBand.of(hu)
