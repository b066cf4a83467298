"""Lesions drawn into a core, and what must not be taken for one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.core import trabecular_core
from models.crops import BodyCrop
from models.lesion import find_lesion
from node.domain.reasons import Reason, ReasonCode
from tests.builders.body_crops import Body, crop_of


def lesion_of(crop: BodyCrop) -> Reason | None:
    return find_lesion(crop, trabecular_core(crop))


def with_ball(crop: BodyCrop, radius_mm: float, hu: float, *, forward_mm: float = 4.0) -> BodyCrop:
    """A ball of other bone in front of the middle."""
    index = np.stack(np.meshgrid(*map(np.arange, crop.body.shape), indexing="ij"), -1).astype(np.float64)
    x, y, z = np.moveaxis(crop.affine.to_lps(index), -1, 0)
    ball = np.sqrt(x**2 + (y + forward_mm) ** 2 + z**2) < radius_mm
    return replace(crop, hu=np.where(ball, hu, crop.hu).astype(np.int16))


@pytest.mark.parametrize("noise_hu", [0.0, 20.0, 40.0])
@pytest.mark.parametrize("spacing_mm", [(0.7, 0.7, 0.7), (1.0, 0.8, 0.8), (3.0, 1.0, 1.0), (5.0, 0.7, 0.7)])
@pytest.mark.parametrize("marrow_hu", [-20.0, 150.0])
def test_noise_is_no_lesion(noise_hu: float, spacing_mm: tuple[float, float, float], marrow_hu: float) -> None:
    assert lesion_of(crop_of(Body(noise_hu=noise_hu, spacing_mm=spacing_mm, marrow_hu=marrow_hu))) is None


def test_the_vein_behind_is_no_lesion() -> None:
    assert lesion_of(crop_of(Body(vein_hu=10.0, noise_hu=20.0))) is None


@pytest.mark.parametrize(("hu", "told"), [(30.0, "less dense"), (-60.0, "less dense"), (400.0, "denser")])
@pytest.mark.parametrize("noise_hu", [0.0, 40.0])
def test_a_lytic_a_fatty_and_a_sclerotic_part_are_lesions(hu: float, told: str, noise_hu: float) -> None:
    reason = lesion_of(with_ball(crop_of(Body(noise_hu=noise_hu)), 6.5, hu))

    assert reason is not None
    assert reason.code is ReasonCode.FOCAL_LESION
    assert told in reason.detail


def test_a_bone_island_is_too_small_to_move_the_mean() -> None:
    assert lesion_of(with_ball(crop_of(Body()), 2.5, 600.0)) is None


def test_a_lesion_behind_the_core_is_not_looked_for() -> None:
    assert lesion_of(with_ball(crop_of(Body()), 4.0, 0.0, forward_mm=-11.0)) is None


def test_a_body_without_a_core_has_no_lesion() -> None:
    assert lesion_of(crop_of(Body(half_mm=(4.0, 4.0), height_mm=6.0))) is None
