"""The trabecular core keeps its distance from everything that is not trabecular bone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from models.core import EROSION_MM, trabecular_core
from tests.builders.body_crops import Body, crop_of

SPACINGS = [(1.0, 0.8, 0.8), (5.0, 0.7, 0.7), (2.5, 3.0, 3.0), (0.6, 0.6, 0.6)]


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_the_core_stays_three_millimetres_inside_the_surface(spacing_mm: tuple[float, float, float]) -> None:
    crop = crop_of(Body(spacing_mm=spacing_mm))

    core = trabecular_core(crop)

    distance = ndimage.distance_transform_edt(crop.body, sampling=spacing_mm)
    assert core.any()
    assert distance[core].min() >= EROSION_MM


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_the_core_takes_the_middle_half_of_the_height(spacing_mm: tuple[float, float, float]) -> None:
    crop = crop_of(Body(spacing_mm=spacing_mm))

    heights = crop.affine.to_lps(np.argwhere(trabecular_core(crop)).astype(np.float64))[:, 2]

    assert np.abs(heights).max() <= 26.0 / 4.0 + 1e-6


def test_the_core_leaves_the_back_third_to_the_vein() -> None:
    crop = crop_of(Body())

    back = crop.affine.to_lps(np.argwhere(trabecular_core(crop)).astype(np.float64))[:, 1]

    assert back.max() <= 16.0 - 32.0 / 3.0 + 1.0
    assert back.min() < -8.0


def test_the_core_follows_a_tilted_body() -> None:
    crop = crop_of(Body())
    tilted = replace(crop, vertebra=replace(crop.vertebra, up_lps=(0.0, 0.6, 0.8)))

    points = crop.affine.to_lps(np.argwhere(trabecular_core(tilted)).astype(np.float64))

    along = points @ np.array((0.0, 0.6, 0.8))
    assert np.ptp(along) < np.ptp(points[:, 2])


def test_a_body_without_voxels_has_no_core() -> None:
    crop = crop_of(Body())

    assert not trabecular_core(replace(crop, body=np.zeros_like(crop.body))).any()
