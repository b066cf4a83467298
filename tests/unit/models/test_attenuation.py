"""CT numbers of a body whose CT numbers are known."""

from __future__ import annotations

import math

import pytest

from models.attenuation import LEAST_CORE_MM3, measure_attenuation
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, NotMeasurable, Quantity
from node.domain.reasons import ReasonCode
from tests.builders.body_crops import Body, crop_of

L1 = VertebralLevel.L1


def measured(body: Body) -> dict[Quantity, Measurement]:
    results = measure_attenuation(crop_of(body), L1)
    return {result.quantity: result for result in results if isinstance(result, Measurement)}


def refused(body: Body) -> dict[Quantity, NotMeasurable]:
    results = measure_attenuation(crop_of(body), L1)
    return {result.quantity: result for result in results if isinstance(result, NotMeasurable)}


def test_the_core_reads_the_marrow_and_not_the_cortex() -> None:
    assert measured(Body(marrow_hu=147.0))[Quantity.CORE_MEAN_HU].value == pytest.approx(147.0)


def test_the_body_reads_denser_than_its_core() -> None:
    results = measured(Body())

    assert results[Quantity.BODY_MEAN_HU].value > results[Quantity.CORE_MEAN_HU].value + 20.0


def test_the_vein_behind_does_not_move_the_mean() -> None:
    assert measured(Body(vein_hu=20.0))[Quantity.CORE_MEAN_HU].value == pytest.approx(150.0)


@pytest.mark.parametrize("spacing_mm", [(1.0, 0.8, 0.8), (5.0, 0.7, 0.7), (2.5, 3.0, 3.0)])
def test_the_volume_of_the_body_is_that_of_the_cylinder(spacing_mm: tuple[float, float, float]) -> None:
    volume = measured(Body(spacing_mm=spacing_mm))[Quantity.BODY_VOLUME].value

    assert volume == pytest.approx(math.pi * 16.0 * 21.0 * 26.0, rel=0.12)


def test_the_spread_is_that_of_the_noise() -> None:
    results = measured(Body(noise_hu=25.0))

    assert results[Quantity.CORE_SD_HU].value == pytest.approx(25.0, rel=0.05)
    assert results[Quantity.CORE_MEAN_HU].value == pytest.approx(150.0, abs=2.0)


def test_the_uncertainty_grows_with_what_lies_beside_the_core() -> None:
    even = measured(Body())[Quantity.CORE_MEAN_HU].standard_uncertainty
    small = measured(Body(spacing_mm=(2.5, 3.0, 3.0), half_mm=(11.0, 13.0), height_mm=19.0))[
        Quantity.CORE_MEAN_HU
    ].standard_uncertainty

    assert even is not None
    assert small is not None
    assert even == pytest.approx(0.0, abs=0.5)
    assert small > even + 2.0


def test_a_core_that_is_too_small_has_no_mean_and_says_how_small_it_is() -> None:
    result = refused(Body(half_mm=(7.0, 7.5), height_mm=11.0))[Quantity.CORE_MEAN_HU]

    assert result.reason.code is ReasonCode.ROI_TOO_SMALL
    assert f"{LEAST_CORE_MM3:.0f} mm3" in result.reason.detail


def test_a_core_that_is_darker_than_fat_is_no_bone() -> None:
    core = refused(Body(marrow_hu=-300.0))[Quantity.CORE_MEAN_HU]

    assert core.reason.code is ReasonCode.IMPLAUSIBLE_ANATOMY
    assert "-300 HU" in core.reason.detail
