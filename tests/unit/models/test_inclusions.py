"""Metal and cement drawn into a body, and what only looks like them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models.core import trabecular_core
from models.crops import BodyCrop
from models.inclusions import find_inclusion
from node.domain.reasons import ReasonCode
from tests.builders.body_crops import Body, crop_of


def places(crop: BodyCrop) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Left, back and up of every voxel, mm from the middle of the body."""
    index = np.stack(np.meshgrid(*map(np.arange, crop.body.shape), indexing="ij"), -1).astype(np.float64)
    x, y, z = np.moveaxis(crop.affine.to_lps(index), -1, 0)
    return x, y, z


def painted(crop: BodyCrop, where: NDArray[np.bool_], hu: float) -> BodyCrop:
    return replace(crop, hu=np.where(where, hu, crop.hu).astype(np.int16))


def found(crop: BodyCrop) -> ReasonCode | None:
    reason = find_inclusion(crop, trabecular_core(crop))
    return None if reason is None else reason.code


@pytest.mark.parametrize("spacing_mm", [(1.0, 0.8, 0.8), (3.0, 1.0, 1.0), (5.0, 0.7, 0.7)])
@pytest.mark.parametrize("noise_hu", [0.0, 40.0])
def test_bone_alone_is_neither(spacing_mm: tuple[float, float, float], noise_hu: float) -> None:
    assert found(crop_of(Body(spacing_mm=spacing_mm, marrow_hu=350.0, cortex_hu=1500.0, noise_hu=noise_hu))) is None


@pytest.mark.parametrize("aside_mm", [8.0, 14.0, 26.0])
def test_a_screw_in_the_body_or_beside_it_is_metal(aside_mm: float) -> None:
    crop = crop_of(Body())
    x, y, z = places(crop)

    assert found(painted(crop, (np.hypot(x - aside_mm, z) < 3.0) & (y > -8.0), 2900.0)) is ReasonCode.METAL


def test_metal_above_the_slices_of_the_body_is_that_of_its_neighbour() -> None:
    crop = crop_of(Body())
    x, _, z = places(crop)

    assert found(painted(crop, np.hypot(x - 8.0, z - 19.0) < 3.0, 2900.0)) is None


def test_a_clip_is_too_small_to_be_a_screw() -> None:
    crop = crop_of(Body())
    x, y, z = places(crop)

    assert found(painted(crop, np.sqrt(x**2 + (y + 22.0) ** 2 + z**2) < 1.5, 3000.0)) is None


@pytest.mark.parametrize("hu", [900.0, 1800.0])
def test_cement_is_told_from_metal(hu: float) -> None:
    crop = crop_of(Body())
    x, y, z = places(crop)
    cement = np.sqrt((x - 6.0) ** 2 + y**2 + z**2) < 5.0
    crop = painted(crop, cement, hu)

    reason = find_inclusion(crop, trabecular_core(crop))

    assert reason is not None
    assert reason.code is ReasonCode.DENSE_MATERIAL
    assert "above 600 HU" in reason.detail


def test_a_body_as_dense_as_cement_all_over_is_no_trabecular_bone() -> None:
    assert found(crop_of(Body(marrow_hu=1500.0))) is ReasonCode.DENSE_MATERIAL


def test_a_body_without_voxels_holds_nothing() -> None:
    crop = crop_of(Body())

    assert found(replace(crop, body=np.zeros_like(crop.body))) is None
